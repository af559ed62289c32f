"""Draw what a device or a patcher shows, as SVG, with every control at its initial value.

    python max_for_live/picture.py FILE.amxd OUT.svg [NAME=CHOICE ...]

NAME is a control's long name, or its scripting name where it is no parameter, and CHOICE what to
show on it instead. Of a help file the first tab is drawn. The letters are a sans of the widths
that lint.py reckons with.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Final

from canvas import DESKTOP, EDGE, FONT, ON, SURFACE, TITLE, Canvas
from controls import DRAW
from presentation import Presentation, read

BAR: Final = 17
"""Height of the bar with the device's name that Live draws above it, in pixels."""

SCALE: Final = 2
"""Pixels of the picture for one of Live's."""


def draw(presentation: Presentation, shown: Mapping[str, str] | None = None) -> str:
    """Return a presentation as SVG.

    Parameters
    ----------
    presentation : Presentation
        What to draw.
    shown : mapping, optional
        Long name of a parameter, or scripting name of a menu, to the choice to show.

    Raises
    ------
    ValueError
        If a class is shown that cannot be drawn.
    """
    canvas = Canvas(shown or {})
    for box in presentation.boxes:
        if box.kind not in DRAW:
            raise ValueError(f"{box.name}: no way is known to draw it; add one to picture.py")
        DRAW[box.kind](canvas, box)
    bar = BAR if presentation.device else 0
    wide, high = presentation.width + 2, presentation.height + bar + 2
    title = escape(presentation.name)
    frame = [
        f'<rect width="{wide:g}" height="{high:g}" rx="4" fill="{DESKTOP}"/>',
        f'<rect x="1" y="1" width="{wide - 2:g}" height="{high - 2:g}" rx="3" fill="{SURFACE}"/>',
    ]
    if bar:
        name = Canvas({})
        name.text(presentation.name, 20, 1 + bar / 2, 11, anchor="start", bold=True)
        frame += [
            f'<path d="M1 {bar + 1}V4a3 3 0 0 1 3-3H{wide - 4:g}a3 3 0 0 1 3 3V{bar + 1}z" '
            f'fill="{TITLE}"/>',
            f'<circle cx="10.5" cy="{1 + bar / 2:g}" r="4.5" fill="{ON}" stroke="{EDGE}"/>',
            *name.shapes,
        ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{SCALE * wide:g}" '
            f'height="{SCALE * high:g}" viewBox="0 0 {wide:g} {high:g}" role="img" '
            f'aria-labelledby="t" font-family="{FONT}">',
            f'<title id="t">{title}: what it shows, drawn from its file</title>',
            *frame,
            f'<g transform="translate(1 {bar + 1})">',
            *canvas.shapes,
            "</g>",
            "</svg>\n",
        ]
    )


def main(arguments: list[str]) -> int:
    """Draw the file named first into the file named second."""
    if len(arguments) < 2 or not all("=" in one for one in arguments[2:]):
        print("usage: picture.py FILE.amxd|FILE.maxpat OUT.svg [NAME=CHOICE ...]", file=sys.stderr)
        return 2
    source, target = map(Path, arguments[:2])
    shown = dict(one.split("=", 1) for one in arguments[2:])
    try:
        target.write_text(draw(read(source)[0], shown), encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        print(f"expected a device or a patcher; {source}: {error}; name another", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
