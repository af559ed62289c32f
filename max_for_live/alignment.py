"""Faults of a layout's lines: boxes a little off, gaps that differ, an order nobody reads in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Final

from controls import NAME
from presentation import LABELS, Box, Presentation

NEAR: Final = 3
"""Pixels within which two edges were meant to be one."""

LOW: Final = 20
"""Height of a control, in pixels, up to which its text stands on one line in its middle."""


def unordered(shown: Presentation) -> Iterator[str]:
    """Automatable parameters that Live would list in another order than one reads them."""
    boxes = [
        box
        for box in shown.boxes
        if box.values.get("parameter_enable") and not box.parameter.get("parameter_invisible")
    ]
    boxes.sort(key=_order)
    for earlier, later in pairwise(boxes):
        if _order(earlier) == _order(later):
            yield f"{later.name}: has the place {_order(later)} of {earlier.name} (parameter_order)"
    for earlier, later in combinations(boxes, 2):
        group, other = shown.group(earlier), shown.group(later)
        if group is other:
            wrong = _reads_before(later, earlier)
        else:
            wrong = group is not None and other is not None and _reads_before(other, group)
        if wrong:
            yield f"{later.name}: reads before {earlier.name}, and comes after it in Live's list"


def _order(box: Box) -> int:
    return int(box.parameter.get("parameter_order", 0))


def _reads_before(one: Box, other: Box) -> bool:
    """Tell whether one reads before the other whichever way one reads: rows or columns first."""
    shared_rows = min(one.bottom, other.bottom) - max(one.y, other.y)
    shared_columns = min(one.right, other.right) - max(one.x, other.x)
    left, above = one.right <= other.x, one.bottom <= other.y
    return (left and (shared_rows > 0 or above)) or (above and (shared_columns > 0 or left))


def crooked(shown: Presentation) -> Iterator[str]:
    """Edges that were meant to be one line, and are a little apart."""
    for one, other in combinations(shown.boxes, 2):
        if shown.group(one) is not shown.group(other) or "live.line" in (one.kind, other.kind):
            continue
        alike = one.kind == other.kind
        # Text has lines of its own, see `stepping`.
        edges = alike or not ({one.kind, other.kind} & (LABELS | {"live.dial"}))
        if _nearly(one.x, other.x, one.right, other.right):
            yield f"{other.name}: {abs(one.x - other.x):g} pixels out of line with {one.name}"
        elif edges and one.kind not in LABELS and _nearly(one.right, other.right, one.x, other.x):
            apart = abs(one.right - other.right)
            yield f"{other.name}: ends {apart:g} pixels out of line with {one.name}"
        elif edges and _nearly(one.y, other.y, one.bottom, other.bottom):
            yield f"{other.name}: {abs(one.y - other.y):g} pixels off the height of {one.name}"


def stepping(shown: Presentation) -> Iterator[str]:
    """Text beside text, and not on one line."""
    lines = [(box, box.y + NAME) for box in shown.boxes if box.kind == "live.dial"]
    lines += [(box, box.y + box.height / 2) for box in shown.boxes if box.height <= LOW]
    for (one, middle), (other, other_middle) in combinations(lines, 2):
        apart = abs(middle - other_middle)
        beside = one.right <= other.x or other.right <= one.x
        if beside and 0.5 < apart <= NEAR and shown.group(one) is shown.group(other):
            yield f"{other.name}: {apart:g} pixels off the line of {one.name}"


def displaced(shown: Presentation) -> Iterator[str]:
    """Titles that stand elsewhere in their group than the others do."""
    titles = []
    for panel in shown.panels:
        inside = [box for box in shown.boxes if shown.group(box) is panel]
        labels = [box for box in inside if box.kind in LABELS]
        if labels:
            title = min(labels, key=lambda box: (box.y, box.x))
            titles.append((title, (title.x - panel.x, title.y - panel.y)))
    usual = Counter(place for _, place in titles).most_common(1)
    for title, place in titles:
        apart = max(abs(a - b) for a, b in zip(place, usual[0][0], strict=True))
        if 0 < apart <= NEAR:
            yield f"{title.name}: {apart:g} pixels from where titles of groups stand"


def _nearly(start: float, other_start: float, end: float, other_end: float) -> bool:
    """Tell whether two spans almost begin together, and do not share their end or middle."""
    apart = abs(start - other_start)
    together = end == other_end or abs((start + end) - (other_start + other_end)) <= 1
    return 0 < apart <= NEAR and not together


def uneven(shown: Presentation) -> Iterator[str]:
    """Rows and columns of like boxes with gaps that differ a little."""
    rows: dict[tuple[object, ...], list[tuple[float, float, Box]]] = {}
    for box in shown.boxes:
        if box.kind in LABELS:
            continue  # they go with their controls
        group = id(shown.group(box))
        panel = box.kind == "panel"  # of any size
        row = ("row", group, box.kind, box.y, panel or box.width)
        column = ("column", group, box.kind, box.x, panel or box.height)
        rows.setdefault(row, []).append((box.x, box.right, box))
        rows.setdefault(column, []).append((box.y, box.bottom, box))
    for line in rows.values():
        line.sort(key=lambda span: span[:2])
        gaps = [after[0] - before[1] for before, after in pairwise(line)]
        for (first, second), (_, _, box) in zip(pairwise(gaps), line[2:], strict=True):
            if 0 < abs(first - second) <= NEAR:
                yield f"{box.name}: {second:g} pixels from its neighbour, and that {first:g}"
