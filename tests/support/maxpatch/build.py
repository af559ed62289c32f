"""Small patches for tests of the interpreter itself, from a few words."""

from __future__ import annotations

from typing import Any

from maxpatch.atoms import Message
from maxpatch.objects.base import Object
from maxpatch.patch import Patch

_UI = ("live.", "kslider", "toggle", "button", "umenu", "number", "inlet", "outlet", "comment")


def box(name: str, text: str, at: tuple[float, float], **more: Any) -> dict[str, Any]:
    """Return a box; `text` that begins with ``msg`` is a message box."""
    first = text.partition(" ")[0]
    json: dict[str, Any] = {"id": name, "patching_rect": [*at, 60.0, 20.0], **more}
    if first == "msg":
        json |= {"maxclass": "message", "text": text.partition(" ")[2]}
    elif first.startswith(_UI) and first != "live.thisdevice":
        json |= {"maxclass": first}
    else:
        json |= {"maxclass": "newobj", "text": text}
    return json


def parameter(name: str, kind: int = 0, **more: Any) -> dict[str, Any]:
    """Return what a box says about the parameter that it is."""
    valueof = {"parameter_longname": name, "parameter_shortname": name, "parameter_type": kind}
    valueof |= {f"parameter_{key}": value for key, value in more.items()}
    return {"parameter_enable": 1, "saved_attribute_attributes": {"valueof": valueof}}


def patcher(boxes: dict[str, Any], cords: list[str]) -> dict[str, Any]:
    """Return a patcher's JSON.

    Parameters
    ----------
    boxes : dict
        Text of each box by its id, or ``(text, {...})``, with ``at`` for its place. Places go from
        top to bottom unless told.
    cords : list of str
        ``"a:0 b:1"``; outlet and inlet 0 may be left out.
    """
    made = []
    for row, (name, said) in enumerate(boxes.items()):
        text, more = said if isinstance(said, tuple) else (said, {})
        more = dict(more)
        made.append(box(name, text, more.pop("at", (10.0, 30.0 * row)), **more))
    lines = []
    for cord in cords:
        ends = [end.partition(":") for end in cord.split()]
        (source, _, outlet), (destination, _, inlet) = ends
        line = {"source": [source, int(outlet or 0)], "destination": [destination, int(inlet or 0)]}
        lines.append({"patchline": line})
    return {"boxes": [{"box": it} for it in made], "lines": lines}


class Probe:
    """A patch with its sent messages written down.

    Attributes
    ----------
    log : list of tuple
        ``(box, inlet, message as typed)`` in the order of delivery.
    """

    def __init__(self, boxes: dict[str, Any], cords: list[str], **world: Any) -> None:
        self.patch = Patch(patcher(boxes, cords), **world)
        self.log: list[tuple[str, int, str]] = []
        self.patch.trace = self._note

    def _note(self, to: Object, inlet: int, what: Message) -> None:
        self.log.append((to.box.id, inlet, str(what)))

    def put(self, name: str, *atoms: Any, inlet: int = 0) -> list[tuple[str, int, str]]:
        """Send a message into a box; return what was delivered on from there."""
        before = len(self.log) + 1
        self.patch.put(name, inlet, *atoms)
        return self.log[before:]

    def at(self, name: str) -> list[str]:
        """Return what came to a box's left inlet."""
        return [text for to, inlet, text in self.log if to == name and inlet == 0]
