"""The baselines that stand beside the player: n-grams with back-off, last bar's notes, copying.

They predict a note's pitch from everything before it, its onset and its voice, as the player
does. Each is a mixture of normalised distributions over the 128 pitches; the mixture's weights
are fitted by expectation maximisation on pieces of the training split that were not counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from antiphon_models.baselines.corpus import Corpus
from antiphon_models.baselines.counts import IntArray, Probabilities
from antiphon_models.baselines.ngram import NgramBaseline
from antiphon_models.baselines.repeat import RepeatBaseline
from antiphon_models.events import Piece
from antiphon_models.scores import Scores

HELD_OUT: Final = 20
"""One training piece in so many is kept from the counts, for the weights of the mixtures."""

HELD_OUT_NOTES: Final = 30_000
"""Notes of each style that the weights are fitted on, at most."""

_SMALLEST: Final = 1e-9


class Baselines:
    """The baselines, trained on the same pieces.

    Parameters
    ----------
    training : mapping of str to sequence of Piece
        Style -> pieces; may be empty, then only a piece's own past and fixed weights count.
    limit : int
        Training notes of each style that are counted, at most.
    """

    def __init__(self, training: Mapping[str, Sequence[Piece]], limit: int = 2_000_000) -> None:
        self.ngram, self.repeat = NgramBaseline(), RepeatBaseline()
        self.styles = sorted(training)
        self.notes = self.capped = 0
        counted, held_out = [], []
        for index, style in enumerate(self.styles):
            count = kept = 0
            for number, piece in enumerate(training[style]):
                if number % HELD_OUT == HELD_OUT // 2 and kept < HELD_OUT_NOTES:
                    held_out.append((piece.select(slice(HELD_OUT_NOTES - kept)), index))
                    kept += len(held_out[-1][0])
                elif count + len(piece) <= limit:
                    counted.append((piece, index))
                    count += len(piece)
                else:
                    self.capped += len(piece)
            self.notes += count
        if counted:
            notes = _join(counted)
            self.ngram.train(notes)
            self.repeat.train(notes)
            del notes
        if held_out:
            notes = _join(held_out)
            self.ngram.fit(notes)
            self.repeat.fit(notes)

    def corpus(self, pieces: Sequence[Piece], style: str) -> Corpus:
        """Put pieces of one set end to end."""
        index = self.styles.index(style) if style in self.styles else -1
        return Corpus.join(pieces, [index] * len(pieces))

    def score(self, pieces: Sequence[Piece], style: str) -> dict[str, Scores]:
        """Score the notes of one set.

        Returns
        -------
        dict
            "ngram": what training was counted for; "repeat": the last bar again; "own_past": the
            n-gram with what the piece itself has played so far on top, which is a model of
            copying. Without training the n-gram, too, is all own past.
        """
        notes = self.corpus(pieces, style)
        ngram, own_past, repeat = Scores(), Scores(), Scores()
        for rows, p, alone in self.ngram.pitch(notes):
            _add(own_past, p, notes.pitch[rows])
            if alone is not None:
                _add(ngram, alone, notes.pitch[rows])
        for rows, p in self.repeat.pitch(notes):
            _add(repeat, p, notes.pitch[rows])
        for name in ("shift", "voice", "velocity", "duration"):
            own_past.add_nll(name, -np.log(self.ngram.field(notes, name, own=True)))
            if ngram.counted:
                ngram.add_nll(name, -np.log(self.ngram.field(notes, name, own=False)))
        return {
            "ngram": ngram if ngram.counted else own_past,
            "repeat": repeat,
            "own_past": own_past,
        }


def _add(scores: Scores, p: Probabilities, truth: IntArray) -> None:
    guess = p.argmax(1)
    rows = np.arange(len(p))
    scores.add_nll("pitch", -np.log(np.maximum(p[rows, truth], _SMALLEST)))
    scores.add_guesses(truth, guess, p[rows, guess])


def _join(pieces: Sequence[tuple[Piece, int]]) -> Corpus:
    return Corpus.join([p for p, _ in pieces], [style for _, style in pieces])
