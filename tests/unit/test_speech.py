"""Where planned notes are placed, and how the parts around them listen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import midi
from antiphon.ears import Ears, Release, Strike
from antiphon.learn import Bound, Learning, Moved
from antiphon.music import Beats, Seconds, Voice
from antiphon.speech import Feel

beats = st.floats(0, 64).map(Beats)


@given(beats, beats, st.floats(0, 1), st.floats(0, 1))
def test_feel_never_changes_the_order(a: float, b: float, quantize: float, swing: float) -> None:
    """Quantising and swing may bring notes together, never past each other."""
    feel = Feel(quantize=quantize, swing=swing)
    first, second = sorted((a, b))
    one, two = feel.place(Beats(first), Beats(0)), feel.place(Beats(second), Beats(0))
    assert one <= two + 1e-9


@given(beats)
def test_no_feel_leaves_the_beat(beat: float) -> None:
    """With both at 0 a note stays where it is."""
    assert Feel().place(Beats(beat), Beats(0)) == pytest.approx(beat)


def test_full_swing_is_a_triplet() -> None:
    """At 1 the second eighth falls on two thirds of the beat."""
    assert Feel(swing=1).place(Beats(2.5), Beats(0)) == pytest.approx(2 + 2 / 3)


def test_full_quantize_is_the_nearest_sixteenth_of_the_bar() -> None:
    """The grid is counted from the bar line."""
    assert Feel(quantize=1).place(Beats(1.3), Beats(0.1)) == pytest.approx(1.35)


def test_one_note_after_another_is_a_melody_and_together_chords() -> None:
    """Notes struck while others are held are chords; channel 10 is drums."""
    ears = Ears()
    for pitch in (60, 62):
        assert isinstance(ears.hear(midi.note_on(1, pitch, 80), Beats(0), Seconds(0.0)), Strike)
        ears.hear(midi.note_off(1, pitch), Beats(0.5), Seconds(0.2))
    assert ears.voices()[0] is Voice.MELODY
    for pitch in (48, 52, 55, 48 + 12, 52 + 12, 55 + 12):
        ears.hear(midi.note_on(1, pitch, 80), Beats(1), Seconds(0.5))
    assert ears.voices()[0] is Voice.KEYS
    strike = ears.hear(midi.note_on(10, 36, 80), Beats(2), Seconds(1.0))
    assert isinstance(strike, Strike)
    assert strike.voice is Voice.DRUMS


def test_a_note_off_is_heard_after_the_channel_changed() -> None:
    """A key that is down can always come up."""
    ears = Ears()
    ears.hear(midi.note_on(3, 60, 80), Beats(0), Seconds(0.0), channel=3)
    release = ears.hear(midi.note_off(3, 60), Beats(1), Seconds(0.5), channel=5)
    assert release == Release((3, 60), Beats(0), 80)
    assert ears.hear(midi.note_off(3, 60), Beats(1), Seconds(0.5)) is None


def test_learning_moves_a_binding() -> None:
    """A name has one controller; learning it again forgets the old one."""
    learning = Learning({20: "density"})
    learning.want("density")
    assert learning.move(21, 3) == Bound("density", 21)
    assert learning.move(20, 5) is None
    assert learning.move(21, 5) == Moved("density", 5)


def test_a_switch_counts_once_each_time_it_goes_down() -> None:
    """A pedal that sends many values while down ends one turn."""
    learning = Learning({66: "turn"})
    assert learning.move(66, 127) == Moved("turn", 127)
    assert learning.move(66, 100) is None
    assert learning.move(66, 0) is None
    assert learning.move(66, 90) == Moved("turn", 90)
