"""The memory of motifs: what a piece's own past leads one to expect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.music import Voice
from antiphon_models import motif
from antiphon_models.motif import (
    ENOUGH,
    LOOP,
    NOTHING,
    ORDERS,
    ROUNDS,
    SHORT,
    Motifs,
    expectations,
    motif_columns,
)

notes = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([Voice.MELODY, Voice.DRUMS]),
        st.integers(58, 62),
        st.integers(0, 3),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=80,
)


def test_a_phrase_that_comes_back_in_another_key_is_recognised() -> None:
    """After as many notes as a match needs, the rest of a transposed phrase is expected."""
    phrase = np.array([60, 64, 67, 65, 62, 59, 72, 70, 55, 60, 61, 66])
    pitch = np.concatenate([phrase, [30, 90], phrase + 5])
    voice, shift = np.zeros_like(pitch), np.full(len(pitch), 12)
    _, expected, trust = expectations(voice, pitch, shift)
    again = np.arange(len(phrase) + 2, len(pitch))
    np.testing.assert_array_equal(expected[again[3:]], pitch[again[3:]])
    assert (np.diff(trust[again[3:]]) >= 0).all()


def test_drums_are_expected_as_they_are() -> None:
    """Drums have no key: what is expected is the drum itself."""
    pitch = np.tile([36, 42, 38, 42], 4)
    voice = np.full(len(pitch), int(Voice.DRUMS))
    source, expected, _ = expectations(voice, pitch, np.full(len(pitch), 24))
    np.testing.assert_array_equal(expected[6:], pitch[6:])
    assert (source < np.arange(len(pitch))).all()


@settings(deadline=None, max_examples=150)
@given(notes)
def test_playing_expects_what_the_whole_piece_says(piece: list[tuple[int, ...]]) -> None:
    """Note by note the expectations are those of the piece as a whole."""
    whole = motif_columns(*np.array(piece, np.int64).T)
    motifs = Motifs()
    for ids, row in zip(piece, whole, strict=True):
        told = motifs.expect()
        assert told.trust == row[5]
        assert told.step_trust == row[7]
        if told.trust:
            assert tuple(told[:6]) == tuple(row[:6])
        if told.step_trust:
            assert told.step_pitch == row[6]
        motifs.hear(ids)


@settings(deadline=None, max_examples=100)
@given(notes, notes, st.integers(0, 80))
def test_going_back_leaves_no_trace(
    one: list[tuple[int, ...]], other: list[tuple[int, ...]], at: int
) -> None:
    """After any wandering a memory is as it was, also one that lies on another way."""
    motifs = Motifs()
    for ids in one[:at]:
        motifs.hear(ids)
    here, expected = motifs.memory(), motifs.expect()
    for ids in one[at:]:
        motifs.hear(ids)
    there, later = motifs.memory(), motifs.expect()
    motifs.recall(here)
    assert motifs.expect() == expected
    for ids in other:
        motifs.hear(ids)
    motifs.recall(there)
    assert motifs.expect() == later
    motifs.recall(here)
    assert motifs.expect() == expected
    motifs.clear()
    assert motifs.expect().trust == 0
    assert len(ORDERS) == len(set(ORDERS))


def test_what_was_long_ago_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playing and the whole piece look back equally far, and playing keeps no more than that."""
    monkeypatch.setattr(motif, "KEPT", 40)
    monkeypatch.setattr(motif, "SLACK", 20)
    random = np.random.default_rng(5)
    piece = np.zeros((400, 5), np.int64)
    piece[:, 2] = random.integers(58, 62, 400)
    whole = motif_columns(*piece.T)
    motifs = Motifs()
    for ids, row in zip(piece.tolist(), whole, strict=True):
        assert motifs.expect()[5:] == tuple(row[5:])
        motifs.hear(ids)
        assert len(motifs._notes) <= 60
    assert sum(map(len, motifs._ends)) <= 2 * 8 * 60


def test_going_back_far_survives_what_was_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back to a note that was let go since leaves what is known, and playing goes on."""
    monkeypatch.setattr(motif, "KEPT", 40)
    monkeypatch.setattr(motif, "SLACK", 20)
    motifs = Motifs()
    for pitch in range(10):
        motifs.hear((0, 0, 60 + pitch, 0, 0))
    early = motifs.memory()
    for turn in range(200):
        motifs.hear((0, 0, 60 + turn % 7, 0, 0))
    motifs.recall(early)
    for turn in range(100):
        motifs.hear((0, 0, 60 + turn % 7, 0, 0))
    assert motifs.expect().pitch == 60 + 100 % 7


def play(motifs: Motifs, pitches: list[int], own: bool) -> None:
    """Play notes a beat apart."""
    for pitch in pitches:
        motifs.hear((48, 0, pitch, 20, 40), own)


RIFF = [55 + number * number % 23 + number for number in range(24)]
"""A passage in which nothing comes twice."""


def test_who_repeats_himself_enough_is_expected_nothing_of() -> None:
    """A passage of the partner's own comes back twice; then nothing more is expected of it."""
    motifs = Motifs()
    play(motifs, RIFF, own=True)
    for _ in range(ENOUGH):
        play(motifs, RIFF, own=True)
        assert motifs.expect().pitch == RIFF[0]
    play(motifs, RIFF[:8], own=True)
    assert motifs.expect() == NOTHING
    play(motifs, [61, 63], own=True)  # something else
    play(motifs, RIFF[:8], own=True)
    assert motifs.expect().pitch == 61  # as it went on the last time


def test_a_musician_may_repeat_himself_for_ever() -> None:
    """What others play over and over goes on being expected."""
    motifs = Motifs()
    for _ in range(30):
        play(motifs, RIFF, own=False)
    assert motifs.expect().pitch == RIFF[0]


def test_an_ostinato_ends_after_a_while() -> None:
    """However short a passage is, the partner repeats so many notes of it and no more."""
    motifs = Motifs()
    play(motifs, [60, 67, 64, 67] * (SHORT // 4), own=True)
    assert motifs.expect().pitch == 60
    play(motifs, [60, 67, 64, 67] * 2, own=True)
    assert motifs.expect() == NOTHING


def test_what_was_taken_back_was_no_repeat() -> None:
    """Going back makes the partner forget that he repeated himself."""
    motifs = Motifs()
    play(motifs, RIFF * ENOUGH, own=True)
    here, expected = motifs.memory(), motifs.expect()
    play(motifs, RIFF * 2, own=True)
    assert motifs.expect() == NOTHING
    motifs.recall(here)
    assert motifs.expect() == expected


def test_one_note_that_comes_again_is_no_repeat() -> None:
    """At the beginning, too, several notes have to come again to count."""
    motifs = Motifs()
    play(motifs, [60, 64, 67, 60, 64], own=True)  # the second step up by four
    assert motifs._notes[-1].lag == 0
    play(motifs, [67, 60, 64], own=True)
    assert motifs._notes[-1].lag == 3


def test_a_passage_of_parts_that_come_again_is_one_passage() -> None:
    """What is repeated is the longest stretch that comes again, not a part of it."""
    motifs = Motifs()
    passage = [66, 67, 66, 67] * 6 + RIFF[:12] + [66, 67, 67] * 3
    for _ in range(ENOUGH + 1):
        play(motifs, passage, own=True)
    play(motifs, passage[:8], own=True)
    assert motifs.expect() == NOTHING


@given(
    st.lists(st.tuples(st.sampled_from([24, 48]), st.integers(58, 64)), min_size=1, max_size=40),
    st.lists(st.integers(50, 57), max_size=30),
)
def test_no_loop_can_be_played(passage: list[tuple[int, int]], before: list[int]) -> None:
    """Whatever passage is repeated, its end is refused before it is a loop, unless others play."""
    motifs, others = Motifs(), Motifs()
    play(motifs, before, own=True)
    for turn in range(400):
        shift, pitch = passage[turn % len(passage)]
        refused = motifs.closes_loop(shift, 0, pitch)
        assert not others.closes_loop(shift, 0, pitch)
        if refused:
            break
        motifs.hear((shift, 0, pitch, 20, 40), own=True)
        others.hear((shift, 0, pitch, 20, 40), own=False)
    # Parts of a passage may be loops themselves, so it can come sooner, but no later than so.
    assert turn < max(ROUNDS * len(passage), LOOP) + 2 * ORDERS[0]
    assert turn >= LOOP - len(before) - 2
    assert not motifs.closes_loop(shift, 0, pitch + 1)
    assert not motifs.closes_loop(shift + 1, 0, pitch)
