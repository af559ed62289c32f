"""The noise of variations: the only source of chance, the same for training and playing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from antiphon_models.rolls import SLOTS, FloatArray


def draw_noise(
    random: np.random.Generator,
    phase: npt.NDArray[np.floating],
    rows: int,
    width: int,
    sharing: float,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Draw the noise of one phrase.

    Parameters
    ----------
    random : numpy.random.Generator
        The source of chance.
    phase : ndarray
        (beats,): whole beats since the bar line; beats of one phase share noise.
    rows : int
        Rows of the roll.
    width : int
        Noise inputs of a beat.
    sharing : float
        0..1: the part of the variance that is common to all bars.

    Returns
    -------
    noise, cells, chance : ndarray
        (beats, width), unit normal; (beats, SLOTS, rows), logistic, which decides on hits;
        (beats, SLOTS, rows, 2), Laplace with a mean deviation of 1, which moves velocities and
        offsets.
    """
    beats, shape = len(phase), (SLOTS, rows)
    where = phase.astype(np.int64)
    period = int(where.max(initial=0)) + 1

    def mixed(draw: Callable[[tuple[int, ...]], FloatArray], size: tuple[int, ...]) -> FloatArray:
        found = np.zeros((beats, *size), np.float32)
        if sharing > 0:
            found += np.float32(sharing**0.5) * draw((period, *size))[where]
        if sharing < 1:
            found += np.float32((1 - sharing) ** 0.5) * draw((beats, *size))
        return found

    return (
        mixed(lambda size: random.standard_normal(size, np.float32), (width,)),
        mixed(lambda size: _logistic(random, size), shape),
        mixed(lambda size: _laplace(random, size), (*shape, 2)),
    )


def _laplace(random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    size = random.standard_exponential(shape, np.float32)
    found: FloatArray = np.copysign(size, random.random(shape, np.float32) - np.float32(0.5))
    return found


def _logistic(random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    u = random.random(shape, np.float32) * np.float32(1 - 2e-6) + np.float32(1e-6)
    found: FloatArray = np.log(u) - np.log1p(-u)
    return found
