"""The phrase being played, pass after pass: its bars on their way to the output.

A bar is queued a little ahead of its line, early enough for notes that were played before the
beat. Until its first note sounds it can be taken back, so that what is asked for just before a
line is still heard from that line on. Versions change on lines only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from antiphon import commands as c
from antiphon.dialogue import Moment
from antiphon.memory import rounded
from antiphon.modes.base import EARLY
from antiphon.music import Beats, Note, Seconds
from antiphon.phrases import Version
from antiphon.speech import AHEAD, SAME, Speech

MARGIN: Final = Seconds(0.01)
"""A bar is queued this much before its first note could have to be handed over."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A version being played: the pass that began at `start`, queued up to `place` in it.

    `number` counts the passes from 1; it is 0 before anything was queued. `all_passes` counts
    them on through changes of the phrase.
    """

    version: Version
    start: Beats
    once: bool = False
    place: Beats = Beats(0.0)
    number: int = 0
    all_passes: int = 0

    @property
    def line(self) -> Beats:
        """The line up to which notes were queued."""
        return Beats(self.start + self.place)

    @property
    def finished(self) -> bool:
        """Whether the whole pass was queued."""
        return self.number > 0 and self.place >= self.version.take.length - SAME


class Passes:
    """Plays versions of a phrase in time. Used by the engine's thread only.

    Parameters
    ----------
    speech : Speech
        Takes notes.
    publish : callable
        Takes updates; returns at once.
    choose : callable
        Returns what the next pass plays, given what the last one played.
    begun : callable
        Called after each bar that was queued.
    """

    def __init__(
        self,
        speech: Speech,
        publish: Callable[[c.Update], None],
        choose: Callable[[Version, Moment], Version],
        begun: Callable[[Moment], None],
    ) -> None:
        self._speech, self._publish = speech, publish
        self._choose, self._begun = choose, begun
        self._run: _Run | None = None
        self._before: _Run | None = None  # how things were before the last bar was queued
        self._bars = 0
        self.version: Version | None = None
        """What plays, or played last."""
        self.next: Version | None = None
        """What plays from the next line on, if that is something else."""

    @property
    def looping(self) -> bool:
        """Whether passes go on until they are stopped."""
        return self._run is not None and not self._run.once

    @property
    def reciting(self) -> bool:
        """Whether one pass is played, and no more."""
        return self._run is not None and self._run.once

    @property
    def count(self) -> int:
        """Passes begun since the loop, or :meth:`recount`."""
        return 0 if self._run is None else self._run.all_passes

    def begin(self, version: Version, start: Beats, *, once: bool = False) -> None:
        """Play a version from a line on."""
        self._run, self._before = _Run(version, start, once), None
        self.version, self.next = version, None

    def stop(self) -> None:
        """Queue no more."""
        self.version, self.next = self.next or self.version, None
        self._run = self._before = None

    def recount(self) -> None:
        """Count the passes anew."""
        if self._run is not None:
            self._run = replace(self._run, all_passes=0)

    def rename(self, version: Version) -> None:
        """What plays is the same notes under another name from now on."""
        if self.next is not None:
            self.next = version
            return
        self.version = version
        if self._run is not None:
            self._run = replace(self._run, version=version)

    def next_time(self, now: Moment) -> Seconds | None:
        """Return when :meth:`advance` next has something to do."""
        return None if self._run is None else self._due(self._run, now)

    def advance(self, now: Moment) -> None:
        """Queue what is due soon."""
        while self._run is not None and now.time >= self._due(self._run, now):
            self._queue_bar(self._run, now)

    def take_back(self, now: Moment) -> None:
        """Take back the bar that is queued and has not begun."""
        before = self._before
        if before is None or before.once or now.beat >= before.line:
            return
        handed = self._speech.recall(self._bars, now.time)
        if handed is None:
            return
        for note in handed:
            self._publish(c.Shortened(note.number, note.when))
        self._run, self._before, self.version = before, None, before.version

    @staticmethod
    def _due(run: _Run, now: Moment) -> Seconds:
        return Seconds(now.time_of(Beats(run.line - EARLY)) - AHEAD - MARGIN)

    def _queue_bar(self, before: _Run, now: Moment) -> None:
        """Queue the notes up to the next line of the phrase."""
        run = before
        if run.finished:
            if run.once:
                self._run = None
                return
            run = replace(run, start=run.line, place=Beats(0.0))
        if self.next is not None:
            run, self.next = self._changed(run, self.next, now), None
        elif not run.place and run.number:
            run = replace(run, version=self._choose(run.version, now))
        if begins := not run.place:
            run = replace(run, number=run.number + 1, all_passes=run.all_passes + 1)
        self._run, self._before = self._queue_notes(run), before
        self.version = run.version
        if not run.once and (begins or run.version is not before.version):
            self._tell(run, now)
        self._begun(now)

    def _queue_notes(self, run: _Run) -> _Run:
        version, length = run.version, run.version.take.length
        until = min(Beats(run.place + version.take.phrase.meter.bar), length)
        end = Beats(run.start + length)
        self._bars += 1
        for note in version.notes:
            if run.place <= _place(note, length) < until:
                self._speech.add(note.shifted(run.start), end, self._bars)
        return replace(run, place=until)

    def _changed(self, run: _Run, version: Version, now: Moment) -> _Run:
        """Go over to another version on this line, at its start if it is of another phrase."""
        line = run.line
        if version.take.capture != run.version.take.capture:
            run = replace(run, start=line, place=Beats(0.0), number=0)
        place = run.place
        # A note that both hold over the line goes on; all others end where the other begins.
        held = {n.pitch for n in version.notes if place and n.start < place < n.end}
        for number in self._speech.curtail(line, now.time_of(line), held):
            self._publish(c.Shortened(number, now.time_of(line)))
        return replace(run, version=version)

    def _tell(self, run: _Run, now: Moment) -> None:
        take, index, distance = run.version.take, run.version.index, run.version.distance
        bars, frozen = take.length / take.phrase.meter.bar, now.variance.frozen
        self._publish(c.Looped(run.number, take.length, bars, index, distance, frozen))


def _place(note: Note, length: Beats) -> Beats:
    """Return where in the phrase a note belongs, whatever a network made of its onset."""
    return Beats(min(max(0.0, rounded(note.start)), length - SAME))
