"""The daemon's side of the wire, scripted and in virtual time, for tests of the devices.

It answers as the contract says (pong to hello and ping, ``error 4 /antiphon/ping`` to whom it does
not know), and holds every message that comes against the daemon's own table of addresses.
"""

from __future__ import annotations

from typing import NamedTuple

from antiphon.osc import addresses
from antiphon.osc.fields import RefusedError
from maxpatch import Clock, Memory, osc
from maxpatch.atoms import Atom

PORT = 7401


class Heard(NamedTuple):
    """A message that came, when, and from which socket."""

    time: float
    address: str
    arguments: tuple[Atom, ...]
    source: tuple[str, int]


class ScriptedDaemon:
    """A daemon that does what the test tells it.

    Attributes
    ----------
    heard : list of Heard
        All that came while it was alive.
    refused : list of tuple
        What the real daemon would have refused, with the code.
    clients : set of int
        Reply ports that said hello.
    alive : bool
        Whether it hears and answers anything.
    quiet : bool
        Whether it hears, but says nothing.
    """

    def __init__(self, clock: Clock, network: Memory, port: int = PORT) -> None:
        self._clock, self._network, self.port = clock, network, port
        self._socket = network.source()
        self.heard: list[Heard] = []
        self.refused: list[tuple[str, tuple[Atom, ...], int]] = []
        self.clients: set[int] = set()
        self.alive, self.quiet = True, False
        self.mode = 0
        network.bind(port, self._receive)

    def _receive(self, data: bytes, source: tuple[str, int]) -> None:
        if not self.alive:
            return
        address, arguments = osc.decode(data)
        self.heard.append(Heard(self._clock.now, address, arguments, source))
        try:
            addresses.row_of(address).read(arguments)
        except RefusedError as refused:
            self.refused.append((address, arguments, int(refused.code)))
        name = address.removeprefix("/antiphon/")
        if name == "hello":
            _, port, wants = arguments
            assert wants == 1, "a device wants notes"
            self.clients.add(int(port))
            self.tell(int(port), "pong", 1, 1, self.mode)
            self.tell(int(port), "state", 1)
        elif name == "ping":
            (port,) = arguments
            self.tell(int(port), "pong", 1, 1, self.mode)
            if port not in self.clients:
                self.tell(int(port), "error", 4, address)
        elif name == "bye":
            self.clients.discard(int(arguments[0]))
        elif name == "mode":
            self.mode = int(arguments[0])

    def tell(self, port: int, name: str, *arguments: Atom) -> None:
        """Send a message to a client's reply port."""
        if self.quiet:
            return
        data = osc.encode(f"/antiphon/{name}", arguments)
        self._network.send(self._socket, ("127.0.0.1", port), data)

    def play(
        self, port: int, pitch: int, velocity: int, duration: int, delay: int, channel: int = 1
    ) -> None:
        """Send a note of the answer (ms)."""
        self.tell(port, "play", pitch, velocity, duration, delay, channel)

    def kill(self) -> None:
        """End without a word."""
        self.alive = False
        self.clients.clear()

    def start(self) -> None:
        """Come back, and know nobody."""
        self.alive, self.mode = True, 0

    def got(self, name: str, since: float = 0.0) -> list[tuple[Atom, ...]]:
        """Return the arguments of the messages with that address, from a time on."""
        return [it.arguments for it in self.since(since) if it.address == f"/antiphon/{name}"]

    def since(self, time: float) -> list[Heard]:
        """Return the messages from a time on."""
        return [it for it in self.heard if it.time >= time]

    def clear(self) -> None:
        """Forget what was heard so far."""
        self.heard.clear()
