"""Can a fresh classifier tell continuations from what the musicians played?

Two classifiers try, as what one overlooks the other may see: one looks at the notes on a grid, the
other at what can be measured of them. What counts is the one that tells more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.evaluation_data import cut_in_half
from antiphon_models.generation.compare import Continued
from antiphon_models.generation.excerpt import Excerpt
from antiphon_models.generation.judged import has, to_phrases
from antiphon_models.rolls import BoolArray, Kind

KINDS: Final[tuple[Kind, ...]] = ("pitched", "drums")

JUDGES: Final = ("grid", "measures")
"""Classifiers by their public names."""

FEWEST: Final = 20
"""Continuations of a kind that a classifier needs, at least."""

Told = dict[str, dict[str, Any]]
"""Classifier -> contender -> figures."""


def tell_apart(sets: Mapping[str, Continued], seed: int) -> tuple[dict[str, Told], Told]:
    """Let fresh classifiers tell each contender's continuations from the musicians'.

    One of each sort for each kind of music and contender, on all sets together; the
    continuations of a piece are all learnt from or all tested on.

    Returns
    -------
    dict, dict
        Set -> classifier -> contender -> accuracy. Classifier -> contender -> ``accuracy``, its
        ``error`` and the number of ``excerpts``, over all sets and both kinds.
    """
    from antiphon_models import two_sample  # loads torch
    from antiphon_models.generation.logistic import tell_by_measures

    by_set: dict[str, Told] = {}
    whole: dict[str, dict[str, list[tuple[float, float, int]]]] = {j: {} for j in JUDGES}
    for kind in KINDS:
        real, made, half, name = _gather(sets, kind, seed)
        if len(real) < FEWEST:
            continue
        beats = int(max(np.ceil(e.bar / TICKS_PER_BEAT - 1e-6) * e.bars for e in real))
        shown = to_phrases(real, kind, beats)
        varied = {who: to_phrases(excerpts, kind, beats) for who, excerpts in made.items()}
        verdicts = {
            "grid": two_sample.tell_apart(shown, varied, half),
            "measures": tell_by_measures(real, made, half),
        }
        for judge, found in verdicts.items():
            for who, verdict in found.items():
                figures = (verdict.accuracy, verdict.error, len(real))
                whole[judge].setdefault(who, []).append(figures)
                for one in np.unique(name).tolist():
                    right = verdict.right[name == one]
                    if not np.isnan(right).all():
                        own = by_set.setdefault(one, {}).setdefault(judge, {})
                        own[who] = round(float(np.nanmean(right)), 5)
    return by_set, {
        judge: {who: _merge(parts) for who, parts in found.items()}
        for judge, found in whole.items()
        if found
    }


def _gather(
    sets: Mapping[str, Continued], kind: Kind, seed: int
) -> tuple[list[Excerpt], dict[str, list[Excerpt]], BoolArray, np.ndarray[Any, Any]]:
    """Put the excerpts of a kind together: real, made, which half each is of, and its set."""
    real: list[Excerpt] = []
    made: dict[str, list[Excerpt]] = {}
    pieces: list[tuple[str, int]] = []
    for name, continued in sets.items():
        some = [i for i, excerpt in enumerate(continued.real) if has(excerpt, kind)]
        real += [continued.real[i] for i in some]
        for who, excerpts in continued.made.items():
            made.setdefault(who, []).extend(excerpts[i] for i in some)
        pieces += [(name, int(continued.piece[i])) for i in some]
    number = {piece: index for index, piece in enumerate(dict.fromkeys(pieces))}
    half = cut_in_half(np.array([number[p] for p in pieces], np.int64), seed)
    return real, made, half, np.array([name for name, _ in pieces])


def _merge(parts: Sequence[tuple[float, float, int]]) -> dict[str, Any]:
    """Return the mean of accuracies, weighted by excerpts, and its error."""
    count = sum(size for _, _, size in parts)
    accuracy = sum(value * size for value, _, size in parts) / count
    error = sum((value * size / count) ** 2 for _, value, size in parts) ** 0.5
    return {"accuracy": round(accuracy, 5), "error": round(error, 5), "excerpts": count}
