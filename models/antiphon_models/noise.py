"""The noise of variations: the only source of chance, the same for training and playing."""

from __future__ import annotations

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
    beats = len(phase)
    where = phase.astype(np.int64)
    period = int(where.max(initial=0)) + 1
    common, own = sharing**0.5, (1 - sharing) ** 0.5
    noise = common * random.normal(size=(period, width))[where]
    noise = noise + own * random.normal(size=(beats, width))
    shape = (SLOTS, rows)
    cells = common * _logistic(random, (period, *shape))[where]
    cells = cells + own * _logistic(random, (beats, *shape))
    chance = common * random.laplace(size=(period, *shape, 2))[where]
    chance = chance + own * random.laplace(size=(beats, *shape, 2))
    return noise.astype(np.float32), cells.astype(np.float32), chance.astype(np.float32)


def _logistic(random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    u = random.random(shape, np.float32) * np.float32(1 - 2e-6) + np.float32(1e-6)
    found: FloatArray = np.log(u) - np.log1p(-u)
    return found
