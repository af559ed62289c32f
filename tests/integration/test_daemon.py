"""The daemon as a new user meets it: a process, real ports over JACK, OSC, signals."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import jack
from antiphon import midi
from antiphon.midifile import read_midi
from antiphon.osc.codec import encode
from daemon_process import Antiphon
from jack import jack_server, wait_until  # noqa: F401

ON, OFF = 0x90, 0x80
MAJOR = {0, 2, 4, 5, 7, 9, 11}
BEAT = 0.5
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Callable[..., Antiphon]]:
    """Start daemons, and end those that the test leaves."""
    started: list[Antiphon] = []

    def start(*words: str) -> Antiphon:
        started.append(Antiphon(tmp_path, *words))
        return started[-1]

    yield start
    for antiphon in started:
        antiphon.kill()


def pairs(taken: list[tuple[float, bytes]]) -> list[tuple[float, float, int, int]]:
    """Return (on, off, channel, pitch) of each note; fail if an on or an off stands alone."""
    down: dict[tuple[int, int], float] = {}
    found = []
    for at, message in taken:
        kind = midi.kind(message)
        if kind not in (ON, OFF):
            continue
        key = (midi.channel(message), message[1])
        if kind == ON:
            assert key not in down, f"{key} struck twice"
            down[key] = at
        else:
            found.append((down.pop(key), at, *key))
    assert not down, f"hanging: {down}"
    return sorted(found)


def play_scale(keyboard: jack.Client) -> float:
    """Play the scale of C in eighths at 120 bpm; return when it began."""
    began = time.perf_counter()
    for index, pitch in enumerate(SCALE):
        for at, message in (
            (index * BEAT / 2, midi.note_on(1, pitch, 90)),
            ((index + 0.8) * BEAT / 2, midi.note_off(1, pitch)),
        ):
            time.sleep(max(0.0, began + at - time.perf_counter()))
            keyboard.send(message)
    return began


def test_without_midi_it_says_so_and_serves_osc(play: Callable[..., Antiphon]) -> None:
    """With no MIDI system it is ready all the same, warns what to do, and answers a ping."""
    antiphon = play("--backend", "none")
    assert antiphon.ready.startswith("ready  no MIDI")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.settimeout(5)
        client.sendto(encode("/antiphon/ping", client.getsockname()[1]), antiphon.osc)
        assert client.recv(1024).startswith(b"/antiphon/pong")
    status, took = antiphon.end()
    assert status == 0
    assert took < 2


def test_ctrl_c_ends_it_with_130(play: Callable[..., Antiphon]) -> None:
    """The first Ctrl-C ends it cleanly in under 2 s."""
    status, took = play("--backend", "none").end(signal.SIGINT)
    assert status == 130
    assert took < 2


def test_a_busy_osc_port_is_one_line(tmp_path: Path) -> None:
    """When the OSC port is taken it says so in a line and ends with 2."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "antiphon", "play", "--backend", "none", "--osc", address],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert address in done.stderr


def test_the_demo_keeps_a_session_and_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The demo answers in time and key, and leaves a MIDI file and a picture."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "antiphon", "play", "--demo", "--plain", "--osc", "127.0.0.1:0"],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    (path,) = (tmp_path / "antiphon-demo").glob("*.mid")
    assert path.with_suffix(".svg").read_text().startswith("<svg")
    song = read_midi(path)
    answer = song.phrase("Antiphon")
    assert len(song.phrase("Player")) == 30
    assert len(answer) > 12
    assert all(note.pitch % 12 in MAJOR for note in answer)


@pytest.mark.usefixtures("jack_server")
class TestOverJack:
    """With a real JACK server."""

    @pytest.fixture
    def stage(self, play: Callable[..., Antiphon]) -> Iterator[tuple[Antiphon, jack.Client]]:
        """Start the daemon with a keyboard and a synth connected to its ports."""
        antiphon = play("--backend", "jack", "--set", "scale=1", "--set", "length=4")
        keyboard = jack.Client("Keys", hears="Antiphon Out", plays="Antiphon In")
        yield antiphon, keyboard
        keyboard.close()

    def test_a_scale_is_answered_in_time_and_key(self, stage: tuple[Antiphon, jack.Client]) -> None:
        """Eight notes of C major are answered on the bar, in key, with the length asked for."""
        antiphon, keyboard = stage
        assert 'in "Antiphon In" out "Antiphon Out" (jack)' in antiphon.ready
        began = play_scale(keyboard)
        wait_until(lambda: time.perf_counter() > began + 4 * 4 * BEAT + 0.3, 12)
        notes = [n for n in pairs(keyboard.taken) if n[0] > began + 4.1 * BEAT]
        assert notes, "no answer"
        start = (notes[0][0] - began) / BEAT
        assert start == pytest.approx(8, abs=0.25)
        end = began + 12 * BEAT
        assert end - 1.1 * BEAT < max(off for _, off, _, _ in notes) < end + 0.1
        assert sum(pitch % 12 in MAJOR for *_, pitch in notes) >= 0.9 * len(notes)
        assert len(notes) >= 2

    def test_killed_while_it_plays_nothing_hangs(self, stage: tuple[Antiphon, jack.Client]) -> None:
        """After ``kill -9`` every sounding note is off within 100 ms."""
        antiphon, keyboard = stage
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(encode("/antiphon/mode", "solo"), antiphon.osc)

        def sounding() -> bool:
            kinds = [midi.kind(m) for m in keyboard.messages]
            return kinds.count(ON) > 3 and kinds.count(ON) > kinds.count(OFF)

        assert wait_until(sounding, 10)
        antiphon.process.kill()
        killed = time.perf_counter()
        wait_until(lambda: not sounding(), 2)
        notes = pairs(keyboard.taken)
        assert max(off for _, off, _, _ in notes) < killed + 0.1

    def test_terminated_while_it_plays_all_is_off(
        self, stage: tuple[Antiphon, jack.Client]
    ) -> None:
        """SIGTERM ends it with 0 in under 2 s and leaves nothing sounding."""
        antiphon, keyboard = stage
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(encode("/antiphon/mode", "solo"), antiphon.osc)
        assert wait_until(lambda: len(keyboard.taken) > 5, 10)
        status, took = antiphon.end()
        assert status == 0
        assert took < 2
        pairs(keyboard.taken)

    def test_midi_clock_from_another_program_drives_it(self, play: Callable[..., Antiphon]) -> None:
        """Under MIDI clock at 100 bpm the answer starts on a bar line of that clock."""
        play("--backend", "jack", "--sync", "midi", "--set", "turn/bars=1", "--set", "length=4")
        keyboard = jack.Client("Clock", hears="Antiphon Out", plays="Antiphon In")
        period, began = 60 / 100 / 24, time.perf_counter() + 0.1
        for tick in range(24 * 10):
            time.sleep(max(0.0, began + tick * period - time.perf_counter()))
            if tick == 0:
                keyboard.send(bytes((midi.START,)))
            keyboard.send(bytes((midi.CLOCK,)))
            if tick % 24 == 0 and tick < 96:
                keyboard.send(midi.note_on(1, 60 + tick // 24, 90))
            elif tick % 24 == 18 and tick < 96:
                keyboard.send(midi.note_off(1, 60 + tick // 24))
        keyboard.send(bytes((midi.STOP,)))
        wait_until(lambda: keyboard.messages and midi.kind(keyboard.messages[-1]) == OFF, 2)
        bar = 96 * period
        notes = [n for n in pairs(keyboard.taken) if n[0] > began + 0.9 * bar]
        keyboard.close()
        assert notes, "no answer"
        assert (notes[0][0] - began) / bar == pytest.approx(1, abs=0.02)
