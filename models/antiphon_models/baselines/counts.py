"""Counts of symbols by context, and their interpolation: the arithmetic of the n-gram baseline.

A context is a hash of any number of columns. Orders are interpolated from the shortest context
to the longest with absolute discounting: with n(c, x) the count of x after c, D its discount
and p the distribution of the shorter contexts::

    p(x | c) = (n(c, x) - D(n(c, x)) + (sum_y D(n(c, y))) * p(x)) / n(c)

Discounts of counts 1, 2 and 3 or more are estimated from the counts of counts (Chen and Goodman
1999, equation 26). Everything works on whole arrays: keys are sorted once and found by bisection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon_models.events import PITCHES

Hashes = npt.NDArray[np.uint64]
IntArray = npt.NDArray[np.int64]
Probabilities = npt.NDArray[np.float32]

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SYMBOL_BITS: Final = np.uint64(8)
_WORD: Final = 2**64 - 1

CACHE_DISCOUNT: Final = 0.5
"""Discount of counts in the piece's own past (as PPMD; Howard 1993)."""


def hash_columns(*columns: npt.ArrayLike, size: int | None = None) -> Hashes:
    """Hash rows of integers to 56 bits.

    Parameters
    ----------
    columns : array_like of int
        Each (n,), or a number for all rows.
    size : int, optional
        Rows; needed only if there is no column that tells.
    """
    rows = size if size is not None else max(np.size(c) for c in columns)
    found = np.full(rows, 0x1234567, np.uint64)
    for column in columns:
        found ^= np.asarray(column, np.int64).astype(np.uint64)
        found *= _MULTIPLIER
        found ^= found >> np.uint64(31)
    return found >> _SYMBOL_BITS


def hash_row(*values: int) -> int:
    """Hash one row as :func:`hash_columns` does many."""
    found = 0x1234567
    for value in values:
        found = ((found ^ (value & _WORD)) * int(_MULTIPLIER)) & _WORD
        found ^= found >> 31
    return found >> int(_SYMBOL_BITS)


def expand(starts: IntArray, lengths: IntArray) -> tuple[IntArray, IntArray]:
    """List the members of ranges.

    Returns
    -------
    rows, members : ndarray
        For every member of range ``starts[i] : starts[i] + lengths[i]``, i and the member.
    """
    rows = np.repeat(np.arange(len(lengths)), lengths)
    firsts = np.cumsum(lengths) - lengths
    return rows, np.arange(len(rows)) + (starts - firsts)[rows]


@dataclass(frozen=True)
class Table:
    """Discounted counts of symbols (0..255) by context.

    Attributes
    ----------
    contexts : ndarray of uint64
        (contexts,), ascending.
    starts : ndarray
        (contexts + 1,): where each context's entries lie.
    symbols, values : ndarray
        (entries,): symbol, and (n - D) / n(c).
    shorter : ndarray
        (contexts,): share left to the shorter contexts.
    """

    contexts: Hashes
    starts: IntArray
    symbols: npt.NDArray[np.uint8]
    values: Probabilities
    shorter: Probabilities

    @classmethod
    def count(
        cls,
        contexts: Hashes,
        symbols: IntArray,
        discounts: tuple[float, float, float] | None = None,
    ) -> Table:
        """Count symbols by context.

        Parameters
        ----------
        contexts, symbols : ndarray
            (n,) each.
        discounts : tuple, optional
            Of counts 1, 2 and above; estimated if not given.
        """
        keys, counts = np.unique(
            (contexts << _SYMBOL_BITS) | symbols.astype(np.uint64), return_counts=True
        )
        of_key = keys >> _SYMBOL_BITS
        starts = np.flatnonzero(np.concatenate([[True], of_key[1:] != of_key[:-1]])[: len(keys)])
        if discounts is None:
            discounts = _estimate_discounts(counts)
        back = np.array([0.0, *discounts])[np.minimum(counts, 3)]
        if len(starts):
            total = np.add.reduceat(counts, starts)
            shorter = np.add.reduceat(back, starts) / total
        else:
            total, shorter = np.zeros(0, np.int64), np.zeros(0)
        lengths = np.diff(np.append(starts, len(keys)))
        return cls(
            contexts=of_key[starts],
            starts=np.append(starts, len(keys)),
            symbols=(keys & np.uint64(255)).astype(np.uint8),
            values=((counts - back) / np.repeat(total, lengths)).astype(np.float32),
            shorter=shorter.astype(np.float32),
        )

    def find(self, contexts: Hashes) -> tuple[IntArray, npt.NDArray[np.bool_]]:
        """Return the index of each context and whether it was seen."""
        if not len(self.contexts):
            return np.zeros(len(contexts), np.int64), np.zeros(len(contexts), np.bool_)
        at = np.minimum(np.searchsorted(self.contexts, contexts), len(self.contexts) - 1)
        return at, self.contexts[at] == contexts

    def interpolate(self, p: Probabilities, contexts: Hashes, offset: IntArray) -> None:
        """Put this order on top of shorter ones, in place.

        Parameters
        ----------
        p : ndarray
            (n, 128): distributions over pitches.
        contexts : ndarray
            (n,).
        offset : ndarray
            (n,): pitch = symbol + offset; pitches outside 0..127 lose their share.
        """
        at, seen = self.find(contexts)
        p *= np.where(seen, self.shorter[at] if len(self.shorter) else 1.0, 1.0)[:, None].astype(
            np.float32
        )
        rows_seen = np.flatnonzero(seen)
        at = at[rows_seen]
        rows, entries = expand(self.starts[at], self.starts[at + 1] - self.starts[at])
        rows = rows_seen[rows]
        pitch = self.symbols[entries] + offset[rows]
        inside = (pitch >= 0) & (pitch < PITCHES)
        p[rows[inside], pitch[inside]] += self.values[entries[inside]]

    def interpolate_at(
        self, p: npt.NDArray[np.float64], contexts: Hashes, symbols: IntArray
    ) -> None:
        """As :meth:`interpolate`, but p is (n,): only the probability of each true symbol."""
        at, seen = self.find(contexts)
        if not len(self.contexts):
            return
        p *= np.where(seen, self.shorter[at], 1.0)
        keys = np.repeat(self.contexts, np.diff(self.starts)) << _SYMBOL_BITS
        keys |= self.symbols.astype(np.uint64)
        wanted = (contexts << _SYMBOL_BITS) | symbols.astype(np.uint64)
        entry = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        p += np.where(keys[entry] == wanted, self.values[entry], 0.0)


def _estimate_discounts(counts: npt.NDArray[Any]) -> tuple[float, float, float]:
    one, two, three, four = (max(int((counts == k).sum()), 1) for k in (1, 2, 3, 4))
    base = one / (one + 2 * two)
    return (
        float(np.clip(1 - 2 * base * two / one, 0.05, 0.95)),
        float(np.clip(2 - 3 * base * three / two, 0.1, 1.9)),
        float(np.clip(3 - 4 * base * four / three, 0.15, 2.9)),
    )


class Cache:
    """What came after the same context earlier in the same piece.

    Parameters
    ----------
    contexts : ndarray
        (notes,), with the piece hashed in; notes in order.
    limit : int
        Latest occurrences that count.
    """

    def __init__(self, contexts: Hashes, limit: int) -> None:
        self._order, first = _runs(contexts)
        place = np.empty(len(contexts), np.int64)
        place[self._order] = np.arange(len(contexts))
        self._place = place
        self.earlier = np.minimum(place - first[place], limit)
        """(notes,): earlier occurrences of each note's context, at most `limit`."""

    def interpolate(
        self, p: Probabilities, notes: slice, symbols: IntArray, offset: IntArray
    ) -> None:
        """Put this order on top of shorter ones, in place; as :meth:`Table.interpolate`.

        Parameters
        ----------
        p : ndarray
            (n, 128), for the n notes of `notes`.
        notes : slice
            Which notes.
        symbols, offset : ndarray
            (notes,) of all notes.
        """
        earlier = self.earlier[notes]
        rows, places = expand(self._place[notes] - earlier, earlier)
        pitch = symbols[self._order[places]] + offset[notes][rows]
        inside = (pitch >= 0) & (pitch < PITCHES)
        found = np.bincount(rows[inside] * PITCHES + pitch[inside], minlength=p.size)
        counts = found.reshape(p.shape).astype(np.float32)
        total = counts.sum(1)
        kinds = np.count_nonzero(counts, axis=1)
        scale = 1 / np.maximum(total, 1)
        p *= np.where(total > 0, CACHE_DISCOUNT * kinds * scale, 1.0)[:, None].astype(np.float32)
        counts -= CACHE_DISCOUNT
        np.maximum(counts, 0, out=counts)
        counts *= scale[:, None]
        p += counts


def cache_at(p: npt.NDArray[np.float64], contexts: Hashes, symbols: IntArray) -> None:
    """Put the piece's own past on top of shorter contexts; only for the true symbols, in place.

    Parameters
    ----------
    p : ndarray
        (notes,): probability of each note's symbol by the shorter contexts.
    contexts, symbols : ndarray
        (notes,), the piece hashed into the contexts; notes in order.
    """
    order, first = _runs(contexts)
    total = np.empty(len(p), np.int64)
    total[order] = np.arange(len(p)) - first
    with_symbol = hash_columns(contexts.astype(np.int64), symbols)
    inner_order, inner_first = _runs(with_symbol)
    count = np.empty(len(p), np.int64)
    count[inner_order] = np.arange(len(p)) - inner_first
    new = (count == 0)[order]  # the first time that a symbol follows this context
    kinds_so_far = np.cumsum(new) - new
    kinds = np.empty(len(p), np.int64)
    kinds[order] = kinds_so_far - kinds_so_far[first]
    seen = total > 0
    own = np.maximum(count - CACHE_DISCOUNT, 0)
    p[seen] = (own[seen] + CACHE_DISCOUNT * kinds[seen] * p[seen]) / total[seen]


def _runs(keys: Hashes) -> tuple[IntArray, IntArray]:
    """Sort keys stably; return the order and, by place, where the run of equal keys begins."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    new = np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(keys)]
    first = np.maximum.accumulate(np.where(new, np.arange(len(keys)), 0))
    return order, first
