"""What variations cost the player: its steps and first notes, with and without them beside it.

The worker answers one plan after another, as in play; in every other round it makes variations
without pause as well. Both are measured in one run, in turn, so that the machine's moods fall on
both alike. Also timed: 16 variations of a two-bar phrase, on one core, and, so that machines can be
compared, the product of a matrix of 2048 x 1024 numbers with a vector.

    python benchmarks/varying.py [--rounds 10] [--plans 40]
"""

from __future__ import annotations

import argparse
import threading
import time
from collections.abc import Iterator

import numpy as np

from antiphon import varying
from antiphon.model import Controls, Event
from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Phrase, Ticks, Voice
from antiphon.thinking import Begin, Feed, Plan, Planned
from antiphon.timebase import SWITCH_INTERVAL
from antiphon.worker import Worker
from antiphon_models.runtime import load_player
from antiphon_models.variation import NetworkVarier, load_varier

BAR = 192
TUNE = (60, 62, 64, 65, 67, 65, 64, 62, 60, 64, 67, 72, 71, 67, 64, 62)
DRUMS = ((36, 0.0), (42, 0.0), (42, 0.5), (38, 1.0), (42, 1.0), (42, 1.5), (36, 2.5), (38, 3.0))


def phrases() -> dict[str, Phrase]:
    """Return a two-bar tune, a two-bar beat, and both together."""
    tune = [Note(Beats(i / 2), p, 70 + i, Beats(0.5)) for i, p in enumerate(TUNE)]
    beat = [
        Note(Beats(4 * bar + at), pitch, 90, Beats(0.1), DRUM_CHANNEL, Voice.DRUMS)
        for bar in range(2)
        for pitch, at in DRUMS
    ]
    parts = {"drums": beat, "pitched": tune, "both": [*tune, *beat]}
    return {name: Phrase(tuple(notes)) for name, notes in parts.items()}


class Bench:
    """A worker, and the waiting for what it says."""

    def __init__(self, varier: NetworkVarier) -> None:
        self._first = threading.Event()
        self._done = threading.Event()
        self._generation = 0
        self.made = 0
        self.worker = Worker()
        self.seat = self.worker.seat(self._hear)
        self.worker.start()
        self.seat.take(load_player("player"))
        self.seat.submit(Begin(Meter()))
        self.seat.submit(varying.Equip(varier))

    def _hear(self, reply: object) -> None:
        if isinstance(reply, Planned):
            if reply.generation == self._generation:
                self._first.set()
            if not reply.notes:
                self._done.set()
        elif isinstance(reply, varying.Made):
            self.made += 1

    def plans(self, count: int, rest: float) -> Iterator[float]:
        """Ask for bars, one after another; yield the seconds until the first note of each."""
        for index in range(count):
            onset = Ticks(index * BAR)
            self.seat.submit(Feed(Event(onset, TUNE[index % len(TUNE)], 80, Voice.MELODY)))
            self._generation += 1
            self._first.clear()
            self._done.clear()
            start = Ticks(onset + BAR // 2)
            plan = Plan(
                self._generation, start, True, Ticks(onset + BAR), None, Controls(), (0, index)
            )
            time.sleep(rest)
            began = time.perf_counter()
            self.seat.submit(plan)
            self._first.wait(5)
            yield time.perf_counter() - began
            self._done.wait(5)


def show(name: str, seconds: list[float]) -> None:
    """Print the percentiles of some times."""
    p50, p99 = np.percentile(seconds, (50, 99)) * 1e3
    print(f"{name:<44} p50 {p50:7.3f}   p99 {p99:7.3f}   max {max(seconds) * 1e3:7.3f} ms")


def reference(count: int = 300) -> list[float]:
    """Time a product of a matrix and a vector that does not fit most caches, in seconds."""
    random = np.random.default_rng(0)
    matrix = random.random((2048, 1024), np.float32)
    vector = random.random(1024, np.float32)
    taken = []
    for _ in range(count):
        began = time.perf_counter()
        matrix @ vector
        taken.append(time.perf_counter() - began)
    return taken


def main() -> None:
    """Run the benchmark."""
    import sys

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10, help="rounds of each sort (default 10)")
    parser.add_argument("--plans", type=int, default=40, help="plans a round (default 40)")
    args = parser.parse_args()
    sys.setswitchinterval(SWITCH_INTERVAL)
    varier, phrase = load_varier(), phrases()
    for name, music in phrase.items():
        list(varier.variations(music, Beats(8), 0.4, 16, (0,)))
        for unit, clock in (("wall", time.perf_counter), ("cpu", time.thread_time)):
            taken = []
            for index in range(30):
                began = clock()
                list(varier.variations(music, Beats(8), 0.4, 16, (index,)))
                taken.append(clock() - began)
            show(f"16 variations of two bars, {name} ({unit})", taken)
    show("a matrix of 2048 x 1024 times a vector", reference())
    bench = Bench(varier)
    times: dict[str, list[float]] = {"alone": [], "beside variations": []}
    steps: dict[str, list[float]] = {"alone": [], "beside variations": []}
    for index in range(2 * args.rounds + 1):
        which = ("alone", "beside variations")[index % 2]
        endless = 10**9 if index % 2 else 1
        bench.seat.submit(
            varying.Vary(
                varying.Purpose.OFFER, index, phrase["both"], Beats(8), 0.4, endless, (index,)
            )
        )
        found = list(bench.plans(args.plans, 0.01))
        if index:  # the first round warms up
            times[which] += found
            steps[which] += bench.worker.step_seconds()[-args.plans * 4 :]
    for which, found in times.items():
        show(f"turn's end to first note, {which}", found)
    for which, found in steps.items():
        show(f"the player's step, {which}", found)
    print(f"{bench.made:,} variations were made beside the player")
    bench.worker.stop()


if __name__ == "__main__":
    main()
