"""What a data set holds, in figures: how much, how loud, how long, how fast, in which meter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.events import BAR_BEATS, Piece

FloatArray = npt.NDArray[np.float64]

FREE_TICKS: Final = 2 * TICKS_PER_BEAT
"""Ticks of a second where there is no beat."""

SHORT: Final = "less than two bars"
"""Stands for the bar of pieces that do not tell how long theirs is."""


@dataclass(frozen=True, eq=False)
class Holdings:
    """What a set holds.

    Attributes
    ----------
    pieces, notes, free : int
        How many pieces and notes there are, and how many pieces have no beat.
    hours : float
        From first onset to last, at the tempo in which each piece begins.
    flat : int
        Pieces in which all velocities are the same.
    tempo : ndarray
        (pieces with a beat,): quarters a minute.
    bars : Counter
        Pieces with a beat by the length of most of their bars, such as "4 beats".
    velocity, pitch : ndarray
        (notes,): pitch without drums.
    duration : ndarray
        (notes,): beats, without drums; in free time half seconds.
    phase : ndarray
        (notes with a beat,): place in the beat, 0..1.
    rate : ndarray
        (pieces,): notes a second.
    """

    pieces: int
    notes: int
    free: int
    hours: float
    flat: int
    tempo: FloatArray
    bars: Counter[str]
    velocity: FloatArray
    pitch: FloatArray
    duration: FloatArray
    phase: FloatArray
    rate: FloatArray


def take_stock(pieces: Iterable[Piece]) -> Holdings:
    """Count what some pieces hold; at least one."""
    pieces = list(pieces)
    metered = [piece for piece in pieces if piece.metered]
    seconds = np.array([_seconds(piece) for piece in pieces])
    sizes = np.array([len(piece) for piece in pieces])
    pitched = [piece.voice != Voice.DRUMS for piece in pieces]

    def notes(columns: Sequence[Any]) -> FloatArray:
        return np.concatenate(columns).astype(np.float64) if columns else np.zeros(0)

    return Holdings(
        pieces=len(pieces),
        notes=int(sizes.sum()),
        free=len(pieces) - len(metered),
        hours=float(seconds.sum()) / 3600,
        flat=sum(len(p) > 1 and int(p.velocity.min()) == int(p.velocity.max()) for p in pieces),
        tempo=np.array([piece.bpm for piece in metered]),
        bars=Counter(_bar(piece) for piece in metered),
        velocity=notes([piece.velocity for piece in pieces]),
        pitch=notes([p.pitch[m] for p, m in zip(pieces, pitched, strict=True)]),
        duration=notes([p.duration[m] for p, m in zip(pieces, pitched, strict=True)])
        / TICKS_PER_BEAT,
        phase=notes([piece.beat_phase for piece in metered]) / TICKS_PER_BEAT,
        rate=sizes / np.maximum(seconds, 1.0),
    )


def remarks(style: str, held: Holdings, repairs: Mapping[str, int]) -> list[str]:
    """Say what somebody who trains on a set should know of it."""
    found = []
    if held.free:
        found.append(
            f"{held.free} of {held.pieces} pieces have no beat: they are learnt in free time, and "
            "not used for variation."
        )
    if held.flat > held.pieces / 2:
        found.append(
            f"{held.flat} of {held.pieces} pieces have one velocity throughout: there are no "
            "dynamics to learn."
        )
    loudest = float(np.mean(held.velocity == 127))
    if loudest > 0.05 and held.flat <= held.pieces / 2:
        found.append(f"{loudest:.0%} of the velocities are 127, the loudest there is.")
    mended = sum(repairs.values()) / held.notes
    if mended > 0.01:
        most = max(repairs, key=lambda sort: repairs[sort])
        found.append(f"{mended:.1%} of the notes were repaired, most of them as {most}.")
    return [f"**{style}**: {text}" for text in found]


def _seconds(piece: Piece) -> float:
    per_second = TICKS_PER_BEAT * piece.bpm / 60 if piece.metered else FREE_TICKS
    return float(piece.onset[-1] - piece.onset[0]) / per_second


def _bar(piece: Piece) -> str:
    """Name the usual distance of the bar lines that the phases of the notes tell of."""
    known = (piece.bar_phase < BAR_BEATS - 1) & (piece.beat_phase < TICKS_PER_BEAT)
    lines = np.unique((piece.onset - piece.bar_phase * TICKS_PER_BEAT - piece.beat_phase)[known])
    if len(lines) < 2:
        return SHORT
    gaps, counts = np.unique(np.diff(lines), return_counts=True)
    return f"{gaps[counts.argmax()] / TICKS_PER_BEAT:g} beats"
