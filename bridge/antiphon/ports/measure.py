"""Measures the port process on this machine: how late notes are, how long thru takes.

Lateness is the hand-over of a note-on to the MIDI back end against its plan. Thru is timed
from outside over real ports, by turns with a bare relay (:mod:`antiphon.ports.relay`) between two
ports of the same kind; on the memory back end, from the message's stamp to its hand-over.
"""

from __future__ import annotations

import math
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final

from antiphon import midi
from antiphon.commands import Heard
from antiphon.errors import PortError
from antiphon.music import Seconds
from antiphon.output import Dropped, Sounded, Written
from antiphon.ports import link
from antiphon.ports.base import PortOptions, find_port
from antiphon.ports.client import PortProcess, Told
from antiphon.timebase import SWITCH_INTERVAL

AHEAD: Final = 0.100
"""Seconds before its time at which a note is handed to the port process."""

_SPACING: Final = 0.0625  # a sixteenth note at 240 bpm
_PATIENCE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Percentiles of a sample, in milliseconds."""

    p50: float
    p99: float
    max: float
    count: int
    lost: int = 0
    """Notes dropped, or messages that never arrived."""
    starved: int = 0
    """Notes that the brain, busy or not scheduled, handed over less than half of
    :data:`AHEAD` ahead; what they are late is not the port process's doing."""


@dataclass(frozen=True, slots=True)
class Thru:
    """How long a message takes from in to out, and through a bare relay beside it."""

    thru: Figures
    bare: Figures


def figures(seconds: Sequence[float], lost: int = 0, starved: int = 0) -> Figures:
    """Sum up a sample of times in seconds (nearest rank); not a number where it is empty."""
    if not seconds:
        return Figures(math.nan, math.nan, math.nan, 0, lost, starved)
    ranked = sorted(1000 * value for value in seconds)

    def rank(share: float) -> float:
        return ranked[max(0, math.ceil(share * len(ranked)) - 1)]

    return Figures(rank(0.5), rank(0.99), ranked[-1], len(ranked), lost, starved)


def matvec() -> Callable[[], object]:
    """Return one step of a stand-in for inference: a 2048 x 1024 matrix times a vector."""
    import numpy as np

    generator = np.random.default_rng(0)
    matrix = generator.standard_normal((2048, 1024), dtype=np.float32)
    vector = generator.standard_normal(1024, dtype=np.float32)
    return lambda: matrix @ vector


def spin() -> None:
    """Do a little pure-Python work, which holds the interpreter lock."""
    sum(range(1000))


@contextmanager
def busy(*steps: Callable[[], object]) -> Iterator[None]:
    """Repeat each step in a thread of its own for as long as the context lasts."""
    done = threading.Event()

    def repeat(step: Callable[[], object]) -> None:
        while not done.is_set():
            step()

    threads = [threading.Thread(target=repeat, args=(s,), daemon=True) for s in steps]
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)  # as the daemon does
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)


def measure_lateness(
    seconds: float,
    load: Sequence[Callable[[], object]] = (),
    backend: str = "memory",
) -> Figures:
    """Play answers for a while beside a load and tell how late their notes were.

    Parameters
    ----------
    seconds : float
        How long to play: two notes at once, a sixteenth apart at 240 bpm.
    load : sequence of callable
        Each is repeated in a thread of this process meanwhile (:func:`matvec`, :func:`spin`).
    backend : str
        As in ``--backend``, or ``memory``.

    Raises
    ------
    PortError
        If the ports cannot be opened.
    """
    late: list[float] = []
    dropped: list[int] = []
    starved = 0

    def tell(event: Told) -> None:
        """Note the lateness. Link thread."""
        if isinstance(event, Sounded):
            late.append(event.lateness)
        elif isinstance(event, Dropped):
            dropped.append(event.id)

    ports = PortProcess(PortOptions(backend=backend), tell)
    ports.open()
    try:
        with busy(*load):
            start = time.perf_counter() + 2 * AHEAD
            count = max(1, round(seconds / _SPACING))
            for number in range(count):
                on = start + number * _SPACING
                time.sleep(max(0.0, on - AHEAD - time.perf_counter()))
                starved += 2 * (on - time.perf_counter() < AHEAD / 2)
                for voice in (0, 1):
                    pitch = 48 + (number + 12 * voice) % 36
                    off = Seconds(on + 0.9 * _SPACING)
                    ports.play(2 * number + voice, Seconds(on), off, 1, pitch, 80)
            deadline = time.perf_counter() + AHEAD + _PATIENCE
            while len(late) + len(dropped) < 2 * count and time.perf_counter() < deadline:
                time.sleep(0.01)
    finally:
        ports.close()
    return figures(late, 2 * count - len(late), starved)


def measure_thru(count: int = 500, backend: str = "memory") -> Thru:
    """Send controllers through the port process and through a bare relay, by turns.

    Raises
    ------
    PortError
        If the ports cannot be opened.
    """
    events: SimpleQueue[Told] = SimpleQueue()
    ports = PortProcess(PortOptions(backend=backend, written=backend == "memory"), events.put)
    opened = ports.open()
    try:
        if opened.backend == "memory":
            return _thru_in_memory(ports, events, count)
        return _thru_over(opened, count)
    finally:
        ports.close()


def _distinct(number: int) -> bytes:
    """Return a message unlike those just before it, which would be taken for their echo."""
    return midi.control(1 + number // 128 % 16, 20, number % 128)


def _thru_in_memory(ports: PortProcess, events: SimpleQueue[Told], count: int) -> Thru:
    taken = []
    for number in range(count):
        ports.inject(_distinct(number))
        heard = written = None
        while heard is None or written is None:
            event = events.get(timeout=_PATIENCE)
            if isinstance(event, Heard):
                heard = event.time
            elif isinstance(event, Written):
                written = event.time
        taken.append(written - heard)
    return Thru(figures(taken), figures([0.0]))


def _thru_over(opened: link.Opened, count: int) -> Thru:
    """Time both ways over ports of the back end that is open, from this process."""
    if not opened.outputs:
        raise PortError(
            "expected MIDI ports to measure", f"back end '{opened.backend}' has none", "start JACK"
        )
    import rtmidi

    from antiphon.ports.native import APIS
    from antiphon.ports.relay import IN_NAME as RELAY_IN
    from antiphon.ports.relay import OUT_NAME as RELAY_OUT

    api = APIS[opened.backend]
    arrived: SimpleQueue[float] = SimpleQueue()

    def callback(event: tuple[list[int], float], data: object = None) -> None:
        """Stamp a message. The back end's thread; must not wait."""
        arrived.put(time.perf_counter())

    def client(kind: Any, name: str, port: str) -> Any:
        made = kind(api, name=name)
        made.open_port(find_port(port, made.get_ports(), "test"), name=name)
        if kind is rtmidi.MidiIn:
            made.set_callback(callback)
        return made

    relay = subprocess.Popen(
        [sys.executable, "-P", "-m", "antiphon.ports.relay", opened.backend],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert relay.stdout is not None
    relay.stdout.readline()
    clients = [
        client(rtmidi.MidiIn, "Antiphon bench 1", RELAY_OUT),
        client(rtmidi.MidiIn, "Antiphon bench 2", opened.outputs[0]),
        client(rtmidi.MidiOut, "Antiphon bench 3", RELAY_IN),
        client(rtmidi.MidiOut, "Antiphon bench 4", opened.inputs[0]),
    ]
    bare, through = clients[2:]
    chance = random.Random(0)
    taken: dict[bool, list[float]] = {True: [], False: []}
    lost = {True: 0, False: 0}
    try:
        for number in range(2 * count):
            is_thru = bool(number % 2)
            time.sleep(chance.uniform(0.004, 0.012))  # anywhere within a period of the server
            while not arrived.empty():
                arrived.get()
            sent = time.perf_counter()
            (through if is_thru else bare).send_message(_distinct(number // 2))
            try:
                taken[is_thru].append(arrived.get(timeout=_PATIENCE) - sent)
            except Empty:
                lost[is_thru] += 1
    finally:
        for made in clients:
            made.close_port()
            made.delete()
        relay.communicate()
    return Thru(figures(taken[True], lost[True]), figures(taken[False], lost[False]))
