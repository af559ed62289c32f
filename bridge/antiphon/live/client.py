"""The socket and the thread of the conversation with AbletonOSC."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from antiphon import commands
from antiphon.errors import SocketError
from antiphon.live.link import Link
from antiphon.live.wire import Message, Where, decode, encode
from antiphon.timebase import Clock

LONGEST: Final = 65535
"""Bytes of the longest datagram there is."""

IDLE: Final = 0.05
"""Seconds after which the thread looks for what the engine tells."""

_log = logging.getLogger(__name__)

Order = commands.ReadClip | commands.WriteClip

_HEEDED: Final = (
    commands.ReadClip,
    commands.WriteClip,
    commands.Clip,
    commands.Refused,
    commands.PhraseTaken,
    commands.Varied,
    commands.Status,
    commands.Cued,
)


class LiveClient:
    """Speaks AbletonOSC on a thread of its own.

    Parameters
    ----------
    where : Where
        Where AbletonOSC is, and where its replies come.
    submit, publish : callable
        The engine's inbox, and those who are told; both return at once.
    clock : Clock
        The engine's time scale.
    follow : bool
        Whether the engine follows Live's beat.
    """

    def __init__(
        self,
        where: Where,
        submit: Callable[[Any], object],
        publish: Callable[[commands.Update], None],
        clock: Clock,
        *,
        follow: bool = True,
    ) -> None:
        self._where, self._clock = where, clock
        self._link = Link(where, self._send, submit, publish, clock.now(), follow=follow)
        self._inbox: queue.SimpleQueue[Order | commands.Update] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self._target: tuple[str, int] = (where.host, where.port)

    @property
    def reply_port(self) -> int:
        """The port that replies come to, once started."""
        return self._where.reply_port if self._socket is None else self._socket.getsockname()[1]

    def start(self) -> None:
        """Bind the reply port and start the thread.

        Raises
        ------
        SocketError
            If the host is unknown or the reply port is taken.
        """
        self._socket, self._target = _bind(self._where)
        self._thread = threading.Thread(target=self._run, name="antiphon-live", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 0.5) -> None:
        """End the thread and close the socket; may be called twice, or without a start."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
        if self._socket is not None:
            self._socket.close()

    def tell(self, what: Order | commands.Update) -> None:
        """Hand over an order, or what the engine tells. Any thread, returns at once."""
        if isinstance(what, _HEEDED):
            self._inbox.put(what)

    # -- on the thread -----------------------------------------------------------------------

    def _run(self) -> None:
        opened, faults = self._socket, 0
        assert opened is not None
        while not self._stop.is_set():
            try:
                self._turn(opened)
            except Exception:
                # The conversation with Live is not worth the music: it goes on without a message.
                faults += 1
                if faults <= 10:
                    _log.exception("Live: a message could not be handled")

    def _turn(self, opened: socket.socket) -> None:
        """Wait for a datagram, or the time to do something, or what the engine tells."""
        wait = min(IDLE, max(1e-4, self._link.next_time() - self._clock.now()))
        opened.settimeout(wait)
        # A port where nobody listens is an error of the next call on some systems.
        with contextlib.suppress(TimeoutError, ConnectionError):
            datagram, source = opened.recvfrom(LONGEST)
            now = self._clock.now()
            message = decode(datagram) if source[0] == self._target[0] else None
            if message is not None:
                self._link.hear(message, now)
        with contextlib.suppress(queue.Empty):
            while True:
                self._tell_link(self._inbox.get_nowait())
        self._link.advance(self._clock.now())

    def _tell_link(self, what: Order | commands.Update) -> None:
        if isinstance(what, commands.ReadClip | commands.WriteClip):
            self._link.obey(what, self._clock.now())
        else:
            self._link.update(what, self._clock.now())

    def _send(self, message: Message) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):  # no route now; it is asked again soon
                self._socket.sendto(encode(message), self._target)


def find_live(where: Where, timeout: float) -> str | None:
    """Return Live's version, or None if AbletonOSC does not answer in time.

    Raises
    ------
    SocketError
        If the host is unknown or the reply port is taken.
    """
    opened, target = _bind(where)
    question = Message("/live/application/get/version")
    end = time.perf_counter() + timeout
    with opened, contextlib.suppress(OSError):  # silence, and a port where nobody listens
        opened.sendto(encode(question), target)
        while (left := end - time.perf_counter()) > 0:
            opened.settimeout(left)
            reply = decode(opened.recv(LONGEST))
            if reply is not None and reply.answers(question):
                return ".".join(str(part) for part in reply.values)
    return None


def _bind(where: Where) -> tuple[socket.socket, tuple[str, int]]:
    """Open the socket for replies; return it and the address of AbletonOSC."""
    try:
        found = socket.getaddrinfo(where.host, where.port, socket.AF_INET, socket.SOCK_DGRAM)
        target = str(found[0][4][0]), where.port
    except OSError as error:
        raise SocketError(
            f"expected the host that Live runs on, got {where.host!r}",
            f"it is not known ({error.strerror or error})",
            "give its address with --live HOST",
        ) from error
    local = "127.0.0.1" if ipaddress.ip_address(target[0]).is_loopback else ""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        opened.bind((local, where.reply_port))
    except OSError as error:
        opened.close()
        raise SocketError(
            f"expected AbletonOSC's replies on UDP port {where.reply_port}",
            f"the port cannot be bound ({error.strerror or error})",
            "end the other client of AbletonOSC, which has one at a time",
        ) from error
    return opened, target
