"""``antiphon.pd`` in a Pure Data of its own, without sound or window, for tests."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEVICES = Path(__file__).resolve().parents[2] / "max_for_live"

# Instance N hears what comes after N; what it says is printed after N or S and its number, notes
# with Pd's own time in milliseconds, which has no jitter.
INSTANCE = """#X obj 20 {y} antiphon {receive} {daemon};
#X obj 20 {y} t a b;
#X obj 20 {y} timer;
#X obj 20 {y} list append;
#X obj 20 {y} print N{n};
#X obj 20 {y} print S{n};
"""
CORDS = ((0, 0, 1, 0), (1, 1, 2, 1), (2, 0, 3, 1), (1, 0, 3, 0), (3, 0, 4, 0), (0, 1, 5, 0))


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
    """

    def __init__(self, folder: Path, *daemons: int) -> None:
        self.control = free_port()
        self.receive = [free_port() for _ in daemons]
        patch = folder / "around.pd"
        patch.write_text(self._patch(daemons))
        self._printed = folder / f"printed-{self.control}"
        self._out = self._printed.open("wb")
        self.process = start(patch, self._out)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        until(lambda: "READY: bang" in self.text)

    def _patch(self, daemons: tuple[int, ...]) -> str:
        routes = " ".join(map(str, range(len(daemons))))
        lines = [
            "#N canvas 0 0 450 300 12;",
            f"#X obj 20 20 netreceive -u {self.control};",
            f"#X obj 20 50 route {routes};",
            "#X obj 20 20 loadbang;",
            "#X obj 20 20 print READY;",
            "#X connect 0 0 1 0;",
            "#X connect 2 0 3 0;",
        ]
        boxes, cords = [], []
        for n, daemon in enumerate(daemons):
            boxes.append(INSTANCE.format(y=100, n=n, receive=self.receive[n], daemon=daemon))
            first = 4 + 6 * n
            cords.append(f"#X connect 1 {n} {first} 0;")
            cords += [f"#X connect {first + a} {b} {first + c} {d};" for a, b, c, d in CORDS]
        return "\n".join([*lines[:5], *(b.rstrip() for b in boxes), *lines[5:], *cords]) + "\n"

    @property
    def text(self) -> str:
        """What Pd has printed so far."""
        return self._printed.read_text()

    def send(self, message: str, instance: int = 0) -> None:
        """Put a message, or a note as numbers, into an instance."""
        self._socket.sendto(f"{instance} {message};\n".encode(), ("127.0.0.1", self.control))

    def notes(self, instance: int = 0) -> list[Sounded]:
        """Return what an instance has played so far."""
        lines = re.findall(rf"^N{instance}: (.+)$", self.text, re.M)
        rows = [[float(word) for word in line.split()] for line in lines]
        return [Sounded(int(p), int(v), int(c), ms) for p, v, c, ms in rows]

    def said(self, instance: int = 0) -> list[str]:
        """Return the messages of an instance's second outlet so far."""
        return re.findall(rf"^S{instance}: (.+?) ?$", self.text, re.M)

    def end(self) -> None:
        """End it, and collect it."""
        self._socket.close()
        self.process.kill()
        self.process.wait(5)
        self._out.close()


def start(patch: Path, out: object) -> subprocess.Popen[bytes]:
    """Open a patch without sound, MIDI or window."""
    options = ["-nogui", "-noaudio", "-nomidi", "-noprefs", "-path", str(DEVICES)]
    return subprocess.Popen(["pd", *options, str(patch)], stdout=out, stderr=out)  # type: ignore[call-overload, no-any-return]
