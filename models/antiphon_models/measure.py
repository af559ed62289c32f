"""How long one step takes: feed a note and draw the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from antiphon.model import Controls, Player, Window
from antiphon.music import TICKS_PER_BEAT, Meter, Ticks
from antiphon_models.network import weight_shapes
from antiphon_models.sampling import FloatArray

SHIPPED_SIZE: Final[dict[str, Any]] = {
    "width": 384,
    "layers": 2,
    "head_width": 256,
    "styles": ["one", "two", "three"],
}
"""The size of the shipped player."""

_NOTHING_ASKED: Final = Controls()
_WARM_UP: Final = 50
_AHEAD: Final = 64 * TICKS_PER_BEAT


def measure_step(
    player: Player,
    notes: int,
    clock: Callable[[], float] = time.perf_counter,
    controls: Controls = _NOTHING_ASKED,
) -> list[float]:
    """Time a player that goes on with its own notes.

    Parameters
    ----------
    player : Player
        Is begun anew.
    notes : int
        Steps to time, after some that are not.
    clock : callable
        Returns seconds; ``time.thread_time`` leaves out what other programs take.
    controls : Controls
        How it is asked to play.

    Returns
    -------
    list of float
        Seconds of each step: draw a note, feed it.
    """
    player.begin(Meter())
    random = np.random.default_rng(0)
    seconds = []
    onset = Ticks(0)
    for _ in range(_WARM_UP + notes):
        began = clock()
        event = player.sample(Window(onset, Ticks(onset + _AHEAD)), controls, random)
        player.feed(event)
        seconds.append(clock() - began)
        onset = event.onset
    return seconds[_WARM_UP:]


def measure_memory(player: Player, count: int) -> tuple[list[float], list[float]]:
    """Time going back: return the seconds that each snapshot and each restore took."""
    random, window = np.random.default_rng(0), Window(Ticks(0), Ticks(_AHEAD))
    saving, restoring = [], []
    for _ in range(count):
        began = time.perf_counter()
        state = player.snapshot()
        saved = time.perf_counter()
        player.feed(player.sample(window, Controls(), random))
        moved = time.perf_counter()
        player.restore(state)
        restoring.append(time.perf_counter() - moved)
        saving.append(saved - began)
    return saving, restoring


def measure_reference(count: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Time something that every machine can: a matrix-vector product of numpy.

    2048 x 1024 numbers in float32. Figures of
    two machines, or of two hours of a shared one, can be compared by it.
    """
    random = np.random.default_rng(0)
    matrix, vector = random.random((2048, 1024), np.float32), random.random(1024, np.float32)
    seconds = []
    for _ in range(count):
        began = clock()
        matrix.dot(vector)
        seconds.append(clock() - began)
    return seconds


def random_weights(config: Mapping[str, Any], seed: int = 0) -> dict[str, FloatArray]:
    """Return weights of a network that was never trained, for timing and tests."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in weight_shapes(config).items():
        if name.endswith("norm.weight"):
            weights[name] = np.ones(shape, np.float32)
        else:
            scale = 0.3 if name.startswith("embed.") else shape[-1] ** -0.5
            weights[name] = random.normal(0, scale, shape).astype(np.float32)
    return weights
