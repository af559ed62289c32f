"""What the partner says: the notes of one answer on their way from the plan to the output."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from antiphon.model import Event
from antiphon.music import DRUM_CHANNEL, Beats, Note, Seconds, Ticks, Voice, to_beats
from antiphon.timebase import Tempo

AHEAD: Final = Seconds(0.1)
"""Notes are handed to the output this much before their time."""

SAME: Final = 1e-6
"""Places in beats closer than this are the same."""


class NoteOutput(Protocol):
    """Where notes go; every method returns at once."""

    def play(
        self,
        number: int,
        on: Seconds,
        off: Seconds,
        channel: int,
        pitch: int,
        velocity: int,
        /,
    ) -> object:
        """Sound a note from `on` to `off`; `number` is new and grows."""
        ...

    def release(self, number: int, at: Seconds, /) -> None:
        """End a note at `at` if it would last longer; take it back if it begins later."""
        ...

    def stop(self, at: Seconds, /) -> None:
        """Take back every note that has not sounded; end by `at` those that do."""
        ...

    def panic(self) -> None:
        """Silence everything at once and lift the pedals."""
        ...

    def configure(self, thru: bool, /) -> None:
        """Pass the player's messages through, or not."""
        ...


@dataclass(frozen=True, slots=True)
class Feel:
    """How planned notes are placed and sent.

    Attributes
    ----------
    quantize, swing : float
        Parameters of the same names, 0..1.
    velocity : float
        Scale.
    channel : int
        Of pitched notes; drums go to channel 10.
    polyphony : int
        Most notes sounding at once; the oldest gives way.
    latency : Seconds
        How much earlier everything is sent.
    """

    quantize: float = 0.0
    swing: float = 0.0
    velocity: float = 1.0
    channel: int = 1
    polyphony: int = 8
    latency: Seconds = Seconds(0.0)

    def place(self, beat: Beats, line: Beats) -> Beats:
        """Return where an onset at `beat` is played.

        `quantize` pulls it to the nearest sixteenth counted from the bar line `line`; `swing`
        then stretches the first half of each beat, up to two thirds of it at 1.
        """
        at = beat - line
        at += self.quantize * (math.floor(at * 4 + 0.5) / 4 - at)
        whole = math.floor(at)
        part, middle = at - whole, 0.5 + self.swing / 6
        if part < 0.5:
            part *= middle / 0.5
        else:
            part = middle + (part - 0.5) * (1 - middle) / 0.5
        return Beats(line + whole + part)


@dataclass(frozen=True, slots=True)
class Sent:
    """A note handed to the output."""

    number: int
    note: Note
    on: Seconds
    off: Seconds
    cut: tuple[int, ...] = ()
    """Numbers of the notes that end at `on` to make room."""


@dataclass(frozen=True, slots=True)
class _Sounding:
    """A note handed over that may still sound, in beats as it is played."""

    number: int
    pitch: int
    on: Beats
    end: Beats


class Speech:
    """The queue between plan and output. Used by the engine's thread only.

    Parameters
    ----------
    output : NoteOutput
        Takes the notes.
    """

    def __init__(self, output: NoteOutput) -> None:
        self._output = output
        self._queue: deque[Event] = deque()
        self._sounding: list[_Sounding] = []
        self._next = 1
        self.said_until: Ticks | None = None
        """Onset of the answer's last note handed over, as planned."""

    @property
    def queued(self) -> bool:
        """Whether notes wait to be handed over."""
        return bool(self._queue)

    def add(self, event: Event) -> None:
        """Queue a planned note."""
        self._queue.append(event)

    def clear(self) -> None:
        """Forget what was not handed over yet."""
        self._queue.clear()

    def drop(self) -> None:
        """Forget the whole answer."""
        self.clear()
        self.said_until = None

    def halt(self, at: Seconds, beat: Beats) -> None:
        """Drop the queue, take back what has not sounded, end what sounds by `at`."""
        self.drop()
        self._output.stop(at)
        self._sounding = [replace(s, end=min(s.end, beat)) for s in self._sounding]

    def next_time(self, tempo: Tempo, feel: Feel, origin: Beats) -> Seconds | None:
        """Return when the next note should be handed over."""
        if not self._queue:
            return None
        on = feel.place(Beats(origin + to_beats(self._queue[0].onset)), tempo.bar_line)
        return Seconds(tempo.time_at(on) - feel.latency - AHEAD)

    def speak(
        self, now: Seconds, tempo: Tempo, feel: Feel, origin: Beats, end: Beats | None
    ) -> Iterator[Sent]:
        """Hand over the notes that are due soon.

        Parameters
        ----------
        now : Seconds
            The time.
        tempo : Tempo
            Places beats in time.
        feel : Feel
            How notes are placed and sent.
        origin : Beats
            The beat of tick 0 of the events.
        end : Beats or None
            Nothing sounds past this.
        """
        while self._queue:
            due = self.next_time(tempo, feel, origin)
            if due is None or due > now:
                return
            event = self._queue.popleft()
            self.said_until = event.onset
            start = Beats(origin + to_beats(event.onset))
            stop = Beats(start + to_beats(event.duration or 1))
            on = feel.place(start, tempo.bar_line)
            off = feel.place(stop, tempo.bar_line) if feel.swing else Beats(on + (stop - start))
            if end is not None:
                off = min(off, end)
            off = max(off, Beats(on + 1 / 48))
            if not self._doubles(event.pitch, on):
                yield self._send(event, on, off, tempo, feel)

    def _doubles(self, pitch: int, on: Beats) -> bool:
        """Tell whether quantising has put this onset on another of the same pitch."""
        return any(s.pitch == pitch and abs(s.on - on) < SAME for s in self._sounding)

    def _send(self, event: Event, on: Beats, off: Beats, tempo: Tempo, feel: Feel) -> Sent:
        """Give the oldest notes' places to this one if there are too many, and send it."""
        self._sounding = [s for s in self._sounding if s.end > on + SAME]
        when, until = (Seconds(tempo.time_at(b) - feel.latency) for b in (on, off))
        cut = []
        while len(self._sounding) >= feel.polyphony:
            cut.append(self._sounding.pop(0).number)
            self._output.release(cut[-1], when)
        velocity = min(127, max(1, round(event.velocity * feel.velocity)))
        drums = event.voice is Voice.DRUMS
        channel = DRUM_CHANNEL if drums else feel.channel
        note = Note(on, event.pitch, velocity, Beats(off - on), channel, event.voice)
        sent = Sent(self._next, note, when, until, tuple(cut))
        self._next += 1
        self._sounding.append(_Sounding(sent.number, event.pitch, on, off))
        self._output.play(sent.number, when, until, channel, event.pitch, velocity)
        return sent
