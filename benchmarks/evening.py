"""An evening on stage: does the daemon still answer after it, has it grown, does a note hang?

Start a JACK server first (``jackd -d dummy`` will do), then run
``python benchmarks/evening.py --minutes 60``. A keyboard of ours plays phrases, chords, runs and
pedalled notes, plays on over the answers, holds keys for bars, bends and sweeps; meanwhile knobs
are turned by the dozen, the mode changes, and panic is pressed, all drawn from ``--seed``. Memory
is the resident memory of all of the daemon's processes; Linux only.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import ThreadingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

from antiphon import midi
from antiphon.params import TABLE
from calls import Taken, connect, hanging

OSC = 7461
CHANNEL = 2
"""Where the partner plays; what passes through stays on the first."""

KEPT = ("thru", "latency", "channel/in", "channel/out")
TURNED = [param for param in TABLE if param.name not in KEPT]
PATIENCE = 12.0
"""Seconds after a call in which an answer has to begin: longer than the longest bar and a beat."""


class Evening:
    """A keyboard, a hand on the knobs, and what came of it."""

    def __init__(self, seed: int, keys: Any, knobs: SimpleUDPClient, taken: Taken) -> None:
        self._random, self._keys, self._knobs, self._taken = random.Random(seed), keys, knobs, taken
        self._down: set[int] = set()
        self.calls = self.answered = self.panics = self.turned = 0
        self.waits: list[float] = []
        self._acts: list[tuple[int, Callable[[], None]]] = [
            (10, self.call),
            (3, self.interrupt),
            (2, self.hold),
            (2, self.turn_knobs),
            (1, self.panic),
            (1, self.loop),
            (1, self.solo),
        ]

    def act(self) -> None:
        """Do something."""
        weights, acts = zip(*self._acts, strict=True)
        self._random.choices(acts, weights)[0]()

    def call(self) -> None:
        """Play a phrase and wait for the answer, and for its end."""
        self.play()
        self.calls += 1
        ended = time.perf_counter()
        while not (found := self._answers(ended)) and time.perf_counter() - ended < PATIENCE:
            time.sleep(0.005)
        if found:
            self.answered += 1
            self.waits.append(found - ended)
        time.sleep(self._random.uniform(1, 4))

    def _answers(self, since: float) -> float:
        """Return when the partner first struck a key after a time, or 0."""
        latest = (t for t, m in self._taken[-200:] if t > since and _struck(m))
        return next(latest, 0.0)

    def interrupt(self) -> None:
        """Play over the answer to a phrase."""
        self.play()
        time.sleep(self._random.uniform(1, 3))
        self.play()

    def hold(self) -> None:
        """Hold keys and the pedal for long, and bend."""
        self._press(self._random.sample(range(40, 80), 4))
        self._send(bytes((0xB0, 64, 127)))
        for _ in range(100):
            self._send(bytes((0xE0, self._random.randrange(128), self._random.randrange(128))))
            self._send(bytes((0xB0, 1, self._random.randrange(128))))
            time.sleep(0.04)
        self._release()
        self._send(bytes((0xB0, 64, 0)))

    def turn_knobs(self) -> None:
        """Turn knobs by the dozen, then set them where an answer can be heard."""
        for param in self._random.choices(TURNED, k=60):
            value = self._random.uniform(param.low, param.high)
            self._set(param.name, round(value) if param.whole else value)
            time.sleep(self._random.choice((0, 0, 0.02)))
            self.turned += 1
        for param in TURNED:
            self._set(param.name, param.default)
        self._set("bpm", self._random.uniform(80, 160))
        self._set("length", self._random.choice((4, 8)))

    def panic(self) -> None:
        """Press panic in the middle of an answer."""
        self.play()
        time.sleep(self._random.uniform(1, 3))
        self._knobs.send_message("/antiphon/panic", [])
        self.panics += 1

    def loop(self) -> None:
        """Play a phrase that is looped and varied for a while."""
        self._knobs.send_message("/antiphon/mode", "loop")
        self.play()
        time.sleep(self._random.uniform(4, 12))
        self._knobs.send_message("/antiphon/mode", "respond")

    def solo(self) -> None:
        """Let the partner play alone for a while."""
        self._knobs.send_message("/antiphon/mode", "solo")
        time.sleep(self._random.uniform(3, 8))
        self._knobs.send_message("/antiphon/mode", "respond")

    def play(self) -> None:
        """Play a phrase of single notes and chords, sometimes with the pedal."""
        root, pedal = self._random.randrange(48, 72), self._random.random() < 0.3
        beat = self._random.choice((0.4, 0.5, 0.6))
        if pedal:
            self._send(bytes((0xB0, 64, 127)))
        for _ in range(self._random.randrange(4, 24)):
            chord = self._random.choice((1, 1, 1, 2, 3))
            self._press(root + step for step in self._random.sample((0, 2, 4, 5, 7, 9, 11), chord))
            time.sleep(beat * self._random.choice((0.25, 0.5, 0.5, 1)))
            self._release()
        if pedal:
            self._send(bytes((0xB0, 64, 0)))

    def _press(self, pitches: Any) -> None:
        for pitch in pitches:
            self._send(midi.note_on(1, pitch, self._random.randrange(30, 120)))
            self._down.add(pitch)

    def _release(self) -> None:
        for pitch in self._down:
            self._send(midi.note_off(1, pitch))
        self._down.clear()

    def _send(self, message: bytes) -> None:
        self._keys.send_message(message)

    def _set(self, name: str, value: float) -> None:
        self._knobs.send_message(f"/antiphon/param/{name}", float(value))


def _struck(message: bytes) -> bool:
    return midi.kind(message) == midi.NOTE_ON and midi.channel(message) == CHANNEL


def memory(pid: int) -> float:
    """Return the resident memory of a process and all below it, in MB."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    children = " ".join(p.read_text() for p in Path(f"/proc/{pid}/task").glob("*/children"))
    return int(line.split()[1]) / 1024 + sum(memory(int(child)) for child in children.split())


def start() -> subprocess.Popen[str]:
    """Start the daemon and wait until it is ready."""
    words = ["-m", "antiphon", "play", "--backend", "jack", "--osc", f"127.0.0.1:{OSC}"]
    words += ["--set", f"channel/out={CHANNEL}"]
    antiphon = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)
    assert antiphon.stdout is not None
    if not antiphon.stdout.readline().startswith("ready"):
        raise SystemExit("antiphon is not ready; is a JACK server running?")
    return antiphon


def listen(knobs: SimpleUDPClient) -> tuple[ThreadingOSCUDPServer, list[tuple[Any, ...]]]:
    """Say hello, and keep the latest of what the daemon counts."""
    told: list[tuple[Any, ...]] = [()]
    dispatcher = Dispatcher()
    dispatcher.map("/antiphon/stats", lambda _, *values: told.__setitem__(0, values))
    server = ThreadingOSCUDPServer(("127.0.0.1", 0), dispatcher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    knobs.send_message("/antiphon/hello", [1, server.server_address[1], 0])
    return server, told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    taken: Taken = []
    antiphon = start()
    keys, synth = connect(taken)
    knobs = SimpleUDPClient("127.0.0.1", OSC)
    server, told = listen(knobs)
    evening = Evening(options.seed, keys, knobs, taken)
    evening.call()
    began, grown = time.monotonic(), [round(memory(antiphon.pid), 1)]
    while (passed := time.monotonic() - began) < 60 * options.minutes:
        evening.act()
        if passed > 60 * options.minutes / 10 * len(grown):
            grown.append(round(memory(antiphon.pid), 1))
        knobs.send_message("/antiphon/ping", [server.server_address[1]])
    grown.append(round(memory(antiphon.pid), 1))
    antiphon.send_signal(signal.SIGTERM)
    status = antiphon.wait(5)
    time.sleep(0.2)
    names = ("step_ms_p50", "step_ms_p99", "late_ms_p99", "late_notes", "dropped", "refused")
    result = {
        "minutes": options.minutes,
        "calls": evening.calls,
        "answered": evening.answered,
        "longest_wait_s": round(max(evening.waits), 2),
        "knobs_turned": evening.turned,
        "panics": evening.panics,
        "notes_of_the_partner": sum(_struck(message) for _, message in taken),
        "memory_mb": grown,
        "told": dict(zip(names, told[0], strict=False)),
        "hanging": hanging(taken),
        "exit_status": status,
    }
    del synth
    server.shutdown()
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
