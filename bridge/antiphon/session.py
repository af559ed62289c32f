"""The music of a session, built from the engine's updates: pure, without threads or files.

What the file says must be what sounded. So a note that was taken back before it sounded is not
in it, and one that was cut ends where it was cut.

The file counts its own beats. They go on where the engine's jump (a DAW that loops, a clock
that starts again), so that nothing lands on top of what was played before. Between jumps the
engine's beats are kept exactly: what fell on a bar line falls on one in the file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from antiphon.commands import (
    Beat,
    HeardNote,
    Panicked,
    ParamValue,
    Played,
    Shortened,
    Status,
    Stopped,
    TurnEnded,
    Update,
)
from antiphon.midifile import Marker, MeterMark, TempoMark, write_midi
from antiphon.music import Beats, Meter, Note, Pedal, Seconds
from antiphon.pedalling import pedal_messages
from antiphon.timebase import MAX_BPM, MIN_BPM, Tempo

PLAYER: Final = "Player"
PARTNER: Final = "Antiphon"
"""Names of the two tracks."""

Mark = TypeVar("Mark", TempoMark, MeterMark)

JUMP: Final = 1.5
"""Beats by which the music may seem off before it counts as moved: more than any ``latency``
or lateness makes. Smaller jumps show in the count of bars and beats."""

SHORTEST: Final = 0.01
"""Least length in beats of a note that was heard."""


@dataclass(frozen=True, slots=True)
class Held:
    """A key of the player that is down: what was told, where it is in the file, since when."""

    told: HeardNote
    start: Beats
    since: Seconds


class Session:
    """A session as it grows.

    Parameters
    ----------
    meter : Meter
        Meter until the beat shows another.
    model : str
        Name of the model.
    seed : int
        The seed of the answers.
    """

    def __init__(self, meter: Meter | None = None, model: str = "", seed: int = 0) -> None:
        self.model, self.seed = model, seed
        self.player: list[Note] = []
        self.partner: list[Played] = []
        self.held: dict[tuple[int, int], Held] = {}
        self.tempos: list[TempoMark] = []
        self.meters = [MeterMark(Beats(0.0), meter or Meter())]
        self.markers: list[Marker] = []
        self.turns = 0
        self._their_turn = True
        self._tempo: Tempo | None = None  # the file's clockwork: time -> beat of the file
        self._offset: float | None = None  # beat of the file - beat of the engine
        self._bar_zero: float | None = None  # beat of the file where the engine's bar 0 would be
        self._last: tuple[Beat, float] | None = None  # the last beat told, and its place

    @property
    def started(self) -> bool:
        """Whether a note was played."""
        return bool(self.player or self.partner or self.held)

    def apply(self, update: Update, time: Seconds) -> None:
        """Take in one update that was told at `time`."""
        match update:
            case Beat():
                self._beat(update, time)
            case HeardNote():
                self._heard(update, time)
            case Played(note=note, on=on):
                start = self._place(note.start, on)
                self.partner.append(replace(update, note=replace(note, start=start)))
            case Shortened(number=number, at=at):
                same = (each.until(at) if each.number == number else each for each in self.partner)
                self.partner = [each for each in same if each.off > each.on]
            case Stopped(at=at):
                self._stop(time, at)
            case Panicked():
                self._stop(time, time)
            case TurnEnded(at=at, start=start, length=length):
                self._their_turn = True
                here = self._place(at, time) + start - at
                name = f"answer {self.turns}" if self.turns else "solo"
                text = f"{name} ({length:g} beats)" if length else name  # 0 is without an end
                self.markers.append(Marker(Beats(here), text))
            case Status(model=model) if model and model != self.model:
                if self.model and self.started:
                    self.markers.append(Marker(self._at(time), f"model {model}"))
                else:
                    self.model = model
            case ParamValue(name="seed", value=value) if not self.started:
                self.seed = int(value)
            case _:
                pass

    # -- time --------------------------------------------------------------------------------

    def _at(self, time: Seconds) -> Beats:
        """Return the file's beat at a time."""
        if self._tempo is None:
            self._tempo = Tempo(time=time)
        return self._tempo.beat_at(time)

    def _place(self, beat: Beats, time: Seconds) -> Beats:
        """Return the file's beat of an engine's beat that falls at `time`.

        The engine may go ahead to the next bar line (it does when the player begins), and the
        file with it. Anything else is a jump: the file goes on, in step with the bar.
        """
        here, bar = float(self._at(time)), self.meters[-1].meter.bar
        known = [offset for offset in (self._offset, self._bar_zero) if offset is not None]
        for offset in known:
            if -JUMP <= beat + offset - here <= bar + 0.5:
                break
        else:
            offset = _onward(beat + known[0], here, bar) - beat if known else _half(here - beat)
        self._offset = offset
        if beat + offset - here > 0.5 and self._tempo is not None:
            self._tempo = self._tempo.relocated(time, Beats(beat + offset))
        return Beats(beat + offset)

    def _beat(self, update: Beat, time: Seconds) -> None:
        """Keep the clockwork in step; notice new tempos, new meters and jumps."""
        here, before = float(self._at(time)), self._last
        bar, bpm = self.meters[-1].meter.bar, min(max(update.bpm, MIN_BPM), MAX_BPM)
        told = (self._bar_zero or 0.0) + update.bar * bar + update.beat
        if before is None:
            place = _half(here) if self.started else float(update.beat)
        else:
            last = (before[0].bar, before[0].beat)
            ordered = last < (update.bar, update.beat) and update.bar <= last[0] + 1
            steady = _half(here - before[1])
            if ordered and steady > 0 and abs(here - before[1] - steady) < 0.25:
                place = before[1] + steady
            elif ordered and -0.5 <= told - here <= bar + 0.5:
                place = told
            else:
                place, self._offset = _onward(told, here, bar), None
        if update.meter != self.meters[-1].meter:
            self.meters.append(MeterMark(Beats(max(0.0, place - update.beat)), update.meter))
        self._bar_zero = place - update.beat - update.bar * self.meters[-1].meter.bar
        self._last = (update, place)
        self._tempo = Tempo(bpm=bpm, time=time, beat=Beats(place))
        if not self.tempos or abs(self.tempos[-1].bpm - bpm) > 0.05:
            self.tempos.append(TempoMark(Beats(place), bpm))

    # -- notes -------------------------------------------------------------------------------

    def _heard(self, update: HeardNote, time: Seconds) -> None:
        """Open a note of the player at its key-down, close it at its key-up."""
        key = (update.channel, update.pitch)
        down = self.held.pop(key, None)
        if down:  # its key-up, or struck again without one
            self.player.append(self._closed(down, update.duration, time, update.pedal))
        if update.duration <= 0:
            start = self._place(update.start, time)
            if self._their_turn:
                self._their_turn, self.turns = False, self.turns + 1
                self.markers.append(Marker(start, f"call {self.turns}"))
            self.held[key] = Held(update, start, time)

    def _closed(
        self, down: Held, length: float, now: Seconds, pedal: Pedal = Pedal.UNKNOWN
    ) -> Note:
        """Return a note of the player; the told length counts unless the beat jumped in it."""
        lasted = self._at(now) - self._at(down.since)
        duration = length if length > 0 and abs(length - lasted) < 0.5 else max(lasted, SHORTEST)
        told = down.told
        start, length = down.start, Beats(duration)
        return Note(start, told.pitch, told.velocity, length, told.channel, pedal=pedal)

    def _stop(self, told: Seconds, at: Seconds) -> None:
        """Take back what has not sounded when it is told; what sounds ends at `at`."""
        self.partner = [each.until(at) for each in self.partner if each.on < min(told, at)]

    # -- the file ----------------------------------------------------------------------------

    def write(self, path: Path, now: Seconds) -> bool:
        """Write what sounded up to `now`; return whether anything did."""
        player = self.player + [self._closed(down, 0.0, now) for down in self.held.values()]
        partner = [each.until(now).note for each in self.partner if each.on < now]
        if not (player or partner):
            return False
        first = min(note.start for note in player + partner)
        meter = _current(self.meters, first).meter
        line = Beats(math.floor(first / meter.bar) * meter.bar)  # the bar of the first note
        skip = Beats(-line)
        tempos = self.tempos or [TempoMark(Beats(0.0), 120.0)]
        both = [[note.shifted(skip) for note in notes] for notes in (player, partner)]
        write_midi(
            path,
            list(zip((PLAYER, PARTNER), both, strict=True)),
            bpm=_from(tempos, line),
            meter=_from(self.meters, line),
            markers=[replace(m, beat=Beats(m.beat - line)) for m in self.markers],
            texts=[f"antiphon model={self.model}", f"antiphon seed={self.seed}"],
            others=[pedal_messages(notes, _current(tempos, first).bpm) for notes in both],
        )
        return True


def _half(beats: float) -> float:
    """Round to half a beat, the finest place that bar lines fall on."""
    return round(beats * 2) / 2


def _onward(place: float, here: float, bar: float) -> float:
    """Move a place by whole bars to the first that is not before `here` (a beat before will do)."""
    return place + math.ceil((here - place) / bar - 0.25) * bar


def _current(marks: Sequence[Mark], beat: float) -> Mark:
    """Return the mark that counts at `beat`."""
    return next((mark for mark in reversed(marks) if mark.beat <= beat), marks[0])


def _from(marks: Sequence[Mark], line: Beats) -> list[Mark]:
    """Return the mark that counts at `line`, then those after it, in beats from `line`."""
    first: Mark = replace(_current(marks, line), beat=line)
    counting: list[Mark] = [first]
    counting += [mark for mark in marks if mark.beat > line]
    return [replace(mark, beat=Beats(mark.beat - line)) for mark in counting]
