"""Pieces end to end as columns, and what a baseline may know of a note before it sounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.events import (
    BAR_BEATS,
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    VOICES,
    Piece,
    ticks_to_bin,
    velocity_to_bin,
)

IntArray = npt.NDArray[np.int64]

NOTHING: Final = -1
"""Stands for a note before the piece began."""

FREE_BAR: Final = 4 * TICKS_PER_BEAT
"""A bar where there is no meter: 4 beats."""


@dataclass(frozen=True)
class Corpus:
    """Notes of many pieces as int64 columns of shape (notes,).

    Attributes
    ----------
    piece, style : ndarray
        Index of the piece, and of its style.
    onset, duration : ndarray
        Ticks.
    shift, length, velocity : ndarray
        Bins of shift, duration and velocity, as the player has them.
    voice, pitch, beat_phase, bar_phase : ndarray
        As in :class:`antiphon_models.events.Piece`.
    bar : ndarray
        Ticks in a bar of the piece.
    """

    piece: IntArray
    style: IntArray
    onset: IntArray
    duration: IntArray
    shift: IntArray
    length: IntArray
    velocity: IntArray
    voice: IntArray
    pitch: IntArray
    beat_phase: IntArray
    bar_phase: IntArray
    bar: IntArray

    @classmethod
    def join(cls, pieces: Sequence[Piece], styles: Sequence[int]) -> Corpus:
        """Put pieces with their style's index end to end."""
        lengths = [len(p) for p in pieces]

        def column(name: str) -> IntArray:
            parts = [getattr(p, name) for p in pieces]
            return np.concatenate([np.zeros(0, np.int64), *parts])

        duration = np.maximum(column("duration"), 1)
        return cls(
            piece=np.repeat(np.arange(len(pieces)), lengths),
            style=np.repeat(np.array(styles, np.int64), lengths),
            onset=column("onset"),
            duration=duration,
            shift=ticks_to_bin(column("shift")),
            length=ticks_to_bin(duration),
            velocity=velocity_to_bin(column("velocity")),
            voice=column("voice"),
            pitch=column("pitch"),
            beat_phase=column("beat_phase"),
            bar_phase=column("bar_phase"),
            bar=np.repeat(np.array([bar_ticks(p) for p in pieces], np.int64), lengths),
        )

    def __len__(self) -> int:
        return len(self.piece)

    @cached_property
    def first(self) -> npt.NDArray[np.bool_]:
        """Whether the note begins its piece."""
        return np.asarray(np.diff(self.piece, prepend=-1) != 0)

    @cached_property
    def chord(self) -> IntArray:
        """1 for a note struck with the one before it; 2 for the first of a piece."""
        return np.where(self.first, 2, (self.shift == 0).astype(np.int64))

    @cached_property
    def struck(self) -> IntArray:
        """Notes struck at the same onset before this one."""
        places = np.arange(len(self))
        return places - np.maximum.accumulate(np.where(self.chord == 1, 0, places))

    @cached_property
    def sixteenth(self) -> IntArray:
        """Nearest sixteenth of the bar (up to 48), or NOTHING in free time."""
        tick = self.bar_phase * TICKS_PER_BEAT + self.beat_phase
        unknown = (self.bar_phase == BAR_PHASE_UNKNOWN) | (self.beat_phase == BEAT_PHASE_UNKNOWN)
        return np.where(unknown, NOTHING, (tick + 6) // 12)

    def before(self, column: IntArray, back: int) -> IntArray:
        """Return a column's values `back` notes before, in the same piece, or NOTHING."""
        return lag(column, self.piece, back)

    @cached_property
    def _by_voice(self) -> tuple[IntArray, IntArray]:
        """Order by piece and voice, and in that order the index of (piece, voice)."""
        key = self.piece * VOICES + self.voice
        order = np.argsort(key, kind="stable")
        return order, key[order]

    def before_in_voice(self, back: int) -> IntArray:
        """Return the pitch `back` notes before in the same voice, or NOTHING."""
        order, key = self._by_voice
        found = np.empty(len(self), np.int64)
        found[order] = lag(self.pitch[order], key, back)
        return found

    def above_in_voice(self, back: int) -> IntArray:
        """Return the pitch of the same rank, `back` onsets before in the same voice.

        The second note of a chord meets the second note of the earlier chord, or its highest
        if that has fewer; NOTHING before the voice's first onset.
        """
        order, key = self._by_voice
        if not len(order):
            return np.zeros(0, np.int64)
        onset, pitch = self.onset[order], self.pitch[order]
        new = np.concatenate([[True], (key[1:] != key[:-1]) | (onset[1:] != onset[:-1])])
        starts = np.flatnonzero(new)
        group = np.cumsum(new) - 1
        rank = np.arange(len(order)) - starts[group]
        size = np.diff(np.append(starts, len(order)))
        other = np.maximum(group - back, 0)
        same = (group >= back) & (key[starts[other]] == key)
        at = starts[other] + np.minimum(rank, size[other] - 1)
        found = np.empty(len(self), np.int64)
        found[order] = np.where(same, pitch[at], NOTHING)
        return found


def lag(column: IntArray, group: IntArray, back: int) -> IntArray:
    """Return ``column[i - back]`` where that is of the same group (contiguous), or NOTHING."""
    found = np.full(len(column), NOTHING, np.int64)
    if len(column) > back:
        found[back:] = np.where(group[back:] == group[:-back], column[:-back], NOTHING)
    return found


def bar_ticks(piece: Piece) -> int:
    """Estimate the length of a piece's bars from its phases: the commonest gap of bar lines."""
    known = (piece.bar_phase < BAR_BEATS - 1) & (piece.beat_phase != BEAT_PHASE_UNKNOWN)
    if not piece.metered or not known.any():
        return FREE_BAR
    lines = np.unique(
        piece.onset[known] - piece.bar_phase[known] * TICKS_PER_BEAT - piece.beat_phase[known]
    )
    gaps = np.diff(lines)
    gaps = gaps[(gaps > 0) & (gaps <= BAR_BEATS * TICKS_PER_BEAT)]
    if not len(gaps):
        return FREE_BAR
    values, counts = np.unique(gaps, return_counts=True)
    return int(values[counts.argmax()])
