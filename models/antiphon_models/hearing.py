"""What the musician's last notes were like: how loud, how dense, on which chord.

Needs only numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from antiphon.model import Event
from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.conditions import NOTHING_HEARD, Heard, chord_id

AVERAGED: Final = 24
"""Notes that level and density are averaged over."""

PAUSE: Final = 2 * TICKS_PER_BEAT
"""Ticks: a longer wait says no more about how dense the music is."""

HARMONY: Final = 2 * TICKS_PER_BEAT
"""Ticks back from the last note that belong to one chord."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard of the musician; the partner's own notes do not count.

    Attributes
    ----------
    told : Heard
        Mean velocity and density of the last notes, weighted towards the latest, and the last
        chord that was recognised.
    notes, gaps : int
        Notes and waits that are in the means, no more than AVERAGED.
    last : int
        Latest onset, in ticks.
    struck : tuple of (int, int)
        Onset and pitch class of the pitched notes of the last HARMONY ticks.
    """

    told: Heard = NOTHING_HEARD
    notes: int = 0
    gaps: int = 0
    last: int = 0
    struck: tuple[tuple[int, int], ...] = ()

    def heard(self, event: Event) -> Hearing:
        """Return what is heard after one more note."""
        onset = int(event.onset)
        velocity, density, chord = self.told
        notes, gaps, struck = min(self.notes + 1, AVERAGED), self.gaps, self.struck
        velocity += (event.velocity - velocity) / notes
        if self.notes and onset > self.last:
            gaps = min(gaps + 1, AVERAGED)
            gap, wait = TICKS_PER_BEAT / density, min(onset - self.last, PAUSE)
            density = TICKS_PER_BEAT / (gap + (wait - gap) / gaps)
        if event.voice is not Voice.DRUMS:
            struck = tuple(note for note in struck if note[0] > onset - HARMONY)
            struck = (*struck, (onset, event.pitch % 12))
            weight = np.zeros(12)
            for _, pitch_class in struck:
                weight[pitch_class] += 1
            chord = chord_id(weight) or chord
        last = max(onset, self.last)
        return Hearing(Heard(velocity, density, chord), notes, gaps, last, struck)
