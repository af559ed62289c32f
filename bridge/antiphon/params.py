"""THE table of parameters: OSC, MIDI learn, the command line and the docs derive from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from antiphon.music import Scale
from antiphon.timebase import MAX_BPM, MIN_BPM

KEEPS: Final = ("nothing", "notes", "rhythm")
"""The choices of ``vary/keep``, in the order of their index."""

GRIDS: Final = ("none", "sixteenth", "eighth", "beat", "bar")
"""The choices of ``turn/quantize``, in the order of their index."""


PEDALS: Final = ("off", "follow", "on")
"""The choices of ``pedal``, in the order of their index."""


def pedals(value: float, pedalled: bool) -> bool:
    """Tell whether the partner takes the pedal at a value of ``pedal``, in answer to notes that
    were pedalled or not.
    """
    choice = PEDALS[int(value)]
    return choice == "on" or (choice == "follow" and pedalled)


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter that the player can turn.

    Attributes
    ----------
    name : str
        As in ``/antiphon/param/NAME``.
    low, high, default : float
        Range (both ends included) and initial value.
    unit : str
        For people; empty where the value has none.
    help : str
        One sentence.
    whole : bool
        Whether only whole numbers make sense.
    choices : tuple of str
        Names of the values 0, 1, 2 ... where the parameter is a choice.
    """

    name: str
    low: float
    high: float
    default: float
    unit: str
    help: str
    whole: bool = False
    choices: tuple[str, ...] = ()

    def check(self, value: float) -> float:
        """Return `value` if it can be set.

        Raises
        ------
        ValueError
            If it is not finite, out of range, or not whole where it must be.
        """
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise ValueError(f"{self.name} must be {self.low:g}..{self.high:g}, got {value}")
        if self.whole and value != int(value):
            raise ValueError(f"{self.name} must be a whole number, got {value}")
        return value

    def from_cc(self, value: int) -> float:
        """Map a controller value 0..127 onto the range."""
        scaled = self.low + (self.high - self.low) * value / 127
        return float(round(scaled)) if self.whole else scaled


_SCALES: Final = tuple(scale.name.lower().replace("_", " ") for scale in Scale)

TABLE: Final[tuple[Param, ...]] = (
    Param(
        "bpm",
        MIN_BPM,
        MAX_BPM,
        120,
        "bpm",
        "Tempo of the internal clock; a clock from outside has its own.",
    ),
    Param(
        "temperature",
        0.1,
        2,
        1.0,
        "",
        "How daring the choice of notes is: low repeats, high surprises.",
    ),
    Param(
        "density",
        0,
        1,
        0.5,
        "",
        "How busy the partner plays; caps the onsets in any beat at 1 to 16.",
    ),
    Param("register/low", 0, 127, 0, "pitch", "Lowest pitch the partner plays.", whole=True),
    Param("register/high", 0, 127, 127, "pitch", "Highest pitch the partner plays.", whole=True),
    Param("key", 0, 11, 0, "pitch class", "Key note of the scale; C is 0.", whole=True),
    Param(
        "scale", 0, 14, 0, "", "Scale every pitched note is kept in.", whole=True, choices=_SCALES
    ),
    Param("polyphony", 1, 8, 8, "notes", "Most notes the partner holds at once.", whole=True),
    Param("velocity", 0, 2, 1.0, "x", "Scales the partner's velocities."),
    Param(
        "length",
        0,
        64,
        8,
        "beats",
        "Length of an answer; 0 is as long as your turn, in whole bars.",
    ),
    Param("quantize", 0, 1, 0, "", "Pulls the partner's onsets to the sixteenth; 1 is exact."),
    Param("swing", 0, 1, 0, "", "Delays the second half of each beat; 1 is a full triplet swing."),
    Param(
        "guidance",
        0,
        3,
        1.5,
        "",
        "How firmly the partner's taste is bent to what you set; 1 is as it was trained.",
    ),
    Param("chord", 0, 1, 0, "", "How far the partner follows the chords that you play."),
    Param(
        "pedal",
        0,
        2,
        1,
        "",
        "Whether the partner uses the sustain pedal: never, if you just did, or always.",
        whole=True,
        choices=PEDALS,
    ),
    Param("turn/silence", 0.25, 16, 1, "beats", "Silence after which your turn is over."),
    Param(
        "turn/bars",
        0,
        16,
        0,
        "bars",
        "Length of your turn in bars; 0 leaves it to silence.",
        whole=True,
    ),
    Param(
        "turn/quantize", 0, 4, 4, "", "Grid line an answer starts on.", whole=True, choices=GRIDS
    ),
    Param(
        "vary/amount",
        0,
        1,
        0.3,
        "",
        "How far each pass of the loop is from the phrase; 0 repeats it exactly.",
    ),
    Param("vary/keep", 0, 2, 0, "", "What variations leave alone.", whole=True, choices=KEEPS),
    Param(
        "vary/freeze",
        0,
        1,
        0,
        "",
        "Holds what the loop plays: no new variations.",
        whole=True,
        choices=("off", "on"),
    ),
    Param(
        "latency", 0, 500, 0, "ms", "Sends everything this much early, to make up for a slow synth."
    ),
    Param(
        "thru",
        0,
        1,
        1,
        "",
        "Passes what you play to the output.",
        whole=True,
        choices=("off", "on"),
    ),
    Param("channel/in", 0, 16, 0, "channel", "MIDI channel listened to; 0 is all.", whole=True),
    Param(
        "channel/out",
        1,
        16,
        1,
        "channel",
        "MIDI channel of the partner's pitched notes.",
        whole=True,
    ),
    Param("seed", 0, 2147483647, 0, "", "Same seed, same input, same answers.", whole=True),
)

BY_NAME: Final[dict[str, Param]] = {param.name: param for param in TABLE}


def defaults() -> dict[str, float]:
    """Return a fresh setting of every parameter at its default."""
    return {param.name: param.default for param in TABLE}
