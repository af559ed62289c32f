"""The port process as a real child: in memory, and over a JACK server of our own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

import jack
from antiphon import midi
from antiphon.commands import Heard
from antiphon.errors import PortError, UsageError
from antiphon.music import Seconds
from antiphon.output import Dropped, Reason, Sounded, Written
from antiphon.ports.base import PortOptions, find_port, free_names, plain_name
from antiphon.ports.choose import list_ports
from antiphon.ports.client import Ended, PortProcess
from antiphon.ports.link import Stats
from antiphon.ports.measure import busy, measure_lateness, measure_thru, spin
from jack import jack_server, wait_until  # noqa: F401

ON, OFF = midi.note_on, midi.note_off
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


class Ports(PortProcess):
    """A port process that keeps what it tells."""

    def __init__(self, backend: str = "memory", **options: object) -> None:
        self.told: list[object] = []
        super().__init__(PortOptions(backend, written=True, **options), self.told.append)

    @property
    def written(self) -> list[bytes]:
        """What went out."""
        return [t.message for t in list(self.told) if isinstance(t, Written)]

    @property
    def heard(self) -> list[bytes]:
        """What the brain heard."""
        return [t.message for t in list(self.told) if isinstance(t, Heard)]

    def of(self, kind: type) -> list:
        """What was told of one kind."""
        return [t for t in list(self.told) if isinstance(t, kind)]

    def note(self, note_id: int, start: float, length: float, pitch: int = 60) -> None:
        """Hand over a note that starts `start` seconds from now."""
        now = time.perf_counter()
        self.play(note_id, Seconds(now + start), Seconds(now + start + length), 1, pitch, 80)

    def stats(self) -> Stats:
        """Ask for the counters; what was said before has been done when they come."""
        number = len(self.of(Stats)) + 1
        self.ping(number)
        wait_until(lambda: any(s.number == number for s in self.of(Stats)))
        return self.of(Stats)[-1]


@pytest.fixture
def start() -> Iterator[Callable[..., Ports]]:
    """Start port processes that are closed at the end."""
    started: list[Ports] = []

    def make(backend: str = "memory", **options: object) -> Ports:
        ports = Ports(backend, **options)
        started.append(ports)
        ports.open()
        return ports

    yield make
    for ports in started:
        ports.close()


def test_a_note_comes_out_whole(start: Callable[..., Ports]) -> None:
    """A note handed over goes out on, then off, at its times, and its lateness is told."""
    ports = start()
    ports.note(5, 0.05, 0.05)
    assert wait_until(lambda: ports.written == [ON(1, 60, 80), OFF(1, 60)])
    (sounded,) = ports.of(Sounded)
    assert sounded.id == 5
    assert 0 <= sounded.lateness < 0.03
    on, off = ports.of(Written)
    assert off.time - on.time == pytest.approx(0.05, abs=0.03)


def test_late_notes_are_told(start: Callable[..., Ports]) -> None:
    """A note handed over too late is dropped whole and told of."""
    ports = start()
    ports.note(1, -0.5, 1.0)
    assert wait_until(lambda: ports.of(Dropped) == [Dropped(1, Reason.LATE)])
    assert ports.stats().late == 1
    assert ports.written == []


def test_commands(start: Callable[..., Ports]) -> None:
    """Release, stop, send and panic reach the output; nonsense is counted and survived."""
    ports = start()
    for number in range(3):
        ports.note(number, 0.0, 60.0, 60 + number)
    ports.note(3, 60.0, 1.0, 70)
    assert wait_until(lambda: len(ports.written) == 3)
    ports.release(0, Seconds(0.0))
    assert wait_until(lambda: OFF(1, 60) in ports.written)
    ports.send(midi.control(1, 7, 9), Seconds(0.0))
    assert wait_until(lambda: midi.control(1, 7, 9) in ports.written)
    ports.stop(Seconds(0.0))
    assert wait_until(lambda: {OFF(1, 61), OFF(1, 62)} <= set(ports.written))
    ports.panic()
    assert wait_until(lambda: midi.control(1, 123, 0) in ports.written)
    ports.send(ON(1, 60, 1), Seconds(0.0))
    ports.play(9, Seconds(2.0), Seconds(1.0), 1, 60, 80)
    assert ports.stats().refused == 2
    ports.note(0, 0.0, 0.01)
    assert wait_until(lambda: ports.written[-2:] == [ON(1, 60, 80), OFF(1, 60)])


def test_thru_and_its_end(start: Callable[..., Ports]) -> None:
    """The player passes through and is heard; a key held when thru is turned off is released."""
    ports = start()
    ports.inject(ON(1, 60, 99))
    ports.configure(thru=False, channel_in=0)
    ports.inject(ON(1, 62, 99))
    ports.inject(OFF(1, 60))
    ports.stats()
    assert ports.written == [ON(1, 60, 99), OFF(1, 60)]
    assert ports.heard == [ON(1, 60, 99), ON(1, 62, 99), OFF(1, 60)]


def test_every_on_gets_its_off_across_the_pipe(start: Callable[..., Ports]) -> None:
    """With the player and the partner on the same keys at once, every key goes on, off, on, off
    and ends silent.
    """
    ports = start()
    now = time.perf_counter() + 0.05
    with busy(spin):
        for number in range(400):
            on = now + number * 0.002
            ports.play(number, Seconds(on), Seconds(on + 0.01), 1, 60 + number % 4, 80)
            ports.inject(ON(1, 60 + number % 5, 1 + number % 127))
            ports.inject(OFF(1, 60 + number % 5, number % 128))
        assert wait_until(lambda: len(ports.of(Sounded)) + len(ports.of(Dropped)) == 400)
    ports.close()
    sounding: set[int] = set()
    for message in ports.written:
        assert (message[1] in sounding) == (midi.kind(message) == midi.NOTE_OFF)
        sounding ^= {message[1]}
    assert not sounding


def test_close_silences(start: Callable[..., Ports]) -> None:
    """Closing ends what sounds, lifts the pedal, and the process ends with status 0."""
    ports = start()
    ports.note(1, 0.0, 60.0)
    ports.inject(midi.control(1, 64, 127))
    assert wait_until(lambda: len(ports.written) == 2)
    ports.close()
    assert set(ports.written[2:]) == {OFF(1, 60), midi.control(1, 64, 0)}
    assert ports.told[-1] == Ended(0, True)


@posix
def test_signals(start: Callable[..., Ports]) -> None:
    """The port process ignores Ctrl-C; SIGTERM makes it silence everything and end."""
    ports = start()
    ports.note(1, 0.0, 60.0)
    assert wait_until(lambda: len(ports.written) == 1)
    os.kill(ports.pid, signal.SIGINT)
    assert ports.stats().sounded == 1
    os.kill(ports.pid, signal.SIGTERM)
    assert wait_until(lambda: ports.of(Ended)) == [Ended(0, False)]
    assert ports.written == [ON(1, 60, 80), OFF(1, 60)]


@posix
def test_death_is_told_and_outlived(start: Callable[..., Ports]) -> None:
    """When the port process is killed the brain is told, hands over no notes, and can restart it
    with the same settings.
    """
    ports = start()
    ports.configure(thru=False, channel_in=0)
    os.kill(ports.pid, signal.SIGKILL)
    assert wait_until(lambda: ports.of(Ended)) == [Ended(-signal.SIGKILL, False)]
    assert not ports.play(1, Seconds(0), Seconds(1), 1, 60, 80)
    assert ports.dropped == 1
    assert ports.restart().backend == "memory"
    ports.inject(ON(1, 60, 9))
    ports.note(2, 0.0, 0.01, 72)
    assert wait_until(lambda: len(ports.written) == 2)
    assert ports.written == [ON(1, 72, 80), OFF(1, 72)]
    assert ports.heard == [ON(1, 60, 9)]


def test_the_port_process_is_light() -> None:
    """The port process loads neither torch nor numpy nor rich."""
    code = (
        "import sys, antiphon.ports.process, antiphon.ports.native;"
        "sys.exit(bool({'torch', 'numpy', 'rich', 'mido', 'pythonosc'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_measuring() -> None:
    """Lateness and thru are measured on the memory back end with every note accounted for."""
    late = measure_lateness(0.5, [spin])
    assert late.count + late.lost == 16
    assert measure_thru(50).thru.count == 50


def test_unknown_backend() -> None:
    """An unknown back end is refused with the choices named."""
    with pytest.raises((PortError, UsageError), match=r"auto.*got 'midi9'"):
        Ports("midi9").open()


def test_missing_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """JACK without a server is refused in one line that says what to do, and starts none."""
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "antiphon-nowhere")
    with pytest.raises(PortError, match="start a JACK server") as caught:
        Ports("jack").open()
    assert "\n" not in str(caught.value)


def test_names() -> None:
    """Ours are told from other ports however a back end spells them; the suffix is shared."""
    assert plain_name("Antiphon:Antiphon In 128:0") == "Antiphon In"
    assert plain_name("Antiphon In:Antiphon In") == "Antiphon In"
    assert free_names([]) == ("Antiphon In", "Antiphon Out")
    assert free_names(["Antiphon In"]) == ("Antiphon In 2", "Antiphon Out 2")
    assert free_names(["a:Antiphon Out 20:0", "Antiphon In 2"]) == (
        "Antiphon In 3",
        "Antiphon Out 3",
    )
    assert find_port("synth", ["Synth 2:a", "x:Synth"], "output") == 1
    assert find_port("NTH 2", ["Synth 2:a", "x:Synth"], "output") == 0


# -- over JACK -------------------------------------------------------------------------------


@pytest.mark.usefixtures("jack_server")
class TestJack:
    """The same over real ports."""

    def test_names_when_taken(self, start: Callable[..., Ports]) -> None:
        """A second instance gets the suffix 2, and the listing names what exists."""
        first, second = start("jack"), start("jack")
        assert (first.opened.inputs, first.opened.outputs) == (("Antiphon In",), ("Antiphon Out",))
        assert second.opened.inputs == ("Antiphon In 2",)
        assert second.opened.outputs == ("Antiphon Out 2",)
        listed = {entry.name: entry for entry in list_ports()}["jack"]
        assert listed.usable
        assert "Antiphon In 2" in {plain_name(port) for port in listed.outputs}
        assert "Antiphon Out" in {plain_name(port) for port in listed.inputs}

    def test_thru(self, start: Callable[..., Ports]) -> None:
        """Controllers, bend, pressure, programme changes and notes on MPE channels pass through
        unchanged and in order, and the brain hears them.
        """
        ports = start("jack")
        client = jack.Client("kbd", "Antiphon Out", "Antiphon In")
        messages = [b"\xb0\x4a\x11", b"\xd0\x22", b"\xe0\x01\x7f", b"\xc0\x05", b"\xa0\x3c\x09"]
        for channel in range(2, 16):
            messages += [ON(channel, 60, 90), bytes((0xDF + channel, 3, 64)), OFF(channel, 60, 5)]
        try:
            for message in messages:
                client.send(message)
            assert wait_until(lambda: len(client.taken) == len(messages))
            assert client.messages == messages
            assert wait_until(lambda: len(ports.heard) == len(messages))
            assert ports.heard == messages
        finally:
            client.close()

    def test_sysex_and_clock(self, start: Callable[..., Ports]) -> None:
        """System exclusive passes through; MIDI clock reaches the brain with its time."""
        ports = start("jack")
        client = jack.Client("daw", "Antiphon Out", "Antiphon In")
        try:
            before = time.perf_counter()
            for message in (b"\xf8", b"\xfa", b"\xf2\x04\x01", b"\xf0\x7d" + bytes(60) + b"\xf7"):
                client.send(message)
            assert wait_until(lambda: client.messages) == [b"\xf0\x7d" + bytes(60) + b"\xf7"]
            assert wait_until(lambda: len(ports.heard) == 3)
            assert ports.heard == [b"\xf8", b"\xfa", b"\xf2\x04\x01"]
            assert before < ports.of(Heard)[0].time < before + 1
        finally:
            client.close()

    def test_loop_is_cut(self, start: Callable[..., Ports]) -> None:
        """With our output connected to our own input, neither the partner's nor the player's
        notes come round again.
        """
        ports = start("jack")
        jack.connect("Antiphon Out:Antiphon Out", "Antiphon In:Antiphon In")
        ports.note(1, 0.05, 0.2, 60)
        ports.inject(ON(1, 72, 50))
        assert wait_until(lambda: ports.stats().echoes == 2)
        ports.inject(OFF(1, 72))
        assert wait_until(lambda: ports.stats().echoes == 4)
        assert sorted(ports.written) == sorted(
            [ON(1, 60, 80), OFF(1, 60), ON(1, 72, 50), OFF(1, 72)]
        )
        assert ports.heard == [ON(1, 72, 50), OFF(1, 72)]

    def test_existing_ports(self, start: Callable[..., Ports]) -> None:
        """Ports named by a part of their name are connected besides the virtual ones."""
        client = jack.Client("Grand")
        try:
            ports = start("jack", inputs=("grand OUT",), outputs=("grand in",))
            assert ports.opened.inputs == ("Antiphon In", "Grand out:Grand out")
            assert ports.opened.outputs == ("Antiphon Out", "Grand in:Grand in")
            client.send(ON(3, 40, 41))
            assert wait_until(lambda: ports.heard == [ON(3, 40, 41)])
            ports.note(1, 0.0, 0.01)
            expected = {ON(3, 40, 41), ON(1, 60, 80), OFF(1, 60)}
            assert wait_until(lambda: set(client.messages) == expected)
        finally:
            client.close()

    def test_unknown_port(self) -> None:
        """A port that is not there is refused in one line that names those that are."""
        client = jack.Client("Grand")
        try:
            with pytest.raises(PortError, match=r"'theremin'.*'Grand out:Grand out'") as caught:
                Ports("jack", inputs=("theremin",)).open()
            assert "\n" not in str(caught.value)
        finally:
            client.close()

    @pytest.mark.parametrize("way", ["kill", "killpg", "with a child that keeps the pipe"])
    def test_killed_brain(self, way: str) -> None:
        """When the brain is killed while notes sound, every note is off and the pedal up within
        100 ms, and the ports go away.
        """
        brain = subprocess.Popen(
            [sys.executable, "-c", BRAIN, str(int(way.startswith("with")))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        client = None
        try:
            assert brain.stdout.readline() == b"open\n"
            client = jack.Client("synth", "Antiphon Out", "Antiphon In")
            brain.stdin.write(b"play\n")
            brain.stdin.flush()
            client.send(midi.control(1, 64, 127))
            assert wait_until(lambda: len(client.taken) == 5)
            killed = time.perf_counter()
            (os.killpg if way == "killpg" else os.kill)(brain.pid, signal.SIGKILL)
            ends = {OFF(1, pitch) for pitch in range(60, 64)} | {midi.control(1, 64, 0)}
            assert wait_until(lambda: len(client.taken) == 10)
            assert set(client.messages[5:]) == ends
            assert client.taken[-1][0] - killed < 0.1
            assert wait_until(lambda: "Antiphon Out:Antiphon Out" not in (jack.ports() or []))
        finally:
            if client is not None:
                client.close()
            if way.startswith("with"):
                os.killpg(brain.pid, signal.SIGKILL)  # the child outlives the brain
            brain.kill()
            brain.communicate()


BRAIN = """
import os, sys, time
from antiphon.ports.base import PortOptions
from antiphon.ports.client import PortProcess

ports = PortProcess(PortOptions("jack"), lambda event: None)
ports.open()
if sys.argv[1] == "1" and os.fork() == 0:
    time.sleep(30)
    os._exit(0)
print("open", flush=True)
sys.stdin.readline()
now = time.perf_counter()
for number in range(4):
    ports.play(number, now + 0.05, now + 100, 1, 60 + number, 80)
time.sleep(30)
"""
