"""Mode ``solo``: plays by itself from the next grid line until it is stopped.

The player's notes are context, not interruptions. ``/antiphon/turn 0`` pauses it; a turn cue
or ``/antiphon/generate`` sets it going again.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    answer,
    asked,
)
from antiphon.music import Beats


@dataclass(frozen=True, slots=True)
class Due:
    """About to start."""


SoloState = Due | Idle | Answering


def step(state: SoloState, event: Event, now: Now) -> tuple[SoloState, tuple[Action, ...]]:
    """Advance the mode by one event."""
    if isinstance(event, GenerateCue | PickCue):
        return asked(event, now)
    if isinstance(event, StopCue):
        return Idle(), (Halt(now.release_line()),) if isinstance(state, Answering) else ()
    if isinstance(event, Relocated) and isinstance(state, Answering):
        return Due(), (Halt(now.release_line()),)
    if isinstance(state, Due) or (isinstance(state, Idle) and isinstance(event, TurnCue)):
        return answer(now, None)
    if isinstance(state, Answering) and state.end is not None and now.beat >= state.end:
        return Idle(), ()
    return state, ()


def deadline(state: SoloState, now: Now) -> Beats | None:
    """Return the beat at which :class:`TimePassed` next matters."""
    if isinstance(state, Due):
        return now.beat
    return state.end if isinstance(state, Answering) else None


__all__ = ["Due", "SoloState", "TimePassed", "deadline", "step"]
