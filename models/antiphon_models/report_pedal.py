"""How well the pedal head foretells pianists' pedals, beside what needs no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from antiphon.music import Pedal
from antiphon_models.pedal import CLASSES

Figures = dict[str, Any]
FloatArray = npt.NDArray[np.floating[Any]]
IntArray = npt.NDArray[np.int64]

_STAYS = {Pedal.UNKNOWN: 0, Pedal.UP: 0, Pedal.DOWN: 1, Pedal.CHANGED: 1}
"""Index in CLASSES of what follows if nothing moves."""


@dataclass(frozen=True, eq=False)
class Scores:
    """What is scored: log probabilities (onsets, 3), the pedals before, the true classes (onsets,),
    and the transition frequencies (4, 3) of training music.
    """

    log_p: FloatArray
    before: IntArray
    target: IntArray
    transitions: FloatArray


def transitions(before: IntArray, target: IntArray) -> FloatArray:
    """Count what follows each pedal; return probabilities (4, 3), one added to each count."""
    counts = np.ones((len(Pedal), len(CLASSES)))
    np.add.at(counts, (before, target), 1)
    return np.asarray(counts / counts.sum(1, keepdims=True))


def score(scores: Scores) -> Figures:
    """Return nats an onset and accuracies, of the head and of the baselines.

    ``moves`` counts the onsets at which the pedal does anything but stay; ``moves_found`` is the
    share of them that the head takes for the likeliest.
    """
    log_p, before, target = scores.log_p, scores.before, scores.target
    at = np.arange(len(target))
    table = scores.transitions[before]
    stays = np.array([_STAYS[pedal] for pedal in Pedal])[before]
    moved = target != stays
    guess = log_p.argmax(1)
    return {
        "onsets": len(target),
        "moves": int(moved.sum()),
        "nll": round(float(-log_p[at, target].mean()), 4),
        "accuracy": round(float((guess == target).mean()), 4),
        "moves_found": round(float((guess == target)[moved].mean()) if moved.any() else 0.0, 4),
        "transitions": {
            "nll": round(float(-np.log(table[at, target]).mean()), 4),
            "accuracy": round(float((table.argmax(1) == target).mean()), 4),
        },
        "as_before": {"accuracy": round(float((stays == target).mean()), 4)},
    }


def summary(sets: Mapping[str, Figures]) -> Iterator[str]:
    """Write the figures as a Markdown table, a set a row."""
    yield (
        "| set | onsets | nats an onset | transition frequencies | accuracy | transition "
        "frequencies | as before | moves found |"
    )
    yield "| :-- " + "| --: " * 7 + "|"
    for name, found in sets.items():
        cells = [
            f"{found['onsets']:,}",
            f"{found['nll']:.3f}",
            f"{found['transitions']['nll']:.3f}",
            f"{found['accuracy']:.3f}",
            f"{found['transitions']['accuracy']:.3f}",
            f"{found['as_before']['accuracy']:.3f}",
            f"{found['moves_found']:.3f} of {found['moves']:,}",
        ]
        yield f"| {name} | " + " | ".join(cells) + " |"
