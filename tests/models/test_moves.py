"""Moves: the rhythm stays, or the notes do, and never do two notes meet in a cell."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_models.moves import change_rows, change_slots

BEATS, SLOTS, ROWS = 3, 4, 5

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]


@st.composite
def boards(draw: st.DrawFn) -> tuple[Array, Array, float]:
    """Draw scores, hits and a distance; some slots do not exist."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (BEATS, SLOTS, ROWS)
    hit = random.random(shape) < draw(st.sampled_from([0.05, 0.2, 0.5, 0.9]))
    score = random.normal(size=shape)
    valid = random.random((BEATS, SLOTS)) < draw(st.sampled_from([0.7, 1.0]))
    hit &= valid[..., None]
    score[~valid] = -np.inf
    return score.astype(np.float32), hit.astype(np.float32), draw(st.floats(0, 1))


def carried_out(hit: Array, moved: dict[int, int]) -> Array:
    """Return the hits after some moves."""
    new = hit.copy().ravel()
    new[list(moved)] = 0
    new[list(moved.values())] = 1
    return new.reshape(hit.shape)


def check(board: tuple[Array, Array, float], moved: dict[int, int]) -> Array:
    """Check what is true of all moves, and return the hits after them."""
    score, hit, wanted = board
    assert all(hit.ravel()[cell] == 1 for cell in moved)
    assert all(np.isfinite(score.ravel()[goal]) for goal in moved.values())
    assert len(set(moved.values())) == len(moved)
    new = carried_out(hit, moved)
    assert new.sum() == hit.sum()
    if wanted == 0:
        assert not moved
    return new


@settings(max_examples=100)
@given(boards())
def test_changed_rows_keep_the_rhythm(board: tuple[Array, Array, float]) -> None:
    """Every slot has as many hits as before, and no more notes move than were asked for."""
    score, hit, wanted = board
    moved = change_rows(score, hit, wanted, apart=False)
    new = check(board, moved)
    np.testing.assert_array_equal(new.sum(-1), hit.sum(-1))
    assert len(moved) <= max(1, wanted * hit.sum() + 0.5)
    room = bool((hit.any(-1) & ~hit.all(-1)).any())
    assert bool(moved) == (room and wanted > 0)


@settings(max_examples=100)
@given(boards())
def test_changed_slots_keep_the_order_of_onsets(board: tuple[Array, Array, float]) -> None:
    """Chords move as one, none passes another, and each keeps its rows."""
    score, hit, wanted = board
    new = check(board, change_slots(score, hit, wanted, apart=False))
    before, after = (
        [chord.tolist() for chord in hits.reshape(-1, ROWS) if chord.any()] for hits in (hit, new)
    )
    assert before == after


@settings(max_examples=100)
@given(boards())
def test_changed_slots_keep_each_drum(board: tuple[Array, Array, float]) -> None:
    """Apart, each row keeps its number of hits, and its hits stay between their neighbours."""
    score, hit, wanted = board
    moved = change_slots(score, hit, wanted, apart=True)
    new = check(board, moved)
    np.testing.assert_array_equal(new.sum((0, 1)), hit.sum((0, 1)))
    for row in range(ROWS):
        onsets = np.flatnonzero(hit[..., row].ravel()).tolist()
        now = [moved.get(s * ROWS + row, s * ROWS + row) // ROWS for s in onsets]
        assert all(a < b for a, b in pairwise(now))
    assert len(moved) <= max(1, wanted * hit.sum() + 0.5)


def test_neighbours_do_not_pass_each_other() -> None:
    """Two notes that both want into the gap between them stay in order."""
    hit = np.zeros((2, 4, 2), np.float32)
    hit[0, 0, 0] = hit[1, 3, 1] = 1
    score = np.zeros_like(hit)
    score[1, 1, 0] = 9  # the first wants behind the place that the second wants
    score[0, 1, 1] = 8
    moved = change_slots(score, hit, 1.0, apart=False)
    assert moved[0] == 5 * 2
    assert moved.get(7 * 2 + 1, 7 * 2 + 1) > moved[0]


def test_the_best_moves_are_taken_first() -> None:
    """At a small distance only the move that is wanted most is made."""
    hit = np.zeros((1, 4, 3), np.float32)
    hit[0, :, 0] = 1
    score = np.zeros_like(hit)
    score[0, 2, 1] = 5
    assert change_rows(score, hit, 0.25, apart=False) == {2 * 3: 2 * 3 + 1}
    assert len(change_rows(score, hit, 1.0, apart=False)) == 4
