"""MIDI clock: 24 ticks a beat, as unsteady as they come, made into a steady beat.

Source: MIDI 1.0 detailed specification, system real time messages and song position pointer.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from itertools import pairwise
from typing import Final

from antiphon import midi
from antiphon.music import Beats, Meter, Seconds
from antiphon.sync.base import (
    Change,
    Halted,
    Lost,
    Relocated,
    Started,
    TempoChanged,
    steered,
)
from antiphon.sync.line import LEAST, Fit, TickLine
from antiphon.timebase import MAX_BPM, MIN_BPM, Tempo

TICKS: Final = 24
"""Clock ticks in a quarter note."""

SILENCE: Final = Seconds(0.5)
"""No tick for this long (or six ticks at very slow tempos): the clock is lost."""

_RECENT: Final = 7
"""Ticks that must tell of another tempo, by their count alone, before it is believed."""

_SMALL: Final = 0.5e-3
"""A gap (s) between the beat shown and known that may take a whole beat to close."""

_TELL: Final = 0.005
"""Share by which the tempo must differ from the last one told to be told again."""


class MidiClock:
    """Follows a MIDI clock.

    Ticks are numbered by where they fall on the line through those before them, so that lost
    and doubled ticks do no harm; when several in a row contradict the line, they are counted
    instead and begin a new one. What is shown follows the line without jumps.

    Parameters
    ----------
    now : Seconds
        The current time; the beat runs from 0 here until a clock is heard.
    bpm : float
        The tempo until a clock is heard.
    meter : Meter, optional
        The time signature, which MIDI clock does not tell; 4/4 when left out. Bars are counted
        from song position 0.
    """

    name = "midi"

    def __init__(self, now: Seconds, bpm: float = 120.0, meter: Meter | None = None) -> None:
        self._shown = Tempo(bpm=bpm, time=now, meter=meter or Meter())
        self._told = bpm
        self._line = TickLine()
        self._fit: Fit | None = None
        self._recent: deque[tuple[Seconds, int]] = deque(maxlen=_RECENT)
        self._held: tuple[int, Seconds] | None = None
        self._origin = 0  # index of the tick on beat 0
        self._next: int | None = None  # position (ticks) that the next tick stands for
        self._position = 0  # position (ticks) that a continue goes on from
        self._will_play = False
        self._playing = False
        self._lost = False

    @property
    def tempo(self) -> Tempo:
        """The steadied tempo."""
        return self._shown

    @property
    def playing(self) -> bool:
        """Whether the sender has started and not stopped or vanished."""
        return self._playing

    @property
    def running(self) -> bool:
        """Whether ticks are coming, started or not."""
        return self._fit is not None

    def update(self, now: Seconds) -> tuple[Change, ...]:
        """Notice that the clock has gone silent without a stop."""
        fit = self._fit
        if fit is None or now - fit.time <= max(SILENCE, 6 * fit.period):
            return ()
        # The tempo goes on at its last value: the partner may play on.
        self._shown = self._shown.changed(now, _bpm(fit.period))
        self._position = fit.index - self._origin + 1
        self._forget()
        if not self._playing:
            return ()
        self._playing, self._lost = False, True
        return (Lost(),)

    def feed(self, time: Seconds, message: bytes) -> tuple[Change, ...]:
        """Take one message of the clock's port, stamped when it came; others are ignored."""
        changes = self.update(time)
        status = message[0] if message else 0
        if status == midi.CLOCK:
            return changes + self._tick(time)
        if status == midi.START:
            self._next, self._will_play = 0, True
        elif status == midi.CONTINUE:
            self._next, self._will_play = self._position, True
        elif status == midi.STOP:
            return changes + self._stop(time)
        elif status == midi.SONG_POSITION and len(message) == 3:
            return changes + self._locate(time, (message[1] | message[2] << 7) * TICKS // 4)
        return changes

    # -- start, stop, position ---------------------------------------------------------------

    def _stop(self, time: Seconds) -> tuple[Change, ...]:
        self._will_play = self._lost = False
        if self._next is not None:
            self._position, self._next = self._next, None
        elif self._playing and self._fit is not None:
            # The next tick would have been the one to continue from.
            self._position = self._fit.index - self._origin + 1
        if not self._playing:
            return ()
        self._playing = False
        return (Halted(),)

    def _locate(self, time: Seconds, position: int) -> tuple[Change, ...]:
        self._position = position
        if self._playing or self._will_play:
            # Some senders relocate while they play, which the specification leaves open.
            self._next, self._will_play = position, True
            return ()
        # Stopped: the beat waits there, but shown tempo runs on, so it is moved at the start.
        return ()

    def _arrive(self, time: Seconds, index: int) -> tuple[Change, ...]:
        """Let the tick just numbered stand for the position that was asked for."""
        assert self._next is not None
        beat = Beats(self._next / TICKS)
        self._origin, self._next = index - self._next, None
        jumped = abs(self._shown.beat_at(time) - beat) > 0.5 / TICKS
        changes: tuple[Change, ...] = ()
        if jumped:
            self._shown = self._true()
            changes = (Relocated(beat),)
        if not self._playing:
            self._playing = True
            changes += (Started(beat),)
        self._will_play = self._lost = False
        return changes

    # -- ticks -------------------------------------------------------------------------------

    def _tick(self, time: Seconds) -> tuple[Change, ...]:
        fit = self._fit
        if fit is None:
            return self._first(time)
        place = fit.index_at(time)
        last = self._recent[-1] if self._recent else None
        if last is not None and time - last[0] < 0.15 * fit.period:
            return ()  # sent twice, or held up and delivered in a heap
        # Ticks sent on audio buffers look like lost ones until the tempo is known: count first.
        settling = fit.ticks < LEAST
        index = fit.index + 1 if settling else round(place)
        if self._next is not None and (index <= fit.index or abs(place - index) > 0.25):
            return self._rephase(time, fit)
        self._recent.append((time, index))
        if not settling and self._contradicts(fit):
            return self._begin_again(time)
        if index <= fit.index:
            return ()  # too early to be the next one
        self._admit(index, time, abs(place - index) * fit.period, fit)
        return self._settle(time, index)

    def _first(self, time: Seconds) -> tuple[Change, ...]:
        """Begin with the first tick, on the beat nearest to the one shown."""
        index = round(self._shown.beat_at(time) * TICKS) + self._origin
        self._line.clear()
        self._line.add(index, time)
        self._recent.append((time, index))
        self._fit = self._line.fit(60 / self._shown.bpm / TICKS)
        changes = self._settle(time, index)
        if self._lost:
            self._lost, self._playing = False, True
            changes += (Started(Beats((index - self._origin) / TICKS)),)
        return changes

    def _rephase(self, time: Seconds, fit: Fit) -> tuple[Change, ...]:
        """Begin a line of known tempo: at a start, many senders begin their ticks anew."""
        self._forget()
        self._line.add(fit.index + 1, time)
        self._recent.append((time, fit.index + 1))
        self._fit = self._line.fit(fit.period)
        return self._settle(time, fit.index + 1)

    def _admit(self, index: int, time: Seconds, off: float, fit: Fit) -> None:
        """Add a tick to the line; one that lies far off waits for the next to agree."""
        if off > max(6e-3, 5 * fit.spread) and self._held is None and fit.ticks > LEAST:
            self._held = (index, time)
            return
        held = self._held
        agrees = off > max(3e-3, 3 * fit.spread)
        if held is not None and agrees and fit.index < held[0] < index:
            self._line.add(*held)
        self._held = None
        self._line.add(index, time)
        self._fit = self._line.fit(fit.period)

    def _contradicts(self, fit: Fit) -> bool:
        """Tell whether the last ticks, merely counted, speak of another tempo."""
        if len(self._recent) < _RECENT:
            return False
        times = [time for time, _ in self._recent]
        steps = [b - a for a, b in pairwise(times)]
        period = (times[-1] - times[0]) / len(steps)
        # A lost tick or a hold-up makes one step unlike the others; a tempo makes all alike,
        # but for the sender's jitter, which must not pass for a tempo either.
        uneven = max(steps) - min(steps)
        alike = uneven < min(0.6 * period, max(0.2 * period, 8 * fit.spread))
        plausible = 0.98 * 60 / MAX_BPM <= period * TICKS <= 1.02 * 60 / MIN_BPM
        other = abs(period - fit.period) > max(0.07 * fit.period, uneven / 6)
        return alike and plausible and other

    def _begin_again(self, time: Seconds) -> tuple[Change, ...]:
        """Start a new line with the recent ticks, numbered by count."""
        first = self._recent[0][1]
        ticks = [(when, first + count) for count, (when, _) in enumerate(self._recent)]
        self._forget()
        for when, index in ticks:
            self._line.add(index, when)
        self._recent.extend(ticks)
        self._fit = self._line.fit(0.0)
        return self._settle(time, ticks[-1][1])

    def _settle(self, time: Seconds, index: int) -> tuple[Change, ...]:
        """Bring what is shown in line with what is known."""
        changes: tuple[Change, ...] = ()
        if self._next is not None:
            changes = self._arrive(time, index)
        fit = self._fit
        assert fit is not None
        true = self._true()
        gap = abs(true.beat_at(time) - self._shown.beat_at(time)) * 60 / true.bpm
        horizon = Beats(1.0 if gap < _SMALL else max(0.125, _SMALL / gap))
        self._shown = steered(self._shown, true, time, horizon)
        if abs(true.bpm - self._told) > _TELL * self._told and fit.ticks >= TICKS // 2:
            self._told = true.bpm
            changes += (TempoChanged(true.bpm),)
        return changes

    def _true(self) -> Tempo:
        """Return the tempo of the line."""
        fit = self._fit
        assert fit is not None
        beat = Beats((fit.index - self._origin) / TICKS)
        return replace(self._shown, bpm=_bpm(fit.period), time=Seconds(fit.time), beat=beat)

    def _forget(self) -> None:
        self._fit = self._held = None
        self._line.clear()
        self._recent.clear()


def _bpm(period: float) -> float:
    return min(MAX_BPM, max(MIN_BPM, 60 / TICKS / period))
