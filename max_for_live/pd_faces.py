"""The faces of ``antiphon.pd``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from antiphon.params import BY_NAME

MOST: Final = 16777216.0
"""Numbers in Pd are single floats: whole ones are exact up to here."""

PITCH_CLASSES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

MODES: Final = (("Respond", 1), ("Loop", 4), ("Solo", 6))


@dataclass(frozen=True, slots=True)
class Face:
    key: str
    label: str
    low: float
    high: float
    default: float
    whole: bool = False
    choices: tuple[str, ...] = ()
    sent: bool = True


_WITHOUT = ("bpm", "thru", "latency", "channel/in", "channel/out")


def _face(name: str) -> Face:
    param = BY_NAME[name]
    choices = PITCH_CLASSES if name == "key" else param.choices
    label = name.replace("/", " ").title()
    return Face(name, label, param.low, min(param.high, MOST), param.default, param.whole, choices)


FACES: Final = (
    *(_face(name) for name in BY_NAME if name not in _WITHOUT),
    Face("variations", "Variations", 1, 16, 4, True, sent=False),
    Face("thru", "Thru", 0, 1, 1, True, sent=False),
    Face("capture", "Capture Length", 1, 32, 8, False, sent=False),
)
OTHERS: Final = _WITHOUT
