"""Which cells of a phrase flip, for how much each wants to and how far the variation is to go.

Drums take the flips that want most. Pitched phrases keep a balance besides: on every scale on
which a listener would miss it, what comes answers what goes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from antiphon_models.balance import Frame, in_balance
from antiphon_models.rolls import FloatArray, IntArray

NO_ROOM: Final = np.float32(-np.inf)
"""Score of a cell that must not flip."""

MOST: Final = 24
"""Most flips of a beat, on average over a phrase; as in training, where a window has 192."""

WINDOW: Final = 8
"""See :data:`antiphon_models.data.windows.WINDOW`."""

STEADY: Final = 6
"""The number of a pitched phrase's flips may be off by one part in so many, for the balance."""


def choose_flips(
    score: FloatArray, hit: FloatArray, wanted: float, frame: Frame | None = None
) -> FloatArray:
    """Choose the best flips up to a distance, see :func:`antiphon_models.gan.choose_flips`.

    Parameters
    ----------
    score, hit : ndarray
        (beats, SLOTS, rows).
    wanted : float
        Distance.
    frame : Frame, optional
        What to keep the balance over; the scores alone decide if not given.

    Returns
    -------
    ndarray
        (beats, SLOTS, rows): the hits after the flips.
    """
    flat = score.ravel()
    cells = np.flatnonzero(flat > NO_ROOM)
    return flip(hit, choose_cells(cells, flat[cells], hit, wanted, frame))


def flip(hit: FloatArray, cells: IntArray) -> FloatArray:
    """Return hits (beats, SLOTS, rows) of which some cells are flipped."""
    new = hit.copy().ravel()
    new[cells] = 1 - new[cells]
    return new.reshape(hit.shape)


def choose_cells(
    cells: IntArray, score: FloatArray, hit: FloatArray, wanted: float, frame: Frame | None = None
) -> IntArray:
    """Choose the best flips among some cells; returns the cells that flip, the best first.

    Parameters
    ----------
    cells, score : ndarray
        (cells,): those that may flip, and how much each wants to.
    hit : ndarray
        (beats, SLOTS, rows).
    wanted, frame
        As in :func:`choose_flips`.
    """
    if wanted <= 0:
        return cells[:0]
    most = MOST * max(len(hit), WINDOW)
    goes = hit.ravel()[cells] > 0
    if frame is None:
        some = _best(score, np.arange(len(cells)), most)
        order = some[np.argsort(-score[some], kind="stable")]
    else:
        if np.count_nonzero(~goes) > most:
            free = _best(score, np.flatnonzero(~goes), most)
            some = np.append(np.flatnonzero(goes), free)
            cells, score, goes = cells[some], score[some], goes[some]
        order, tilt = in_balance(cells, score, goes, hit.shape[-1], wanted, frame)
    total = 2 * np.count_nonzero(hit) + np.cumsum(1 - 2 * goes[order])
    apart = np.arange(1, len(order) + 1) / np.maximum(total, 1.0)
    off = np.abs(apart - wanted)
    count = int(off.argmin()) + 1 if len(order) else 0
    if frame is not None and count:  # a little nearer or farther, if the balance is better there
        first, last = count - 1 - count // STEADY, count + count // STEADY
        count = first + int((tilt + off)[first:last].argmin()) + 1
    return cells[order[:count]]


def _best(score: FloatArray, some: IntArray, most: int) -> IntArray:
    """Return the indices of a choice with the best scores, at most so many, in any order."""
    if len(some) <= most:
        return some
    found: IntArray = some[np.argpartition(-score[some], most - 1)[:most]]
    return found
