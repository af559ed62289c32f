"""Sums up how well notes were predicted: likelihoods, hits, classes, calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon_models.events import FIELDS, PITCHES

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CONFIDENCE_BINS: Final = 15
"""Equal bins of the top-1 probability in the calibration figures."""


def _counts(size: int) -> Any:
    return field(default_factory=lambda: np.zeros(size))


@dataclass
class Scores:
    """Running sums over notes.

    Attributes
    ----------
    nll, counted : dict
        Field -> sum of -ln p of the true values in nats, and the notes summed.
    truths, guesses, hits : ndarray
        (128,): how often each pitch was right, was guessed, and was guessed rightly.
    confident, sure, sure_hits : ndarray
        (CONFIDENCE_BINS,): notes, sum of top-1 probabilities and hits by top-1 probability.
    """

    nll: dict[str, float] = field(default_factory=dict)
    counted: dict[str, int] = field(default_factory=dict)
    truths: FloatArray = _counts(PITCHES)
    guesses: FloatArray = _counts(PITCHES)
    hits: FloatArray = _counts(PITCHES)
    confident: FloatArray = _counts(CONFIDENCE_BINS)
    sure: FloatArray = _counts(CONFIDENCE_BINS)
    sure_hits: FloatArray = _counts(CONFIDENCE_BINS)

    def add_nll(self, name: str, values: npt.NDArray[np.floating[Any]]) -> None:
        """Add -ln p of one field of some notes, (n,), nats."""
        self.nll[name] = self.nll.get(name, 0.0) + float(values.sum(dtype=np.float64))
        self.counted[name] = self.counted.get(name, 0) + values.size

    def add_guesses(
        self, truth: IntArray, guess: IntArray, probability: npt.NDArray[np.floating[Any]]
    ) -> None:
        """Add top-1 guesses of the pitch.

        Parameters
        ----------
        truth, guess : ndarray
            (n,): the pitch that came and the likeliest one.
        probability : ndarray
            (n,): what the guess was given.
        """
        hit = (truth == guess).astype(np.float64)
        self.truths += np.bincount(truth, minlength=PITCHES)
        self.guesses += np.bincount(guess, minlength=PITCHES)
        self.hits += np.bincount(truth, weights=hit, minlength=PITCHES)
        at = np.clip((probability * CONFIDENCE_BINS).astype(np.int64), 0, CONFIDENCE_BINS - 1)
        self.confident += np.bincount(at, minlength=CONFIDENCE_BINS)
        self.sure += np.bincount(at, weights=probability, minlength=CONFIDENCE_BINS)
        self.sure_hits += np.bincount(at, weights=hit, minlength=CONFIDENCE_BINS)

    def figures(self) -> dict[str, float]:
        """Return the figures by their public names.

        ``<field>_nll`` are means in nats a note; ``nll`` is the sum over the five fields, if all
        are there. Precision, recall and F1 are macro means over the pitches that occur or were
        guessed (a pitch never guessed has precision 0). ``pitch_calibration_error`` is the
        mean gap between top-1 probability and hits, weighted by notes.
        """
        found = {f"{name}_nll": self.nll[name] / max(self.counted[name], 1) for name in self.nll}
        if set(FIELDS) <= set(self.nll):
            found["nll"] = sum(found[f"{name}_nll"] for name in FIELDS)
        notes = self.truths.sum()
        if notes:
            seen = (self.truths + self.guesses) > 0
            hits = self.hits[seen]
            precision = hits / np.maximum(self.guesses[seen], 1)
            recall = hits / np.maximum(self.truths[seen], 1)
            f1 = 2 * hits / (self.guesses[seen] + self.truths[seen])
            found["pitch_accuracy"] = float(self.hits.sum() / notes)
            found["pitch_precision"] = float(precision.mean())
            found["pitch_recall"] = float(recall.mean())
            found["pitch_f1"] = float(f1.mean())
            gap = np.abs(self.sure - self.sure_hits).sum() / notes
            found["pitch_calibration_error"] = float(gap)
        return {name: round(value, 6) for name, value in found.items()}

    def calibration(self) -> list[dict[str, float]]:
        """Return the bins of the calibration plot that hold notes."""
        return [
            {
                "probability": round(float(self.sure[i] / self.confident[i]), 5),
                "accuracy": round(float(self.sure_hits[i] / self.confident[i]), 5),
                "notes": int(self.confident[i]),
            }
            for i in np.flatnonzero(self.confident)
        ]
