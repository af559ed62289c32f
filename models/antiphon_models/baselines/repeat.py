"""The baseline that repeats the last bar.

A mixture of the pitches of the same voice struck one bar ago at the same place (give or take
1/12 beat), of those sounding there, of the piece's histogram of the voice so far, and of the
training's. In free time a bar is 4 beats. Chords go on upwards, so that what lies at or
below the chord's last note is left out of the first two.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from antiphon_models.baselines.corpus import Corpus
from antiphon_models.baselines.counts import (
    Cache,
    IntArray,
    Probabilities,
    Table,
    expand,
    hash_columns,
)
from antiphon_models.baselines.mixture import Mixture, at_truth, mix, uniform
from antiphon_models.events import VOICES

CHUNK: Final = 4096

TOLERANCE: Final = 4
"""Ticks that a note may be off its place of one bar ago."""

HISTOGRAM: Final = 512
"""Latest notes of a voice in the piece's own histogram."""

_SOUNDING: Final = 24
"""Notes of a voice that are looked at for those still sounding."""


class RepeatBaseline:
    """What was played one bar ago; see the module's docstring."""

    def __init__(self) -> None:
        self.histogram: Table | None = None
        self.mixture = Mixture([0.45, 0.15, 0.35, 0.05])

    def train(self, notes: Corpus) -> None:
        """Count the histogram of training pitches by style and voice."""
        self.histogram = Table.count(hash_columns(notes.style, notes.voice), notes.pitch)

    def fit(self, notes: Corpus) -> None:
        """Fit the mixture's weights on training notes that were not counted."""
        given, buckets = [], []
        for rows, parts, bucket in self._parts(notes):
            given.append(at_truth(parts, notes.pitch[rows]))
            buckets.append(bucket)
        if given:
            self.mixture.fit(np.concatenate(given), [np.concatenate(buckets)])

    def pitch(self, notes: Corpus) -> Iterator[tuple[slice, Probabilities]]:
        """Yield distributions over pitches, (n, 128) for the n notes of a slice."""
        for rows, parts, bucket in self._parts(notes):
            yield rows, mix(parts, self.mixture.weights([bucket]))

    def _parts(self, notes: Corpus) -> Iterator[tuple[slice, list[Probabilities], IntArray]]:
        lane = notes.piece * VOICES + notes.voice
        # Onsets of all lanes on one axis, so that one bisection finds a time in any lane.
        width = int(np.ptp(notes.onset)) + 2 * int(notes.bar.max(initial=0)) + 2 * TOLERANCE + 2
        axis = lane * width + notes.onset - notes.onset.min(initial=0)
        order = np.argsort(axis, kind="stable")
        ordered = axis[order]
        lane_starts = np.searchsorted(lane[order], lane)
        low = np.maximum(np.searchsorted(ordered, axis - notes.bar - TOLERANCE), lane_starts)
        high = np.searchsorted(ordered, axis - notes.bar + TOLERANCE, side="right")
        high = np.maximum(high, low)
        floor = np.where(notes.chord == 1, notes.before(notes.pitch, 1), -1)
        last = np.arange(len(notes))
        own = Cache(hash_columns(lane), HISTOGRAM)
        zero = np.zeros(len(notes), np.int64)
        for start in range(0, len(notes), CHUNK):
            rows = slice(start, min(start + CHUNK, len(notes)))
            trained = uniform(rows)
            if self.histogram is not None:
                context = hash_columns(notes.style[rows], notes.voice[rows])
                self.histogram.interpolate(trained, context, zero[rows])
            piece = trained.copy()
            own.interpolate(piece, rows, notes.pitch, zero)
            of, places = expand(low[rows], high[rows] - low[rows])
            other = order[places]
            # Only what came before counts, and a chord goes on upwards.
            fits = (other < last[rows][of]) & (notes.pitch[other] > floor[rows][of])
            struck, some = _spread(of[fits], notes.pitch[other[fits]], piece)
            first = np.maximum(low[rows] - _SOUNDING, lane_starts[rows])
            of, places = expand(first, high[rows] - first)
            other = order[places]
            then = (notes.onset - notes.bar)[rows][of]
            fits = (notes.onset[other] <= then) & (then < (notes.onset + notes.duration)[other])
            fits &= (other < last[rows][of]) & (notes.pitch[other] > floor[rows][of])
            sounding, any_sounding = _spread(of[fits], notes.pitch[other[fits]], piece)
            bucket = some * 2 + any_sounding + 4 * notes.chord[rows]
            yield rows, [struck, sounding, piece, trained], bucket


def _spread(
    rows: IntArray, pitch: IntArray, fallback: Probabilities
) -> tuple[Probabilities, IntArray]:
    """Share each row's mass equally among pitches; rows without any get the fallback."""
    found = np.zeros_like(fallback)
    found[rows, pitch] = 1
    total = found.sum(1)
    some = total > 0
    found /= np.maximum(total, 1)[:, None]
    found[~some] = fallback[~some]
    return found, some.astype(np.int64)
