"""THE table of faces: what a musician can touch in the device, and what each face stands for.

Ranges, initial values, choices and help of the daemon's parameters come from
:mod:`antiphon.params`; what stands here is only how they look in Live. A face's `name` is what
Live recalls saved sets and automation by, so it is never changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from antiphon import params

FLOAT, INT, ENUM = 0, 1, 2
"""Values of ``parameter_type``."""

AUTOMATED, STORED, HIDDEN = 0, 1, 2
"""Values of ``parameter_invisible``: automated, saved with the set only, neither."""

UNIT_INT, UNIT_FLOAT, UNIT_MIDI, UNIT_CUSTOM = 0, 1, 8, 9
"""Values of ``parameter_unitstyle``."""

MOST_INT: Final = 255
"""Live keeps an Int parameter in a byte; what goes further is a Float that shows as an int."""

EXACT: Final = 2**24 - 1
"""Live keeps a Float parameter in 32 bits; whole numbers above this one are not all exact."""

DIAL, MENU, BOX = "live.dial", "live.menu", "live.numbox"

NOTES: Final = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
SWITCH: Final = ("Off", "On")

MODES: Final = (("Respond", 1), ("Loop", 4), ("Solo", 6))
"""Entries of Mode with their public index. APPEND ONLY: saved sets hold the place in this row."""

STATUS: Final = ("No Daemon", "Connected", "Listening", "Answering", "Looping", "Loading")
"""Entries of Status: no daemon, then one for each public code of a state."""

CLIP_STATUS: Final = (
    "Ready",
    "Asking...",
    "Written",
    "Read",
    "Nothing",
    "No Clip",
    "Incomplete",
    "No Live",
    "Too Long",
    "Audio Clip",
    "No Slot",
    "No Reply",
)
"""Entries of Clip Status, by the codes of ``clips.js``."""


@dataclass(frozen=True, slots=True)
class Face:
    """One parameter of the device.

    Attributes
    ----------
    name, short : str
        Long name (stable for ever), and what stands on or beside it.
    look : str
        The class of its box, such as ``live.dial``.
    group : str
        Title of the group it stands in.
    help : str
        One or two sentences: Live's Info Text.
    low, high, initial : float
        Range (both ends included) and initial value; of a choice, its index.
    choices : tuple of str
        Names of the values 0, 1, 2 ... where it is a choice.
    whole : bool
        Whether only whole numbers make sense.
    unit : int
        One of the unit styles.
    units : str
        Format of the value where `unit` is `UNIT_CUSTOM`.
    visibility : int
        `AUTOMATED`, `STORED` or `HIDDEN`.
    param : str
        The daemon's parameter behind it; empty where there is none.
    """

    name: str
    short: str
    look: str
    group: str
    help: str
    low: float
    high: float
    initial: float
    choices: tuple[str, ...] = ()
    whole: bool = False
    unit: int = UNIT_FLOAT
    units: str = ""
    visibility: int = AUTOMATED
    param: str = ""

    @property
    def type(self) -> int:
        """Which of Live's types it is."""
        if self.choices:
            return ENUM
        return INT if self.whole and self.high <= MOST_INT else FLOAT


def _of(
    param: str,
    short: str,
    look: str,
    group: str,
    unit: int | None = None,
    units: str = "",
    choices: tuple[str, ...] = (),
    name: str = "",
) -> Face:
    """Return the face of a parameter of the daemon."""
    told = params.BY_NAME[param]
    return Face(
        name=name or param.replace("/", " ").title(),
        short=short,
        look=look,
        group=group,
        help=told.help,
        low=told.low,
        high=min(told.high, EXACT),
        initial=told.default,
        choices=choices or tuple(choice.title() for choice in told.choices),
        whole=told.whole,
        unit=(UNIT_INT if told.whole else UNIT_FLOAT) if unit is None else unit,
        units=units,
        param=param,
    )


def _switch(name: str, group: str, info: str, initial: int = 0) -> Face:
    """Return a switch of the device's own."""
    return Face(name, name, "live.text", group, info, 0, 1, initial, SWITCH, unit=UNIT_INT)


def _choice(
    name: str,
    look: str,
    group: str,
    info: str,
    choices: tuple[str, ...],
    short: str = "",
    visibility: int = AUTOMATED,
) -> Face:
    """Return a choice of the device's own."""
    return Face(
        name,
        short or name,
        look,
        group,
        info,
        0,
        len(choices) - 1,
        0,
        choices,
        unit=UNIT_INT,
        visibility=visibility,
    )


def _number(
    name: str,
    short: str,
    group: str,
    info: str,
    span: tuple[int, int],
    initial: int,
    visibility: int = AUTOMATED,
) -> Face:
    """Return a whole number of the device's own."""
    return Face(
        name,
        short,
        BOX,
        group,
        info,
        *span,
        initial,
        whole=True,
        unit=UNIT_INT,
        visibility=visibility,
    )


FACES: Final[tuple[Face, ...]] = (
    _switch(
        "On", "Antiphon", "Lets the partner play. Off, it is silent and what you play passes.", 1
    ),
    _switch(
        "Thru", "Antiphon", "Passes what you play to the instrument, with or without Antiphon.", 1
    ),
    _switch(
        "Drums", "Antiphon", "What you play here are drums: Antiphon hears it on MIDI channel 10."
    ),
    _choice(
        "Mode",
        "live.tab",
        "Antiphon",
        "Respond answers you, Loop repeats and varies your phrase, Solo plays alone.",
        tuple(name for name, _ in MODES),
    ),
    _of("temperature", "Temp", DIAL, "Play", name="Temperature"),
    _of("density", "Density", DIAL, "Play"),
    _of("length", "Length", DIAL, "Play", UNIT_CUSTOM, "%.1f beats"),
    _of("velocity", "Velocity", DIAL, "Play", UNIT_CUSTOM, "%.2f x"),
    _of("register/low", "Lowest", DIAL, "Play", UNIT_MIDI),
    _of("register/high", "Highest", DIAL, "Play", UNIT_MIDI),
    _of("polyphony", "Voices", DIAL, "Play"),
    _of("guidance", "Guidance", DIAL, "Play"),
    _of("chord", "Chord", DIAL, "Harmony"),
    _of("key", "Key", MENU, "Harmony", choices=NOTES),
    _of("scale", "Scale", MENU, "Harmony"),
    _of("pedal", "Pedal", MENU, "Harmony"),
    _of("quantize", "Quantize", DIAL, "Time"),
    _of("swing", "Swing", DIAL, "Time"),
    _of("turn/silence", "Silence", DIAL, "Time", UNIT_CUSTOM, "%.2f bt"),
    _of("turn/bars", "Bars", DIAL, "Time"),
    _of("turn/quantize", "Answer On", MENU, "Time"),
    _of("seed", "Seed", BOX, "Time"),
    _of("vary/amount", "Amount", DIAL, "Vary"),
    _of("vary/keep", "Keep", MENU, "Vary"),
    _of("vary/freeze", "Freeze", "live.toggle", "Vary"),
    _number("Variations", "Count", "Vary", "How many variations Vary makes.", (1, 16), 4),
    _number(
        "Capture Length",
        "Beats",
        "Vary",
        "How many beats of what you just played Capture takes.",
        (1, 32),
        8,
    ),
    _choice(
        "Clip",
        MENU,
        "Clips",
        "What Write Clip writes: the last answer, the phrase, or the variations on offer.",
        ("Answer", "Phrase", "Variations"),
    ),
    _choice(
        "Clip Status",
        MENU,
        "Clips",
        "What became of the last Read or Write.",
        CLIP_STATUS,
        "State",
        HIDDEN,
    ),
    _number(
        "Receive Port",
        "Port",
        "Setup",
        "UDP port at which this device hears Antiphon. Instance is added to it.",
        (1024, 65535),
        7402,
        STORED,
    ),
    _number(
        "Instance",
        "No",
        "Setup",
        "Number of this device among several, from 0: each needs a port of its own.",
        (0, 15),
        0,
        STORED,
    ),
    _number(
        "Daemon Port",
        "Daemon",
        "Setup",
        "UDP port of Antiphon; 7401 unless --osc says otherwise.",
        (1024, 65535),
        7401,
        STORED,
    ),
    _choice("Status", "live.tab", "Status", "What Antiphon is doing.", STATUS, "", HIDDEN),
)

BY_NAME: Final = {face.name: face for face in FACES}
BY_PARAM: Final = {face.param: face for face in FACES if face.param}

WITHOUT: Final = {
    "bpm": "the DAW has the tempo; the device tells it with every sixteenth",
    "thru": "the device's own Thru passes notes, with or without a daemon",
    "latency": "the DAW's track delay does it",
    "channel/in": "the DAW routes what the device hears",
    "channel/out": "the DAW routes what the device plays",
}
"""Parameters of the daemon without a face, each with the reason."""

BUTTONS: Final = {
    "End Turn": ("Antiphon", "Your turn is over: the partner answers from the next grid line."),
    "Panic": ("Antiphon", "Silences everything at once, what passes through as well."),
    "Capture": ("Vary", "Makes what you played in the last beats the phrase."),
    "Vary": ("Vary", "Makes variations of the phrase, as many and as far as set here."),
    "Keep": ("Vary", "Makes what the loop plays now the phrase."),
    "Undo": ("Vary", "Goes back to the phrase before."),
    "Read Clip": ("Clips", "Makes the clip shown in Live's Clip View the phrase."),
    "Write Clip": ("Clips", "Writes into the next empty clip slots of this track."),
}
"""Buttons by name: group and help. They are no parameters: nothing to store or automate."""

BANK: Final = (
    "Mode",
    "Temperature",
    "Density",
    "Length",
    "Register Low",
    "Register High",
    "Velocity",
    "Vary Amount",
)
"""The bank that Push shows first."""
