"""A JACK server of our own for tests, started and stopped by its own handle."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest


def wait_until(condition: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Return what `condition` returns once it is true, or its last value at the deadline."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.002)
    return value


@pytest.fixture(scope="module")
def jack_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a JACK server on the dummy driver and make it the one that clients find."""
    if not shutil.which("jackd") or not shutil.which("jack_lsp"):
        pytest.skip("jackd is not installed")
    log = tmp_path_factory.mktemp("jack") / "jackd.log"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JACK_NO_START_SERVER", "1")
        server = start_server(environment, log)
        try:
            yield os.environ["JACK_DEFAULT_SERVER"]
        finally:
            end(server)


def start_server(environment: pytest.MonkeyPatch, log: Path) -> subprocess.Popen[bytes]:
    """Start jackd under the first of our names that no living server has.

    JACK keeps a list of eight server names that survives a server whose clients were killed, and
    clears an entry only when its name comes again: so our names are always the same few.
    """
    for number in range(1, 4):
        environment.setenv("JACK_DEFAULT_SERVER", name := f"antiphon-test-{number}")
        with log.open("ab") as output:
            server = subprocess.Popen(
                [
                    *("jackd", "--name", name),
                    "--sync",  # waits for late clients, where it would repeat or lose a period
                    *("--port-max", "128"),  # fits the 64 MB of shared memory that containers have
                    *("-d", "dummy", "-r", "48000", "-p", "128"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        wait_until(lambda: server.poll() is not None or ports() is not None, 20)  # noqa: B023
        if server.poll() is None and ports() is not None:
            return server
        end(server)
    pytest.fail(f"no JACK server would start; the last words of jackd:\n{log.read_text()[-2000:]}")


def end(server: subprocess.Popen[bytes]) -> None:
    """End a server; one that will not is killed."""
    server.terminate()
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def ports() -> list[str] | None:
    """Return the names of all ports, or None if there is no server."""
    done = subprocess.run(["jack_lsp"], capture_output=True, text=True, timeout=5, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else None


def connect(source: str, target: str) -> None:
    """Connect two ports by their full names."""
    subprocess.run(["jack_connect", source, target], check=True, capture_output=True, timeout=5)


class Client:
    """A MIDI client with one input and one output, as a keyboard or a synth would be.

    Parameters
    ----------
    name : str
        Of the client and its ports (``NAME in``, ``NAME out``).
    hears, plays : str, optional
        Ports to connect to; without them the client has virtual ports.
    """

    def __init__(self, name: str, hears: str | None = None, plays: str | None = None) -> None:
        import rtmidi

        self.taken: list[tuple[float, bytes]] = []
        self._source = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=f"{name} in")
        self._target = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=f"{name} out")
        for end, port, own in (
            (self._source, hears, f"{name} in"),
            (self._target, plays, f"{name} out"),
        ):
            if port is None:
                end.open_virtual_port(own)
            else:
                end.open_port([port in p for p in end.get_ports()].index(True), name=own)
        self._source.ignore_types(sysex=False, timing=False)
        self._source.set_callback(self._take)

    def _take(self, event: tuple[list[int], float], data: object = None) -> None:
        """Stamp a message. JACK's thread; must not wait."""
        self.taken.append((time.perf_counter(), bytes(event[0])))

    @property
    def messages(self) -> list[bytes]:
        """What has come in so far."""
        return [message for _, message in self.taken]

    def send(self, message: bytes) -> None:
        """Send a message."""
        self._target.send_message(message)

    def close(self) -> None:
        """Close both ports."""
        self._source.cancel_callback()
        self._source.close_port()
        self._target.close_port()
        self._source.delete()
        self._target.delete()
