"""A looping session over OSC with a daemon that really runs, timed by the beats that it tells."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon import daemon
from antiphon.commands import Mode
from antiphon.daemon import Daemon, Options
from antiphon.osc import codec
from antiphon.ports.base import PortOptions
from antiphon.timebase import MonotonicClock
from antiphon.view import View
from daemon_process import Antiphon
from looping import TransposingVarier, step

RIFF = (60, 64, 67, 65)
NOT_NOW = 4


class Musician:
    """An OSC client who plays, loops, and hears what comes back."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.5)
        self.target = target
        self.played: list[int] = []
        self.errors: list[tuple[int, str]] = []
        self.port = self.socket.getsockname()[1]
        self.send("hello", 1, self.port, 1)
        self.hear("pong")

    def send(self, name: str, *arguments: codec.Argument) -> None:
        """Send a message."""
        self.socket.sendto(codec.encode(f"/antiphon/{name}", *arguments), self.target)

    def hear(self, name: str, *first: codec.Argument, seconds: float = 10.0) -> tuple[object, ...]:
        """Wait for a message that begins with some arguments; note what else is heard."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                (message,) = codec.decode(self.socket.recv(2048))
            except TimeoutError:
                continue
            if message.address == "/antiphon/play":
                self.played.append(int(message.arguments[0]))  # type: ignore[arg-type]
            if message.address == "/antiphon/error":
                self.errors.append(message.arguments)  # type: ignore[arg-type]
            if message.address == "/antiphon/beat":
                self.send("ping", self.port)  # a silent client is dropped
            if message.address == f"/antiphon/{name}" and message.arguments[: len(first)] == first:
                return message.arguments
        raise AssertionError(f"no {name} {first}; errors {self.errors}")

    def beat(self, number: float) -> None:
        """Wait for a beat of the bar."""
        while self.hear("beat")[1] != number:
            pass

    def variations(self, count: int) -> list[tuple[object, ...]]:
        """Ask until the networks are loaded; return what is told of each variation."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            before = len(self.errors)
            self.send("vary", count, 0.8)
            try:
                first = self.hear("variation", 1, seconds=1.0)
            except AssertionError:
                assert self.errors[before:] == [(NOT_NOW, "/antiphon/vary")]
                continue
            return [first, *(self.hear("variation", n) for n in range(2, count + 1))]
        raise AssertionError("the networks that vary never came")


def play_riff(musician: Musician) -> None:
    """Play a bar, a note on each beat."""
    musician.beat(0)
    for number, pitch in enumerate(RIFF):
        musician.send("note", pitch, 90, 1)
        musician.beat((number + 1) % 4)
        musician.send("note", pitch, 0, 1)


def play_a_note(musician: Musician) -> None:
    """Play a note in a bar of its own."""
    musician.send("note", 60, 90, 1)
    musician.beat(1)
    musician.send("note", 60, 0, 1)
    musician.beat(0)


def captured(musician: Musician, play: Callable[[Musician], None]) -> tuple[object, ...]:
    """Play and capture it; on a machine that is busy elsewhere it may be over too late."""
    for _ in range(5):
        play(musician)
        errors = len(musician.errors)
        musician.send("capture", 4.0)
        try:
            return musician.hear("phrase", seconds=3.0)
        except AssertionError:
            if musician.errors[errors:] != [(NOT_NOW, "/antiphon/capture")]:
                raise
    raise AssertionError("what was played was never captured")


def loop_something(musician: Musician) -> list[tuple[object, ...]]:
    """Play a bar, loop it, vary it, pick, keep and undo; return what was told of variations."""
    musician.send("capture", 4.0)
    musician.hear("error", NOT_NOW, "/antiphon/capture")
    assert captured(musician, play_riff) == (4.0, 4)
    musician.send("param/vary/amount", 0.0)
    musician.send("mode", "loop")
    musician.hear("state", 3)
    while musician.played[:8] != [*RIFF, *RIFF]:
        musician.hear("play")
        assert len(musician.played) <= 8
    told = musician.variations(3)
    assert [index for index, _, _ in told] == [1, 2, 3]
    musician.send("pick", 2)
    for _ in range(3):
        musician.beat(0)
    musician.send("keep")
    assert musician.hear("phrase") == (4.0, told[1][2])
    musician.send("undo")
    assert musician.hear("phrase") == (4.0, 4)
    errors = len(musician.errors)
    musician.send("undo")
    musician.hear("error")
    musician.send("pick", 9)
    musician.hear("error")
    assert musician.errors[errors:] == [(NOT_NOW, "/antiphon/undo"), (3, "/antiphon/pick")]
    musician.send("turn", 0)
    musician.hear("state", 0)
    return told


@pytest.fixture
def antiphon(tmp_path: Path) -> Iterator[Antiphon]:
    """Run ``antiphon play`` without MIDI, quick enough for a test."""
    process = Antiphon(tmp_path, "--backend", "none", "--bpm", "180", "--mode", "off")
    yield process
    process.kill()


def test_a_phrase_is_looped_varied_kept_and_brought_back(antiphon: Antiphon) -> None:
    """Notes in, capture, mode loop, vary, pick, keep and undo, with the networks that ship."""
    musician = Musician(antiphon.osc)
    told = loop_something(musician)
    assert all(0 < float(str(distance)) <= 1 for _, distance, _ in told)
    status, took = antiphon.end()
    assert (status, took < 2) == (0, True)


def load(names: object) -> TransposingVarier:
    """Load networks whose variations can be told by ear."""
    return TransposingVarier()


def test_the_variation_that_was_picked_is_the_one_that_is_heard(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With networks that only transpose, the picked bar sounds as it was promised."""
    monkeypatch.setattr(daemon, "VARIER", f"{__name__}:load")
    interval = sys.getswitchinterval()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    options = Options(
        ports=PortOptions(backend="none"),
        osc=("127.0.0.1", 0),
        mode=Mode.OFF,
        settings={"bpm": 240.0},
    )
    running = Daemon(options, View(MonotonicClock(), plain=True))
    heard: list[int] = []

    def guest(daemon: Daemon) -> None:
        try:
            musician = Musician(daemon.osc_address)
            loop_something(musician)
            heard.extend(musician.played)
        finally:
            daemon.stop()

    assert running.run(guest) == 0
    sys.setswitchinterval(interval)
    moved = [pitch + step(1, 0.8, (0, 1, 1)) for pitch in RIFF]
    assert any(heard[place : place + 4] == moved for place in range(len(heard) - 3)), heard


def test_a_gan_that_is_missing_is_one_line_and_the_loop_plays(tmp_path: Path) -> None:
    """Without the networks it is ready all the same, and says why there are no variations."""
    process = Antiphon(
        tmp_path, "--backend", "none", "--gan", "no-such", "--mode", "off", "--bpm", "240"
    )
    try:
        musician = Musician(process.osc)
        captured(musician, play_a_note)
        musician.send("vary", 2, 0.5)
        musician.hear("error", NOT_NOW, "/antiphon/vary")
        musician.send("mode", "loop")
        while len(musician.played) < 3:
            musician.hear("play")
        assert set(musician.played) == {60}
        assert process.end()[0] == 0
        _, errors = process.process.communicate(timeout=5)
    finally:
        process.kill()
    (line,) = errors.strip().splitlines()
    assert line.startswith("no variations: ")
