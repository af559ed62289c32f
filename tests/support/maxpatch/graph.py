"""Boxes and cords of a patcher, and the order in which cords of one outlet are served.

Source: Max's user guide, "Message order": outlets of an object right to left; of several cords
from one outlet, the one to the right-most box first, and of boxes exactly above each other the
lowest first; each branch to its end before the next begins. Max writes the same order into the
``order`` key of the cords of patchers that it saves (0 first).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from json import loads
from pathlib import Path
from typing import Any

from maxpatch.atoms import PatchError

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Cord:
    """A patch cord: ids of two boxes, and which outlet goes to which inlet."""

    source: str
    outlet: int
    destination: str
    inlet: int

    def __str__(self) -> str:
        return f"{self.source}:{self.outlet} -> {self.destination}:{self.inlet}"


@dataclass(frozen=True)
class Box:
    """One box.

    Attributes
    ----------
    id : str
        With the ids of the patchers around it, ``/`` between them.
    maxclass : str
        ``newobj`` or the class of a user interface object.
    json : mapping
        Everything that the file says about it.
    """

    id: str
    maxclass: str
    json: Json = field(compare=False, hash=False, repr=False)

    @property
    def text(self) -> str:
        """What is typed into it."""
        return str(self.json.get("text", ""))

    @property
    def place(self) -> tuple[float, float]:
        """Its left upper corner in the patching view."""
        left, top, *_ = self.json["patching_rect"]
        return float(left), float(top)

    def __str__(self) -> str:
        name = self.json.get("varname")
        return f"[{self.text or self.maxclass}]" + (f" {name!r}" if name else "") + f" ({self.id})"


@dataclass
class Graph:
    """A patcher's boxes, its patchers within patchers laid out flat, and its cords."""

    boxes: dict[str, Box] = field(default_factory=dict)
    cords: list[Cord] = field(default_factory=list)


def read(patcher: Json, folder: Path | None = None, within: str = "") -> Graph:
    """Read a patcher, and those inside it.

    A patcher inside (written there, or a ``bpatcher`` with a file's name) becomes a box of its own
    and the boxes in it; its ``inlet`` and ``outlet`` boxes are found by :func:`ports`.

    Raises
    ------
    PatchError
        If ids are not unique or a cord ends at a box that is not there.
    """
    graph = Graph()
    for entry in patcher["boxes"]:
        json = entry["box"]
        if json["maxclass"] == "bpatcher" and "patcher" not in json:
            if folder is None:
                raise PatchError(f"no folder to find {json.get('name')} in")
            text = (folder / json["name"]).read_text(encoding="utf-8")
            json = {**json, "patcher": loads(text)["patcher"]}
        box = Box(within + json["id"], json["maxclass"], json)
        if box.id in graph.boxes:
            raise PatchError(f"two boxes with the id {box.id}")
        graph.boxes[box.id] = box
        if "patcher" in json:
            inner = read(json["patcher"], folder, box.id + "/")
            graph.boxes.update(inner.boxes)
            graph.cords.extend(inner.cords)
    seen = set()
    for entry in patcher["lines"]:
        line = entry["patchline"]
        (source, outlet), (destination, inlet) = line["source"], line["destination"]
        cord = Cord(within + source, outlet, within + destination, inlet)
        for end in (cord.source, cord.destination):
            if end not in graph.boxes:
                raise PatchError(f"cord {cord}: no box {end}")
        if cord in seen:
            raise PatchError(f"cord {cord} is there twice")
        seen.add(cord)
        graph.cords.append(cord)
    return graph


def ports(graph: Graph, patcher: Box, maxclass: str) -> list[Box]:
    """Return the ``inlet`` or ``outlet`` boxes of a patcher inside, left to right."""
    inside = patcher.id + "/"
    found = (
        box
        for box in graph.boxes.values()
        if box.maxclass == maxclass
        and box.id.startswith(inside)
        and "/" not in box.id[len(inside) :]
    )
    return sorted(found, key=lambda box: box.place)


def served(graph: Graph, backwards: bool = False) -> dict[tuple[str, int], list[Cord]]:
    """Return the cords of each outlet in the order in which they are served.

    Parameters
    ----------
    graph : Graph
    backwards : bool
        Serve them in the opposite order, which no patch should depend on.
    """

    def first(cord: Cord) -> tuple[float, float, int]:
        left, top = graph.boxes[cord.destination].place
        return left, top, cord.inlet

    order: dict[tuple[str, int], list[Cord]] = {}
    for cord in sorted(graph.cords, key=first, reverse=not backwards):
        order.setdefault((cord.source, cord.outlet), []).append(cord)
    return order


def classes(graph: Graph) -> Iterator[tuple[Box, str]]:
    """Yield every box with the name of its class as typed."""
    for box in graph.boxes.values():
        yield box, (box.text.split() or [""])[0] if box.maxclass == "newobj" else box.maxclass
