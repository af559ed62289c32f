"""What is asked of the networks that vary, done in slices between the player's steps.

A slice takes about a millisecond, and a variation one or a few of them. Variations for the next
pass of the loop come before those that are only on offer; a newer request takes the place of an
older one of its kind. No threads here: see :mod:`antiphon.worker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from antiphon.model import Keep, Variation, Varier
from antiphon.music import Beats, Phrase


class Purpose(IntEnum):
    """What variations are for, the most urgent first."""

    PASS = 0
    """The next pass of the loop."""
    OFFER = 1
    """To be picked by the musician."""


@dataclass(frozen=True, slots=True)
class Equip:
    """Vary with these networks from now on."""

    varier: Varier


@dataclass(frozen=True, slots=True)
class Vary:
    """Make variations of a phrase; `request` comes back with each."""

    purpose: Purpose
    request: int
    phrase: Phrase
    length: Beats
    amount: float
    count: int
    seed: tuple[int, ...]
    keep: Keep = Keep.NOTHING


Job = Equip | Vary


@dataclass(frozen=True, slots=True)
class Made:
    """The variation `index` (from 0) of a request."""

    purpose: Purpose
    request: int
    index: int
    variation: Variation


@dataclass(frozen=True, slots=True)
class NotMade:
    """What was asked for cannot be made, or no more of it."""

    purpose: Purpose
    request: int
    reason: str


Reply = Made | NotMade


@dataclass(slots=True)
class _Underway:
    """A request, and its variations to come once they were begun."""

    job: Vary
    made: int = 0
    rest: Iterator[Variation | None] | None = None


class Varying:
    """The networks that vary, and what they are asked for.

    Parameters
    ----------
    reply : callable
        Takes :class:`Made` and :class:`NotMade`; must not block.
    """

    def __init__(self, reply: Callable[[Reply], None]) -> None:
        self._reply = reply
        self._varier: Varier | None = None
        self._underway: dict[Purpose, _Underway] = {}

    @property
    def busy(self) -> bool:
        """Whether there is something to do."""
        return bool(self._underway)

    def do(self, job: Job) -> None:
        """Take a job in; what it takes to do it is left to :meth:`work`."""
        match job:
            case Equip():
                self._varier = job.varier
            case Vary():
                self._underway[job.purpose] = _Underway(job)

    def work(self) -> None:
        """Do one slice. Never raises: what goes wrong ends the request and is told."""
        if not self._underway:
            return
        purpose = min(self._underway)
        underway = self._underway[purpose]
        try:
            variation = self._next(underway)
        except StopIteration:
            del self._underway[purpose]
            return
        except Exception as error:  # one bad request must not end the music
            del self._underway[purpose]
            self._reply(NotMade(purpose, underway.job.request, str(error) or repr(error)))
            return
        if variation is None:
            return
        index = underway.made
        underway.made += 1
        if underway.made >= underway.job.count:
            del self._underway[purpose]
        self._reply(Made(purpose, underway.job.request, index, variation))

    def _next(self, underway: _Underway) -> Variation | None:
        """Do the request's next slice; return the variation that it finished, if any."""
        job = underway.job
        if underway.rest is None:
            if self._varier is None:
                raise RuntimeError("the networks that vary are not there")
            underway.rest = self._varier.variations(
                job.phrase, job.length, job.amount, job.count, job.seed, job.keep
            )
            return None
        return next(underway.rest)
