"""Bars of music as evaluation sees them: cut out of pieces, in the alphabet of the network."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antiphon.music import TICKS_PER_BEAT, Meter, Voice
from antiphon_models.constraints import in_general_midi
from antiphon_models.events import (
    Piece,
    bin_to_ticks,
    bin_to_velocity,
    ticks_to_bin,
    velocity_to_bin,
)

BARS: Final = 4
"""Bars of a continuation."""


@dataclass(frozen=True, eq=False)
class Excerpt:
    """Some bars of music.

    Attributes
    ----------
    notes : Piece
        The notes that begin in them, onsets in ticks from the first bar line.
    bar : int
        Ticks of a bar.
    bars : int
        How many.
    """

    notes: Piece
    bar: int
    bars: int = BARS

    def __len__(self) -> int:
        return len(self.notes)

    @property
    def length(self) -> int:
        """Ticks."""
        return self.bar * self.bars

    @property
    def beats(self) -> float:
        """Length in beats."""
        return self.length / TICKS_PER_BEAT

    @property
    def drums(self) -> bool:
        """Whether drums are most of it."""
        return bool(len(self)) and bool((self.notes.voice == Voice.DRUMS).mean() > 0.5)


def cut(piece: Piece, start: int, bar: int, bars: int = BARS) -> Excerpt:
    """Cut bars out of a piece; notes that sound on past the last bar end with it.

    Parameters
    ----------
    piece : Piece
        Sorted by onset.
    start : int
        The first bar line, in the piece's ticks.
    bar, bars : int
        Ticks of a bar, and how many.
    """
    first, stop = np.searchsorted(piece.onset, [start, start + bar * bars])
    notes = piece.select(slice(first, stop))
    onset = notes.onset - start
    ends = np.minimum(notes.duration, bar * bars - onset)
    return Excerpt(replace(notes, onset=onset, duration=np.maximum(ends, 1)), bar, bars)


def spell(piece: Piece) -> Piece:
    """Write a piece in the network's alphabet, so that the alphabet does not tell who played.

    Onsets are the nearest that a shift can reach from the note before, velocities and durations
    the middles of their bins, drums those of General MIDI. Microtiming is left out.
    """
    piece = in_general_midi(piece)
    onset = np.empty_like(piece.onset)
    last = int(piece.onset[0]) if len(piece) else 0
    for index, wanted in enumerate(piece.onset.tolist()):
        last += int(bin_to_ticks(ticks_to_bin(max(wanted - last, 0))))
        onset[index] = last
    return replace(
        piece,
        onset=onset,
        velocity=bin_to_velocity(velocity_to_bin(piece.velocity)),
        duration=np.maximum(bin_to_ticks(ticks_to_bin(piece.duration)), 1),
        micro=None,
    )


def meter_of(bar: int) -> Meter:
    """Return a meter whose bars have so many ticks; they are a multiple of three ticks.

    Raises
    ------
    ValueError
        If there is none.
    """
    for denominator in (4, 8, 16, 32, 64):
        part = 4 * TICKS_PER_BEAT // denominator
        if bar % part == 0:
            return Meter(bar // part, denominator)
    raise ValueError(f"no meter has bars of {bar} ticks")
