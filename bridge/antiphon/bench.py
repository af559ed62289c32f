"""``antiphon bench``: what this machine makes of Antiphon, in p50, p99 and max.

Four figures, each from the real parts: the network's step, the way from the end of a turn to
the answer's first note in hand, lateness of the output while inference runs, and what ``thru``
costs over a bare loopback.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import threading
import time
from dataclasses import asdict
from importlib import metadata
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from threadpoolctl import threadpool_info

from antiphon import __version__, midi
from antiphon import commands as c
from antiphon.daemon import Daemon, Options, load_player
from antiphon.model import Player
from antiphon.ports.base import PortOptions
from antiphon.ports.measure import measure_lateness, measure_thru, spin
from antiphon.stats import percentile, summary

STEP: Final = "antiphon_models.measure:measure_step"
"""Times steps of a network, as an import string: the bridge does not import the models."""

ROUNDS: Final = 3
"""The median of this many rounds is reported for lateness."""

SCALE: Final = (60, 62, 64, 65, 67, 69, 71, 72)


def add_bench_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon bench``."""
    add = parser.add_argument
    add("--json", action="store_true", help="print one JSON object")
    add("--seconds", type=float, default=10.0, help="length of each round of lateness (default 10)")
    add("--player", metavar="CKPT", help="checkpoint: a name of 'antiphon models', or a file")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")


def run_bench(args: argparse.Namespace) -> int:
    """Measure, and print a table or one JSON object."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("step", total=4)
        player = load_player(args.player, args.device)
        step = summary(_function(STEP)(player, 2000))
        progress.update(task, description="answer", advance=1)
        answer = summary(measure_answers(args.player, args.device))
        progress.update(task, description="lateness", advance=1)
        late = measure_late(player, args.seconds)
        progress.update(task, description="thru", advance=1)
        thru = _thru()
    figures: dict[str, Any] = {
        "antiphon": __version__,
        "machine": describe_machine(),
        "device": player.info.device,
        "arithmetic": player.info.arithmetic,
        "threads": _threads(),
        "torch": _torch_version(),
        "player": player.info.name,
        "step_ms": step,
        "input_to_answer_ms": answer,
        "late_ms": late,
        **thru,
    }
    if args.json:
        print(json.dumps(figures))
        return 0
    table = Table("figure", "p50", "p99", "max", title=describe_machine())
    for name in ("step_ms", "input_to_answer_ms", "late_ms", "thru_ms", "bare_loopback_ms"):
        if name in figures:
            table.add_row(name, *(f"{figures[name][key]:.3f}" for key in ("p50", "p99", "max")))
    Console().print(table)
    return 0


class Listener:
    """A face that waits for the first note of an answer."""

    def __init__(self) -> None:
        self.ports = ""
        self.played, self.idle, self.ready = threading.Event(), threading.Event(), threading.Event()
        self.at = 0.0

    def update(self, update: c.Update) -> None:
        """Take an update; any thread, returns at once."""
        if isinstance(update, c.Played) and not self.played.is_set():
            self.at = time.perf_counter()
            self.played.set()
        elif isinstance(update, c.Status):
            (self.idle.set if update.state is c.State.IDLE else self.idle.clear)()
            if update.model_ready:
                self.ready.set()

    def run(self, until: threading.Event) -> None:
        """Wait."""
        until.wait()


def measure_answers(player: str | None, device: str, count: int = 40) -> list[float]:
    """Time the way from the end of a turn to the answer's first note on its way out.

    The whole daemon runs on memory ports; the answer may start at once (no grid). Handing over
    waits for the 25 ms by which a start must be foreseeable; it is not part of the figure.

    Returns
    -------
    list of float
        Seconds, one for each of `count` turns.
    """
    listener, found = Listener(), []
    options = Options(
        ports=PortOptions(backend="memory"),
        osc=("127.0.0.1", 0),
        player=player,
        device=device,
        settings={"turn/quantize": 0.0, "turn/silence": 16.0, "length": 1.0},
        keep_bindings=False,
    )

    def turns(daemon: Daemon) -> None:
        listener.ready.wait(10)
        for _ in range(count):
            for pitch in SCALE:
                daemon.submit(c.Heard(daemon.now(), midi.note_on(1, pitch, 90)))
                daemon.submit(c.Heard(daemon.now(), midi.note_off(1, pitch)))
                time.sleep(0.02)
            listener.played.clear()
            listener.idle.clear()
            began = time.perf_counter()
            daemon.submit(c.EndTurn())
            if listener.played.wait(5):
                found.append(listener.at - began)
            listener.idle.wait(5)
        daemon.stop()

    Daemon(options, listener, quiet=True).run(turns)
    return found


def measure_late(player: Player, seconds: float) -> dict[str, float]:
    """Return lateness of output beside a stepping network and a Python loop, median of rounds."""
    step = _function(STEP)
    rounds = [
        asdict(measure_lateness(seconds, [lambda: step(player, 20), spin])) for _ in range(ROUNDS)
    ]
    return {key: percentile([r[key] for r in rounds], 0.5) for key in ("p50", "p99", "max")}


def describe_machine() -> str:
    """Name processor, cores and system in one line."""
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(line for line in file if "model name" in line).partition(":")[2].strip()
    except (OSError, StopIteration):
        pass
    return (
        f"{name}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    )


def _thru() -> dict[str, Any]:
    found = measure_thru()
    return {"thru_ms": asdict(found.thru), "bare_loopback_ms": asdict(found.bare)}


def _threads() -> int:
    """Return how many threads a matrix product may take."""
    pools = [p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas"]
    return max(pools, default=1)


def _torch_version() -> str | None:
    """Return the version of torch that is installed; it is not imported for this."""
    try:
        return metadata.version("torch")
    except metadata.PackageNotFoundError:
        return None


def _function(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)
