"""A phrase that is to be varied, and how its notes are alike.

Needs only numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from antiphon_models.balance import Frame
from antiphon_models.rolls import BoolArray, FloatArray, IntArray

TIGHT: Final = 0.02
"""Offsets smaller than this many sixteenths are none: the phrase is on the grid."""


@dataclass(frozen=True, eq=False)
class Manner:
    """How the notes of a phrase are alike; a variation's are alike in the same way.

    Attributes
    ----------
    velocity : float or None
        Of all notes, if it is the same.
    on_grid : bool
        Whether no note is off it.
    durations : ndarray
        All that occur, rising, as in LONGEST.
    """

    velocity: float | None
    on_grid: bool
    durations: FloatArray


@dataclass(frozen=True, eq=False)
class Prepared:
    """A phrase that is to be varied: what does not change from one variation to the next.

    Attributes
    ----------
    hit : ndarray
        (beats, SLOTS, rows).
    own, usual : ndarray
        (all cells, 2): velocity and offset, those of the cell itself, and those that what the
        network says is added to.
    duration : ndarray
        (all cells,).
    exists, entered : ndarray
        (beats, 1), (beats, width): which beats exist, and the first layer without noise.
    sign, stays : ndarray
        (all cells,): -1 where there is a note, else 1; how much rather notes stay than go.
    valid : ndarray of bool
        (all cells,): where a note can be.
    shut : ndarray
        (all cells,): 0 where one may come, else NO_ROOM.
    size : int
        Notes.
    manner : Manner
        How notes are alike.
    frame : Frame or None
        What the balance is kept over.
    """

    hit: FloatArray
    own: FloatArray
    usual: FloatArray
    duration: FloatArray
    exists: FloatArray
    entered: FloatArray
    sign: FloatArray
    stays: FloatArray
    valid: BoolArray
    shut: FloatArray
    size: int
    manner: Manner
    frame: Frame | None


def manner_of(
    hit: FloatArray, velocity: FloatArray, offset: FloatArray, duration: FloatArray
) -> Manner:
    """Return the manner of a phrase, all (beats, SLOTS, rows); one note alone has none."""
    notes = hit > 0
    loud = velocity[notes]
    alike = len(loud) > 1 and float(np.ptp(loud)) == 0.0
    return Manner(
        float(loud[0]) if alike else None,
        bool((np.abs(offset[notes]) < TIGHT).all()),
        np.unique(duration[notes]),
    )


def in_manner(
    phrase: Prepared, cells: IntArray, felt: FloatArray, duration: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Let a roll's notes be alike in the way that those of the phrase are.

    It is what :mod:`antiphon_models.notation` does with notes: one velocity stays one, what is
    on the grid stays on it, and new notes are as long as one of the phrase. Returns velocity,
    offset and duration of the cells.
    """
    manner = phrase.manner
    velocity, offset = felt.T
    if manner.velocity is not None:
        velocity = np.full_like(velocity, manner.velocity)
    if manner.on_grid:
        offset = np.where(phrase.sign[cells] < 0, phrase.own[cells, 1], 0)
    if len(manner.durations):
        between = (manner.durations[1:] + manner.durations[:-1]) / 2
        duration = manner.durations[np.searchsorted(between, duration)]
    return velocity, offset, duration


def inherited(phrase: Prepared, cells: IntArray, duration: FloatArray) -> FloatArray:
    """Give the notes that come the durations of those that go, the longest to the longest.

    Each note's duration by itself would tend to the usual, and grace notes would die out.

    Parameters
    ----------
    phrase : Prepared
        The phrase.
    cells : ndarray
        (notes,): where a variation strikes, rising.
    duration : ndarray
        (notes,): how long each would be by itself; of those that come only the order counts.

    Returns
    -------
    ndarray
        (notes,): durations, as in LONGEST.
    """
    sign = phrase.sign[cells]
    new = np.flatnonzero(sign > 0)
    if not (len(new) and phrase.size):
        return duration
    goes = phrase.sign < 0
    goes[cells] = False
    left = phrase.duration[goes]
    # Which is left out, or comes twice, is as good as chance: the same ones would tip the balance.
    shift = float(cells[new].sum() % 97) / 97
    if len(new) > len(left):  # those too many are as long as any
        usual = np.sort(phrase.duration[phrase.sign < 0])
        left = np.append(left, _spread(usual, len(new) - len(left), shift))
    found = duration.copy()
    found[new[np.argsort(duration[new], kind="stable")]] = _spread(np.sort(left), len(new), shift)
    return found


def _spread(values: FloatArray, count: int, shift: float) -> FloatArray:
    """Return so many values, spread evenly over others that rise; `shift` (0..1) moves them."""
    place = (np.arange(count) + shift) / count * len(values)
    picked: FloatArray = values[place.astype(int)]
    return picked
