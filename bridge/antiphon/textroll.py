"""A piano roll in characters, for terminals.

With Unicode a character holds two rows of pitches (half blocks), coloured by part. Without
colours, or in plain ASCII, a character holds one row, and the parts differ by their sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

EMPTY, CALL, ANSWER = 0, 1, 2

SIGNS: Final = {"unicode": " █▒", "ascii": " #="}
"""What stands for nothing, call and answer where a character holds one row."""

HALVES: Final = " ▀▄█"
"""Nothing, upper half, lower half, both."""


class Bar(NamedTuple):
    """A note to draw: columns `start` to `stop` (not included), its pitch and its part."""

    start: float
    stop: float
    pitch: int
    part: int


@dataclass(frozen=True, slots=True)
class Compass:
    """The pitches that the roll shows.

    Attributes
    ----------
    low : int
        The lowest.
    step : int
        Semitones a row: 1 unless the music is wider than the roll is high.
    """

    low: int = 48
    step: int = 1

    def fitted(self, pitches: Iterable[int], rows: int) -> Compass:
        """Return the compass that shows these pitches, moved no more than it must be.

        A roll that follows every note up and down is hard to read, so it stays where it is
        while everything fits.
        """
        seen = sorted(pitches)
        if not seen or rows < 1:
            return self
        low, high = seen[0], seen[-1]
        step = max(-(-(high - low + 1) // rows), 1)
        if step == self.step and self.low <= low and high < self.low + rows * step:
            return self
        spare = rows * step - (high - low + 1)
        return Compass(max(low - spare // 2, 0), step)


def raster(bars: Iterable[Bar], compass: Compass, columns: int, rows: int) -> list[bytearray]:
    """Return the roll as rows of parts, the highest pitch first.

    A note fills at least one column. Where it is struck again right after itself, the column
    before the new one is left empty, so that repeated notes can be counted.
    """
    grid = [bytearray(columns) for _ in range(rows)]
    for bar in sorted(bars):
        row = rows - 1 - (bar.pitch - compass.low) // compass.step
        start, stop = int(bar.start // 1), max(int(bar.stop // 1), int(bar.start // 1) + 1)
        if not (0 <= row < rows and stop > 0 and start < columns):
            continue
        line, first = grid[row], max(start, 0)
        if start > 1 and line[start - 1] == bar.part == line[start - 2]:
            line[start - 1] = EMPTY
        for column in range(first, min(stop, columns)):
            line[column] = bar.part
    return grid


def lines(grid: Sequence[bytearray], *, unicode: bool = True) -> list[str]:
    """Return the roll as plain text, one row of pitches a line."""
    table = str.maketrans("\0\1\2", SIGNS["unicode" if unicode else "ascii"])
    return [row.decode("latin-1").translate(table) for row in grid]


def half_blocks(upper: bytearray, lower: bytearray) -> list[tuple[str, int, int]]:
    """Join two rows of one length into runs of ``(text, colour in front, colour behind)``.

    The colours are parts; a colour behind is named only where both halves differ.
    """
    # one number a column, upper * 3 + lower: rows are added as long integers, runs found by a
    # pattern, because this is most of the cost of a frame
    both = int.from_bytes(upper, "big") * 3 + int.from_bytes(lower, "big")
    runs = []
    for match in _RUNS.finditer(both.to_bytes(len(upper), "big")):
        sign, front, behind = _CODES[match[1][0]]
        runs.append((sign * (match.end() - match.start()), front, behind))
    return runs


_RUNS: Final = re.compile(rb"(.)\1*", re.DOTALL)


def _code(top: int, bottom: int) -> tuple[str, int, int]:
    if top and bottom and top != bottom:
        return HALVES[1], top, bottom
    return HALVES[(1 if top else 0) + (2 if bottom else 0)], top or bottom, EMPTY


_CODES: Final = [_code(top, bottom) for top in range(3) for bottom in range(3)]
