"""Call after call over JACK, as a player would: is each answered in time, in key, and whole?

Start a JACK server first (``jackd -d dummy`` will do), then run ``python benchmarks/calls.py``.
A keyboard of ours plays the scale of C major in eighths at 120 bpm into ``Antiphon In`` and
hears ``Antiphon Out``. The answers' start is compared with the grid that the call itself sets:
its first note is beat one of a bar.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from typing import Any

import rtmidi

from antiphon import midi
from antiphon.ports.measure import figures

BEAT = 0.5
BAR = 4 * BEAT
SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
MAJOR = {0, 2, 4, 5, 7, 9, 11}
LENGTH = 4

Taken = list[tuple[float, bytes]]


def start() -> subprocess.Popen[str]:
    """Start the daemon and wait until it is ready."""
    antiphon = subprocess.Popen(
        [
            *(sys.executable, "-m", "antiphon", "play", "--backend", "jack"),
            *("--osc", "127.0.0.1:0", "--set", "scale=1", "--set", f"length={LENGTH}"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert antiphon.stdout is not None
    if not antiphon.stdout.readline().startswith("ready"):
        raise SystemExit("antiphon is not ready; is a JACK server running?")
    return antiphon


def connect(taken: Taken) -> tuple[Any, Any]:
    """Open a keyboard that plays to Antiphon and an input that stamps what it sends."""
    keys = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="Caller")
    keys.open_port(["Antiphon In" in p for p in keys.get_ports()].index(True))
    synth = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="Caller")
    synth.set_callback(lambda event, _: taken.append((time.perf_counter(), bytes(event[0]))))
    synth.open_port(["Antiphon Out" in p for p in synth.get_ports()].index(True))
    return keys, synth


def call(keys: Any) -> float:
    """Play the scale, wait until the answer is over, and return when the call began."""
    began = time.perf_counter()
    for step in range(16):
        at = (step // 2 + 0.8 * (step % 2)) * BEAT / 2
        time.sleep(max(0.0, began + at - time.perf_counter()))
        message = midi.note_off if step % 2 else midi.note_on
        keys.send_message(message(1, SCALE[step // 2], 90))
    time.sleep(began + 2 * BAR + (LENGTH + 0.5) * BEAT - time.perf_counter())
    return began


def hanging(taken: Taken) -> int:
    """Count the keys that have not as many note-offs as note-ons."""
    balance: Counter[tuple[int, int]] = Counter()
    for _, message in taken:
        if midi.kind(message) in (midi.NOTE_ON, midi.NOTE_OFF):
            up = midi.kind(message) == midi.NOTE_OFF
            balance[midi.channel(message), message[1]] += -1 if up else 1
    return sum(count != 0 for count in balance.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    taken: Taken = []
    antiphon = start()
    keys, synth = connect(taken)
    off, lengths, pitches, answered = [], [], [], 0
    for _ in range(options.calls):
        began = call(keys)
        answer = [(t, m) for t, m in taken if t > began + 4.2 * BEAT]
        ons = [(t, m) for t, m in answer if midi.kind(m) == midi.NOTE_ON]
        if ons:
            answered += 1
            bars = (ons[0][0] - began) / BAR
            off.append(abs(bars - round(bars)) * BAR)
            lengths.append((answer[-1][0] - ons[0][0]) / BEAT)
            pitches += [m[1] for _, m in ons]
    antiphon.send_signal(signal.SIGTERM)
    status = antiphon.wait(5)
    time.sleep(0.2)
    result = {
        "calls": options.calls,
        "answered": answered,
        "notes": len(pitches),
        "in_key": sum(p % 12 in MAJOR for p in pitches) / max(1, len(pitches)),
        "off_the_bar_ms": {k: getattr(figures(off), k) for k in ("p50", "p99", "max")},
        "answer_beats": {"asked": LENGTH, "shortest": min(lengths), "longest": max(lengths)},
        "hanging": hanging(taken),
        "exit_status": status,
    }
    del synth
    print(json.dumps(result) if options.json else "\n".join(f"{k}: {v}" for k, v in result.items()))


if __name__ == "__main__":
    main()
