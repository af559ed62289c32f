"""The sustain pedal of MIDI files: how it stood for each note (:class:`antiphon.music.Pedal`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.music import PEDAL_AFTER, PEDAL_DOWN, Pedal
from antiphon_models.data.parts import Part
from antiphon_models.data.tempo import TempoMap
from antiphon_models.events import IntArray

FloatArray = npt.NDArray[np.float64]

_SUSTAIN: Final = 64


class PedalMoves:
    """When the pedal of a file goes down and up.

    Parts that have a pedal share one: two hands on two channels, each with the same pedal, are
    one pianist.

    Attributes
    ----------
    channels : set of int
        Channels, from 0, on which there is a pedal.
    seconds : ndarray
        (moves,): when it moves, ascending.
    down : ndarray of bool
        (moves,): whether it is down on any channel from then on.
    """

    def __init__(self, midi: Any, tempo: TempoMap) -> None:
        found: list[tuple[int, int, bool]] = []
        for track in midi.tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "control_change" and message.control == _SUSTAIN:
                    found.append((now, message.channel, message.value >= PEDAL_DOWN))
        found.sort(key=lambda move: move[0])  # stable: what falls on a tick stays in order
        feet: dict[int, bool] = defaultdict(bool)
        down = []
        for _, channel, pressed in found:
            feet[channel] = pressed
            down.append(any(feet.values()))
        self.channels = set(feet)
        self.seconds = tempo.seconds(np.array([move[0] for move in found], np.float64))
        self.down = np.array(down, np.bool_)


def note_pedals(
    parts: Sequence[Part], ticks: IntArray, seconds: FloatArray, moves: PedalMoves
) -> IntArray | None:
    """Return the pedal of each note of a file's parts, one part after another.

    Parameters
    ----------
    parts : sequence of Part
        The parts; drums, and parts whose channel has no pedal, are unknown.
    ticks, seconds : ndarray
        (notes,): onsets; notes of one tick are a chord and share the pedal.
    moves : PedalMoves
        What the pedal does.

    Returns
    -------
    ndarray of int64 or None
        (notes,); None if the file says nothing of any note's pedal.
    """
    pedalled = [not part.drums and part.channel in moves.channels for part in parts]
    known = np.repeat(pedalled, [len(part.rows) for part in parts])
    if not known.any():
        return None
    _, first, chord = np.unique(ticks[known], return_index=True, return_inverse=True)
    onsets = np.full(len(first), np.inf)
    np.minimum.at(onsets, chord, seconds[known])
    pedal = np.full(len(ticks), Pedal.UNKNOWN, np.int64)
    pedal[known] = pedal_states(np.maximum.accumulate(onsets), moves.seconds, moves.down)[chord]
    return pedal


def pedal_states(
    onsets: FloatArray, seconds: FloatArray, down: npt.NDArray[np.bool_], after: float = PEDAL_AFTER
) -> IntArray:
    """Say how the pedal stands for each of some onsets.

    A move belongs to the last onset before which it is too late: it comes at most `after`
    behind its onset and ahead of the next one, or else waits for that.

    Parameters
    ----------
    onsets : ndarray
        (onsets,): seconds, ascending.
    seconds, down : ndarray
        (moves,): when the pedal moves, ascending, and whether it is down from then on. It is up
        before.
    after : float
        Seconds behind its onset at which a note's pedal is measured.

    Returns
    -------
    ndarray of int64
        (onsets,): :class:`antiphon.music.Pedal`, none unknown.
    """
    following = np.append(onsets[1:], np.inf)[: len(onsets)]
    measured = np.minimum(
        np.searchsorted(seconds, following, "left"),
        np.searchsorted(seconds, onsets + after, "right"),
    )  # moves that have been made
    stands = np.concatenate([[False], down])
    lifts = np.concatenate([[0], np.cumsum(stands[:-1] & ~stands[1:])])
    now = stands[measured]
    before = np.concatenate([[False], now[:-1]])[: len(now)]
    lifted = np.diff(lifts[measured], prepend=0) > 0
    held = np.where(before & lifted, Pedal.CHANGED, Pedal.DOWN)
    return np.where(now, held, Pedal.UP).astype(np.int64)
