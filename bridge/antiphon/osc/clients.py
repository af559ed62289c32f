"""Who listens to us: the registry of OSC clients, and the limit on error replies."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from antiphon.commands import Client
from antiphon.music import Seconds
from antiphon.timebase import Clock

MAX_CLIENTS: Final = 16
SILENCE: Final = Seconds(10.0)
"""A client that sends nothing for this long is dropped."""


@dataclass(slots=True)
class _Entry:
    source: Client
    wants_notes: bool
    heard: Seconds
    guest: bool = False


class Registry:
    """Clients by host and reply port; used by one thread.

    A client sends from one port and listens on another, and many messages carry no reply
    port. So the registry also remembers which source each client last announced itself from.

    A client may be a *guest*: it has a partner of its own, and hears of no other.

    Parameters
    ----------
    clock : Clock
        The time.
    left : callable
        Called with each guest that is removed or falls silent.
    """

    def __init__(self, clock: Clock, left: Callable[[Client], None] = lambda client: None) -> None:
        self._clock, self._left = clock, left
        self._entries: dict[Client, _Entry] = {}
        self._by_source: dict[Client, Client] = {}

    def __len__(self) -> int:
        self._expire()
        return len(self._entries)

    def __contains__(self, client: Client) -> bool:
        self._expire()
        return client in self._entries

    @property
    def count(self) -> int:
        """Clients registered, without dropping silent ones; safe to read on any thread."""
        return len(self._entries)

    def add(self, client: Client, source: Client, wants_notes: bool) -> bool:
        """Register or refresh a client; False when there is no room for another."""
        self._expire()
        entry = self._entries.get(client)
        if entry is None and len(self._entries) >= MAX_CLIENTS:
            return False
        guest = False
        if entry is not None:
            self._by_source.pop(entry.source, None)
            guest = entry.guest
        self._entries[client] = _Entry(source, wants_notes, self._clock.now(), guest)
        self._by_source[source] = client
        return True

    def remove(self, client: Client) -> None:
        """Forget a client, known or not."""
        entry = self._entries.pop(client, None)
        if entry is not None and self._by_source.get(entry.source) == client:
            del self._by_source[entry.source]
        if entry is not None and entry.guest:
            self._left(client)

    def touch(self, client: Client) -> None:
        """Note that something came from a client."""
        entry = self._entries.get(client)
        if entry is not None:
            entry.heard = self._clock.now()

    def reply_to(self, source: Client, port: int | None = None) -> Client:
        """Return where an answer goes: the port just announced, the one known, or the source."""
        if port is not None:
            return source[0], port
        return self._by_source.get(source, source)

    def all(self) -> list[Client]:
        """Return the clients present."""
        self._expire()
        return list(self._entries)

    def hosted(self, notes_only: bool = False) -> list[Client]:
        """Return those that are not guests, or those of them that want notes."""
        self._expire()
        present = [(c, e) for c, e in self._entries.items() if not e.guest]
        return [c for c, e in present if e.wants_notes or not notes_only]

    def invite(self, client: Client) -> bool:
        """Make a client that wants notes a guest; False if it is none and cannot be one."""
        entry = self._entries.get(client)
        if entry is None or not entry.wants_notes:
            return False
        entry.guest = True
        return True

    def is_guest(self, client: Client) -> bool:
        """Tell whether a client has a partner of its own."""
        entry = self._entries.get(client)
        return entry is not None and entry.guest

    def _expire(self) -> None:
        now = self._clock.now()
        for client in [c for c, e in self._entries.items() if now - e.heard > SILENCE]:
            self.remove(client)


class Limiter:
    """Token buckets: `rate` a second from each source, ten times that from all together.

    Sources can be forged by the thousand, hence the common bucket and the bounded memory.
    """

    _MAX_SOURCES: Final = 256

    def __init__(self, clock: Clock, rate: float = 100.0) -> None:
        self._clock, self._rate = clock, rate
        now = clock.now()
        self._common = (rate * 10, now)
        self._buckets: OrderedDict[Client, tuple[float, Seconds]] = OrderedDict()

    def allow(self, source: Client) -> bool:
        """Take a token for `source`; False when it has none left."""
        now = self._clock.now()
        tokens, since = self._buckets.pop(source, (self._rate, now))
        tokens = min(self._rate, tokens + (now - since) * self._rate)
        every, since = self._common
        every = min(self._rate * 10, every + (now - since) * self._rate * 10)
        allowed = tokens >= 1 and every >= 1
        self._buckets[source] = (tokens - allowed, now)
        self._common = (every - allowed, now)
        if len(self._buckets) > self._MAX_SOURCES:
            self._buckets.popitem(last=False)
        return allowed
