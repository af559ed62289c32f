"""What was played lately, note by note, so that a phrase can be kept after the fact.

Starts and lengths are exact. Only to say which stretch of music a note belongs to is its onset
rounded, to the nearest sixteenth: what is struck a little before a bar line belongs to the bar.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from antiphon.music import Beats, Note, Seconds, Voice
from antiphon.timebase import Tempo

KEPT: Final = 4096
"""Notes remembered: eight bars of anything that hands can play."""

GRID: Final = 4
"""Onsets are rounded to one part in so many of a beat to say where they belong."""

SAME: Final = 1e-6
"""Lengths in bars closer than this are the same."""

SHORTEST: Final = Beats(1 / 192)
"""Least length of a note."""


Key = tuple[int, int]
"""Channel (1..16) and pitch."""


def rounded(beat: float) -> Beats:
    """Return the sixteenth that an onset belongs to."""
    return Beats(math.floor(beat * GRID + 0.5) / GRID)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of music."""

    start: Beats
    end: Beats

    @property
    def length(self) -> Beats:
        """Its length."""
        return Beats(self.end - self.start)


def nearest_stretch(tempo: Tempo, beat: Beats, length: Beats) -> Stretch:
    """Return the stretch of a length whose end is nearest to a beat.

    It ends on a bar line if it is whole bars, else on a beat of a bar.
    """
    bar = tempo.meter.bar
    number, place = tempo.bar_and_beat(beat)
    line, bars = tempo.bar_line + number * bar, length / bar
    if abs(bars - max(1, round(bars))) < SAME:
        end = Beats(line + (bar if place >= bar / 2 else 0))
    else:
        end = Beats(line + min(int(place + 0.5), bar))
    return Stretch(Beats(end - length), end)


@dataclass(slots=True)
class _Remembered:
    """A note of the player; `end` is None while its key is down."""

    start: Beats
    key: Key
    velocity: int
    voice: Voice
    end: Beats | None = None

    def between(self, start: Beats, end: Beats) -> Note:
        """Return the note in beats from `start`, sounding to `end` at most."""
        stop = end if self.end is None else min(self.end, end)
        length = Beats(max(SHORTEST, stop - self.start))
        channel, pitch = self.key
        return Note(Beats(self.start - start), pitch, self.velocity, length, channel, self.voice)


class Memory:
    """Remembers the player's notes in beats. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._notes: deque[_Remembered] = deque(maxlen=KEPT)
        self._down: dict[Key, _Remembered] = {}
        self._tempo: Tempo | None = None
        self._taken = Beats(-math.inf)

    def strike(self, key: Key, velocity: int, voice: Voice, beat: Beats) -> None:
        """A key went down."""
        self.release(key, beat)
        note = _Remembered(beat, key, velocity, voice)
        self._notes.append(note)
        self._down[key] = note

    def release(self, key: Key, beat: Beats) -> None:
        """A key came up."""
        if (note := self._down.pop(key, None)) is not None:
            note.end = beat

    def release_all(self, beat: Beats) -> None:
        """Every key counts as up."""
        for key in list(self._down):
            self.release(key, beat)

    def follow(self, tempo: Tempo) -> None:
        """Learn how the music goes on, so that a jump can be told from it."""
        self._tempo = tempo

    def moved(self, tempo: Tempo, time: Seconds) -> None:
        """The music jumped: what was played just before lies just before, wherever one is now."""
        if self._tempo is not None:
            by = tempo.beat_at(time) - self._tempo.beat_at(time)
            self._taken = Beats(self._taken + by)
            for note in self._notes:
                note.start = Beats(note.start + by)
                note.end = None if note.end is None else Beats(note.end + by)
        self._tempo = tempo

    def between(self, stretch: Stretch) -> tuple[Note, ...]:
        """Return the notes of a stretch in beats from its start, none longer than to its end."""
        start, end = stretch.start, stretch.end
        inside = (n for n in self._notes if 0 <= rounded(n.start - start) < stretch.length)
        return tuple(sorted(note.between(start, end) for note in inside))

    def take(self, stretch: Stretch) -> tuple[Note, ...]:
        """Return the notes of a stretch, and remember that they were taken."""
        self._taken = stretch.end
        return self.between(stretch)

    def untaken(self, stretch: Stretch) -> bool:
        """Tell whether a stretch has notes that were played since the last one was taken."""
        first = max(stretch.start, self._taken)
        return first < stretch.end and bool(self.between(Stretch(first, stretch.end)))
