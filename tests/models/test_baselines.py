"""The baselines: proper distributions, hand-computed counts, nothing from the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from antiphon.music import Voice
from antiphon_models.baselines import Baselines
from antiphon_models.baselines.corpus import NOTHING, Corpus, bar_ticks
from antiphon_models.baselines.counts import Cache, Table, cache_at, expand, hash_columns
from antiphon_models.baselines.mixture import Mixture
from antiphon_models.events import Piece, phases


def make_piece(
    seed: int, notes: int, *, voice: int | None = None, metered: bool = True, style: str = "one"
) -> Piece:
    """Make a piece of random chords and rhythms in 3/4."""
    random = np.random.default_rng(seed)
    onset = np.cumsum(random.choice([0, 0, 12, 24, 48], notes))
    beat_phase, bar_phase = phases(onset, 144)
    return Piece(
        onset=onset,
        voice=random.integers(0, 4, notes) if voice is None else np.full(notes, voice),
        pitch=random.integers(0, 128, notes),
        velocity=random.integers(1, 128, notes),
        duration=random.integers(1, 300, notes),
        beat_phase=beat_phase if metered else np.full(notes, 48),
        bar_phase=bar_phase if metered else np.full(notes, 12),
        name=f"{seed}.mid",
        style=style,
        metered=metered,
    ).sorted()


@pytest.fixture(scope="module")
def baselines() -> Baselines:
    """Both baselines, trained on 40 small pieces of two styles."""
    return Baselines(
        {
            "one": [make_piece(seed, 60) for seed in range(25)],
            "two": [make_piece(seed, 40, voice=Voice.DRUMS) for seed in range(100, 115)],
        }
    )


@pytest.mark.parametrize("style", ["one", "two", "never seen"])
def test_distributions_sum_to_one(baselines: Baselines, style: str) -> None:
    """Every distribution of every baseline is positive and sums to 1, for pieces with one note,
    without a beat, and of a style that was not trained.
    """
    pieces = [make_piece(7, 90), make_piece(8, 1), make_piece(9, 70, metered=False)]
    notes = baselines.corpus(pieces, style)
    rows = 0
    for where, full, alone in baselines.ngram.pitch(notes):
        rows += where.stop - where.start
        assert alone is not None
        for p in (full, alone):
            np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
            assert (p > 0).all()
    for _, p in baselines.repeat.pitch(notes):
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
    assert rows == 161


@pytest.mark.parametrize("field", ["shift", "voice", "velocity", "duration"])
def test_field_probabilities_sum_to_one(baselines: Baselines, field: str) -> None:
    """What the last note's fields are given sums to 1 over all values that they could have."""
    piece = make_piece(11, 30)
    notes = baselines.corpus([piece], "one")
    column = {"duration": "length"}.get(field, field)
    sizes = {"shift": 97, "voice": 4, "velocity": 32, "duration": 97}
    total = 0.0
    for value in range(sizes[field]):
        values = getattr(notes, column).copy()
        values[-1] = value
        changed = replace(notes, **{column: values})
        if field == "shift":  # a chord is known by the shift
            changed.__dict__.pop("chord", None)
        total += baselines.ngram.field(changed, field, own=True)[-1]
    assert total == pytest.approx(1, abs=1e-4)


def test_nothing_is_known_of_the_future(baselines: Baselines) -> None:
    """A note's distribution is the same whatever that note's pitch and the notes after are."""
    piece, at = make_piece(12, 120), 70
    other = replace(piece, pitch=piece.pitch.copy(), duration=piece.duration.copy())
    other.pitch[at:] = (other.pitch[at:] + 31) % 128
    other.duration[at:] = 7
    for name in ("ngram", "repeat"):
        baseline = getattr(baselines, name)
        found = [
            np.concatenate([part[1] for part in baseline.pitch(baselines.corpus([p], "one"))])
            for p in (piece, other)
        ]
        np.testing.assert_array_equal(found[0][: at + 1], found[1][: at + 1])


def test_interpolation_by_hand() -> None:
    """Three times 60 and once 62 after a context, discounted by 0.5, leave 1/4 to the shorter."""
    context = hash_columns([1, 1, 1, 1, 2])
    table = Table.count(context, np.array([60, 60, 60, 62, 64]), (0.5, 0.5, 0.5))
    p = np.full((2, 128), 1 / 128, np.float32)
    table.interpolate(p, hash_columns([1, 3]), np.zeros(2, np.int64))
    assert p[0, 60] == pytest.approx(2.5 / 4 + 0.25 / 128)
    assert p[0, 62] == pytest.approx(0.5 / 4 + 0.25 / 128)
    assert p[0, 64] == pytest.approx(0.25 / 128)
    np.testing.assert_allclose(p[1], 1 / 128)
    alone = np.full(2, 1 / 128)
    table.interpolate_at(alone, hash_columns([1, 3]), np.array([62, 62]))
    np.testing.assert_allclose(alone, p[[0, 1], [62, 62]], rtol=1e-6)


def test_cache_by_hand() -> None:
    """After 60, 60, 62 in one context, the fourth note gives 60 (2 - 1/2 + 1/128) / 3, in full
    and for the true symbols alone.
    """
    pitch = np.array([60, 60, 62, 60])
    context = hash_columns(np.zeros(4, np.int64))
    p = np.full((4, 128), 1 / 128, np.float32)
    Cache(context, 8).interpolate(p, slice(0, 4), pitch, np.zeros(4, np.int64))
    np.testing.assert_allclose(p[0], 1 / 128)
    assert p[3, 60] == pytest.approx((1.5 + 2 * 0.5 / 128) / 3)
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-6)
    alone = np.full(4, 1 / 128)
    cache_at(alone, context, pitch)
    np.testing.assert_allclose(alone, p[np.arange(4), pitch], rtol=1e-5)


def test_ranges_expand() -> None:
    """Ranges are listed member by member, empty ones not at all."""
    rows, members = expand(np.array([5, 0, 2]), np.array([2, 0, 3]))
    assert rows.tolist() == [0, 0, 2, 2, 2]
    assert members.tolist() == [5, 6, 2, 3, 4]


def test_same_rank_of_the_chord_before() -> None:
    """The notes of a chord meet those of the same rank one onset before, or the highest."""
    piece = Piece(
        onset=np.array([0, 0, 48, 48, 48, 96]),
        voice=np.full(6, Voice.KEYS, np.int64),
        pitch=np.array([60, 64, 59, 62, 67, 60]),
        velocity=np.full(6, 80),
        duration=np.full(6, 48),
        beat_phase=np.zeros(6, np.int64),
        bar_phase=np.array([0, 0, 1, 1, 1, 2]),
    )
    notes = Corpus.join([piece], [0])
    assert notes.above_in_voice(1).tolist() == [NOTHING, NOTHING, 60, 64, 64, 59]
    assert notes.above_in_voice(2).tolist() == [NOTHING] * 5 + [60]
    assert notes.chord.tolist() == [2, 1, 0, 1, 1, 0]


def test_bars_are_found() -> None:
    """The length of a bar follows from the phases, and is 4 beats in free time."""
    assert bar_ticks(make_piece(1, 200)) == 144
    assert bar_ticks(make_piece(1, 200, metered=False)) == 192


def test_last_bar_is_repeated() -> None:
    """On an ostinato of one bar the repeat baseline is nearly sure, and the n-gram learns it."""
    bar = [60, 64, 67, 72, 71, 65]
    count = 6 * 30
    onset = np.arange(count) * 24
    beat_phase, bar_phase = phases(onset, 144)
    piece = Piece(
        onset=onset,
        voice=np.zeros(count, np.int64),
        pitch=np.tile(bar, 30),
        velocity=np.full(count, 80),
        duration=np.full(count, 24),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
    )
    trained = Baselines({"one": [piece] * 20})
    for name, scores in trained.score([piece], "one").items():
        assert scores.figures()["pitch_accuracy"] > 0.9, name
        assert scores.counted["pitch"] == count


def test_baselines_without_training() -> None:
    """Without training the piece's own past is all there is, for the n-gram too."""
    empty = Baselines({})
    found = empty.score([make_piece(3, 80), make_piece(4, 1)], "one")
    assert set(found) == {"ngram", "repeat", "own_past"}
    assert found["ngram"] is found["own_past"]
    for scores in found.values():
        assert scores.counted["pitch"] == 81
        assert np.isfinite(list(scores.nll.values())).all()


def test_mixture_finds_the_better_part() -> None:
    """The weights go to the part that gives the truth more, by bucket."""
    p = np.array([[0.9, 0.1]] * 500 + [[0.1, 0.9]] * 500)
    bucket = np.repeat([5, 6], 500)
    mixture = Mixture([1, 1])
    mixture.fit(p, [bucket])
    weights = mixture.weights([np.array([5, 6, 7])])
    assert weights[0, 0] > 0.9
    assert weights[1, 1] > 0.9
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
