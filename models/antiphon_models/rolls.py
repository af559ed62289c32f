"""Phrases on a grid: what the DIC and the GAN see.

A bar is cut into whole beats (the last may be incomplete), a beat into four slots: sixteenths
in a straight beat, and 0, 1/3 and 2/3 of it in a triplet beat, whose third slot stays empty.
A note lies in the cell of its slot and its row (a drum of the kit, or a pitch); how far it was
played from the slot is its *offset*. Each beat says for itself whether it is straight, so
triplets, shuffles and straight beats mix, and every note's time can be had back exactly.

Needs only numpy, so that playing does not load torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from antiphon.music import Beats, Meter, Note, Voice

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Kind = Literal["drums", "pitched"]

SLOTS: Final = 4
"""Slots of a beat."""

STRAIGHT: Final = np.array([0.0, 0.25, 0.5, 0.75])
TRIPLET: Final = np.array([0.0, 1 / 3, np.inf, 2 / 3])
"""Where the slots lie in a beat of each sort, in beats."""

SIXTEENTH: Final = 0.25
"""Unit of offsets and durations, in beats."""

EARLY: Final = 0.125
"""A note up to this many beats before a bar line belongs to the bar after it."""

LOWEST: Final = 21
"""Pitch of the lowest row of pitched rolls (A0); rows go up to 108 (C8), as on a piano."""

ROWS: Final[dict[Kind, int]] = {"drums": 9, "pitched": 88}

KIT: Final = (
    ("kick", 36, (35, 36)),
    ("snare", 38, (37, 38, 39, 40)),
    ("closed hat", 42, (22, 42, 44)),
    ("open hat", 46, (26, 46)),
    ("low tom", 43, (41, 43, 58)),
    ("mid tom", 47, (45, 47)),
    ("high tom", 50, (48, 50)),
    ("crash", 49, (49, 52, 55, 57)),
    ("ride", 51, (51, 53, 59)),
)
"""Rows of drum rolls: name, pitch that stands for the row, and the pitches in it (General MIDI,
with the edges and rims of electronic kits)."""

DRUM_ROW: Final = {p: row for row, (_, _, pitches) in enumerate(KIT) for p in pitches}

CHANNELS: Final = ("hit", "velocity", "offset", "sustain")
"""Channels of an input roll; drums have no sustain."""

MAX_DURATION: Final = 32.0
"""Longest duration a roll knows, in sixteenths."""


def channels(kind: Kind) -> int:
    """Return the number of input channels a cell has."""
    return 4 if kind == "pitched" else 3


def row_of(kind: Kind, pitch: int) -> int | None:
    """Return the row of a pitch; None if the roll has none for it."""
    if kind == "drums":
        return DRUM_ROW.get(pitch)
    row = pitch - LOWEST
    return row if 0 <= row < ROWS["pitched"] else None


def pitch_of(kind: Kind, row: int) -> int:
    """Return the pitch that stands for a row."""
    return KIT[row][1] if kind == "drums" else row + LOWEST


@dataclass(frozen=True, eq=False)
class Grid:
    """The beats of a phrase.

    Attributes
    ----------
    start : ndarray
        (beats,): where each beat begins, in beats from the start of the phrase.
    phase, bar : ndarray
        (beats,): whole beats since the bar line, and the length of the bar in beats.
    triplet : ndarray of bool
        (beats,): whether its slots are triplets.
    valid : ndarray of bool
        (beats, SLOTS): slots that exist: all but the third of triplets, and those that lie
        behind the bar line or the end.
    bpm : float
        The tempo.
    """

    start: npt.NDArray[np.float64]
    phase: npt.NDArray[np.float64]
    bar: npt.NDArray[np.float64]
    triplet: BoolArray
    valid: BoolArray
    bpm: float

    @property
    def beats(self) -> int:
        """Number of beats, incomplete ones included."""
        return len(self.start)

    def time(self, slot: int) -> float:
        """Return where a slot (counted through the phrase) lies, in beats."""
        beat, part = divmod(slot, SLOTS)
        places = TRIPLET if self.triplet[beat] else STRAIGHT
        return float(self.start[beat] + places[part])


def bar_beats(length: float) -> tuple[npt.NDArray[np.float64], BoolArray]:
    """Return the beats of one bar: their starts, and the straight slots that lie within it."""
    count = int(np.ceil(length - 1e-6))
    start = np.arange(count, dtype=np.float64)
    return start, start[:, None] + STRAIGHT < length - 1e-6


def assign(at: npt.NDArray[np.float64], length: float) -> tuple[IntArray, FloatArray, BoolArray]:
    """Put the notes of one bar into slots.

    Parameters
    ----------
    at : ndarray
        (notes,): onsets in beats from the bar line, from ``-EARLY`` to ``length - EARLY``.
    length : float
        Length of the bar in beats.

    Returns
    -------
    slot, offset : ndarray
        (notes,): slot in the bar, and distance from it in sixteenths.
    triplet : ndarray of bool
        (beats,): which beats are of triplets.
    """
    beats = int(np.ceil(length - 1e-6))
    beat = np.clip(np.floor(at + EARLY).astype(np.int64), 0, beats - 1)
    part = at - beat
    straight = np.abs(part[:, None] - STRAIGHT).min(1, initial=1.0)
    third = np.abs(part[:, None] - TRIPLET).min(1, initial=1.0)
    triplet = _triplets(beat, part, straight, third, beats, length)
    places = np.where(triplet[:, None], TRIPLET, STRAIGHT)  # (beats, SLOTS)
    lattice = np.append((places + np.arange(beats)[:, None]).ravel(), np.inf)
    lattice[:-1][lattice[:-1] > length - 1e-6] = np.inf
    distance = np.abs(at[:, None] - lattice)  # (notes, slots + 1)
    slot = distance[:, :-1].argmin(1)
    offset = (at - lattice[slot]) / SIXTEENTH
    return slot, offset.astype(np.float32), triplet


def _triplets(
    beat: IntArray,
    part: npt.NDArray[np.float64],
    straight: npt.NDArray[np.float64],
    third: npt.NDArray[np.float64],
    beats: int,
    length: float,
) -> BoolArray:
    """Decide which beats are of triplets: exactly so, or nearer in a bar that is, by and large."""
    triplet = np.zeros(beats, np.bool_)
    inside = (part > 0.15) & (part < 0.875)  # notes on the beat tell nothing
    if not inside.any():
        return triplet
    swung = third[inside].sum() < 0.6 * straight[inside].sum()
    for index in np.unique(beat[inside]):
        here = inside & (beat == index)
        exact = third[here].max() < 0.012 and straight[here].max() > 0.06
        triplet[index] = exact or (swung and third[here].sum() < straight[here].sum())
    triplet &= np.arange(beats) + 1 <= length + 1e-6  # an incomplete beat has none
    return triplet


def make_grid(
    meter: Meter, length: Beats, onsets: npt.NDArray[np.float64], bpm: float
) -> tuple[Grid, IntArray, FloatArray]:
    """Lay a grid over a phrase, and put its notes into the slots.

    Parameters
    ----------
    meter : Meter
        Bars are counted from beat 0.
    length : Beats
        Length of the phrase; its last bar may be incomplete.
    onsets : ndarray
        (notes,): in beats; from ``-EARLY`` on.
    bpm : float
        The tempo.

    Returns
    -------
    Grid, slot, offset
        The grid, and for each note its slot, counted through the phrase, and its offset in
        sixteenths.
    """
    slots = np.zeros(len(onsets), np.int64)
    offsets = np.zeros(len(onsets), np.float32)
    start, phase, bars, triplets, valids = [], [], [], [], []
    begin, first = 0.0, 0
    while begin < length - 1e-6:
        size = min(float(meter.bar), float(length) - begin)
        last = begin + size > length - 1e-6
        here = (onsets >= begin - EARLY) & ((onsets < begin + size - EARLY) | last)
        if begin == 0.0:
            here |= onsets < 0
        at = np.minimum(onsets[here] - begin, size)
        beat_start, valid = bar_beats(size)
        slot, offset, triplet = assign(at, size)
        slots[here], offsets[here] = slot + first * SLOTS, offset
        valid = np.where(triplet[:, None], np.isfinite(TRIPLET), valid)
        start.append(begin + beat_start)
        phase.append(beat_start)
        bars.append(np.full(len(beat_start), float(meter.bar)))
        triplets.append(triplet)
        valids.append(valid)
        begin, first = begin + size, first + len(beat_start)
    grid = Grid(
        np.concatenate(start),
        np.concatenate(phase),
        np.concatenate(bars),
        np.concatenate(triplets),
        np.concatenate(valids),
        bpm,
    )
    return grid, slots, offsets


POSITION: Final = 10
"""Features of a beat besides its cells, see :func:`position`."""


def position(
    phase: npt.NDArray[np.floating],
    bar: npt.NDArray[np.floating],
    triplet: BoolArray,
    valid: BoolArray,
    bpm: npt.NDArray[np.floating],
) -> FloatArray:
    """Return what tells a network where in the music each beat lies.

    Parameters
    ----------
    phase, bar, triplet, bpm : ndarray
        (..., beats): as in :class:`Grid`; the tempo for each beat.
    valid : ndarray
        (..., beats, SLOTS).

    Returns
    -------
    ndarray
        (..., beats, POSITION): sine and cosine of the place in the bar, whether it is the
        first, length of the bar, triplets, tempo (log2 from 120), the valid slots.
    """
    turn = 2 * np.pi * phase / np.maximum(bar, 1.0)
    one = np.stack(
        [
            np.sin(turn),
            np.cos(turn),
            phase < 0.5,
            bar / 4.0 - 1.0,
            triplet,
            np.log2(np.maximum(bpm, 1.0) / 120.0),
        ],
        -1,
    )
    return np.concatenate([one, valid], -1).astype(np.float32)


def fill(
    kind: Kind,
    shape: tuple[int, int],
    window: IntArray,
    slot: IntArray,
    row: IntArray,
    velocity: FloatArray,
    offset: FloatArray,
    duration: FloatArray,
) -> FloatArray:
    """Fill rolls with notes.

    Parameters
    ----------
    kind : str
        drums or pitched.
    shape : (int, int)
        Windows, and beats of each.
    window, slot, row : ndarray
        (notes,): where each note lies.
    velocity, offset, duration : ndarray
        (notes,): 0..1, sixteenths, sixteenths. Of notes in one cell the loudest counts.

    Returns
    -------
    ndarray
        (windows, beats, SLOTS, rows, channels): see CHANNELS. Sustain is 1 where a note
        sounds on from an earlier slot.
    """
    windows, beats = shape
    rolls = np.zeros((windows, beats * SLOTS, ROWS[kind], channels(kind)), np.float32)
    order = np.argsort(velocity, kind="stable")  # the loudest is written last
    w, s, r = window[order], slot[order], row[order]
    rolls[w, s, r, 0] = 1.0
    rolls[w, s, r, 1] = velocity[order]
    rolls[w, s, r, 2] = offset[order]
    if kind == "pitched":
        reach = np.minimum(np.rint(duration[order]).astype(np.int64), int(MAX_DURATION))
        for later in range(1, int(reach.max(initial=0))):
            on = (reach > later) & (s + later < beats * SLOTS)
            rolls[w[on], s[on] + later, r[on], 3] = 1.0
        rolls[..., 3] *= 1 - rolls[..., 0]
    return rolls.reshape(windows, beats, SLOTS, ROWS[kind], channels(kind))


def distance(a: npt.NDArray[np.floating], b: npt.NDArray[np.floating]) -> FloatArray:
    """Return how far rolls are apart: the share of their hits that only one of the two has.

    Parameters
    ----------
    a, b : ndarray
        (..., beats, SLOTS, rows): hits, 0 or 1.

    Returns
    -------
    ndarray
        (...): 0 for the same hits, 1 for none in common (1 minus the F1 of one against the
        other); 0 for two empty rolls.
    """
    axes = (-3, -2, -1)
    total = a.sum(axes) + b.sum(axes)
    return np.asarray(np.abs(a - b).sum(axes) / np.maximum(total, 1.0), np.float32)


@dataclass(frozen=True, eq=False)
class Sheet:
    """A phrase of one kind on its grid, with the notes it was made of.

    Attributes
    ----------
    kind : str
        drums or pitched.
    grid : Grid
        Its beats.
    roll : ndarray
        (beats, SLOTS, rows, channels).
    notes : tuple of Note
        The notes of this kind.
    cell : ndarray
        (notes,): cell of each note in the flattened (beats, SLOTS, rows), or -1 for notes that
        the roll has no row for; they stay as they are.
    """

    kind: Kind
    grid: Grid
    roll: FloatArray
    notes: tuple[Note, ...]
    cell: IntArray

    @property
    def hits(self) -> FloatArray:
        """(beats, SLOTS, rows): 1 where a note begins."""
        return self.roll[..., 0]


def write_sheet(
    kind: Kind, notes: Sequence[Note], meter: Meter, length: Beats, bpm: float
) -> Sheet:
    """Put notes on a grid (inverse: the notes themselves are kept).

    Parameters
    ----------
    kind : str
        drums or pitched.
    notes : sequence of Note
        In beats from the first bar line.
    meter, length, bpm
        As in :func:`make_grid`.
    """
    onsets = np.array([n.start for n in notes], np.float64)
    grid, slot, offset = make_grid(meter, length, onsets, bpm)
    found = [row_of(kind, n.pitch) for n in notes]
    row = np.array([-1 if r is None else r for r in found], np.int64)
    known = row >= 0
    roll = fill(
        kind,
        (1, grid.beats),
        np.zeros(int(known.sum()), np.int64),
        slot[known],
        row[known],
        np.array([n.velocity / 127 for n in notes], np.float32)[known],
        offset[known],
        np.array([n.duration / SIXTEENTH for n in notes], np.float32)[known],
    )[0]
    cell = np.where(known, slot * ROWS[kind] + row, -1)
    return Sheet(kind, grid, roll, tuple(notes), cell)


def is_drum(note: Note) -> bool:
    """Tell whether a note is percussion to the networks."""
    return note.voice is Voice.DRUMS
