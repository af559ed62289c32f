"""What Notochord hears of this project's music, when the two are compared."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from antiphon.music import Voice
from antiphon_models.events import Piece
from peer_events import INSTRUMENTS, piece_events, write_events
from peer_training import bare, by_voice

KEYS = INSTRUMENTS[Voice.KEYS]


def make_piece(*notes: tuple[int, int, int, Voice], metered: bool = True, bpm: float = 60) -> Piece:
    """Make a piece of (onset, duration, pitch, voice)."""
    onset, duration, pitch, voice = np.array(notes, np.int64).T
    zeros = np.zeros_like(onset)
    velocity = 80 + np.arange(len(onset)) % 40
    return Piece(
        onset, voice, pitch, velocity, duration, zeros, zeros, metered=metered, bpm=bpm
    ).sorted()


def heard(piece: Piece) -> list[tuple[float, int, int, int]]:
    """Return events as (seconds, instrument, pitch, velocity)."""
    return [tuple(event) for event in piece_events(piece).tolist()]


def test_a_note_is_two_events() -> None:
    """A note becomes its beginning, from the first onset on, and its end with velocity 0."""
    piece = make_piece((96, 24, 60, Voice.KEYS), (144, 48, 40, Voice.DRUMS))
    assert heard(piece) == [
        (0.0, KEYS, 60, 80),
        (0.5, KEYS, 60, 0),
        (1.0, INSTRUMENTS[Voice.DRUMS], 40, 81),
        (2.0, INSTRUMENTS[Voice.DRUMS], 40, 0),
    ]


def test_drums_are_a_kit_and_voices_differ() -> None:
    """Each voice has an instrument of its own; Notochord's kits are 129 to 256."""
    assert len(set(INSTRUMENTS.values())) == len(Voice) == len(INSTRUMENTS)
    for voice, instrument in INSTRUMENTS.items():
        assert (129 <= instrument <= 256) == (voice is Voice.DRUMS)
        assert 1 <= instrument <= 256


@pytest.mark.parametrize(("metered", "bpm", "seconds"), [(True, 90, 2 / 3), (False, 90, 0.5)])
def test_a_metered_piece_keeps_its_tempo(metered: bool, bpm: float, seconds: float) -> None:
    """48 ticks are a beat of a metered piece, and half a second in free time."""
    piece = make_piece((0, 48, 60, Voice.KEYS), metered=metered, bpm=bpm)
    assert heard(piece)[1][0] == pytest.approx(seconds)


def test_ends_come_before_beginnings_of_their_time() -> None:
    """At one time all that ends is let go, upwards, before the next chord begins, upwards."""
    piece = make_piece(
        (0, 48, 64, Voice.KEYS),
        (0, 48, 60, Voice.MELODY),
        (48, 48, 60, Voice.MELODY),
        (48, 48, 55, Voice.KEYS),
    )
    at_once = [event[2:] for event in heard(piece) if event[0] == 1.0]
    assert [(pitch, velocity > 0) for pitch, velocity in at_once] == [
        (60, False),
        (64, False),
        (55, True),
        (60, True),
    ]


def test_a_key_that_sounds_is_let_go_before_it_is_struck_again() -> None:
    """An overlap ends where the key is struck again, in its own voice only."""
    piece = make_piece((0, 96, 60, Voice.KEYS), (0, 96, 60, Voice.MELODY), (48, 96, 60, Voice.KEYS))
    keys = [(time, velocity > 0) for time, which, _, velocity in heard(piece) if which == KEYS]
    assert keys == [(0.0, True), (1.0, False), (1.0, True), (3.0, False)]
    other = [(time, velocity > 0) for time, which, _, velocity in heard(piece) if which != KEYS]
    assert other == [(0.0, True), (2.0, False)]


def test_a_key_is_never_struck_while_it_sounds() -> None:
    """Every note begins once, in the piece's order, on a key that is free, and ends."""
    random = np.random.default_rng(3)
    count = 400
    onset = np.cumsum(random.integers(0, 5, count))
    piece = make_piece(
        *(
            (at, int(random.integers(1, 90)), int(random.integers(58, 64)), Voice(voice))
            for at, voice in zip(onset.tolist(), random.integers(0, 4, count).tolist(), strict=True)
        )
    )
    events = piece_events(piece)
    begins = events[events["velocity"] > 0]
    np.testing.assert_array_equal(begins["pitch"], piece.pitch)
    np.testing.assert_array_equal(begins["velocity"], piece.velocity)
    assert (np.diff(events["time"]) >= 0).all()
    held: set[tuple[int, int]] = set()
    for _, instrument, pitch, velocity in events.tolist():
        key = (instrument, pitch)
        assert (key in held) == (velocity == 0)
        held ^= {key}
    assert not held


def test_events_of_all_pieces_stand_in_one_file(tmp_path: Path) -> None:
    """The file says where each piece begins and which folder it is of."""
    one, two = make_piece((0, 9, 60, Voice.KEYS)), make_piece((0, 9, 62, Voice.KEYS))
    write_events(tmp_path / "x.npz", {"a": [one, two], "b": [two]})
    with np.load(tmp_path / "x.npz") as found:
        assert found["folders"].tolist() == ["a", "b"]
        assert found["folder"].tolist() == [0, 0, 1]
        assert found["starts"].tolist() == [0, 2, 4, 6]
        assert found["pitch"].tolist() == [60, 60, 62, 62, 62, 62]


def test_what_notochord_is_not_told_can_be_taken_away() -> None:
    """A bare piece has neither style nor beat, and the same notes."""
    piece = replace(make_piece((0, 9, 60, Voice.KEYS)), style="one")
    left = bare(piece)
    assert left.style == ""
    assert (left.beat_phase, left.bar_phase) == (48, 12)
    np.testing.assert_array_equal(left.pitch, piece.pitch)


def test_pitches_by_voice_alone() -> None:
    """The unigram is that of the voice, with one added to each count."""
    piece = make_piece(*[(n, 1, 60, Voice.KEYS) for n in range(128)])
    nats = by_voice({"a": [piece]})
    assert nats[Voice.KEYS, 60] == pytest.approx(-np.log(129 / 256))
    assert nats[Voice.DRUMS, 60] == pytest.approx(np.log(128))
