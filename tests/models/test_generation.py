"""Measures of what is played, against values worked out by hand and what must hold of any music."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon.music import Meter, Voice
from antiphon_models.events import BIN_TICKS, Piece, phases
from antiphon_models.generation import stability
from antiphon_models.generation.copying import longest_copies, sum_up
from antiphon_models.generation.excerpt import Excerpt, cut, meter_of, spell
from antiphon_models.generation.features import FEATURES, measure_features, point
from antiphon_models.generation.judged import has, to_phrases
from antiphon_models.generation.logistic import fit, measure, tell_by_measures
from antiphon_models.generation.overlap import compare_sets, compare_values
from antiphon_models.generation.prompts import choose_prompts
from antiphon_models.generation.statistics import STEP, entropy, mean_statistics, statistics

VALUES = st.lists(st.floats(-50, 50, allow_nan=False), min_size=2, max_size=30)
SEEDS = st.integers(0, 2**31)


def make_piece(seed: int, notes: int, bar: int = 192, voice: Voice | None = None) -> Piece:
    """Make a piece of random chords and rhythms."""
    random = np.random.default_rng(seed)
    onset = np.cumsum(random.choice([0, 12, 24, 48], notes))
    beat_phase, bar_phase = phases(onset, bar)
    return Piece(
        onset=onset,
        voice=random.integers(0, 3, notes) if voice is None else np.full(notes, voice),
        pitch=random.integers(40, 90, notes),
        velocity=random.integers(1, 128, notes),
        duration=random.integers(6, 100, notes),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
    ).sorted()


def excerpt(*notes: tuple[int, int, int], bar: int = 192, voice: Voice = Voice.KEYS) -> Excerpt:
    """Make four bars of notes (onset, pitch, duration)."""
    onset, pitch, duration = (np.array(part, np.int64) for part in zip(*notes, strict=True))
    same = np.zeros(len(onset), np.int64)
    piece = Piece(onset, same + voice, pitch, same + 80, duration, same, same)
    return Excerpt(piece, bar)


@given(VALUES)
@example([0.0, 5e-324])
@example([50.0, float(np.nextafter(50, 0))])
def test_equal_distributions_overlap_wholly(values: list[float]) -> None:
    """Of a list and itself the overlapped area is 1 and the divergence 0."""
    found = compare_values(values, values)
    assert found.area == pytest.approx(1.0)
    assert found.kl == pytest.approx(0.0, abs=1e-9)


@given(VALUES, VALUES)
def test_overlap_is_symmetric_and_bounded(a: list[float], b: list[float]) -> None:
    """The overlapped area lies between 0 and 1, and does not depend on the order."""
    found, other = compare_values(a, b), compare_values(b, a)
    assert 0 <= found.area <= 1
    assert found.area == pytest.approx(other.area)
    assert found.kl >= 0


def test_overlap_of_normal_distributions() -> None:
    """Two normal distributions two spreads apart overlap by 0.317, as their densities say."""
    random = np.random.default_rng(0)
    a, b = random.normal(0, 1, 4000), random.normal(2, 1, 4000)
    assert compare_values(a, b).area == pytest.approx(0.317, abs=0.03)
    assert compare_values(a, a + 100).area == 0


def test_sets_of_one_source_overlap_more_than_others() -> None:
    """Features drawn from one distribution overlap nearly wholly, shifted ones hardly."""
    random = np.random.default_rng(0)
    real, like, other = (random.normal(at, 1, (100, 3)) for at in (0, 0, 6))
    assert compare_sets(real, like).area > 0.9
    assert compare_sets(real, other).area < 0.1
    with pytest.raises(ValueError, match="two real"):
        compare_sets(real[:1], like)


def test_features_by_hand() -> None:
    """Two whole notes and a crotchet: counts, histograms, intervals and lengths."""
    played = excerpt((0, 60, 192), (192, 64, 192), (384, 72, 48))
    found = {name: values[0] for name, values in measure_features([played]).items()}
    assert set(found) == set(FEATURES)
    assert found["pitch_count"] == 3
    assert found["note_count_bar"].tolist() == [1, 1, 1, 0]
    assert found["pitch_class_histogram"][0] == pytest.approx(240 / 432)
    assert found["pitch_range"] == 12
    assert found["pitch_interval"] == 6
    assert found["onset_interval"] == 4
    assert found["note_length_histogram"][0] == pytest.approx(2 / 3)
    assert found["note_length_histogram"][2] == pytest.approx(1 / 3)
    assert found["pitch_class_transitions"].sum() == pytest.approx(1)


def test_statistics_by_hand() -> None:
    """Polyphony, empty beats, scale and groove of a few notes, as MusPy's definitions give them."""
    played = excerpt((0, 60, 48), (0, 64, 96), (192, 60, 48), (192, 67, 48), (288, 61, 48))
    found = statistics(played)
    assert found["polyphony"] == pytest.approx((12 * 2 + 12 + 12 * 2 + 12) / 48)
    assert found["polyphony_rate"] == pytest.approx(24 / 192)
    assert found["empty_beat_rate"] == 12 / 16
    assert found["empty_measure_rate"] == 2 / 4
    assert found["scale_consistency"] == pytest.approx(4 / 5)
    assert found["pitch_entropy"] == pytest.approx(entropy([2, 1, 1, 1]))
    steps = 192 // STEP
    assert found["groove_consistency"] == pytest.approx(1 - (1 + 2 + 0) / (3 * steps))


@given(SEEDS)
@settings(max_examples=20)
def test_statistics_do_not_depend_on_the_key(seed: int) -> None:
    """Transposed music has the same statistics, and drums have those of beats and groove only."""
    played = cut(make_piece(seed, 80), 0, 192)
    higher = replace(played, notes=replace(played.notes, pitch=played.notes.pitch + 5))
    assert mean_statistics([higher]) == pytest.approx(mean_statistics([played]))
    drums = cut(make_piece(seed, 80, voice=Voice.DRUMS), 0, 192)
    assert set(statistics(drums)) == {"empty_beat_rate", "empty_measure_rate", "groove_consistency"}


def test_entropy_of_equal_shares() -> None:
    """Eight equal shares have three bits, one share has none, and nothing has none."""
    assert entropy([5] * 8) == pytest.approx(3)
    assert entropy([7]) == entropy([]) == 0


@given(SEEDS, st.integers(-20, 20), st.integers(3, 30), st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_a_copied_passage_is_found_in_any_key(seed: int, up: int, size: int, at: int) -> None:
    """A passage of training music is found whole, wherever it stands and however transposed."""
    library = [make_piece(seed + index, 100) for index in range(3)]
    source = library[1].select(slice(at, at + size))
    moved = replace(source, pitch=source.pitch + up, onset=source.onset + 960)
    (found,) = longest_copies([moved], library)
    assert found >= size


def test_copies_are_as_long_as_they_are() -> None:
    """A passage between other notes counts with its own notes; other rhythms and drums differ."""
    library = [make_piece(1, 60)]
    middle = library[0].select(slice(20, 30))
    far = make_piece(99, 40)
    onset = [far.onset, middle.onset - middle.onset[0] + far.onset[-1] + 1200]
    joined = replace(
        far.select(np.r_[0:40, 0:10]),
        onset=np.concatenate(onset),
        pitch=np.concatenate([far.pitch, middle.pitch]),
        voice=np.concatenate([far.voice, middle.voice]),
    )
    slower = replace(middle, onset=middle.onset * 2)
    drums = replace(library[0], voice=np.full(60, Voice.DRUMS))
    moved = replace(drums, pitch=drums.pitch + 1)
    found = longest_copies([joined, slower, moved, far.select(slice(0, 1))], [*library, drums])
    assert found[0] in (10, 11)  # the note after may happen to fit
    assert found[1] < 10
    assert found[2] < 10
    assert found[3] == 0
    assert sum_up(found).longest == found.max()


@given(SEEDS, st.integers(1, 24), st.integers(80, 200))
@settings(max_examples=40, deadline=None)
def test_a_loop_is_found(seed: int, period: int, size: int) -> None:
    """A passage over and over is found at its full length between notes that do not repeat."""
    random = np.random.default_rng(seed)
    before, after = np.arange(1000, 1100), np.arange(2000, 2050)
    body = np.resize(random.permutation(period), size)
    found = stability.find_loops(np.concatenate([before, body, after]))
    expected = size if size >= stability.ROUNDS * period else 0
    assert found.longest == expected
    assert found.share == pytest.approx(expected / (150 + size))


def test_music_that_does_not_repeat_has_no_loop() -> None:
    """Notes that are all different, a short trill and no notes at all are no loop."""
    assert stability.find_loops(np.arange(500)) == (0, 0.0)
    trill = np.concatenate([np.arange(100), np.resize([500, 501], 40), np.arange(200, 300)])
    assert stability.find_loops(trill).longest == 0
    assert stability.find_loops(np.zeros(0, np.int64)) == (0, 0.0)


def test_real_music_lies_in_its_own_band() -> None:
    """Of the windows that a band is made of 95 % lie in it; a player stuck on a note does not."""
    pieces = [make_piece(seed, 1000) for seed in range(6)]
    music = stability.Music(pieces, 10_000)
    shares = [stability.inside(music.traces[name], band) for name, band in music.bands.items()]
    assert len(shares) == 2
    assert min(shares) >= 0.9
    stuck = replace(pieces[0], pitch=np.full(1000, 60), onset=12 * np.arange(1000))
    trace = stability.trace_entropy(stuck)
    assert stability.inside(trace["pitch"], music.bands["pitch"]) == 0
    alike = replace(stuck, voice=np.zeros(1000, np.int64))
    assert stability.find_loops(stability.symbols(alike)).longest >= 999


def test_short_pieces_make_a_band_together() -> None:
    """Pieces shorter than a window are joined, so that a set of songs has a band, too."""
    assert not stability.Music([make_piece(1, 40)], 100).bands
    assert stability.Music([make_piece(seed, 40) for seed in range(6)], 100).bands


def test_silence_is_the_longest_gap() -> None:
    """A gap counts from the end of what sounds longest."""
    played = excerpt((0, 60, 24), (12, 62, 84), (192, 64, 12), (204, 65, 12)).notes
    assert stability.longest_silence(played) == 2.0


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_spelt_music_is_in_the_networks_alphabet(seed: int) -> None:
    """Every gap and length is a bin's, no onset moves by more than its bin, and order stays."""
    random = np.random.default_rng(seed)
    piece = make_piece(seed, 50)
    piece = replace(piece, onset=np.sort(piece.onset * 7 // 3 + random.integers(0, 5, 50)))
    found = spell(piece)
    assert np.isin(np.diff(found.onset), BIN_TICKS).all()
    assert np.isin(found.duration, BIN_TICKS).all()
    assert np.abs(found.onset - piece.onset).max() <= 24
    assert (np.abs(found.velocity - piece.velocity) <= 2).all()


def test_drums_are_spelt_as_they_are_played() -> None:
    """An electronic kit's edge of the hi-hat is General MIDI's closed hi-hat."""
    piece = make_piece(0, 4, voice=Voice.DRUMS)
    assert spell(replace(piece, pitch=np.array([22, 26, 36, 38]))).pitch.tolist() == [
        42,
        46,
        36,
        38,
    ]


@pytest.mark.parametrize("bar", [192, 144, 72, 168])
def test_prompts_stand_before_bars_of_their_own(bar: int) -> None:
    """Continuations begin on bar lines, do not overlap, and are preceded by what is heard."""
    pieces = [make_piece(seed, 400, bar) for seed in range(3)]
    found = choose_prompts(pieces, 12, 0)
    assert len(found) == 12
    assert meter_of(bar).bar == bar / 48
    assert {prompt.piece for prompt in found} == {0, 1, 2}
    for prompt in found:
        assert prompt.bar == bar
        assert prompt.start in (8 * bar, 4 * bar)
        assert prompt.heard.onset.max() < prompt.start
        assert prompt.after.notes.onset.max() < 4 * bar
        assert (prompt.after.notes.onset + prompt.after.notes.duration).max() <= 4 * bar
        first = prompt.heard.bar_phase * 48 + prompt.heard.beat_phase
        assert ((prompt.heard.onset - first) % bar == 0).all()
    assert found == [] or choose_prompts(pieces, 12, 0)[5].start == found[5].start


def test_lines_between_meters_are_no_prompts() -> None:
    """Where the meter changes within the bars around it, a line is not gone on from."""
    one, two = make_piece(0, 200, 192), make_piece(1, 60, 144)
    at = (int(one.onset[-1]) // 192 + 1) * 192
    piece = replace(
        one,
        **{
            name: np.concatenate([getattr(one, name), getattr(two, name)])
            for name in ("voice", "pitch", "velocity", "duration", "beat_phase", "bar_phase")
        },
        onset=np.concatenate([one.onset, two.onset + at]),
    )
    for prompt in choose_prompts([piece], 50, 0):
        assert prompt.bar == 192
    assert choose_prompts([make_piece(0, 10)], 5, 0) == []


def test_meters_have_bars_of_whole_parts() -> None:
    """Bars of four, three and three and a half beats have meters; one of 50 ticks has none."""
    assert [meter_of(bar) for bar in (192, 144, 168)] == [Meter(4, 4), Meter(3, 4), Meter(7, 8)]
    with pytest.raises(ValueError, match="50"):
        meter_of(50)


def test_notes_are_put_on_a_grid_for_the_classifier() -> None:
    """Each note is one hit with its length; excerpts of another kind do not count."""
    played = excerpt((0, 60, 12), (12, 64, 24), (24, 67, 12), (400, 72, 48))
    assert has(played, "pitched")
    assert not has(played, "drums")
    found = to_phrases([played], "pitched", 20)
    assert found.hit.sum() == 4
    assert sorted(found.duration[found.hit > 0].tolist()) == [1, 1, 2, 4]
    assert found.valid[0, 16:].sum() == 0
    assert point(measure_features([played])).shape == (1, 5 + 24)


def test_logistic_regression_finds_the_odds() -> None:
    """With hardly a penalty the weights are the log odds that the counts say."""
    x = np.array([[1.0, 0.0]] * 40 + [[1.0, 1.0]] * 40)
    y = np.array([1.0] * 10 + [0.0] * 30 + [1.0] * 30 + [0.0] * 10)
    assert fit(x, y, 1e-6) == pytest.approx([-np.log(3), 2 * np.log(3)], abs=1e-4)
    assert abs(fit(x, y, 1e6)[1]) < 1e-3


def test_measures_tell_what_differs_and_no_more() -> None:
    """Music of the same sort is told from music about as often as by guessing, faster music nearly
    always.
    """
    same = [cut(make_piece(seed, 80), 0, 192) for seed in range(240)]
    real, like = same[:120], same[120:]
    fast = [replace(e, notes=replace(e.notes, onset=e.notes.onset // 2)) for e in like]
    half = np.arange(120) % 2 == 0
    assert measure(real).shape[0] == 120
    found = tell_by_measures(real, {"like": like, "fast": fast}, half)
    assert 0.3 < found["like"].accuracy < 0.7
    assert found["fast"].accuracy > 0.9
