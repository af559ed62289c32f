"""The balance of a pitched phrase: what is kept while cells of it flip.

Scores are each cell's for itself, and what a listener misses first is between cells.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, sub
from typing import Final

import numpy as np

from antiphon_models.idiom import SCALES
from antiphon_models.rolls import SLOTS, BoolArray, FloatArray, IntArray

FIRST: Final = 2
"""Feature of a beat's position that tells whether it begins a bar."""

OCTAVE: Final = 12

SMALL: Final = 6
"""Notes of a phrase so small that a note goes only after one came: with it gone, less would be
left of the phrase than when its place was taken, and going farther would come nearer again."""

SHORT: Final = 12
"""Notes of a phrase so short that one out of its scale goes only after another came."""

CLOSING: Final = 2
"""Flips, besides one for each step that the balance is off, that are left for setting it right."""

BEST: Final = 64
"""Flips, the best, among which one is sought then."""

_SCALES_OF: Final = tuple(tuple(int(s) for s in SCALES[:, tone]) for tone in range(OCTAVE))
"""For each tone, whether it is in each scale."""


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
    fits : list of int
        Notes of the phrase in each of the 24 major and natural minor scales.
    """

    twins: Sequence[tuple[int, ...]]
    most: int
    kinds: IntArray
    struck: list[int]
    classes: list[int]
    agreement: list[int]
    fits: list[int]


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
    tones = np.bincount(kinds[hit.ravel() > 0] % OCTAVE, minlength=OCTAVE)
    fits = (SCALES @ tones).astype(int).tolist()
    return Frame(twins, max(1, *struck), kinds, struck, classes, agreement, fits)


def in_balance(
    cells: IntArray, score: FloatArray, goes: BoolArray, rows: int, wanted: float, frame: Frame
) -> tuple[IntArray, IntArray]:
    """Order flips so that what comes answers what goes, up to the first that is too far.

    By their scores alone a melody would only lose notes: those that leave are few and sure,
    those that come are spread over many cells. Nor do scores, each cell's for itself, know that
    a bar has enough pitch classes by now, that its rhythm has come nearer to its neighbour's
    than it was, or that every note is in one scale at last. So a flip has to wait while it would
    take one of these further from the phrase than one step (of the number of notes, one and a
    sixteenth of them):

    * how many notes there are; in a phrase of SMALL notes never fewer than the phrase has, so
      that what comes comes first;
    * how many pitch classes begin in a bar, over all bars;
    * in how many slots neighbouring bars agree on whether there is an onset;
    * how many notes are out of the phrase's scale; in a phrase of fewer than SHORT notes out of
      the scale that fits best by then, and never fewer than in the phrase.

    The last flips bring the latter three back to where they were, or steps of one would add up
    over many variations. No slot ever has more than the frame's most.

    Parameters
    ----------
    cells, score, goes : ndarray
        (cells,): those that may flip, how much each wants to, and whether it is a note that
        goes; all notes of the phrase are among them.
    rows : int
        Rows of the roll.
    wanted, frame
        As in :func:`antiphon_models.flips.choose_flips`.

    Returns
    -------
    ndarray, ndarray
        Indices of cells; after each of them, by how many steps the balance is off.
    """
    order = np.argsort(-score, kind="stable")
    ranked = cells[order]
    kinds = frame.kinds[ranked]
    slot_of, kind_of, goes_of = (ranked // rows).tolist(), kinds.tolist(), goes[order].tolist()
    change_of = (kinds % OCTAVE + OCTAVE * goes[order]).tolist()  # which tone comes, or goes
    struck, classes, agreement = (
        each.copy() for each in (frame.struck, frame.classes, frame.agreement)
    )
    fits = frame.fits
    every = range(len(order))  # cells by rank
    both, comers = list(every), [rank for rank in every if not goes_of[rank]]
    goers = [rank for rank in every if goes_of[rank]]
    full: dict[int, list[int]] = {}
    size, most = len(goers), frame.most
    strangers = size - max(fits)
    fewest, slack = -1 - size // 16 if size > SMALL else 0, 1 + size // 16
    oddest, rich_counts = (0, 1) if size < SHORT else (-1, 2)
    more = richer = evener = odd = 0
    odder: dict[int, int] = {}  # how many more notes out of the scale a change makes
    if size >= SHORT:  # a few flips do not change what scale it is
        own = fits.index(max(fits))
        for tone, scales in enumerate(_SCALES_OF):
            odder[tone] = 1 - scales[own]
            odder[tone + OCTAVE] = scales[own] - 1

    def learn(change: int) -> int:
        step, tone = (-1, change - OCTAVE) if change >= OCTAVE else (1, change)
        best = max(map(add if step > 0 else sub, fits, _SCALES_OF[tone]))
        odder[change] = size + more + step - best - strangers - odd
        return odder[change]

    chosen: list[int] = []
    tilt: list[int] = []
    while len(chosen) <= wanted * (2 * size + more):
        now, wait = both, both[:0]
        if more <= fewest:
            now, wait = comers, goers
        elif more >= slack:
            now, wait = goers, comers
        best = spare = -1
        crowded = []
        off = rich_counts * abs(richer) + abs(evener) + abs(odd)
        left = wanted * (2 * size + more) - len(chosen)
        if off and size > SMALL and left < CLOSING + abs(richer) + abs(evener) + abs(odd):
            may_return = odd != 0
            for rank in now[:BEST]:
                slot, leaves = slot_of[rank], goes_of[rank]
                step, gain = -1 if leaves else 1, 0
                if classes[kind_of[rank]] == leaves:
                    gain = rich_counts if step * richer < 0 else -rich_counts
                if struck[slot] == leaves and agreement[slot]:
                    gain += abs(evener) - abs(evener + step * agreement[slot])
                # One note makes one stranger more or less, at most.
                if gain + may_return > 0 and (leaves or struck[slot] < most):
                    change = change_of[rank]
                    strange = odder[change] if change in odder else learn(change)
                    if gain + abs(odd) - abs(odd + strange) > 0:
                        best = rank
                        break
        for rank in now if best < 0 else ():
            slot, leaves = slot_of[rank], goes_of[rank]
            if not leaves and struck[slot] >= most:
                crowded.append(rank)
                continue
            step, change = -1 if leaves else 1, change_of[rank]
            strange = odder[change] if change in odder else learn(change)
            if (
                (strange and not oddest <= odd + strange <= 1)
                or (step * richer > 0 and classes[kind_of[rank]] == leaves)
                or (evener and struck[slot] == leaves and step * evener * agreement[slot] > 0)
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
        change = change_of[best]
        odd += odder[change] if change in odder else learn(change)
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
        if size < SHORT:
            fits = list(map(sub if leaves else add, fits, _SCALES_OF[change % OCTAVE]))
            odder.clear()
        chosen.append(best)
        tilt.append(abs(richer) + abs(evener) // 2 + abs(odd))
        for rank in full.pop(slot, ()) if leaves else ():
            insort(both, rank)
            insort(comers, rank)
    found: IntArray = order[np.array(chosen, np.int64)]
    return found, np.array(tilt, np.int64)
