"""Compares continuations with what the musicians played: features, clouds, statistics, copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from antiphon_models.events import IntArray, Piece
from antiphon_models.generation.copying import longest_copies, sum_up
from antiphon_models.generation.excerpt import Excerpt
from antiphon_models.generation.features import FEATURES, measure_features, point
from antiphon_models.generation.overlap import compare_sets
from antiphon_models.generation.statistics import mean_statistics
from antiphon_models.likeness import NEIGHBOURS, compare_clouds

HUMAN: Final = "human"
"""What the musician went on with."""


@dataclass(frozen=True)
class Continued:
    """The continuations of the prompts of one set.

    Attributes
    ----------
    real : list of Excerpt
        What the musicians played.
    made : dict
        Contender -> one continuation of each prompt.
    piece : ndarray
        (prompts,): the piece that each prompt is of.
    """

    real: list[Excerpt]
    made: dict[str, list[Excerpt]]
    piece: IntArray


def compare_set(continued: Continued) -> dict[str, Any]:
    """Return what can be said of one set: overlap, KL, clouds and statistics of each contender."""
    real = measure_features(continued.real)
    points = point(real)
    middle, spread = points.mean(0), np.maximum(points.std(0), 1e-6)
    scale = np.where(points.std(0) > 0, 1 / spread, 0.0)
    area: dict[str, dict[str, float]] = {}
    kl: dict[str, dict[str, float]] = {}
    cloud: dict[str, dict[str, float]] = {}
    statistics = {HUMAN: _rounded(mean_statistics(continued.real))}
    for who, excerpts in continued.made.items():
        own = measure_features(excerpts)
        found = {name: compare_sets(real[name], own[name]) for name in FEATURES}
        area[who] = _with_mean({name: overlap.area for name, overlap in found.items()})
        kl[who] = _with_mean({name: overlap.kl for name, overlap in found.items()})
        if len(points) > NEIGHBOURS:
            other = (point(own) - middle) * scale
            cloud[who] = _rounded(compare_clouds((points - middle) * scale, other)._asdict())
        statistics[who] = _rounded(mean_statistics(excerpts))
    return {"overlap": area, "kl": kl, "cloud": cloud, "statistics": statistics}


def find_copies(
    sets: Mapping[str, Continued], library: Sequence[Piece]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any], dict[str, IntArray]]:
    """Look for the longest passage of every continuation, and of the music itself, in a library.

    Returns
    -------
    dict, dict, dict
        Set -> contender -> figures; contender -> figures over all sets; contender -> (excerpts,)
        notes of the longest passage of each.
    """
    queries: list[Piece] = []
    owner: list[tuple[str, str]] = []
    for name, continued in sets.items():
        for who, excerpts in {HUMAN: continued.real, **continued.made}.items():
            queries += [excerpt.notes for excerpt in excerpts]
            owner += [(name, who)] * len(excerpts)
    lengths = longest_copies(queries, library)
    whose = np.array([who for _, who in owner])
    where = np.array([name for name, _ in owner])
    contenders = list(dict.fromkeys(whose.tolist()))
    by_set = {
        name: {
            who: sum_up(lengths[(where == name) & (whose == who)])._asdict() for who in contenders
        }
        for name in sets
    }
    every = {who: lengths[whose == who] for who in contenders}
    return by_set, {who: sum_up(values)._asdict() for who, values in every.items()}, every


def _with_mean(values: Mapping[str, float]) -> dict[str, float]:
    return _rounded({"mean": float(np.mean(list(values.values()))), **values})


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in values.items()}
