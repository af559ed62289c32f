"""What ``udpsend`` and ``udpreceive`` are plugged into: memory, or real UDP sockets."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
from collections.abc import Callable, Sequence
from typing import Protocol

from maxpatch.clock import Clock

Address = tuple[str, int]
Receive = Callable[[bytes, Address], None]

_NAMES = {"localhost": "127.0.0.1"}


class Network(Protocol):
    """What the UDP objects need."""

    def bind(self, port: int, receive: Receive) -> bool:
        """Listen on a port; False when it is taken."""

    def unbind(self, port: int) -> None:
        """Leave a port."""

    def source(self) -> object:
        """Make a sending socket."""

    def send(self, source: object, to: Address, data: bytes) -> None:
        """Send a datagram from a socket of :meth:`source`."""


def arrives(_data: bytes, _to: Address) -> Sequence[float]:
    """Tell the fate of a datagram: it comes once, and at once."""
    return (0.0,)


class Memory:
    """A network in memory, in virtual time.

    Parameters
    ----------
    clock : Clock
        Moves the datagrams: nothing arrives within the call that sent it.

    Attributes
    ----------
    fate : callable
        From a datagram and where it goes to the milliseconds after which it arrives: none is a
        loss, several are duplicates, and unequal ones change the order.
    sent : list of tuple
        ``(time, to, data)`` of every datagram, lost or not.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bound: dict[int, Receive] = {}
        self._free = itertools.count(50_000)
        self.fate: Callable[[bytes, Address], Sequence[float]] = arrives
        self.sent: list[tuple[float, Address, bytes]] = []

    def bind(self, port: int, receive: Receive) -> bool:
        """Listen on a port; False when it is taken."""
        if port in self._bound:
            return False
        self._bound[port] = receive
        return True

    def unbind(self, port: int) -> None:
        """Leave a port."""
        self._bound.pop(port, None)

    def source(self) -> Address:
        """Make a sending socket, with a port that nothing else has."""
        return "127.0.0.1", next(self._free)

    def send(self, source: object, to: Address, data: bytes) -> None:
        """Send a datagram."""
        assert isinstance(source, tuple)
        to = (_NAMES.get(to[0], to[0]), to[1])
        self.sent.append((self._clock.now, to, data))
        for delay in self.fate(data, to):
            self._clock.after(delay, lambda: self._arrive(source, to, data))

    def _arrive(self, source: Address, to: Address, data: bytes) -> None:
        receive = self._bound.get(to[1])
        if receive is not None:
            receive(data, source)


class Udp:
    """Real UDP sockets on this machine; :meth:`wait` takes in what has come.

    Attributes
    ----------
    fate : callable
        As in :class:`Memory`, of what is sent.
    lost : callable
        Whether a datagram that came is thrown away.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bound: dict[int, tuple[socket.socket, Receive]] = {}
        self._sources: list[socket.socket] = []
        self.fate: Callable[[bytes, Address], Sequence[float]] = arrives
        self.lost: Callable[[bytes], bool] = lambda _: False

    def bind(self, port: int, receive: Receive) -> bool:
        """Listen on a port of this machine; False when it is taken."""
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.setblocking(False)
        try:
            listening.bind(("127.0.0.1", port))
        except OSError:
            listening.close()
            return False
        self._bound[port] = listening, receive
        return True

    def unbind(self, port: int) -> None:
        """Leave a port."""
        if port in self._bound:
            self._bound.pop(port)[0].close()

    def source(self) -> socket.socket:
        """Make a sending socket."""
        sending = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sources.append(sending)
        return sending

    def send(self, source: object, to: Address, data: bytes) -> None:
        """Send a datagram; nobody listening is no error, as in Max."""
        assert isinstance(source, socket.socket)
        for delay in self.fate(data, to):
            if delay:
                self._clock.after(delay, lambda: self._out(source, to, data))
            else:
                self._out(source, to, data)

    @staticmethod
    def _out(source: socket.socket, to: Address, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            source.sendto(data, to)

    def wait(self, seconds: float) -> list[tuple[bytes, Address, Receive]]:
        """Wait until something comes, or for so long; return all that has come."""
        ready, _, _ = select.select([it for it, _ in self._bound.values()], [], [], seconds)
        got = []
        for listening, receive in list(self._bound.values()):
            if listening not in ready:
                continue
            while True:
                try:
                    data, source = self.take(listening)
                except (BlockingIOError, ConnectionError):
                    break
                if not self.lost(data):
                    got.append((data, source, receive))
        return got

    def take(self, listening: socket.socket) -> tuple[bytes, Address]:
        """Receive a datagram."""
        return listening.recvfrom(65_536)

    def close(self) -> None:
        """Close every socket."""
        for listening, _ in self._bound.values():
            listening.close()
        for sending in self._sources:
            sending.close()
        self._bound, self._sources = {}, []
