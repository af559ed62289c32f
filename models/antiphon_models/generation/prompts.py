"""Where a player goes on: bars that it hears, and what the musician played next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.baselines.corpus import FREE_BAR, bar_ticks
from antiphon_models.events import BAR_BEATS, BEAT_PHASE_UNKNOWN, IntArray, Piece
from antiphon_models.generation.excerpt import BARS, Excerpt, cut, meter_of, spell

HEARD: Final = (8, BARS)
"""Bars that are heard, in order of preference."""

FEWEST: Final = 4
"""Notes that the bars before and after must have."""


@dataclass(frozen=True, eq=False)
class Prompt:
    """What is gone on with.

    Attributes
    ----------
    heard : Piece
        Notes before the line, onsets in ticks from a bar line.
    start : int
        The line where the continuation begins, in the same ticks.
    bar : int
        Ticks of a bar.
    before, after : Excerpt
        The last bars that are heard, and what the musician went on with.
    piece : int
        Index of the piece in its set.
    """

    heard: Piece
    start: int
    bar: int
    before: Excerpt
    after: Excerpt
    piece: int

    @property
    def stop(self) -> int:
        """Where the continuation ends, in ticks."""
        return self.start + self.after.length

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The voices that are heard."""
        return tuple(Voice(v) for v in np.unique(self.heard.voice).tolist())


def choose_prompts(pieces: Sequence[Piece], most: int, seed: int) -> list[Prompt]:
    """Choose lines to go on from, spread evenly over the pieces.

    The bars around a line are of one meter, both sides have notes, the piece goes on after
    them, and no two continuations of a piece overlap.

    Parameters
    ----------
    pieces : sequence of Piece
        Of one set.
    most : int
        How many at most.
    seed : int
        Chooses pieces and lines.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(len(pieces)).tolist()
    queues = [_lines(pieces[index], index, random) for index in order]
    found: list[Prompt] = []
    while queues and len(found) < most:
        left = []
        for queue in queues:
            prompt = next(queue, None)
            if prompt is not None:
                found.append(prompt)
                left.append(queue)
        queues = left
    return found[:most]


def _lines(piece: Piece, index: int, random: np.random.Generator) -> Iterator[Prompt]:
    """Yield the prompts of a piece in a random order."""
    bar = bar_ticks(piece)
    try:
        meter_of(bar)
    except ValueError:
        return
    line = _bar_lines(piece, bar)
    taken: list[int] = []
    for start in random.permutation(np.unique(line)).tolist():
        if any(abs(start - other) < BARS * bar for other in taken):
            continue
        heard = _heard(piece.onset, line, start, bar)
        if heard == 0:
            continue
        taken.append(start)
        begin, stop = start - heard * bar, start + BARS * bar
        first, middle, last = np.searchsorted(piece.onset, [begin, start, stop])
        spelt = spell(piece.select(slice(first, last)))
        notes = piece.select(slice(first, middle))
        notes = replace(notes, onset=notes.onset - begin)
        yield Prompt(
            notes,
            heard * bar,
            bar,
            cut(spelt, start - BARS * bar, bar),
            cut(spelt, start, bar),
            index,
        )


def _bar_lines(piece: Piece, bar: int) -> IntArray:
    """Return the bar line that each note counts from, (notes,); -1 where it is not known."""
    if not piece.metered:
        return piece.onset // FREE_BAR * FREE_BAR
    known = (piece.bar_phase < BAR_BEATS - 1) & (piece.beat_phase != BEAT_PHASE_UNKNOWN)
    lines = piece.onset - piece.bar_phase * TICKS_PER_BEAT - piece.beat_phase
    return np.where(known, lines, -1 - bar)


def _heard(onset: IntArray, line: IntArray, start: int, bar: int) -> int:
    """Return how many bars before a line can be heard; 0 if it is no line to go on from."""
    middle, stop = np.searchsorted(onset, [start, start + BARS * bar])
    if stop == len(onset) or stop - middle < FEWEST or start < 0:
        return 0
    for bars in HEARD:
        first, recent = np.searchsorted(onset, [start - bars * bar, start - BARS * bar])
        regular = ((line[first:stop] - start) % bar == 0).all() and (line[first:stop] >= 0).all()
        if regular and start >= bars * bar and middle - recent >= FEWEST:
            return bars
    return 0
