"""What ``antiphon.pd`` shows on the patch that uses it: the faces in groups, and the state.

A face sends what is done to it to ``$0-face-NAME`` and shows what comes to ``$0-show-NAME``; the
subpatches are behind these names, so that no cord crosses the panel.
"""

from __future__ import annotations

from typing import Final

from faces import FACES, Face
from pd_canvas import Canvas, escape
from pd_faces import ALL, is_switch, key

ROW: Final = 20
COLUMN: Final = 284
MARGIN: Final = 6
GAP: Final = 6
"""Pixels between groups."""

LABEL: Final = 96
"""Pixels from a row's left end to its face; the label is there."""

LINE: Final = 15
"""Height of a face."""

FONT: Final = 10
STEPS: Final = (0.01, 0.02, 0.025, 0.05, 0.1, 0.125, 0.25, 0.5)
LONGEST: Final = 129
"""Pixels of the longest slider: 0 to 64 in halves, a pitch a pixel."""

PAPER, GROUP, INK, FIELD = "#f0f0f0", "#d8d8d8", "#202020", "#fcfcfc"

COLUMNS: Final = (("Antiphon", "Vary"), ("Play",), ("Harmony", "Time"))
"""The groups of the table from left to right."""

HEAD: Final = 5
"""Rows of the first group, which has a layout of its own."""


class Panel:
    """Places the faces on a canvas.

    Parameters
    ----------
    canvas : Canvas
        The patch; the panel is its top left corner.
    """

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._plate(0, 0, *panel_size(), PAPER, "")
        for place, column in enumerate(COLUMNS):
            x, y = MARGIN + COLUMN * place, MARGIN
            for group in column:
                self._plate(x, y, COLUMN - 8, ROW - 2, GROUP, group)
                (self._head if group == "Antiphon" else self._group)(group, x, y + ROW)
                y += _height(group)

    def _group(self, group: str, x: int, y: int) -> None:
        for place, face in enumerate(face for face in FACES if _here(face, group)):
            self._face(x, y + ROW * place, face)
        if group == "Vary":
            down = y + ROW * sum(_here(face, group) for face in FACES)
            for place, name in enumerate(("Capture", "Vary", "Keep", "Undo")):
                self._button(x + 4 + 66 * place, down, name)

    def _head(self, _: str, x: int, y: int) -> None:
        self._symbol(x + 4, y, "state", 12)
        self._lamp(x + 100, y, "played", "Call")
        self._lamp(x + 160, y, "note", "Answer")
        for place, name in enumerate(("On", "Thru", "Drums")):
            self._toggle(x + 4 + 66 * place, y + ROW, key(name), name, after=True)
        self._face(x, y + 2 * ROW, ALL["mode"])
        for place, name in enumerate(("End Turn", "Panic")):
            self._button(x + 4 + 100 * place, y + 3 * ROW, name)

    def _face(self, x: int, y: int, face: Face) -> None:
        """Add a face with its label: a toggle, a row to choose from, a slider, a number."""
        name = face.param or key(face.name)
        at = x + LABEL
        if is_switch(face):
            self._toggle(at, y, name, face.name)
        elif face.choices:
            few = len(face.choices) <= 5
            if few:
                self._radio(at, y, name, face.name, len(face.choices))
            else:
                self._number(at, y, name, 3, face.name, face)
            self._symbol(at + (LINE * len(face.choices) + 6 if few else 40), y, f"name-{name}", 13)
        elif width := slider(face):
            self._slider(at, y, name, face, width)
            self._number(at + LONGEST + 12, y, name, 5, "", face)
        else:
            self._number(at, y, name, 8, face.name, face)

    def _plate(self, x: int, y: int, width: int, height: int, color: str, title: str) -> None:
        label = _label(title) or "empty"
        self._canvas.raw(
            f"#X obj {x} {y} cnv 5 {width} {height} empty empty {label} 4 9 0 {FONT} "
            f"{color} {INK} 0;"
        )

    def _named(self, name: str) -> str:
        return f"\\$0-face-{name} \\$0-show-{name}"

    def _toggle(self, x: int, y: int, name: str, title: str, after: bool = False) -> None:
        place = f"{LINE + 4} 8" if after else _left()
        self._canvas.raw(
            f"#X obj {x} {y} tgl {LINE} 0 {self._named(name)} {_label(title)} {place} 0 {FONT} "
            f"{FIELD} {INK} {INK} 0 1;"
        )

    def _radio(self, x: int, y: int, name: str, title: str, count: int) -> None:
        self._canvas.raw(
            f"#X obj {x} {y} hradio {LINE} 1 0 {count} {self._named(name)} {_label(title)} "
            f"{_left()} 0 {FONT} {FIELD} {INK} {INK} 0;"
        )

    def _slider(self, x: int, y: int, name: str, face: Face, width: int) -> None:
        self._canvas.raw(
            f"#X obj {x + 3} {y} hsl {width} {LINE} {face.low:g} {face.high:g} 0 0 "
            f"{self._named(name)} {_label(face.name)} {_left(3)} 0 {FONT} {FIELD} {INK} {INK} 0 1;"
        )

    def _number(self, x: int, y: int, name: str, digits: int, title: str, face: Face) -> None:
        if title:
            self._plate(x - LABEL, y, 1, LINE, PAPER, title)
        self._canvas.raw(
            f"#X floatatom {x} {y} {digits} {face.low:g} {face.high:.9g} 0 - "
            f"\\$0-show-{name} \\$0-face-{name} {FONT};"
        )

    def _symbol(self, x: int, y: int, name: str, letters: int) -> None:
        self._canvas.raw(f"#X symbolatom {x} {y} {letters} 0 0 0 - \\$0-show-{name} - {FONT};")

    def _button(self, x: int, y: int, name: str) -> None:
        self._canvas.raw(
            f"#X obj {x} {y} bng {LINE} 250 50 0 \\$0-do-{key(name)} empty {_label(name)} "
            f"{LINE + 4} 8 0 {FONT} {FIELD} {INK} {INK};"
        )

    def _lamp(self, x: int, y: int, name: str, title: str) -> None:
        self._canvas.raw(
            f"#X obj {x} {y} bng {LINE} 100 50 0 empty \\$0-{name} {_label(title)} "
            f"{LINE + 4} 8 0 {FONT} {FIELD} {INK} {INK};"
        )


def panel_size() -> tuple[int, int]:
    """Return width and height of the panel."""
    height = MARGIN + max(sum(map(_height, column)) for column in COLUMNS)
    return 2 * MARGIN + COLUMN * len(COLUMNS) - 8, height


def slider(face: Face) -> int:
    """Return how long a face's slider is, so that a pixel is a round step; 0 for no slider."""
    span = face.high - face.low
    if face.whole:
        return int(span * max(1, (LONGEST - 1) // span)) + 1 if span < LONGEST else 0
    return next((round(span / step) + 1 for step in STEPS if span / step < LONGEST), 0)


def _here(face: Face, group: str) -> bool:
    return face.group == group and (face.param or key(face.name)) in ALL


def _height(group: str) -> int:
    faces = sum(_here(face, group) for face in FACES)
    rows = HEAD if group == "Antiphon" else 1 + faces + (group == "Vary")
    return ROW * rows + GAP


def _label(title: str) -> str:
    return escape(title).replace(" ", "\\ ")


def _left(more: int = 0) -> str:
    return f"{4 - LABEL - more} 8"
