"""Mode ``loop``: repeats a phrase of the player in time, who plays freely over it.

::

                  a phrase is there
    Waiting ─────────────────────────────────────► Looping ──stop──► Stopped ──cue──► Looping
       │                                            ▲    │
       └─key─► Listening ──silence, bars, cue──► Taking  └─ cue: capture anew

A turn cue while it loops captures the phrase's length anew if the player has played in it, and
else asks for a fresh variation. ``/antiphon/generate`` is refused: what plays is the loop.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

from antiphon.modes.base import (
    EARLY,
    MOST_BARS,
    Action,
    Capture,
    Captured,
    Event,
    Forgo,
    Halt,
    Idle,
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
from antiphon.modes.respond import STUCK, Listening
from antiphon.music import Beats

TAIL: Final = 0.125
"""Share of a bar that a turn may last over its last bar line: the resolution on the next one."""


@dataclass(frozen=True, slots=True)
class Waiting(Idle):
    """Starts as soon as there is a phrase and the music plays; until then a key begins a turn."""


@dataclass(frozen=True, slots=True)
class Stopped(Idle):
    """Was told to stop; starts when it is told to."""


@dataclass(frozen=True, slots=True)
class Taking:
    """The turn is over, and is the phrase once its last bar is."""


LoopState = Idle | Listening | Taking | Looping


def step(state: LoopState, event: Event, now: Now) -> tuple[LoopState, tuple[Action, ...]]:
    """Advance the mode by one event."""
    if isinstance(event, Captured | PickCue):
        switch = (Switch(),) if isinstance(event, PickCue) else ()
        if isinstance(state, Looping):
            return state, switch
        # A turn that ends on a bar line comes back on that line.
        begun, actions = _begin(now, Beats(0.0) if isinstance(event, Captured) else EARLY)
        return begun, (*switch, *actions)
    if isinstance(state, Looping):
        return _looping(state, event, now)
    if isinstance(state, Listening):
        return _listening(state, event, now)
    if isinstance(state, Taking):
        if isinstance(event, StopCue):
            return _stopped(now), (Forgo(),)
        return (Waiting() if isinstance(event, Missed | Relocated) else state), ()
    return _idle(state, event, now)


def deadline(state: LoopState, now: Now) -> Beats | None:
    """Return the beat at which :class:`TimePassed` next matters."""
    if isinstance(state, Listening):
        return _turn_end(state, now)
    return now.beat if isinstance(state, Waiting) and now.phrase and now.playing else None


def _begin(now: Now, ahead: Beats = EARLY) -> tuple[Looping, tuple[Action, ...]]:
    """Loop from the next bar line that can be met, at least `ahead` from here."""
    start = now.tempo.next_line(Beats(now.beat + max(now.lead, ahead)), None)
    return Looping(start), (Loop(start),)


def _stopped(now: Now) -> Idle:
    return Stopped() if now.phrase else Waiting()


def _looping(state: Looping, event: Event, now: Now) -> tuple[LoopState, tuple[Action, ...]]:
    """Let the player play; only cues and the transport change what the loop does."""
    if isinstance(event, TurnCue):
        return state, (Retake(),)
    if isinstance(event, StopCue):
        return Stopped(), (Halt(now.release_line()),)
    if isinstance(event, Relocated):
        return Waiting(), (Halt(now.release_line()),)
    return state, ()


def _idle(state: Idle, event: Event, now: Now) -> tuple[LoopState, tuple[Action, ...]]:
    """Nothing plays: start with the phrase there is, or listen for one."""
    if now.phrase:
        due = isinstance(state, Waiting) and isinstance(event, TimePassed) and now.playing
        if due or isinstance(event, TurnCue):
            return _begin(now)
        return (Stopped() if isinstance(event, StopCue) else state), ()
    if isinstance(event, KeyDown):
        return Listening(now.beat, now.beat, frozenset({event.key})), ()
    return state, ()


def _listening(state: Listening, event: Event, now: Now) -> tuple[LoopState, tuple[Action, ...]]:
    """Follow the player's turn, as in mode ``respond``, until it becomes the phrase."""
    if isinstance(event, KeyDown):
        return replace(state, last=now.beat, held=state.held | {event.key}), ()
    if isinstance(event, KeyUp):
        return replace(state, last=now.beat, held=state.held - {event.key}), ()
    if isinstance(event, StopCue | Relocated):
        return Waiting(), ()
    if isinstance(event, TurnCue):
        return Taking(), (_phrase(state, now, cued=True),)
    if now.beat >= _turn_end(state, now):
        return Taking(), (_phrase(state, now),)
    return state, ()


def _turn_end(state: Listening, now: Now) -> Beats:
    """Return the beat at which the turn ends if nothing more happens."""
    if now.bars:
        return Beats(_first_line(state, now) + now.bars * now.tempo.meter.bar - EARLY)
    return Beats(state.last + (STUCK if state.held else now.silence))


def _first_line(state: Listening, now: Now) -> Beats:
    """Return the bar line of the turn's first note; what is a little early belongs to it."""
    bar, _ = now.tempo.bar_and_beat(Beats(state.first + EARLY))
    return Beats(now.tempo.bar_line + bar * now.tempo.meter.bar)


def _phrase(state: Listening, now: Now, *, cued: bool = False) -> Capture:
    """Return the whole bars that the turn has filled; a foot switch ends them where it is hit."""
    bar, start = now.tempo.meter.bar, _first_line(state, now)
    if now.bars and not cued:
        bars = now.bars
    else:
        bars = max(1, math.ceil((state.last - start) / bar - TAIL))
        if cued:
            bars = max(bars, round((now.beat - start) / bar))
    end = Beats(start + bars * bar)
    return Capture(Beats(max(start, end - MOST_BARS * bar)), end)
