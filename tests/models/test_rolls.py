"""Phrases on the grid: nothing of a note's time is lost, and beats are told apart."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.music import Beats, Meter, Note, Voice
from antiphon_models.rolls import (
    DRUM_ROW,
    EARLY,
    KIT,
    LOWEST,
    POSITION,
    ROWS,
    SIXTEENTH,
    SLOTS,
    TRIPLET,
    Grid,
    channels,
    distance,
    fill,
    make_grid,
    pitch_of,
    position,
    row_of,
    write_sheet,
)

METERS = [(4, 4), (3, 4), (6, 8), (7, 8), (5, 8), (2, 4), (12, 8), (9, 8), (5, 16), (1, 16)]

meters = st.sampled_from(METERS).map(lambda m: Meter(*m))
kinds_of_time = st.sampled_from(["straight", "triplet", "swung", "any"])


@st.composite
def phrases(draw: st.DrawFn) -> tuple[Meter, float, list[float]]:
    """Draw a meter, a length (often of a partial last bar) and onsets."""
    meter = draw(meters)
    length = meter.bar * draw(st.integers(1, 3))
    if draw(st.booleans()):
        length = max(length - draw(st.integers(1, 8)) * SIXTEENTH, SIXTEENTH)
    sort = draw(kinds_of_time)
    onsets = []
    for _ in range(draw(st.integers(0, 16))):
        beat = draw(st.integers(0, int(np.ceil(length)) - 1))
        part = {
            "straight": st.sampled_from([0.0, 0.25, 0.5, 0.75]),
            "triplet": st.sampled_from([0.0, 1 / 3, 2 / 3]),
            "swung": st.sampled_from([0.0, 0.62, 2 / 3]),
            "any": st.floats(0, 0.999),
        }[sort]
        jitter = draw(st.sampled_from([0.0, 0.01, -0.03, 0.06, -0.1]))
        onsets.append(min(max(beat + draw(part) + jitter, -EARLY), length - 1e-3))
    return meter, length, onsets


def grid_of(
    onsets: list[float], meter: tuple[int, int] = (4, 4), length: float = 4.0
) -> tuple[Grid, list[int], list[float]]:
    """Lay a grid over onsets at 120 beats a minute."""
    at = np.array(onsets, np.float64)
    grid, slot, offset = make_grid(Meter(*meter), Beats(length), at, 120.0)
    return grid, slot.tolist(), offset.tolist()


@settings(max_examples=100)
@given(phrases())
def test_every_time_is_had_back(phrase: tuple[Meter, float, list[float]]) -> None:
    """Slot and offset give the onset again, whatever the meter, and every slot used exists."""
    meter, length, onsets = phrase
    grid, slots, offsets = make_grid(meter, Beats(length), np.array(onsets, np.float64), 90.0)
    for onset, slot, offset in zip(onsets, slots.tolist(), offsets.tolist(), strict=True):
        assert grid.time(slot) + offset * SIXTEENTH == pytest.approx(onset, abs=1e-6)
        assert grid.valid[divmod(slot, SLOTS)]


@given(phrases())
def test_a_grid_covers_its_phrase(phrase: tuple[Meter, float, list[float]]) -> None:
    """Beats ascend from 0 to the end, phases begin anew with each bar, valid slots lie within."""
    meter, length, onsets = phrase
    grid, _, _ = make_grid(meter, Beats(length), np.array(onsets, np.float64), 90.0)
    assert grid.start[0] == 0
    assert length - 1 <= grid.start[-1] < length
    assert all(0 < b - a <= 1 + 1e-9 for a, b in pairwise(grid.start))
    np.testing.assert_allclose((grid.start - grid.phase) % meter.bar, 0, atol=1e-9)
    times = [grid.time(i) for i in range(grid.beats * SLOTS) if grid.valid[divmod(i, SLOTS)]]
    assert all(a < b for a, b in pairwise(times))
    assert times[-1] < length
    assert grid.valid[:, 0].all()
    assert not grid.valid[grid.triplet, 2].any()


@given(phrases())
def test_a_phrase_on_its_slots_lies_on_them_again(
    phrase: tuple[Meter, float, list[float]],
) -> None:
    """Straight notes quantised to their slots keep them, without offset."""
    meter, length, onsets = phrase
    grid, slots, _ = make_grid(meter, Beats(length), np.array(onsets, np.float64), 90.0)
    if grid.triplet.any():
        return
    exact = np.array([grid.time(slot) for slot in slots.tolist()], np.float64)
    again, found, offsets = make_grid(meter, Beats(length), exact, 90.0)
    assert not again.triplet.any()
    np.testing.assert_array_equal(found, slots)
    np.testing.assert_allclose(offsets, 0, atol=1e-6)


@pytest.mark.parametrize(
    ("meter", "length", "beats", "valid"),
    [
        ((4, 4), 4.0, 4, 16),
        ((3, 4), 6.0, 6, 24),
        ((6, 8), 3.0, 3, 12),
        ((7, 8), 7.0, 8, 28),
        ((5, 8), 2.5, 3, 10),
        ((12, 8), 6.0, 6, 24),
        ((9, 8), 4.5, 5, 18),
        ((4, 4), 5.5, 6, 22),
        ((5, 16), 1.25, 2, 5),
    ],
)
def test_incomplete_beats_have_fewer_slots(
    meter: tuple[int, int], length: float, beats: int, valid: int
) -> None:
    """A phrase has a slot for each of its sixteenths, and one beat more where one is incomplete."""
    grid, _, _ = grid_of([0.0], meter, length)
    assert (grid.beats, int(grid.valid.sum())) == (beats, valid)


def test_an_early_note_belongs_to_the_next_bar() -> None:
    """What is struck a little before a bar line lies on it, before the first one too."""
    grid, slots, offsets = grid_of([-0.1, 3.9, 3.8], length=8.0)
    assert slots == [0, 16, 15]
    assert offsets == pytest.approx([-0.4, -0.4, 0.2])
    assert not grid.triplet.any()


def test_a_late_note_of_the_last_bar_stays_in_it() -> None:
    """Behind the last bar line there is no slot: the last one has the note."""
    _, slots, offsets = grid_of([3.95], length=4.0)
    assert slots == [15]
    assert offsets == pytest.approx([0.8])


@settings(max_examples=100)
@given(st.lists(st.tuples(st.integers(0, 15), st.floats(-0.05, 0.05)), min_size=1, max_size=16))
def test_straight_notes_a_little_off_are_no_triplets(notes: list[tuple[int, float]]) -> None:
    """No straight phrase within 25 ms of the grid at 120 beats a minute is taken for triplets."""
    grid, slots, _ = grid_of([slot / 4 + late for slot, late in notes])
    assert not grid.triplet.any()
    assert slots == [slot for slot, _ in notes]


@settings(max_examples=100)
@given(st.lists(st.floats(-0.06, 0.06), min_size=16, max_size=16), st.sampled_from([1, 2]))
def test_full_straight_bars_are_no_triplets_at_any_jitter(late: list[float], step: int) -> None:
    """A bar of eighths, or one of sixteenths, is straight with 30 ms of jitter, too."""
    at = np.arange(0, 16, step)
    grid, slots, _ = grid_of([float(slot / 4 + late[slot]) for slot in at])
    assert not grid.triplet.any()
    assert slots == at.tolist()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 2)), min_size=1, max_size=8))
def test_exact_triplets_are_triplets(notes: list[tuple[int, int]]) -> None:
    """Beats with notes on their thirds are of triplets, the others are not."""
    grid, slots, offsets = grid_of([beat + third / 3 for beat, third in notes])
    assert set(np.flatnonzero(grid.triplet).tolist()) == {beat for beat, _ in notes}
    assert slots == [4 * beat + {1: 1, 2: 3}[third] for beat, third in notes]
    np.testing.assert_allclose(offsets, 0, atol=1e-6)


def test_straight_and_triplet_beats_mix() -> None:
    """Each beat of a bar says for itself what it is."""
    grid, slots, offsets = grid_of([0, 0.25, 0.5, 0.75, 1, 4 / 3, 5 / 3, 2, 2.5, 3 + 2 / 3])
    assert grid.triplet.tolist() == [False, True, False, True]
    assert slots == [0, 1, 2, 3, 4, 5, 7, 8, 10, 15]
    np.testing.assert_allclose(offsets, 0, atol=1e-6)


@pytest.mark.parametrize("late", [0.62, 0.64, 2 / 3, 0.68])
def test_shuffles_are_triplets(late: float) -> None:
    """Swung eighths lie on the last third of their beats, the rest of the swing in the offset."""
    onsets = [beat + part for beat in range(4) for part in (0.0, late)]
    grid, slots, offsets = grid_of(onsets)
    assert grid.triplet.all()
    assert slots == [0, 3, 4, 7, 8, 11, 12, 15]
    assert offsets[1::2] == pytest.approx([(late - 2 / 3) * 4] * 4, abs=1e-5)


def test_light_swing_stays_straight() -> None:
    """Eighths a little late are straight ones, played late."""
    grid, slots, _ = grid_of([beat + part for beat in range(4) for part in (0.0, 0.56)])
    assert not grid.triplet.any()
    assert slots == list(range(0, 16, 2))


def test_an_incomplete_beat_has_no_triplets() -> None:
    """The half beat at the end of 7/8 is straight."""
    grid, slots, _ = grid_of([1 / 3, 2 / 3, 3 + 1 / 3], (7, 8), 3.5)
    assert grid.triplet.tolist() == [True, False, False, False]
    assert slots == [1, 3, 13]


def test_positions_tell_where_a_beat_lies() -> None:
    """First beat, place in the bar, length of it, tempo and valid slots are features."""
    grid, _, _ = grid_of([0.0, 3 + 1 / 3], (7, 8), 3.5)
    bpm = np.full(grid.beats, 240.0)
    found = position(grid.phase, grid.bar, grid.triplet, grid.valid, bpm)
    assert found.shape == (4, POSITION)
    np.testing.assert_allclose(found[:, 0], np.sin(2 * np.pi * np.arange(4) / 3.5), atol=1e-6)
    assert found[:, 2].tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(found[:, 3], 3.5 / 4 - 1)
    np.testing.assert_allclose(found[:, 5], 1)
    assert found[:, -SLOTS:].tolist() == grid.valid.tolist()


hits = st.lists(st.booleans(), min_size=2 * 4 * 3, max_size=2 * 4 * 3).map(
    lambda flat: np.array(flat, np.float32).reshape(2, 4, 3)
)


@given(hits, hits)
def test_a_distance_is_one(a: np.ndarray, b: np.ndarray) -> None:
    """It is symmetric, 0 for the same hits, 1 for none in common, and between them else."""
    apart = float(distance(a, b))
    assert apart == float(distance(b, a))
    assert 0 <= apart <= 1
    assert (apart == 0) == bool((a == b).all())
    if a.any() or b.any():
        assert (apart == 1) == (not (a * b).any())
        common = float((a * b).sum())
        assert apart == pytest.approx(1 - 2 * common / float(a.sum() + b.sum()), abs=1e-6)


def test_kit_rows() -> None:
    """Every drum of the kit has a row of its own; the pitch of a row lies in it."""
    assert len(KIT) == ROWS["drums"]
    pitches = [p for _, _, several in KIT for p in several]
    assert len(pitches) == len(set(pitches)) == len(DRUM_ROW)
    for row, (_, pitch, several) in enumerate(KIT):
        assert pitch in several
        assert row_of("drums", pitch_of("drums", row)) == row
        assert all(row_of("drums", p) == row for p in several)
    assert row_of("drums", 56) is None  # a cowbell
    assert [row_of("drums", p) for p in (36, 38, 42, 46)] == [0, 1, 2, 3]


def test_piano_rows() -> None:
    """Rows of pitched rolls are the keys of a piano."""
    assert [row_of("pitched", p) for p in (20, 21, 108, 109)] == [None, 0, 87, None]
    assert all(row_of("pitched", pitch_of("pitched", r)) == r for r in range(ROWS["pitched"]))
    assert pitch_of("pitched", 0) == LOWEST


def test_the_loudest_of_a_cell_counts() -> None:
    """Of two notes in one cell the roll has the louder, in whatever order they come."""
    one, two = (0.9, 0.1, 2.0), (0.4, -0.2, 3.0)
    for notes in ([one, two], [two, one]):
        velocity, offset, duration = (np.array(x, np.float32) for x in zip(*notes, strict=True))
        zero = np.zeros(2, np.int64)
        roll = fill("drums", (1, 1), zero, zero, zero, velocity, offset, duration)
        assert roll.shape == (1, 1, SLOTS, 9, channels("drums"))
        assert roll[0, 0, 0, 0].tolist() == pytest.approx([1.0, 0.9, 0.1])


def test_sustain_ends_where_the_note_does() -> None:
    """A quarter sounds on for three slots, not into the next hit of its row."""
    notes = [Note(Beats(0.0), 60, 100, Beats(1.0)), Note(Beats(0.5), 60, 100, Beats(0.25))]
    sheet = write_sheet("pitched", notes[:1], Meter(), Beats(4.0), 120.0)
    assert sheet.roll[..., 60 - LOWEST, 3].ravel()[:5].tolist() == [0, 1, 1, 1, 0]
    sheet = write_sheet("pitched", notes, Meter(), Beats(4.0), 120.0)
    assert sheet.roll[..., 60 - LOWEST, 3].ravel()[:5].tolist() == [0, 1, 0, 1, 0]


def test_a_sheet_knows_the_cell_of_each_note() -> None:
    """Notes without a row have none; the others lie where their slot and row say."""
    notes = [
        Note(Beats(t), p, 64, Beats(0.1), 10, Voice.DRUMS)
        for t, p in ((0.0, 36), (1.25, 56), (2.5, 42))
    ]
    sheet = write_sheet("drums", notes, Meter(), Beats(4.0), 120.0)
    assert sheet.cell.tolist() == [0, -1, 10 * 9 + 2]
    assert float(sheet.hits.sum()) == 2
    np.testing.assert_allclose(sheet.roll[2, 2, 2], [1, 64 / 127, 0], atol=1e-6)
    assert np.isinf(TRIPLET[2])
