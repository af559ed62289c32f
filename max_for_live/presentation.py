"""What a patcher shows in presentation: its boxes, and the texts that stand on them.

Attribute names and defaults are those of Max's reference pages (Max 8 and later).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import amxd

DEVICE_HEIGHT: Final = 169
"""Height of a device's presentation in Live, in pixels."""

NOTES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

ENUM, UNIT_INT, UNIT_FLOAT, UNIT_MS, UNIT_HZ, UNIT_DB, UNIT_PERCENT = 2, 0, 1, 2, 3, 4, 5
UNIT_SEMITONES, UNIT_MIDI, UNIT_CUSTOM = 7, 8, 9

CONTROLS: Final = frozenset(
    {"live.dial", "live.numbox", "live.menu", "live.tab", "live.text", "live.toggle"}
    | {"live.button", "live.slider", "umenu", "number", "flonum", "toggle", "button", "message"}
    | {"textbutton", "dial"}
)
"""Classes that are there to be touched."""

LABELS: Final = frozenset({"live.comment", "comment"})


@dataclass(frozen=True, slots=True)
class Box:
    """One box as it stands in presentation.

    Attributes
    ----------
    kind : str
        Its class (``maxclass``).
    x, y, width, height : float
        In pixels.
    values : mapping
        Its attributes.
    depth : int
        0 is in front of everything else.
    """

    kind: str
    x: float
    y: float
    width: float
    height: float
    values: Mapping[str, Any]
    depth: int

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Bottom edge."""
        return self.y + self.height

    @property
    def parameter(self) -> Mapping[str, Any]:
        """What is saved of its value: names, range, choices."""
        value: Mapping[str, Any]
        value = self.values.get("saved_attribute_attributes", {}).get("valueof", {})
        return value

    @property
    def label(self) -> str:
        """Its long name, or its scripting name where it has none."""
        return str(self.parameter.get("parameter_longname") or self.values.get("varname", ""))

    @property
    def name(self) -> str:
        """A name for people: its class, and its label, its text or its id."""
        found = self.label or self.values.get("text") or self.values.get("id", "")
        return f"{self.kind} “{found}”"

    @property
    def size(self) -> float:
        """Size of its letters in pixels."""
        live = self.kind.startswith("live.")
        return float(self.values.get("fontsize", 10.0 if live else 12.0))

    @property
    def bold(self) -> bool:
        """Whether its letters are bold."""
        return bool(int(self.values.get("fontface", 0)) & 1)

    @property
    def touchable(self) -> bool:
        """Whether it answers to the mouse."""
        return self.kind in CONTROLS and not self.values.get("ignoreclick")

    def color(self, name: str) -> Any:
        """Return a colour attribute: the name of a theme's colour, RGBA from 0 to 1, or None."""
        saved = self.values.get("saved_attribute_attributes", {})
        expression = saved.get(name, {}).get("expression", "")
        if expression.startswith("themecolor."):
            return expression.removeprefix("themecolor.")
        return self.values.get(name)

    def contains(self, other: Box) -> bool:
        """Tell whether another box lies within this one."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.right <= self.right
            and other.bottom <= self.bottom
        )

    def overlaps(self, other: Box) -> bool:
        """Tell whether both cover a pixel."""
        return (
            self.x < other.right
            and other.x < self.right
            and self.y < other.bottom
            and other.y < self.bottom
        )


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a patcher shows.

    Attributes
    ----------
    name : str
        The file's name without its ending.
    device : bool
        Whether it is a device in Live rather than a window of Max.
    width, height : float
        In pixels.
    boxes : tuple of Box
        The visible ones, the hindmost first.
    panels : tuple of Box
        The panels among them.
    groups : mapping of int to Box or None
        The smallest panel around each box, by the box's depth.
    """

    name: str
    device: bool
    width: float
    height: float
    boxes: tuple[Box, ...]
    panels: tuple[Box, ...]
    groups: Mapping[int, Box | None]

    def group(self, box: Box) -> Box | None:
        """Return the smallest panel around a box."""
        return self.groups[box.depth]


def read(path: Path) -> list[Presentation]:
    """Read a device (``.amxd``) or a patcher (``.maxpat``), or the tabs of a ``.maxhelp``.

    Raises
    ------
    ValueError
        If it is none of them.
    """
    data = path.read_bytes()
    device = data[:4] == b"ampf"
    told = amxd.patcher(data) if device else json.loads(data)
    if not isinstance(told, dict) or "boxes" not in told.get("patcher", {}):
        raise ValueError("there is no patcher in its JSON")
    patcher = told["patcher"]
    inner = [entry["box"] for entry in patcher["boxes"] if "patcher" in entry["box"]]
    tabs = [box for box in inner if box["patcher"].get("showontab")]
    if tabs:
        names = [f"{path.stem} {box['text'].removeprefix('p ')}" for box in tabs]
        shown = zip(names, tabs, strict=True)
        return [presentation(name, box["patcher"], device=False) for name, box in shown]
    return [presentation(path.stem, patcher, device)]


def presentation(name: str, patcher: Mapping[str, Any], device: bool) -> Presentation:
    """Return what a patcher's JSON shows.

    Where nothing is in presentation, as in most help files, the patcher itself is shown.
    """
    boxes = [entry["box"] for entry in patcher["boxes"]]
    presented = any(box.get("presentation") for box in boxes)
    shown = []
    # The first of the file is in front; what is in the background is behind all that is not.
    for depth, box in enumerate(boxes):
        if box.get("hidden") or (presented and not box.get("presentation")):
            continue
        x, y, wide, high = map(float, box["presentation_rect" if presented else "patching_rect"])
        behind = len(boxes) if box.get("background") else 0
        shown.append(Box(box["maxclass"], x, y, wide, high, box, depth + behind))
    shown.sort(key=lambda box: -box.depth)
    if device:
        edge = max((box.right for box in shown), default=0.0)
        width, height = float(patcher.get("devicewidth") or math.ceil(edge)), float(DEVICE_HEIGHT)
    else:
        width, height = map(float, patcher["rect"][2:])
    panels = tuple(box for box in shown if box.kind == "panel")
    groups = {box.depth: _group(box, panels) for box in shown}
    return Presentation(name, device, width, height, tuple(shown), panels, groups)


def _group(box: Box, panels: Iterable[Box]) -> Box | None:
    around = [panel for panel in panels if panel is not box and panel.contains(box)]
    return min(around, key=lambda panel: panel.width * panel.height, default=None)


def entries(box: Box) -> list[str]:
    """Return the choices of a menu or a row of tabs."""
    if box.kind == "umenu":
        items = box.values.get("items", [])
        text = " ".join("," if item == "," else str(item) for item in items)
        return [item.strip() for item in text.split(",")] if text else []
    return [str(item) for item in box.parameter.get("parameter_enum", ())]


def initial(box: Box) -> float:
    """Return the value that a parameter has at first."""
    told = box.parameter.get("parameter_initial")
    first = told[0] if isinstance(told, list) else told
    if isinstance(first, str):
        return float(entries(box).index(first))
    return bounds(box)[0] if first is None else float(first)


def bounds(box: Box) -> tuple[float, float]:
    """Return the lowest and the highest value of a parameter."""
    told = box.parameter
    if told.get("parameter_type") == ENUM:
        return 0.0, float(max(0, len(entries(box)) - 1))
    high = 1.0 if box.kind in ("live.toggle", "live.text") else 127.0
    return float(told.get("parameter_mmin", 0.0)), float(told.get("parameter_mmax", high))


def written(box: Box, value: float) -> str:
    """Return a value of a parameter as Live writes it."""
    told = box.parameter
    if told.get("parameter_type") == ENUM:
        names = entries(box)
        return names[int(value)] if 0 <= int(value) < len(names) else ""
    style = told.get("parameter_unitstyle", UNIT_FLOAT)
    whole = told.get("parameter_type") == 1 or style == UNIT_INT
    plain = f"{value:.0f}" if whole else f"{value:.2f}"
    if style == UNIT_CUSTOM:
        units = str(told.get("parameter_units", ""))
        if "%" in units:
            return units % (round(value) if "d" in units else value)
        return f"{plain} {units}".rstrip()
    if style == UNIT_MIDI:
        return f"{NOTES[round(value) % 12]}{round(value) // 12 - 2}"  # Live calls 60 C3
    unit = {UNIT_MS: " ms", UNIT_HZ: " Hz", UNIT_DB: " dB", UNIT_PERCENT: " %"}
    return plain + unit.get(style, " st" if style == UNIT_SEMITONES else "")


def texts(box: Box) -> Iterator[str]:
    """Yield what may stand on a box, one after the other: choices, extremes of a value."""
    if box.kind in ("live.text", "textbutton"):
        yield str(box.values.get("text", ""))
        if box.values.get("mode", 1 if box.kind == "live.text" else 0):
            yield str(box.values.get("texton", box.values.get("text", "")))
    elif box.kind in ("live.menu", "live.tab", "umenu"):
        yield from entries(box)
    elif box.kind in ("live.dial", "live.numbox", "live.slider"):
        if box.parameter.get("parameter_type") == ENUM:
            yield from entries(box)
        else:
            low, high = bounds(box)
            pitches = box.parameter.get("parameter_unitstyle") == UNIT_MIDI
            between = range(int(low), int(high) + 1)
            yield from (written(box, value) for value in (between if pitches else (low, high)))
            yield written(box, initial(box))
    elif box.kind in ("live.comment", "comment", "message", "newobj"):
        yield str(box.values.get("text", ""))
