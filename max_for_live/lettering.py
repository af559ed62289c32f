"""How wide text is, without a font at hand.

Live's own font is not ours to ship or to measure. It is a sans of Helvetica's proportions, so the
widths are those of Helvetica (the metrics that Adobe publishes for the PostScript core fonts),
which Arial and Liberation Sans have as well.
"""

from __future__ import annotations

from typing import Final

_ASCII: Final = (
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 "  # space to /
    "556 556 556 556 556 556 556 556 556 556 278 278 584 584 584 556 "  # 0 to ?
    "1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 "  # @ to O
    "667 778 722 667 611 722 667 944 667 667 611 278 278 278 469 556 "  # P to _
    "333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 "  # ` to o
    "556 556 333 500 278 556 500 722 500 500 500 334 260 334 584"  # p to ~
)
WIDTHS: Final = {chr(32 + n): int(width) for n, width in enumerate(_ASCII.split())}
"""Advance of each character, in thousandths of the size."""

OTHER: Final = 600
"""What a character outside the table is taken for."""

BOLD: Final = 1.07
"""How much wider bold text is, about."""

LINE: Final = 1.2
"""Height of a line, in sizes."""


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return the width of one line of text in pixels, at a size in pixels."""
    units = sum(WIDTHS.get(character, OTHER) for character in text)
    return units * size / 1000 * (BOLD if bold else 1.0)


def wrap(text: str, size: float, room: float) -> list[str]:
    """Break text into lines that are `room` pixels wide, as far as its words allow."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            longer = f"{line} {word}" if line else word
            if line and width(longer, size) > room:
                lines.append(line)
                line = word
            else:
                line = longer
        lines.append(line)
    return lines
