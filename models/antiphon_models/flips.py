"""Which cells of a phrase flip, for how much each wants to and how far the variation is to go.

Drums take the flips that want most. Pitched phrases keep a balance besides: on every scale on
which a listener would miss it, what comes answers what goes.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from antiphon_models.rolls import SLOTS, FloatArray, IntArray

NO_ROOM: Final = np.float32(-np.inf)
"""Score of a cell that must not flip."""

MOST: Final = 24
"""Most flips of a beat, on average over a phrase; as in training, where a window has 192."""

WINDOW: Final = 8
"""See :data:`antiphon_models.data.windows.WINDOW`."""

FIRST: Final = 2
"""Feature of a beat's position that tells whether it begins a bar."""

OCTAVE: Final = 12

Flip = tuple[int, int, int, int, bool]
"""A cell that may flip: its rank, itself, its slot, its bar and pitch class as one number, and
whether it is a note that leaves."""


@dataclass(frozen=True)
class Frame:
    """What the balance of a pitched phrase is kept over.

    Attributes
    ----------
    bars : sequence of int
        The bar of each beat.
    twins : sequence of tuple of int
        For each slot, counted through the phrase, those at its place in the bars beside it.
    most : int
        Notes that may be struck at once.
    """

    bars: Sequence[int]
    twins: Sequence[tuple[int, ...]]
    most: int


def frame_of(hit: FloatArray, position: FloatArray) -> Frame:
    """Return the frame of a phrase.

    Parameters
    ----------
    hit : ndarray
        (beats, SLOTS, rows).
    position : ndarray
        (beats, POSITION).
    """
    bars = np.maximum(np.cumsum(position[:, FIRST] > 0) - 1, 0).tolist()
    starts = [bars.index(bar) for bar in range(bars[-1] + 1)]
    valid = position[:, -SLOTS:] > 0
    twins: list[tuple[int, ...]] = []
    for beat, bar in enumerate(bars):
        place = beat - starts[bar]
        beside = [starts[b] + place for b in (bar - 1, bar + 1) if 0 <= b < len(starts)]
        beside = [b for b in beside if b < len(bars) and abs(bars[b] - bar) == 1]
        twins += [
            tuple(b * SLOTS + slot for b in beside if valid[b, slot]) for slot in range(SLOTS)
        ]
    return Frame(bars, twins, max(int(hit.sum(-1).max(initial=0)), 1))


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
    if wanted <= 0:
        return hit.copy()
    flat, most = score.ravel(), MOST * max(len(score), WINDOW)
    cells = np.flatnonzero(flat > NO_ROOM)
    if frame is not None:
        keep = hit.ravel()[cells] > 0
        free = _best(flat, cells[~keep], most)
        order = _in_balance(flat, hit.ravel(), np.append(cells[keep], free), wanted, frame)
    else:
        order = _best(flat, cells, most)
        order = order[np.argsort(-flat[order], kind="stable")]
    total = 2 * hit.sum() + np.cumsum(1 - 2 * hit.ravel()[order])
    apart = np.arange(1, len(order) + 1) / np.maximum(total, 1.0)
    count = int(np.abs(apart - wanted).argmin()) + 1 if len(order) else 0
    new = hit.copy().ravel()
    new[order[:count]] = 1 - new[order[:count]]
    return new.reshape(hit.shape)


def _best(score: FloatArray, cells: IntArray, most: int) -> IntArray:
    """Return the cells of a choice with the best scores, at most so many, in any order."""
    if len(cells) <= most:
        return cells
    found: IntArray = cells[np.argpartition(-score[cells], most - 1)[:most]]
    return found


def _in_balance(
    score: FloatArray, hit: FloatArray, cells: IntArray, wanted: float, frame: Frame
) -> IntArray:
    """Order flips so that what comes answers what goes, up to the first that is too far.

    By their scores alone a melody would only lose notes: those that leave are few and sure,
    those that come are spread over many cells. Nor do scores, each cell's for itself, know that
    a bar has enough pitch classes by now, or that its rhythm has come nearer to its neighbour's
    than it was. So a flip has to wait while it would take one of these further from the phrase
    than one step (of the number of notes, one and a sixteenth of them):

    * how many notes there are;
    * how many pitch classes begin in a bar, over all bars;
    * in how many slots neighbouring bars agree on whether there is an onset.

    No slot ever has more than the frame's most.

    Parameters
    ----------
    score, hit : ndarray
        (all cells,).
    cells : ndarray
        Those that may flip.
    wanted, frame
        As in :func:`choose_flips`.
    """
    slots, row = np.divmod(cells, len(hit) // len(frame.twins))
    kinds = OCTAVE * np.array(frame.bars)[slots // SLOTS] + row % OCTAVE
    goes = hit[cells] > 0
    struck = np.bincount(slots[goes], minlength=len(frame.twins)).tolist()
    classes = np.bincount(kinds[goes], minlength=OCTAVE * (frame.bars[-1] + 1)).tolist()
    order = np.argsort(-score[cells], kind="stable")
    columns = [range(len(order)), *(each[order].tolist() for each in (cells, slots, kinds, goes))]
    queue: list[Flip] = list(zip(*columns, strict=True))
    full: dict[int, list[Flip]] = {}
    size, slack = 2 * int(goes.sum()), 1 + int(goes.sum()) // 16
    agreement = [sum(1 if struck[twin] else -1 for twin in twins) for twins in frame.twins]
    more = richer = evener = 0
    chosen: list[int] = []
    while len(chosen) <= wanted * (size + more):
        at, spare, last = 0, -1, -1
        while at < len(queue):
            _, _, slot, kind, leaves = queue[at]
            step = -1 if leaves else 1
            if not leaves and struck[slot] >= frame.most:
                full.setdefault(slot, []).append(queue.pop(at))
                continue
            if step * more >= slack:
                last = at if last < 0 else last
            elif (step * richer > 0 and classes[kind] == leaves) or (
                evener and struck[slot] == leaves and step * evener * agreement[slot] > 0
            ):
                spare = at if spare < 0 else spare
            else:
                break
            at += 1
        else:  # whatever flips now tips a balance, that of the notes last
            at = spare if spare >= 0 else last
            if at < 0:
                break
        _, cell, slot, kind, leaves = queue.pop(at)
        step = -1 if leaves else 1
        if classes[kind] == leaves:
            richer += step
        if struck[slot] == leaves:
            evener += step * agreement[slot]
            for twin in frame.twins[slot]:
                agreement[twin] += 2 * step
        struck[slot] += step
        classes[kind] += step
        more += step
        chosen.append(cell)
        for waited in full.pop(slot, ()) if leaves else ():
            insort(queue, waited)
    return np.array(chosen, np.int64)
