"""``antiphon play --live`` as a process, beside a stand-in for Live behind real UDP."""

from __future__ import annotations

import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from abletonosc import Clip, Live, Track
from antiphon.osc.codec import encode
from daemon_process import Antiphon

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

RIFF = [(60 + p, i / 2, 0.4, 90.0, False) for i, p in enumerate((0, 4, 7, 4, 5, 9, 12, 9))]


def wait_until(so: Callable[[], object], seconds: float = 20) -> bool:
    """Wait for a condition; tell whether it came true in time."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        if so():
            return True
        time.sleep(0.005)
    return bool(so())


def free_port() -> int:
    """Return a UDP port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Client:
    """An OSC client of the daemon's: asks, and keeps what it is told with Live's beat then."""

    def __init__(self, antiphon: Antiphon, live: Live) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._daemon, self._live = antiphon.osc, live
        self.told: list[tuple[float, str, list[float]]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()
        self.ask("/antiphon/hello", 1, self.port, 1)

    @property
    def port(self) -> int:
        """Where it hears."""
        return int(self._socket.getsockname()[1])

    def ask(self, address: str, *arguments: int | float | str) -> None:
        """Send a message."""
        self._socket.sendto(encode(address, *arguments), self._daemon)

    def heard(self, address: str) -> list[tuple[float, list[float]]]:
        """Return Live's beat and the arguments of each message of an address."""
        return [(beat, values) for beat, at, values in self.told if at == address]

    def close(self) -> None:
        """Hear no more."""
        self._stop.set()
        self._thread.join(5)
        self._socket.close()

    def _hear(self) -> None:
        self._socket.settimeout(0.1)
        while not self._stop.is_set():
            try:
                message = OscMessage(self._socket.recv(65535))
            except TimeoutError:
                continue
            self.told.append((self._live.beat(), message.address, message.params))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Antiphon, Live, Client]]:
    """Start Live and the daemon that speaks with it, and say hello to the daemon."""
    reply_port = free_port()
    slots: list[Clip | None] = [Clip(0.0, 4.0, list(RIFF), "Riff"), None, None]
    live = Live([Track(slots)], reply_port)
    where = f"127.0.0.1:{live.port}:{reply_port}"
    settings = ("--set", "length=4", "--set", "turn/silence=0.5")
    antiphon = Antiphon(tmp_path, "--backend", "none", "--live", where, *settings)
    client = Client(antiphon, live)
    yield antiphon, live, client
    client.close()
    antiphon.kill()
    live.close()


def test_it_answers_on_lives_bar_line(stage: tuple[Antiphon, Live, Client]) -> None:
    """Under Live's transport a phrase is answered on a bar line of Live's, and written there."""
    antiphon, live, client = stage
    assert "live clock" in antiphon.ready
    with live.lock:
        live.script.song.tempo, live.script.song.beat = 97.0, 7.0
        live.script.song.is_playing = True
    assert wait_until(lambda: client.heard("/antiphon/beat"))
    assert wait_until(lambda: live.beat() > 11.98)
    for pitch in (60, 64, 67, 72):
        client.ask("/antiphon/note", pitch, 90, 1)
        until = live.beat() + 0.4
        assert wait_until(lambda until=until: live.beat() > until)
        client.ask("/antiphon/note", pitch, 0, 1)
    assert wait_until(lambda: client.heard("/antiphon/play")), antiphon.ready
    told, (_, _, _, delay, _) = client.heard("/antiphon/play")[0]
    start = told + delay / 1000 * 97 / 60
    # What a network draws first may lie behind the line that its answer begins on.
    assert -0.1 < start - 4 * round(start / 4) < 0.6
    assert wait_until(lambda: len(late(client)) >= 8)
    assert sorted(late(client))[4] == pytest.approx(0, abs=0.1)
    client.ask("/antiphon/live/write", -1)
    assert wait_until(lambda: shown(live) == 1)
    answer = live.script.tracks[0].slots[1]
    assert answer is not None
    assert answer.name == "Antiphon answer 1"
    assert answer.notes


def shown(live: Live) -> int:
    """Return how many lines Live was asked to show: one for each wish that is over."""
    with live.lock:
        return sum(at == "/live/api/show_message" for at, _ in live.script.asked)


def late(client: Client) -> list[float]:
    """Return how many beats of Live's each beat was told late, once Live has been heard a while."""
    beats = [(at, values) for at, values in client.heard("/antiphon/beat") if at > 10]
    return [at - (4 * bar + beat) for at, (bar, beat, _) in beats]


def test_a_clip_is_read_varied_and_written_back(stage: tuple[Antiphon, Live, Client]) -> None:
    """The selected clip becomes the phrase; it and its variations go into new clips."""
    _, live, client = stage
    with live.lock:
        live.script.song.is_playing = True
    client.ask("/antiphon/mode", "loop")
    client.ask("/antiphon/live/read")
    assert wait_until(lambda: client.heard("/antiphon/phrase"))
    assert client.heard("/antiphon/phrase")[-1][1] == [4.0, 8]
    assert wait_until(lambda: vary(client), 40)
    client.ask("/antiphon/live/write", 17)
    client.ask("/antiphon/live/write", 0)
    assert wait_until(lambda: shown(live) == 3)  # each wish is over then
    riff, *varied, phrase = (slot for slot in live.script.tracks[0].slots if slot)
    assert riff == Clip(0.0, 4.0, RIFF, "Riff")
    assert (phrase.name, phrase.length) == ("Antiphon phrase 1", 4.0)
    assert sorted(phrase.notes) == [pytest.approx(row, abs=1e-5) for row in sorted(RIFF)]
    told = {values[0]: values[1:] for _, values in client.heard("/antiphon/variation")}
    for index, clip in enumerate(varied, 1):
        distance, notes = told[index]
        assert clip.name == f"Antiphon var {index} ({distance:.2f})"
        assert len(clip.notes) == notes


def vary(client: Client) -> bool:
    """Ask for two variations until they are there: the networks may still be loading."""
    if not client.heard("/antiphon/variation"):
        client.ask("/antiphon/vary", 2, 0.5)
        wait_until(lambda: client.heard("/antiphon/variation"), 1)
    return len(client.heard("/antiphon/variation")) >= 2


def test_live_may_be_closed_and_opened_again(stage: tuple[Antiphon, Live, Client]) -> None:
    """The daemon plays on without Live, follows it again once it is back, and says both once."""
    antiphon, live, client = stage
    errors: queue.SimpleQueue[str] = queue.SimpleQueue()
    pipe = antiphon.process.stderr
    assert pipe is not None
    threading.Thread(target=lambda: [errors.put(line) for line in pipe], daemon=True).start()
    lines: list[str] = []

    def said(words: str) -> bool:
        while not errors.empty():
            lines.append(errors.get())
        return any(words in line for line in lines)

    assert wait_until(lambda: said("Live is there"))
    live.close()
    assert wait_until(lambda: said("Live is not there"))
    client.ask("/antiphon/ping", client.port)
    assert wait_until(lambda: client.heard("/antiphon/pong"))
    lines.clear()
    live.start()
    with live.lock:
        live.script.song.tempo, live.script.song.is_playing = 132.0, True
    assert wait_until(lambda: said("Live is there"))
    assert wait_until(
        lambda: any(abs(v[2] - 132) < 0.5 for _, v in client.heard("/antiphon/beat")[-2:])
    )
    assert sum("Live is" in line for line in lines) == 1
    status, took = antiphon.end()
    assert status == 0
    assert took < 2


def test_a_reply_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    """When another client has the reply port it says so in a line and ends with 2."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        antiphon = Antiphon(tmp_path, "--backend", "none", "--live", f"127.0.0.1:11000:{port}")
        _, error = antiphon.process.communicate(timeout=30)
    assert antiphon.process.returncode == 2
    assert antiphon.ready == ""
    assert len(error.strip().splitlines()) == 1
    assert str(port) in error
