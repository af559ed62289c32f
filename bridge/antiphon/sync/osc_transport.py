"""A DAW's transport told over OSC a few times a beat, made into a steady beat."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from antiphon.commands import Transport
from antiphon.music import Beats, Meter, Seconds
from antiphon.sync.base import (
    Change,
    Halted,
    Lost,
    MeterChanged,
    Relocated,
    Started,
    TempoChanged,
    steered,
)
from antiphon.timebase import Tempo

SILENCE: Final = Seconds(2.0)
"""Nothing for this long while playing: the DAW is lost."""

JUMP: Final = Beats(0.1)
"""Further off than this, the music was relocated, not delayed."""

_MEMORY: Final = 32
"""Messages over which delays are averaged."""

_SAME: Final = 1e-5
"""Share by which tempos may differ and be the same: 32-bit floats round."""

_TELL: Final = 0.005
"""Share by which the tempo must differ from the last one told to be told again."""


class OscTransport:
    """Follows ``/antiphon/clock``.

    The DAW's tempo is exact, so only the place of the beat is filtered: the mean of the last
    messages' differences, less as messages are few. A message can be late, never early; so a
    beat ahead of ours is a jump at once, and a beat behind only when two messages agree.

    Parameters
    ----------
    now : Seconds
        The current time; the beat runs from 0 here until the DAW is heard.
    bpm, meter : float, Meter
        Tempo and time signature until then.
    """

    name = "osc"

    def __init__(self, now: Seconds, bpm: float = 120.0, meter: Meter | None = None) -> None:
        self._true = Tempo(bpm=bpm, time=now, meter=meter or Meter())
        self._shown = self._true
        self._told = bpm
        self._count = 0
        self._behind: float | None = None
        self._heard: Seconds | None = None
        self._playing = False

    @property
    def tempo(self) -> Tempo:
        """The steadied tempo."""
        return self._shown

    @property
    def playing(self) -> bool:
        """Whether the DAW plays."""
        return self._playing

    @property
    def meter(self) -> Meter:
        """The DAW's time signature."""
        return self._true.meter

    def update(self, now: Seconds) -> tuple[Change, ...]:
        """Notice that the DAW has gone silent."""
        if self._heard is None or now - self._heard <= SILENCE:
            return ()
        self._heard = None
        if not self._playing:
            return ()
        self._playing = False
        self._shown = self._shown.changed(now, self._true.bpm)
        return (Lost(),)

    def relocate(self, now: Seconds, beat: Beats) -> tuple[Change, ...]:
        """Jump to a beat while the DAW stands still and only our own beat runs on."""
        if self._playing:
            return ()
        self._shown = self._shown.relocated(now, beat)
        return (Relocated(beat),)

    def feed(self, message: Transport) -> tuple[Change, ...]:
        """Take what the DAW says about its transport."""
        changes = self.update(message.time)
        self._heard = message.time
        changes += self._take_tempo(message)
        if not message.playing:
            # The DAW's beat stands still; ours runs on, for whoever plays freely.
            if self._playing:
                self._playing = False
                self._shown = self._shown.changed(message.time, self._true.bpm)
                changes += (Halted(),)
            elif self._shown.bpm != message.bpm:
                self._shown = self._shown.changed(message.time, message.bpm)
            return changes
        if not self._playing:
            self._playing = True
            return (*changes, *self._jump(message), Started(message.beat))
        return changes + self._follow(message)

    def _take_tempo(self, message: Transport) -> tuple[Change, ...]:
        changes: tuple[Change, ...] = ()
        true = self._true
        if message.meter != true.meter:
            self._true = replace(true, meter=message.meter)
            self._shown = replace(self._shown, meter=message.meter)
            changes += (MeterChanged(message.meter),)
        differs = abs(message.bpm / true.bpm - 1)
        if differs > _SAME:
            self._true = self._true.changed(message.time, message.bpm)
            # Where between two messages it changed is unknown: trust the next places more.
            self._count = 0 if differs > 0.01 else min(self._count, 3)
        if abs(message.bpm - self._told) > _TELL * self._told:
            self._told = message.bpm
            changes += (TempoChanged(message.bpm),)
        return changes

    def _follow(self, message: Transport) -> tuple[Change, ...]:
        gap = message.beat - self._true.beat_at(message.time)
        fresh = self._count == 0
        if abs(gap) > JUMP and not (fresh and abs(gap) < 4 * JUMP):
            late = gap < 0 and (self._behind is None or abs(gap - self._behind) > JUMP / 2)
            if late and gap > -1:
                self._behind = gap
                return ()
            return self._jump(message)
        self._behind = None
        self._count = min(self._count + 1, _MEMORY)
        beat = Beats(self._true.beat_at(message.time) + gap / self._count)
        self._true = replace(self._true, time=message.time, beat=beat)
        horizon = Beats(min(1.0, max(0.25, self._count / 8)))
        self._shown = steered(self._shown, self._true, message.time, horizon)
        return ()

    def _jump(self, message: Transport) -> tuple[Change, ...]:
        far = abs(self._shown.beat_at(message.time) - message.beat) > 1e-3
        self._count, self._behind = 1, None
        self._true = self._true.relocated(message.time, message.beat)
        self._shown = self._true
        return (Relocated(message.beat),) if far else ()
