"""What music can be asked to be like: conditions, measured in training music, asked for live.

Each note of a piece is told what the music is like from there on: how dense, how high, how loud,
how many notes at once, in which key, on which chord, at what tempo. Any of it may be unknown.
The network learns what goes with each; a performer then asks for it. Needs only numpy.

Source of the key profiles: Krumhansl and Kessler 1982.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from antiphon.model import Controls
from antiphon.music import TICKS_PER_BEAT, Scale, Voice
from antiphon_models.events import IntArray

FloatArray = npt.NDArray[np.float64]

UNKNOWN: Final = 0
"""Id of what is not known, of every condition; what is known counts from 1."""

SIZES: Final = {
    "density": 12,
    "register": 12,
    "level": 8,
    "polyphony": 8,
    "key": 24,
    "chord": 24,
    "tempo": 8,
}
"""Conditions, and the number of classes of each, unknown not counted."""

AHEAD: Final = 24
"""Notes, from each on, that density, register, level and polyphony are measured over."""

AROUND: Final = 48
"""Notes before and after each that the key is found in."""

CLEAR: Final = 0.7
"""Share of what sounds in a beat that is in a triad, from which on it is that chord."""

NEUTRAL: Final = 0.5
"""Density that asks for nothing."""

WIDE: Final = 48
"""Semitones between the ends of a register from which on it asks for nothing."""

FULL: Final = 8
"""Polyphony that asks for nothing."""

USUAL: Final = 0.4
"""Of the notes that may be struck besides the first, the share that are on average."""

OCTAVES: Final = 2
"""Density 1 asks for so many times twice as many onsets as are heard, density 0 for as few."""

MODES: Final = {
    **dict.fromkeys((Scale.MAJOR, Scale.LYDIAN, Scale.MIXOLYDIAN, Scale.MAJOR_PENTATONIC), 0),
    **dict.fromkeys((Scale.NATURAL_MINOR, Scale.HARMONIC_MINOR, Scale.MELODIC_MINOR), 1),
    **dict.fromkeys((Scale.DORIAN, Scale.PHRYGIAN, Scale.MINOR_PENTATONIC, Scale.BLUES), 1),
}
"""Scales that are of a key, and whether it is minor."""

_MAJOR: Final = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR: Final = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def _profiles() -> FloatArray:
    """Return the 24 key profiles, major from C up and then minor, each of mean 0 and norm 1."""
    rows = [np.roll(mode, tonic) for mode in (_MAJOR, _MINOR) for tonic in range(12)]
    table = np.array(rows)
    table -= table.mean(1, keepdims=True)
    return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True))


def _triads() -> FloatArray:
    """Return the pitch classes of the 24 major and minor triads, (24, 12)."""
    table = np.zeros((24, 12))
    for tonic in range(12):
        table[tonic, [tonic, (tonic + 4) % 12, (tonic + 7) % 12]] = 1
        table[12 + tonic, [tonic, (tonic + 3) % 12, (tonic + 7) % 12]] = 1
    return table


PROFILES: Final = _profiles()
TRIADS: Final = _triads()


def density_id(onsets_a_beat: Any) -> Any:
    """Return the id of a density: half an octave each, from 0.35 to 16 onsets a beat."""
    return _id("density", _density_place(onsets_a_beat))


def register_id(pitch: Any) -> Any:
    """Return the id of a register, from its mean pitch: four semitones each."""
    return _id("register", _register_place(np.asarray(pitch)))


def level_id(velocity: Any) -> Any:
    """Return the id of a level, from the mean velocity: sixteen each."""
    return _id("level", _level_place(np.asarray(velocity)))


def polyphony_id(notes_an_onset: Any) -> Any:
    """Return the id of a polyphony: half a note each, from 1."""
    return _id("polyphony", _polyphony_place(np.asarray(notes_an_onset)))


def tempo_id(bpm: float) -> int:
    """Return the id of a tempo: a third of an octave each, from 50 beats a minute."""
    return int(_id("tempo", 3 * math.log2(max(bpm, 1.0) / 50)))


def _density_place(onsets_a_beat: Any) -> Any:
    return 2 * np.log2(np.maximum(onsets_a_beat, 1e-3)) + 3


def _register_place(pitch: Any) -> Any:
    return (pitch - 40) / 4


def _level_place(velocity: Any) -> Any:
    return velocity / 16 - 0.5


def _polyphony_place(notes_an_onset: Any) -> Any:
    return 2 * (notes_an_onset - 1)


def _id(name: str, place: Any) -> Any:
    return 1 + np.clip(np.rint(place), 0, SIZES[name] - 1).astype(np.int64)


Told: TypeAlias = Mapping[str, Sequence[tuple[int, float]]]
"""Of conditions by name: ids, and the share of each; the shares of a condition are 1 together.
What lies between two classes is told as a little of both. What is not there is unknown."""


class Heard(NamedTuple):
    """What controls that ask for more or less count from; here, where nothing was heard yet.

    Attributes
    ----------
    velocity, density : float
        Mean velocity, and onsets a beat.
    chord : int
        Id of the chord, see :func:`chord_id`.
    """

    velocity: float = 80.0
    density: float = 2.0
    chord: int = UNKNOWN


NOTHING_HEARD: Final = Heard()


def asked(controls: Controls, heard: Heard = NOTHING_HEARD) -> Told:
    """Return what a performer's controls ask for.

    Controls also bind what is drawn (:mod:`antiphon_models.sampling`); this is what makes the
    network mean it.

    Parameters
    ----------
    controls : Controls
        What is at its default asks for nothing.
    heard : Heard
        What is played by whom the answer is for.
    """
    found: dict[str, Sequence[tuple[int, float]]] = {}
    if controls.density != NEUTRAL:
        octaves = OCTAVES * (controls.density - NEUTRAL) / NEUTRAL
        found["density"] = _between("density", _density_place(heard.density * 2**octaves))
    if controls.high - controls.low <= WIDE:
        middle = (controls.low + controls.high) / 2
        found["register"] = _between("register", _register_place(middle))
    if controls.velocity != 1:
        found["level"] = _between("level", _level_place(heard.velocity * controls.velocity))
    if controls.polyphony < FULL:  # the most at once, which is more than there are on average
        notes = 1 + USUAL * (controls.polyphony - 1)
        found["polyphony"] = _between("polyphony", _polyphony_place(notes))
    if controls.scale in MODES:
        found["key"] = ((1 + 12 * MODES[controls.scale] + controls.key % 12, 1.0),)
    if controls.chord > 0 and heard.chord != UNKNOWN:
        found["chord"] = ((heard.chord, controls.chord), (UNKNOWN, 1 - controls.chord))
    return found


def known(controls: Controls) -> Told:
    """Return what is no wish but so: the tempo."""
    return {} if controls.bpm is None else {"tempo": ((tempo_id(controls.bpm), 1.0),)}


def _between(name: str, place: float) -> tuple[tuple[int, float], ...]:
    """Tell a place, counted from the first class: of the class below and of the one above."""
    place = min(max(place, 0.0), SIZES[name] - 1.0)
    below = int(place)
    above = place - below
    return ((1 + below, 1 - above), (2 + below, above)) if above else ((1 + below, 1.0),)


def find_conditions(
    onset: IntArray,
    voice: IntArray,
    pitch: IntArray,
    velocity: IntArray,
    duration: IntArray,
    bpm: float | None,
) -> IntArray:
    """Return what the music is like from each note on.

    Parameters
    ----------
    onset, voice, pitch, velocity, duration : ndarray
        (notes,): sorted by onset; times in ticks.
    bpm : float or None
        The tempo, if there is one.

    Returns
    -------
    ndarray
        (notes, conditions): ids in the order of SIZES.
    """
    count = len(onset)
    found = np.zeros((count, len(SIZES)), np.int64)
    if not count:
        return found
    pitched = voice != Voice.DRUMS
    first = np.arange(count)
    first = np.minimum(first, max(count - AHEAD // 2, 0))  # the end is like what led to it
    last = np.minimum(first + AHEAD, count)
    fresh = np.diff(onset, prepend=onset[0] - 1) > 0

    def over(values: Any) -> Any:
        sums = np.concatenate([[0], np.cumsum(values)])
        return sums[last] - sums[first]

    onsets = np.maximum(over(fresh), 1)
    # From the first onset to the one after the last, or as if it came as they go.
    end = np.where(last < count, onset[np.minimum(last, count - 1)], onset[-1])
    gaps = np.where(last < count, onsets, np.maximum(onsets - 1, 1))
    beats = np.maximum(end - onset[first], 1) / TICKS_PER_BEAT
    found[:, 0] = density_id(gaps / beats)
    notes = over(pitched)
    mean = over(pitch * pitched) / np.maximum(notes, 1)
    found[:, 1] = np.where(notes > 0, register_id(mean), UNKNOWN)
    found[:, 2] = level_id(over(velocity) / (last - first))
    found[:, 3] = polyphony_id((last - first) / onsets)
    if pitched.any():
        found[:, 4] = _keys(pitch, np.where(pitched, np.minimum(duration, TICKS_PER_BEAT), 0))
        found[:, 5] = _chords(onset, pitch, np.where(pitched, duration, 0))
    found[:, 6] = UNKNOWN if bpm is None else tempo_id(bpm)
    return found


def key_id(weight: FloatArray) -> int:
    """Return the id of the key that fits weights of the pitch classes, (12,); unknown if none."""
    return int(_best_key(np.asarray(weight)[None])[0])


def _best_key(weight: FloatArray) -> IntArray:
    fit = (weight - weight.mean(1, keepdims=True)) @ PROFILES.T
    return np.asarray(np.where(weight.sum(1) > 0, 1 + fit.argmax(1), UNKNOWN), np.int64)


def _keys(pitch: IntArray, weight: IntArray) -> IntArray:
    """Return the key around each note, from its neighbours weighted by (notes,)."""
    each = np.zeros((len(pitch) + 1, 12))
    each[np.arange(1, len(pitch) + 1), pitch % 12] = weight
    sums = each.cumsum(0)
    at = np.arange(len(pitch))
    some = sums[np.minimum(at + AROUND, len(pitch))] - sums[np.maximum(at - AROUND, 0)]
    return _best_key(some)


def chord_id(weight: FloatArray) -> int:
    """Return the id of the triad that pitch classes (12,) are mostly of; unknown if none."""
    return int(_best_chord(np.asarray(weight)[None])[0])


def _best_chord(weight: FloatArray) -> IntArray:
    total = weight.sum(1)
    parts = weight[:, None] * TRIADS  # (beats, triads, 12)
    fit = parts.sum(-1) / np.maximum(total, 1)[:, None]
    whole = (parts > 0).sum(-1) == 3  # a third tells major from minor
    fit = np.where(whole, fit, 0)
    return np.asarray(np.where(fit.max(1) >= CLEAR, 1 + fit.argmax(1), UNKNOWN), np.int64)


def _chords(onset: IntArray, pitch: IntArray, duration: IntArray) -> IntArray:
    """Return the chord of the beat that each note falls into."""
    beat = (onset - onset[0]) // TICKS_PER_BEAT
    chroma = np.zeros((int(beat[-1]) + 1, 12))
    for later in range(4):  # what began up to three beats ago and still sounds counts
        left = duration - np.where(later, later * TICKS_PER_BEAT - onset % TICKS_PER_BEAT, 0)
        sounding = np.clip(left, 0, TICKS_PER_BEAT)
        there = (beat + later < len(chroma)) & (sounding > 0)
        np.add.at(chroma, (beat[there] + later, pitch[there] % 12), sounding[there])
    return np.asarray(_best_chord(chroma)[beat], np.int64)
