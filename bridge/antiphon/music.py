"""Musical values shared by every other module: times, notes, phrases, scales.

Nothing here does input or output, and nothing here changes after it is made. Beats and
seconds are different types, so that the type checker refuses to mix them; a
:class:`antiphon.timebase.Tempo` converts between the two.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final, NewType

Beats = NewType("Beats", float)
"""A position or a length in quarter-note beats, at whatever tempo."""

Seconds = NewType("Seconds", float)
"""A position (on an injected clock) or a length in seconds."""

Ticks = NewType("Ticks", int)
"""A position or a length in whole ticks, :data:`TICKS_PER_BEAT` to the beat."""

TICKS_PER_BEAT: Final = 48
"""The models' time grid: divides sixteenths, triplets and thirty-second notes evenly."""

DRUM_CHANNEL: Final = 10
"""The General MIDI percussion channel, counted from 1."""


def to_ticks(beats: Beats) -> Ticks:
    """Round a time in beats to the nearest tick."""
    return Ticks(math.floor(beats * TICKS_PER_BEAT + 0.5))


def to_beats(ticks: Ticks | int) -> Beats:
    """Express a whole number of ticks in beats."""
    return Beats(ticks / TICKS_PER_BEAT)


class Voice(IntEnum):
    """The part a note belongs to, as the models know it."""

    MELODY = 0
    """The lead line: a singer, a soprano, a monophonic instrument."""
    SECOND = 1
    """A second melodic line beside the lead."""
    KEYS = 2
    """Chords and accompaniment: piano, inner parts."""
    DRUMS = 3
    """Percussion: the pitch names an instrument of the General MIDI drum map."""


class Pedal(IntEnum):
    """How the sustain pedal stands for a note, measured a little after its onset.

    A pianist lifts the pedal as he strikes and presses it again just after, so that it is the
    moment after the onset that says what the note is joined to.
    """

    UNKNOWN = 0
    """Nobody said: there is no pedal, or none was ever touched."""
    UP = 1
    """It is up."""
    DOWN = 2
    """It is down, and was not lifted since the onset before if it was down then."""
    CHANGED = 3
    """It was down, was lifted since the onset before, and is down again."""


def is_down(pedal: int) -> bool:
    """Tell whether the pedal is down once a note's pedal is measured."""
    return pedal in (Pedal.DOWN, Pedal.CHANGED)


PEDAL_DOWN: Final = 64
"""Values of the sustain controller from here on are down, as the General MIDI says."""

PEDAL_AFTER: Final = Seconds(0.15)
"""How long after its onset a note's pedal is measured, unless the next onset comes before.

Measured on what pianists did (``benchmarks/pedal.py``): from 0.1 to 0.25 s little changes.
"""


class Scale(IntEnum):
    """Scales by their index in the public parameter ``scale``."""

    CHROMATIC = 0
    MAJOR = 1
    NATURAL_MINOR = 2
    HARMONIC_MINOR = 3
    MELODIC_MINOR = 4
    DORIAN = 5
    PHRYGIAN = 6
    LYDIAN = 7
    MIXOLYDIAN = 8
    LOCRIAN = 9
    MAJOR_PENTATONIC = 10
    MINOR_PENTATONIC = 11
    BLUES = 12
    WHOLE_TONE = 13
    DIMINISHED = 14

    @property
    def degrees(self) -> tuple[int, ...]:
        """Semitones above the key note that belong to the scale, ascending from 0."""
        return _DEGREES[self]

    def pitch_classes(self, key: int) -> frozenset[int]:
        """Pitch classes (C is 0) of this scale on the key note `key` (0..11)."""
        return frozenset((key + degree) % 12 for degree in self.degrees)


_DEGREES: Final[dict[Scale, tuple[int, ...]]] = {
    Scale.CHROMATIC: tuple(range(12)),
    Scale.MAJOR: (0, 2, 4, 5, 7, 9, 11),
    Scale.NATURAL_MINOR: (0, 2, 3, 5, 7, 8, 10),
    Scale.HARMONIC_MINOR: (0, 2, 3, 5, 7, 8, 11),
    Scale.MELODIC_MINOR: (0, 2, 3, 5, 7, 9, 11),
    Scale.DORIAN: (0, 2, 3, 5, 7, 9, 10),
    Scale.PHRYGIAN: (0, 1, 3, 5, 7, 8, 10),
    Scale.LYDIAN: (0, 2, 4, 6, 7, 9, 11),
    Scale.MIXOLYDIAN: (0, 2, 4, 5, 7, 9, 10),
    Scale.LOCRIAN: (0, 1, 3, 5, 6, 8, 10),
    Scale.MAJOR_PENTATONIC: (0, 2, 4, 7, 9),
    Scale.MINOR_PENTATONIC: (0, 3, 5, 7, 10),
    Scale.BLUES: (0, 3, 5, 6, 7, 10),
    Scale.WHOLE_TONE: (0, 2, 4, 6, 8, 10),
    Scale.DIMINISHED: (0, 2, 3, 5, 6, 8, 9, 11),
}

NOTE_NAMES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def pitch_name(pitch: int) -> str:
    """Name a MIDI pitch with middle C (60) as ``C4``."""
    return f"{NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}"


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature, for example 6/8.

    Raises
    ------
    ValueError
        If the numerator is not 1..64 or the denominator no power of two up to 64.
    """

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= 64:
            raise ValueError(f"meter numerator must be 1..64, got {self.numerator}")
        if self.denominator not in (1, 2, 4, 8, 16, 32, 64):
            raise ValueError(
                f"meter denominator must be a power of two up to 64, got {self.denominator}"
            )

    @property
    def bar(self) -> Beats:
        """Length of one bar in quarter-note beats: 4 for 4/4, 3 for 6/8."""
        return Beats(self.numerator * 4 / self.denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """One note, placed in beats.

    Raises
    ------
    ValueError
        If a field lies outside its MIDI range or a time is negative or not finite.
    """

    start: Beats
    pitch: int
    velocity: int = 80
    duration: Beats = Beats(1.0)
    channel: int = 1
    voice: Voice = field(default=Voice.KEYS, compare=False)
    pedal: Pedal = field(default=Pedal.UNKNOWN, compare=False)

    def __post_init__(self) -> None:
        if not 0 <= self.pitch <= 127:
            raise ValueError(f"pitch must be 0..127, got {self.pitch}")
        if not 1 <= self.velocity <= 127:
            raise ValueError(f"velocity must be 1..127, got {self.velocity}")
        if not 1 <= self.channel <= 16:
            raise ValueError(f"channel must be 1..16, got {self.channel}")
        if not math.isfinite(self.start):
            raise ValueError(f"start must be finite, got {self.start}")
        if not (math.isfinite(self.duration) and self.duration > 0):
            raise ValueError(f"duration must be above 0, got {self.duration}")

    @property
    def end(self) -> Beats:
        """Where the note is released, in beats."""
        return Beats(self.start + self.duration)

    def shifted(self, by: Beats) -> Note:
        """Return the same note `by` beats later (earlier when negative)."""
        return replace(self, start=Beats(self.start + by))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Notes in order of onset (chords upwards), with the tempo and meter they are read in.

    Attributes
    ----------
    notes : tuple of Note
        Sorted when the phrase is made.
    bpm : float
        Quarter-note beats a minute.
    meter : Meter
        The time signature.
    """

    notes: tuple[Note, ...] = ()
    bpm: float = 120.0
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.bpm) and self.bpm > 0):
            raise ValueError(f"bpm must be above 0, got {self.bpm}")
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    def __len__(self) -> int:
        return len(self.notes)

    def __iter__(self) -> Iterator[Note]:
        return iter(self.notes)

    @property
    def end(self) -> Beats:
        """Where the last note is released, in beats; 0 for an empty phrase."""
        return Beats(max((note.end for note in self.notes), default=0.0))

    def between(self, start: Beats, stop: Beats) -> Phrase:
        """Return the notes whose onset lies in ``start <= onset < stop``."""
        return replace(self, notes=tuple(n for n in self.notes if start <= n.start < stop))

    def shifted(self, by: Beats) -> Phrase:
        """Return the phrase `by` beats later (earlier when negative)."""
        return replace(self, notes=tuple(n.shifted(by) for n in self.notes))


def scale_velocity(velocity: int, scale: float) -> int:
    """Return a velocity so many times as high, 1..127."""
    return min(127, max(1, round(velocity * scale)))


def in_key(notes: Iterable[Note], key: int, scale: Scale) -> float:
    """Share of pitched notes (0..1) whose pitch class lies in the scale; 1 when there are none."""
    classes = scale.pitch_classes(key)
    pitched = [n.pitch % 12 for n in notes if n.voice is not Voice.DRUMS]
    return sum(p in classes for p in pitched) / len(pitched) if pitched else 1.0
