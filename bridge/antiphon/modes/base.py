"""What every mode shares: the events it sees, the actions it may ask for, its settings.

A mode is a function ``(state, event, now) -> (state, actions)``. It knows beats, never seconds;
it does nothing itself. The engine feeds it and carries out what it asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from antiphon import commands
from antiphon.commands import State
from antiphon.music import Beats
from antiphon.timebase import Tempo

GRID_BEATS: Final[tuple[Beats | None, ...]] = (
    Beats(0.0),
    Beats(0.25),
    Beats(0.5),
    Beats(1.0),
    None,
)
"""Spacing of each choice of ``turn/quantize`` (None: whole bars)."""

EARLY: Final = Beats(0.125)
"""What is struck this little before a line belongs behind it: half a sixteenth."""

MOST_BARS: Final = commands.MOST_BARS
"""Longest phrase that can be looped."""


@dataclass(frozen=True, slots=True)
class KeyDown:
    """The player strikes a key."""

    key: tuple[int, int]
    """Channel and pitch."""


@dataclass(frozen=True, slots=True)
class KeyUp:
    """The player lets go of a key."""

    key: tuple[int, int]


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing happened, but it is later now."""


@dataclass(frozen=True, slots=True)
class TurnCue:
    """Foot switch or OSC: my turn is over (or: your answer is, if one is playing)."""


@dataclass(frozen=True, slots=True)
class StopCue:
    """Stop answering."""


@dataclass(frozen=True, slots=True)
class GenerateCue:
    """Play this many beats from the next grid line."""

    beats: Beats


@dataclass(frozen=True, slots=True)
class PickCue:
    """Play what was picked, `length` beats, from the next bar line."""

    length: Beats


@dataclass(frozen=True, slots=True)
class Captured:
    """There is a new phrase."""


@dataclass(frozen=True, slots=True)
class Missed:
    """What was to be the phrase has no notes."""


@dataclass(frozen=True, slots=True)
class Relocated:
    """The transport stopped, or the music jumped: what was planned has lost its place."""


Event = (
    KeyDown
    | KeyUp
    | TimePassed
    | TurnCue
    | StopCue
    | GenerateCue
    | PickCue
    | Captured
    | Missed
    | Relocated
)


@dataclass(frozen=True, slots=True)
class Answer:
    """Play from `start`; for `length` beats, or without end where it is None."""

    start: Beats
    length: Beats | None


@dataclass(frozen=True, slots=True)
class Halt:
    """Take back what has not sounded; end what sounds at `at`."""

    at: Beats


@dataclass(frozen=True, slots=True)
class Recite:
    """Play what was picked once, from `start`, `length` beats long."""

    start: Beats
    length: Beats


@dataclass(frozen=True, slots=True)
class Capture:
    """Make what is played from `start` to `end` the phrase once `end` has come."""

    start: Beats
    end: Beats


@dataclass(frozen=True, slots=True)
class Retake:
    """Capture the phrase's length anew, or vary afresh where nothing was played in it."""


@dataclass(frozen=True, slots=True)
class Forgo:
    """What was to be the phrase is not wanted any more."""


@dataclass(frozen=True, slots=True)
class Loop:
    """Repeat the phrase from the bar line `start` on."""

    start: Beats


@dataclass(frozen=True, slots=True)
class Switch:
    """Loop what was picked, from the next bar line on."""


LoopAction = Capture | Retake | Forgo | Loop | Switch
"""What only the loop has to do with."""

Action = Answer | Halt | Recite | LoopAction


@dataclass(frozen=True, slots=True)
class Now:
    """What a mode may know of the moment.

    Attributes
    ----------
    beat : Beats
        The current beat.
    tempo : Tempo
        For grid lines and bars.
    silence, length : Beats
        Parameters ``turn/silence`` and ``length``.
    bars : int
        Parameter ``turn/bars``.
    grid : Beats or None
        Spacing of the lines an answer starts on, as in :meth:`Tempo.next_line`.
    lead : Beats
        How far ahead of its start an answer must be asked for.
    phrase : Beats
        Length of the phrase to be looped; 0 where there is none.
    playing : bool
        Whether the transport runs.
    """

    beat: Beats
    tempo: Tempo
    silence: Beats = Beats(1.0)
    length: Beats = Beats(8.0)
    bars: int = 0
    grid: Beats | None = None
    lead: Beats = Beats(0.05)
    phrase: Beats = Beats(0.0)
    playing: bool = True

    def start_line(self) -> Beats:
        """Return the next grid line that can still be met."""
        return self.tempo.next_line(Beats(self.beat + self.lead), self.grid)

    def release_line(self) -> Beats:
        """Return where sounding notes end when the player comes back in: the next eighth."""
        return self.tempo.next_line(self.beat, Beats(0.5))


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer is asked for or sounding."""

    start: Beats
    end: Beats | None
    """None where it goes on until it is stopped."""


def answer(now: Now, length: Beats | None) -> tuple[Answering, tuple[Action, ...]]:
    """Start an answer on the next grid line."""
    return answer_at(now.start_line(), length)


def answer_at(start: Beats, length: Beats | None) -> tuple[Answering, tuple[Action, ...]]:
    """Start an answer on the line `start`."""
    end = None if length is None else Beats(start + length)
    return Answering(start, end), (Answer(start, length),)


def asked(event: GenerateCue | PickCue, now: Now) -> tuple[Answering, tuple[Action, ...]]:
    """Play what a command asks for, whosever turn it is."""
    if isinstance(event, GenerateCue):
        return answer(now, event.beats)
    start = now.tempo.next_line(Beats(now.beat + max(now.lead, EARLY)), None)
    return Answering(start, Beats(start + event.length)), (Recite(start, event.length),)


@dataclass(frozen=True, slots=True)
class Looping:
    """The phrase is repeated from `start` on."""

    start: Beats


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to do."""


def public_state(state: object) -> State:
    """Return the code that clients are told for a mode's state."""
    if isinstance(state, Answering):
        return State.ANSWERING
    if isinstance(state, Looping):
        return State.LOOPING
    return State.IDLE if isinstance(state, Idle) else State.LISTENING
