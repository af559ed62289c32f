"""Statistics of pitch and groove as MusPy defines them, of a few bars.

Source: Dong et al. 2020, "MusPy: A toolkit for symbolic music generation", and its reference of
``muspy.metrics``. Entropies are in bits. As there, drums count for beats and groove only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.events import PITCHES, IntArray, Piece
from antiphon_models.generation.excerpt import Excerpt
from antiphon_models.idiom import SCALES

STEP: Final = TICKS_PER_BEAT // 12
"""Ticks of a time step, for polyphony and groove: sixteenths and triplets both fall on one."""

NAMES: Final = (
    "pitches_used",
    "pitch_classes_used",
    "pitch_range",
    "pitch_entropy",
    "pitch_class_entropy",
    "scale_consistency",
    "polyphony",
    "polyphony_rate",
    "empty_beat_rate",
    "empty_measure_rate",
    "groove_consistency",
)


def mean_statistics(excerpts: Sequence[Excerpt]) -> dict[str, float]:
    """Return the mean of each statistic over the excerpts that have it."""
    each = [statistics(excerpt) for excerpt in excerpts]
    found = {}
    for name in NAMES:
        values = [one[name] for one in each if name in one]
        if values:
            found[name] = float(np.mean(values))
    return found


def statistics(excerpt: Excerpt) -> dict[str, float]:
    """Return the statistics of one excerpt; without a pitched note, those of pitch are missing.

    pitches_used, pitch_classes_used, pitch_range
        how many different ones; semitones from the lowest to the highest.
    pitch_entropy, pitch_class_entropy
        of the histogram of notes.
    scale_consistency
        share of the notes in the major or minor scale that fits best.
    polyphony, polyphony_rate
        mean number of pitches in the time steps where there is one; share of all time steps
        where there are two or more.
    empty_beat_rate, empty_measure_rate
        share of beats and of bars in which nothing sounds.
    groove_consistency
        1 - mean share of time steps in which only one of two neighbouring bars has an onset.
    """
    notes = excerpt.notes
    found = {
        "empty_beat_rate": _empty(notes, TICKS_PER_BEAT, excerpt.length),
        "empty_measure_rate": _empty(notes, excerpt.bar, excerpt.length),
        "groove_consistency": groove_consistency(excerpt),
    }
    pitched = notes.select(notes.voice != Voice.DRUMS)
    if len(pitched):
        classes = np.bincount(pitched.pitch % 12, minlength=12)
        sounding = _sounding(pitched, excerpt.length)
        found |= {
            "pitches_used": float(len(np.unique(pitched.pitch))),
            "pitch_classes_used": float((classes > 0).sum()),
            "pitch_range": float(np.ptp(pitched.pitch)),
            "pitch_entropy": entropy(np.bincount(pitched.pitch)),
            "pitch_class_entropy": entropy(classes),
            "scale_consistency": float((SCALES @ classes).max() / classes.sum()),
            "polyphony": float(sounding[sounding > 0].mean()),
            "polyphony_rate": float((sounding > 1).mean()),
        }
    return found


def entropy(counts: npt.ArrayLike) -> float:
    """Return the entropy of a histogram in bits; 0 if it is empty."""
    values = np.asarray(counts, np.float64)
    values = values[values > 0]
    p = values / max(values.sum(), 1)
    return float(abs((p * np.log2(p)).sum()))


def groove_consistency(excerpt: Excerpt) -> float:
    """Return how alike the onsets of neighbouring bars are; 1 for a single bar."""
    steps = -(-excerpt.bar // STEP)
    grid = np.zeros((excerpt.bars, steps), np.bool_)
    bar, place = np.divmod(excerpt.notes.onset, excerpt.bar)
    grid[bar, place // STEP] = True
    apart = grid[1:] != grid[:-1]
    return 1.0 - float(apart.mean()) if apart.size else 1.0


def _empty(notes: Piece, size: int, length: int) -> float:
    """Return the share of stretches of `size` ticks in which nothing sounds."""
    count = -(-length // size)
    first = notes.onset // size
    last = np.minimum((notes.onset + notes.duration - 1) // size, count - 1)
    return float((_covered(first, last, count) == 0).mean())


def _sounding(notes: Piece, length: int) -> IntArray:
    """Return how many pitches sound in each time step; a pitch struck twice counts once."""
    steps = -(-length // STEP)
    roll = np.zeros((PITCHES, steps), np.bool_)
    first = notes.onset // STEP
    last = (notes.onset + notes.duration - 1) // STEP
    for pitch, begin, end in zip(notes.pitch.tolist(), first.tolist(), last.tolist(), strict=True):
        roll[pitch, begin : end + 1] = True
    count: IntArray = roll.sum(0)
    return count


def _covered(first: IntArray, last: IntArray, count: int) -> IntArray:
    """Return how many ranges, both ends included, cover each of `count` places."""
    change = np.bincount(first, minlength=count + 1) - np.bincount(last + 1, minlength=count + 1)
    found: IntArray = np.cumsum(change)[:count]
    return found
