"""Finds pieces that are the same music, or share much of it, by their fingerprints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from antiphon_models.data.fingerprint import Fingerprint, HashArray
from antiphon_models.events import IntArray

How = Literal["exact", "near", "related"]

COPY: Final = 0.5
"""Share of common hashes, with rhythm, from which a piece is a copy of another."""

SAME_WORK: Final = 0.1
"""Share of common hashes, without rhythm, from which two pieces are related."""

_LEAST: Final = 6
"""Common hashes below which a share says nothing."""

_CROWD: Final = 24
"""Pieces with one hash above which each is compared only with the first of them."""

_FIRST: Final = 8


@dataclass(frozen=True)
class Alike:
    """Two pieces that have music in common.

    Attributes
    ----------
    first, second : int
        Their indices, ascending.
    how : str
        ``exact``: the same in every note, whatever the key and the tempo. ``near``: a copy, but
        for some notes, or a part of the other. ``related``: editions, arrangements or
        performances of one work, or pieces that quote each other at length.
    share : float
        How much of the smaller one's hashes the other has, 0..1.
    """

    first: int
    second: int
    how: How
    share: float


def find_alike(prints: Sequence[Fingerprint]) -> list[Alike]:
    """Find the pairs of pieces that are the same music or share much of it.

    Of pieces that are exactly the same only the first is compared with others. Time and memory
    grow with the number of hashes and with the number of pairs found, not with that of pairs.

    Parameters
    ----------
    prints : sequence of Fingerprint
        Of all pieces, in order of preference: of a crowd the first are compared with all.

    Returns
    -------
    list of Alike
        In order of the indices.
    """
    original: dict[str, int] = {}
    found: dict[tuple[int, int], Alike] = {}
    for index, one in enumerate(prints):
        first = original.setdefault(one.exact, index)
        if first != index:
            found[first, index] = Alike(first, index, "exact", 1.0)
    others = sorted(original.values())
    for a, b, share in _shares([prints[i].rhythm for i in others], COPY):
        found[others[a], others[b]] = Alike(others[a], others[b], "near", share)
    for a, b, share in _shares([prints[i].line for i in others], SAME_WORK):
        pair = others[a], others[b]
        if pair not in found:
            found[pair] = Alike(*pair, "related", share)
    return [found[pair] for pair in sorted(found)]


def _shares(sketches: Sequence[HashArray], least: float) -> Iterator[tuple[int, int, float]]:
    """Yield the pairs of sketches that have enough in common, and how much."""
    sizes = np.array([len(sketch) for sketch in sketches], np.int64)
    if not sizes.sum():
        return
    hashes, owner = np.concatenate(list(sketches)), np.repeat(np.arange(len(sizes)), sizes)
    order = np.argsort(hashes, kind="stable")  # stable: the owners of a hash ascend
    hashes, owner = hashes[order], owner[order]
    starts = np.flatnonzero(np.concatenate([[True], hashes[1:] != hashes[:-1]]))
    counts = np.diff(np.append(starts, len(hashes)))
    codes = [
        left * len(sizes) + right
        for size in np.unique(counts[counts > 1]).tolist()
        for left, right in _pairs(owner, starts[counts == size], size)
    ]
    if not codes:
        return
    pair, common = np.unique(np.concatenate(codes), return_counts=True)
    left, right = pair // len(sizes), pair % len(sizes)
    share = common / np.minimum(sizes[left], sizes[right])
    enough = (common >= _LEAST) & (share >= least)
    yield from zip(
        left[enough].tolist(), right[enough].tolist(), share[enough].tolist(), strict=True
    )


def _pairs(owner: IntArray, starts: IntArray, size: int) -> Iterator[tuple[IntArray, IntArray]]:
    """Yield the pairs among the owners of hashes that `size` pieces have."""
    groups = owner[starts[:, None] + np.arange(size)]  # (hashes, size)
    # In a crowd the first are enough: copies of one piece have nearly all hashes in common.
    for left in range(size - 1 if size <= _CROWD else _FIRST):
        right = groups[:, left + 1 :]
        yield np.broadcast_to(groups[:, left, None], right.shape).ravel(), right.ravel()
