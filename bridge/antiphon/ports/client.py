"""The brain's side of the port process: start it, tell it, hear from it, outlive it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final

from antiphon.errors import PortError
from antiphon.music import Pedal, Seconds
from antiphon.ports import link
from antiphon.ports.base import PortOptions

PLAY_LIMIT: Final = 4096
"""Commands that may wait for the pipe before further notes are dropped."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The port process is gone, asked to or not.

    Attributes
    ----------
    status : int
        Its exit status, negative for a signal.
    expected : bool
        Whether :meth:`PortProcess.close` had been called.
    """

    status: int
    expected: bool


Told = link.Event | Ended


class PortProcess:
    """The port process as the brain sees it.

    The methods that tell it something may be called from any thread; they queue and never wait.

    Parameters
    ----------
    options : PortOptions
        How the ports are to be opened.
    tell : callable
        Gets every event of the port process, and :class:`Ended` last. Runs on the link thread;
        must not wait long, and must not call :meth:`close` or :meth:`restart`.
    """

    def __init__(self, options: PortOptions, tell: Callable[[Told], None]) -> None:
        self._options = options
        self._tell = tell
        self._outbox: SimpleQueue[link.Command | None] = SimpleQueue()
        self._child: subprocess.Popen[bytes] | None = None
        self._threads: list[threading.Thread] = []
        self._closing = False
        self._settings = link.Configure()
        self.opened: link.Opened | None = None
        """What is open; None before :meth:`open` and after the process has ended."""
        self.dropped = 0
        """Notes not handed over because the pipe was full or the process gone."""

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._child.pid if self._child is not None else None

    # -- its life --------------------------------------------------------------------------------

    def open(self, timeout: float = 10.0) -> link.Opened:
        """Start the process and wait until its ports are open.

        Raises
        ------
        PortError
            If the ports cannot be opened, or the process does not answer within `timeout`
            seconds.
        """
        if self._child is not None:
            raise RuntimeError("the port process runs already")
        self._closing = False
        self._outbox = SimpleQueue()
        child = self._child = _start(self._options)
        first: SimpleQueue[Told] = SimpleQueue()
        self._threads = [
            threading.Thread(target=self._read, args=(child, first), name="ports-in", daemon=True),
            threading.Thread(
                target=self._write, args=(child, self._outbox), name="ports-out", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()
        try:
            answer: Told | None = first.get(timeout=timeout)
        except Empty:
            answer = None
        if isinstance(answer, link.Opened):
            self._put(self._settings)
            return answer
        self.close(0.0)
        if isinstance(answer, link.Failed):
            raise PortError(answer.expected, answer.found, answer.remedy)
        raise PortError(
            "expected the port process to start",
            "it did not answer" if answer is None else "it ended at once",
            "see what it wrote to stderr; 'antiphon doctor' checks the set-up",
        )

    def close(self, timeout: float = 1.0) -> None:
        """End every note, close the ports and wait for the process, at most `timeout` seconds."""
        child = self._child
        if child is None:
            return
        self._closing = True
        self._outbox.put(link.Close())
        self._outbox.put(None)
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            # Its end of stdin closes with it; what it left sounding it silences on SIGTERM.
            child.terminate()
            try:
                child.wait(0.5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for thread in self._threads:
            thread.join(1.0)
        self._child = self.opened = None

    def restart(self, timeout: float = 10.0) -> link.Opened:
        """Start the process again after it has ended; the settings are kept.

        Raises
        ------
        PortError
            As :meth:`open`.
        """
        self.close()
        return self.open(timeout)

    # -- what it is told ---------------------------------------------------------------------

    def play(
        self,
        note_id: int,
        on: Seconds,
        off: Seconds,
        channel: int,
        pitch: int,
        velocity: int,
        pedal: Pedal = Pedal.UNKNOWN,
    ) -> bool:
        """Hand over a note; False if it had to be dropped because the pipe is full."""
        if self.opened is None or self._outbox.qsize() >= PLAY_LIMIT:
            self.dropped += 1
            return False
        self._put(link.Play(note_id, on, off, channel, pitch, velocity, pedal))
        return True

    def release(self, note_id: int, at: Seconds) -> None:
        """End a note at `at` if that is earlier; a note that begins no sooner is taken back."""
        self._put(link.Release(note_id, at))

    def stop(self, at: Seconds) -> None:
        """Take back what has not sounded; what sounds ends at `at` or earlier."""
        self._put(link.Stop(at))

    def lift(self, at: Seconds) -> None:
        """Lift the pedals that the partner holds down at `at`."""
        self._put(link.Lift(at))

    def send(self, message: bytes, at: Seconds) -> None:
        """Send a message of up to 3 bytes that is not a note."""
        self._put(link.Send(message, at))

    def panic(self) -> None:
        """Silence everything now and lift the pedals."""
        self._put(link.Panic())

    def configure(self, thru: bool, channel_in: int = 0) -> None:
        """Set whether the player passes through, and the channel (0: all) the player is on."""
        self._settings = link.Configure(thru, channel_in)
        self._put(self._settings)

    def inject(self, message: bytes) -> None:
        """Let a message come in as if the player had sent it."""
        self._put(link.Inject(message))

    def ping(self, number: int = 0) -> None:
        """Ask for :class:`antiphon.ports.link.Stats`, after all that was said before."""
        self._put(link.Ping(number))

    def _put(self, command: link.Command) -> None:
        if self.opened is not None:
            self._outbox.put(command)

    # -- threads -----------------------------------------------------------------------------

    def _write(self, child: subprocess.Popen[bytes], outbox: SimpleQueue[Any]) -> None:
        """Write commands to the pipe. Link-out thread; the only one that waits for the pipe."""
        assert child.stdin is not None
        pipe = child.stdin.fileno()
        ended = False
        with contextlib.suppress(OSError):  # the reader notices that the process has gone
            while not ended:
                commands = [outbox.get()]
                while len(commands) < 256 and not outbox.empty():
                    commands.append(outbox.get())
                ended = None in commands
                data = b"".join(map(_encoded, commands))
                while data:
                    data = data[os.write(pipe, data) :]
        with contextlib.suppress(OSError):
            child.stdin.close()

    def _read(self, child: subprocess.Popen[bytes], first: SimpleQueue[Told]) -> None:
        """Read events from the pipe. Link-in thread; hands them on and does nothing else."""
        assert child.stdout is not None
        pipe = child.stdout.fileno()
        decoder = link.Decoder()
        waiting, opened = True, False
        with contextlib.suppress(OSError, link.LinkError):
            while data := os.read(pipe, 65_536):
                for record in decoder.feed(data):
                    if waiting and isinstance(record, link.Opened | link.Failed):
                        waiting = False
                        if isinstance(record, link.Opened):
                            self.opened, opened = record, True
                        first.put(record)
                    else:
                        self._tell(record)  # type: ignore[arg-type]  # events only come this way
        status = child.wait()
        child.stdout.close()
        self.opened = None
        ended = Ended(status, self._closing)
        if waiting:
            first.put(ended)
            return
        self._outbox.put(None)
        if opened:  # whoever opened it has been told otherwise
            self._tell(ended)


def _encoded(command: link.Command | None) -> bytes:
    """Return the bytes of a command; nothing for one that cannot be sent."""
    if command is None:
        return b""
    try:
        return link.encode(command)
    except link.LinkError:
        return b""


def _start(options: PortOptions) -> subprocess.Popen[bytes]:
    """Start the child in a session of its own, so that Ctrl-C ends the brain only.

    ``-P`` keeps a file of the working folder from standing in for a module.
    """
    flags: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = {
            "creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.HIGH_PRIORITY_CLASS
        }
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "antiphon.ports.process", options.to_text()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        **flags,
    )
