"""Bars of music on the grid, and the windows that the DIC and the GAN are trained on.

A piece becomes bars, each with its notes in slots (:mod:`antiphon_models.rolls`); a window is
a run of neighbouring bars, at most :data:`WINDOW` beats long: two bars of 4/4, 3/4 or 6/8.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from antiphon.errors import DataError
from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.events import MICROS, Piece
from antiphon_models.rolls import (
    DRUM_ROW,
    EARLY,
    LOWEST,
    ROWS,
    SIXTEENTH,
    SLOTS,
    TRIPLET,
    BoolArray,
    FloatArray,
    IntArray,
    Kind,
    assign,
    bar_beats,
    fill,
    position,
)

WINDOW: Final = 8
"""Beats of a window."""

BARS: Final = 2
"""Bars of a window, where they fit."""

_MIN_BAR, _MAX_BAR = TICKS_PER_BEAT, WINDOW * TICKS_PER_BEAT


@dataclass(frozen=True, eq=False)
class Bars:
    """The bars of many pieces.

    Attributes
    ----------
    kind : str
        drums or pitched.
    begin : ndarray
        (bars + 1,): first note of each bar.
    slot, row, voice : ndarray
        (notes,): slot in the bar, row, and voice of each note.
    velocity, offset, duration : ndarray
        (notes,): 0..1, sixteenths, sixteenths.
    piece, number : ndarray
        (bars,): which piece a bar is of, and which bar of the piece it is.
    length : ndarray
        (bars,): beats.
    bpm : ndarray
        (bars,).
    triplet : ndarray of bool
        (bars, WINDOW): which beats are of triplets.
    names : list of str
        ``set/path`` of each piece.
    """

    kind: Kind
    begin: IntArray
    slot: IntArray
    row: IntArray
    voice: IntArray
    velocity: FloatArray
    offset: FloatArray
    duration: FloatArray
    piece: IntArray
    number: IntArray
    length: FloatArray
    bpm: FloatArray
    triplet: BoolArray
    names: list[str]

    def windows(self, bars: int = BARS, hop: int = 1) -> IntArray:
        """Return the first bars of the windows that have notes and fit: (windows,)."""
        first = np.arange(0, len(self.piece) - bars + 1)
        last = first + bars - 1
        fits = (self.piece[first] == self.piece[last]) & (
            self.number[last] - self.number[first] == bars - 1
        )
        beats = np.ceil(self.length[first] - 1e-6)
        for further in range(1, bars):
            fits &= self.length[first + further] == self.length[first]
        fits &= (beats * bars <= WINDOW) & (self.begin[last + 1] > self.begin[first] + 1)
        fits &= self.number[first] % hop == 0
        chosen: IntArray = first[fits]
        return chosen


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows as rolls.

    Attributes
    ----------
    roll : ndarray
        (windows, WINDOW, SLOTS, rows, channels), see :func:`antiphon_models.rolls.fill`.
    duration : ndarray
        (windows, WINDOW, SLOTS, rows): sixteenths, of hits.
    position : ndarray
        (windows, WINDOW, POSITION).
    valid : ndarray
        (windows, WINDOW, SLOTS): slots that exist.
    beats : ndarray
        (windows,): beats that exist.
    bpm : ndarray
        (windows,).
    """

    roll: FloatArray
    duration: FloatArray
    position: FloatArray
    valid: FloatArray
    beats: FloatArray
    bpm: FloatArray

    def part(self, some: slice) -> Batch:
        """Return some of the windows."""
        return Batch(
            self.roll[some],
            self.duration[some],
            self.position[some],
            self.valid[some],
            self.beats[some],
            self.bpm[some],
        )


def read_bars(pieces: Mapping[str, Sequence[Piece]], kind: Kind) -> Bars:
    """Cut pieces into bars, leaving out what has no beat.

    Parameters
    ----------
    pieces : mapping
        Set -> pieces.
    kind : str
        drums takes the drums of each piece, pitched all its other notes.

    Raises
    ------
    DataError
        If there is not one bar of this kind.
    """
    found: list[dict[str, Any]] = []
    names: list[str] = []
    for style, group in pieces.items():
        for piece in group:
            if not piece.metered:
                continue
            bars = _piece_bars(piece, kind, len(names))
            if bars:
                found += bars
                names.append(f"{style}/{piece.name}")
    if not found:
        raise DataError(
            f"expected music with a beat and {kind} notes",
            "found none",
            "add such MIDI files, or train the other kind with --preset",
        )
    sizes = [len(bar["slot"]) for bar in found]

    def notes(name: str, dtype: Any) -> Any:
        return np.concatenate([bar[name] for bar in found]).astype(dtype)

    def each(name: str, dtype: Any) -> Any:
        return np.array([bar[name] for bar in found], dtype)

    return Bars(
        kind,
        np.cumsum([0, *sizes], dtype=np.int64),
        notes("slot", np.uint8),
        notes("row", np.uint8),
        notes("voice", np.uint8),
        notes("velocity", np.float32),
        notes("offset", np.float32),
        notes("duration", np.float32),
        each("piece", np.int64),
        each("number", np.int64),
        each("length", np.float32),
        each("bpm", np.float32),
        each("triplet", np.bool_),
        names,
    )


def _piece_bars(piece: Piece, kind: Kind, index: int) -> list[dict[str, Any]]:
    """Cut one piece into bars; bars without notes, and those of odd length, are left out."""
    lines = _bar_lines(piece)
    if len(lines) < 2:
        return []
    drums = piece.voice == Voice.DRUMS
    piece = piece.select(drums if kind == "drums" else ~drums)
    if kind == "drums":
        row = np.array([DRUM_ROW.get(p, -1) for p in piece.pitch.tolist()], np.int64)
    else:
        row = piece.pitch - LOWEST
    known = (row >= 0) & (row < ROWS[kind])
    piece, row = piece.select(known), row[known]
    fine = piece.onset + (0 if piece.micro is None else piece.micro / MICROS)
    at = np.searchsorted(lines, fine + EARLY * TICKS_PER_BEAT, side="right") - 1
    gaps = np.diff(lines)
    sizes, counts = np.unique(gaps, return_counts=True)
    usual = int(sizes[counts.argmax()])
    gaps = np.append(gaps, usual)  # the last bar is taken for a whole one
    number = np.concatenate([[0], np.cumsum(np.maximum(np.rint(gaps / usual), 1))[:-1]])
    bars = []
    for bar in np.unique(at[at >= 0]):
        size = usual if gaps[bar] % usual == 0 else int(gaps[bar])
        if not _MIN_BAR <= size <= _MAX_BAR or size % (TICKS_PER_BEAT // SLOTS):
            continue
        here = at == bar
        length = size / TICKS_PER_BEAT
        place = (fine[here] - lines[bar]) / TICKS_PER_BEAT
        inside = place < length - EARLY
        if not inside.any():
            continue
        slot, offset, triplet = assign(place[inside], length)
        marks = np.zeros(WINDOW, np.bool_)
        marks[: len(triplet)] = triplet
        bars.append(
            {
                "slot": slot,
                "row": row[here][inside],
                "voice": piece.voice[here][inside],
                "velocity": piece.velocity[here][inside] / 127,
                "offset": offset,
                "duration": piece.duration[here][inside] / (TICKS_PER_BEAT * SIXTEENTH),
                "piece": index,
                "number": int(number[bar]),
                "length": length,
                "bpm": piece.bpm,
                "triplet": marks,
            }
        )
    return bars


def _bar_lines(piece: Piece) -> IntArray:
    """Return the bar lines in ticks that the phases of the notes tell of."""
    known = (piece.bar_phase < 11) & (piece.beat_phase < TICKS_PER_BEAT)
    lines = piece.onset - piece.bar_phase * TICKS_PER_BEAT - piece.beat_phase
    return np.unique(lines[known])


def make_batch(
    bars: Bars,
    first: IntArray,
    count: int = BARS,
    transpose: IntArray | None = None,
    voices: IntArray | None = None,
) -> Batch:
    """Fill the rolls of some windows.

    Parameters
    ----------
    bars : Bars
        Where the windows are.
    first : ndarray
        (windows,): their first bars.
    count : int
        Bars of each.
    transpose : ndarray, optional
        (windows,): semitones; notes that leave the roll are dropped. Pitched rolls only.
    voices : ndarray, optional
        (windows,): a voice to keep alone, or -1 for all; a window is left whole if it has no
        note of the voice.
    """
    begin, end = bars.begin[first], bars.begin[first + count]
    sizes = end - begin
    total = int(sizes.sum())
    window = np.repeat(np.arange(len(first)), sizes)
    within = np.arange(total) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    note = np.repeat(begin, sizes) + within
    bar = np.searchsorted(bars.begin, note, side="right") - 1 - first[window]
    per_bar = np.ceil(bars.length[first] - 1e-6).astype(np.int64)  # beats
    slot = bars.slot[note].astype(np.int64) + bar * per_bar[window] * SLOTS
    row = bars.row[note].astype(np.int64)
    keep = np.ones(total, np.bool_)
    if voices is not None:
        mine = bars.voice[note] == voices[window]
        some = np.zeros(len(first), np.bool_)
        some[window[mine]] = True
        keep = mine | ~some[window] | (voices[window] < 0)
    if transpose is not None and bars.kind == "pitched":
        row = row + transpose[window]
        keep &= (row >= 0) & (row < ROWS[bars.kind])
    note, window, slot, row = note[keep], window[keep], slot[keep], row[keep]
    order = np.argsort(bars.velocity[note], kind="stable")  # the loudest of a cell is last
    note, window, slot, row = note[order], window[order], slot[order], row[order]
    roll = fill(
        bars.kind,
        (len(first), WINDOW),
        window,
        slot,
        row,
        bars.velocity[note],
        bars.offset[note],
        bars.duration[note],
    )
    duration = np.zeros((len(first), WINDOW * SLOTS, ROWS[bars.kind]), np.float32)
    duration[window, slot, row] = bars.duration[note]
    where, valid, beats = _positions(bars, first, count, per_bar)
    return Batch(
        roll,
        duration.reshape(roll.shape[:-1]),
        where,
        valid,
        beats,
        bars.bpm[first],
    )


def _positions(
    bars: Bars, first: IntArray, count: int, per_bar: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return position features, valid slots and the number of beats of windows."""
    beats = per_bar * count
    beat = np.arange(WINDOW)
    exists = beat < beats[:, None]  # (windows, WINDOW)
    phase = np.where(exists, beat % per_bar[:, None], 0)
    bar = np.minimum(beat // per_bar[:, None], count - 1)
    triplet = bars.triplet[first[:, None] + bar, phase] & exists
    length = bars.length[first][:, None]
    straight = np.stack([bar_valid(float(n)) for n in bars.length[first]])  # (windows, WINDOW, 4)
    valid = np.take_along_axis(straight, phase[:, :, None], 1)
    valid = np.where(triplet[:, :, None], np.isfinite(TRIPLET), valid) & exists[:, :, None]
    bpm = np.broadcast_to(bars.bpm[first][:, None], phase.shape)
    where = position(phase, np.broadcast_to(length, phase.shape), triplet, valid, bpm)
    where = where * exists[:, :, None]
    return where.astype(np.float32), valid.astype(np.float32), beats.astype(np.float32)


def bar_valid(length: float) -> BoolArray:
    """Return the straight slots of a bar, (WINDOW, SLOTS), those behind its end being off."""
    valid = np.zeros((WINDOW, SLOTS), np.bool_)
    _, here = bar_beats(length)
    valid[: len(here)] = here
    return valid
