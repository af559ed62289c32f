"""The conversation with the network: what it is fed, what it is asked to play, what is unsaid.

Beats belong to the music and can jump; ticks belong to the network and only go on. The dialogue
keeps the two together (its *origin*), and keeps the plan a little ahead of the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from antiphon import thinking
from antiphon.ears import Strike
from antiphon.model import Controls, Event
from antiphon.music import (
    TICKS_PER_BEAT,
    Beats,
    Note,
    Pedal,
    Seconds,
    Ticks,
    to_beats,
    to_ticks,
)
from antiphon.settings import Variance
from antiphon.speech import Feel, Speech
from antiphon.timebase import Tempo

HORIZON: Final = Seconds(1.0)
"""How far ahead of the clock an answer is planned: soon enough to follow a turned knob."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The present, and how things are to be played in it."""

    time: Seconds
    beat: Beats
    tempo: Tempo
    controls: Controls
    feel: Feel
    seed: int = 0
    variance: Variance = field(default_factory=Variance)

    def beat_in(self, ahead: Seconds) -> Beats:
        """Return the beat that it will be in `ahead` seconds."""
        return self.tempo.beat_at(Seconds(self.time + ahead))

    def time_of(self, beat: Beats) -> Seconds:
        """Return when what is played on `beat` is sent."""
        return Seconds(self.tempo.time_at(beat) - self.feel.latency)


@dataclass(slots=True)
class _Answer:
    """The answer being planned and played.

    `asked` and `planned` are the horizons of the latest request and of the latest reply.
    """

    start: Beats
    end: Beats | None
    generation: int = 0
    asked: Ticks = Ticks(0)
    planned: Ticks = Ticks(0)
    finished: bool = False


class Dialogue:
    """The engine's face of the worker. Used by the engine's thread only.

    Parameters
    ----------
    think : callable
        Takes jobs for the worker; returns at once.
    speech : Speech
        Takes notes.
    """

    def __init__(self, think: Callable[[thinking.Job], None], speech: Speech) -> None:
        self._think, self._speech = think, speech
        self._answer: _Answer | None = None
        self._origin = Beats(0.0)
        self._latest = Ticks(0)
        self._generation = 0
        self._count = self._revision = 0

    def begin(self, now: Moment) -> None:
        """Start a new conversation: the network forgets everything."""
        self._origin = self._bar_line(now)
        self._latest = Ticks(0)
        self.forget()
        self._think(thinking.Begin(now.tempo.meter))

    def reseed(self) -> None:
        """Make the next answer the first one of its seed again."""
        self._count = 0

    def relocated(self, now: Moment) -> None:
        """Keep ticks going on, bar lines aligned, after the music jumped."""
        bar = now.tempo.meter.bar
        bars = math.ceil(to_beats(self._latest) / bar)
        self._origin = Beats(self._bar_line(now) - bars * bar)

    def hear(self, strike: Strike, beat: Beats, now: Moment) -> None:
        """Feed the network a note of the player; an answer under way is planned anew after it."""
        onset = self._tick(beat)
        self._latest = max(self._latest, onset)
        event = Event(onset, strike.key[1], strike.velocity, strike.voice, pedal=strike.pedal)
        answer = self._answer
        if answer is not None and (self._speech.queued or not answer.finished):
            self._revise(answer, event, now)
        else:
            self._answer = None
            self._think(thinking.Feed(event))

    def pedal(self, pedal: Pedal) -> None:
        """Tell the network what the pedal did with the note heard last."""
        self._think(thinking.Pedalled(pedal))

    def revise(self, now: Moment) -> None:
        """Plan what has not been handed over anew, because the controls changed."""
        if self._answer is not None:
            self._revise(self._answer, None, now)

    def answer(self, start: Beats, length: Beats | None, now: Moment) -> None:
        """Ask for an answer from the grid line `start`, `length` beats long."""
        self._count += 1
        self._revision = 0
        self._speech.drop()
        self._answer = _Answer(start, None if length is None else Beats(start + length))
        self._ask(self._answer, self._tick(start), True, now)

    def halt(self, at: Beats, now: Moment) -> None:
        """Take back what has not sounded, end what sounds at `at`; the network unsays the rest."""
        self._speech.halt(now.time_of(at), at)
        if self._answer is not None:
            self._think(thinking.Rewind(self._tick(now.beat)))
        self._answer = None

    def forget(self) -> None:
        """Give up the answer: everything was silenced already."""
        self._speech.drop()
        self._answer = None

    def take(self, planned: thinking.Planned) -> None:
        """Take notes from the worker, unless they answer a question no longer asked."""
        answer = self._answer
        if answer is None or planned.generation != answer.generation:
            return
        for event in planned.notes:
            self._speech.add(self._note(event), answer.end)
            self._latest = max(self._latest, event.onset)
        if not planned.notes:
            answer.planned = planned.until
        answer.finished = planned.finished
        if answer.finished:
            self._speech.complete()

    def look_ahead(self, now: Moment) -> None:
        """Ask for more when the plan runs short."""
        answer = self._answer
        if answer is None or answer.finished:
            return
        horizon = self._tick(now.beat_in(HORIZON))
        if answer.asked == answer.planned < horizon:
            answer.asked = Ticks(horizon + TICKS_PER_BEAT)
            self._request(answer, answer.planned, False, now)

    def _note(self, event: Event) -> Note:
        """Return a note of the network in the music's beats."""
        start, length = Beats(self._origin + to_beats(event.onset)), to_beats(event.duration or 1)
        voice, pedal = event.voice, event.pedal
        return Note(start, event.pitch, event.velocity, length, voice=voice, pedal=pedal)

    def _tick(self, beat: Beats) -> Ticks:
        return Ticks(max(0, to_ticks(Beats(beat - self._origin))))

    @staticmethod
    def _bar_line(now: Moment) -> Beats:
        """Return the bar line at or before now."""
        bar, _ = now.tempo.bar_and_beat(now.beat)
        return Beats(now.tempo.bar_line + bar * now.tempo.meter.bar)

    def _revise(self, answer: _Answer, heard: Event | None, now: Moment) -> None:
        """Unsay what was not handed over, hear the note, and plan again from there."""
        said = self._speech.said_until
        start = self._tick(answer.start)
        frontier = start if said is None else Ticks(self._tick(said) + 1)
        self._speech.clear()
        self._think(thinking.Rewind(frontier))
        if heard is not None:
            self._think(thinking.Feed(heard))
        self._revision += 1
        self._ask(answer, frontier, said is None, now)

    def _ask(self, answer: _Answer, start: Ticks, exact: bool, now: Moment) -> None:
        """Send a new question to the worker."""
        self._generation += 1
        answer.generation, answer.finished, answer.planned = self._generation, False, start
        answer.asked = Ticks(max(self._tick(now.beat_in(HORIZON)), start) + TICKS_PER_BEAT)
        self._request(answer, start, exact, now)

    def _request(self, answer: _Answer, start: Ticks, exact: bool, now: Moment) -> None:
        end = None if answer.end is None else self._tick(answer.end)
        seed = (now.seed, self._count, self._revision)
        self._think(
            thinking.Plan(answer.generation, start, exact, answer.asked, end, now.controls, seed)
        )
