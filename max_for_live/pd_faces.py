"""The faces of ``antiphon.pd``: those of the table, by the names that Pd's messages use."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from faces import BUTTONS, FACES, WITHOUT, Face

DAEMON_KEEPS: Final = tuple(WITHOUT)
"""Parameters without a face: the message ``set`` takes them too."""

ELSEWHERE: Final = {
    "Clip": "the clips are Live's; the messages clip get, begin, note and end move notes here",
    "Clip Status": "it belongs to Clip",
    "Receive Port": "it is the first creation argument, as is the custom in Pd",
    "Instance": "another receive port tells instances apart",
    "Daemon Port": "it is the second creation argument",
    "Status": "the panel shows it as a word",
    "Read Clip": "the clips are Live's",
    "Write Clip": "the clips are Live's",
}
"""Faces of the table that the patch does not have, each with the reason."""


def key(name: str) -> str:
    """Return what a face or button is called in messages and in the patch's own names."""
    return name.lower().replace(" ", "-")


MOST: Final = 999999
"""Pd writes six digits of a number into a file: a greater seed would not be saved as it is."""

SENT: Final = {face.param: replace(face, high=min(face.high, MOST)) for face in FACES if face.param}
"""The faces with a parameter of the daemon behind them, by its name."""

OWN: Final = {
    key(face.name): face for face in FACES if not face.param and face.name not in ELSEWHERE
}
"""The patch's own faces."""

ALL: Final = {**OWN, **SENT}

DO: Final = {key(name): name for name in BUTTONS if name not in ELSEWHERE}
"""The buttons."""


def is_switch(face: Face) -> bool:
    """Tell whether a face is a choice between off and on."""
    return len(face.choices) == 2
