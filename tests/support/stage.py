"""A stage for tests: the engine with a hand-moved clock, an output that remembers, no threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from antiphon import commands as c
from antiphon import midi, thinking, varying
from antiphon.engine import Engine
from antiphon.model import Controls, Event, PlayerInfo, Window
from antiphon.music import Meter, Pedal, Seconds, Ticks
from antiphon.repertoire import Loaded
from antiphon.sync.internal import InternalClock
from antiphon.timebase import ManualClock


@dataclass
class SentNote:
    """A note as the output was asked to play it."""

    number: int
    on: float
    off: float
    channel: int
    pitch: int
    velocity: int
    pedal: Pedal = Pedal.UNKNOWN


@dataclass
class FakeOutput:
    """Keeps the notes that would sound, with takings-back and endings applied."""

    clock: ManualClock
    notes: dict[int, SentNote] = field(default_factory=dict)
    panics: int = 0
    lifts: list[float] = field(default_factory=list)
    thru: bool = False

    def play(
        self,
        number: int,
        on: Seconds,
        off: Seconds,
        channel: int,
        pitch: int,
        velocity: int,
        pedal: Pedal,
    ) -> None:
        """Remember the note."""
        self.notes[number] = SentNote(number, on, off, channel, pitch, velocity, pedal)

    def lift(self, at: Seconds) -> None:
        """Remember when."""
        self.lifts.append(at - 100.0)

    def release(self, number: int, at: Seconds) -> None:
        """Shorten the note, or forget it."""
        note = self.notes[number]
        if note.on >= at:
            del self.notes[number]
        else:
            note.off = min(note.off, at)

    def stop(self, at: Seconds) -> None:
        """Forget what has not sounded, shorten the rest."""
        now = self.clock.now()
        self.notes = {k: n for k, n in self.notes.items() if n.on <= now}
        for note in self.notes.values():
            note.off = max(min(note.off, at), note.on)

    def panic(self) -> None:
        """Count it."""
        self.panics += 1

    def configure(self, thru: bool) -> None:
        """Remember it."""
        self.thru = thru


class ScalePlayer:
    """A network stand-in: eighth notes up from the last pitch heard; remembers what it was fed."""

    def __init__(self, step: int = 24) -> None:
        self.fed: list[Event] = []
        self.step = step
        self.style: tuple[tuple[str, float], ...] = ()

    @property
    def info(self) -> PlayerInfo:
        """Name and styles."""
        return PlayerInfo("scale", ("plain", "fancy"))

    def begin(self, meter: Meter, *, metered: bool = True) -> None:
        """Forget everything."""
        self.fed = []

    def set_style(self, mix: Sequence[tuple[str, float]]) -> None:
        """Remember the mix."""
        self.style = tuple(mix)

    def feed(self, event: Event) -> None:
        """Remember the event."""
        self.fed.append(event)

    def pedal(self, pedal: Pedal) -> None:
        """Remember it with the last event."""
        self.fed[-1] = replace(self.fed[-1], pedal=pedal)

    def sample(self, window: Window, controls: Controls, random: Any) -> Event:
        """Go up a step, an eighth later, as far as the window allows."""
        last = self.fed[-1] if self.fed else Event(Ticks(0), 60, 80, controls.voices[0])
        onset = max(window.earliest, min(window.latest, last.onset + self.step))
        pitch = 48 + (last.pitch - 47) % 36
        duration = self.step if window.end is None else min(self.step, window.end - onset)
        return Event(Ticks(onset), pitch, 80, controls.voices[0], Ticks(max(1, duration)))

    def snapshot(self) -> object:
        """Copy what was fed."""
        return tuple(self.fed)

    def restore(self, snapshot: Any) -> None:
        """Go back."""
        self.fed = list(snapshot)


class Stage:
    """The engine, driven by hand: :meth:`at` moves the clock, :meth:`play` strikes keys."""

    def __init__(
        self,
        mode: c.Mode = c.Mode.RESPOND,
        source: Any = None,
        player: Any = None,
        **settings: float,
    ) -> None:
        self.clock = ManualClock(100.0)
        self.output = FakeOutput(self.clock)
        self.updates: list[c.Update] = []
        self.player = player or ScalePlayer()
        self.source = source or InternalClock(self.clock.now(), 120.0)
        self.thinker = thinking.Thinker(self.player, lambda planned: self._replies.append(planned))
        self._replies: list[thinking.Planned | varying.Reply] = []
        self.varying = varying.Varying(lambda reply: self._replies.append(reply))
        self.slow = False
        """Whether the networks that vary are slow: they work in :meth:`vary` only."""
        self.engine = Engine(
            self.clock,
            self.output,
            self._think,
            self.source,
            self.updates.append,
            mode=mode,
            settings={name.replace("__", "/"): value for name, value in settings.items()},
        )
        self.engine.begin()
        self.tell(Loaded(self.player, first=True))

    def tell(self, message: Any) -> None:
        """Give the engine a message now, and let it work."""
        self.engine.handle(message)
        self._settle()

    def _think(self, job: thinking.Job | varying.Job) -> None:
        if isinstance(job, varying.Job):
            self.varying.do(job)
        else:
            self.thinker.do(job)

    def vary(self, count: int = 100) -> None:
        """Let the networks that vary, however slow they are, make some variations."""
        while self.varying.busy and len(self._replies) < count:
            self.varying.work()
        self._settle()

    def _settle(self) -> None:
        self.engine.advance()
        while self.varying.busy and not self.slow:
            self.varying.work()
        while self._replies:
            self.engine.handle(self._replies.pop(0))
            self.engine.advance()

    def until(self, time: float) -> None:
        """Move the clock to `time` (seconds after the start) in the engine's own steps."""
        end = 100.0 + time
        while self.clock.now() < end:
            self.clock.move_to(min(end, max(self.engine.next_time(), self.clock.now() + 1e-4)))
            self._settle()

    def message(self, *data: int) -> None:
        """Play one MIDI message now."""
        self.tell(c.Heard(self.clock.now(), bytes(data)))

    def key(self, pitch: int, start: float, length: float = 0.2, channel: int = 1) -> None:
        """Strike a key at `start` seconds and let go of it."""
        self.until(start)
        self.tell(c.Heard(self.clock.now(), midi.note_on(channel, pitch, 90)))
        self.until(start + length)
        self.tell(c.Heard(self.clock.now(), midi.note_off(channel, pitch)))

    def scale(self, start: float = 0.0, count: int = 8, gap: float = 0.25) -> None:
        """Play the C major scale in eighths at 120 bpm."""
        for index, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72)[:count]):
            self.key(pitch, start + index * gap, gap * 0.8)

    @property
    def heard(self) -> list[SentNote]:
        """What sounded or will, with times in seconds after the start."""
        return [replace(n, on=n.on - 100.0, off=n.off - 100.0) for n in self.output.notes.values()]

    @property
    def state(self) -> c.State:
        """The state told last."""
        return [u for u in self.updates if isinstance(u, c.Status)][-1].state
