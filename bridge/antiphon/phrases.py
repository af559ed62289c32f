"""The phrase, those before it, and its variations on offer."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from antiphon import commands as c
from antiphon.model import Keep, Variation
from antiphon.music import Beats, Note, Phrase
from antiphon.settings import Variance
from antiphon.varying import Job, Made, NotMade, Purpose, Vary

UNDOABLE: Final = 32
"""Phrases that can be gone back to."""


@dataclass(frozen=True, slots=True)
class Take:
    """A phrase that was kept; `capture` numbers the capture that it goes back to."""

    phrase: Phrase
    length: Beats
    capture: int


@dataclass(frozen=True, slots=True)
class Version:
    """Notes to be played for a take: its own, or those of a variation.

    `index` is 0 for the phrase itself, None for a variation that was made for a pass.
    """

    take: Take
    notes: tuple[Note, ...]
    index: int | None = 0
    distance: float = 0.0


class Phrases:
    """Keeps phrases and asks for variations of the present one. Used by the engine's thread only.

    Parameters
    ----------
    think : callable
        Takes jobs for the worker; returns at once.
    """

    def __init__(self, think: Callable[[Job], None]) -> None:
        self._think = think
        self.take: Take | None = None
        """The phrase."""
        self._before: deque[Take] = deque(maxlen=UNDOABLE)
        self._captures = self._request = self._offered = 0
        self._wanted: c.Vary | None = None
        self._offers: list[Version | None] = []

    @property
    def itself(self) -> Version | None:
        """The phrase as it is."""
        return None if self.take is None else Version(self.take, self.take.phrase.notes)

    # -- the phrase --------------------------------------------------------------------------

    def capture(self, phrase: Phrase, length: Beats) -> None:
        """Make a phrase THE phrase; the variations of the former one are gone."""
        self._captures += 1
        self._push(Take(phrase, length, self._captures))
        self._offers, self._offered = [], -1

    def keep(self, version: Version) -> None:
        """Make a version the phrase; the variations on offer can still be picked."""
        phrase = replace(version.take.phrase, notes=version.notes)
        self._push(replace(version.take, phrase=phrase))

    def undo(self) -> bool:
        """Go back to the phrase before the last capture or keep; False if there is none."""
        if not self._before:
            return False
        now, self.take = self.take, self._before.pop()
        if now is not None and now.capture != self.take.capture:
            self._offers, self._offered = [], -1
        return True

    def _push(self, take: Take) -> None:
        if self.take is not None:
            self._before.append(self.take)
        self.take = take

    # -- variations --------------------------------------------------------------------------

    def offer(self, command: c.Vary, keep: Keep, seed: tuple[int, ...]) -> None:
        """Ask for the variations that a command wants, to be picked from."""
        self._wanted, self._offers = command, [None] * command.count
        self._offered = self._ask(Purpose.OFFER, command.amount, command.count, seed, keep)

    def ask(self, how: Variance, seed: tuple[int, ...]) -> int:
        """Ask for a variation for the next pass; return the number of the request."""
        return self._ask(Purpose.PASS, how.amount, 1, seed, how.keep)

    def made(self, made: Made) -> Version | None:
        """Put a variation on offer; None if nobody waits for it any more."""
        if made.request != self._offered or self.take is None:
            return None
        variation = made.variation
        offer = Version(self.take, variation.notes, made.index + 1, variation.distance)
        self._offers[made.index] = offer
        return offer

    def failed(self, reply: NotMade) -> c.Vary | None:
        """Return the command whose variations could not be made, if it still counts."""
        return self._wanted if reply.request == self._offered else None

    def pick(self, index: int) -> Version | c.Refusal:
        """Return the phrase (0) or a variation on offer, or why that cannot be."""
        if self.take is None or (itself := self.itself) is None:
            return c.Refusal.NOT_NOW
        if not 0 <= index <= len(self._offers):
            return c.Refusal.OUT_OF_RANGE
        version = itself if index == 0 else self._offers[index - 1]
        return c.Refusal.NOT_NOW if version is None else replace(version, take=self.take)

    def version(self, variation: Variation) -> Version | None:
        """Return a variation that was made for a pass."""
        if self.take is None:
            return None
        return Version(self.take, variation.notes, None, variation.distance)

    def _ask(
        self, purpose: Purpose, amount: float, count: int, seed: tuple[int, ...], keep: Keep
    ) -> int:
        self._request += 1
        if (take := self.take) is not None:
            phrase, length = take.phrase, take.length
            self._think(Vary(purpose, self._request, phrase, length, amount, count, seed, keep))
        return self._request
