"""How alike two sets of things are: ranks, histograms, and clouds of points.

Needs only numpy.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

NEIGHBOURS: Final = 5
"""Nearest neighbours that make a point's ball, as Naeem et al. recommend."""


def ranks(values: npt.ArrayLike) -> Array:
    """Return the ranks of values from 0, equal values sharing their mean rank: (n,)."""
    array = np.asarray(values, np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts) - 1
    return np.asarray((last - (counts - 1) / 2)[inverse.ravel()], np.float64)


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Return Spearman's rank correlation of two lists of n values.

    0 if either does not vary at all: what does not move does not obey.
    """
    one, two = ranks(a), ranks(b)
    one, two = one - one.mean(), two - two.mean()
    size = float(np.sqrt((one @ one) * (two @ two)))
    return float(one @ two) / size if size > 0 else 0.0


def histogram_kl(
    real: npt.ArrayLike, made: npt.ArrayLike, edges: npt.ArrayLike, smoothing: float = 1.0
) -> float:
    """Return the KL divergence of the histogram of real values from that of made ones, in nats.

    Parameters
    ----------
    real, made : array
        (n,), (m,): values; those beyond the edges count in the outermost bins.
    edges : array
        (bins + 1,): edges of the bins, ascending.
    smoothing : float
        Counts added to every bin of both.
    """
    bounds = np.asarray(edges, np.float64)
    shares = []
    for values in (real, made):
        inside = np.clip(np.asarray(values, np.float64), bounds[0], bounds[-1])
        counts = np.histogram(inside, bounds)[0] + smoothing
        shares.append(counts / counts.sum())
    p, q = shares
    some = p > 0
    return float((p[some] * np.log(p[some] / q[some])).sum())


class Cloud(NamedTuple):
    """How two clouds of points lie to each other.

    `precision`: share of made points in the ball of a real one; `recall`: share of real points
    in the ball of a made one; `density`: real balls that a made point lies in, over k;
    `coverage`: share of real balls that hold a made point.
    """

    precision: float
    recall: float
    density: float
    coverage: float


def compare_clouds(real: npt.ArrayLike, made: npt.ArrayLike, k: int = NEIGHBOURS) -> Cloud:
    """Compare points that were made with real ones.

    A point's ball reaches to its k-th nearest neighbour of its own sort. Source: Kynkäänniemi
    et al. 2019 (precision, recall); Naeem et al. 2020 (density, coverage).

    Parameters
    ----------
    real, made : array
        (n, features), (m, features); more than k of each.
    k : int
        Neighbours.
    """
    a, b = np.asarray(real, np.float64), np.asarray(made, np.float64)
    own, other = _radii(a, k), _radii(b, k)
    apart = distances(a, b)  # (n, m)
    within = apart < own[:, None]
    return Cloud(
        precision=float(within.any(0).mean()),
        recall=float((apart < other).any(1).mean()),
        density=float(within.sum(0).mean() / k),
        coverage=float((apart.min(1) < own).mean()),
    )


def distances(a: Array, b: Array) -> Array:
    """Return Euclidean distances, (n, m)."""
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
    return np.asarray(np.sqrt(np.maximum(squares, 0)), np.float64)


def _radii(points: Array, k: int) -> Array:
    """Return the distance of each point's k-th nearest neighbour, itself not counted: (n,)."""
    apart = distances(points, points)
    np.fill_diagonal(apart, np.inf)
    return np.asarray(np.partition(apart, k - 1, 1)[:, k - 1], np.float64)


def frechet(a: Any, b: Any) -> float:
    """Return the Fréchet distance of two sets of vectors taken as normal, a dimension.

    Source: Heusel et al. 2017. The square root of the product of covariances is taken by the
    eigenvalues of ``a^(1/2) b a^(1/2)``.

    Parameters
    ----------
    a, b : ndarray
        (n, features), (m, features).
    """
    mean = float(((a.mean(0) - b.mean(0)) ** 2).sum())
    one, two = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    middle = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    total = mean + float(np.trace(one) + np.trace(two) - 2 * middle)
    return total / float(a.shape[1])
