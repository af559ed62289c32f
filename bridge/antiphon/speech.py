"""What the partner says: notes on their way from the plan, or the loop, to the output.

There is one of it, so that notes are numbered in one place and polyphony counts them all.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Final, Protocol

from antiphon.music import DRUM_CHANNEL, Beats, Note, Pedal, Seconds, Voice, is_down, scale_velocity
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
        pedal: Pedal,
        /,
    ) -> object:
        """Sound a note from `on` to `off`; `number` is new and grows."""
        ...

    def lift(self, at: Seconds, /) -> None:
        """Lift the partner's pedals at a time."""
        ...

    def release(self, number: int, at: Seconds, /) -> None:
        """End a note at `at` if it would last longer; take it back if it begins later."""
        ...

    def stop(self, at: Seconds, /) -> None:
        """Take back every note that has not sounded; end by `at` those that do, and the pedals."""
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
class Sounding:
    """A note handed over that may still sound, in beats as it is played, from the time `when`."""

    number: int
    pitch: int
    on: Beats
    end: Beats
    when: Seconds
    batch: int = 0


@dataclass(frozen=True, slots=True)
class _Queued:
    """A note that waits, in beats as it was planned; nothing of it sounds past `limit`."""

    note: Note
    limit: Beats | None = None
    batch: int = 0


class Speech:
    """The queue between plan and output. Used by the engine's thread only.

    Parameters
    ----------
    output : NoteOutput
        Takes the notes.
    """

    def __init__(self, output: NoteOutput) -> None:
        self._output = output
        self._queue: deque[_Queued] = deque()
        self._sounding: list[Sounding] = []
        self._next = 1
        self._pedalled_until: Seconds | None = None  # end of the last note, if any has a pedal
        self._complete = False
        self.said_until: Beats | None = None
        """Onset of the answer's last note handed over, as planned."""

    @property
    def queued(self) -> bool:
        """Whether notes wait to be handed over."""
        return bool(self._queue)

    def add(self, note: Note, limit: Beats | None = None, batch: int = 0) -> None:
        """Queue a note behind all others; nothing of it sounds past `limit`.

        The notes of a `batch` above 0 can be taken back together.
        """
        self._queue.append(_Queued(note, limit, batch))

    def clear(self) -> None:
        """Forget what was not handed over yet."""
        self._queue.clear()
        self._complete = False

    def complete(self) -> None:
        """Take note that nothing more is queued: the pedal comes up with the last note's end."""
        self._complete = True

    def drop(self) -> None:
        """Forget the whole answer; its pedal comes up with the last note handed over."""
        self.clear()
        self._lift()
        self.said_until = None

    def halt(self, at: Seconds, beat: Beats) -> None:
        """Drop the queue, take back what has not sounded, end what sounds by `at`."""
        self.drop()
        self._output.stop(at)
        self._sounding = [replace(s, end=min(s.end, beat)) for s in self._sounding]

    def curtail(self, line: Beats, at: Seconds, spared: Collection[int] = ()) -> Iterator[int]:
        """End what would sound over the line, which falls at `at`; yield the notes' numbers.

        Notes of the pitches `spared` go on.
        """
        self._queue = deque(
            q if q.note.pitch in spared else replace(q, limit=_earlier(q.limit, line))
            for q in self._queue
        )
        for place, note in enumerate(self._sounding):
            if note.on < line - SAME and note.end > line + SAME and note.pitch not in spared:
                self._sounding[place] = replace(note, end=line)
                self._output.release(note.number, at)
                yield note.number

    def recall(self, batch: int, now: Seconds) -> list[Sounding] | None:
        """Take back a batch and return its notes handed over; None if one has begun to sound."""
        handed = [note for note in self._sounding if note.batch == batch]
        if any(note.when <= now for note in handed):
            return None
        for note in handed:
            self._output.release(note.number, note.when)
        self._sounding = [note for note in self._sounding if note.batch != batch]
        self._queue = deque(queued for queued in self._queue if queued.batch != batch)
        return handed

    def next_time(self, tempo: Tempo, feel: Feel) -> Seconds | None:
        """Return when the next note should be handed over."""
        if not self._queue:
            return None
        on = feel.place(self._queue[0].note.start, tempo.bar_line)
        return Seconds(tempo.time_at(on) - feel.latency - AHEAD)

    def speak(self, now: Seconds, tempo: Tempo, feel: Feel) -> Iterator[Sent]:
        """Hand over the notes that are due soon.

        Parameters
        ----------
        now : Seconds
            The time.
        tempo : Tempo
            Places beats in time.
        feel : Feel
            How notes are placed and sent.
        """
        while self._queue:
            due = self.next_time(tempo, feel)
            if due is None or due > now:
                return  # notes wait: the answer is not over
            queued = self._queue.popleft()
            note = queued.note
            self.said_until = note.start
            on = feel.place(note.start, tempo.bar_line)
            straight = Beats(on + note.duration)
            off = feel.place(note.end, tempo.bar_line) if feel.swing else straight
            if queued.limit is not None:
                off = min(off, queued.limit)
            off = max(off, Beats(on + 1 / 48))
            if not self._doubles(note.pitch, on):
                yield self._send(queued, on, off, tempo, feel)
        if self._complete:
            self._lift()

    def _lift(self) -> None:
        if self._pedalled_until is not None:
            self._output.lift(self._pedalled_until)
            self._pedalled_until = None

    def _doubles(self, pitch: int, on: Beats) -> bool:
        """Tell whether quantising has put this onset on another of the same pitch."""
        return any(s.pitch == pitch and abs(s.on - on) < SAME for s in self._sounding)

    def _send(self, queued: _Queued, on: Beats, off: Beats, tempo: Tempo, feel: Feel) -> Sent:
        """Give the oldest notes' places to this one if there are too many, and send it."""
        self._sounding = [s for s in self._sounding if s.end > on + SAME]
        when, until = (Seconds(tempo.time_at(b) - feel.latency) for b in (on, off))
        cut = []
        while len(self._sounding) >= feel.polyphony:
            cut.append(self._sounding.pop(0).number)
            self._output.release(cut[-1], when)
        planned = queued.note
        velocity = scale_velocity(planned.velocity, feel.velocity)
        channel = DRUM_CHANNEL if planned.voice is Voice.DRUMS else feel.channel
        length = Beats(off - on)
        note = Note(on, planned.pitch, velocity, length, channel, planned.voice, planned.pedal)
        sent = Sent(self._next, note, when, until, tuple(cut))
        self._next += 1
        self._sounding.append(Sounding(sent.number, note.pitch, on, off, when, queued.batch))
        self._output.play(sent.number, when, until, channel, note.pitch, velocity, planned.pedal)
        if is_down(planned.pedal) or self._pedalled_until is not None:
            self._pedalled_until = max(until, self._pedalled_until or until)
        return sent


def _earlier(limit: Beats | None, line: Beats) -> Beats:
    return line if limit is None else min(limit, line)
