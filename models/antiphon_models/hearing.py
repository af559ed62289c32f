"""What the musician's last notes were like: how loud, and on which chord.

Needs only numpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from antiphon.model import Event
from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.conditions import UNKNOWN, USUAL_VELOCITY, chord_id

LOUDNESS: Final = 24
"""Notes that the level is averaged over."""

HARMONY: Final = 2 * TICKS_PER_BEAT
"""Ticks back from the last note that belong to one chord."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard of the musician; the partner's own notes do not count.

    Attributes
    ----------
    velocity : float
        Mean velocity of the last notes, weighted towards the latest.
    count : int
        Notes that are in it, no more than LOUDNESS.
    chord : int
        Id of the last chord that was recognised, see
        :func:`antiphon_models.conditions.chord_id`.
    struck : tuple of (int, int)
        Onset and pitch class of the pitched notes of the last HARMONY ticks.
    """

    velocity: float = USUAL_VELOCITY
    count: int = 0
    chord: int = UNKNOWN
    struck: tuple[tuple[int, int], ...] = ()

    def heard(self, event: Event) -> Hearing:
        """Return what is heard after one more note."""
        count = min(self.count + 1, LOUDNESS)
        velocity = self.velocity + (event.velocity - self.velocity) / count
        if event.voice is Voice.DRUMS:
            return Hearing(velocity, count, self.chord, self.struck)
        onset = int(event.onset)
        struck = tuple(note for note in self.struck if note[0] > onset - HARMONY)
        struck = (*struck, (onset, event.pitch % 12))
        weight = np.zeros(12)
        for _, pitch_class in struck:
            weight[pitch_class] += 1
        return Hearing(velocity, count, chord_id(weight) or self.chord, struck)
