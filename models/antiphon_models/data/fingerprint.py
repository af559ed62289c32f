"""Fingerprints of pieces: what stays when key, tempo, accompaniment or a few notes change.

A piece is compared by its top line: the highest pitch of each onset, repeated pitches taken
together. Runs of neighbouring intervals are hashed, and of the hashes those are kept that are
the smallest of some window of neighbours (winnowing: Schleimer, Wilkerson and Aiken 2003), so
that two pieces with a stretch in common keep the same hashes of it, wherever it stands in each.
Intervals forget the key; the rhythm is either left out or taken as proportions, which forget
the tempo. Music for drums alone is compared by its strokes instead.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.events import MICROS, IntArray, Piece

HashArray = npt.NDArray[np.uint64]

_LINE_RUN: Final = 10
"""Intervals in a run of the line."""

_RHYTHM_RUN: Final = 8
"""Intervals, with the proportions of their onsets, in a run."""

_STROKE_RUN: Final = 10
"""Strokes in a run of drums."""

_WINDOW: Final = 2
"""Neighbouring runs of which one is kept."""

_DIFFERENT: Final = 4
"""Fewer different intervals than this in a run say nothing: scales, trills, broken chords."""

_FEW: Final = 24
"""Pitched notes below which a piece with drums is compared by its drums."""

_CHORD: Final = {True: 1, False: 3}
"""Ticks between onsets that are one chord, by whether there is a beat; 30 ms if not."""

_STROKE: Final = TICKS_PER_BEAT // 24
"""Ticks between hits that are one stroke."""

_NOTHING: Final = np.uint64(2**64 - 1)
"""Stands for a run that says nothing."""


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether two pieces are the same music.

    Attributes
    ----------
    exact : str
        Equal for pieces with the same intervals and the same proportions of onsets throughout.
    line : ndarray of uint64
        Hashes of the top line without its rhythm, ascending: common to performances and
        editions of one work. Empty for drums.
    rhythm : ndarray of uint64
        Hashes of the top line, or of the strokes of drums, with rhythm: common to copies.
    """

    exact: str
    line: HashArray
    rhythm: HashArray


def fingerprint(piece: Piece) -> Fingerprint:
    """Compute the fingerprint of a sorted piece; drums keep their instruments."""
    drums = piece.voice == Voice.DRUMS
    exact = _exact(piece, drums)
    if np.count_nonzero(~drums) < _FEW and drums.any():
        return Fingerprint(exact, np.zeros(0, np.uint64), _winnow(_strokes(piece.select(drums))))
    interval, proportion = _top_line(piece.select(~drums))
    varied = _varied(interval, _LINE_RUN)
    line = np.where(varied, _runs(interval, _LINE_RUN), _NOTHING)
    # A proportion is of the two gaps around a note, so there is one less than there are gaps.
    both = interval[1:] * 64 + proportion
    varied = _varied(interval[1:], _RHYTHM_RUN)
    rhythm = np.where(varied, _runs(both, _RHYTHM_RUN), _NOTHING)
    return Fingerprint(exact, _winnow(line), _winnow(rhythm))


def _exact(piece: Piece, drums: npt.NDArray[np.bool_]) -> str:
    """Hash all intervals and all gaps, in eighths of the usual gap."""
    interval = np.diff(np.where(drums, piece.pitch * 1000, piece.pitch))
    shift = piece.shift[1:]
    unit = max(float(np.median(shift[shift > 0])) if (shift > 0).any() else 1.0, 1.0)
    rhythm = np.rint(8 * shift / unit).astype(np.int64)
    first = piece.pitch[:1] if drums[:1].any() else np.zeros(1, np.int64)
    whole = np.concatenate([first, interval, rhythm]).astype("<i8").tobytes()
    return hashlib.sha256(whole).hexdigest()[:32]


def _top_line(piece: Piece) -> tuple[IntArray, IntArray]:
    """Return the intervals of the top line, and how the gaps between its onsets grow."""
    starts = _clusters(piece.onset, _CHORD[piece.metered])
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    onset, top = piece.onset[starts], np.maximum.reduceat(piece.pitch, starts)
    struck = np.concatenate([[True], np.diff(top) != 0])
    return np.diff(top[struck]), _proportions(onset[struck])


def _strokes(piece: Piece) -> HashArray:
    """Hash the runs of strokes: which drums, and how the gaps between strokes grow."""
    onset = piece.onset * MICROS + (0 if piece.micro is None else piece.micro)
    order = np.argsort(onset, kind="stable")
    onset, pitch = onset[order], piece.pitch[order]
    starts = _clusters(onset, _STROKE * MICROS)
    if not len(starts):
        return np.zeros(0, np.uint64)
    kit = np.add.reduceat(_mix(pitch.astype(np.uint64)), starts)  # whatever their order
    growth = _proportions(onset[starts]).astype(np.uint64)
    return _runs(_mix(kit[2:] + growth), _STROKE_RUN)


def _clusters(onset: IntArray, gap: int) -> IntArray:
    """Return where each group of onsets at most `gap` apart begins."""
    return np.flatnonzero(np.diff(onset, prepend=onset[:1] - gap - 1) > gap)


def _proportions(onset: IntArray) -> IntArray:
    """Return for each two neighbouring gaps how often the second doubles the first, from 0."""
    gap = np.maximum(np.diff(onset), 1)
    doublings = np.rint(np.log2(gap[1:] / gap[:-1]))
    return np.clip(doublings, -8, 8).astype(np.int64) + 20


def _varied(interval: IntArray, size: int) -> npt.NDArray[np.bool_]:
    """Tell which runs have enough different intervals to say something."""
    if len(interval) < size:
        return np.zeros(0, np.bool_)
    runs = np.sort(np.lib.stride_tricks.sliding_window_view(interval, size), axis=1)
    different = (np.diff(runs, axis=1) != 0).sum(1) + 1
    return np.asarray(different >= _DIFFERENT)


def _runs(symbols: npt.NDArray[Any], size: int) -> HashArray:
    """Hash every run of neighbouring symbols."""
    hashes = np.zeros(max(len(symbols) - size + 1, 0), np.uint64)
    codes = symbols.astype(np.uint64)
    for offset in range(size):
        hashes = _mix(hashes + codes[offset : offset + len(hashes)])
    return hashes


def _winnow(runs: HashArray) -> HashArray:
    """Keep the smallest hash of each window of neighbouring runs."""
    if not len(runs):
        return runs
    windows = np.lib.stride_tricks.sliding_window_view(runs, min(_WINDOW, len(runs)))
    kept = np.unique(windows.min(1))
    return np.asarray(kept[kept != _NOTHING])


def _mix(values: HashArray) -> HashArray:
    """Scatter 64-bit values (the finaliser of SplitMix64, after a step of its sequence)."""
    values = values + np.uint64(0x9E3779B97F4A7C15)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
