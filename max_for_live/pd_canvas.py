"""The text of a Pure Data patch, built object by object or from chains of boxes.

Source of the format: the Pd manual's description of its file format, and files that Pd 0.53 saved.
"""

from __future__ import annotations

import re
from typing import Final

ROW: Final = 26
"""Pixels from one row of boxes to the next."""

WIDE: Final = 1100
"""Pixels after which a band of chains ends."""

_PLACE = re.compile(r"@(?P<name>\w+)(?:\.(?P<number>\d+))?")
_NAMED = re.compile(r"(?P<name>\w+): (?P<text>.+)")


class Canvas:
    """One canvas of a patch: the patch itself, or a subpatch of it.

    Objects are numbered in the order in which they come; cords name these numbers.

    Parameters
    ----------
    name : str
        The name of a subpatch; empty for the patch itself.
    width, height : int
        Least size of the window in pixels; it grows with its boxes.
    """

    def __init__(self, name: str = "", width: int = 100, height: int = 100) -> None:
        self.name = name
        self._size = width, height
        self._lines: list[str] = []
        self._cords: list[tuple[int, int, int | str, int]] = []
        self._count = 0
        self._end: list[str] = []
        self._named: dict[str, tuple[int, int]] = {}
        self._left = self._top = self._bottom = 20

    def raw(self, line: str) -> int:
        """Add an object by its line in the file, and return its number."""
        self._lines.append(line)
        self._count += 1
        return self._count - 1

    def grow(self, width: int, height: int) -> None:
        """Make the window at least this large."""
        self._size = max(self._size[0], width), max(self._size[1], height)

    def box(self, x: int, y: int, text: str) -> int:
        """Add an object box, or a message box where `text` ends with an open bracket."""
        self.grow(x + 200, y + 60)
        kind = "msg" if text.endswith("(") else "obj"
        return self.raw(f"#X {kind} {x} {y} {escape(text.removesuffix('('))};")

    def comment(self, x: int, y: int, text: str, width: int = 60) -> int:
        """Add a comment, broken at `width` characters."""
        return self.raw(f"#X text {x} {y} {escape(text)}, f {width};")

    def cord(self, source: int, target: int | str, outlet: int = 0, inlet: int = 0) -> None:
        """Connect an outlet to an inlet of a box, given by its number or its name."""
        self._cords.append((source, outlet, target, inlet))

    def chains(self, text: str) -> None:
        """Add chains of boxes, a column each, from left to right and in bands below each other.

        Parameters
        ----------
        text : str
            A chain a line: boxes with ``->`` between, each fed by the first outlet of the one
            before; a line that begins with an arrow goes on with the one above. ``name: box``
            gives a box a name; ``@name.1`` at the beginning of a chain is its second outlet, at
            the end its second inlet. Cords of one outlet are not to depend on their order: that
            is what ``t`` (trigger) is for.
        """
        whole = re.sub(r"\s*\n\s*-> ", " -> ", text)
        for line in filter(None, map(str.strip, whole.splitlines())):
            self._chain([part.strip() for part in line.split(" -> ")])

    def _chain(self, parts: list[str]) -> None:
        if self._left > WIDE:
            self._left, self._top = 20, self._bottom + ROW
        last, outlet, y, widest = -1, 0, self._top, 0
        for part in parts:
            if place := _PLACE.fullmatch(part):
                name, port = place["name"], int(place["number"] or 0)
                if last >= 0:
                    self.cord(last, name, outlet, port)  # may stand further down
                else:
                    last, its_y = self._named[name]
                    outlet, y = port, max(y, its_y + ROW)
                continue
            named = _NAMED.fullmatch(part)
            text = named["text"] if named else part
            number = self.box(self._left, y, text)
            if named:
                self._named[named["name"]] = number, y
            if last >= 0:
                self.cord(last, number, outlet)
            last, outlet, y, widest = number, 0, y + ROW, max(widest, len(text))
        self._bottom = max(self._bottom, y)
        self._left += widest * 8 + 24

    def sub(self, x: int, y: int, inner: Canvas) -> int:
        """Add a subpatch."""
        self._lines += inner.lines()
        return self.raw(f"#X restore {x} {y} pd {inner.name};")

    def graph(self, width: int, height: int) -> None:
        """Show a rectangle of this canvas, from its top left corner, on the patch that uses it."""
        self._end = [f"#X coords 0 -1 1 1 {width} {height} 2 0 0;"]

    def lines(self) -> list[str]:
        """Return the lines of the file, one for each record."""
        tail = f"{self.name} 0" if self.name else "12"
        head = f"#N canvas 60 60 {self._size[0]} {self._size[1]} {tail};"
        return [head, *self._lines, *map(self._connect, self._cords), *self._end]

    def _connect(self, cord: tuple[int, int, int | str, int]) -> str:
        source, outlet, target, inlet = cord
        number = self._named[target][0] if isinstance(target, str) else target
        return f"#X connect {source} {outlet} {number} {inlet};"

    def text(self) -> str:
        """Return the file."""
        return "\n".join(self.lines()) + "\n"


def escape(text: str) -> str:
    """Write dollars, commas and semicolons as Pd saves those that are text."""
    return re.sub(r"\s*([;,])", r" \\\1", text.replace("$", "\\$"))
