"""Pieces as rows, side by side: shuffled chunks to learn from, whole pieces in order to measure.

A piece is a matrix of one row a frame. Row 0 stands for its beginning and is no frame; a network
that has read rows 0..t says what row t + 1 is, so the first frame is predicted, and counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


class Chunk(NamedTuple):
    """A stretch of several pieces.

    Attributes
    ----------
    rows : array
        (time + 1, batch, columns); the last row of a chunk is the first of the next.
    real : array of bool
        (time, batch): whether row t + 1 is a frame, and not padding.
    fresh : array of bool
        (batch,): whether the piece begins here, so that nothing was heard before.
    """

    rows: Rows
    real: npt.NDArray[np.bool_]
    fresh: npt.NDArray[np.bool_]


class ChunkStreams:
    """Several streams of pieces in random order, each read a chunk at a time.

    A stream that comes to the end of its piece is padded; its next chunk begins another piece.

    Parameters
    ----------
    pieces : sequence of array
        (1 + frames, columns) each.
    streams, chunk : int
        How many at once, and how many frames of each.
    seed : int
        Of the order, and of what `vary` draws.
    vary : callable, optional
        Makes a variant of a piece, such as a transposition, when its turn comes.
    """

    def __init__(
        self,
        pieces: Sequence[Rows],
        streams: int,
        chunk: int,
        seed: int,
        vary: Callable[[Rows, np.random.Generator], Rows] | None = None,
    ) -> None:
        self.count = streams
        self._pieces, self._chunk, self._vary = pieces, chunk, vary
        self._random = np.random.default_rng(seed)
        self._order: list[int] = []
        self._now: list[Rows] = [pieces[0][:1]] * streams  # ended, so each begins a piece
        self._at = [0] * streams

    def next_chunk(self) -> Chunk:
        """Return the next chunk of all streams."""
        parts, fresh = [], []
        for index, at in enumerate(self._at):
            fresh.append(at + 1 >= len(self._now[index]))
            if fresh[-1]:
                self._now[index], self._at[index] = self._next_piece(), 0
            at = self._at[index]
            parts.append(self._now[index][at : at + self._chunk + 1])
            self._at[index] = at + self._chunk
        return _side_by_side(parts, np.array(fresh))

    def _next_piece(self) -> Rows:
        if not self._order:
            self._order = [int(i) for i in self._random.permutation(len(self._pieces))]
        piece = self._pieces[self._order.pop()]
        return piece if self._vary is None else self._vary(piece, self._random)

    def state(self) -> dict[str, Any]:
        """Return where the streams are, as plain values but for the pieces, which are arrays."""
        return {
            "random": self._random.bit_generator.state,
            "order": list(self._order),
            "now": list(self._now),
            "at": list(self._at),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from :meth:`state`'s result."""
        self._random.bit_generator.state = state["random"]
        self._order, self._at = list(state["order"]), list(state["at"])
        self._now = list(state["now"])


def whole_pieces(pieces: Sequence[Rows], batch: int, chunk: int) -> Iterator[list[Chunk]]:
    """Yield groups of pieces, each as the chunks that make up all of their frames."""
    ordered = sorted(pieces, key=len)
    for first in range(0, len(ordered), batch):
        group = ordered[first : first + batch]
        yield [
            _side_by_side([p[at : at + chunk + 1] for p in group], np.full(len(group), at == 0))
            for at in range(0, len(group[-1]) - 1, chunk)
        ]


def _side_by_side(parts: Sequence[Rows], fresh: npt.NDArray[np.bool_]) -> Chunk:
    """Pad pieces to one length."""
    columns = max(part.shape[1] for part in parts)
    rows = np.zeros((max(2, *map(len, parts)), len(parts), columns), np.int64)
    real = np.zeros((len(rows) - 1, len(parts)), bool)
    for index, part in enumerate(parts):
        rows[: len(part), index] = part
        real[: max(0, len(part) - 1), index] = True
    return Chunk(rows, real, fresh)
