"""Virtual time, in milliseconds, as Max's scheduler counts it."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from maxpatch.atoms import PatchError

MOST_AT_ONCE = 5000
"""Events at one and the same time after which we say that they go round for ever."""


class Event:
    """Something that is due; `cancel` takes it back."""

    __slots__ = ("call", "due")

    def __init__(self, due: float, call: Callable[[], None]) -> None:
        self.due = due
        self.call: Callable[[], None] | None = call

    def cancel(self) -> None:
        """Make sure that it does not happen (any more)."""
        self.call = None

    @property
    def pending(self) -> bool:
        """Whether it is still to happen."""
        return self.call is not None


class Clock:
    """A clock that stands still until it is moved.

    Events at the same time happen in the order in which they were scheduled.

    Attributes
    ----------
    now : float
        Milliseconds.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._queue: list[tuple[float, int, Event]] = []
        self._count = itertools.count()

    def after(self, delay: float, call: Callable[[], None]) -> Event:
        """Do `call` after so many milliseconds; at once means after what is going on now."""
        return self.at(self.now + max(0.0, delay), call)

    def at(self, due: float, call: Callable[[], None]) -> Event:
        """Do `call` at that time."""
        event = Event(due, call)
        heapq.heappush(self._queue, (due, next(self._count), event))
        return event

    @property
    def next_due(self) -> float | None:
        """When the next event is due, or None."""
        while self._queue and not self._queue[0][2].pending:
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else None

    def advance_to(self, time: float) -> None:
        """Move on to `time`, doing what becomes due until then, each at its own time.

        Raises
        ------
        PatchError
            If time stands still because each event makes another.
        """
        at_once = 0
        while (due := self.next_due) is not None and due <= time:
            _, _, event = heapq.heappop(self._queue)
            at_once = at_once + 1 if due <= self.now else 0
            if at_once > MOST_AT_ONCE:
                raise PatchError(f"{at_once} events at {self.now} ms: an endless loop")
            self.now = max(self.now, due)
            call, event.call = event.call, None
            assert call is not None
            call()
        self.now = max(self.now, time)

    def advance(self, milliseconds: float) -> None:
        """Move on by so many milliseconds; 0 does what is due now."""
        self.advance_to(self.now + milliseconds)
