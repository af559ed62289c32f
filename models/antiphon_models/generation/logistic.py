"""A classifier of continuations that sees what can be measured of them: logistic regression."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.generation.excerpt import Excerpt
from antiphon_models.generation.features import measure_features, point
from antiphon_models.generation.statistics import NAMES, statistics
from antiphon_models.rolls import BoolArray
from antiphon_models.two_sample import INNER, SEEDS, Verdict, repeat

Array = npt.NDArray[np.float64]

RIDGES: Final = (1.0, 10.0, 100.0, 1000.0)
"""Weights of the penalty that are tried, on what is held out of what is learnt from."""

REACH: Final = 12
"""Semitones of the largest interval that is told from larger ones."""

_STEPS: Final = 25


def measure(excerpts: Sequence[Excerpt]) -> Array:
    """Return all that the classifier sees of excerpts, (excerpts, size).

    The features of :func:`antiphon_models.generation.features.point`, the statistics that MusPy
    defines, histograms of intervals and of the place in the beat, mean and spread of velocities.
    """
    rows = [
        np.concatenate([_statistics(e), _intervals(e), _places(e), _touch(e)]) for e in excerpts
    ]
    return np.concatenate([point(measure_features(excerpts)), np.stack(rows)], 1)


def _statistics(e: Excerpt) -> Array:
    found = statistics(e)
    return np.array([found.get(name, 0.0) for name in NAMES])


def _intervals(e: Excerpt) -> Array:
    steps = np.clip(np.diff(e.notes.pitch), -REACH, REACH) + REACH
    return np.bincount(steps, minlength=2 * REACH + 1) / max(len(steps), 1)


def _places(e: Excerpt) -> Array:
    place = e.notes.onset % TICKS_PER_BEAT // 4
    return np.bincount(place, minlength=TICKS_PER_BEAT // 4) / max(len(place), 1)


def _touch(e: Excerpt) -> Array:
    velocity = e.notes.velocity
    return np.array([velocity.mean(), velocity.std()]) if len(e) else np.zeros(2)


def tell_by_measures(
    real: Sequence[Excerpt],
    made: Mapping[str, Sequence[Excerpt]],
    half: BoolArray,
    seeds: tuple[int, ...] = SEEDS,
) -> dict[str, Verdict]:
    """Test each contender's continuations, as :func:`antiphon_models.two_sample.tell_apart` does.

    Parameters
    ----------
    real : sequence of Excerpt
        What musicians played.
    made : mapping
        Contender -> as many continuations.
    half : ndarray of bool
        (excerpts,): which half of the pieces each is of.
    seeds : tuple of int
        The same choices for every contender.
    """
    shown = measure(real)
    found = {}
    for who, excerpts in made.items():
        varied = measure(excerpts)

        def judge(
            is_made: BoolArray, learn: BoolArray, seed: int, varied: Array = varied
        ) -> npt.NDArray[np.float64]:
            x = np.where(is_made[:, None], varied, shown)
            return _right(x, is_made, learn, seed)

        found[who] = repeat(judge, half, seeds)
    return found


def _right(x: Array, label: BoolArray, learn: BoolArray, seed: int) -> Array:
    """Learn from one half; return which of the other is judged rightly, 0 or 1."""
    middle, spread = x[learn].mean(0), x[learn].std(0)
    x = np.clip((x - middle) / np.where(spread > 0, spread, 1.0), -5, 5)
    x = np.concatenate([np.ones((len(x), 1)), x, x * x - 1], 1)  # spreads tell as means do
    mine = np.random.default_rng(seed).permutation(np.flatnonzero(learn))
    held = max(1, int(INNER * len(mine)))
    inner, train = mine[:held], mine[held:]
    y = label.astype(np.float64)
    costs = [_cost(x[inner] @ fit(x[train], y[train], ridge), y[inner]) for ridge in RIDGES]
    weights = fit(x[mine], y[mine], RIDGES[int(np.argmin(costs))])
    return np.asarray(((x[~learn] @ weights > 0) == label[~learn]).astype(np.float64))


def fit(x: Array, y: Array, ridge: float) -> Array:
    """Return the weights (size,) of a logistic regression with a penalty on their squares.

    Parameters
    ----------
    x, y : ndarray
        (n, size), the first column being 1; (n,), 0 or 1.
    ridge : float
        Weight of the penalty; the first weight has none. Found by Newton's method.
    """
    weights = np.zeros(x.shape[1])
    penalty = np.full(x.shape[1], ridge)
    penalty[0] = 1e-6
    for _ in range(_STEPS):
        p = _sigmoid(x @ weights)
        slope = x.T @ (y - p) - penalty * weights
        curve = (x * np.maximum(p * (1 - p), 1e-6)[:, None]).T @ x + np.diag(penalty)
        step = np.linalg.solve(curve, slope)
        weights += step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _cost(z: Array, y: Array) -> float:
    return float((np.logaddexp(0, z) - y * z).mean())


def _sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)), np.float64)
