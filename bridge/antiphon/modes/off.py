"""Mode ``off``: plays only when asked to outright (``/antiphon/generate``)."""

from __future__ import annotations

from antiphon.modes.base import (
    Action,
    Answering,
    Event,
    GenerateCue,
    Halt,
    Idle,
    Now,
    PickCue,
    Relocated,
    StopCue,
    TimePassed,
    TurnCue,
    asked,
)
from antiphon.music import Beats

OffState = Idle | Answering


def step(state: OffState, event: Event, now: Now) -> tuple[OffState, tuple[Action, ...]]:
    """Advance the mode by one event."""
    if isinstance(event, GenerateCue | PickCue):
        return asked(event, now)
    if isinstance(state, Answering):
        if isinstance(event, StopCue | TurnCue | Relocated):
            return Idle(), (Halt(now.release_line()),)
        if isinstance(event, TimePassed) and state.end is not None and now.beat >= state.end:
            return Idle(), ()
    return state, ()


def deadline(state: OffState, now: Now) -> Beats | None:
    """Return the beat at which :class:`TimePassed` next matters."""
    return state.end if isinstance(state, Answering) else None
