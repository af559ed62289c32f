"""Going on with a piece."""

from __future__ import annotations

from itertools import pairwise

import pytest

from antiphon.model import Controls
from antiphon.music import Beats, Meter, Note, Voice
from antiphon_models.continuation import (
    continue_phrase,
    next_bar_line,
    trim,
)
from antiphon_models.measure import random_weights
from antiphon_models.runtime import NumpyPlayer

CONFIG = {"width": 24, "layers": 2, "head_width": 16, "styles": ["calm"]}


@pytest.fixture(scope="module")
def player() -> NumpyPlayer:
    """Make a player that was never trained."""
    return NumpyPlayer(CONFIG, random_weights(CONFIG))


def note(start: float, pitch: int = 60, length: float = 1.0, **kind: object) -> Note:
    """Make a note."""
    return Note(Beats(start), pitch, 80, Beats(length), **kind)  # type: ignore[arg-type]


TUNE = [
    *(note(beat, 60 + beat, channel=3, voice=Voice.MELODY) for beat in range(6)),
    *(note(beat, 36, 0.1, channel=10, voice=Voice.DRUMS) for beat in range(0, 6, 2)),
]


def test_begins_on_the_next_bar_line_and_keeps_to_its_length(player: NumpyPlayer) -> None:
    """The first new note stands on the bar line; nothing sounds past the last bar."""
    for meter, start in ((Meter(4, 4), 8.0), (Meter(3, 4), 6.0), (Meter(7, 8), 7.0)):
        found = continue_phrase(player, TUNE, 120, meter, 4, Controls(), 0)
        assert found[0].start == pytest.approx(start)
        stop = start + 4 * meter.bar
        assert all(n.end <= stop + 1e-9 for n in found)
        assert max(n.end for n in found) >= stop - 1.0  # as long as asked for
        assert found == sorted(found)


def test_keeps_voices_and_their_channels(player: NumpyPlayer) -> None:
    """New notes are in the voices of the input, on the channels those had there."""
    found = continue_phrase(player, TUNE, 120, Meter(), 8, Controls(), 0)
    assert {(n.voice, n.channel) for n in found} == {(Voice.MELODY, 3), (Voice.DRUMS, 10)}


def test_a_seed_repeats_exactly(player: NumpyPlayer) -> None:
    """Same seed, same continuation; another seed, another."""
    first, again, other = (
        continue_phrase(player, TUNE, 120, Meter(), 4, Controls(), seed) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_free_time_keeps_seconds(player: NumpyPlayer) -> None:
    """Without a meter the continuation begins after the same seconds at any tempo."""
    for bpm in (60.0, 120.0, 190.0):
        found = continue_phrase(player, TUNE, bpm, None, 2, Controls(), 0)
        assert found[0].start == pytest.approx(8.0, abs=0.02)
        assert all(n.end <= 16.02 for n in found)


def test_a_piece_that_begins_before_beat_0(player: NumpyPlayer) -> None:
    """A pickup before the first bar line is fed with positive ticks."""
    found = continue_phrase(player, [note(-1.5), note(0), note(2)], 120, Meter(), 2, Controls(), 0)
    assert found[0].start == 4.0


def test_next_bar_line() -> None:
    """A release a little past the line opens no bar; a long note and an onset do."""
    bar = Beats(4.0)
    assert next_bar_line([], bar) == 0
    assert next_bar_line([note(0, length=4.0)], bar) == 4
    assert next_bar_line([note(3, length=1.2)], bar) == 4
    assert next_bar_line([note(3, length=1.5)], bar) == 8
    assert next_bar_line([note(4, length=0.1)], bar) == 8


def test_trim_ends_a_key_that_is_struck_again() -> None:
    """No key is struck while it sounds, and of two strikes at once one stays."""
    found = trim([note(0, 60, 4), note(1, 60, 1), note(1, 60, 2), note(1.5, 61, 1)], 8)
    assert [(n.start, n.pitch, n.duration) for n in found] == [
        (0, 60, 1.0),
        (1, 60, 1.0),
        (1.5, 61, 1.0),
    ]
    keys = [n for n in found if n.pitch == 60]
    assert all(a.end <= b.start for a, b in pairwise(keys))


def test_trim_keeps_polyphony() -> None:
    """Where too many pitched notes sound, the oldest end; drums are left alone."""
    drum = note(0, 36, 9, channel=10, voice=Voice.DRUMS)
    found = trim([drum, note(0, 60, 9), note(1, 62, 9), note(2, 64, 9)], 2)
    assert {n.pitch: n.duration for n in found} == {36: 9, 60: 2, 62: 9, 64: 9}
