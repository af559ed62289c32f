"""Statistics that tell music of a kind from what only looks like it, measured on rolls.

Needs only numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from antiphon_models.rolls import LOWEST, SIXTEENTH, SLOTS, STRAIGHT, TRIPLET, FloatArray, Kind

NAMES: Final[dict[Kind, tuple[str, ...]]] = {
    "drums": ("drum_pattern", "groove_consistency"),
    "pitched": ("qualified_notes", "pitch_classes", "scale_consistency", "groove_consistency"),
}
"""Statistics that say something of each kind of music."""

POINTS: Final = {"pitch_classes": 100 / 12}
"""Points that a unit of a statistic is worth; 100, for shares, if it is not here."""

QUALIFIED: Final = 0.5
"""Shortest qualified note in sixteenths: a thirty-second."""

PATTERN: Final = np.array([1.0, 0.1, 0.0, 0.0, 0.0, 0.1])
"""Credit of a drum note by the 96ths of a bar that it comes after a sixteenth."""

_MAJOR: Final = (0, 2, 4, 5, 7, 9, 11)
_MINOR: Final = (0, 2, 3, 5, 7, 8, 10)

SCALES: Final = np.array(
    [
        [float((degree - root) % 12 in scale) for degree in range(12)]
        for scale in (_MAJOR, _MINOR)
        for root in range(12)
    ]
)
"""(24, 12): the pitch classes of the major and natural minor scales."""


@dataclass(frozen=True, eq=False)
class Phrases:
    """Windows of one kind of music.

    Attributes
    ----------
    kind : str
        drums or pitched.
    hit, velocity, offset, duration : ndarray
        (windows, beats, SLOTS, rows): 0 or 1; 0..1, sixteenths and sixteenths where there is
        a hit.
    position : ndarray
        (windows, beats, POSITION).
    bpm : ndarray
        (windows,).
    """

    kind: Kind
    hit: FloatArray
    velocity: FloatArray
    offset: FloatArray
    duration: FloatArray
    position: FloatArray
    bpm: FloatArray

    def __len__(self) -> int:
        return len(self.hit)

    def pick(self, index: Any) -> Phrases:
        """Return some of the windows."""
        return replace(
            self,
            hit=self.hit[index],
            velocity=self.velocity[index],
            offset=self.offset[index],
            duration=self.duration[index],
            position=self.position[index],
            bpm=self.bpm[index],
        )

    @property
    def valid(self) -> FloatArray:
        """(windows, beats, SLOTS): slots that exist."""
        return self.position[..., -SLOTS:]

    @property
    def beats(self) -> FloatArray:
        """(windows,): beats that exist."""
        return np.asarray(self.valid.max(-1).sum(-1), np.float32)

    @property
    def bar(self) -> FloatArray:
        """(windows,): length of the bar in beats."""
        return np.asarray(4 * (self.position[:, 0, 3] + 1), np.float32)


def statistics(phrases: Phrases) -> dict[str, float]:
    """Return the mean of each statistic of the kind over the windows that have it.

    qualified_notes
        share of the notes that are no shorter than a thirty-second (MuseGAN, Dong et al. 2018);
    pitch_classes
        pitch classes that begin in a bar, bars without notes left out (MuseGAN);
    scale_consistency
        share of the notes in the major or natural minor scale that fits them best (MusPy, Dong
        et al. 2020);
    drum_pattern
        drum notes in the 8- and 16-beat patterns of 4/4: each note, moved to the nearest 96th
        of a bar, counts 1 on a sixteenth, 0.1 beside one and 0 elsewhere (as MuseGAN's program
        does); windows of other metres are left out;
    groove_consistency
        1 - the share of slots in which only one of two neighbouring bars has an onset (MusPy).
    """
    measure = {
        "qualified_notes": qualified_notes,
        "pitch_classes": pitch_classes,
        "scale_consistency": scale_consistency,
        "drum_pattern": drum_pattern,
        "groove_consistency": groove_consistency,
    }
    found = {}
    for name in NAMES[phrases.kind]:
        each = measure[name](phrases)
        each = each[~np.isnan(each)]
        if len(each):
            found[name] = float(each.mean())
    return found


def _mean(values: Any, hit: FloatArray) -> FloatArray:
    """Return the mean of values over the hits of each window; NaN without one."""
    count = hit.sum((1, 2, 3))
    total = (values * hit).sum((1, 2, 3))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def qualified_notes(phrases: Phrases) -> FloatArray:
    """Return the share of qualified notes of each window, (windows,)."""
    return _mean(phrases.duration >= QUALIFIED, phrases.hit)


def chroma(hit: FloatArray) -> FloatArray:
    """Return how many hits each pitch class has in each beat, (windows, beats, 12)."""
    rows = hit.sum(2)  # (windows, beats, rows)
    return np.stack([rows[..., (c - LOWEST) % 12 :: 12].sum(-1) for c in range(12)], -1)


def pitch_classes(phrases: Phrases) -> FloatArray:
    """Return the mean number of pitch classes in a bar of each window, (windows,)."""
    found = np.full((len(phrases), 0), np.nan)
    beats = chroma(phrases.hit)
    for bar in _bars(phrases):  # (windows, beats)
        count = ((beats * bar[..., None]).sum(1) > 0).sum(-1).astype(np.float64)
        count[count == 0] = np.nan
        found = np.concatenate([found, count[:, None]], 1)
    some = ~np.isnan(found)
    total = np.where(some, found, 0).sum(1)
    return np.where(some.any(1), total / np.maximum(some.sum(1), 1), np.nan)


def scale_consistency(phrases: Phrases) -> FloatArray:
    """Return the share of notes in the scale that fits each window best, (windows,)."""
    count = chroma(phrases.hit).sum(1)  # (windows, 12)
    total = count.sum(-1)
    best = (count @ SCALES.T).max(-1)
    return np.where(total > 0, best / np.maximum(total, 1), np.nan)


def drum_pattern(phrases: Phrases) -> FloatArray:
    """Return how much of each window is in a drum pattern, (windows,); NaN if not 4/4."""
    triplet = phrases.position[..., 4] > 0.5  # (windows, beats)
    third = np.where(np.isfinite(TRIPLET), TRIPLET, 0)
    place = np.where(triplet[..., None], third, STRAIGHT)[..., None]  # of each slot, in beats
    steps = np.rint((place + SIXTEENTH * phrases.offset) * 24).astype(np.int64)
    found = _mean(PATTERN[steps % len(PATTERN)], phrases.hit)
    return np.where(np.abs(phrases.bar - 4) < 1e-3, found, np.nan)


def groove_consistency(phrases: Phrases) -> FloatArray:
    """Return how alike the onsets of neighbouring bars are, (windows,); NaN for one bar."""
    onset = phrases.hit.max(-1)  # (windows, beats, SLOTS)
    found = np.full(len(phrases), np.nan)
    for size in np.unique(np.ceil(phrases.bar)).astype(int):
        some = np.flatnonzero((np.ceil(phrases.bar) == size) & (phrases.beats >= 2 * size))
        bars = onset.shape[1] // size
        lines = onset[some, : bars * size].reshape(len(some), bars, -1)
        exist = phrases.valid[some, : bars * size].reshape(len(some), bars, -1)
        both = np.maximum(exist[:, 1:], exist[:, :-1])
        apart = (np.abs(lines[:, 1:] - lines[:, :-1]) * both).sum((1, 2))
        found[some] = 1 - apart / np.maximum(both.sum((1, 2)), 1)
    return found


def _bars(phrases: Phrases) -> list[FloatArray]:
    """Return, for each bar of the longest window, the beats in it: (windows, beats), 0 or 1."""
    size = np.ceil(phrases.bar)[:, None]
    beat = np.arange(phrases.hit.shape[1])
    number = np.where(beat < phrases.beats[:, None], beat // size, -1)
    return [(number == n).astype(np.float32) for n in range(int(number.max(initial=-1)) + 1)]
