"""What can be asked of the engine, and what the engine tells the world: one frozen vocabulary.

OSC, MIDI controllers, the terminal and the command line all speak it; the engine understands
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import IntEnum

from antiphon.music import Beats, Meter, Note, Pedal, Seconds

Client = tuple[str, int]
"""Host and reply port of an OSC client."""


class Mode(IntEnum):
    """Modes by their public index; ``AVAILABLE`` names those that exist in this version."""

    OFF = 0
    RESPOND = 1
    DUET = 2
    HARMONIZE = 3
    LOOP = 4
    DRUMS = 5
    SOLO = 6


AVAILABLE = (Mode.OFF, Mode.RESPOND, Mode.LOOP, Mode.SOLO)


MOST_VARIATIONS = 16
"""Variations that can be asked for at once."""


MOST_NOTES = 1024
"""Most notes of a clip."""

MOST_BARS = 8
"""Longest phrase that can be looped, and longest clip."""


SWITCHES = ("turn", "read", "write")
"""What a switch can be learnt for: the end of a turn, and reading and writing clips of Live's."""


LAST_ANSWER = -1
"""The index of a clip that stands for what the partner played last."""


class State(IntEnum):
    """What the partner is doing, by its public code."""

    IDLE = 0
    LISTENING = 1
    ANSWERING = 2
    LOOPING = 3
    LOADING = 4


class Refusal(IntEnum):
    """Why something asked was not done, by its public code."""

    UNKNOWN_ADDRESS = 1
    WRONG_ARGUMENTS = 2
    OUT_OF_RANGE = 3
    NOT_NOW = 4
    NO_SUCH_NAME = 5
    NOT_ALLOWED = 6
    BUSY = 7


# -- to the engine ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """One MIDI message of the player (bytes as in :mod:`antiphon.midi`), stamped on arrival."""

    time: Seconds
    message: bytes
    client: Client | None = None
    """The OSC client it came from; None for MIDI ports."""


@dataclass(frozen=True, slots=True)
class Transport:
    """Where the DAW says the music is (quarter-note beats)."""

    time: Seconds
    beat: Beats
    bpm: float
    meter: Meter
    playing: bool


@dataclass(frozen=True, slots=True)
class Command:
    """Base of what a client may ask; `client` and `address` say whom to tell of a refusal."""

    client: Client | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class SetMode(Command):
    """Change the mode."""

    mode: Mode = Mode.OFF


@dataclass(frozen=True, slots=True)
class SetParam(Command):
    """Set a parameter to a value that :meth:`antiphon.params.Param.check` has passed."""

    name: str = ""
    value: float = 0.0


@dataclass(frozen=True, slots=True)
class GetParam(Command):
    """Ask for the value of a parameter; answered to the client with :class:`ParamValue`."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class EndTurn(Command):
    """The player's turn is over now."""


@dataclass(frozen=True, slots=True)
class StopAnswer(Command):
    """Stop answering."""


@dataclass(frozen=True, slots=True)
class Generate(Command):
    """Play `beats` beats from the next grid line, whosever turn it is."""

    beats: Beats = Beats(8.0)


@dataclass(frozen=True, slots=True)
class Capture(Command):
    """Keep what was played in the last `beats` beats as the phrase."""

    beats: Beats = Beats(8.0)


@dataclass(frozen=True, slots=True)
class Vary(Command):
    """Make `count` variations of the phrase; each is told with :class:`Varied`."""

    count: int = 1
    amount: float = 0.5


@dataclass(frozen=True, slots=True)
class Pick(Command):
    """Play a variation by its index; 0 is the phrase itself."""

    index: int = 0


@dataclass(frozen=True, slots=True)
class Keep(Command):
    """What plays now, or was picked last, becomes the phrase."""


@dataclass(frozen=True, slots=True)
class Undo(Command):
    """Go back to the phrase before the last capture or keep."""


@dataclass(frozen=True, slots=True)
class TakePhrase(Command):
    """Make the notes of a clip, in beats from its start, the phrase."""

    notes: tuple[Note, ...] = ()
    length: Beats = Beats(4.0)


PhraseCommand = Capture | Vary | Pick | Keep | Undo | TakePhrase


@dataclass(frozen=True, slots=True)
class GiveClip(Command):
    """Ask for notes as a clip; answered to the client with :class:`Clip`.

    `index` is :data:`LAST_ANSWER`, 0 for the phrase, or that of a variation on offer.
    """

    index: int = 0


@dataclass(frozen=True, slots=True)
class SetStyle(Command):
    """Give a style a weight in the mix (0 takes it out)."""

    name: str = ""
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class LoadModel(Command):
    """Swap the player's checkpoint at the next bar, by its name in ``antiphon models``."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Learn(Command):
    """Bind the next controller that moves to a parameter, or to a switch (``turn``)."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Record(Command):
    """Start or stop recording the session."""

    on: bool = True


@dataclass(frozen=True, slots=True)
class ReadClip(Command):
    """Make the clip that is selected in Live the phrase."""


@dataclass(frozen=True, slots=True)
class WriteClip(Command):
    """Write notes into a new clip of Live's.

    `index` is that of :class:`GiveClip`, or one above the last variation for all on offer.
    """

    index: int = 0


@dataclass(frozen=True, slots=True)
class Panic(Command):
    """Silence everything at once."""


# -- from the engine -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Status:
    """The whole of what the partner tells about itself; sent when any of it changes."""

    state: State = State.LOADING
    mode: Mode = Mode.RESPOND
    model: str = ""
    model_ready: bool = False
    playing: bool = True


@dataclass(frozen=True, slots=True)
class Beat:
    """The music has come to a new beat (bar and beat from 0)."""

    bar: int
    beat: Beats
    bpm: float
    meter: Meter = field(default_factory=Meter)


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters and timings since the start (milliseconds)."""

    step_ms_p50: float = 0.0
    step_ms_p99: float = 0.0
    late_ms_p99: float = 0.0
    late_notes: int = 0
    dropped: int = 0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Played:
    """A note of the partner is on its way out; sounds from `on` to `off` on the clock."""

    note: Note
    on: Seconds
    off: Seconds
    number: int = 0

    def until(self, at: Seconds) -> Played:
        """Return the note with its end no later than `at`; of no length if that is its start."""
        if self.off <= at:
            return self
        if at <= self.on:
            return replace(self, off=self.on)
        share = (at - self.on) / (self.off - self.on)
        note = replace(self.note, duration=Beats(self.note.duration * share))
        return replace(self, note=note, off=at)


@dataclass(frozen=True, slots=True)
class Shortened:
    """A note on its way out ends by `at`; one that begins no sooner never sounds."""

    number: int
    at: Seconds


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note of the player, told when its key goes down (`duration` 0) and when it comes up."""

    start: Beats
    pitch: int
    velocity: int
    channel: int
    duration: float = 0.0
    pedal: Pedal = Pedal.UNKNOWN
    """Known once the key comes up."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """What the partner had planned or was sounding ends now (interruption, stop)."""

    at: Seconds


@dataclass(frozen=True, slots=True)
class Panicked:
    """Everything was silenced."""


@dataclass(frozen=True, slots=True)
class ParamValue:
    """The value of a parameter: to the client that asked, or to all when it changed."""

    name: str
    value: float
    client: Client | None = None
    by: Client | None = None
    """The client that changed it."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A controller now drives a parameter, or is a switch."""

    name: str
    controller: int


@dataclass(frozen=True, slots=True)
class Cued:
    """A switch went down that was learnt for something outside the engine."""

    name: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A command was not carried out."""

    code: Refusal
    address: str
    client: Client | None = None


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The player's turn is over; an answer of `length` beats starts at `start`."""

    at: Beats
    start: Beats
    length: Beats


@dataclass(frozen=True, slots=True)
class PhraseTaken:
    """There is a new phrase: captured, kept, or brought back."""

    length: Beats
    notes: int


@dataclass(frozen=True, slots=True)
class Varied:
    """The variation `index` (from 1) of the phrase is ready to be picked."""

    index: int
    distance: float
    notes: int


@dataclass(frozen=True, slots=True)
class Clip:
    """What was asked for as a clip; notes in beats from its start."""

    index: int
    length: Beats
    notes: tuple[Note, ...]
    client: Client | None = None


@dataclass(frozen=True, slots=True)
class Looped:
    """What the loop plays from here on.

    `index` is 0 for the phrase itself, the variation's where one was picked, and None where the
    variation was made for this pass. `number` counts the passes from 1.
    """

    number: int
    length: Beats
    bars: float
    index: int | None = 0
    distance: float = 0.0
    frozen: bool = False


Update = (
    Status
    | Beat
    | Stats
    | Played
    | Shortened
    | HeardNote
    | Stopped
    | Panicked
    | ParamValue
    | Learned
    | Cued
    | Refused
    | TurnEnded
    | PhraseTaken
    | Varied
    | Clip
    | Looped
)
