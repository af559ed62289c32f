"""``antiphon.pd`` in a Pure Data of its own, without sound or window, for tests."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from antiphon.osc.codec import Argument, decode, encode

DEVICES = Path(__file__).resolve().parents[2] / "max_for_live"

OPEN = "open-"
"""What stands for ``$0-`` in a patch whose own names can be reached."""

WATCHED = (
    *("show-state", "show-name-scale", "show-name-mode"),
    *("show-on", "show-mode", "show-thru", "show-density"),
)
"""What of the panel is printed when the patch's own names can be reached."""

# Instance N hears what comes after N; `later` notes come at their time. What it says is printed
# after N or S and its number, notes with Pd's own time in milliseconds, which has no jitter.
INSTANCE = """#X obj 20 100 route later;
#X obj 20 130 pipe 0 0 0 0;
#X obj 20 160 pack 0 0 0;
#X obj 20 190 antiphon {receive} {daemon};
#X obj 20 220 t a b;
#X obj 20 250 timer;
#X obj 20 280 list append;
#X obj 20 310 print N{n};
#X obj 200 310 print S{n};"""
CORDS = (
    *((0, 0, 1, 0), (0, 1, 3, 0), (1, 0, 2, 0), (1, 1, 2, 1), (1, 2, 2, 2), (2, 0, 3, 0)),
    *((3, 0, 4, 0), (4, 1, 5, 1), (5, 0, 6, 1), (4, 0, 6, 0), (6, 0, 7, 0), (3, 1, 8, 0)),
)


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
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


@dataclass(frozen=True)
class Sounded:
    """One message of the first outlet."""

    pitch: int
    velocity: int
    channel: int
    ms: float


class Pd:
    """Pure Data with one `antiphon` for each daemon port given.

    Parameters
    ----------
    folder : Path
        Where the patch around, and what Pd prints, is kept.
    daemons : int
        The daemon's port, for each instance.
    bare : bool
        Whether the ports are left to the patch's defaults: a copy of it has ours there.
    """

    def __init__(self, folder: Path, *daemons: int, bare: bool = False) -> None:
        self._folder = folder
        self.control = free_port()
        self.receive = [free_port() for _ in daemons]
        self._patch = folder / "around.pd"
        around = self._around(daemons)
        if bare:
            copy = (DEVICES / "antiphon.pd").read_text()
            copy = copy.replace(" 7402;", f" {self.receive[0]};").replace(
                " 7401;", f" {daemons[0]};"
            )
            (folder / "antiphon.pd").write_text(copy)
            around = around.replace(f"antiphon {self.receive[0]} {daemons[0]};", "antiphon;")
        self._patch.write_text(around)
        self._printed = folder / f"printed-{self.control}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._start()

    def _start(self) -> None:
        self._out = self._printed.open("wb")
        self._process = start(self._patch, self._out)
        until(lambda: "READY: bang" in self.text)

    def save(self) -> None:
        """Let Pd save the patch around."""
        saved = self._folder / "saved.pd"
        self._socket.sendto(b"save;\n", ("127.0.0.1", self.control))
        until(lambda: saved.exists() and saved.read_text().endswith(";\n"))

    def open_again(self) -> None:
        """End Pd, and open what it saved."""
        self._stop()
        self._patch = self._folder / "saved.pd"
        self._start()

    def _stop(self) -> None:
        self._process.kill()
        self._process.wait(5)
        self._out.close()

    def _around(self, daemons: tuple[int, ...]) -> str:
        lines = [
            "#N canvas 0 0 450 400 12;",
            f"#X obj 20 20 netreceive -u {self.control};",
            f"#X obj 20 80 route {' '.join(map(str, range(len(daemons))))};",
            "#X obj 200 20 loadbang;",
            "#X obj 200 50 print READY;",
            f"#X msg 200 80 \\; pd-around.pd savetofile saved.pd {self._folder};",
            "#X obj 20 50 route save inside;",
            "#X obj 300 50 list;",
            "#X msg 300 80 \\; \\$1 \\$2;",
        ]
        cords = [
            "#X connect 0 0 5 0;",
            "#X connect 5 0 4 0;",
            "#X connect 5 1 6 0;",
            "#X connect 6 0 7 0;",
            "#X connect 5 2 1 0;",
            "#X connect 2 0 3 0;",
        ]
        for n, daemon in enumerate(daemons):
            lines.append(INSTANCE.format(n=n, receive=self.receive[n], daemon=daemon))
            first = 8 + 9 * n
            cords.append(f"#X connect 1 {n} {first} 0;")
            cords += [f"#X connect {first + a} {b} {first + c} {d};" for a, b, c, d in CORDS]
        number = 8 + 9 * len(daemons)
        for place, name in enumerate(WATCHED):
            lines += [f"#X obj 400 100 r {OPEN}{name};", f"#X obj 400 130 print {name};"]
            cords.append(f"#X connect {number + 2 * place} 0 {number + 2 * place + 1} 0;")
        return "\n".join([*lines, *cords]) + "\n"

    @property
    def text(self) -> str:
        """What Pd has printed so far."""
        return self._printed.read_text()

    def send(self, message: str, instance: int = 0) -> None:
        """Put a message, or a note as numbers, into an instance."""
        self._socket.sendto(f"{instance} {message};\n".encode(), ("127.0.0.1", self.control))

    def inside(self, name: str, value: str) -> None:
        """Send a value to one of the patch's own names, if it was opened with :func:`opened`."""
        self._socket.sendto(f"inside {OPEN}{name} {value};\n".encode(), ("127.0.0.1", self.control))

    def play(self, pitches: tuple[int, ...], every: int = 150, instance: int = 0) -> None:
        """Play notes one after another, `every` milliseconds, timed by Pd."""
        for place, pitch in enumerate(pitches):
            self.send(f"later {pitch} 90 1 {place * every}", instance)
            self.send(f"later {pitch} 0 1 {place * every + every // 2}", instance)

    def notes(self, instance: int = 0) -> list[Sounded]:
        """Return what an instance has played so far."""
        lines = re.findall(rf"^N{instance}: (.+)$", self.text, re.M)
        rows = [[float(word) for word in line.split()] for line in lines]
        return [Sounded(int(p), int(v), int(c), ms) for p, v, c, ms in rows]

    def said(self, instance: int = 0) -> list[str]:
        """Return the messages of an instance's second outlet so far."""
        return re.findall(rf"^S{instance}: (.+?) ?$", self.text, re.M)

    def hanging(self, instance: int = 0) -> set[tuple[int, int]]:
        """Return the keys (channel, pitch) that still sound.

        Fails if a key was struck while it sounded, or let go while it did not.
        """
        down: set[tuple[int, int]] = set()
        for note in self.notes(instance):
            key = note.channel, note.pitch
            assert (key in down) == (note.velocity == 0), f"{note} out of turn"
            down ^= {key}
        return down

    def end(self) -> None:
        """End it, and collect it."""
        self._stop()
        self._socket.close()


class Stand:
    """A UDP socket in the daemon's place, for what a daemon would not do when asked."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.02)
        self.port = int(self._socket.getsockname()[1])
        self.heard: list[tuple[str, tuple[object, ...]]] = []
        self.answers = True
        """Whether hello and ping are answered."""

    def tell(self, pd: Pd, name: str, *arguments: Argument) -> None:
        """Send a message to the first instance."""
        self._send(pd.receive[0], name, *arguments)

    def named(self, name: str) -> list[tuple[object, ...]]:
        """Return the arguments of what was heard under a name, and answer what wants it."""
        self._listen()
        return [arguments for heard, arguments in self.heard if heard == name]

    def meet(self, pd: Pd) -> None:
        """Wait until the first instance has told everything, and forget it."""
        until(lambda: self.named("mode"))
        until(lambda: "connected 1" in pd.said())
        self.heard.clear()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _listen(self) -> None:
        with contextlib.suppress(TimeoutError):
            while True:
                for message in decode(self._socket.recv(2048)):
                    assert message.problem is None
                    name = message.address.removeprefix("/antiphon/")
                    self.heard.append((name, message.arguments))
                    if name in ("hello", "ping") and self.answers:
                        port = message.arguments[1 if name == "hello" else 0]
                        self._send(int(port), "pong", 1, 1, 1)

    def _send(self, port: int, name: str, *arguments: Argument) -> None:
        self._socket.sendto(encode(f"/antiphon/{name}", *arguments), ("127.0.0.1", port))


def opened(folder: Path) -> str:
    """Put a copy of the patch whose own names can be reached into a folder; return its text."""
    text = (DEVICES / "antiphon.pd").read_text().replace("\\$0-", OPEN)
    (folder / "antiphon.pd").write_text(text)
    return text


def start(patch: Path, out: BinaryIO, *words: str) -> subprocess.Popen[bytes]:
    """Open a patch without sound, MIDI or window."""
    options = ["-nogui", "-noaudio", "-nomidi", "-noprefs", "-path", str(DEVICES), *words]
    return subprocess.Popen(["pd", *options, str(patch)], stdout=out, stderr=out)
