"""The UDP socket and its thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from antiphon import commands
from antiphon.commands import Client
from antiphon.errors import SocketError
from antiphon.osc.dispatch import Dispatch, Guests, Submit
from antiphon.timebase import Clock

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 7401

_MAX_WAITING: Final = 4096
"""Most updates that wait to be sent; older ones are lost first, as on a network."""

_MAX_UNSENT: Final = 1 << 18
"""Bytes the system may be behind with before we drop what we send."""

_log = logging.getLogger(__name__)


class OscServer:
    """Hears OSC on one UDP port and tells clients what the engine publishes.

    Parameters
    ----------
    host, port : str, int
        Where to listen. Anything but a loopback address lets other machines play; port 0
        takes any free one (see :attr:`address`).
    submit : callable
        Puts a command into the engine's inbox, without waiting; False when it is full.
        Called on the OSC thread.
    clock : Clock
        The engine's time scale.
    wall : callable
        Seconds since 1970, for the time tags of bundles.
    guests : Guests, optional
        Makes partners for clients that have one of their own.
    """

    def __init__(
        self,
        host: str,
        port: int,
        submit: Submit,
        clock: Clock,
        wall: Callable[[], float] = time.time,
        guests: Guests | None = None,
    ) -> None:
        self._host, self._port = host, port
        self._outbox: deque[tuple[commands.Update, Client | None]] = deque(maxlen=_MAX_WAITING)
        self._drain_due = False
        self._socket: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._transport: asyncio.DatagramTransport | None = None
        self._thread: threading.Thread | None = None
        self._faults = 0
        self._dispatch = Dispatch(submit, self._send, self._later, clock, wall, guests)

    @property
    def address(self) -> Client:
        """Host and port listened on, once started."""
        if self._socket is None:
            return self._host, self._port
        host, port = self._socket.getsockname()[:2]
        return str(host), int(port)

    @property
    def refused(self) -> int:
        """How many messages were refused here so far."""
        return self._dispatch.refused

    @property
    def clients(self) -> int:
        """How many clients are registered, as last seen by the OSC thread."""
        return self._dispatch.clients.count

    def start(self) -> None:
        """Bind the socket and start the thread.

        Raises
        ------
        SocketError
            If the address cannot be bound.
        """
        if self._thread is not None:
            raise RuntimeError("the OSC server was started twice")
        self._socket = _bind(self._host, self._port)
        self._dispatch.own_port = self.address[1]
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(ready,), name="antiphon-osc", daemon=True
        )
        self._thread.start()
        ready.wait(5.0)

    def stop(self, timeout: float = 2.0) -> None:
        """Send what still waits, close the socket and end the thread; may be called twice."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        self._thread = None
        if not loop.is_closed():
            # It may close in between.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._finish)
        thread.join(timeout)

    def publish(self, update: commands.Update, guest: Client | None = None) -> None:
        """Hand over an update for the clients; `guest` is whose partner tells it.

        Called on the engine thread; waits for nothing and never raises. Without a running
        server the update is forgotten.
        """
        loop = self._loop
        if loop is None or self._thread is None:
            return
        self._outbox.append((update, guest))
        if not self._drain_due:
            self._drain_due = True
            try:
                loop.call_soon_threadsafe(self._drain)
            except RuntimeError:
                self._drain_due = False  # the server is stopping

    # -- on the OSC thread -------------------------------------------------------------------

    def _run(self, ready: threading.Event) -> None:
        loop = self._loop
        assert loop is not None
        assert self._socket is not None
        asyncio.set_event_loop(loop)
        try:
            endpoint = loop.create_datagram_endpoint(lambda: _Protocol(self), sock=self._socket)
            self._transport, _ = loop.run_until_complete(endpoint)
            ready.set()
            loop.run_forever()
        finally:
            ready.set()
            if self._transport is not None:
                self._transport.abort()
                loop.run_until_complete(asyncio.sleep(0))
            loop.close()

    def _finish(self) -> None:
        self._drain()
        if self._loop is not None:
            self._loop.stop()

    def _drain(self) -> None:
        # Cleared first: whoever appends after this asks for another turn.
        self._drain_due = False
        while self._outbox:
            self._guarded(self._dispatch.tell, *self._outbox.popleft())

    def _received(self, datagram: bytes, source: Client) -> None:
        """Take a datagram. Called on the OSC thread; must not block or raise."""
        self._guarded(self._dispatch.receive, datagram, source)

    def _guarded(self, function: Callable[..., None], *arguments: Any) -> None:
        """Keep the server alive through a bug of ours: a concert goes on without one message."""
        try:
            function(*arguments)
        except Exception:
            self._faults += 1
            if self._faults <= 10:
                _log.exception("OSC: a message could not be handled")

    def _later(self, delay: float, function: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_later(delay, self._guarded, function)

    def _send(self, datagram: bytes, client: Client) -> None:
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        # Every event loop's transport has this method; the type stubs do not know.
        unsent: int = getattr(transport, "get_write_buffer_size", int)()
        if unsent < _MAX_UNSENT:
            transport.sendto(datagram, client)


class _Protocol(asyncio.DatagramProtocol):
    """Passes datagrams on; every method runs on the OSC thread."""

    def __init__(self, server: OscServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        """Pass on one datagram; must not block or raise."""
        self._server._received(data, (str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        """Ignore that nobody listens at a client's port: its silence will drop it."""


def _bind(host: str, port: int) -> socket.socket:
    """Open a UDP socket, or say in one line why not."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(
            host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE
        )[0]
        opened = socket.socket(family, kind, protocol)
    except OSError as error:
        raise SocketError(
            f"expected an address to listen for OSC on, got {host}:{port}",
            f"it cannot be used ({error.strerror or error})",
            "give another one with --osc HOST:PORT",
        ) from error
    try:
        opened.bind(where)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        raise SocketError(
            f"expected to listen for OSC on UDP {host}:{port}",
            f"the port cannot be bound ({error.strerror or error})",
            "end the program that holds it, or give another address with --osc HOST:PORT",
        ) from error
    return opened
