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

from antiphon_models.rolls import SLOTS, BoolArray, FloatArray, IntArray

NO_ROOM: Final = np.float32(-np.inf)
"""Score of a cell that must not flip."""

MOST: Final = 24
"""Most flips of a beat, on average over a phrase; as in training, where a window has 192."""

WINDOW: Final = 8
"""See :data:`antiphon_models.data.windows.WINDOW`."""

FIRST: Final = 2
"""Feature of a beat's position that tells whether it begins a bar."""

OCTAVE: Final = 12

SMALL: Final = 6
"""Notes of a phrase so small that a note goes only after one came: with it gone, less would be
left of the phrase than when its place was taken, and going farther would come nearer again."""


@dataclass(frozen=True, eq=False)
class Frame:
    """What the balance of a pitched phrase is kept over.

    Attributes
    ----------
    twins : sequence of tuple of int
        For each slot, counted through the phrase, those at its place in the bars beside it.
    most : int
        Notes that may be struck at once.
    kinds : ndarray
        (all cells,): bar and pitch class of each, as one number.
    struck, classes, agreement : list of int
        Of the phrase: notes in each slot; notes of each bar and pitch class; twins of each slot
        that have an onset, less those that have none.
    """

    twins: Sequence[tuple[int, ...]]
    most: int
    kinds: IntArray
    struck: list[int]
    classes: list[int]
    agreement: list[int]


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
    valid = (position[:, -SLOTS:] > 0).tolist()
    twins: list[tuple[int, ...]] = []
    for beat, bar in enumerate(bars):
        place = beat - starts[bar]
        beside = [starts[b] + place for b in (bar - 1, bar + 1) if 0 <= b < len(starts)]
        beside = [b for b in beside if b < len(bars) and abs(bars[b] - bar) == 1]
        twins += [
            tuple(b * SLOTS + slot for b in beside if valid[b][slot]) for slot in range(SLOTS)
        ]
    beats, _, rows = hit.shape
    struck = hit.reshape(beats * SLOTS, rows).sum(1).astype(int).tolist()
    bar_of = np.repeat(OCTAVE * np.array(bars), SLOTS * rows)
    kinds = bar_of + np.tile(np.arange(rows) % OCTAVE, beats * SLOTS)
    classes = np.bincount(kinds[hit.ravel() > 0], minlength=OCTAVE * len(starts)).tolist()
    agreement = [sum(1 if struck[twin] else -1 for twin in each) for each in twins]
    return Frame(twins, max(1, *struck), kinds, struck, classes, agreement)


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
        order = _in_balance(cells, score, goes, hit.shape[-1], wanted, frame)
    total = 2 * np.count_nonzero(hit) + np.cumsum(1 - 2 * goes[order])
    apart = np.arange(1, len(order) + 1) / np.maximum(total, 1.0)
    count = int(np.abs(apart - wanted).argmin()) + 1 if len(order) else 0
    return cells[order[:count]]


def _best(score: FloatArray, some: IntArray, most: int) -> IntArray:
    """Return the indices of a choice with the best scores, at most so many, in any order."""
    if len(some) <= most:
        return some
    found: IntArray = some[np.argpartition(-score[some], most - 1)[:most]]
    return found


def _in_balance(
    cells: IntArray, score: FloatArray, goes: BoolArray, rows: int, wanted: float, frame: Frame
) -> IntArray:
    """Order flips so that what comes answers what goes, up to the first that is too far.

    By their scores alone a melody would only lose notes: those that leave are few and sure,
    those that come are spread over many cells. Nor do scores, each cell's for itself, know that
    a bar has enough pitch classes by now, or that its rhythm has come nearer to its neighbour's
    than it was. So a flip has to wait while it would take one of these further from the phrase
    than one step (of the number of notes, one and a sixteenth of them):

    * how many notes there are; in a phrase of SMALL notes never fewer than the phrase has, so
      that what comes comes first;
    * how many pitch classes begin in a bar, over all bars;
    * in how many slots neighbouring bars agree on whether there is an onset.

    No slot ever has more than the frame's most.

    Parameters
    ----------
    cells, score, goes : ndarray
        (cells,): those that may flip, how much each wants to, and whether it is a note that
        goes; all notes of the phrase are among them.
    rows : int
        Rows of the roll.
    wanted, frame
        As in :func:`choose_flips`.

    Returns
    -------
    ndarray
        Indices of cells.
    """
    order = np.argsort(-score, kind="stable")
    ranked = cells[order]
    slot_of, kind_of = (ranked // rows).tolist(), frame.kinds[ranked].tolist()
    goes_of = goes[order].tolist()
    struck, classes, agreement = (
        each.copy() for each in (frame.struck, frame.classes, frame.agreement)
    )
    every = range(len(order))  # cells by rank
    both, comers = list(every), [rank for rank in every if not goes_of[rank]]
    goers = [rank for rank in every if goes_of[rank]]
    full: dict[int, list[int]] = {}
    size, most = len(goers), frame.most
    fewest, slack = -1 - size // 16 if size > SMALL else 0, 1 + size // 16
    more = richer = evener = 0
    chosen: list[int] = []
    while len(chosen) <= wanted * (2 * size + more):
        now, wait = both, both[:0]
        if more <= fewest:
            now, wait = comers, goers
        elif more >= slack:
            now, wait = goers, comers
        best = spare = -1
        crowded = []
        for rank in now:
            slot, leaves = slot_of[rank], goes_of[rank]
            if not leaves and struck[slot] >= most:
                crowded.append(rank)
                continue
            step = -1 if leaves else 1
            if (step * richer > 0 and classes[kind_of[rank]] == leaves) or (
                evener and struck[slot] == leaves and step * evener * agreement[slot] > 0
            ):
                spare = rank if spare < 0 else spare
            else:
                best = rank
                break
        if best < 0:  # whatever flips now tips a balance, that of the notes last
            free = (rank for rank in wait if goes_of[rank] or struck[slot_of[rank]] < most)
            best = spare if spare >= 0 else next(free, -1)
            if best < 0:
                break
        for rank in crowded:
            full.setdefault(slot_of[rank], []).append(rank)
            both.remove(rank)
            comers.remove(rank)
        slot, kind, leaves = slot_of[best], kind_of[best], goes_of[best]
        both.remove(best)
        (goers if leaves else comers).remove(best)
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
        chosen.append(best)
        for rank in full.pop(slot, ()) if leaves else ():
            insort(both, rank)
            insort(comers, rank)
    found: IntArray = order[np.array(chosen, np.int64)]
    return found
