"""Programs of other people as OSC clients: liblo's tools and Pure Data."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon import commands, midi
from antiphon.errors import SocketError
from antiphon.music import Beats, Note, Seconds
from antiphon.osc import codec
from antiphon.osc.server import OscServer
from antiphon.timebase import MonotonicClock

CLOCK = MonotonicClock()

PATCH = """#N canvas 0 0 450 300 12;
#X obj 10 10 loadbang;
#X msg 10 40 connect 127.0.0.1 {server};
#X obj 10 70 netsend -u -b;
#X obj 100 40 metro 300;
#X msg 100 70 1 {reply} 1;
#X obj 100 100 oscformat antiphon hello;
#X obj 100 130 list prepend send;
#X obj 100 160 list trim;
#X obj 200 10 netreceive -u -b {reply};
#X obj 200 40 oscparse;
#X obj 200 70 list trim;
#X obj 200 100 route antiphon;
#X obj 200 130 route pong play;
#X msg 200 160 60 90 1;
#X obj 200 190 oscformat antiphon note;
#X obj 300 160 print PLAY;
#X connect 0 0 1 0;
#X connect 1 0 2 0;
#X connect 0 0 3 0;
#X connect 3 0 4 0;
#X connect 4 0 5 0;
#X connect 5 0 6 0;
#X connect 6 0 7 0;
#X connect 7 0 2 0;
#X connect 8 0 9 0;
#X connect 9 0 10 0;
#X connect 10 0 11 0;
#X connect 11 0 12 0;
#X connect 12 0 13 0;
#X connect 13 0 14 0;
#X connect 14 0 6 0;
#X connect 12 1 15 0;
"""


class Rig:
    """A server and what it put into the inbox."""

    def __init__(self) -> None:
        self.commands: list[object] = []
        self.server = OscServer("127.0.0.1", 0, self.submit, CLOCK)

    def submit(self, command: object) -> bool:
        """Keep the command; called on the OSC thread."""
        self.commands.append(command)
        return True


@pytest.fixture
def rig() -> Iterator[Rig]:
    """Start a server on a free port, and stop it."""
    rig = Rig()
    rig.server.start()
    yield rig
    rig.server.stop()


def until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait for a condition, or fail at the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the deadline passed"
        time.sleep(0.01)


def free_port() -> int:
    """Return a UDP port that nobody uses now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def needs(program: str) -> pytest.MarkDecorator:
    """Skip where a program is not installed."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"{program} not installed")


def oscsend(port: int, *words: str) -> None:
    """Send one message with liblo."""
    subprocess.run(["oscsend", "127.0.0.1", str(port), *words], check=True, timeout=10)


@needs("oscsend")
def test_liblo_sends_every_kind_of_argument(rig: Rig) -> None:
    """Integers, floats, strings and no arguments become commands."""
    port = rig.server.address[1]
    oscsend(port, "/antiphon/note", "iii", "60", "90", "1")
    oscsend(port, "/antiphon/param/temperature", "f", "0.5")
    oscsend(port, "/antiphon/mode", "s", "solo")
    oscsend(port, "/antiphon/turn")
    until(lambda: len(rig.commands) == 4)
    note, param, mode, turn = rig.commands
    assert isinstance(note, commands.Heard)
    assert note.message == midi.note_on(1, 60, 90)
    assert isinstance(param, commands.SetParam)
    assert param.value == 0.5
    assert isinstance(mode, commands.SetMode)
    assert mode.mode is commands.Mode.SOLO
    assert isinstance(turn, commands.EndTurn)


@needs("oscsend")
def test_liblo_types_outside_the_contract_are_refused(rig: Rig) -> None:
    """Doubles, 64-bit integers and booleans are counted, and no command comes of them."""
    port = rig.server.address[1]
    oscsend(port, "/antiphon/param/temperature", "d", "0.5")
    oscsend(port, "/antiphon/mode", "h", "1")
    oscsend(port, "/antiphon/record", "T")
    until(lambda: rig.server.refused == 3)
    assert rig.commands == []


@needs("oscdump")
@needs("oscsend")
def test_liblo_hears_pong_state_notes_and_errors(rig: Rig, tmp_path: Path) -> None:
    """What oscdump prints has only types i, f and s."""
    reply = free_port()
    heard = tmp_path / "heard"
    port = rig.server.address[1]
    with heard.open("wb") as out:
        dump = subprocess.Popen(["oscdump", "-L", str(reply)], stdout=out)
    try:

        def hello() -> bool:
            oscsend(port, "/antiphon/hello", "iii", "1", str(reply), "1")
            return "/antiphon/pong iii 1 0 1" in heard.read_text()

        until(hello)
        assert "/antiphon/state i 4" in heard.read_text()
        note = Note(Beats(0.0), 64, 80, Beats(1.0), 2)
        rig.server.publish(commands.Played(note, CLOCK.now(), Seconds(CLOCK.now() + 0.25)))
        rig.server.publish(commands.Beat(3, Beats(1.0), 120.0))
        rig.server.publish(commands.Stats(1.0, 2.0, 0.5, 1, 2, 3))
        rig.server.publish(commands.Panicked())
        oscsend(port, "/antiphon/note", "iiii", str(reply), "60", "200", "1")
        until(lambda: '/antiphon/error is 3 "/antiphon/note"' in heard.read_text())
        text = heard.read_text()
        assert "/antiphon/play iiiii 64 80 250 0 2" in text
        assert "/antiphon/beat iff 3 1.0" in text
        assert "/antiphon/stats fffiii" in text
        assert "/antiphon/panic" in text
    finally:
        dump.terminate()
        dump.wait(5)


@needs("pd")
def test_pure_data_says_hello_plays_a_note_and_hears_one(rig: Rig, tmp_path: Path) -> None:
    """A vanilla patch registers, answers a pong with a note (in floats), and prints a play."""
    patch, printed = tmp_path / "peer.pd", tmp_path / "printed"
    patch.write_text(PATCH.format(server=rig.server.address[1], reply=free_port()))
    with printed.open("wb") as out:
        options = ["-nogui", "-noaudio", "-nomidi", "-noprefs"]
        pd = subprocess.Popen(["pd", *options, str(patch)], stdout=out, stderr=out)
    try:
        until(lambda: any(isinstance(command, commands.Heard) for command in rig.commands))
        heard = next(c for c in rig.commands if isinstance(c, commands.Heard))
        assert heard.message == midi.note_on(1, 60, 90)
        note = Note(Beats(0.0), 64, 80, Beats(1.0), 2)
        rig.server.publish(commands.Played(note, CLOCK.now(), Seconds(CLOCK.now() + 0.25)))
        until(lambda: "PLAY: 64 80 250 0 2" in printed.read_text())
        assert "couldn't create" not in printed.read_text()
    finally:
        pd.terminate()
        pd.wait(5)


def test_a_busy_port_is_one_clear_line(rig: Rig) -> None:
    """The second server says which port, why not, and what to do."""
    host, port = rig.server.address
    with pytest.raises(SocketError) as caught:
        OscServer(host, port, lambda _: True, CLOCK).start()
    assert f"{host}:{port}" in str(caught.value)
    assert "--osc HOST:PORT" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(SocketError):
        OscServer("no.such.host.invalid", port, lambda _: True, CLOCK).start()


def test_a_scheduled_bundle_does_not_hold_up_what_comes_after(rig: Rig) -> None:
    """A message behind a bundle 0.3 s ahead is done first, and the bundle in its time."""
    due = time.time() + 0.3
    message = codec.encode("/antiphon/panic")
    tag = int((due + 2208988800) * 2**32).to_bytes(8, "big")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(
            b"#bundle\0" + tag + len(message).to_bytes(4, "big") + message, rig.server.address
        )
        peer.sendto(codec.encode("/antiphon/turn"), rig.server.address)
    until(lambda: len(rig.commands) == 2)
    assert [type(command) for command in rig.commands] == [commands.EndTurn, commands.Panic]
    assert time.time() >= due - 0.02


def test_stopping_ends_the_thread_and_frees_the_port() -> None:
    """Stop may be called twice, publishing after it is harmless, and the port is free again."""
    first = OscServer("127.0.0.1", 0, lambda _: True, CLOCK)
    first.publish(commands.Panicked())
    first.start()
    address = first.address
    first.stop()
    first.stop()
    first.publish(commands.Panicked())
    second = OscServer(*address, lambda _: True, CLOCK)
    second.start()
    second.stop()
