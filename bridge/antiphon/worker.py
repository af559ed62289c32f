"""The inference thread. The engine hands it jobs and never waits; replies go to a callback.

The player's jobs come first. Variations are made in slices, and only while no job waits.
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


class Worker:
    """The thread around a :class:`antiphon.thinking.Thinker` and a :class:`varying.Varying`.

    Parameters
    ----------
    load : callable
        Makes the network; called on the worker's thread, so that loading blocks nobody.
    loaded : callable
        Takes the network once it is there, or the exception that kept it from being there.
    reply : callable
        Takes :class:`Planned`, :class:`Failed` and what :mod:`antiphon.varying` replies; called
        on the worker's thread.
    """

    def __init__(
        self,
        load: Callable[[], Player],
        loaded: Callable[[Player | Exception], None],
        reply: Callable[[Planned | Failed | varying.Reply], None],
    ) -> None:
        self._load, self._loaded, self._reply = load, loaded, reply
        self._jobs: SimpleQueue[Job | varying.Job | None] = SimpleQueue()
        self._varying = varying.Varying(reply)
        self._wanted = -1
        self._steps: deque[float] = deque(maxlen=2048)
        self._thread = threading.Thread(target=self._run, name="antiphon-worker", daemon=True)

    def start(self) -> None:
        """Start the thread; it loads the network first."""
        self._thread.start()

    def stop(self, timeout: float = 1.0) -> None:
        """Finish the note being drawn, then end. Called once, from any thread."""
        self._wanted = -1
        self._jobs.put(None)
        self._thread.join(timeout)

    def submit(self, job: Job | varying.Job) -> None:
        """Queue a job; never blocks. Called on the engine's thread."""
        if isinstance(job, Plan):
            self._wanted = job.generation
        elif isinstance(job, Rewind):
            self._wanted = -1
        self._jobs.put(job)

    def step_seconds(self) -> list[float]:
        """Return how long the latest steps took. Called from any thread."""
        return list(self._steps)

    def _run(self) -> None:
        """Load, then do jobs until told to stop. May block; must not touch ports or engine."""
        try:
            player = self._load()
        except Exception as error:  # there is nothing to play with; whoever started us decides
            self._loaded(error)
            return
        thinker = Thinker(
            player,
            self._reply,
            superseded=lambda generation: generation != self._wanted,
            timed=self._steps.append,
            give_way=lambda: time.sleep(HAND_OVER),
        )
        self._loaded(player)
        while True:
            job = self._next()
            if job is None:
                return
            try:
                if isinstance(job, varying.Job):
                    self._varying.do(job)
                else:
                    thinker.do(job)
            except Exception as error:  # one bad job must not end the music
                self._reply(Failed(f"{type(job).__name__}: {error}"))

    def _next(self) -> Job | varying.Job | None:
        """Return the next job; until there is one, vary slice by slice."""
        while self._varying.busy:
            try:
                return self._jobs.get_nowait()
            except Empty:
                self._varying.work()
        return self._jobs.get()
