"""The parameters as they stand, and what they mean to modes, network and output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from antiphon import params
from antiphon.model import Controls, Keep
from antiphon.modes.base import GRID_BEATS, Now
from antiphon.music import Beats, Scale, Seconds, Voice
from antiphon.speech import Feel
from antiphon.timebase import Tempo

SIXTEENTH: Final = Beats(0.25)


@dataclass(frozen=True, slots=True)
class Variance:
    """How the passes of a loop are varied: how far, what stays, and whether at all."""

    amount: float = 0.0
    keep: Keep = Keep.NOTHING
    frozen: bool = False


class Settings:
    """Values of all parameters. Used by the engine's thread only.

    Parameters
    ----------
    values : dict, optional
        Those that differ from their defaults, checked.
    """

    def __init__(self, values: dict[str, float] | None = None) -> None:
        self._values = {**params.defaults(), **(values or {})}

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __setitem__(self, name: str, value: float) -> None:
        self._values[name] = value

    def whole(self, name: str) -> int:
        """Return a parameter that takes whole numbers only."""
        return int(self._values[name])

    def controls(self, voices: Sequence[Voice], bpm: float, pedalled: bool) -> Controls:
        """Return how the network is asked to play, in answer to the `voices` heard.

        `pedalled` says whether they were played with the sustain pedal.
        """
        return Controls(
            temperature=self["temperature"],
            density=self["density"],
            low=self.whole("register/low"),
            high=self.whole("register/high"),
            key=self.whole("key"),
            scale=Scale(self.whole("scale")),
            polyphony=self.whole("polyphony"),
            voices=(Voice.DRUMS,) if voices[0] is Voice.DRUMS else tuple(sorted(set(voices))),
            velocity=self["velocity"],
            chord=self["chord"],
            guidance=self["guidance"],
            bpm=bpm,
            pedal=params.pedals(self["pedal"], pedalled),
        )

    def feel(self) -> Feel:
        """Return how planned notes are placed and sent."""
        return Feel(
            quantize=self["quantize"],
            swing=self["swing"],
            velocity=self["velocity"],
            channel=self.whole("channel/out"),
            polyphony=self.whole("polyphony"),
            latency=Seconds(self["latency"] / 1000),
        )

    def variance(self) -> Variance:
        """Return how the passes of a loop are varied."""
        keep, frozen = Keep(self.whole("vary/keep")), bool(self["vary/freeze"])
        return Variance(self["vary/amount"], keep, frozen)

    def now(self, beat: Beats, tempo: Tempo, lead: Seconds, phrase: Beats, *, playing: bool) -> Now:
        """Return what a mode may know; an answer is asked for at least `lead` ahead."""
        grid = GRID_BEATS[self.whole("turn/quantize")]
        if grid is not None and not grid and self["quantize"]:
            grid = SIXTEENTH  # an exact onset must not fall before the start
        ahead = lead + self["latency"] / 1000
        return Now(
            beat,
            tempo,
            silence=Beats(self["turn/silence"]),
            length=Beats(self["length"]),
            bars=self.whole("turn/bars"),
            grid=grid,
            lead=Beats(ahead * tempo.bpm / 60),
            phrase=phrase,
            playing=playing,
        )
