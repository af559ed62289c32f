"""Hits struck as the named dimensions ask."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_models.attributes import NAMES, measure
from antiphon_models.named import strike
from antiphon_models.rolls import FloatArray


def logits(seed: int) -> FloatArray:
    """Return random logits (8, 4, 88), higher in the middle of the rows."""
    middle = -(((np.arange(88) - 44) / 12) ** 2)
    return (np.random.default_rng(seed).normal(size=(8, 4, 88)) + middle).astype(np.float32)


def attribute(hit: FloatArray, name: str) -> float:
    """Measure one attribute of a roll of hits."""
    one, nothing = hit[None], np.zeros_like(hit[None])
    return float(measure(one, nothing, nothing, np.array([8.0]))[NAMES.index(name)][0])


seeds = st.integers(0, 2**16)
VALID = np.ones((8, 4), bool)


@settings(deadline=None, max_examples=40)
@given(seeds, st.floats(0.25, 12.0))
def test_density_tells_how_many(seed: int, density: float) -> None:
    """There are as many notes a beat as asked for, and they are the likeliest."""
    score = logits(seed)
    hit = strike(score, VALID, 1.0, {"density": density})
    assert abs(attribute(hit, "density") - density) <= 0.5 / 8 + 1e-6
    assert score[hit > 0].min() >= score[hit == 0].max()


@settings(deadline=None, max_examples=40)
@given(seeds, st.floats(1.0, 5.0))
def test_polyphony_tells_in_how_many_onsets(seed: int, polyphony: float) -> None:
    """The notes begin together as many at a time as asked for."""
    hit = strike(logits(seed), VALID, 0.0, {"polyphony": polyphony, "density": 4.0})
    assert hit.sum() == 32
    onsets = hit.max(-1).sum()
    assert abs(onsets - 32 / polyphony) <= 0.5 + 1e-6


@settings(deadline=None, max_examples=40)
@given(seeds, st.floats(25, 60))
def test_register_transposes(seed: int, register: float) -> None:
    """The mean row comes within half a semitone of what is asked for."""
    hit = strike(logits(seed), VALID, 1.5, {"register": register})
    assert abs(attribute(hit, "register") - register) <= 0.5 + 1e-3


def test_left_alone_the_decoder_decides() -> None:
    """Where nothing is asked the hits are those above the level, and at least one."""
    score = logits(1)
    np.testing.assert_array_equal(strike(score, VALID, 1.0, {}), score > 1.0)
    assert strike(score, VALID, 99.0, {}).sum() == 1


@settings(deadline=None, max_examples=40)
@given(seeds, st.floats(0.1, 30.0), st.floats(1.0, 9.0), st.floats(0, 87))
def test_nothing_is_struck_where_no_slot_is(
    seed: int, density: float, polyphony: float, register: float
) -> None:
    """Slots that do not exist stay empty, whatever is asked for."""
    valid = np.random.default_rng(seed).random((8, 4)) < 0.5
    valid[0, 0] = True
    asked = {"density": density, "polyphony": polyphony, "register": register}
    hit = strike(logits(seed), valid, 0.0, asked)
    assert not hit[~valid].any()
    assert hit.any()
