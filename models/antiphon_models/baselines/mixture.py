"""Mixtures of distributions whose weights depend on the situation, fitted by EM."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from antiphon_models.baselines.counts import IntArray, Probabilities
from antiphon_models.events import PITCHES

FloatArray = npt.NDArray[np.floating[Any]]


class Mixture:
    """Weights of distributions, by bucket, with a fallback for buckets never seen.

    Parameters
    ----------
    default : sequence of float
        Weights before anything is fitted, (parts,).
    """

    def __init__(self, default: Sequence[float]) -> None:
        self.default = np.array(default, np.float64) / sum(default)
        self._weights: dict[int, npt.NDArray[np.float64]] = {}

    def fit(self, p: FloatArray, buckets: Sequence[IntArray]) -> None:
        """Fit the weights.

        Parameters
        ----------
        p : ndarray
            (n, parts): what each part gave the true pitch.
        buckets : sequence of ndarray
            (n,) each, from coarse to fine; each level is drawn to the level before it.
        """
        if not len(p):
            return
        self.default = _maximise(p, self.default, 1.0)
        parents = np.tile(self.default, (len(p), 1))
        for bucket in buckets:
            values, inverse = np.unique(bucket, return_inverse=True)
            order = np.argsort(inverse, kind="stable")
            for value, rows in zip(
                values.tolist(),
                np.split(order, np.cumsum(np.bincount(inverse))[:-1]),
                strict=True,
            ):
                self._weights[value] = _maximise(p[rows], parents[rows[0]], 30.0)
                parents[rows] = self._weights[value]

    def weights(self, buckets: Sequence[IntArray]) -> Probabilities:
        """Return the weights of each row, (n, parts), by its finest known bucket."""
        found = np.tile(self.default, (len(buckets[0]), 1))
        for bucket in buckets:
            values, inverse = np.unique(bucket, return_inverse=True)
            known = np.array([v in self._weights for v in values.tolist()])
            table = np.array([self._weights.get(v, self.default) for v in values.tolist()])
            found = np.where(known[inverse][:, None], table[inverse], found)
        return found.astype(np.float32)

    def weights_of(self, bucket: int) -> npt.NDArray[np.float64]:
        """Return the weights of one bucket, (parts,)."""
        return self._weights.get(bucket, self.default)


def _maximise(
    p: FloatArray, prior: npt.NDArray[np.float64], strength: float
) -> npt.NDArray[np.float64]:
    """Fit mixture weights by EM with a Dirichlet prior of `strength` notes; 40 rounds."""
    weights = prior.copy()
    for _ in range(40):
        shares = p * weights
        shares /= shares.sum(1, keepdims=True)
        weights = shares.sum(0) + strength * prior
        weights /= weights.sum()
    return weights


def uniform(rows: slice) -> Probabilities:
    """Return the same probability for every pitch, (rows, 128)."""
    return np.full((rows.stop - rows.start, PITCHES), 1 / PITCHES, np.float32)


def normalise(p: Probabilities) -> Probabilities:
    """Make every row of p sum to 1, in place; a row of zeros becomes uniform."""
    total = p.sum(1, keepdims=True)
    p[total[:, 0] <= 0] = 1 / PITCHES
    p /= np.where(total > 0, total, 1)
    return p


def mix(parts: Sequence[Probabilities], weights: Probabilities) -> Probabilities:
    """Mix distributions (parts of (n, 128)) by weights (n, parts)."""
    mixed = parts[0] * weights[:, :1]
    for index, p in enumerate(parts[1:], 1):
        mixed += p * weights[:, index : index + 1]
    return mixed


def at_truth(parts: Sequence[Probabilities], pitch: IntArray) -> FloatArray:
    """Return what each part gives the true pitches, (n, parts)."""
    rows = np.arange(len(pitch))
    return np.stack([p[rows, pitch] for p in parts], 1)
