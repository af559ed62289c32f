"""What every source of the beat offers, and what it says has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from antiphon.music import Beats, Meter, Seconds
from antiphon.timebase import MAX_BPM, MIN_BPM, Tempo

LOWEST_PACE: Final = 0.5
HIGHEST_PACE: Final = 2.0
"""How much slower or faster than the music the reported beat may run to catch up with it."""


@dataclass(frozen=True, slots=True)
class Started:
    """The transport runs from `beat` on."""

    beat: Beats


@dataclass(frozen=True, slots=True)
class Halted:
    """The transport was stopped; the tempo goes on, so that one can play on freely."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Nothing comes from the source any more, though nobody stopped it."""


@dataclass(frozen=True, slots=True)
class Relocated:
    """The music jumped to `beat`; what was planned on the old beats is void."""

    beat: Beats


@dataclass(frozen=True, slots=True)
class TempoChanged:
    """The tempo differs noticeably from what was last told; the beat did not jump."""

    bpm: float


@dataclass(frozen=True, slots=True)
class MeterChanged:
    """The time signature changed."""

    meter: Meter


Change = Started | Halted | Lost | Relocated | TempoChanged | MeterChanged


class SyncSource(Protocol):
    """Tells where the music is. Owned by the engine and used on its thread only.

    Sources are fed by the engine with what it takes from its inbox, each with its own method;
    every method that can change something returns what it changed, in order.
    """

    @property
    def name(self) -> str:
        """The source as ``--sync`` names it."""
        ...

    @property
    def tempo(self) -> Tempo:
        """The map between the clock and the beat, good from the last call on."""
        ...

    @property
    def playing(self) -> bool:
        """Whether the transport runs."""
        ...

    def update(self, now: Seconds) -> tuple[Change, ...]:
        """Notice what did not happen, such as a source gone silent; call it often."""
        ...


def steered(shown: Tempo, true: Tempo, now: Seconds, horizon: Beats) -> Tempo:
    """Lead the tempo that is shown to the true one without a jump.

    The result goes on from where `shown` is now and meets `true` after `horizon` beats, so
    the beat never goes back and never skips. It runs at between half and twice the true
    tempo, so a large difference takes longer than `horizon`.

    Parameters
    ----------
    shown : Tempo
        What was reported so far.
    true : Tempo
        What is now believed; its meter and bar line are taken over.
    now : Seconds
        Where the change happens.
    horizon : Beats
        Above 0. Short follows fast and passes more noise on into the tempo.
    """
    beat = shown.beat_at(now)
    gap = true.beat_at(now) - beat
    pace = min(HIGHEST_PACE, max(LOWEST_PACE, 1.0 + gap / horizon))
    bpm = min(MAX_BPM, max(MIN_BPM, true.bpm * pace))
    return Tempo(bpm, now, beat, true.meter, true.bar_line)
