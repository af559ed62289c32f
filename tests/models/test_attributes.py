"""The named attributes: what they measure, in numpy as in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from antiphon_models.attributes import NAMES, measure
from antiphon_models.rolls import Kind
from networks import random_rolls


def of(cells: dict[tuple[int, int, int], tuple[float, float]], beats: int = 2) -> dict[str, float]:
    """Measure one window of hits at (beat, slot, row) with (velocity, offset)."""
    hit, velocity, offset = (np.zeros((1, 2, 4, 9), np.float32) for _ in range(3))
    for (beat, slot, row), (loud, late) in cells.items():
        hit[0, beat, slot, row] = 1
        velocity[0, beat, slot, row] = loud
        offset[0, beat, slot, row] = late
    found = measure(hit, velocity, offset, np.array([beats], np.float32))
    return {name: float(value[0]) for name, value in zip(NAMES, found, strict=True)}


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_numpy_and_torch_agree(kind: Kind) -> None:
    """Both libraries measure the same, of hits and of probabilities."""
    roll, _ = random_rolls(kind, 3, seed=1)
    beats = np.array([8, 6, 8], np.float32)
    chance = np.random.default_rng(0).random(roll[..., 0].shape).astype(np.float32)
    for hit in (roll[..., 0], chance):
        plain = measure(hit, roll[..., 1], roll[..., 2], beats)
        tensors = [torch.from_numpy(a) for a in (hit, roll[..., 1], roll[..., 2], beats)]
        for one, other in zip(plain, measure(*tensors), strict=True):
            np.testing.assert_allclose(one, other.numpy(), rtol=1e-4, atol=1e-5)


def test_a_plain_beat() -> None:
    """Quarters on the beat: one a beat, nothing syncopated, their mean row and velocity."""
    found = of({(0, 0, 0): (0.5, 0.1), (1, 0, 4): (0.9, 0.1)})
    assert found["density"] == pytest.approx(1, abs=1e-3)
    assert found["syncopation"] == pytest.approx(0, abs=1e-3)
    assert found["register"] == pytest.approx(2, abs=1e-3)
    assert found["velocity"] == pytest.approx(0.7, abs=1e-3)
    assert found["swing"] == pytest.approx(-0.1, abs=1e-3)
    assert found["polyphony"] == pytest.approx(1, abs=1e-3)


def test_syncopation_is_what_nothing_stronger_follows() -> None:
    """Off the eighths counts whole, off the beat half, if the same drum is silent after it."""
    weak, eighth, beat = {(0, 1, 0): (1.0, 0.0)}, {(0, 2, 0): (1.0, 0.0)}, {(1, 0, 0): (1.0, 0.0)}
    assert of(weak)["syncopation"] == pytest.approx(1, abs=1e-3)
    assert of({**weak, **eighth})["syncopation"] == pytest.approx(0.25, abs=1e-3)
    assert of({**weak, **eighth, **beat})["syncopation"] == pytest.approx(0, abs=1e-3)
    other = {(0, 2, 3): (1.0, 0.0)}
    assert of({**weak, **other})["syncopation"] == pytest.approx(0.75, abs=1e-3)


def test_swing_and_polyphony() -> None:
    """Swing is how much later the weak slots are; polyphony the hits at an onset."""
    found = of({(0, 0, 0): (1, 0.1), (0, 0, 1): (1, 0.1), (0, 1, 1): (1, 0.4)})
    assert found["swing"] == pytest.approx(0.3, abs=1e-3)
    assert found["polyphony"] == pytest.approx(1.5, abs=1e-3)


def test_silence_has_no_attributes() -> None:
    """An empty window measures as (nearly) nothing, and never as NaN."""
    found = of({})
    assert all(np.isfinite(value) for value in found.values())
    assert found["density"] == pytest.approx(0, abs=1e-3)
