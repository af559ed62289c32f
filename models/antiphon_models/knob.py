"""What the knob of variations does: distance for amount, difference, and time.

Needs only numpy.
"""

from __future__ import annotations

import itertools
import time
from typing import Any, Final

import numpy as np
from threadpoolctl import threadpool_limits

from antiphon_models.codec import LONGEST
from antiphon_models.contenders import code_distance, encode, gan, phases, spreads, to_rolls
from antiphon_models.distinct import TOGETHER, TRIES
from antiphon_models.editor import Editor, vary_roll, vary_rolls
from antiphon_models.idiom import Phrases
from antiphon_models.likeness import spearman
from antiphon_models.prepared import Prepared
from antiphon_models.rolls import FloatArray, distance

AMOUNTS: Final = tuple(round(0.1 * step, 1) for step in range(11))
"""Amounts at which the distance is measured."""

DIVERSE: Final = (0.2, 0.5, 0.8)
"""Amounts at which variations are compared with each other."""

VARIATIONS: Final = 16
"""Variations of one phrase that are compared, and timed together."""


def measure_distances(
    editor: Editor, phrases: Phrases, seed: int
) -> tuple[dict[str, Any], FloatArray]:
    """Turn the knob from 0 to 1 with the same seed, and measure how far each phrase goes.

    Distances are the share of hits that only one of the two has, and that of
    :func:`antiphon_models.contenders.code_distance`. Correlations are Spearman's over the
    amounts, for each phrase, averaged.

    Returns
    -------
    dict, ndarray
        Figures, and (2, amounts): mean distance on the grid and in the latent space.
    """
    code = encode(editor.codec, phrases)
    spread = spreads(code)
    on_grid, in_code, identical = [], [], np.zeros(len(phrases), np.bool_)
    for amount in AMOUNTS:
        made = gan(editor, phrases, amount, seed)
        on_grid.append(distance(phrases.hit, made.hit))
        in_code.append(code_distance(code, encode(editor.codec, made), spread))
        if amount == 0:
            identical = _same(phrases, made)
    edits, codes = np.stack(on_grid, 1), np.stack(in_code, 1)  # (phrases, amounts)
    figures = {
        f"distance_spearman_{name}": round(float(np.mean([spearman(AMOUNTS, d) for d in each])), 5)
        for name, each in (("edit", edits), ("dic", codes))
    }
    figures["distance_spearman"] = min(figures.values())
    figures["identical_at_zero"] = float(identical.mean())
    return figures, np.stack([edits.mean(0), codes.mean(0)])


def _same(a: Phrases, b: Phrases) -> Any:
    """Tell of each window whether every note is the same in both, (windows,)."""
    parts = [
        (getattr(a, name) * a.hit == getattr(b, name) * b.hit).all((1, 2, 3))
        for name in ("hit", "velocity", "offset")
    ]
    close = np.abs(a.duration * a.hit - b.duration * b.hit).max((1, 2, 3)) < 1e-3
    return np.all([*parts, close], 0)


def measure_diversity(editor: Editor, phrases: Phrases, seed: int) -> dict[str, Any]:
    """Make 16 variations of each phrase at several amounts, and look for equal ones.

    Two are equal if their hits are, whatever their velocities. As in playing, one that came out
    as an earlier one is tried again with more chance (``retried`` counts those that had to be);
    ``identical_pairs`` are those left, of ``pairs``.
    """
    pairs = identical = retried = made = 0
    apart: list[float] = []
    for index, (phrase, phase) in enumerate(_prepare(editor, phrases)):
        for amount in DIVERSE:
            hits: list[FloatArray] = []
            for number in range(VARIATIONS):
                for attempt in range(TRIES):
                    random = np.random.default_rng((seed, index, number, attempt))
                    heat = 1 + 0.3 * attempt
                    hit = vary_roll(editor, phrase, phase, amount, random, heat)[0]
                    if not any(np.array_equal(hit, other) for other in hits):
                        break
                hits.append(hit)
                made += 1
                retried += attempt > 0
            for one, other in itertools.combinations(hits, 2):
                gap = float(distance(one, other))
                pairs, identical = pairs + 1, identical + (gap == 0)
                apart.append(gap)
    return {
        "identical_pairs": identical,
        "pairs": pairs,
        "retried": round(retried / max(made, 1), 5),
        "distance": round(float(np.mean(apart)), 5) if apart else 0.0,
    }


def measure_time(editor: Editor, phrases: Phrases, seed: int) -> dict[str, Any]:
    """Time one variation of a phrase, and 16 of them with what they share, on one core, in ms.

    The 16 are made as for playing: the first alone, the others so many at once.
    """
    single, sixteen = [], []
    rolls = to_rolls(phrases)
    coded = np.log2(1 + phrases.duration) / LONGEST
    with threadpool_limits(1):
        for index, phase in enumerate(phases(phrases)):
            random = np.random.default_rng((seed, index))
            began = time.perf_counter()
            phrase = editor.prepare(rolls[index], phrases.position[index], coded[index])
            start = time.perf_counter()
            vary_roll(editor, phrase, phase, 0.5, random)
            single.append(1000 * (time.perf_counter() - start))
            for made in range(1, VARIATIONS, TOGETHER):
                count = min(TOGETHER, VARIATIONS - made)
                vary_rolls(editor, phrase, phase, 0.5, random, count)
            sixteen.append(1000 * (time.perf_counter() - began))
    return {**_times(single), "sixteen": _times(sixteen)}


def _times(ms: list[float]) -> dict[str, float]:
    p50, p99 = np.percentile(ms, [50, 99])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3), "max": round(max(ms), 3)}


def _prepare(editor: Editor, phrases: Phrases) -> list[tuple[Prepared, FloatArray]]:
    """Prepare each phrase, and tell its phases."""
    rolls = to_rolls(phrases)
    coded = np.log2(1 + phrases.duration) / LONGEST
    return [
        (editor.prepare(rolls[index], phrases.position[index], coded[index]), phase)
        for index, phase in enumerate(phases(phrases))
    ]


def example(editor: Editor, phrases: Phrases, seed: int, amounts: tuple[float, ...]) -> FloatArray:
    """Return the velocities of one phrase at some amounts: (amounts, beats, SLOTS, rows)."""
    one = phrases.pick(slice(0, 1))
    made = [gan(editor, one, amount, seed) for amount in amounts]
    return np.concatenate([m.hit * np.maximum(m.velocity, 0.2) for m in made])
