"""What the partner played last, so that it can be kept as a clip."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final

from antiphon import commands as c
from antiphon.modes.base import MOST_BARS
from antiphon.music import Beats, Meter, Note, Seconds

SHORTEST: Final = Beats(1 / 48)
"""A note that was cut shorter than this is not worth keeping."""


class LastAnswer:
    """Follows what is told of the partner's notes. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._notes: list[c.Played] = []
        self._start = self._length = Beats(0.0)
        self._answering = False

    def follow(self, update: c.Update) -> None:
        """Take in an update; what the loop plays is no answer."""
        match update:
            case c.TurnEnded():
                self._notes, self._start, self._length = [], update.start, update.length
                self._answering = True
            case c.Looped():
                self._answering = False
            case c.Played() if self._answering:
                self._notes.append(update)
            case c.Shortened():
                self._end(update.at, update.number)
            case c.Stopped():
                self._end(update.at)

    def clip(self, meter: Meter) -> tuple[Beats, tuple[Note, ...]]:
        """Return the length, and the notes in beats from the start, of what was played last.

        An answer without end, or one that was broken off, is as long as the whole bars that it
        filled; of more than eight bars the last eight are kept. No notes: there was none.
        """
        start, bar = self._start, meter.bar
        kept = [played.note for played in self._notes if played.note.duration >= SHORTEST]
        end = max((note.end for note in kept), default=start)
        bars = max(1, math.ceil((end - start) / bar - 1e-6))
        length = Beats(bars * bar)
        if self._length and end - start > self._length - bar:
            length = self._length
        if length > MOST_BARS * bar:
            start, length = Beats(start + length - MOST_BARS * bar), Beats(MOST_BARS * bar)
        notes = (note.shifted(Beats(-start)) for note in kept if note.start >= start - bar / 16)
        return length, tuple(sorted(replace(n, start=max(Beats(0.0), n.start)) for n in notes))

    def _end(self, at: Seconds, number: int | None = None) -> None:
        same = (p.until(at) if number in (None, p.number) else p for p in self._notes)
        self._notes = [played for played in same if played.off > played.on]
