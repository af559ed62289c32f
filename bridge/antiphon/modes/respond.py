"""Mode ``respond``: call and response.

::

    Idle ──key──► Listening ──silence, bars, cue──► Answering ──its end──► Idle
                      ▲                                 │
                      └──────────── a key ──────────────┘

The player always has the right of way: a key during the answer takes the turn back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Final

from antiphon.modes.base import (
    Action,
    Answering,
    Event,
    GenerateCue,
    Halt,
    Idle,
    KeyDown,
    KeyUp,
    Now,
    PickCue,
    Relocated,
    StopCue,
    TimePassed,
    TurnCue,
    answer,
    answer_at,
    asked,
)
from antiphon.music import Beats

UPBEAT: Final = Beats(0.5)
"""Notes this close before a bar line are an upbeat: the turn counts from the line."""

GRACE: Final = Beats(0.25)
"""Notes this soon after a foot switch still belong to the turn it ended."""

STUCK: Final = Beats(32.0)
"""A key held this long without anything else happening is taken for a lost note-off."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The player's turn: since `first`, last touched at `last`, with `held` keys down."""

    first: Beats
    last: Beats
    held: frozenset[tuple[int, int]] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Responding(Answering):
    """An answer to the turn `call`; `cued` at a beat if a foot switch ended that turn."""

    call: Listening | None = None
    cued: Beats | None = None


RespondState = Idle | Listening | Answering


def step(state: RespondState, event: Event, now: Now) -> tuple[RespondState, tuple[Action, ...]]:
    """Advance the mode by one event."""
    if isinstance(event, GenerateCue | PickCue):
        return asked(event, now)
    if isinstance(event, KeyDown):
        return _key_down(state, event, now)
    if isinstance(state, Listening):
        return _listening(state, event, now)
    if isinstance(state, Answering):
        if isinstance(event, StopCue | TurnCue | Relocated):
            return Idle(), (Halt(now.release_line()),)
        if isinstance(event, KeyUp) and isinstance(state, Responding) and state.call is not None:
            call = replace(state.call, held=state.call.held - {event.key})
            return replace(state, call=call), ()
        if isinstance(event, TimePassed) and state.end is not None and now.beat >= state.end:
            return Idle(), ()
        return state, ()
    if isinstance(event, TurnCue):
        return _respond(None, now, cued=True)
    return state, ()


def deadline(state: RespondState, now: Now) -> Beats | None:
    """Return the beat at which :class:`TimePassed` next matters."""
    if isinstance(state, Listening):
        return _turn_end(state, now)
    return state.end if isinstance(state, Answering) else None


def _key_down(
    state: RespondState, event: KeyDown, now: Now
) -> tuple[RespondState, tuple[Action, ...]]:
    """Strike: begins a turn, goes on with one, or takes it back from an answer."""
    if isinstance(state, Listening):
        return replace(state, last=now.beat, held=state.held | {event.key}), ()
    if isinstance(state, Responding) and state.call is not None and now.beat < state.start:
        call = replace(state.call, last=now.beat, held=state.call.held | {event.key})
        if state.cued is not None and now.beat <= state.cued + GRACE:
            return replace(state, call=call), ()
        return call, (Halt(now.beat),)  # the answer has not begun: the turn simply goes on
    fresh = Listening(now.beat, now.beat, frozenset({event.key}))
    return fresh, (Halt(now.release_line()),) if isinstance(state, Answering) else ()


def _listening(state: Listening, event: Event, now: Now) -> tuple[RespondState, tuple[Action, ...]]:
    """Everything but a key going down, during the player's turn."""
    if isinstance(event, KeyUp):
        return replace(state, last=now.beat, held=state.held - {event.key}), ()
    if isinstance(event, TurnCue):
        return _respond(state, now, cued=True)
    if isinstance(event, StopCue | Relocated):
        return Idle(), ()
    if now.beat >= _turn_end(state, now):
        return _respond(state, now)
    return state, ()


def _turn_end(state: Listening, now: Now) -> Beats:
    """Return the beat at which the turn ends if nothing more happens."""
    if now.bars:
        return Beats(_last_bar_line(state, now) - now.lead)
    return Beats(state.last + (STUCK if state.held else now.silence))


def _last_bar_line(state: Listening, now: Now) -> Beats:
    """Return the bar line `bars` bars after the bar in which the turn began."""
    bar, _ = now.tempo.bar_and_beat(Beats(state.first + UPBEAT))
    return Beats(now.tempo.bar_line + (bar + now.bars) * now.tempo.meter.bar)


def _respond(
    call: Listening | None, now: Now, *, cued: bool = False
) -> tuple[RespondState, tuple[Action, ...]]:
    """End the turn and answer, on the bar line that ends it or on the next grid line."""
    length = now.length or _call_length(call, now)
    if call is not None and now.bars and not cued:
        begun, actions = answer_at(max(_last_bar_line(call, now), now.beat), length)
    else:
        begun, actions = answer(now, length)
    when = now.beat if cued else None
    return Responding(begun.start, begun.end, call=call, cued=when), actions


def _call_length(call: Listening | None, now: Now) -> Beats:
    """Return the length of the turn in whole bars, at least one."""
    bar = now.tempo.meter.bar
    played = 0.0 if call is None else call.last - call.first
    return Beats(max(1, math.ceil(played / bar - 0.125)) * bar)
