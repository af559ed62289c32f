"""Pieces as Notochord's events, in a file that its own environment reads.

Notochord hears a note's beginning and its end as two events of (instrument, pitch, seconds since
the event before, velocity); velocity 0 is an end. Its own ``notochord prep`` makes such events of
MIDI files; this does the same with the notes of a data set, and mends as it does: where a key is
struck again while it sounds, it is let go first. Ends come before beginnings of the same time.

Times are those of the ticks that Antiphon's player reads. A metered piece keeps its tempo; in free
time a tick is 1/96 s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.events import Piece

INSTRUMENTS: Final = {
    Voice.MELODY: 54,  # Voice Oohs
    Voice.SECOND: 69,  # Oboe
    Voice.KEYS: 1,  # Acoustic Grand Piano
    Voice.DRUMS: 129,  # the standard kit
}
"""Notochord's number of each voice: General MIDI's program from 1 on, a kit's from 129. Fixed, so
that they tell it what the voice tells the player; which program it is does not matter to weights
that know nothing yet."""

EVENT: Final = np.dtype(
    [("time", "<f8"), ("instrument", "<u2"), ("pitch", "u1"), ("velocity", "u1")]
)
"""An event: ``time`` in seconds since the first note began."""

Events = npt.NDArray[np.void]

FREE_TICK: Final = 1 / 96
"""Seconds of a tick in free time."""


def piece_events(piece: Piece) -> Events:
    """Write the notes of a piece as events.

    Parameters
    ----------
    piece : Piece
        In order of onset.

    Returns
    -------
    ndarray of EVENT
        (2 * notes,), in the order in which they are heard. Beginnings keep the order of the notes.
    """
    notes = len(piece)
    index = np.arange(notes)
    end, after = piece.onset + np.maximum(piece.duration, 1), np.full(notes, -1)
    by_key = np.lexsort((index, piece.onset, piece.pitch, piece.voice))
    one, other = by_key[:-1], by_key[1:]
    same = (piece.voice[one] == piece.voice[other]) & (piece.pitch[one] == piece.pitch[other])
    again = same & (end[one] > piece.onset[other])
    end[one[again]] = piece.onset[other[again]]
    # A key that is struck twice at once is let go between the two, not before both.
    twice = same & (piece.onset[one] == piece.onset[other])
    after[one[twice]] = 2 * other[twice] - 1
    tick = np.concatenate([piece.onset, end])
    order = np.lexsort(
        (
            np.concatenate([piece.pitch, piece.pitch]),
            np.concatenate([2 * index, after]),  # ends, by their pitch, before beginnings
            tick,
        )
    )
    events = np.zeros(2 * notes, EVENT)
    seconds = 60 / piece.bpm / TICKS_PER_BEAT if piece.metered else FREE_TICK
    events["time"] = (tick - piece.onset[:1]) * seconds
    table = np.array([INSTRUMENTS[voice] for voice in Voice])
    events["instrument"] = np.tile(table[piece.voice], 2)
    events["pitch"] = np.tile(piece.pitch, 2)
    events["velocity"] = np.concatenate([np.maximum(piece.velocity, 1), np.zeros_like(index)])
    return events[order]


def write_events(path: Path, sets: Mapping[str, Sequence[Piece]]) -> None:
    """Write the pieces of some folders for the other environment.

    The file holds ``folders`` (names), ``folder`` (each piece's, by index), ``starts`` (where each
    piece begins, and the end of the last) and the columns of :data:`EVENT`, all pieces in a row.
    """
    pieces = [(index, piece) for index, found in enumerate(sets.values()) for piece in found]
    events = [piece_events(piece) for _, piece in pieces]
    columns: dict[str, Any] = {
        name: np.concatenate([found[name] for found in events]) for name in EVENT.names or ()
    }
    np.savez(
        path,
        folders=np.array(list(sets)),
        folder=np.array([index for index, _ in pieces]),
        starts=np.cumsum([0, *map(len, events)]),
        **columns,
    )
