"""Measures of likeness, and statistics of music, against values worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_models import idiom
from antiphon_models.idiom import Phrases
from antiphon_models.likeness import compare_clouds, frechet, histogram_kl, ranks, spearman
from antiphon_models.rolls import ROWS, SLOTS, Kind, position

VALUES = st.lists(st.integers(-5, 5), min_size=2, max_size=12)


@given(VALUES)
def test_ranks_of_equal_values_are_their_mean(values: list[int]) -> None:
    """A value's rank is the number of smaller ones, and half of its equals."""
    array = np.array(values)
    wanted = [(array < v).sum() + ((array == v).sum() - 1) / 2 for v in values]
    np.testing.assert_allclose(ranks(values), wanted)


@given(VALUES, st.randoms())
def test_spearman_is_the_correlation_of_ranks(values: list[int], random: object) -> None:
    """It is numpy's correlation of the ranks, blind to any rising function, and 0 of a constant."""
    other = values[::-1]
    found = spearman(values, other)
    if len(set(values)) > 1:
        assert found == pytest.approx(np.corrcoef(ranks(values), ranks(other))[0, 1])
        assert spearman(values, [v**3 + 7 for v in values]) == pytest.approx(1)
        assert spearman(values, [-v for v in values]) == pytest.approx(-1)
    assert spearman(values, [3] * len(values)) == 0


def test_divergence_of_histograms() -> None:
    """Counts 3, 1 against 1, 1 with one more in each bin: 2/3 ln(4/3) + 1/3 ln(2/3) nats."""
    wanted = 2 / 3 * np.log((2 / 3) / 0.5) + 1 / 3 * np.log((1 / 3) / 0.5)
    assert histogram_kl([0, 0, 0.4, 9], [0.1, 0.9], [0, 0.5, 1]) == pytest.approx(wanted)
    assert histogram_kl([0.1, 0.9], [0.1, 0.9], [0, 0.5, 1]) == 0


@given(st.integers(0, 2**32 - 1))
def test_clouds_by_their_definitions(seed: int) -> None:
    """Precision, recall, density and coverage are what their definitions say, point by point."""
    random = np.random.default_rng(seed)
    real, made, k = random.normal(size=(9, 2)), random.normal(0.5, 1, size=(8, 2)), 3

    def radius(points: np.ndarray, index: int) -> float:
        return float(sorted(np.linalg.norm(points - points[index], axis=1))[k])

    inside = np.array(
        [[np.linalg.norm(r - m) < radius(real, i) for m in made] for i, r in enumerate(real)]
    )
    back = np.array(
        [[np.linalg.norm(r - m) < radius(made, j) for j, m in enumerate(made)] for r in real]
    )
    found = compare_clouds(real, made, k)
    assert found.precision == pytest.approx(inside.any(0).mean())
    assert found.recall == pytest.approx(back.any(1).mean())
    assert found.density == pytest.approx(inside.sum() / (k * len(made)))
    assert found.coverage == pytest.approx(inside.any(1).mean())


def test_clouds_far_apart_have_nothing_in_common() -> None:
    """A cloud covers itself, and nothing of one that is far away."""
    points = np.random.default_rng(0).normal(size=(30, 3))
    assert compare_clouds(points, points).coverage == 1
    assert tuple(compare_clouds(points, points + 100)) == (0, 0, 0, 0)


def test_frechet_distance_of_normals() -> None:
    """Of (nearly) normal clouds along axes it is that of their means and spreads."""
    a = np.array(list(itertools.product([-1.0, 1.0], [-1.0, 1.0])))
    b = a * [2, 3] + [1, 0]
    scale = 4 / 3  # the variance of -1, -1, 1, 1 as a sample
    wanted = (1 + scale * ((2 - 1) ** 2 + (3 - 1) ** 2)) / 2
    assert frechet(a, b) == pytest.approx(wanted)
    assert frechet(a, a) == pytest.approx(0, abs=1e-9)


def make_phrases(
    kind: Kind, notes: list[tuple[int, int]], bar: float = 4.0, triplet: tuple[int, ...] = ()
) -> Phrases:
    """Make one window of two bars: notes are (slot, row), each a sixteenth long."""
    beats = 8
    hit = np.zeros((1, beats * SLOTS, ROWS[kind]), np.float32)
    for slot, row in notes:
        hit[0, slot, row] = 1
    hit = hit.reshape(1, beats, SLOTS, ROWS[kind])
    exists = np.arange(beats) < 2 * bar
    valid = np.repeat(exists[:, None], SLOTS, 1).astype(np.float32)
    thirds = np.isin(np.arange(beats), triplet)
    valid[thirds, 2] = 0
    phase = np.arange(beats) % bar
    where = position(phase, np.full(beats, bar), thirds, valid > 0, np.full(beats, 120.0))
    where = (where * exists[:, None])[None]
    zeros = np.zeros_like(hit)
    return Phrases(kind, hit, zeros + 0.5, zeros, zeros + 1, where, np.array([120.0], np.float32))


def test_qualified_notes() -> None:
    """A thirty-second note is qualified, a shorter one is not."""
    phrases = make_phrases("pitched", [(0, 40), (4, 41), (8, 42), (9, 43)])
    phrases.duration[0, 0, 0, 40] = 0.49
    phrases.duration[0, 1, 0, 41] = 0.5
    assert idiom.qualified_notes(phrases) == pytest.approx([3 / 4])


def test_pitch_classes_are_counted_a_bar() -> None:
    """Octaves count once; a bar without notes does not count."""
    c, e = 60 - 21, 64 - 21
    phrases = make_phrases("pitched", [(0, c), (1, c + 12), (2, e)])
    assert idiom.pitch_classes(phrases) == pytest.approx([2])
    phrases = make_phrases("pitched", [(0, c), (2, e), (16, e)])
    assert idiom.pitch_classes(phrases) == pytest.approx([1.5])
    assert idiom.chroma(phrases.hit)[0].sum(0)[[0, 4]].tolist() == [1, 2]


def test_scale_consistency_takes_the_best_scale() -> None:
    """A C major scale with one F sharp is at best 7/8 in one scale."""
    degrees = [0, 2, 4, 5, 6, 7, 9, 11]
    phrases = make_phrases("pitched", [(i, 60 - 21 + d) for i, d in enumerate(degrees)])
    assert idiom.scale_consistency(phrases) == pytest.approx([7 / 8])


def test_drum_pattern_credits_sixteenths() -> None:
    """On a sixteenth a note counts 1, a 96th beside it 0.1, farther off or in triplets 0."""
    phrases = make_phrases("drums", [(0, 0), (4, 0), (8, 0), (13, 1)], triplet=(3,))
    phrases.offset[0, 1, 0, 0] = 1 / 6
    phrases.offset[0, 2, 0, 0] = 0.4
    assert idiom.drum_pattern(phrases) == pytest.approx([(1 + 0.1 + 0 + 0) / 4])
    assert np.isnan(idiom.drum_pattern(make_phrases("drums", [(0, 0)], bar=3.0))).all()


def test_groove_consistency_compares_neighbouring_bars() -> None:
    """Bars that differ in 2 of 16 slots are 7/8 alike; in 3/4 a bar has 12 slots."""
    phrases = make_phrases("drums", [(0, 0), (4, 1), (16, 2), (21, 1)])
    assert idiom.groove_consistency(phrases) == pytest.approx([1 - 2 / 16])
    phrases = make_phrases("drums", [(0, 0), (4, 1), (12, 2), (17, 1)], bar=3.0)
    assert idiom.groove_consistency(phrases) == pytest.approx([1 - 2 / 12])


def test_statistics_are_those_of_the_kind() -> None:
    """Drums have patterns, pitched notes have keys, and a window that has none is left out."""
    assert set(idiom.statistics(make_phrases("drums", [(0, 0)]))) == set(idiom.NAMES["drums"])
    assert set(idiom.statistics(make_phrases("pitched", [(0, 40)]))) == set(idiom.NAMES["pitched"])
    waltz = make_phrases("drums", [(0, 0)], bar=3.0)
    assert "drum_pattern" not in idiom.statistics(waltz)
