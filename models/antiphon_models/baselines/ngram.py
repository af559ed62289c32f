"""The n-gram baseline: interpolated counts of training and of the piece's own past.

Parts counted in training: pitches and intervals, orders 0 to 4, each order put on top of the
shorter ones. Parts of the piece's own past start from the mean of those, and put what followed
the same context earlier in the piece on top. The weights of the parts depend on style, voice,
whether the note belongs to a chord, and on how long a context the piece has had before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon_models.baselines.corpus import Corpus
from antiphon_models.baselines.counts import Cache, Probabilities, Table, cache_at, hash_columns
from antiphon_models.baselines.mixture import Mixture, at_truth, mix, normalise, uniform
from antiphon_models.baselines.views import (
    OWN,
    TRAINED,
    View,
    field_views,
    own_views,
    trained_views,
)
from antiphon_models.events import FIELD_SIZES

CHUNK: Final = 4096

MEMORY: Final = 64
"""Latest occurrences of a context that count in the piece's own past."""

_OWN_WEIGHTS: Final = (0.2, 0.3, 0.4, 0.1)
"""Weights of the parts of OWN before any are fitted; about what is fitted on the shipped data."""


class NgramBaseline:
    """n-grams with back-off, with and without the piece's own past."""

    def __init__(self) -> None:
        self.tables: dict[str, list[Table]] = {}
        self.fields: dict[str, list[Table]] = {}
        self.mixture = Mixture(_OWN_WEIGHTS)
        self.trained_mixture = Mixture([1.0] * len(TRAINED))

    def train(self, notes: Corpus) -> None:
        """Count training notes."""
        for name, view in trained_views(notes):
            self.tables[name] = [Table.count(c, view.symbols) for c in view.contexts]
        for name, (contexts, _, symbols) in field_views(notes).items():
            self.fields[name] = [Table.count(c, symbols) for c in contexts]
        self.mixture = Mixture([0.5] * len(TRAINED) + list(_OWN_WEIGHTS))

    def fit(self, notes: Corpus) -> None:
        """Fit the mixtures' weights on training notes that were not counted."""
        looks = _Looks(notes)
        found = [at_truth(parts, notes.pitch[rows]) for rows, parts in self._parts(notes, looks)]
        if found and self.tables:
            given = np.concatenate(found)
            self.mixture.fit(given, looks.buckets)
            self.trained_mixture.fit(given[:, : len(TRAINED)], looks.trained_buckets)

    def pitch(self, notes: Corpus) -> Iterator[tuple[slice, Probabilities, Probabilities | None]]:
        """Yield distributions over pitches, (n, 128) for the n notes of a slice.

        First those of the whole mixture, then those of training alone (None without training).
        """
        looks = _Looks(notes)
        weights = self.mixture.weights(looks.buckets)
        trained = self.trained_mixture.weights(looks.trained_buckets)
        for rows, parts in self._parts(notes, looks):
            alone = mix(parts[: len(TRAINED)], trained[rows]) if self.tables else None
            yield rows, mix(parts, weights[rows]), alone

    def field(self, notes: Corpus, name: str, *, own: bool) -> npt.NDArray[np.float64]:
        """Return the probability of each note's true shift, voice, velocity or duration, (n,).

        `own` puts the piece's own past on top of what training was counted for.
        """
        trained, past, symbols = field_views(notes)[name]
        p = np.full(len(notes), 1 / FIELD_SIZES[name])
        for table, context in zip(self.fields.get(name, []), trained, strict=False):
            table.interpolate_at(p, context, symbols)
        for context in past if own else ():
            cache_at(p, context, symbols)
        return np.asarray(np.minimum(p, 1.0))  # rounding may leave a little more

    def _parts(self, notes: Corpus, looks: _Looks) -> Iterator[tuple[slice, list[Probabilities]]]:
        """Yield what each part of the mixture says, chunk by chunk."""
        for start in range(0, len(notes), CHUNK):
            rows = slice(start, min(start + CHUNK, len(notes)))
            parts = []
            for name, tables in self.tables.items():
                view = looks.trained[name]
                p = uniform(rows)
                for table, context in zip(tables, view.contexts, strict=True):
                    table.interpolate(p, context[rows], view.offset[rows])
                parts.append(normalise(p))
            base = np.mean(parts, 0) if parts else uniform(rows)
            for name, view in looks.own.items():
                p = base.copy()
                for cache in looks.caches[name]:
                    cache.interpolate(p, rows, view.symbols, view.offset)
                parts.append(normalise(p))
            yield rows, parts


class _Looks:
    """All views of some notes, the caches of their own past, and the mixture's buckets."""

    def __init__(self, notes: Corpus) -> None:
        self.trained: dict[str, View] = dict(trained_views(notes))
        self.own: dict[str, View] = dict(own_views(notes))
        self.caches = {
            name: [Cache(c, MEMORY) for c in view.contexts] for name, view in self.own.items()
        }
        depth = np.zeros(len(notes), np.int64)
        for cache in self.caches[OWN[0]]:
            depth += cache.earlier > 0
        coarse = hash_columns(0, notes.chord, depth).astype(np.int64)
        fine = hash_columns(1, notes.style, notes.voice, notes.chord, depth).astype(np.int64)
        self.buckets = [coarse, fine]
        trained = hash_columns(2, notes.style, notes.voice, notes.chord).astype(np.int64)
        self.trained_buckets = [trained]
