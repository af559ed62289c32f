"""Moves instead of flips: change the notes and keep the rhythm, or the other way round."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from antiphon_models.rolls import FloatArray

Move = tuple[float, list[tuple[int, int]]]
"""How good a move is, and the cells that it goes from and to."""


def change_rows(
    score: FloatArray, hit: FloatArray, wanted: float, *, apart: bool
) -> dict[int, int]:
    """Choose notes that go to another row of their own slot: the rhythm stays.

    Parameters
    ----------
    score, hit : ndarray
        (beats, SLOTS, rows): how much each cell wants to flip (-inf: it must not), and the hits.
    wanted : float
        Distance; each move of a note is worth one of all notes.
    apart : bool
        Not asked here; as in :func:`change_slots`.

    Returns
    -------
    dict
        Cell -> cell.
    """
    rows = hit.shape[-1]
    flat, want = hit.reshape(-1, rows) > 0, score.reshape(-1, rows)
    moves: list[Move] = []
    for slot in np.flatnonzero(flat.any(1)).tolist():
        free = np.where(flat[slot], -np.inf, want[slot])
        goals = np.argsort(-free, kind="stable")
        sources = np.flatnonzero(flat[slot])
        sources = sources[np.argsort(-want[slot, sources], kind="stable")]
        for source, goal in zip(sources.tolist(), goals.tolist(), strict=False):
            gain = float(want[slot, source] + free[goal])
            moves.append((gain, [(slot * rows + source, slot * rows + goal)]))
    return _best(moves, int(flat.sum()), wanted)


def change_slots(
    score: FloatArray, hit: FloatArray, wanted: float, *, apart: bool
) -> dict[int, int]:
    """Choose onsets that go to another slot between their neighbours: the notes stay, in order.

    Parameters
    ----------
    score, hit, wanted
        As in :func:`change_rows`.
    apart : bool
        Whether each row keeps an order of its own (drums); else the onsets of all rows do, a
        chord moving as one.

    Returns
    -------
    dict
        Cell -> cell.
    """
    rows = hit.shape[-1]
    flat, want = hit.reshape(-1, rows) > 0, score.reshape(-1, rows)
    moves: list[Move] = []
    ranks: dict[int, tuple[int, int]] = {}
    places: list[list[int]] = []
    for number, group in enumerate(np.arange(rows).reshape((-1, 1) if apart else (1, -1))):
        onsets = np.flatnonzero(flat[:, group].any(1)).tolist()
        places.append([-1, *onsets, len(flat)])
        for index, slot in enumerate(onsets):
            sources = group[flat[slot, group]]
            ranks |= {slot * rows + r: (number, index + 1) for r in sources.tolist()}
            gain = want[:, sources].sum(1) + want[slot, sources].sum()
            # The best place before, and the best behind: one of them may be taken by then.
            for start, stop in ((places[-1][index] + 1, slot), (slot + 1, places[-1][index + 2])):
                if start < stop:
                    goal = start + int(gain[start:stop].argmax())
                    pairs = [(slot * rows + r, goal * rows + r) for r in sources.tolist()]
                    moves.append((float(gain[goal]), pairs))

    def in_order(pairs: list[tuple[int, int]]) -> bool:
        number, rank = ranks[pairs[0][0]]
        now, slot = places[number], pairs[0][1] // rows
        if not now[rank - 1] < slot < now[rank + 1]:
            return False  # a neighbour has moved there
        now[rank] = slot
        return True

    return _best(moves, int(flat.sum()), wanted, in_order)


def _best(
    moves: list[Move],
    size: int,
    wanted: float,
    take: Callable[[list[tuple[int, int]]], bool] = lambda pairs: True,
) -> dict[int, int]:
    """Take the best moves, at least one if any, until the distance is reached."""
    chosen: dict[int, int] = {}
    if wanted <= 0:
        return chosen
    most = max(1.0, wanted * size)
    for gain, pairs in sorted(moves, key=lambda move: -move[0]):
        if gain == -np.inf or (chosen and len(chosen) + len(pairs) > most + 0.5):
            break
        if pairs[0][0] not in chosen and take(pairs):
            chosen.update(pairs)
    return chosen
