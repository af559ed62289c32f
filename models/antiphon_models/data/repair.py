"""Repairs pieces, and finds those that are the same music."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon.music import Voice
from antiphon_models.events import MAX_TICKS, Piece

HashArray = npt.NDArray[np.uint64]

_RUN: Final = 8
"""Notes in a run that counts as the same music."""

_SKETCH: Final = 256
"""Hashes kept of each piece."""

_MIN_RUNS: Final = 64
"""Pieces with fewer different runs are only compared whole."""

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)


def repair(piece: Piece) -> tuple[Piece, list[str]]:
    """Remove doubled notes and clip absurd durations.

    Parameters
    ----------
    piece : Piece
        Sorted.

    Returns
    -------
    Piece
        Without notes of the same onset, voice and pitch (the longest stays, with the loudest
        velocity), and without durations above 64 beats.
    list of str
        What was done, in words; empty when nothing was.
    """
    done = []
    order = np.lexsort((-piece.duration, piece.voice, piece.pitch, piece.onset))
    piece = piece.select(order)
    columns = (piece.onset, piece.voice, piece.pitch)
    same = np.logical_and.reduce([c[1:] == c[:-1] for c in columns])
    first = np.concatenate([[True], ~same])[: len(piece)]
    if not first.all():
        starts = np.flatnonzero(first)
        loudest = np.maximum.reduceat(piece.velocity, starts)
        done.append(f"removed {len(piece) - len(starts)} doubled notes")
        piece = replace(piece.select(starts), velocity=loudest)
    too_long = int(np.count_nonzero(piece.duration > MAX_TICKS))
    if too_long:
        done.append(f"shortened {too_long} notes of more than 64 beats")
        piece = replace(piece, duration=np.minimum(piece.duration, MAX_TICKS))
    return piece, done


@dataclass(frozen=True)
class Fingerprint:
    """What tells whether two pieces are the same music, whatever their key and tempo.

    Attributes
    ----------
    exact : str
        Equal for pieces with the same intervals and the same proportions of onsets.
    sketch : ndarray of uint64
        The smallest hashes of the different runs of notes; empty for short pieces.
    """

    exact: str
    sketch: HashArray


def fingerprint(piece: Piece) -> Fingerprint:
    """Compute the fingerprint of a piece; drums keep their instruments."""
    drums = piece.voice == Voice.DRUMS
    interval = np.diff(np.where(drums, piece.pitch * 1000, piece.pitch), prepend=0)[1:]
    shift = piece.shift[1:]
    unit = max(float(np.median(shift[shift > 0])) if (shift > 0).any() else 1.0, 1.0)
    rhythm = np.rint(8 * shift / unit).astype(np.int64)
    first = piece.pitch[:1] if drums[:1].any() else np.zeros(1, np.int64)
    whole = np.concatenate([first, interval, rhythm]).astype("<i8").tobytes()
    exact = hashlib.sha256(whole).hexdigest()[:32]
    # Between neighbouring onsets only longer, equal and shorter count: editions differ.
    previous = np.concatenate([[1], np.maximum(shift[:-1], 1)])
    change = np.rint(np.log2(np.maximum(shift, 1) / previous))
    symbols = (interval * 64 + np.where(shift == 0, 31, change)).astype(np.int64)
    if len(symbols) < _RUN:
        return Fingerprint(exact, np.zeros(0, np.uint64))
    runs = np.zeros(len(symbols) - _RUN + 1, np.uint64)
    for offset in range(_RUN):
        part = symbols[offset : offset + len(runs)].astype(np.uint64)
        runs = (runs ^ part) * _MULTIPLIER
        runs ^= runs >> np.uint64(29)
    different = np.unique(runs)
    if len(different) < _MIN_RUNS:
        return Fingerprint(exact, np.zeros(0, np.uint64))
    return Fingerprint(exact, different[:_SKETCH])


def find_doubles(
    prints: Sequence[Fingerprint], threshold: float = 0.5
) -> dict[int, tuple[int, str]]:
    """Find the pieces that repeat an earlier one.

    Parameters
    ----------
    prints : sequence of Fingerprint
        In order of preference: of two doubles the earlier is the original.
    threshold : float
        Estimated share of common runs (Jaccard) from which two pieces are near doubles.

    Returns
    -------
    dict
        Index of a double -> (index of the original, "exact" or "near").
    """
    doubles: dict[int, tuple[int, str]] = {}
    by_exact: dict[str, int] = {}
    by_hash: dict[int, list[int]] = defaultdict(list)
    for index, one in enumerate(prints):
        if one.exact in by_exact:
            doubles[index] = (by_exact[one.exact], "exact")
            continue
        common: dict[int, int] = defaultdict(int)
        for value in one.sketch.tolist():
            for other in by_hash[value]:
                common[other] += 1
        likely = sorted(common, key=lambda other: -common[other])[:4]
        for other in likely:
            if _similarity(one.sketch, prints[other].sketch) >= threshold:
                doubles[index] = (other, "near")
                break
        else:
            by_exact[one.exact] = index
            for value in one.sketch.tolist():
                by_hash[value].append(index)
    return doubles


def _similarity(a: HashArray, b: HashArray) -> float:
    """Estimate the Jaccard similarity from bottom-k sketches."""
    size = min(len(a), len(b))
    union = np.union1d(a, b)[:size]
    both = np.intersect1d(a, b)
    return float(np.isin(union, both).mean()) if size else 0.0
