"""What is asked of the network while playing: feed it what is heard, draw what is to be played.

Jobs are done in order, but a plan that a newer one has overtaken is dropped before its next
note. The network's state before each note that was drawn is remembered, so that notes which
never sounded can be unsaid (:class:`Rewind`). No threads here: see :mod:`antiphon.worker`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antiphon.model import Controls, Event, Player, Window
from antiphon.music import TICKS_PER_BEAT, Meter, Pedal, Ticks

REMEMBERED: Final = 512
"""Notes that can be unsaid."""

RECENT: Final = 96
"""Notes that a newly swapped-in network is fed first, so that it knows where the music is."""

FREE: Final = Ticks(64 * TICKS_PER_BEAT)
"""How far ahead the next onset may lie where nothing else bounds it."""

LAST_BEAT: Final = Ticks(TICKS_PER_BEAT)
"""An answer sounds until this close to its end, so that it has the length asked for."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Forget everything; ticks are counted anew from a bar line of `meter`."""

    meter: Meter
    metered: bool = True


@dataclass(frozen=True, slots=True)
class Feed:
    """Hear a note of the player."""

    event: Event


@dataclass(frozen=True, slots=True)
class Pedalled:
    """The pedal stands so for the note of the player that was heard last."""

    pedal: Pedal


@dataclass(frozen=True, slots=True)
class Rewind:
    """Unsay the drawn notes whose onset is `at` or later, and give up the plan."""

    at: Ticks


@dataclass(frozen=True, slots=True)
class Plan:
    """Draw the notes of an answer up to (not including) the tick `until`.

    Attributes
    ----------
    generation : int
        A new number begins anew at `start`; the same number goes on with it.
    start : Ticks
        No note before this.
    exact : bool
        Whether the first note falls on `start` itself (a new answer does, a revision does not).
    until : Ticks
        Horizon of this request.
    end : Ticks or None
        Where the answer ends and nothing sounds any more.
    seed : tuple of int
        Seeds the answer's own random numbers.
    """

    generation: int
    start: Ticks
    exact: bool
    until: Ticks
    end: Ticks | None
    controls: Controls
    seed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Style:
    """Play in this mix of styles from now on."""

    mix: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Swap:
    """Go on with another network, fed with the recent notes."""

    player: Player


Job = Begin | Feed | Pedalled | Rewind | Plan | Style | Swap


@dataclass(frozen=True, slots=True)
class Planned:
    """Notes drawn for a plan.

    Attributes
    ----------
    generation : int
        The plan's.
    notes : tuple of Event
        In order of onset.
    until : Ticks
        Everything before this tick is drawn.
    finished : bool
        Whether the answer is complete.
    """

    generation: int
    notes: tuple[Event, ...]
    until: Ticks
    finished: bool


class Thinker:
    """One network, and what it has heard and said.

    Parameters
    ----------
    player : Player
        Used by the worker only, from now on.
    reply : callable
        Takes :class:`Planned`; called between notes, must not block.
    superseded : callable
        Tells, given a generation, whether its plan is no longer wanted.
    timed : callable
        Takes the seconds that each step (draw and feed) took.
    give_way : callable
        Called after the reply with an answer's first note, which may be due at once.
    """

    def __init__(
        self,
        player: Player,
        reply: Callable[[Planned], None],
        superseded: Callable[[int], bool] = lambda generation: False,
        timed: Callable[[float], None] = lambda seconds: None,
        give_way: Callable[[], None] = lambda: None,
    ) -> None:
        self._player = player
        self._reply, self._superseded, self._timed = reply, superseded, timed
        self._give_way = give_way
        self._begun = Begin(Meter())
        self._style = Style(())
        self._recent: deque[Event] = deque(maxlen=RECENT)
        self._said: deque[tuple[Ticks, object]] = deque(maxlen=REMEMBERED)
        self._generation = -1
        self._random = np.random.default_rng(0)
        self._pending: Event | None = None
        self._heard = False  # the player's note was the last that was fed
        self._last = self._reach = Ticks(0)
        player.begin(self._begun.meter)

    def do(self, job: Job) -> None:
        """Carry out one job."""
        match job:
            case Plan():
                self._plan(job)
            case Feed():
                self._pending = None
                self._recent.append(job.event)
                self._player.feed(job.event)
                self._heard = True
            case Pedalled():
                if self._heard:  # a note of the network's own has its pedal already
                    self._recent[-1] = replace(self._recent[-1], pedal=job.pedal)
                    self._player.pedal(job.pedal)
            case Rewind():
                self._rewind(job.at)
            case Begin():
                self._begun, self._pending, self._heard = job, None, False
                self._recent.clear()
                self._said.clear()
                self._player.begin(job.meter, metered=job.metered)
            case Style():
                self._style = job
                self._player.set_style(job.mix)
            case Swap():
                self._swap(job.player)

    def _plan(self, plan: Plan) -> None:
        """Draw up to the horizon, telling of each note at once: the first may be due by now."""
        first = False
        if plan.generation != self._generation:
            self._generation, self._pending = plan.generation, None
            self._last = self._reach = plan.start
            self._random = np.random.default_rng(plan.seed)
            first = plan.exact
        finished = False
        while not self._superseded(plan.generation):
            began = time.perf_counter()
            event = self._pending or self._draw(plan, first)
            self._pending = event
            finished = plan.end is not None and event.onset >= plan.end
            if finished or event.onset >= plan.until:
                break
            drew = time.perf_counter() - began
            self._reply(Planned(plan.generation, (event,), event.onset, finished=False))
            if first:
                self._give_way()
                first = False
            began = time.perf_counter()
            self._say(event)
            self._timed(drew + time.perf_counter() - began)
        else:
            return  # overtaken: whoever asked has moved on
        self._reply(Planned(plan.generation, (), plan.until, finished))

    def _draw(self, plan: Plan, first: bool) -> Event:
        """Draw one note: the first on the line, the others wherever the network wants them."""
        if first:
            window = Window(plan.start, plan.start, plan.end)
        elif plan.end is not None and plan.end - self._reach > LAST_BEAT:
            window = Window(self._last, Ticks(plan.end - 1), plan.end)
        else:
            window = Window(self._last, Ticks(self._last + FREE), plan.end)
        return self._player.sample(window, plan.controls, self._random)

    def _say(self, event: Event) -> None:
        """Feed the network its own note, remembering the state before it."""
        self._said.append((event.onset, self._player.snapshot()))
        self._recent.append(event)
        self._player.feed(event)
        self._heard = False
        self._last, self._pending = event.onset, None
        self._reach = Ticks(max(self._reach, event.onset + (event.duration or 1)))

    def _rewind(self, at: Ticks) -> None:
        """Go back to the state before the first note at or after `at` that was said."""
        self._pending, self._heard = None, False
        state: object | None = None
        while self._said and self._said[-1][0] >= at:
            _, state = self._said.pop()
            if self._recent:
                self._recent.pop()
        if state is not None:
            self._player.restore(state)
        self._last = self._said[-1][0] if self._said else Ticks(0)

    def _swap(self, player: Player) -> None:
        """Replace the network, keeping meter, style (what it knows of it) and recent notes."""
        self._player = player
        self._said.clear()
        self._pending = None
        player.begin(self._begun.meter, metered=self._begun.metered)
        player.set_style(tuple(s for s in self._style.mix if s[0] in player.info.styles))
        for event in self._recent:
            player.feed(event)
