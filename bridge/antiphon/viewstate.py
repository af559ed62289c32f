"""What the terminal view knows: the engine's updates of the last seconds, ready to be drawn."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from antiphon.commands import (
    Beat,
    HeardNote,
    Looped,
    Panicked,
    ParamValue,
    Played,
    Shortened,
    Stats,
    Status,
    Stopped,
    Update,
)
from antiphon.music import Seconds
from antiphon.textroll import ANSWER, CALL

KEPT: Final = 20.0
"""Seconds of music kept for the roll."""

GLOW: Final = 0.15
"""Seconds that a port's light stays on after a note."""


@dataclass(slots=True)
class Span:
    """A note on the clock; `off` is infinite while its key is down."""

    on: float
    off: float
    pitch: int
    part: int
    number: int = 0


class ViewState:
    """The last seconds of a session. Used on the drawing thread only."""

    def __init__(self) -> None:
        self.status, self.stats = Status(), Stats()
        self.bar, self.bpm, self.beats_a_bar = 0, 120.0, 4
        self.heard: deque[int] = deque(maxlen=64)
        self.loop: Looped | None = None
        """What the loop plays, or played last."""
        self._beat = 0.0
        self._at: float | None = None
        self._lines: deque[tuple[float, bool]] = deque(maxlen=256)
        self._spans: deque[Span] = deque(maxlen=2000)
        self._held: dict[tuple[int, int], Span] = {}
        self._heard_at = -math.inf

    @property
    def beat_number(self) -> int:
        """The beat in the bar, from 1."""
        return int(self._beat + 1e-6) + 1

    def apply(self, update: Update, when: Seconds) -> None:
        """Take in one update that was told at `when`."""
        match update:
            case Status():
                self.status = update
            case Stats():
                self.stats = update
            case Looped():
                self.loop = update
            case ParamValue(name="vary/freeze", value=value) if self.loop is not None:
                self.loop = replace(self.loop, frozen=bool(value))
            case Beat(bar=bar, beat=beat, bpm=bpm, meter=meter):
                self.beats_a_bar = min(math.ceil(meter.bar), 12)
                self.bar, self.bpm, self._at = bar, bpm, when
                self._beat = float(beat)
                self._lines.append((when, beat < 0.5))
            case HeardNote(pitch=pitch, channel=channel, duration=duration):
                self._heard_at = when
                span = self._held.pop((channel, pitch), None)
                if span:
                    span.off = when
                if duration <= 0:
                    span = self._held[channel, pitch] = Span(when, math.inf, pitch, CALL)
                    self._spans.append(span)
                    self.heard.append(pitch)
            case Played(note=note, on=on, off=off, number=number):
                self._spans.append(Span(on, off, note.pitch, ANSWER, number))
            case Shortened(number=number, at=at):
                for span in self._spans:
                    if span.part == ANSWER and span.number == number:
                        span.off = max(span.on, min(span.off, at))
            case Stopped(at=at):
                self._stop(when, at)
            case Panicked():
                self._stop(when, when)
            case _:
                pass

    def _stop(self, told: float, at: float) -> None:
        """Drop the partner's notes that have not sounded when it is told; end the rest at `at`."""
        kept = [s for s in self._spans if s.part == CALL or s.on < min(told, at)]
        for span in kept:
            if span.part == ANSWER:
                span.off = min(span.off, at)
        self._spans = deque(kept, maxlen=self._spans.maxlen)

    def forget(self, now: Seconds) -> None:
        """Let go of what has scrolled out of every window."""
        while self._spans and self._spans[0].off < now - KEPT:
            self._spans.popleft()
        while self._lines and self._lines[0][0] < now - KEPT:
            self._lines.popleft()

    def spans(self, now: Seconds) -> Iterator[tuple[float, float, int, int]]:
        """Yield ``(on, off, pitch, part)``; what is held ends now."""
        for span in self._spans:
            yield (
                span.on,
                min(span.off, now) if span.part == CALL else span.off,
                span.pitch,
                span.part,
            )

    def sounded(self, now: Seconds) -> list[int]:
        """Return the partner's last pitches that have begun to sound."""
        return [span.pitch for span in self._spans if span.part == ANSWER and span.on <= now]

    def input_lit(self, now: Seconds) -> bool:
        """Tell whether a note came in just now."""
        return bool(self._held) or now - self._heard_at < GLOW

    def output_lit(self, now: Seconds) -> bool:
        """Tell whether a note of the partner sounds, or has just ended."""
        return any(s.part == ANSWER and s.on <= now < s.off + GLOW for s in self._spans)

    def meter_lights(self) -> list[bool]:
        """Return a light for each beat of the bar; the one that sounds is on."""
        number = self.beat_number
        if self._at is None:
            return [False] * self.beats_a_bar
        return [place == number for place in range(1, max(self.beats_a_bar, number) + 1)]

    def beat_lines(self, now: Seconds) -> Iterator[tuple[float, bool]]:
        """Yield the times of the beats seen, and of those to come if the tempo stays."""
        yield from self._lines
        if self._at is None or now - self._at > 4:
            return
        beat, when = self._beat, self._at
        for _ in range(8):
            beat, when = beat + 1, when + 60.0 / self.bpm
            yield when, math.floor(beat + 1e-6) % self.beats_a_bar == 0

    def bar_of(self, ahead: float, when: Seconds) -> int:
        """Return the number (from 1) of the bar that lies `ahead` beats from `when`."""
        since = (when - self._at) * self.bpm / 60 if self._at is not None else 0.0
        beats = self._beat + since + ahead
        return self.bar + 1 + math.floor(beats / self.beats_a_bar + 1e-3)
