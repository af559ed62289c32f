"""What becomes of a player that goes on for long: loops, silence, entropy, beside real music."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.constraints import in_general_midi
from antiphon_models.events import VOICES, IntArray, Piece, sixteenths
from antiphon_models.generation.statistics import entropy

WINDOW: Final = 100
"""Notes of a window whose entropy is measured."""

LONGEST_PERIOD: Final = 256
"""Notes of the longest period that is looked for."""

ROUNDS: Final = 4
"""Times that a passage comes in a row before it is a loop."""

LOOP: Final = 64
"""Notes of a loop, at least."""

BAND: Final = (2.5, 97.5)
"""Percentiles of real windows that bound their band."""

_LONGEST_GAP: Final = 255

Trace = npt.NDArray[np.float64]


class Loops(NamedTuple):
    """Stretches that repeat exactly: notes of the longest one, and the share of notes in any."""

    longest: int
    share: float


def symbols(notes: Piece) -> IntArray:
    """Return each note's pitch, voice and gap before it in sixteenths as one number, (notes,)."""
    found: IntArray = (notes.pitch * (_LONGEST_GAP + 1) + _gaps(notes)) * VOICES + notes.voice
    return found


def find_loops(values: IntArray) -> Loops:
    """Find stretches that are one passage over and over.

    Parameters
    ----------
    values : ndarray
        (notes,): equal where notes are alike.
    """
    looped = np.zeros(len(values), np.bool_)
    longest = 0
    for period in range(1, min(LONGEST_PERIOD, len(values) - 1) + 1):
        same = values[period:] == values[:-period]
        edges = np.diff(np.concatenate([[0], same, [0]]).astype(np.int8))
        begins, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)
        whole = ends - begins + period
        for begin, size in zip(begins.tolist(), whole.tolist(), strict=True):
            if size >= max(ROUNDS * period, LOOP):
                looped[begin : begin + size] = True
                longest = max(longest, size)
    return Loops(longest, float(looped.mean()) if len(values) else 0.0)


def trace_entropy(notes: Piece, window: int = WINDOW) -> dict[str, Trace]:
    """Return entropies in bits of windows side by side, (windows,) each.

    ``pitch``: of the histogram of pitches; ``rhythm``: of the gaps before notes in sixteenths.
    """
    starts = range(0, len(notes) - window + 1, window)
    return {
        name: np.array([entropy(np.bincount(values[at : at + window])) for at in starts])
        for name, values in (("pitch", notes.pitch), ("rhythm", _gaps(notes)))
    }


def _gaps(notes: Piece) -> IntArray:
    at = sixteenths(notes.onset)
    return np.clip(np.diff(at, prepend=at[:1]), 0, _LONGEST_GAP)


def longest_silence(notes: Piece) -> float:
    """Return the longest time in which nothing sounds, in beats."""
    ends = np.maximum.accumulate(notes.onset + notes.duration)
    gaps = notes.onset[1:] - ends[:-1]
    return float(max(gaps.max(initial=0), 0)) / TICKS_PER_BEAT


class Music:
    """Real music that long runs are held against.

    Parameters
    ----------
    pieces : sequence of Piece
        Of one set. Those shorter than a window are joined to one.
    notes : int
        Notes of the longest passage in which loops are looked for.
    """

    def __init__(self, pieces: Sequence[Piece], notes: int) -> None:
        pieces = [in_general_midi(p) for p in pieces]
        long = [p for p in pieces if len(p) >= WINDOW]
        traces = [trace_entropy(p) for p in long]
        short = [p for p in pieces if len(p) < WINDOW]
        if sum(map(len, short)) >= WINDOW:
            traces.append(trace_entropy(_end_to_end(short)))
        self.traces = {
            name: np.concatenate([np.zeros(0), *(t[name] for t in traces)])
            for name in ("pitch", "rhythm")
        }
        self.loops = self._loops(pieces, notes)
        self.silence = max((longest_silence(p) for p in pieces if len(p)), default=0.0)

    @property
    def bands(self) -> dict[str, tuple[float, float]]:
        """The band of each entropy; none without a window."""
        return {
            name: (float(np.percentile(t, BAND[0])), float(np.percentile(t, BAND[1])))
            for name, t in self.traces.items()
            if len(t)
        }

    @staticmethod
    def _loops(pieces: Sequence[Piece], notes: int) -> Loops:
        found, seen = [], 0
        for piece in pieces:
            if seen >= notes:
                break
            loops = find_loops(symbols(piece))
            found.append((len(piece), loops))
            seen += len(piece)
        looped = sum(size * loops.share for size, loops in found)
        return Loops(max((loops.longest for _, loops in found), default=0), looped / max(seen, 1))


def _end_to_end(pieces: Sequence[Piece]) -> Piece:
    """Return pieces one after another, a beat apart."""
    onset, at = [], 0
    for piece in pieces:
        onset.append(piece.onset - piece.onset[0] + at)
        at = int(onset[-1][-1]) + TICKS_PER_BEAT
    names = ("voice", "pitch", "velocity", "duration", "beat_phase", "bar_phase")
    columns: dict[str, Any] = {n: np.concatenate([getattr(p, n) for p in pieces]) for n in names}
    return replace(pieces[0], **columns, onset=np.concatenate(onset), micro=None)


def inside(trace: Trace, band: tuple[float, float]) -> float:
    """Return the share of windows whose entropy lies in a band, ends included."""
    return float(((trace >= band[0]) & (trace <= band[1])).mean()) if len(trace) else 0.0
