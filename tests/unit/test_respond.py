"""Call and response, as its pure functions."""

from __future__ import annotations

import pytest

from antiphon.modes import respond
from antiphon.modes.base import (
    Answer,
    Answering,
    Event,
    GenerateCue,
    Halt,
    Idle,
    KeyDown,
    KeyUp,
    Now,
    Relocated,
    StopCue,
    TimePassed,
    TurnCue,
)
from antiphon.music import Beats, Meter
from antiphon.timebase import Tempo

KEY = (1, 60)


def run(
    *script: tuple[float, Event], now: Now | None = None
) -> tuple[respond.RespondState, list[Answer | Halt]]:
    """Run (beat, event) pairs from idle; return the last state and every action."""
    from dataclasses import replace

    state: respond.RespondState = Idle()
    done: list[Answer | Halt] = []
    base = now or Now(Beats(0), Tempo())
    for beat, event in script:
        state, actions = respond.step(state, event, replace(base, beat=Beats(beat)))
        done += actions
    return state, done


def test_silence_ends_the_turn_and_the_answer_starts_on_the_next_bar() -> None:
    """A beat of silence after the last key came up ends the turn; the answer is on the bar."""
    state, done = run(
        (0.0, KeyDown(KEY)), (0.9, KeyUp(KEY)), (1.8, TimePassed()), (1.95, TimePassed())
    )
    assert done == [Answer(Beats(4), Beats(8))]
    assert isinstance(state, Answering)


def test_a_held_key_is_not_silence() -> None:
    """The turn goes on for as long as a key is held."""
    _, done = run((0.0, KeyDown(KEY)), (10.0, TimePassed()))
    assert done == []


def test_a_key_whose_note_off_was_lost_does_not_hold_the_turn_for_ever() -> None:
    """After 32 beats without anything else a held key counts as a lost note-off."""
    _, done = run((0.0, KeyDown(KEY)), (32.0, TimePassed()))
    assert done == [Answer(Beats(36), Beats(8))]


@pytest.mark.parametrize(
    ("grid", "start"), [(0.0, 2.05), (0.25, 2.25), (0.5, 2.5), (1.0, 3.0), (None, 4.0)]
)
def test_the_answer_starts_on_the_grid_line_that_is_named(grid: float | None, start: float) -> None:
    """Every choice of ``turn/quantize`` names its own line, none meaning at once."""
    now = Now(Beats(0), Tempo(), grid=None if grid is None else Beats(grid))
    _, done = run((0.0, KeyDown(KEY)), (0.5, KeyUp(KEY)), (2.0, TimePassed()), now=now)
    assert done == [Answer(pytest.approx(start), Beats(8))]


def test_turns_by_bars_are_answered_on_the_bar_line_without_a_gap() -> None:
    """With ``turn/bars`` 2 the answer starts on the second bar line, asked for just before it."""
    now = Now(Beats(0), Tempo(), bars=2)
    script = [(0.1, KeyDown(KEY)), (0.3, KeyUp(KEY)), (7.9, TimePassed())]
    assert run(*script, now=now)[1] == []
    assert run(*script, (7.96, TimePassed()), now=now)[1] == [Answer(Beats(8), Beats(8))]


def test_an_upbeat_counts_to_the_bar_that_follows() -> None:
    """A note less than an eighth before the bar line begins the turn on that line."""
    now = Now(Beats(0), Tempo(), bars=1)
    _, done = run((3.6, KeyDown(KEY)), (3.8, KeyUp(KEY)), (7.96, TimePassed()), now=now)
    assert done == [Answer(Beats(8), Beats(8))]


def test_the_foot_switch_ends_the_turn_at_once() -> None:
    """A cue ends the turn even while keys are held."""
    _, done = run((0.0, KeyDown(KEY)), (1.5, TurnCue()))
    assert done == [Answer(Beats(4), Beats(8))]


def test_a_cue_without_a_turn_asks_for_an_answer() -> None:
    """A cue in silence makes the partner play."""
    assert run((0.5, TurnCue()))[1] == [Answer(Beats(4), Beats(8))]


def test_notes_just_after_the_foot_switch_belong_to_the_turn() -> None:
    """Fingers slower than the foot do not take the answer back."""
    state, done = run((0.0, KeyDown(KEY)), (1.5, TurnCue()), (1.6, KeyDown((1, 64))))
    assert done == [Answer(Beats(4), Beats(8))]
    assert isinstance(state, Answering)


def test_playing_on_before_the_answer_begins_goes_on_with_the_turn() -> None:
    """A note in the gap before the grid line takes the answer back and the turn continues."""
    state, done = run(
        (0.0, KeyDown(KEY)), (0.5, KeyUp(KEY)), (1.5, TimePassed()), (3.0, KeyDown(KEY))
    )
    assert done == [Answer(Beats(4), Beats(8)), Halt(Beats(3))]
    assert isinstance(state, respond.Listening)
    assert state.first == 0


def test_coming_back_in_ends_the_answer_on_the_next_eighth() -> None:
    """The player's note during an answer halts it musically and begins a new turn."""
    state, done = run(
        (0.0, KeyDown(KEY)), (0.5, KeyUp(KEY)), (1.5, TimePassed()), (5.1, KeyDown(KEY))
    )
    assert done[-1] == Halt(Beats(5.5))
    assert isinstance(state, respond.Listening)
    assert state.first == pytest.approx(5.1)


def test_an_answer_that_ends_leaves_the_partner_idle() -> None:
    """At the end of the answer's length nothing is asked for and the next turn may begin."""
    state, done = run(
        (0.0, KeyDown(KEY)), (0.5, KeyUp(KEY)), (1.5, TimePassed()), (12.0, TimePassed())
    )
    assert isinstance(state, Idle)
    assert len(done) == 1


@pytest.mark.parametrize("event", [StopCue(), Relocated(), TurnCue()])
def test_stop_jump_and_switch_end_an_answer(event: Event) -> None:
    """Stopping, a jump of the transport and the foot switch end an answer."""
    state, done = run((0.5, TurnCue()), (5.0, event))
    assert isinstance(state, Idle)
    assert isinstance(done[-1], Halt)


def test_length_zero_answers_as_long_as_the_call_in_whole_bars() -> None:
    """A turn of five beats is answered with two bars."""
    now = Now(Beats(0), Tempo(), length=Beats(0))
    _, done = run((0.0, KeyDown(KEY)), (5.0, KeyUp(KEY)), (6.0, TimePassed()), now=now)
    assert done == [Answer(Beats(8), Beats(8))]


def test_bars_follow_the_meter() -> None:
    """In 3/4 the answer starts on a line of three beats."""
    now = Now(Beats(0), Tempo(meter=Meter(3, 4)))
    _, done = run((0.0, KeyDown(KEY)), (3.5, KeyUp(KEY)), (4.5, TimePassed()), now=now)
    assert done == [Answer(Beats(6), Beats(8))]


def test_generate_plays_the_beats_asked_for() -> None:
    """A generate cue makes an answer of its own length from any state."""
    assert run((0.5, GenerateCue(Beats(3))))[1] == [Answer(Beats(4), Beats(3))]
