"""What the partner played last, so that it can be kept as a clip."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace
from typing import Final

from antiphon import commands as c
from antiphon.modes.base import MOST_BARS
from antiphon.music import Beats, Meter, Note, Seconds

KEPT: Final = 1024
"""Notes remembered: eight bars of anything, whatever an answer without end comes to."""

SHORTEST: Final = Beats(1 / 48)
"""A note that was cut shorter than this is not worth keeping."""


class LastAnswer:
    """Follows what is told of the partner's notes. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._notes: deque[c.Played] = deque(maxlen=KEPT)
        self._start = self._length = Beats(0.0)
        self._answering = False

    def follow(self, update: c.Update) -> None:
        """Take in an update; what the loop plays is no answer."""
        match update:
            case c.TurnEnded():
                self._notes.clear()
                self._start, self._length, self._answering = update.start, update.length, True
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
        sounded = (p.note for p in self._notes if p.off > p.on)
        kept = [note for note in sounded if note.duration >= SHORTEST]
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
        """End a note by a time, or all of them; the latest come first, and numbers grow."""
        for place in range(len(self._notes) - 1, -1, -1):
            played = self._notes[place]
            if number is None or played.number == number:
                self._notes[place] = played.until(at)
            elif played.number < number:
                return
