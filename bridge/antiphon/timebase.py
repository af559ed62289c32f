"""Where the music is in time: injected clocks, and the map between beats and seconds.

Source of the pattern: a clock is a value one is given, never one one fetches, so that tests
move time by hand (:class:`ManualClock`) and no test sleeps.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from antiphon.music import Beats, Meter, Seconds

SWITCH_INTERVAL: Final = 0.0002
"""Seconds after which a busy thread of the brain gives the interpreter to another. Python's
default is 25 times that, and every hand-over on a note's way would wait so long."""

MIN_BPM: Final = 20.0
MAX_BPM: Final = 400.0


class Clock(Protocol):
    """Tells the time in seconds on a scale that never goes back."""

    def now(self) -> Seconds:
        """Return the current time."""
        ...


class MonotonicClock:
    """The system's high-resolution clock, the same scale in every process of this machine."""

    def now(self) -> Seconds:
        """Return ``time.perf_counter()``."""
        return Seconds(time.perf_counter())


class ManualClock:
    """A clock that moves only when told to; for tests."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> Seconds:
        """Return the time last set."""
        return Seconds(self._now)

    def advance(self, seconds: float) -> Seconds:
        """Move `seconds` (at least 0) ahead and return the new time."""
        if seconds < 0:
            raise ValueError(f"a clock cannot go back, got {seconds}")
        self._now += seconds
        return Seconds(self._now)

    def move_to(self, when: float) -> Seconds:
        """Move ahead to `when`, or stay if it has passed, and return the new time."""
        self._now = max(self._now, when)
        return Seconds(self._now)


@dataclass(frozen=True, slots=True)
class Tempo:
    """A steady tempo through one anchor: beat `beat` falls at time `time`.

    A tempo change makes a new value, anchored where the old one stood (:meth:`changed`), so
    the beat never jumps unless somebody relocates it.

    Attributes
    ----------
    bpm : float
        Quarter-note beats a minute, :data:`MIN_BPM` to :data:`MAX_BPM`.
    time : Seconds
        The anchor on the clock.
    beat : Beats
        The anchor in the music.
    meter : Meter
        The time signature.
    bar_line : Beats
        The place of any one bar line; bars are counted from it.
    """

    bpm: float = 120.0
    time: Seconds = Seconds(0.0)
    beat: Beats = Beats(0.0)
    meter: Meter = field(default_factory=Meter)
    bar_line: Beats = Beats(0.0)

    def __post_init__(self) -> None:
        if not MIN_BPM <= self.bpm <= MAX_BPM:
            raise ValueError(f"bpm must be {MIN_BPM:g}..{MAX_BPM:g}, got {self.bpm}")

    def beat_at(self, time: Seconds) -> Beats:
        """Return the beat at a time."""
        return Beats(self.beat + (time - self.time) * self.bpm / 60.0)

    def time_at(self, beat: Beats) -> Seconds:
        """Return the time of a beat."""
        return Seconds(self.time + (beat - self.beat) * 60.0 / self.bpm)

    def length(self, beats: Beats) -> Seconds:
        """Return how long a number of beats lasts."""
        return Seconds(beats * 60.0 / self.bpm)

    def changed(self, time: Seconds, bpm: float) -> Tempo:
        """Return the tempo that goes on from here at `bpm`."""
        return replace(self, bpm=bpm, time=time, beat=self.beat_at(time))

    def relocated(self, time: Seconds, beat: Beats) -> Tempo:
        """Return the same tempo with `beat` falling at `time`."""
        return replace(self, time=time, beat=beat)

    def bar_and_beat(self, beat: Beats) -> tuple[int, Beats]:
        """Return the bar (from 0; negative before the first) and the beat within it (from 0)."""
        bar = math.floor((beat - self.bar_line) / self.meter.bar + 1e-9)
        return bar, Beats(max(0.0, beat - self.bar_line - bar * self.meter.bar))

    def next_line(self, beat: Beats, grid: Beats | None) -> Beats:
        """Return the first grid line at or after `beat`.

        Parameters
        ----------
        beat : Beats
            Where to look from.
        grid : Beats or None
            Spacing of the lines counted from a bar line; 0 means no grid, None whole bars.
        """
        spacing = self.meter.bar if grid is None else grid
        if spacing <= 0:
            return beat
        lines = math.ceil((beat - self.bar_line) / spacing - 1e-6)
        return Beats(self.bar_line + lines * spacing)
