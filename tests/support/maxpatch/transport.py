"""A song's transport, as Live shows it to Max: tempo, meter, place, playing or not.

Source: Max's reference of ``transport`` and the guide to its time formats: 480 ticks make a
quarter note, and tempo counts quarter notes whatever the meter is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from maxpatch.atoms import Atom, PatchError
from maxpatch.clock import Clock

TICKS = 480
"""Ticks in a quarter note."""

_NOTE_VALUE = re.compile(r"(\d+)n(d|t)?")


def ticks(value: Atom) -> float | None:
    """Return the ticks of a note value (``16n``, ``8nt``, ``4nd``), or None for other atoms."""
    found = _NOTE_VALUE.fullmatch(value) if isinstance(value, str) else None
    if not found:
        return None
    whole = 4 * TICKS / int(found[1])
    return whole * {"d": 1.5, "t": 2 / 3}.get(found[2] or "", 1.0)


class Transport:
    """The song's place in time; a test is the hand that starts, stops and moves it."""

    def __init__(self, clock: Clock, bpm: float = 120.0, meter: tuple[int, int] = (4, 4)) -> None:
        self._clock = clock
        self._bpm, self._meter = bpm, meter
        self._beat, self._since = 0.0, clock.now
        self.playing = False
        self.listeners: list[Callable[[], None]] = []
        """Called after whatever changed; timing objects set themselves anew."""

    @property
    def bpm(self) -> float:
        """Quarter notes in a minute."""
        return self._bpm

    @property
    def meter(self) -> tuple[int, int]:
        """Numerator and denominator."""
        return self._meter

    @property
    def beat(self) -> float:
        """Quarter notes since the song's beginning."""
        if not self.playing:
            return self._beat
        return self._beat + (self._clock.now - self._since) * self._bpm / 60_000

    @property
    def place(self) -> tuple[int, int, float]:
        """Bar and beat from 1, and ticks within the beat."""
        numerator, denominator = self._meter
        of_meter = self.beat * denominator / 4
        whole = int(of_meter + 1e-9)
        units = (of_meter - whole) * 4 / denominator * TICKS
        return whole // numerator + 1, whole % numerator + 1, max(0.0, units)

    def until(self, grid: float, after: float) -> float | None:
        """Milliseconds until the next line of a grid of so many ticks that lies past `after`.

        None while the transport stands.
        """
        if not self.playing:
            return None
        if grid <= 0:
            raise PatchError(f"a grid needs a length, got {grid} ticks")
        now = self.beat * TICKS
        line = (int((max(now, after) + 1e-6) // grid) + 1) * grid
        return (line - now) / TICKS * 60_000 / self._bpm

    def set(
        self,
        *,
        playing: bool | None = None,
        beat: float | None = None,
        bpm: float | None = None,
        meter: tuple[int, int] | None = None,
    ) -> None:
        """Start or stop, jump, or change the tempo or the meter."""
        self._beat, self._since = self.beat if beat is None else beat, self._clock.now
        if playing is not None:
            self.playing = playing
        if bpm is not None:
            self._bpm = bpm
        if meter is not None:
            self._meter = meter
        for listener in list(self.listeners):
            listener()
