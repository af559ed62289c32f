"""Notes as the player sees them: one event a note, times in bins of 1/48 beat.

An event has five fields, drawn in this order: *shift* (onset, in ticks since the onset of
the event before it), *voice*, *pitch*, *velocity* and *duration*. Beside them stands the
*phase* of the onset: where in the beat and in the bar it falls. Events are sorted by onset,
the notes of a chord upwards.

This module needs only numpy, so that playing does not load torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT, Beats, Meter, Note, Pedal, Voice

IntArray: TypeAlias = npt.NDArray[np.int64]


def _bin_values() -> IntArray:
    """Make the table: every tick up to a beat, then steps that halves and triplets fall on."""
    beat = TICKS_PER_BEAT
    parts = [np.arange(0, beat + 1)]
    for octave, step in enumerate((beat // 12, beat // 6, beat // 2, beat, 4 * beat, 8 * beat)):
        low = beat << octave
        parts.append(np.arange(low + step, 2 * low + 1, step))
    return np.concatenate(parts).astype(np.int64)


BIN_TICKS: Final = _bin_values()
"""Ticks that each time bin stands for, ascending from 0 to 3072 (64 beats)."""
BIN_TICKS.flags.writeable = False

TIME_BINS: Final = len(BIN_TICKS)
"""Number of bins shared by shift and duration."""

MAX_TICKS: Final = int(BIN_TICKS[-1])
"""Longest shift or duration; longer ones are clipped to it."""

DURATION_MASKED: Final = TIME_BINS
"""Input id of the duration of a note that is still held."""

MICROS: Final = 20
"""Parts of a tick that microtiming is kept in: 1/960 beat, half a millisecond at 120 bpm."""

VOICES: Final = len(Voice)
PITCHES: Final = 128
VELOCITY_BINS: Final = 32

BEAT_PHASE_UNKNOWN: Final = TICKS_PER_BEAT
"""Phase in the beat is 0..47, or this."""
BAR_BEATS: Final = 12
BAR_PHASE_UNKNOWN: Final = BAR_BEATS
"""Whole beats since the bar line are 0..11 (later beats count as 11), or this."""

SIXTEENTH: Final = TICKS_PER_BEAT // 4
"""Ticks."""

UNPLAYED: Final = 0.5
"""A piece of whose velocities more than this share repeat the one before was never performed."""

_START: Final = Beats(0.0)

FIELDS: Final = ("shift", "voice", "pitch", "velocity", "duration")
"""Fields of an event in the order in which the heads draw them."""

FIELD_SIZES: Final = {
    "shift": TIME_BINS,
    "voice": VOICES,
    "pitch": PITCHES,
    "velocity": VELOCITY_BINS,
    "duration": TIME_BINS,
}
"""Number of classes of each head."""

COLUMNS: Final = (
    "shift",
    "voice",
    "pitch",
    "velocity",
    "duration_in",
    "beat_phase",
    "bar_phase",
    "style",
    "begin",
    "duration",
    "motif_shift",
    "motif_voice",
    "motif_pitch",
    "motif_velocity",
    "motif_duration",
    "trust",
    "step_pitch",
    "step_trust",
    "density",
    "register",
    "level",
    "polyphony",
    "key",
    "chord",
    "tempo",
)
"""Columns of an event row, as the player is trained on: the input fields (``duration_in`` may be
masked), whether the event begins a piece (1; only its style counts), and the true duration; what
was expected of the event before it came, see :mod:`antiphon_models.motif`; and what the music is
like from it on, see :mod:`antiphon_models.conditions`."""

COLUMN: Final = {name: index for index, name in enumerate(COLUMNS)}

_LOOKUP: Final = np.searchsorted((BIN_TICKS[1:] + BIN_TICKS[:-1]) / 2, np.arange(MAX_TICKS + 1))


def ticks_to_bin(ticks: npt.ArrayLike) -> IntArray:
    """Return the nearest time bin of each number of ticks; out of range is clipped.

    Parameters
    ----------
    ticks : array_like of int
        Shifts or durations in ticks, any shape.

    Returns
    -------
    ndarray of int64
        Bins ``0..TIME_BINS - 1``, same shape.
    """
    return np.asarray(_LOOKUP[np.clip(np.asarray(ticks, np.int64), 0, MAX_TICKS)], np.int64)


def bin_to_ticks(bins: npt.ArrayLike) -> IntArray:
    """Return the ticks that each time bin stands for (inverse of :func:`ticks_to_bin`)."""
    return BIN_TICKS[np.asarray(bins, np.int64)]


def velocity_to_bin(velocity: npt.ArrayLike) -> IntArray:
    """Return the velocity bin (0..31) of each MIDI velocity."""
    return np.clip(np.asarray(velocity, np.int64), 0, 127) >> 2


def bin_to_velocity(bins: npt.ArrayLike) -> IntArray:
    """Return the MIDI velocity (2..126) in the middle of each velocity bin."""
    return np.asarray(bins, np.int64) * 4 + 2


def sixteenths(tick: npt.ArrayLike) -> IntArray:
    """Return the sixteenth nearest to each tick, same shape."""
    return (np.asarray(tick, np.int64) + SIXTEENTH // 2) // SIXTEENTH


def phases(tick: npt.ArrayLike, bar_ticks: int) -> tuple[IntArray, IntArray]:
    """Return the phase in the beat and in the bar of onsets in a constant meter.

    Parameters
    ----------
    tick : array_like of int
        Onsets in ticks counted from any bar line; may be negative.
    bar_ticks : int
        Length of a bar in ticks: 192 for 4/4, 144 for 3/4 and 6/8.

    Returns
    -------
    beat_phase, bar_phase : ndarray of int64
        Ticks since the last beat (0..47) and whole beats since the bar line (0..11). Beats
        are counted from the bar line, so that bars of 9/8 or 7/8 start on phase 0.
    """
    since_bar = np.asarray(tick, np.int64) % bar_ticks
    return since_bar % TICKS_PER_BEAT, np.minimum(since_bar // TICKS_PER_BEAT, BAR_BEATS - 1)


@dataclass(frozen=True, eq=False)
class Piece:
    """The notes of one piece as parallel int64 arrays of shape ``(notes,)``.

    Attributes
    ----------
    onset : ndarray
        Onsets in ticks from the start of the piece, ascending; chords upwards.
    voice, pitch, velocity : ndarray
        :class:`antiphon.music.Voice`, MIDI pitch and MIDI velocity of each note.
    duration : ndarray
        Lengths in ticks, at least 1.
    beat_phase, bar_phase : ndarray
        Phases of the onsets, or the ids of "unknown".
    name, style : str
        The file's path inside its set, and the set's name.
    metered : bool
        Whether the times follow a beat; if not, a tick is 1/96 s.
    micro : ndarray or None
        Microtiming: how far each onset really lies from its tick, in :data:`MICROS` to the tick
        (1/960 beat); None where it is not known.
    bpm : float
        The tempo it was played in.
    pedal : ndarray or None
        :class:`antiphon.music.Pedal` of each note; None where nothing is known of any.
    """

    onset: IntArray
    voice: IntArray
    pitch: IntArray
    velocity: IntArray
    duration: IntArray
    beat_phase: IntArray
    bar_phase: IntArray
    name: str = ""
    style: str = ""
    metered: bool = True
    micro: IntArray | None = None
    bpm: float = 120.0
    pedal: IntArray | None = None

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def shift(self) -> IntArray:
        """Ticks since the onset before; 0 for the first note."""
        return np.diff(self.onset, prepend=self.onset[:1])

    def select(self, index: Any) -> Piece:
        """Return the piece with only the notes of a numpy index (slice, mask or order)."""
        return replace(
            self,
            onset=self.onset[index],
            voice=self.voice[index],
            pitch=self.pitch[index],
            velocity=self.velocity[index],
            duration=self.duration[index],
            beat_phase=self.beat_phase[index],
            bar_phase=self.bar_phase[index],
            micro=None if self.micro is None else self.micro[index],
            pedal=None if self.pedal is None else self.pedal[index],
        )

    def sorted(self) -> Piece:
        """Return the piece in order of onset, chords upwards."""
        return self.select(np.lexsort((self.voice, self.pitch, self.onset)))


def is_performed(piece: Piece) -> bool:
    """Tell whether a piece has a player's dynamics, not those of a score played back."""
    repeated = piece.velocity[1:] == piece.velocity[:-1]
    return len(piece) > 1 and bool(repeated.mean() <= UNPLAYED)


def notes_to_piece(
    notes: Sequence[Note],
    meter: Meter | None = None,
    *,
    bpm: float = 120.0,
    origin: Beats = _START,
    name: str = "",
    style: str = "",
) -> Piece:
    """Turn notes in beats into a piece.

    Parameters
    ----------
    notes : sequence of Note
        In any order; times in beats.
    meter : Meter, optional
        Where the bar lines are, counted from `origin`. None means free time: the beats are
        turned into seconds at `bpm`, a tick becomes 1/96 s, and the phases are unknown.
    bpm : float
        Tempo that the notes are read in; only used in free time.
    origin : Beats
        A bar line.

    Returns
    -------
    Piece
        With onsets counted from `origin` (negative before it).
    """
    scale = TICKS_PER_BEAT if meter is not None else TICKS_PER_BEAT * 120.0 / bpm
    start = np.array([n.start - origin for n in notes], np.float64)
    length = np.array([n.duration for n in notes], np.float64)
    onset = np.floor(start * scale + 0.5).astype(np.int64)
    if meter is not None:
        beat_phase, bar_phase = phases(onset, round(meter.bar * TICKS_PER_BEAT))
    else:
        beat_phase = np.full(len(onset), BEAT_PHASE_UNKNOWN, np.int64)
        bar_phase = np.full(len(onset), BAR_PHASE_UNKNOWN, np.int64)
    return Piece(
        onset=onset,
        voice=np.array([n.voice for n in notes], np.int64),
        pitch=np.array([n.pitch for n in notes], np.int64),
        velocity=np.array([n.velocity for n in notes], np.int64),
        duration=np.maximum(np.floor(length * scale + 0.5), 1).astype(np.int64),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
        name=name,
        style=style,
        metered=meter is not None,
        pedal=np.array([n.pedal for n in notes], np.int64) if any(n.pedal for n in notes) else None,
    ).sorted()


def piece_to_notes(piece: Piece, *, bpm: float = 120.0, origin: Beats = _START) -> tuple[Note, ...]:
    """Turn a piece back into notes in beats (inverse of :func:`notes_to_piece`).

    Parameters
    ----------
    piece : Piece
        Notes in ticks.
    bpm : float
        Tempo to write free time in; a metered piece keeps its beats.
    origin : Beats
        Where the piece's tick 0 lies.
    """
    per_beat = TICKS_PER_BEAT if piece.metered else TICKS_PER_BEAT * 120.0 / bpm
    pedal = np.zeros_like(piece.onset) if piece.pedal is None else piece.pedal
    columns = (piece.onset, piece.pitch, piece.velocity, piece.duration, piece.voice, pedal)
    return tuple(
        Note(
            start=Beats(onset / per_beat + origin),
            pitch=pitch,
            velocity=max(velocity, 1),
            duration=Beats(duration / per_beat),
            channel=10 if voice == Voice.DRUMS else 1,
            voice=Voice(voice),
            pedal=Pedal(foot),
        )
        for onset, pitch, velocity, duration, voice, foot in zip(
            *(column.tolist() for column in columns), strict=True
        )
    )
