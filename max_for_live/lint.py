"""Find the faults of a layout: what a person would see at once, and a program would not.

    python max_for_live/lint.py FILE.amxd|FILE.maxpat ...

Prints one line a fault, and exits with 2 if there is any.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Final

from alignment import crooked, displaced, stepping, uneven, unordered
from controls import DRAW, cells
from lettering import LINE, width, wrap
from presentation import CONTROLS, LABELS, Box, Presentation, read, texts

SMALLEST: Final = 15
"""Height and width in pixels below which a control is hard to hit; Live's own small one."""

MARGIN_OF_GROUP: Final = 2
"""Pixels that a control keeps from the edge of its panel."""

FAINT: Final = 8.5
"""Size of letters, in pixels, below which Live's users complain."""

SELF_EXPLAINING: Final = frozenset({"live.dial", "live.text", "live.tab", "message", "textbutton"})
"""Controls that say themselves what they are."""

MARGIN: Final = {
    "live.dial": 0,
    "live.numbox": 6,
    "live.slider": 0,
    "live.menu": 16,  # the arrow
    "live.tab": 4,
    "live.text": 6,
    "live.comment": 4,
    "comment": 6,
    "umenu": 18,
    "textbutton": 6,
    "message": 10,
    "newobj": 8,
}
"""Pixels of a box's width that its text cannot have."""


def faults(shown: Presentation) -> list[str]:
    """Return every fault of a presentation, one line each."""
    return [fault for check in CHECKS for fault in check(shown)]


def unknown(shown: Presentation) -> Iterator[str]:
    """Boxes that picture.py cannot draw, so that nobody has seen them."""
    for box in shown.boxes:
        if box.kind not in DRAW:
            yield f"{box.name}: picture.py cannot draw this class"


def outside(shown: Presentation) -> Iterator[str]:
    """Boxes that leave the device."""
    for box in shown.boxes:
        if box.x < 0 or box.y < 0 or box.right > shown.width or box.bottom > shown.height:
            yield (
                f"{box.name}: leaves the {shown.width:g} by {shown.height:g} pixels of the device: "
                f"{box.x:g}..{box.right:g}, {box.y:g}..{box.bottom:g}"
            )


def fractional(shown: Presentation) -> Iterator[str]:
    """Edges between two pixels, which look blurred."""
    for box in shown.boxes:
        if any(edge != int(edge) for edge in (box.x, box.y, box.width, box.height)):
            yield f"{box.name}: not on whole pixels: {box.x}, {box.y}, {box.width}, {box.height}"


def overlaps(shown: Presentation) -> Iterator[str]:
    """Boxes over each other; only a panel may have others on it, wholly and behind them."""
    for back, front in combinations(shown.boxes, 2):
        if not back.overlaps(front):
            continue
        if back.kind == "panel" and back.contains(front):
            continue
        if front.kind == "panel" and front.contains(back):
            yield f"{front.name}: hides {back.name}; panels belong into the background"
        else:
            yield f"{front.name}: overlaps {back.name}"


def ungrouped(shown: Presentation) -> Iterator[str]:
    """Controls on no panel, and panels without a title."""
    if not shown.panels:
        return
    for box in shown.boxes:
        if box.touchable and shown.group(box) is None:
            yield f"{box.name}: in no group"
    for panel in shown.panels:
        inside = [box for box in shown.boxes if shown.group(box) is panel]
        touched = [box for box in inside if box.touchable]
        top = min((box.y for box in touched), default=panel.bottom)
        if touched and not any(box.kind in LABELS and box.y <= top for box in inside):
            yield f"{panel.name}: a group of {touched[0].name} without a title"


def tight(shown: Presentation) -> Iterator[str]:
    """Controls that touch the edge of their group."""
    for box in shown.boxes:
        panel = shown.group(box)
        if panel is None or box.kind in LABELS or box.kind == "live.line":
            continue
        room = min(
            box.x - panel.x, box.y - panel.y, panel.right - box.right, panel.bottom - box.bottom
        )
        if room < MARGIN_OF_GROUP:
            yield f"{box.name}: {room:g} pixels from the edge of its group"


def cramped(shown: Presentation) -> Iterator[str]:
    """Text that does not fit: names, choices, values with their units."""
    for box in shown.boxes:
        room = box.width - MARGIN.get(box.kind, 0)
        high = box.height
        if box.kind == "live.dial":
            lines = bool(box.values.get("showname", 1)) + bool(box.values.get("shownumber", 1))
            if high < 24 + 12 * lines:
                yield f"{box.name}: {high:g} pixels are too low for its name, dial and value"
            name = str(box.parameter.get("parameter_shortname", ""))
            if box.values.get("showname", 1) and width(name, box.size) > room:
                yield _too_long(box, name, room)
        if box.kind == "live.tab":
            room = min((cell.width for _, cell in cells(box)), default=room) - MARGIN["live.tab"]
            high = min((cell.height for _, cell in cells(box)), default=high)
        if box.size > high and box.kind in MARGIN:
            yield f"{box.name}: letters of {box.size:g} pixels in {high:g}"
        if box.size < FAINT and box.kind in MARGIN:
            yield f"{box.name}: letters of {box.size:g} pixels are too small to read"
        for text in texts(box):
            if box.kind in LABELS:
                lines_needed = wrap(text, box.size, room)
                widest = max(lines_needed, key=lambda line: width(line, box.size, bold=box.bold))
                if width(widest, box.size, bold=box.bold) > room:
                    yield _too_long(box, widest, room)
                elif (len(lines_needed) - 1) * LINE * box.size + box.size > high:
                    yield f"{box.name}: {len(lines_needed)} lines do not fit {high:g} pixels"
            elif width(text, box.size, bold=box.bold) > room:
                yield _too_long(box, text, room)


def _too_long(box: Box, text: str, room: float) -> str:
    need = width(text, box.size, bold=box.bold)
    return f"{box.name}: “{text}” is {need:.0f} pixels wide and has {room:.0f}"


def small(shown: Presentation) -> Iterator[str]:
    """Controls that are hard to hit."""
    for box in shown.boxes:
        parts = [cell for _, cell in cells(box)] if box.kind == "live.tab" else [box]
        for part in parts[:1]:
            if box.touchable and min(part.width, part.height) < SMALLEST:
                yield f"{box.name}: {part.width:g} by {part.height:g} pixels are hard to hit"


def silent(shown: Presentation) -> Iterator[str]:
    """Controls without Info Text, which Live shows on hovering."""
    for box in shown.boxes:
        if not box.touchable:
            continue
        if not box.values.get("annotation") and not (not shown.device and box.values.get("hint")):
            yield f"{box.name}: no Info Text (annotation)"
        elif shown.device and not box.values.get("annotation_name"):
            yield f"{box.name}: its Info Text has no title (annotation_name)"


def unlabelled(shown: Presentation) -> Iterator[str]:
    """Controls of which nothing says what they are."""
    labels = [box for box in shown.boxes if box.kind in LABELS and box.values.get("text")]
    for box in shown.boxes:
        if box.kind == "live.dial" and not box.values.get("showname", 1):
            named = False
        elif box.kind in SELF_EXPLAINING:
            named = any(text.strip() for text in texts(box))
        else:
            named = box.kind not in CONTROLS or not box.touchable
        if not named and not any(_beside(label, box) for label in labels):
            yield f"{box.name}: no label above or beside it"


def _beside(label: Box, box: Box) -> bool:
    above = 0 <= box.y - label.bottom <= 4 and label.x < box.right and box.x < label.right
    level = label.y < box.bottom and box.y < label.bottom
    left, right = 0 <= box.x - label.right <= 8, 0 <= label.x - box.right <= 8
    return above or (level and (left or right))


CHECKS: Final[tuple[Callable[[Presentation], Iterator[str]], ...]] = (
    unknown,
    outside,
    fractional,
    overlaps,
    ungrouped,
    tight,
    cramped,
    small,
    silent,
    unlabelled,
    unordered,
    crooked,
    stepping,
    displaced,
    uneven,
)


def main(paths: list[str]) -> int:
    """Print the faults of the files named."""
    if not paths:
        print("usage: lint.py FILE.amxd|FILE.maxpat ...", file=sys.stderr)
        return 2
    found = 0
    for path in paths:
        try:
            views = read(Path(path))
        except (OSError, ValueError) as error:
            print(f"expected a device or a patcher; {path}: {error}; name another", file=sys.stderr)
            return 2
        for fault in (fault for shown in views for fault in faults(shown)):
            found += 1
            print(f"{path}: {fault}")
    return 2 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
