"""Tells drums from pitched parts by their pitches, for files that have them on wrong channels.

The pitches of a part are more likely under one of two models. As drums: each pitch by how often
its drum is struck, most of all kick, snare and hi-hat. As a pitched part: a register, as wide
as the part's own, in the major or minor key that fits best. The score is the difference of the
mean log-likelihoods, in nats a note. Parts whose channel is right have, in the sets that the
shipped models learn from: drums with 16 hits or more -1.4 to 0.9, pitched parts below 0.04 and
mostly below -1. The thresholds ask for more than that before a part is moved.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_models.events import PITCHES, IntArray

FloatArray = npt.NDArray[np.float64]

_LEAST: Final = 16
"""Notes of a part below which its channel is believed."""

_DRUMS: Final = -0.3
"""Score above which a part on another channel is drums, if it has a kit's number of pitches, and
kick, snare and cymbals among them."""

_NAMED: Final = -2.5
"""The same for a part whose track is named after drums."""

_PITCHED: Final = -1.5
"""Score below which a part on channel 10 is pitched, if it also keeps to a key."""

_KIT: Final = (3, 14)
"""Pitches that make up nearly all hits of a kit: fewer are a drone, more are a melody."""

_GROUPS: Final = ((35, 36), (37, 38, 39, 40), (22, 26, 42, 44, 46, 51, 53, 59))
"""Kick, snare, and hi-hat or ride."""

_OF_GROUP: Final = 0.02
"""Share of the hits that each of the groups has at least."""

_SCALE: Final = 8
"""Pitches that nearly all notes of a pitched part on channel 10 have at least."""

_IN_KEY: Final = 0.85
"""Share of them in one key: a percussion ensemble knows none."""

_PERCUSSION: Final = (27, 87)
"""Pitches that General MIDI, or GS, has percussion on."""

_NAME: Final = re.compile(r"(?<!steel )drum|percuss|schlagzeug|batteri|\bkit\b", re.I)

_MAJOR: Final = np.array([1, 0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 1], np.float64)

_OFTEN: Final = {
    22: 2, 26: 2, 35: 3, 36: 20, 37: 4, 38: 15, 39: 1.5, 40: 5, 41: 2, 42: 15, 43: 3, 44: 6, 45: 3,
    46: 5, 47: 2, 48: 3, 49: 3, 50: 2, 51: 8, 52: 1, 53: 2, 54: 1, 55: 1.5, 56: 1, 57: 1.5, 58: 0.5,
    59: 1.5,
}  # fmt: skip
"""How often the drums of a kit are struck, roughly, in a hundred hits."""


def _kit() -> FloatArray:
    """Return the log-probability of each pitch as a drum."""
    often = np.full(PITCHES, 1e-4)
    often[_PERCUSSION[0] : _PERCUSSION[1] + 1] = 0.02
    often[35:82] = 0.2
    for pitch, weight in _OFTEN.items():
        often[pitch] = weight
    return np.asarray(np.log(often / often.sum()))


_KIT_LIKELIHOOD: Final = _kit()
_KEYS: Final = np.stack([np.roll(0.129 * _MAJOR + 0.02 * (1 - _MAJOR), key) for key in range(12)])


def drum_score(pitch: IntArray) -> float:
    """Return how much likelier some pitches are as drums than as a pitched part, nats a note."""
    share = np.bincount(pitch, minlength=PITCHES) / len(pitch)
    width = max(float(pitch.std()), 3.0)
    semitone = np.arange(PITCHES)
    register = np.exp(-0.5 * ((semitone - pitch.mean()) / width) ** 2)
    model = register * _KEYS[:, semitone % 12] + 1e-12
    model /= model.sum(1, keepdims=True)
    return float(share @ _KIT_LIKELIHOOD - (np.log(model) @ share).max())


def is_misplaced_kit(pitch: IntArray, name: str) -> bool:
    """Tell whether a part that is not on channel 10 is drums.

    Parameters
    ----------
    pitch : ndarray
        (notes,).
    name : str
        The track's; one that speaks of drums lets less be asked of the pitches.
    """
    if len(pitch) < _LEAST:
        return False
    score = drum_score(pitch)
    if _NAME.search(name):
        return score > _NAMED
    if score <= _DRUMS or not _KIT[0] <= _usual_pitches(pitch) <= _KIT[1]:
        return False
    return all(np.isin(pitch, group).mean() >= _OF_GROUP for group in _GROUPS)


def is_misplaced_melody(pitch: IntArray, name: str) -> bool:
    """Tell whether a part on channel 10 is pitched; parameters as :func:`is_misplaced_kit`."""
    if len(pitch) < _LEAST or _NAME.search(name) or _usual_pitches(pitch) < _SCALE:
        return False
    low, high = _PERCUSSION
    outside = float(np.mean((pitch < low) | (pitch > high)))
    share = np.bincount(pitch % 12, minlength=12) / len(pitch)
    in_key = max(float(np.roll(_MAJOR, key) @ share) for key in range(12))
    return drum_score(pitch) < _PITCHED and (in_key >= _IN_KEY or outside >= 0.05)


def _usual_pitches(pitch: IntArray) -> int:
    """Return how many different pitches make up 95 % of the notes."""
    counts = np.sort(np.bincount(pitch))[::-1]
    return int(np.count_nonzero(np.cumsum(counts) < 0.95 * len(pitch))) + 1
