"""Our own clock: a steady tempo that always plays."""

from __future__ import annotations

from antiphon.music import Beats, Meter, Seconds
from antiphon.sync.base import Change, Relocated, TempoChanged
from antiphon.timebase import MAX_BPM, MIN_BPM, Tempo


class InternalClock:
    """A tempo that somebody sets.

    Parameters
    ----------
    now : Seconds
        Where beat 0 falls.
    bpm : float
        Quarter-note beats a minute.
    meter : Meter, optional
        The time signature; 4/4 when left out.
    """

    name = "internal"
    playing = True

    def __init__(self, now: Seconds, bpm: float = 120.0, meter: Meter | None = None) -> None:
        self._tempo = Tempo(bpm=bpm, time=now, meter=meter or Meter())

    @property
    def tempo(self) -> Tempo:
        """The tempo set last."""
        return self._tempo

    def update(self, now: Seconds) -> tuple[Change, ...]:
        """Return nothing: this clock cannot be lost."""
        return ()

    def set_bpm(self, now: Seconds, bpm: float) -> tuple[Change, ...]:
        """Go on at `bpm`, held within what a tempo may be, from the beat that is now."""
        bpm = min(MAX_BPM, max(MIN_BPM, bpm))
        if bpm == self._tempo.bpm:
            return ()
        self._tempo = self._tempo.changed(now, bpm)
        return (TempoChanged(bpm),)

    def relocate(self, now: Seconds, beat: Beats) -> tuple[Change, ...]:
        """Jump to a beat."""
        self._tempo = self._tempo.relocated(now, beat)
        return (Relocated(beat),)
