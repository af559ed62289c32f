"""Moves instead of flips: change the notes and keep the rhythm, or the other way round."""

from __future__ import annotations

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
    for group in [np.array([row]) for row in range(rows)] if apart else [np.arange(rows)]:
        onsets = np.flatnonzero(flat[:, group].any(1)).tolist()
        # Only every other onset moves, so that no two move into the same gap.
        for index, slot in enumerate(onsets):
            before = onsets[index - 1] if index else -1
            after = onsets[index + 1] if index + 1 < len(onsets) else len(flat)
            sources = group[flat[slot, group]]
            gaps = np.array([s for s in range(before + 1, after) if s != slot], np.int64)
            if not len(gaps):
                continue
            gain = want[gaps][:, sources].sum(1) + want[slot, sources].sum()
            best = int(gain.argmax())
            pairs = [(slot * rows + r, int(gaps[best]) * rows + r) for r in sources.tolist()]
            moves.append((float(gain[best]), pairs))
    return _best(moves, int(flat.sum()), wanted)


def _best(moves: list[Move], size: int, wanted: float) -> dict[int, int]:
    """Take the best moves, at least one if any, until the distance is reached."""
    chosen: dict[int, int] = {}
    if wanted <= 0:
        return chosen
    most = max(1.0, wanted * size)
    for gain, pairs in sorted(moves, key=lambda move: -move[0]):
        if gain == -np.inf or (chosen and len(chosen) + len(pairs) > most + 0.5):
            break
        goals = set(chosen.values())
        if not any(goal in goals for _, goal in pairs):
            chosen.update(pairs)
    return chosen
