"""A bad night in one go: nonsense over OSC and MIDI, then the daemon is asked to play."""

from __future__ import annotations

import random
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import jack
from antiphon import commands, midi
from antiphon.bench import Listener
from antiphon.daemon import Daemon, Options
from antiphon.music import Beats
from antiphon.osc import addresses
from antiphon.osc.codec import encode
from antiphon.output import Written
from antiphon.ports.base import PortOptions
from daemon_process import Antiphon
from jack import jack_server, wait_until  # noqa: F401

DATAGRAMS = 100_000
MESSAGES = 10_000


def nonsense(chance: random.Random) -> bytes:
    """Make a datagram: a valid one damaged, or bytes of any kind."""
    if chance.random() < 0.3:
        return chance.randbytes(chance.randrange(0, 200))
    address = chance.choice([row.address for row in addresses.ROWS] + ["/antiphon/x", "#bundle"])
    values = [chance.choice([0, 1, -1, 2**31 - 1, 0.5, 1e30, "", "solo"]) for _ in range(4)]
    data = bytearray(encode(address, *values[: chance.randrange(5)]))
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(1, len(data) + 1)])


def random_message(chance: random.Random) -> bytes:
    """Make a well-formed channel message, or a clock byte."""
    if chance.random() < 0.1:
        return bytes((chance.choice((midi.CLOCK, midi.START, midi.CONTINUE, midi.STOP)),))
    status = chance.choice((0x80, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0)) | chance.randrange(16)
    size = midi.LENGTHS[status & 0xF0] - 1
    return bytes((status, *(chance.randrange(128) for _ in range(size))))


def resident(pid: int) -> int:
    """Return the memory of a process, in kB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


def test_nonsense_leaves_it_playing(jack_server: str, tmp_path: Path) -> None:  # noqa: F811
    """After 100,000 damaged datagrams and 10,000 random MIDI messages it answers, its ports are
    open, its memory has not grown, and every note-on that went out got one note-off.
    """
    chance = random.Random(20)
    antiphon = Antiphon(tmp_path, "--backend", "jack", "--set", "length=2")
    keyboard = jack.Client("Fuzz", hears="Antiphon Out", plays="Antiphon In")
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind(("127.0.0.1", 0))
    client.settimeout(0.5)
    pid = antiphon.process.pid

    def alive() -> bool:
        client.sendto(encode("/antiphon/ping", client.getsockname()[1]), antiphon.osc)
        try:
            while not client.recv(4096).startswith(b"/antiphon/pong"):
                pass
        except TimeoutError:
            return False
        return True

    try:
        sizes = []
        for part in range(10):
            for number in range(DATAGRAMS // 10):
                client.sendto(nonsense(chance), antiphon.osc)
                if number % 10 == 0:
                    keyboard.send(random_message(chance))
                if number % 50 == 0:
                    time.sleep(0.002)  # a flood, but one that the kernel's buffer can take
            assert wait_until(alive, 20), f"silent after part {part}"
            sizes.append(resident(pid))
        assert sizes[-1] - sizes[2] < 8_000, sizes
        assert antiphon.process.poll() is None
        assert {"Antiphon In", "Antiphon Out"} <= {p.rpartition(":")[2] for p in jack.ports() or ()}
        client.sendto(encode("/antiphon/panic"), antiphon.osc)
        client.sendto(encode("/antiphon/mode", "respond"), antiphon.osc)
        client.sendto(encode("/antiphon/param/turn/quantize", 0), antiphon.osc)
        client.sendto(encode("/antiphon/param/velocity", 1.0), antiphon.osc)
        assert wait_until(alive, 5)
        before = len(keyboard.taken)
        client.sendto(encode("/antiphon/generate", 4.0), antiphon.osc)
        played = wait_until(
            lambda: [m for m in keyboard.messages[before:] if midi.kind(m) == midi.NOTE_ON], 10
        )
        assert played, "it plays no more"
        status, _ = antiphon.end(signal.SIGTERM)
        assert status == 0
    finally:
        client.close()
        keyboard.close()
        antiphon.kill()


class Ledger(Daemon):
    """A daemon that keeps what its port process wrote."""

    def __init__(self, options: Options) -> None:
        self.written: list[bytes] = []
        super().__init__(options, Listener(), quiet=True)

    def _from_ports(self, told: object) -> None:
        if isinstance(told, Written):
            self.written.append(told.message)
        super()._from_ports(told)  # type: ignore[arg-type]


def test_whatever_is_played_every_note_on_gets_one_note_off() -> None:
    """10,000 random messages through the whole daemon, solo and thru together, leave as many
    note-offs as note-ons for every key, each after its own.
    """
    chance = random.Random(21)
    daemon = Ledger(
        Options(
            ports=PortOptions(backend="memory", written=True),
            osc=("127.0.0.1", 0),
            mode=commands.Mode.SOLO,
            keep_bindings=False,
        )
    )

    def riot(_: Daemon) -> None:
        for number in range(MESSAGES):
            daemon.inject(random_message(chance))
            if number % 1000 == 999:
                mode = chance.choice(commands.AVAILABLE)
                daemon.submit(commands.SetMode(mode=mode))
                daemon.submit(commands.Generate(beats=Beats(2.0)))
            if number % 20 == 0:
                time.sleep(0.005)
        daemon.stop()

    daemon.run(riot)
    sounding: Counter[tuple[int, int]] = Counter()
    played = 0
    for message in daemon.written:
        kind = midi.kind(message)
        if kind in (midi.NOTE_ON, midi.NOTE_OFF):
            key = (midi.channel(message), message[1])
            played += kind == midi.NOTE_ON
            sounding[key] += 1 if kind == midi.NOTE_ON else -1
            assert sounding[key] in (0, 1), key
    assert played > 1000
    assert not +sounding
