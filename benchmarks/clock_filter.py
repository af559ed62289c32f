"""How well MIDI clock is followed: jitter in, error of the beat out, and how fast.

Run ``python benchmarks/clock_filter.py``; all clocks are simulated, so it needs no MIDI.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Callable

from antiphon.music import Seconds
from antiphon.sync.midi_clock import MidiClock

Rows = list[tuple[float, float]]


def follow(
    bpm_at: Callable[[float], float], beats: int, jitter: float, seed: int = 0, lost: float = 0.0
) -> tuple[Rows, float]:
    """Return (beat, error in ms) after each tick, and the microseconds that a tick costs."""
    rng = random.Random(seed)
    clock = MidiClock(Seconds(0.0))
    clock.feed(Seconds(0.9), b"\xfa")
    times = [1.0]
    for tick in range(beats * 24 + 24):
        times.append(times[-1] + 60 / 24 / bpm_at(tick / 24))
    rows: Rows = []
    spent, now = 0.0, 0.0
    for tick in range(beats * 24):
        now = max(now + 1e-6, times[tick] + rng.uniform(-jitter, jitter))
        if tick > 24 and rng.random() < lost:
            continue
        before = time.thread_time()
        clock.feed(Seconds(now), b"\xf8")
        spent += time.thread_time() - before
        at = max(0, bisect_right(times, now) - 1)
        true = (at + (now - times[at]) / (times[at + 1] - times[at])) / 24
        error = (clock.tempo.beat_at(Seconds(now)) - true) * 6e4 / bpm_at(tick / 24)
        rows.append((tick / 24, error))
    return rows, spent / len(rows) * 1e6


def worst(rows: Rows, start: float) -> float:
    return max(abs(error) for beat, error in rows if beat > start)


def settled(rows: Rows, start: float, limit: float) -> float:
    """Return how many beats after `start` the error exceeded `limit` for the last time."""
    return max(
        (beat - start for beat, error in rows if beat > start and abs(error) > limit), default=0.0
    )


def main() -> None:
    print("steady tempo, uniform jitter: largest error of the beat (ms) from beat 2, 4, 8 on")
    for bpm in (60, 120, 200):
        for jitter in (0.5e-3, 2e-3, 4e-3):
            rows, cost = follow(lambda _, bpm=bpm: bpm, 40, jitter)
            figures = "  ".join(f"{worst(rows, beat):.2f}" for beat in (2, 4, 8))
            print(f"  {bpm:3} bpm  ±{jitter * 1e3:.1f} ms   {figures}   ({cost:.0f} µs a tick)")
    print("10 % of ticks lost, ±2 ms, 120 bpm, from beat 4 on")
    print(f"  {worst(follow(lambda _: 120, 40, 2e-3, lost=0.1)[0], 4):.2f} ms")
    print("tempo jump, ±2 ms: beats until within 3 ms for good, largest error after four beats")
    for old, new in ((90, 140), (140, 90), (60, 120), (120, 60), (120, 126), (120, 122)):
        rows, _ = follow(lambda beat, old=old, new=new: old if beat < 16 else new, 32, 2e-3)
        print(f"  {old:3} to {new:3} bpm   {settled(rows, 16, 3):.2f}   {worst(rows, 20):.2f} ms")
    print("ramps over 32 beats, ±2 ms: median and largest error from beat 8 on")
    for old, new in ((120, 140), (120, 90), (120, 180)):
        rows, _ = follow(
            lambda beat, old=old, new=new: old + (new - old) * min(1, max(0, (beat - 8) / 32)),
            48,
            2e-3,
        )
        errors = sorted(abs(error) for beat, error in rows if beat > 8)
        print(f"  {old:3} to {new:3} bpm   {errors[len(errors) // 2]:.2f}   {errors[-1]:.2f} ms")


if __name__ == "__main__":
    main()
