"""A builder of Max patchers: boxes, cords and parameters, written as JSON.

What is built the same way comes out as the same bytes: ids count up, keys keep their order, and
boxes stand in the patching window in columns, one a section.
"""

from __future__ import annotations

import json
import string
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from faces import ENUM, UNIT_CUSTOM, Face

ARITY: Final[dict[str, tuple[int, int]]] = {
    "midiin": (1, 1),
    "midiout": (1, 0),
    "midiparse": (1, 8),
    "midiformat": (7, 2),
    "midiflush": (1, 1),
    "makenote": (3, 2),
    "transport": (2, 9),
    "metro": (2, 1),
    "change": (1, 3),
    "&&": (2, 1),
    "/": (2, 1),
    "udpsend": (1, 0),
    "udpreceive": (1, 1),
    "freebang": (0, 1),
    "patcherargs": (1, 2),
    "deferlow": (1, 1),
    "live.thisdevice": (1, 3),
    "inlet": (0, 1),
    "outlet": (1, 0),
    "message": (2, 1),
    "comment": (1, 0),
    "panel": (1, 0),
    "kslider": (2, 2),
    "bpatcher": (1, 2),
    "live.comment": (1, 0),
    "live.dial": (1, 2),
    "live.numbox": (1, 2),
    "live.text": (1, 2),
    "live.toggle": (1, 1),
    "live.menu": (1, 3),
    "live.tab": (1, 3),
}
"""Inlets and outlets of a class; of some they depend on the arguments, see `arity`."""

_ROW: Final = 26
_COLUMN: Final = 190


def arity(text: str) -> tuple[int, int]:
    """Return the numbers of inlets and outlets of an object by what stands in its box."""
    name, *rest = text.split()
    arguments = [word for word in rest if not word.startswith("@")]
    match name:
        case "t":
            return 1, len(arguments)
        case "route" | "sel":  # since Max 8 an inlet for each argument, too
            return len(arguments) + 1, len(arguments) + 1
        case "funnel":
            return int(arguments[0]), 1
        case "pack":
            return len(arguments), 1
        case "unpack":
            return 1, len(arguments)
        case "pipe":
            return len(arguments), len(arguments) - 1
        case "gate":
            return 2, int(arguments[0]) if arguments else 1
        case _:
            return ARITY[name]


@dataclass(frozen=True, slots=True)
class Box:
    """A box of a patcher; cords are drawn with `Patcher.cord`."""

    id: str
    inlets: int
    outlets: int


class Patcher:
    """A patcher under construction.

    Parameters
    ----------
    compact : bool
        Whether the file is to be small rather than the patching window to be read: no titles of
        sections, and all boxes in one place.
    """

    def __init__(self, compact: bool = False) -> None:
        self._compact = compact
        self.boxes: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self._parameters = 0
        self._x, self._y = 20 - _COLUMN, 0

    def section(self, title: str) -> None:
        """Begin a new column of the patching window."""
        self._x, self._y = self._x + _COLUMN, 20
        if not self._compact:
            self.add("comment", title)

    def new(self, text: str, at: tuple[int, ...] | None = None) -> Box:
        """Add an object box."""
        return self._put("newobj", arity(text), at, text=text)

    def script(self, text: str, outlets: int) -> Box:
        """Add a ``js``: only its script knows its outlets, so that its box says how many."""
        return self._put("newobj", (1, outlets), text=text, numoutlets=outlets)

    def message(self, text: str, name: str = "") -> Box:
        """Add a message box, with a scripting name if a script is to find it."""
        named = {"varname": name} if name else {}
        return self._put("message", ARITY["message"], None, text=text, **named)

    def add(
        self, kind: str, text: str = "", at: tuple[int, ...] | None = None, **attributes: Any
    ) -> Box:
        """Add a box of a class of its own, such as a dial or an inlet; `at` moves and sizes it."""
        if text:
            attributes["text"] = text
        return self._put(kind, ARITY[kind], at, **attributes)

    def patcher(self, name: str, inner: dict[str, Any]) -> Box:
        """Add a box that holds a patcher of its own."""
        return self._put("newobj", (0, 0), text=f"p {name}", patcher=inner)

    def parameter(self, face: Face, **attributes: Any) -> Box:
        """Add the box of a parameter of Live."""
        box = self.add(
            face.look,
            varname=face.name,
            annotation_name=face.name,
            annotation=face.help,
            parameter_enable=1,
            saved_attribute_attributes={"valueof": valueof(face, self._parameters)},
            **attributes,
        )
        self._parameters += 1
        return box

    def cord(self, source: Box, target: Box, outlet: int = 0, inlet: int = 0) -> None:
        """Draw a cord from an outlet to an inlet.

        Raises
        ------
        ValueError
            If there is no such outlet or inlet, or the cord is there already.
        """
        line = {"patchline": {"destination": [target.id, inlet], "source": [source.id, outlet]}}
        if outlet >= source.outlets or inlet >= target.inlets or line in self.lines:
            raise ValueError(f"no cord can go from {source}, {outlet} to {target}, {inlet}")
        self.lines.append(line)

    def chain(self, *boxes: Box) -> None:
        """Draw cords from first outlet to first inlet all along."""
        for source, target in pairwise(boxes):
            self.cord(source, target)

    def _put(
        self,
        kind: str,
        ends: tuple[int, int],
        at: tuple[int, ...] | None = None,
        **attributes: Any,
    ) -> Box:
        box = Box(str(len(self.boxes) + 1), *ends)
        rect = [self._x, self._y, min(180, 14 + 6 * len(str(attributes.get("text", "")))), 22]
        if at:
            rect[: len(at)] = at
        if self._compact:
            rect = [0, 0, 9, 9]
        self._y += _ROW
        # Max counts the inlets and outlets of an object when it makes it.
        told = {"id": box.id, "maxclass": kind, "patching_rect": rect}
        self.boxes.append({"box": told | attributes})
        return box

    def shorten(self) -> None:
        """Give the shortest ids to the boxes that are named most."""
        ends = ("source", "destination")
        named = Counter(line["patchline"][end][0] for line in self.lines for end in ends)
        boxes = sorted((entry["box"] for entry in self.boxes), key=lambda box: -named[box["id"]])
        short = {box["id"]: _id(place) for place, box in enumerate(boxes)}
        for box in boxes:
            box["id"] = short[box["id"]]
        for line in self.lines:
            for end in ends:
                line["patchline"][end][0] = short[line["patchline"][end][0]]

    def tree(self, **attributes: Any) -> dict[str, Any]:
        """Return the patcher, to stand in a file or in the box of another one."""
        version = {"major": 8, "minor": 6, "revision": 0, "architecture": "x64", "modernui": 1}
        head = {"fileversion": 1, "appversion": version, "classnamespace": "box"}
        return head | attributes | {"boxes": self.boxes, "lines": self.lines}

    def json(self, **attributes: Any) -> bytes:
        """Return the patcher's file: one line a box and a cord."""
        tree = self.tree(**attributes)
        rows = [_rows(name, tree.pop(name)) for name in ("boxes", "lines")]
        return ('{"patcher":' + ",\n".join([_written(tree)[:-1], *rows]) + "}}").encode()


def valueof(face: Face, order: int) -> dict[str, Any]:
    """Return what Live is told of a parameter: a lowest value of 0 goes without saying."""
    told: dict[str, Any] = {
        "parameter_longname": face.name,
        "parameter_shortname": face.short,
        "parameter_type": face.type,
        "parameter_order": order,
        "parameter_initial_enable": 1,
        "parameter_initial": [face.initial],
    }
    if face.type == ENUM:
        told["parameter_enum"] = list(face.choices)
    else:
        told["parameter_unitstyle"] = face.unit
        if face.low:
            told["parameter_mmin"] = face.low
    told["parameter_mmax"] = face.high
    if face.unit == UNIT_CUSTOM:
        told["parameter_units"] = face.units
    if face.visibility:
        told["parameter_invisible"] = face.visibility
    return told


def bank(name: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    """Return a bank of parameters as Push shows it."""
    return {"0": {"index": 0, "name": name, "parameters": list(parameters)}}


def needed(name: str, kind: str = "TEXT") -> dict[str, Any]:
    """Return an entry of the list of files that a patcher needs beside it."""
    here = {"bootpath": "~", "patcherrelativepath": "."}
    return {"name": name, **here, "type": kind, "implicit": 1}


def _id(place: int) -> str:
    """Return the shortest id for a place: one letter for the first boxes, two for the others.

    No digits: nothing says what Max makes of a name that looks like a number.
    """
    before, last = divmod(place, len(string.ascii_letters))
    return (_id(before - 1) if before else "") + string.ascii_letters[last]


def _written(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _rows(name: str, entries: list[dict[str, Any]]) -> str:
    return f'"{name}":[\n' + ",\n".join(map(_written, entries)) + "\n]"
