"""Questions to AbletonOSC, and the work that is done by asking them one after another.

A piece of work is a generator. It yields what it wants done and is sent what came of it::

    (name,) = yield Ask((Message("/live/clip/get/name", (0, 3)),))   # a list of replies
    yield Tell((Message("/live/clip/fire", (0, 3)),))                # None, at once
    clip = yield Give(-1)                                            # the engine's clip

It returns one line that says what was done, and raises :class:`UndoneError` with one that says why
not. Nothing here waits: :class:`Errands` is told the time and what came in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Final

from antiphon import commands
from antiphon.live.wire import Message
from antiphon.music import Seconds

PATIENCE: Final = Seconds(0.35)
"""A reply takes 100 ms at most where Live is idle; after this long the question is put again."""

TRIES: Final = 10
"""Times that a question is put: enough for a network that loses every fifth datagram."""

ERRORS: Final = 3
"""Errors after which a question counts as refused; one could be about something else."""

ENGINE: Final = Seconds(2.0)
"""The engine answers at once; after this long it has been asked in vain."""

MOST_WAITING: Final = 8
"""Pieces of work that may wait for the one under way."""


class UndoneError(Exception):
    """Something that was asked of Live could not be done; the text says what to do."""


class UnansweredError(UndoneError):
    """A question had no answer; the text is what AbletonOSC said instead, or empty."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Put questions; answered with the values of the replies, in the same order."""

    questions: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Tell:
    """Give orders, which nobody confirms."""

    orders: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Give:
    """Ask the engine for a clip; answered with it, or with None if there is none."""

    index: int


Step = Ask | Tell | Give
Work = Generator[Step, Any, str]
"""What it yields, what it is sent, the line it returns."""


@dataclass(slots=True)
class Errand:
    """A piece of work, and whom to tell of its end."""

    work: Work
    command: commands.Command


@dataclass(slots=True)
class _Pending:
    """Questions that were put and have not all been answered."""

    open: dict[int, Message]
    replies: list[tuple[object, ...] | None]
    again: Seconds
    tries: int = 1
    errors: list[str] = field(default_factory=list)


class Errands:
    """Does pieces of work, one at a time, in order. Used by one thread only.

    Parameters
    ----------
    send : callable
        Sends a message to AbletonOSC.
    give : callable
        Asks the engine for a clip by its index; :meth:`given` brings it.
    done : callable
        Takes the errand that ended, the line about it, and whether it was done.
    """

    def __init__(
        self,
        send: Callable[[Message], None],
        give: Callable[[int], None],
        done: Callable[[Errand, str, bool], None],
    ) -> None:
        self._send, self._give, self._done = send, give, done
        self._waiting: deque[Errand] = deque()
        self._errand: Errand | None = None
        self._pending: _Pending | None = None
        self._given_by: Seconds | None = None  # when to stop waiting for the engine

    def add(self, errand: Errand, now: Seconds) -> bool:
        """Take a piece of work on; False if too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            return False
        self._waiting.append(errand)
        if self._errand is None:
            self._next(now)
        return True

    def next_time(self) -> Seconds | None:
        """Return when :meth:`advance` has something to do."""
        return self._pending.again if self._pending is not None else self._given_by

    def hear(self, message: Message, now: Seconds) -> None:
        """Take a message of AbletonOSC's that may be the answer to a question."""
        if (pending := self._pending) is None:
            return
        for place, question in pending.open.items():
            if message.answers(question):
                pending.replies[place] = message.values
                del pending.open[place]
                break
        if not pending.open:
            # What was asked twice may be answered twice: the next question waits for that.
            pending.again = now if pending.tries == 1 else Seconds(now + PATIENCE)
            self._settle(pending, now)

    def fail(self, text: str, now: Seconds) -> None:
        """AbletonOSC told of an error, which is likely about what was asked last."""
        pending = self._pending
        if pending is not None and pending.open:
            pending.errors.append(text)
            self._retry(pending, now)

    def given(self, clip: commands.Clip | None, now: Seconds) -> None:
        """The engine gave the clip that was asked for, or has none."""
        if self._given_by is not None:
            self._given_by = None
            self._step(clip, now)

    def advance(self, now: Seconds) -> None:
        """Ask again what was not answered."""
        if (pending := self._pending) is not None:
            if not pending.open:
                self._settle(pending, now)
            elif now >= pending.again:
                self._retry(pending, now)
        elif self._given_by is not None and now >= self._given_by:
            self.given(None, now)

    # -- inside ------------------------------------------------------------------------------

    def _next(self, now: Seconds) -> None:
        self._errand = self._waiting.popleft() if self._waiting else None
        if self._errand is not None:
            self._step(None, now)

    def _settle(self, pending: _Pending, now: Seconds) -> None:
        if now >= pending.again:
            self._pending = None
            self._step(pending.replies, now)

    def _retry(self, pending: _Pending, now: Seconds) -> None:
        if pending.tries >= TRIES or len(pending.errors) >= ERRORS:
            self._pending = None
            self._step(UnansweredError(pending.errors[-1] if pending.errors else ""), now)
            return
        pending.tries += 1
        pending.again = Seconds(now + PATIENCE)
        for question in pending.open.values():
            self._send(question)

    def _step(self, outcome: object, now: Seconds) -> None:
        """Let the work go on with what came of its last wish, until it has to wait."""
        while (errand := self._errand) is not None:
            try:
                if isinstance(outcome, UndoneError):
                    wish = errand.work.throw(outcome)
                else:
                    wish = errand.work.send(outcome)
            except StopIteration as end:
                self._done(errand, str(end.value), True)
            except UndoneError as error:
                self._done(errand, str(error) or "AbletonOSC does not answer", False)
            except (LookupError, TypeError, ValueError) as error:  # whatever is at that port
                self._done(errand, f"not understood what AbletonOSC answered ({error})", False)
            else:
                if self._wish(wish, now):
                    return
                outcome = None
                continue
            outcome = None
            self._errand = self._waiting.popleft() if self._waiting else None

    def _wish(self, wish: Step, now: Seconds) -> bool:
        """Do what the work wants; tell whether it must wait for it."""
        match wish:
            case Tell():
                for order in wish.orders:
                    self._send(order)
                return False
            case Ask():
                questions = dict(enumerate(wish.questions))
                again = Seconds(now + PATIENCE)
                self._pending = _Pending(questions, [None] * len(questions), again)
                for question in wish.questions:
                    self._send(question)
            case Give():
                self._given_by = Seconds(now + ENGINE)
                self._give(wish.index)
        return True
