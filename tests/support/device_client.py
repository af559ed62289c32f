"""An OSC client like a device on a track: one socket, its own reply port, a thread that listens."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable

from pythonosc.osc_message import OscMessage

from antiphon.osc.codec import Argument, encode

Told = tuple[str, tuple[object, ...]]
"""An address after the prefix, and arguments."""


class DeviceClient:
    """Speaks with the daemon at an address; what it is told is kept in order."""

    def __init__(self, daemon: tuple[str, int]) -> None:
        self.daemon = daemon
        self.told: list[Told] = []
        self.asked = 0
        """Requests so far, for tests that repeat one."""
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._in = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._in.bind(("127.0.0.1", 0))
        self._in.settimeout(0.1)
        self.port = int(self._in.getsockname()[1])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def send(self, name: str, *arguments: Argument) -> None:
        """Send a message."""
        self._out.sendto(encode("/antiphon/" + name, *arguments), self.daemon)

    def hello(self) -> None:
        """Register, notes wanted, and wait for the answer."""
        self.send("hello", 1, self.port, 1)
        self.until(lambda: self.named("pong"))

    def ready(self) -> None:
        """Register, begin a conversation, and wait until its partner can play."""
        self.hello()
        self.send("param/temperature", self.port, 1.0)
        self.send("get", "temperature")
        self.until(lambda: ("state", (0,)) in self.told[self._places("param/temperature") :])

    def play(self, pitches: tuple[int, ...], gap: float = 0.1) -> None:
        """Play notes one after another, each as long as three quarters of the gap."""
        for pitch in pitches:
            self.send("note", self.port, pitch, 90, 1)
            time.sleep(gap * 0.75)
            self.send("note", self.port, pitch, 0, 1)
            time.sleep(gap * 0.25)

    def named(self, name: str) -> list[tuple[object, ...]]:
        """Return the arguments of all that was told under a name."""
        return [arguments for told, arguments in list(self.told) if told == name]

    def until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        """Wait for a condition, or fail at the deadline."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"the deadline passed; told {self.told[-20:]}"
            time.sleep(0.01)

    def close(self) -> None:
        """Say goodbye and listen no more."""
        self.send("bye", self.port)
        self._stop.set()
        self._thread.join(5)
        self._in.close()
        self._out.close()

    def _places(self, name: str) -> int:
        places = [place for place, (told, _) in enumerate(list(self.told)) if told == name]
        return places[0] if places else len(self.told)

    def _listen(self) -> None:
        while not self._stop.is_set():
            with contextlib.suppress(TimeoutError):
                message = OscMessage(self._in.recv(4096))
                self.told.append((message.address.removeprefix("/antiphon/"), tuple(message)))
