"""The event codec: bins, phases, and notes to pieces and back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.music import Beats, Meter, Note, Voice
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    BIN_TICKS,
    DURATION_MASKED,
    FIELD_SIZES,
    MAX_TICKS,
    TIME_BINS,
    bin_to_ticks,
    bin_to_velocity,
    notes_to_piece,
    phases,
    piece_to_notes,
    ticks_to_bin,
    velocity_to_bin,
)

NOTES = st.builds(
    Note,
    start=st.integers(0, 48 * 40).map(lambda tick: Beats(tick / 48)),
    pitch=st.integers(0, 127),
    velocity=st.integers(1, 127),
    duration=st.integers(1, MAX_TICKS).map(lambda tick: Beats(tick / 48)),
    voice=st.sampled_from(Voice),
)


def test_every_tick_up_to_a_beat_has_its_own_bin() -> None:
    """Within a beat no time is rounded."""
    ticks = np.arange(49)
    np.testing.assert_array_equal(bin_to_ticks(ticks_to_bin(ticks)), ticks)


def test_long_bins_hold_whole_halves_and_triplets() -> None:
    """Dotted, triplet and whole-beat lengths up to four beats are exact."""
    lengths = [64, 72, 96, 128, 144, 168, 192, 48 * 8, 48 * 16, 48 * 64]
    np.testing.assert_array_equal(bin_to_ticks(ticks_to_bin(lengths)), lengths)


@given(st.integers(0, MAX_TICKS))
def test_time_error_stays_below_a_seventh(ticks: int) -> None:
    """A time comes back within 14 % of its length, and no other bin is nearer."""
    back = int(bin_to_ticks(ticks_to_bin(ticks)))
    assert abs(back - ticks) <= 0.14 * ticks
    assert abs(back - ticks) == np.abs(BIN_TICKS - ticks).min()


@given(st.integers(-(2**40), 2**40))
def test_times_out_of_range_are_clipped(ticks: int) -> None:
    """Any integer has a bin, and longer times never have smaller ones."""
    assert 0 <= int(ticks_to_bin(ticks)) <= int(ticks_to_bin(ticks + 1)) < TIME_BINS


@given(st.integers(0, 127))
def test_velocity_error_stays_below_three(velocity: int) -> None:
    """A velocity comes back within 2 of itself, inside the MIDI range."""
    back = int(bin_to_velocity(velocity_to_bin(velocity)))
    assert abs(back - velocity) <= 2
    assert 1 <= back <= 127


def test_masked_duration_is_no_bin() -> None:
    """The id of a held note's duration is the one after the last bin."""
    assert DURATION_MASKED == TIME_BINS == FIELD_SIZES["duration"]


def test_phases_count_from_the_bar_line() -> None:
    """In 9/8 every bar begins on beat phase 0, and onsets before the origin wrap around."""
    beat, bar = phases([0, 47, 48, 215, 216, -1], 216)
    assert beat.tolist() == [0, 47, 0, 23, 0, 23]
    assert bar.tolist() == [0, 0, 1, 4, 0, 4]


def test_long_bars_clip_the_bar_phase() -> None:
    """Beats beyond the twelfth of a bar count as the twelfth."""
    assert phases(48 * 15, 48 * 16)[1] == 11


@given(st.lists(NOTES, max_size=30))
def test_metered_notes_come_back(notes: list[Note]) -> None:
    """Notes on the tick grid survive the way into a piece and back, chords upwards."""
    piece = notes_to_piece(notes, Meter(3, 4))
    back = piece_to_notes(piece)
    assert sorted((n.start, n.pitch, n.voice, n.velocity, n.duration) for n in back) == sorted(
        (n.start, n.pitch, n.voice, n.velocity, n.duration) for n in notes
    )
    assert [(n.start, n.pitch) for n in back] == sorted((n.start, n.pitch) for n in notes)
    assert (piece.shift >= 0).all()
    assert (piece.bar_phase < 3).all()


@given(st.lists(NOTES, min_size=1, max_size=10), st.floats(40, 240))
def test_free_time_ignores_the_tempo(notes: list[Note], bpm: float) -> None:
    """Without a meter the ticks are seconds, so that only rounding depends on the tempo."""
    piece = notes_to_piece(notes, None, bpm=bpm)
    assert (piece.beat_phase == BEAT_PHASE_UNKNOWN).all()
    assert (piece.bar_phase == BAR_PHASE_UNKNOWN).all()
    ordered = sorted(note.start for note in notes)
    for note, start in zip(piece_to_notes(piece, bpm=bpm), ordered, strict=True):
        assert note.start == pytest.approx(start, abs=0.5 / 96 * bpm / 60 + 1e-9)


def test_origin_is_a_bar_line() -> None:
    """Phases are counted from the origin, and the origin comes back."""
    note = Note(Beats(5.5), 60)
    piece = notes_to_piece([note], Meter(), origin=Beats(4.0))
    assert (piece.bar_phase[0], piece.beat_phase[0]) == (1, 24)
    assert piece_to_notes(piece, origin=Beats(4.0))[0].start == 5.5


def test_no_notes_make_an_empty_piece() -> None:
    """An empty phrase is an empty piece."""
    piece = notes_to_piece([], Meter())
    assert len(piece) == 0
    assert piece.shift.shape == (0,)
    assert piece_to_notes(piece) == ()
