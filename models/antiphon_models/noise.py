"""The noise of variations: the only source of chance, the same for training and playing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from antiphon_models.rolls import SLOTS, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class _Share:
    """A part of the noise: all of it that bars have in common, or all that each has alone.

    `weight` is what it counts for; `beat` (beats,) says which of the beats drawn each beat of
    the phrase has; `hits` (variations, drawn, cells) and `touch` (variations, drawn, cells, 2),
    of the cells of a beat, are uniform: of so many, few are ever looked at.
    """

    weight: np.float32
    beat: IntArray
    hits: FloatArray
    touch: FloatArray


class Noise:
    """The noise of some variations of one phrase.

    Parameters
    ----------
    inputs : ndarray
        (variations, beats, width), unit normal: what the generator hears.
    shares : sequence of _Share
        What decides on cells.
    rows : int
        Rows of the roll.
    """

    def __init__(self, inputs: FloatArray, shares: list[_Share], rows: int) -> None:
        self.inputs = inputs
        self._shares, self._rows = shares, rows

    def hits(self, number: IntArray, cells: IntArray) -> FloatArray:
        """Return what decides on hits: logistic, for each cell of the variation of a number."""
        beat, cell = np.divmod(cells, SLOTS * self._rows)
        drawn = [s.weight * _logistic(s.hits[number, s.beat[beat], cell]) for s in self._shares]
        return _sum(drawn)

    def touch(self, number: IntArray, cells: IntArray) -> FloatArray:
        """Return what moves velocities and offsets of cells, as :meth:`hits`.

        (cells, 2), Laplace with a mean deviation of 1.
        """
        beat, cell = np.divmod(cells, SLOTS * self._rows)
        drawn = [s.weight * _laplace(s.touch[number, s.beat[beat], cell]) for s in self._shares]
        return _sum(drawn)

    def whole(self, number: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the inputs of a variation, and what decides on each of its cells.

        (beats, width), (beats, SLOTS, rows) and (beats, SLOTS, rows, 2).
        """
        shape = (self.inputs.shape[1], SLOTS, self._rows)
        cells = np.arange(int(np.prod(shape)))
        one = np.full_like(cells, number)
        hits, touch = self.hits(one, cells), self.touch(one, cells)
        return self.inputs[number], hits.reshape(shape), touch.reshape(*shape, 2)


def draw_noise(
    random: np.random.Generator,
    phase: npt.NDArray[np.floating],
    rows: int,
    width: int,
    sharing: float,
    count: int = 1,
) -> Noise:
    """Draw the noise of variations of one phrase.

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
    count : int
        Variations.
    """
    where = phase.astype(np.int64)
    parts: list[tuple[np.float32, IntArray, int]] = []
    if sharing > 0:
        parts.append((np.float32(sharing**0.5), where, int(where.max(initial=0)) + 1))
    if sharing < 1:
        parts.append((np.float32((1 - sharing) ** 0.5), np.arange(len(where)), len(where)))
    cells, kind = SLOTS * rows, np.float32
    inputs = _sum(
        [
            weight * random.standard_normal((count, drawn, width), kind)[:, beat]
            for weight, beat, drawn in parts
        ]
    )
    hits = [random.random((count, drawn, cells), kind) for _, _, drawn in parts]
    touch = [random.random((count, drawn, cells, 2), kind) for _, _, drawn in parts]
    shares = [
        _Share(weight, beat, *each)
        for (weight, beat, _), *each in zip(parts, hits, touch, strict=True)
    ]
    return Noise(inputs, shares, rows)


def _sum(parts: list[Any]) -> FloatArray:
    found: FloatArray = parts[0]
    for part in parts[1:]:
        found = found + part
    return found


def _inside(uniform: FloatArray) -> FloatArray:
    """Keep numbers from 0 to 1 away from both."""
    return uniform * np.float32(1 - 2e-6) + np.float32(1e-6)


def _laplace(uniform: FloatArray) -> FloatArray:
    off = _inside(uniform) - np.float32(0.5)
    found: FloatArray = np.copysign(np.log1p(-2 * np.abs(off)), off)
    return found


def _logistic(uniform: FloatArray) -> FloatArray:
    u = _inside(uniform)
    found: FloatArray = np.log(u) - np.log1p(-u)
    return found
