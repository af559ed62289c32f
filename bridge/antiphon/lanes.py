"""The ports side by side: every message to all of them, every note-off to those it is owed to.

A port may fail at any moment and come back. So each keeps its own account of what sounds on it:
a note-on that it refused needs no note-off there, and a note-off that it refused is offered
again until it is taken, before anything else happens on that key.

Nothing here locks: :class:`antiphon.output.Output` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from antiphon.music import Seconds
from antiphon.timebase import Clock

Sink = Callable[[bytes], None]
"""Hands one message to a port; may raise anything when the port has gone."""

Key = tuple[int, int]
"""Channel 1..16 and pitch."""

Sent = Callable[[Seconds, bytes, bool], None]
"""Gets time, message and whether it is the player's (thru), before a port gets the message."""

_RETRY_FIRST: Final = 0.01
_RETRY_LAST: Final = 1.0


class _Lane:
    """One port: the keys that sound there, and the note-offs it would not take yet."""

    __slots__ = ("owed", "sink", "sounding")

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.sounding: set[Key] = set()
        self.owed: dict[Key, bytes] = {}


class Lanes:
    """Hands messages to every port and keeps each port's account.

    Parameters
    ----------
    clock : Clock
        Stamps what is told, and spaces the retries.
    sinks : sequence of Sink
        One for each port.
    sent : Sent, optional
        Told of each message and port just before the port gets it.
    written : callable, optional
        Told of each message once, with the time, when at least one port has taken it.
    """

    def __init__(
        self,
        clock: Clock,
        sinks: Sequence[Sink],
        sent: Sent | None = None,
        written: Callable[[Seconds, bytes], None] | None = None,
    ) -> None:
        self._clock = clock
        self._lanes = [_Lane(sink) for sink in sinks]
        self._sent = sent
        self._written = written
        self._wait = _RETRY_FIRST
        self.retry_at: float | None = None
        """When to call :meth:`settle`; None while no port owes a note-off."""
        self.errors = 0
        """Messages that a port refused."""

    def on(self, key: Key, message: bytes, thru: bool) -> None:
        """Hand out a note-on; a port that still owes this key's last note-off gets that first."""
        taken = False
        for lane in self._lanes:
            settled = key not in lane.owed or self._off(lane, key, lane.owed[key], thru)
            if settled and self._write(lane, message, thru):
                lane.sounding.add(key)
                taken = True
        self._tell(message, taken)

    def off(self, key: Key, message: bytes, thru: bool) -> None:
        """Hand out a note-off to the ports where the key sounds."""
        taken = False
        for lane in self._lanes:
            if key in lane.sounding:
                taken |= self._off(lane, key, message, thru)
        self._tell(message, taken)

    def message(self, message: bytes, thru: bool) -> None:
        """Hand out a message that is not a note."""
        taken = False
        for lane in self._lanes:
            taken |= self._write(lane, message, thru)
        self._tell(message, taken)

    def settle(self) -> None:
        """Offer again the note-offs that ports would not take, less and less often."""
        self.retry_at = None
        self._wait = min(2 * self._wait, _RETRY_LAST)
        for lane in self._lanes:
            for key, message in list(lane.owed.items()):
                self._tell(message, self._off(lane, key, message, False))
        if self.retry_at is None:
            self._wait = _RETRY_FIRST

    def sounding(self) -> frozenset[Key]:
        """Return the keys that sound on any port."""
        return frozenset().union(*(lane.sounding for lane in self._lanes))

    def _off(self, lane: _Lane, key: Key, message: bytes, thru: bool) -> bool:
        if self._write(lane, message, thru):
            lane.sounding.discard(key)
            lane.owed.pop(key, None)
            return True
        lane.owed[key] = message
        if self.retry_at is None:
            self.retry_at = self._clock.now() + self._wait
        return False

    def _write(self, lane: _Lane, message: bytes, thru: bool) -> bool:
        if self._sent is not None:
            self._sent(self._clock.now(), message, thru)
        try:
            lane.sink(message)
        except Exception:  # whatever a back end raises, the other ports and the account go on
            self.errors += 1
            return False
        return True

    def _tell(self, message: bytes, taken: bool) -> None:
        if taken and self._written is not None:
            self._written(self._clock.now(), message)
