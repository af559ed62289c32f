"""How much of some music stands in other music, note for note, in whatever key.

What makes two passages the same stands in :mod:`antiphon_models.passages`. Lengths, velocities
and microtiming do not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from antiphon_models.events import IntArray, Piece
from antiphon_models.passages import TOKENS, tokens


def longest_copies(queries: Sequence[Piece], library: Sequence[Piece]) -> IntArray:
    """Return the number of notes of the longest passage of each query that the library has.

    Parameters
    ----------
    queries, library : sequence of Piece
        Sorted pieces; passages lie within one piece of each.

    Returns
    -------
    ndarray
        (queries,): notes; 0 if not even two follow each other as in the library.
    """
    ours, theirs = _Text(queries), _Text(library)
    longest = np.zeros(len(queries), np.int64)
    # Places where passages of the present length begin, and their first tokens as one number.
    mine, other = np.arange(len(ours.tokens)), np.arange(len(theirs.tokens))
    key, their_key = ours.tokens, theirs.tokens
    length = 1
    while len(mine) and len(other):
        known = np.unique(key)
        name = np.searchsorted(known, their_key)
        match = known[np.minimum(name, len(known) - 1)] == their_key
        other, name = other[match], name[match]
        there = np.zeros(len(known), np.bool_)
        there[name] = True
        own = np.searchsorted(known, key)
        mine, own = mine[there[own]], own[there[own]]
        longest[ours.piece[mine]] = length + 1
        more, their_more = ours.left[mine] > length, theirs.left[other] > length
        mine, own, other, name = mine[more], own[more], other[their_more], name[their_more]
        key = own * TOKENS + ours.tokens[mine + length]
        their_key = name * TOKENS + theirs.tokens[other + length]
        length += 1
    return longest


class _Text:
    """Tokens of pieces end to end: to which piece each belongs, and how many it has left."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        parts = [tokens(p) for p in pieces]
        sizes = np.array([len(part) for part in parts], np.int64)
        self.tokens: IntArray = np.concatenate([np.zeros(0, np.int64), *parts])
        self.piece = np.repeat(np.arange(len(parts)), sizes)
        self.left = np.repeat(np.cumsum(sizes), sizes) - np.arange(len(self.tokens))


class Copied(NamedTuple):
    """Notes of the longest copied passages of many excerpts: their median, 95th percentile and
    the longest of all.
    """

    median: float
    p95: float
    longest: float


def sum_up(lengths: IntArray) -> Copied:
    """Sum up the longest passages of excerpts, (excerpts,)."""
    middle, high = np.percentile(lengths, [50, 95])
    return Copied(float(middle), float(high), float(lengths.max()))
