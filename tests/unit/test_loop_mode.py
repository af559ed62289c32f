"""Mode ``loop``, as its pure functions."""

from __future__ import annotations

from dataclasses import replace

import pytest

from antiphon.modes import loop
from antiphon.modes.base import (
    Action,
    Capture,
    Captured,
    Event,
    Forgo,
    GenerateCue,
    Halt,
    KeyDown,
    KeyUp,
    Loop,
    Looping,
    Missed,
    Now,
    PickCue,
    Relocated,
    Retake,
    StopCue,
    Switch,
    TimePassed,
    TurnCue,
)
from antiphon.music import Beats, Meter
from antiphon.timebase import Tempo

KEY = (1, 60)
NOW = Now(Beats(0), Tempo())
WITH = replace(NOW, phrase=Beats(8))
"""With a phrase of eight beats."""


def run(
    *script: tuple[float, Event], now: Now = NOW, state: loop.LoopState | None = None
) -> tuple[loop.LoopState, list[Action]]:
    """Run (beat, event) pairs; return the last state and every action."""
    state = state or loop.Waiting()
    done: list[Action] = []
    for beat, event in script:
        state, actions = loop.step(state, event, replace(now, beat=Beats(beat)))
        done += actions
    return state, done


def test_with_a_phrase_it_loops_from_the_next_bar_line() -> None:
    """Nothing more is needed than that the music plays."""
    state, done = run((1.0, TimePassed()), now=WITH)
    assert (state, done) == (Looping(Beats(4)), [Loop(Beats(4))])
    state, done = run((1.0, TimePassed()), now=replace(WITH, playing=False))
    assert (state, done) == (loop.Waiting(), [])


def test_a_cue_starts_it_even_while_the_transport_stands() -> None:
    """Who asks for it outright gets it."""
    _, done = run((1.0, TurnCue()), now=replace(WITH, playing=False))
    assert done == [Loop(Beats(4))]


@pytest.mark.parametrize(
    ("script", "settings", "start", "end"),
    [
        (((0.0, KeyDown(KEY)), (6.0, KeyUp(KEY)), (7.0, TimePassed())), {}, 0, 8),
        (((3.9, KeyDown(KEY)), (6.0, KeyUp(KEY)), (7.0, TimePassed())), {}, 4, 8),
        (((3.8, KeyDown(KEY)), (6.0, KeyUp(KEY)), (7.0, TimePassed())), {}, 0, 8),
        (((0.0, KeyDown(KEY)), (8.4, KeyUp(KEY)), (9.4, TimePassed())), {}, 0, 8),
        (((0.5, KeyDown(KEY)), (0.6, KeyUp(KEY)), (1.6, TimePassed())), {}, 0, 4),
        (((0.5, KeyDown(KEY)), (7.875, TimePassed())), {"bars": 2}, 0, 8),
        (((0.5, KeyDown(KEY)), (63.9, TimePassed())), {"bars": 16}, 32, 64),
        (((0.5, KeyDown(KEY)), (0.7, KeyUp(KEY)), (7.8, TurnCue())), {}, 0, 8),
        (((0.5, KeyDown(KEY)), (8.2, TurnCue())), {}, 0, 8),
    ],
)
def test_the_phrase_is_the_whole_bars_of_the_turn(
    script: tuple[tuple[float, Event], ...], settings: dict[str, int], start: float, end: float
) -> None:
    """From the bar line of the first note, at least one bar, of a longer turn the last eight."""
    state, done = run(*script, now=replace(NOW, **settings))  # type: ignore[arg-type]
    assert state == loop.Taking()
    assert done == [Capture(Beats(start), Beats(end))]


def test_bars_follow_the_meter() -> None:
    """A turn of five beats in 6/8 is two bars of three."""
    now = replace(NOW, tempo=Tempo(meter=Meter(6, 8)))
    _, done = run((0.0, KeyDown(KEY)), (5.0, KeyUp(KEY)), (6.0, TimePassed()), now=now)
    assert done == [Capture(Beats(0), Beats(6))]


def test_a_new_phrase_sets_it_going_and_one_without_notes_does_not() -> None:
    """The turn is taken, or it was nothing and one plays again."""
    assert run((7.9, Captured()), state=loop.Taking(), now=WITH)[1] == [Loop(Beats(8))]
    assert run((7.9, Captured()), state=loop.Stopped(), now=WITH)[1] == [Loop(Beats(8))]
    assert run((7.9, Captured()), state=Looping(Beats(0)), now=WITH)[1] == []
    assert run((7.9, Missed()), state=loop.Taking()) == (loop.Waiting(), [])


def test_stop_and_jumps_end_it_each_in_its_way() -> None:
    """After a stop it waits to be told, after a jump it starts by itself."""
    state: loop.LoopState = Looping(Beats(0))
    assert run((1.2, StopCue()), state=state, now=WITH) == (loop.Stopped(), [Halt(Beats(1.5))])
    assert run((1.2, Relocated()), state=state, now=WITH) == (loop.Waiting(), [Halt(Beats(1.5))])
    stopped = loop.Stopped()
    assert run((2, TimePassed()), (3, KeyDown(KEY)), state=stopped, now=WITH) == (stopped, [])
    assert run((1.2, StopCue()), state=loop.Taking()) == (loop.Waiting(), [Forgo()])
    listening, _ = run((0.0, KeyDown(KEY)))
    assert run((1.0, StopCue()), state=listening) == (loop.Waiting(), [])


def test_a_cue_captures_anew_a_pick_switches_and_keys_do_nothing() -> None:
    """While it loops the player is free."""
    state: loop.LoopState = Looping(Beats(0))
    script = (1.0, KeyDown(KEY)), (1.5, KeyUp(KEY)), (2.0, GenerateCue(Beats(4)))
    assert run(*script, state=state, now=WITH) == (state, [])
    assert run((1.0, TurnCue()), state=state, now=WITH) == (state, [Retake()])
    assert run((1.0, PickCue(Beats(8))), state=state, now=WITH) == (state, [Switch()])
    _, done = run((1.0, PickCue(Beats(8))), state=loop.Stopped(), now=WITH)
    assert done == [Switch(), Loop(Beats(4))]
