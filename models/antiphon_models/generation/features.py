"""Features of a few bars whose distributions are compared.

Source: Yang and Lerch 2020, "On the evaluation of generative models in music" (their twelve
features of pitch and rhythm), read in ticks. Drums are read like pitches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.events import IntArray
from antiphon_models.generation.excerpt import Excerpt

Vector = npt.NDArray[np.float64]

LENGTHS: Final = np.array([192, 96, 48, 24, 12, 144, 72, 36, 18, 64, 32, 16], np.int64)
"""Note lengths in ticks: whole to sixteenth, the dotted ones, and triplets."""


def measure_features(excerpts: Sequence[Excerpt]) -> dict[str, Vector]:
    """Return each feature of excerpts with equally many bars, (excerpts, size)."""
    return {
        name: np.stack([feature(excerpt) for excerpt in excerpts])
        for name, feature in FEATURES.items()
    }


def _pitch_count(e: Excerpt) -> Vector:
    return np.array([len(np.unique(e.notes.pitch))], np.float64)


def _pitch_count_bar(e: Excerpt) -> Vector:
    bar = e.notes.onset // e.bar
    pairs = np.unique(np.stack([bar, e.notes.pitch]), axis=1)[0]
    return np.bincount(pairs, minlength=e.bars).astype(np.float64)


def _note_count(e: Excerpt) -> Vector:
    return np.array([len(e)], np.float64)


def _note_count_bar(e: Excerpt) -> Vector:
    return np.bincount(e.notes.onset // e.bar, minlength=e.bars).astype(np.float64)


def _pitch_classes(e: Excerpt) -> Vector:
    return _share(np.bincount(e.notes.pitch % 12, e.notes.duration, minlength=12))


def _pitch_classes_bar(e: Excerpt) -> Vector:
    place = e.notes.onset // e.bar * 12 + e.notes.pitch % 12
    found = np.bincount(place, e.notes.duration, minlength=12 * e.bars).reshape(-1, 12)
    return np.concatenate([_share(bar) for bar in found])


def _pitch_class_transitions(e: Excerpt) -> Vector:
    return _transitions(e.notes.pitch % 12)


def _pitch_range(e: Excerpt) -> Vector:
    return np.array([np.ptp(e.notes.pitch) if len(e) else 0], np.float64)


def _pitch_interval(e: Excerpt) -> Vector:
    steps = np.abs(np.diff(e.notes.pitch))
    return np.array([steps.mean() if len(steps) else 0], np.float64)


def _onset_interval(e: Excerpt) -> Vector:
    gaps = np.diff(np.unique(e.notes.onset))
    return np.array([gaps.mean() if len(gaps) else e.length], np.float64) / TICKS_PER_BEAT


def _note_lengths(e: Excerpt) -> Vector:
    return _share(np.bincount(_length_class(e), minlength=12))


def _note_length_transitions(e: Excerpt) -> Vector:
    return _transitions(_length_class(e))


def _length_class(e: Excerpt) -> IntArray:
    found: IntArray = np.abs(e.notes.duration[:, None] - LENGTHS).argmin(1)
    return found


def _transitions(classes: IntArray) -> Vector:
    """Return how often each of twelve classes follows each, as a share of all: (144,)."""
    return _share(np.bincount(classes[:-1] * 12 + classes[1:], minlength=144))


def _share(counts: npt.ArrayLike) -> Vector:
    values = np.asarray(counts, np.float64)
    return values / max(float(values.sum()), 1e-9)


FEATURES: Final[dict[str, Callable[[Excerpt], Vector]]] = {
    "pitch_count": _pitch_count,
    "pitch_count_bar": _pitch_count_bar,
    "note_count": _note_count,
    "note_count_bar": _note_count_bar,
    "pitch_class_histogram": _pitch_classes,
    "pitch_class_histogram_bar": _pitch_classes_bar,
    "pitch_class_transitions": _pitch_class_transitions,
    "pitch_range": _pitch_range,
    "pitch_interval": _pitch_interval,
    "onset_interval": _onset_interval,
    "note_length_histogram": _note_lengths,
    "note_length_transitions": _note_length_transitions,
}
"""Features by their public names.

pitch_count, note_count
    different pitches, notes; ``_bar``: in each bar.
pitch_class_histogram
    share of each pitch class, notes weighted by their lengths; ``_bar``: of each bar.
pitch_class_transitions, note_length_transitions
    how often each class follows each in the order of the notes.
pitch_range, pitch_interval
    semitones from lowest to highest, and mean between notes that follow each other.
onset_interval
    mean beats between different onsets that follow each other.
note_length_histogram
    share of each of :data:`LENGTHS`, every note being taken for the nearest.
"""


def point(features: dict[str, Vector]) -> Vector:
    """Return one vector an excerpt for clouds, (excerpts, size): no feature outweighs another."""
    chosen = (
        "pitch_count",
        "note_count",
        "pitch_range",
        "pitch_interval",
        "onset_interval",
        "pitch_class_histogram",
        "note_length_histogram",
    )
    return np.concatenate([features[n] / features[n].shape[1] ** 0.5 for n in chosen], 1)
