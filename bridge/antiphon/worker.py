"""The inference thread. Engines hand it jobs and never wait; replies go to their callbacks.

Each conversation has a seat at it, with a network of its own. The players' jobs come first, in
the order they came; variations are made in slices, and only while no job waits.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from antiphon import varying
from antiphon.model import Player
from antiphon.thinking import Job, Plan, Planned, Rewind, Thinker

HAND_OVER: Final = 0.0003
"""Seconds that the worker rests after an answer's first note. The engine waits for the
interpreter then, and would lose the race for it: every matrix product lets go of it so briefly
that the worker has it back before the engine is awake."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A job raised; the worker goes on."""

    reason: str


Reply = Callable[[Planned | Failed | varying.Reply], None]


@dataclass(frozen=True, slots=True)
class _Sit:
    """The network of a seat is there."""

    player: Player


@dataclass(frozen=True, slots=True)
class _Leave:
    """A seat is given up."""


_Posted = Job | varying.Job | _Sit | _Leave


class Seat:
    """One conversation's place at the worker; made by :meth:`Worker.seat`.

    Parameters
    ----------
    post : callable
        Puts a job of this seat in the worker's queue; returns at once.
    reply : callable
        Takes :class:`Planned`, :class:`Failed` and what :mod:`antiphon.varying` replies; called
        on the worker's thread.
    timed : callable
        Takes the seconds that each step of the network took.
    """

    def __init__(
        self,
        post: Callable[[Seat, _Posted], None],
        reply: Reply,
        timed: Callable[[float], None],
    ) -> None:
        self._post, self._reply, self._timed = post, reply, timed
        self.left = False
        """Whether it was given up."""
        self._wanted = -1
        self._early: list[Job] = []
        self._thinker: Thinker | None = None
        self._varying = varying.Varying(reply)

    # -- any thread --------------------------------------------------------------------------

    def take(self, player: Player) -> None:
        """Give the seat its network; jobs that came before wait for it. Returns at once."""
        self._post(self, _Sit(player))

    def submit(self, job: Job | varying.Job) -> None:
        """Queue a job; never blocks. Called on the engine's thread."""
        if isinstance(job, Plan):
            self._wanted = job.generation
        elif isinstance(job, Rewind):
            self._wanted = -1
        self._post(self, job)

    def give_up(self) -> None:
        """Drop the plan under way after the note being drawn. Never blocks."""
        self._wanted = -1

    def leave(self) -> None:
        """Give up the seat: what was asked on it is not done any more. Never blocks."""
        self.give_up()
        self.left = True
        self._post(self, _Leave())

    # -- the worker's thread -----------------------------------------------------------------

    @property
    def varies(self) -> bool:
        """Whether there are variations to make."""
        return self._varying.busy

    def vary(self) -> None:
        """Do a slice of a variation."""
        self._varying.work()

    def do(self, job: Job | varying.Job | _Sit) -> None:
        """Do a job, or keep it until the network is there. Never raises: faults are told."""
        try:
            if isinstance(job, varying.Job):
                self._varying.do(job)
            elif isinstance(job, _Sit):
                self._sit(job.player)
            elif self._thinker is None:
                self._early.append(job)
            else:
                self._thinker.do(job)
        except Exception as error:  # one bad job must not end the music
            self._reply(Failed(f"{type(job).__name__}: {error}"))

    def _sit(self, player: Player) -> None:
        self._thinker = Thinker(
            player,
            self._reply,
            superseded=lambda generation: generation != self._wanted,
            timed=self._timed,
            give_way=lambda: time.sleep(HAND_OVER),
        )
        early, self._early = self._early, []
        for job in early:
            self.do(job)


class Worker:
    """The thread, and who has a seat at it."""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Seat, _Posted] | None] = SimpleQueue()
        self._seats: deque[Seat] = deque()  # changed on the worker's thread only
        self._steps: deque[float] = deque(maxlen=2048)
        self._thread = threading.Thread(target=self._run, name="antiphon-worker", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Finish the note being drawn, then end. Called once, from any thread."""
        for seat in tuple(self._seats):
            seat.give_up()
        self._jobs.put(None)
        self._thread.join(timeout)

    def seat(self, reply: Reply) -> Seat:
        """Make a seat for a conversation; `reply` is called on the worker's thread. Any thread."""
        return Seat(self._post, reply, self._steps.append)

    def step_seconds(self) -> list[float]:
        """Return how long the latest steps took. Called from any thread."""
        return list(self._steps)

    def _post(self, seat: Seat, job: _Posted) -> None:
        self._jobs.put((seat, job))

    def _run(self) -> None:
        """Do jobs until told to stop. May block; must not touch ports or engines."""
        while (posted := self._next()) is not None:
            seat, job = posted
            if seat.left or isinstance(job, _Leave):
                if seat in self._seats:
                    self._seats.remove(seat)
                continue
            if seat not in self._seats:
                self._seats.append(seat)
            seat.do(job)

    def _next(self) -> tuple[Seat, _Posted] | None:
        """Return the next job; until there is one, vary slice by slice, each seat in turn."""
        while any(seat.varies for seat in self._seats):
            try:
                return self._jobs.get_nowait()
            except Empty:
                self._seats.rotate(-1)
                if self._seats[0].varies:
                    self._seats[0].vary()
        return self._jobs.get()
