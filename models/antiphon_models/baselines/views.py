"""The ways in which the n-gram baseline looks at notes: contexts, from short to long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from antiphon.music import Voice
from antiphon_models.baselines.corpus import NOTHING, Corpus
from antiphon_models.baselines.counts import Hashes, IntArray, hash_columns
from antiphon_models.events import PITCHES

REFERENCE: Final = 60
"""What the first interval of a piece counts from."""

NO_INTERVAL: Final = 999
"""Stands for the interval to a note before the piece began."""


class View:
    """One way to look at notes: contexts from short to long, and what they predict.

    Attributes
    ----------
    contexts : list of ndarray
        Hashes, (notes,) each.
    symbols, offset : ndarray
        (notes,); pitch = symbol + offset.
    """

    def __init__(self, contexts: list[Hashes], pitch: IntArray, offset: IntArray) -> None:
        self.contexts = contexts
        self.symbols = pitch - offset
        self.offset = offset


def _growing(always: Sequence[IntArray], history: Sequence[IntArray]) -> list[Hashes]:
    """Contexts of 0, 1, 2 ... columns of the history."""
    return [hash_columns(*always, *history[:n]) for n in range(len(history) + 1)]


def _relative(reference: IntArray) -> IntArray:
    """Offset that makes symbols 0..254 of intervals to a reference pitch."""
    return np.where(reference == NOTHING, REFERENCE, reference) - (PITCHES - 1)


def _differences(history: Sequence[IntArray]) -> list[IntArray]:
    """Intervals from the first of the columns to the others; drums and gaps are far away."""
    return [np.where(h == NOTHING, NO_INTERVAL, h - history[0]) for h in history[1:]]


def trained_views(notes: Corpus) -> Iterator[tuple[str, View]]:
    """Yield the ways in which training notes are counted, by name."""
    here = (notes.voice, notes.chord)
    style = hash_columns(notes.style, *here)
    past = [notes.before(notes.pitch, k) for k in range(1, 6)]
    voices = notes.before(notes.voice, 1)
    zero = np.zeros(len(notes), np.int64)
    yield (
        "pitches",
        View([hash_columns(*here), style, *_growing(here, past[:4])[1:]], notes.pitch, zero),
    )
    steps = _differences(past)
    # Drums have no intervals: they keep the instrument.
    drum = np.where(notes.voice == Voice.DRUMS, past[0], NOTHING)
    yield (
        "intervals",
        View(
            [
                hash_columns(notes.style, *here, voices, drum),
                *_growing((*here, voices, drum), steps)[1:],
            ],
            notes.pitch,
            _relative(past[0]),
        ),
    )


def own_views(notes: Corpus) -> Iterator[tuple[str, View]]:
    """Yield the ways in which the piece's own past is counted, by name."""
    zero = np.zeros(len(notes), np.int64)
    past = [notes.before(notes.pitch, k) for k in range(1, 8)]
    here = (notes.piece, notes.voice, notes.chord)
    contexts = _growing(here, past)
    yield (
        "own pitches",
        View([hash_columns(notes.piece, notes.voice), *contexts], notes.pitch, zero),
    )
    steps = _differences(past)
    yield (
        "own intervals",
        View(_growing(here, steps[:5]), notes.pitch, _relative(past[0])),
    )
    same = notes.before_in_voice(1)
    ranks = [notes.above_in_voice(k) for k in (1, 2, 3)]
    yield (
        "own voice",
        View(_growing(here, [same, *ranks]), notes.pitch, zero),
    )
    place = [notes.sixteenth, past[0], past[1]]
    yield (
        "own places",
        View([hash_columns(notes.piece, notes.voice), *_growing(here, place)], notes.pitch, zero),
    )


TRAINED: Final = ("pitches", "intervals")
OWN: Final = ("own pitches", "own intervals", "own voice", "own places")


FieldView = tuple[list[Hashes], list[Hashes], IntArray]
"""Contexts that training is counted by, those of the piece's own past, and the symbols."""


def field_views(notes: Corpus) -> dict[str, FieldView]:
    """Return how the fields beside pitch are predicted, by name.

    Each from the one or two values before it and from what is drawn before it of the same note.
    """
    back = notes.before
    shift = back(notes.shift, 1)
    voice, voice2 = back(notes.voice, 1), back(notes.voice, 2)
    velocity, velocity2 = back(notes.velocity, 1), back(notes.velocity, 2)
    length, length2 = back(notes.length, 1), back(notes.length, 2)
    beat, struck = back(notes.beat_phase, 1), back(notes.struck, 1)
    drum = np.where(notes.voice == Voice.DRUMS, notes.pitch, NOTHING)
    here = (notes.voice, drum)
    histories: dict[str, tuple[list[tuple[IntArray, ...]], IntArray]] = {
        # A melody goes on when its note ends, a chord when it is as large as those before.
        "shift": (
            [(), (struck, shift), (struck, length), (struck, length, beat)],
            notes.shift,
        ),
        "voice": (
            [(), (voice, notes.chord), (voice, voice2, notes.chord, notes.shift)],
            notes.voice,
        ),
        "velocity": (
            [
                here,
                (*here, velocity),
                (*here, notes.chord, velocity, velocity2),
                (*here, notes.sixteenth, velocity),
            ],
            notes.velocity,
        ),
        "duration": (
            [here, (*here, length), (*here, notes.chord, length, length2, notes.shift)],
            notes.length,
        ),
    }
    first = notes.first.astype(np.int64)
    found = {}
    for name, (contexts, symbols) in histories.items():
        trained = [hash_columns(notes.voice if name != "shift" and name != "voice" else first)]
        trained += [hash_columns(notes.style, first, *columns) for columns in contexts]
        own = [hash_columns(notes.piece, first, *columns) for columns in contexts]
        found[name] = (trained, own, symbols)
    return found
