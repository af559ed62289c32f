"""Pairs of windows of one piece: how musicians vary their own phrases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from antiphon_models.data.windows import Bars, make_batch
from antiphon_models.rolls import FloatArray, IntArray

BINS: Final = 10
"""Bins of the distance that partners are chosen from, so that near ones are not rare."""

PER_BIN: Final = 3
"""Partners kept of each bin."""

MOST: Final = 160
"""Windows of one piece that are compared; of longer pieces some are drawn."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Windows and their partners.

    Attributes
    ----------
    first : ndarray
        (windows,): first bar of each window that has a partner.
    partner : ndarray
        (windows, BINS, PER_BIN): first bars of partners by distance, or -1.
    """

    first: IntArray
    partner: IntArray

    def draw(self, random: np.random.Generator, count: int) -> tuple[IntArray, IntArray]:
        """Draw pairs, all distances that a window has being equally likely."""
        index = random.integers(0, len(self.first), count)
        there = (self.partner[index] >= 0).any(-1)  # (count, BINS)
        which = (random.random((count, BINS)) * there).argmax(1)
        among = self.partner[index, which]  # (count, PER_BIN)
        pick = (random.random((count, PER_BIN)) * (among >= 0)).argmax(1)
        return self.first[index], among[np.arange(count), pick]


def find_pairs(
    bars: Bars, seed: int, hop: int = 1, progress: Callable[[int], None] = lambda done: None
) -> Pairs:
    """Look for the partners of every window in its own piece; there may be none at all.

    Parameters
    ----------
    bars : Bars
        The music.
    seed : int
        Chooses among many.
    hop : int
        Bars between windows.
    progress : callable, optional
        Told how many windows are done.
    """
    random = np.random.default_rng(seed)
    windows = bars.windows(hop=hop)
    pieces = bars.piece[windows]
    firsts, partners = [], []
    edges = np.flatnonzero(np.diff(pieces)) + 1
    for own in np.split(windows, edges):
        if len(own) > MOST:
            own = np.sort(random.choice(own, MOST, replace=False))
        for length in np.unique(bars.length[own]):
            group = own[bars.length[own] == length]
            if len(group) > 1:
                apart = _distances(bars, group)
                firsts.append(group)
                partners.append(_choose(group, apart, random))
        progress(sum(map(len, firsts)))
    if not firsts:
        return Pairs(windows[:0], np.zeros((0, BINS, PER_BIN), np.int64))
    first, partner = np.concatenate(firsts), np.concatenate(partners)
    some = (partner >= 0).any((1, 2))
    return Pairs(first[some], partner[some])


def _distances(bars: Bars, group: IntArray) -> FloatArray:
    """Return the distances between windows of one piece, (windows, windows)."""
    hits = make_batch(bars, group).roll[..., 0].reshape(len(group), -1)
    size = hits.sum(1)
    common = hits @ hits.T
    apart: FloatArray = 1 - 2 * common / np.maximum(size[:, None] + size, 1)
    return apart


def _choose(group: IntArray, apart: FloatArray, random: np.random.Generator) -> IntArray:
    """Choose partners of each window from each bin of distances, at random."""
    partner = np.full((len(group), BINS, PER_BIN), -1, np.int64)
    bins = np.minimum((apart * BINS).astype(np.int64), BINS - 1)
    bins[(apart < 1e-6) | (apart > 0.98)] = -1
    for index in range(len(group)):
        order = random.permutation(len(group))
        for which in range(BINS):
            found = group[order[bins[index, order] == which][:PER_BIN]]
            partner[index, which, : len(found)] = found
    return partner
