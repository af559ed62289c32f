"""Live's stand-in, the link to it and the source that follows, on a clock moved by hand."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from typing import Any

from abletonosc import Script, Track
from antiphon import commands
from antiphon.live.link import Link
from antiphon.live.wire import Message, Where, decode, encode
from antiphon.music import Seconds
from antiphon.sync.base import Change
from antiphon.sync.osc_transport import OscTransport
from antiphon.timebase import ManualClock


class Rehearsal:
    """Everything between Live and the engine, without sockets and without waiting.

    Parameters
    ----------
    tracks : list of Track
        Live's session.
    delay : float
        Most that the network delays a datagram, in seconds; how much is drawn for each.
    loss : float
        Share of the datagrams that are lost, each way.
    frame : float
        Seconds between Live's looks at its own transport: places are stale by up to this.
    """

    def __init__(
        self,
        tracks: list[Track],
        *,
        delay: float = 0.001,
        loss: float = 0.0,
        frame: float = 0.06,
        seed: int = 0,
    ) -> None:
        self.clock = ManualClock(100.0)
        self.script = Script(100.0, tracks, frame=frame)
        self.source = OscTransport(Seconds(100.0))
        self.link = Link(Where(), self._to_live, self._submit, self.told.append, Seconds(100.0))
        self.changes: list[tuple[float, Change]] = []
        self.taken: list[commands.TakePhrase] = []
        self.clips: dict[int, commands.Clip] = {}
        self.up = True
        self._delay, self._loss, self._chance = delay, loss, random.Random(seed)
        self._on_the_way: list[tuple[float, int, bool, bytes]] = []
        self._count = 0

    @property
    def told(self) -> list[commands.Update]:
        """What the link published."""
        self.__dict__.setdefault("_told", [])
        told: list[commands.Update] = self.__dict__["_told"]
        return told

    def error(self) -> float:
        """Return how far the beat that is followed is ahead of Live's, in seconds."""
        now = self.clock.now()
        self.script.song.move_to(now)
        ahead = self.source.tempo.beat_at(now) - self.script.song.beat
        return ahead * 60 / self.script.song.tempo

    def run(
        self, seconds: float, until: Callable[[], bool] = lambda: False, every: float = 0.01
    ) -> list[float]:
        """Let time go by, or until something is so; return the errors at even steps."""
        end, errors = self.clock.now() + seconds, []
        next_look = self.clock.now()
        while self.clock.now() < end and not until():
            now = self.clock.move_to(min(end, next_look, self._next_time()))
            for datagram in self.script.advance(now):
                self._post(datagram, to_live=False)
            while self._on_the_way and self._on_the_way[0][0] <= now:
                _, _, to_live, datagram = heapq.heappop(self._on_the_way)
                if to_live and self.up:
                    self.script.receive(datagram)
                elif not to_live and (message := decode(datagram)) is not None:
                    self.link.hear(message, now)
            self.link.advance(now)
            self.changes += [(now, change) for change in self.source.update(now)]
            if now >= next_look:
                next_look = now + every
                errors.append(self.error())
        return errors

    def _next_time(self) -> float:
        times = [self.script.next_time(), self.link.next_time()]
        if self._on_the_way:
            times.append(self._on_the_way[0][0])
        return max(self.clock.now(), min(times))

    def _to_live(self, message: Message) -> None:
        self._post(encode(message), to_live=True)

    def _post(self, datagram: bytes, *, to_live: bool) -> None:
        if not self.up or self._chance.random() < self._loss:
            return
        self._count += 1
        at = self.clock.now() + self._delay * self._chance.random()
        heapq.heappush(self._on_the_way, (at, self._count, to_live, datagram))

    def _submit(self, message: Any) -> bool:
        now = self.clock.now()
        if isinstance(message, commands.Transport):
            self.changes += [(now, change) for change in self.source.feed(message)]
        elif isinstance(message, commands.TakePhrase):
            self.taken.append(message)
        elif isinstance(message, commands.GiveClip):
            answer: commands.Update = commands.Refused(
                commands.Refusal.NOT_NOW, message.address, message.client
            )
            self.link.update(self.clips.get(message.index, answer), now)
        return True
