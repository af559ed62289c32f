"""What the device adds to the time of a note, run by the interpreter beside a real daemon.

Run ``python benchmarks/device_delay.py``. The shipped ``Antiphon.amxd`` runs in real time on real
UDP, a partner plays solo, and each note is timed from its datagram's arrival in the kernel: it is
due after the ``delay_ms`` that it carries, and what is counted is how much later its note-on leaves
``midiout``. The way in is timed from the first byte at ``midiin`` to the datagram's sending; both
together are summed worst with worst. Target: at most 3 ms at p99. Max's own scheduler (1 ms as it
comes) is not in it: no Max runs here; nor is how late a machine wakes what sleeps, because in the
last millisecond before something is due the stand does not.
"""

from __future__ import annotations

import argparse
import json
import platform
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

if __name__ == "__main__":
    for folder in ("tests/support", "max_for_live"):
        sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from daemon_process import Antiphon
from lateness import machine
from maxpatch import Clock, Device, Message, Udp, osc
from maxpatch.network import Address, Receive
from maxpatch.objects.base import Object
from maxpatch.objects.midi import NOTE_ON, Assembler, MidiOut
from real_stand import RealStand

SO_TIMESTAMPNS = 35
"""Linux: hand out the time at which the kernel took a datagram, see socket(7)."""

SOLO = {"Mode": 2.0, "Thru": 0.0, "Density": 0.9, "Length": 16.0}


class Stamped(Udp):
    """UDP that notes when each datagram came.

    Attributes
    ----------
    came : list of tuple
        Seconds of :func:`time.perf_counter`, and the datagram.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.came: list[tuple[float, bytes]] = []

    def bind(self, port: int, receive: Receive) -> bool:
        """Listen on a port; False when it is taken."""
        if not super().bind(port, receive):
            return False
        if platform.system() == "Linux":
            self._bound[port][0].setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        return True

    def take(self, listening: socket.socket) -> tuple[bytes, Address]:
        """Receive a datagram, and note its time."""
        data, extra, _, source = listening.recvmsg(65_536, 64)
        at = time.perf_counter()
        for level, kind, stamp in extra:
            if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                seconds, nanoseconds = struct.unpack("@qq", stamp[:16])
                at -= time.time() - (seconds + nanoseconds / 1e9)
        self.came.append((at, data))
        return data, source


def share(values: Sequence[float], part: float) -> float:
    """Return a percentile."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, round(part * (len(ranked) - 1)))]


def figures(values: Sequence[float]) -> dict[str, float]:
    """Return p50, p99 and max in ms."""
    return {
        "notes": len(values),
        "p50_ms": round(share(values, 0.5), 3),
        "p99_ms": round(share(values, 0.99), 3),
        "max_ms": round(max(values), 3),
    }


def way_in(stand: RealStand, device: Device, count: int) -> list[float]:
    """Return the milliseconds from a note's first byte to its datagram, note by note."""
    spent = []
    for note in range(count):
        began = time.perf_counter()
        device.note(60 + note % 12, 90)
        spent.append((time.perf_counter() - began) * 1000)
        device.note(60 + note % 12, 0)
        stand.time.run(5)
    return spent


def way_out(stand: RealStand, device: Device, network: Stamped, count: int) -> list[float]:
    """Return how many milliseconds after it was due each note of the partner left."""
    left: list[tuple[float, int, int]] = []
    bytes_out = Assembler()

    def note(to: Object, _inlet: int, what: Message) -> None:
        if isinstance(to, MidiOut) and (whole := bytes_out.feed(int(what.args[0]))):
            kind, _, (pitch, velocity) = whole
            if kind == NOTE_ON and velocity:
                left.append((time.perf_counter(), pitch, velocity))

    device.patch.trace = note
    network.came.clear()
    stand.time.until(lambda: len(left) >= count, 600_000)
    due: list[tuple[float, int, int]] = []
    for at, data in network.came:
        address, arguments = osc.decode(data)
        if address == "/antiphon/play":
            pitch, velocity, _, delay, _ = (int(value) for value in arguments)
            due.append((at + delay / 1000, pitch, velocity))
    late = []
    for at, pitch, velocity in left:
        planned = next((it for it in due if it[1:] == (pitch, velocity)), None)
        if planned is not None:
            due.remove(planned)
            late.append((at - planned[0]) * 1000)
    return late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--notes", type=int, default=300, help="notes each way")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RealStand() as stand:
        stand.network = stand.time.network = network = Stamped(stand.clock)
        daemon = Antiphon(Path(folder), "--backend", "none")
        try:
            device = stand.add(daemon.osc[1], SOLO)
            stand.time.until(lambda: device.value("Status") == 3, 60_000)
            out = way_out(stand, device, network, options.notes)
            device.patch.trace = None
            into = way_in(stand, device, options.notes)
        finally:
            daemon.kill()
    both = [a + b for a, b in zip(sorted(into), sorted(out), strict=False)]
    told = {"in": figures(into), "out": figures(out), "both": figures(both)}
    if options.json:
        print(json.dumps({"machine": machine(), **told}))
        return
    print(machine())
    for name, row in told.items():
        print(f"{name:5} " + "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
