"""What a variation of a pitched phrase keeps to its end."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from test_codec import beats_of, pitch_classes

from antiphon_models.balance import SHORT, frame_of
from antiphon_models.flips import choose_flips
from antiphon_models.idiom import SCALES
from antiphon_models.prepared import Manner, Prepared, inherited

Array = npt.NDArray[np.float32]

C_MAJOR = (0, 2, 4, 5, 7, 9, 11)


def strangers(hit: Array) -> int:
    """Count the notes that are out of the scale that fits best."""
    rows = np.flatnonzero(hit.ravel()) % 88
    tones = np.bincount(rows % 12, minlength=12)
    return int(tones.sum() - (SCALES @ tones).max())


def phrase(random: np.random.Generator, notes: int) -> Array:
    """Write a melody of two bars of 4/4, with a note out of its scale now and then."""
    hit = np.zeros((8, 4, 88), np.float32)
    inside = [row for row in range(36, 64) if row % 12 in C_MAJOR]
    for slot in random.choice(32, notes, replace=False).tolist():
        row = random.choice(inside) if random.random() < 0.85 else random.integers(36, 64)
        hit[slot // 4, slot % 4, row] = 1
    return hit


def test_steps_of_one_do_not_add_up_over_variations() -> None:
    """Where all scores lean to fewer pitch classes, most variations still have as many."""
    random = np.random.default_rng(0)
    off = []
    for _ in range(100):
        hit = phrase(random, 16)
        bars = hit.reshape(2, 16, 88)
        # A class that is alone in its bar wants to go; one that its bar lacks hardly wants to come.
        count = np.stack([bars[:, :, row % 12 :: 12].sum((1, 2)) for row in range(88)], -1)
        here = np.repeat(count, 4, axis=0)[:, None]  # (beats, 1, rows)
        lean = np.where(hit > 0, 6 * (here == 1), -0.5 * (here == 0))
        score = (random.normal(size=hit.shape) + lean).astype(np.float32)
        new = choose_flips(score, hit, 0.4, frame_of(hit, beats_of(2, 4)))
        off.append(pitch_classes(new, 4) - pitch_classes(hit, 4))
    assert abs(np.mean(off)) < 0.3


def test_a_short_phrase_keeps_its_notes_out_of_the_scale() -> None:
    """It has as many of them after a variation, or one more, but where no other flip was left."""
    kept = []
    for seed in range(60):
        random = np.random.default_rng(seed)
        hit = phrase(random, 1 + seed % (SHORT - 1))
        score = random.normal(size=hit.shape).astype(np.float32)
        for wanted in (0.1, 0.25, 0.4):
            new = choose_flips(score, hit, wanted, frame_of(hit, beats_of(2, 4)))
            kept.append(strangers(new) - strangers(hit) in (0, 1))
    assert np.mean(kept) > 0.95


def prepared(hit: Array, duration: Array) -> Prepared:
    """Prepare a phrase as far as lengths need it."""
    nothing: Any = None
    return Prepared(
        hit, nothing, nothing, duration.ravel(), nothing, nothing, 1 - 2 * hit.ravel(), nothing,
        nothing, nothing, int(hit.sum()), Manner(None, True, np.unique(duration[hit > 0])), nothing,
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**16), notes=st.integers(1, 20), change=st.integers(0, 20))
def test_notes_that_come_have_the_lengths_of_those_that_go(
    seed: int, notes: int, change: int
) -> None:
    """As many as go come: the lengths are the same ones, and the longest stays the longest."""
    random = np.random.default_rng(seed)
    hit = phrase(random, notes)
    duration = (hit * random.uniform(0.05, 1, hit.shape)).astype(np.float32)
    was = np.flatnonzero(hit)
    gone = random.choice(was, min(change, notes), replace=False)
    free = np.setdiff1d(np.arange(hit.size), was)
    come = np.sort(random.choice(free, len(gone), replace=False))
    cells = np.sort(np.concatenate([np.setdiff1d(was, gone), come]))
    alone = random.uniform(0.05, 1, len(cells)).astype(np.float32)
    alone[~np.isin(cells, come)] = duration.ravel()[np.setdiff1d(was, gone)]
    found = inherited(prepared(hit, duration), cells, alone)
    np.testing.assert_array_equal(np.sort(found), np.sort(duration.ravel()[was]))
    new = np.isin(cells, come)
    np.testing.assert_array_equal(np.argsort(found[new]), np.argsort(alone[new]))
