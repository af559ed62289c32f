"""Repairs pieces: notes that are struck twice, or again while they sound, or never end."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from antiphon.music import Voice
from antiphon_models.data.faults import Repairs
from antiphon_models.events import MAX_TICKS, Piece

DOUBLED_TICKS: Final = 2
"""Pitched notes of one pitch and voice that begin at most this much apart are one; 20 ms at 120
bpm. Drummers play flams, so that drums must begin together."""


def repair(piece: Piece, repairs: Repairs) -> Piece:
    """Leave one note where a voice has two of the same pitch at once.

    Notes that begin together become one, as long as the longest and as loud as the loudest. A
    note that is struck again while it sounds ends there. Durations above 64 beats are cut to
    that; they are not heard.

    Parameters
    ----------
    piece : Piece
        Sorted.
    repairs : Counter
        What was done is counted here; an overlap of a single tick is rounding and not counted.
    """
    key = piece.voice * 128 + piece.pitch
    piece = piece.select(np.lexsort((-piece.duration, piece.onset, key)))
    key = piece.voice * 128 + piece.pitch
    near = np.where(piece.voice[1:] == Voice.DRUMS, 0, DOUBLED_TICKS)
    same = (key[1:] == key[:-1]) & (np.diff(piece.onset) <= near)
    if same.any():
        repairs["doubled"] += int(np.count_nonzero(same))
        starts = np.flatnonzero(np.concatenate([[True], ~same]))
        end = np.maximum.reduceat(piece.onset + piece.duration, starts)
        loudest = np.maximum.reduceat(piece.velocity, starts)
        piece = piece.select(starts)
        piece = replace(piece, velocity=loudest, duration=end - piece.onset)
    again = piece.voice[1:] * 128 + piece.pitch[1:] == piece.voice[:-1] * 128 + piece.pitch[:-1]
    over = np.where(again, piece.onset[:-1] + piece.duration[:-1] - piece.onset[1:], 0)
    repairs["overlapping"] += int(np.count_nonzero(over > 1))
    duration = piece.duration.copy()
    duration[:-1] -= np.maximum(over, 0)
    repairs["stuck"] += int(np.count_nonzero(duration > MAX_TICKS))
    return replace(piece, duration=np.minimum(duration, MAX_TICKS)).sorted()
