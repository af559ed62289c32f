"""Evaluates a GAN as it is played, beside random edits and the DIC alone at the same distance.

What each of the three does is said in :mod:`antiphon_models.contenders`. Importable without
torch; it is loaded when evaluation starts.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_models import contenders
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.codec import Code
from antiphon_models.data.pairs import find_pairs
from antiphon_models.data.windows import Bars
from antiphon_models.editor import Editor, load_editor
from antiphon_models.evaluation_data import (
    Evaluated,
    Examples,
    Say,
    choose_windows,
    cut_in_half,
    cut_sets,
)
from antiphon_models.idiom import POINTS, Phrases, statistics
from antiphon_models.knob import example, measure_distances, measure_diversity, measure_time
from antiphon_models.likeness import NEIGHBOURS, compare_clouds, frechet
from antiphon_models.rolls import BoolArray, FloatArray, distance

AMOUNTS: Final = (0.3, 0.6)
"""Amounts at which variations are compared with music."""

SHOWN: Final = (0.0, 0.2, 0.5, 0.8)
"""Amounts of the pictures."""

TURNED: Final = 200
"""Phrases of a set whose knob is turned."""

DIVERSE: Final = 48
"""Phrases of a set of which 16 variations are made."""

TIMED: Final = 32
"""Phrases of a set whose variations are timed."""

Made = dict[str, dict[str, Phrases]]
"""Amount -> contender -> one variation of each window."""


def evaluate_gan(
    args: argparse.Namespace, checkpoint: Path, found: Evaluated, say: Say
) -> tuple[dict[str, Any], Examples]:
    """Measure a GAN, and two baselines beside it, on every set that has its kind of music.

    Parameters
    ----------
    args : argparse.Namespace
        Of the command.
    checkpoint : Path
        The GAN's file.
    found : Evaluated
        What it is measured on.
    say : callable
        Told what is left out, and how far it is.
    """
    editor = load_editor(load_checkpoint(checkpoint, "gan"))
    result: dict[str, Any] = {
        "kind": "gan",
        "music": editor.kind,
        "checkpoint": str(checkpoint),
        "device": "cpu",
        "data": str(args.data),
        "amounts": list(AMOUNTS),
        "reach": editor.reach,
        "sets": {},
    }
    if found.refused:
        result["refused_files"] = found.refused
    examples: Examples = {}
    for name, bars in cut_sets(found, editor.kind, say).items():
        figures, examples[name] = measure_set(editor, bars, args.windows, args.seed, name, say)
        result["sets"][name] = {"split": found.splits[name], **figures}
    return result, examples


def measure_set(
    editor: Editor, bars: Bars, most: int, seed: int, name: str, say: Say
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of one set, and examples for its plots."""
    windows = choose_windows(bars, 2 * most, seed)
    phrases = contenders.read_phrases(bars, windows)
    piece = bars.piece[windows]
    say(f"gan: {name}, {len(windows):,} windows of {len(np.unique(piece))} pieces")
    some = np.random.default_rng(seed).permutation(len(phrases))
    knob, curve = measure_distances(editor, phrases.pick(some[:TURNED]), seed)
    figures: dict[str, Any] = {"windows": len(windows), **knob}
    figures["diversity"] = measure_diversity(editor, phrases.pick(some[:DIVERSE]), seed)
    figures["step_ms"] = measure_time(editor, phrases.pick(some[:TIMED]), seed)
    code = contenders.encode(editor.codec, phrases)
    half = cut_in_half(piece, seed)
    made = vary(editor, phrases, code, half, seed)
    figures["measured_distance"] = {
        amount: {who: _round(distance(phrases.hit, m.hit).mean()) for who, m in group.items()}
        for amount, group in made.items()
    }
    figures |= cover(editor, phrases, code, made, half)
    figures["gaps"] = gaps(phrases, made, _partners(bars, seed, len(windows)))
    say(f"gan: {name}, distances and statistics done")
    figures |= _test(phrases, made, half)
    say(f"gan: {name}, two-sample test done")
    longest = phrases.pick(some[:TURNED])
    longest = longest.pick(np.argsort(-longest.hit.sum((1, 2, 3)))[len(longest) // 4 :])
    kept = {"curve": curve, "rolls": example(editor, longest, seed, SHOWN), "amounts": SHOWN}
    return figures, kept


def vary(editor: Editor, phrases: Phrases, code: Code, half: BoolArray, seed: int) -> Made:
    """Let each contender make one variation of each phrase at each amount.

    The DIC moves a phrase towards music of the same half only, as the halves are compared later.
    """
    found: Made = {}
    for amount in AMOUNTS:
        made = contenders.gan(editor, phrases, amount, seed)
        found[f"{amount:g}"] = {
            "gan": made,
            "random_edit": contenders.random_edit(phrases, made, seed),
            "dic_only": contenders.dic_only(editor.codec, phrases, code, made, half, seed),
        }
    return found


def cover(
    editor: Editor, phrases: Phrases, code: Code, made: Made, half: BoolArray
) -> dict[str, Any]:
    """Compare variations of each half of the pieces with the music of the other half.

    Points are the DIC's features (style, and mean and spread of the content), each in the
    spread of the real ones; figures are means over both halves and the amounts.
    ``coverage_real``, ``density_real`` and ``frechet_real`` are those of the music itself.
    """
    if min(half.sum(), (~half).sum()) <= NEIGHBOURS:
        return {}
    points = contenders.features(phrases, code)
    figures = {f"{name}_real": value for name, value in _compare(points, points, half).items()}
    for who in contenders.NAMES:
        each = []
        for group in made.values():
            varied = contenders.encode(editor.codec, group[who])
            each.append(_compare(points, contenders.features(group[who], varied), half))
        tail = "" if who == "gan" else f"_{who}"
        for name in each[0]:
            figures[name + tail] = _round(np.mean([found[name] for found in each]))
    figures["coverage_share"] = _round(figures["coverage"] / max(figures["coverage_real"], 1e-9))
    return figures


def _compare(points: FloatArray, made: FloatArray, half: BoolArray) -> dict[str, float]:
    """Compare points of each half that were made with real ones of the other half."""
    found = []
    for mine in (half, ~half):
        middle, spread = points[~mine].mean(0), np.maximum(points[~mine].std(0), 1e-6)
        real, other = ((p - middle) / spread for p in (points[~mine], made[mine]))
        cloud = compare_clouds(real, other)
        found.append((cloud.coverage, cloud.density, frechet(real, other)))
    means = np.mean(found, 0)
    return dict(zip(("coverage", "density", "frechet"), map(_round, means), strict=True))


def gaps(phrases: Phrases, made: Made, partners: Phrases | None) -> dict[str, dict[str, Any]]:
    """Compare the statistics of variations with those of all real windows.

    Figures of contenders are means over the amounts. ``points`` are hundredths of a share, or
    of the twelve pitch classes, that each is away from the real music; ``partners`` is what
    musicians made of the windows: other windows of the same pieces.
    """
    real = statistics(phrases)
    beside = {} if partners is None else statistics(partners)
    each = {who: [statistics(group[who]) for group in made.values()] for who in contenders.NAMES}
    found: dict[str, dict[str, Any]] = {}
    for name, value in real.items():
        entry: dict[str, Any] = {"real": _round(value)}
        if name in beside:
            entry["partners"] = _round(beside[name])
        points = {}
        for who, values in each.items():
            mean = float(np.mean([v[name] for v in values if name in v] or [0.0]))
            entry[who] = _round(mean)
            points[who] = _round(POINTS.get(name, 100) * abs(mean - value))
        found[name] = {**entry, "points": points}
    return found


def _partners(bars: Bars, seed: int, most: int) -> Phrases | None:
    """Return windows that musicians made of windows: partners at all distances."""
    try:
        pairs = find_pairs(bars, seed, hop=2)
    except ValueError:  # no piece has two windows
        return None
    if not len(pairs.first):
        return None
    _, partner = pairs.draw(np.random.default_rng(seed), min(most, 1000))
    return contenders.read_phrases(bars, partner)


def _test(phrases: Phrases, made: Made, half: BoolArray) -> dict[str, Any]:
    """Return how often a fresh classifier tells each contender's variations from music."""
    from antiphon_models.two_sample import tell_apart

    accuracy: dict[str, dict[str, float]] = {who: {} for who in contenders.NAMES}
    error: dict[str, dict[str, float]] = {who: {} for who in contenders.NAMES}
    for amount, group in made.items():
        for who, verdict in tell_apart(phrases, group, half).items():
            accuracy[who][amount] = _round(verdict.accuracy)
            error[who][amount] = _round(verdict.error)
    return {"c2st": accuracy, "c2st_error": error}


def _round(value: Any) -> float:
    return round(float(value), 5)
