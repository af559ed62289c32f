"""``udpsend`` and ``udpreceive``. Source: Max's reference page of each, and its article on OSC.

``udpsend`` takes ``host NAME`` and ``port NUMBER``; every other message goes out as OSC, its first
word as the address. ``udpreceive`` takes ``port NUMBER``; what comes is a message whose selector is
the address. A port that something else has leaves it deaf, with a line in the console unless it is
``@quiet 1``. Without an argument it hears nothing until it is told a port.
"""

from __future__ import annotations

from maxpatch import osc
from maxpatch.atoms import Atom, Message
from maxpatch.network import Address
from maxpatch.objects.base import Object


def _port(made: Object, value: Atom) -> int:
    if not isinstance(value, int) or not 1 <= value <= 65535:
        raise made.fail(f"a port is a whole number of 1 to 65535, got {value!r}")
    return value


class UdpSend(Object):
    """``udpsend HOST PORT``: one socket for all that it sends."""

    names = ("udpsend",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {0}
        if len(self.args) != 2:
            raise self.fail("udpsend takes a host and a port")
        self.host, self.port = str(self.args[0]), _port(self, self.args[1])
        self.socket = self.patch.network.source()

    def _in0_host(self, args: tuple[Atom, ...]) -> None:
        (host,) = args
        self.host = str(host)

    def _in0_port(self, args: tuple[Atom, ...]) -> None:
        (port,) = args
        self.port = _port(self, port)

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        data = osc.encode(selector, args)
        self.patch.network.send(self.socket, (self.host, self.port), data)


class UdpReceive(Object):
    """``udpreceive PORT``."""

    names = ("udpreceive",)
    known_attributes = frozenset(("quiet",))

    def setup(self) -> None:  # noqa: D102
        if len(self.args) > 1:
            raise self.fail("udpreceive takes one port")
        self.port = 0
        self.wanted = _port(self, self.args[0]) if self.args else 0

    def connected(self) -> None:  # noqa: D102
        if self.wanted:
            self._listen(self.wanted)

    def _listen(self, port: int) -> None:
        if port == self.port:
            return
        self.closed()
        if self.patch.network.bind(port, self._heard):
            self.port = port
        else:
            if not self.attributes.get("quiet", [0])[0]:
                self.patch.printed.append(f"udpreceive: port {port} is taken")

    def _in0_port(self, args: tuple[Atom, ...]) -> None:
        (port,) = args
        self._listen(_port(self, port))

    def _heard(self, data: bytes, _source: Address) -> None:
        address, arguments = osc.decode(data)
        self.out(0, Message(address, arguments))

    def closed(self) -> None:  # noqa: D102
        if self.port:
            self.patch.network.unbind(self.port)
        self.port = 0
