"""THE table of OSC addresses that Antiphon takes, and the reading of arguments by it.

A row names an address, its arguments with type and range, and how they become a value of
:mod:`antiphon.commands`. Whatever a row does not allow is refused here, so that nothing
behind this module ever sees a wrong value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from antiphon import commands, midi, params
from antiphon.commands import Client, Refusal
from antiphon.music import Beats, Meter, Seconds
from antiphon.osc.clips import ClipBegin, ClipEnd, ClipNote, ClipPart
from antiphon.osc.codec import Argument
from antiphon.osc.fields import Field, Real, RefusedError, Text, Value, Whole, WholeOrText
from antiphon.timebase import MAX_BPM, MIN_BPM

PREFIX: Final = "/antiphon/"
PROTOCOL: Final = 1

TOLD: Final = frozenset(
    PREFIX + name
    for name in ("pong", "play", "state", "beat", "stats", "phrase", "variation", "error")
)
"""Addresses only Antiphon sends. Coming in they are counted, never answered: two daemons, or
one that was announced its own port, would otherwise send each other errors for ever."""


@dataclass(frozen=True, slots=True)
class Hello:
    """A client announces itself."""

    wants: int


@dataclass(frozen=True, slots=True)
class Ping:
    """A client asks whether we are there."""


@dataclass(frozen=True, slots=True)
class Bye:
    """A client leaves."""


Request = commands.Command | commands.Heard | commands.Transport | Hello | Ping | Bye | ClipPart
"""What a message can become; the server itself sees to the last four."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a builder knows besides the arguments.

    Attributes
    ----------
    time : Seconds
        When the message takes effect, on the injected clock.
    client : Client
        Whom to answer.
    address : str
        As received.
    """

    time: Seconds
    client: Client
    address: str


@dataclass(frozen=True, slots=True)
class Row:
    """One address.

    Attributes
    ----------
    address : str
        The whole address.
    forms : tuple of tuple of Field
        The argument lists it takes, told apart by their length.
    build : callable
        Makes the request from the values of one form; raises :class:`RefusedError`.
    reply_port : bool
        Whether one more argument, the client's reply port, may come first.
    """

    address: str
    forms: tuple[tuple[Field, ...], ...]
    build: Callable[[Context, tuple[Value, ...]], Request]
    reply_port: bool = False
    help: str = field(default="", compare=False)

    def read(self, arguments: tuple[Argument, ...]) -> tuple[int | None, tuple[Value, ...]]:
        """Check arguments against the forms; return the reply port, if given, and the values.

        Raises
        ------
        RefusedError
            With the code that ``/antiphon/error`` carries.
        """
        for form in self.forms:
            extra = len(arguments) - len(form)
            if extra == 0 or (extra == 1 and self.reply_port):
                port = PORT.read(arguments[0]) if extra else None
                fields = zip(form, arguments[extra:], strict=True)
                return port, tuple(argument.read(value) for argument, value in fields)
        raise RefusedError(Refusal.WRONG_ARGUMENTS)


PORT: Final = Whole("reply_port", 1, 65535)
_CHANNEL: Final = Whole("channel", 1, 16)
_ID: Final = Whole("id", -(2**31), 2**31 - 1)
_CLIP: Final = (_ID, Real("beats", 0.25, 2048), Whole("count", 1, commands.MOST_NOTES))


def _hello(_: Context, values: tuple[Value, ...]) -> Request:
    return Hello(wants=int(values[2]) if len(values) > 2 else 0)


def _note(at: Context, values: tuple[Value, ...]) -> Request:
    pitch, velocity, channel = (int(value) for value in values)
    message = midi.note_on(channel, pitch, velocity) if velocity else midi.note_off(channel, pitch)
    return commands.Heard(at.time, message, at.client)


def _cc(at: Context, values: tuple[Value, ...]) -> Request:
    controller, value, channel = (int(number) for number in values)
    return commands.Heard(at.time, midi.control(channel, controller, value), at.client)


def _clock(at: Context, values: tuple[Value, ...]) -> Request:
    beat, bpm, numerator, denominator, playing = (float(value) for value in values)
    try:
        meter = Meter(int(numerator), int(denominator))
    except ValueError:
        raise RefusedError(Refusal.OUT_OF_RANGE) from None
    return commands.Transport(at.time, Beats(beat), bpm, meter, bool(playing))


def _mode(at: Context, values: tuple[Value, ...]) -> Request:
    asked = values[0]
    if isinstance(asked, str):
        by_name = {mode.name.lower(): mode for mode in commands.Mode}
        if asked not in by_name:
            raise RefusedError(Refusal.NO_SUCH_NAME)
        mode = by_name[asked]
    else:
        mode = commands.Mode(int(asked))
    if mode not in commands.AVAILABLE:
        raise RefusedError(Refusal.NOT_NOW)
    return commands.SetMode(at.client, at.address, mode)


def _param(param: params.Param) -> Row:
    argument = (Whole if param.whole else Real)("value", param.low, param.high)  # type: ignore[arg-type]

    def build(at: Context, values: tuple[Value, ...]) -> Request:
        return commands.SetParam(at.client, at.address, param.name, float(values[0]))

    return Row(f"{PREFIX}param/{param.name}", ((argument,),), build, True, param.help)


def _get(at: Context, values: tuple[Value, ...]) -> Request:
    name = str(values[0])
    if name not in params.BY_NAME:
        raise RefusedError(Refusal.NO_SUCH_NAME)
    return commands.GetParam(at.client, at.address, name)


def _learn(at: Context, values: tuple[Value, ...]) -> Request:
    name = str(values[0])
    if name not in params.BY_NAME and name not in commands.SWITCHES:
        raise RefusedError(Refusal.NO_SUCH_NAME)
    return commands.Learn(at.client, at.address, name)


def _clip_begin(_: Context, values: tuple[Value, ...]) -> Request:
    number, beats, count, *channel = values
    return ClipBegin(int(number), float(beats), int(count), *map(int, channel))


def _clip_note(_: Context, values: tuple[Value, ...]) -> Request:
    number, index, pitch, start, duration, velocity = values
    place, length = float(start), float(duration)
    return ClipNote(int(number), int(index), int(pitch), place, length, int(velocity))


def _turn(at: Context, values: tuple[Value, ...]) -> Request:
    make = commands.StopAnswer if values else commands.EndTurn
    return make(at.client, at.address)


def _model(at: Context, values: tuple[Value, ...]) -> Request:
    name = str(values[0])
    # Checkpoints are named, never located: the network gets no say in which files are opened.
    if "/" in name or "\\" in name or name.startswith("."):
        raise RefusedError(Refusal.NOT_ALLOWED)
    return commands.LoadModel(at.client, at.address, name)


ROWS: Final[tuple[Row, ...]] = (
    Row(
        PREFIX + "hello",
        (
            (Whole("protocol", PROTOCOL, PROTOCOL), PORT),
            (Whole("protocol", PROTOCOL, PROTOCOL), PORT, Whole("wants", 0, 1)),
        ),
        _hello,
        help="Register a client: wants 0 is status only, 1 notes too; answered with pong.",
    ),
    Row(PREFIX + "ping", ((PORT,),), lambda _, __: Ping(), help="Answered with pong."),
    Row(PREFIX + "bye", ((PORT,),), lambda _, __: Bye(), help="Forget this client."),
    Row(
        PREFIX + "note",
        ((Whole("pitch", 0, 127), Whole("velocity", 0, 127), _CHANNEL),),
        _note,
        True,
        "The player's note; velocity 0 is off.",
    ),
    Row(
        PREFIX + "cc",
        ((Whole("controller", 0, 127), Whole("value", 0, 127), _CHANNEL),),
        _cc,
        True,
        "The player's controller.",
    ),
    Row(
        PREFIX + "clock",
        (
            (
                Real("beat", -1e7, 1e7),
                Real("bpm", MIN_BPM, MAX_BPM),
                Whole("numerator", 1, 64),
                Whole("denominator", 1, 64),
                Whole("playing", 0, 1),
            ),
        ),
        _clock,
        True,
        "Where the DAW's transport is, in quarter notes.",
    ),
    Row(
        PREFIX + "mode",
        ((WholeOrText("mode", 0, len(commands.Mode) - 1),),),
        _mode,
        help="Change the mode, by name or index.",
    ),
    Row(PREFIX + "get", ((Text("name"),),), _get, help="Ask for a parameter's value."),
    Row(
        PREFIX + "turn",
        ((), (Whole("stop", 0, 0),)),
        _turn,
        help="End my turn now; with 0, stop answering.",
    ),
    Row(
        PREFIX + "generate",
        ((Real("beats", 0.25, 256),),),
        lambda at, values: commands.Generate(at.client, at.address, Beats(float(values[0]))),
        help="Play this many beats from the next grid line.",
    ),
    Row(
        PREFIX + "capture",
        ((Real("beats", 0.25, 2048),),),
        lambda at, values: commands.Capture(at.client, at.address, Beats(float(values[0]))),
        help="Keep the last beats as the phrase.",
    ),
    Row(
        PREFIX + "vary",
        ((Whole("count", 1, commands.MOST_VARIATIONS), Real("amount", 0, 1)),),
        lambda at, values: commands.Vary(at.client, at.address, int(values[0]), float(values[1])),
        help="Make this many variations of the phrase, this far from it.",
    ),
    Row(
        PREFIX + "pick",
        ((Whole("index", 0, commands.MOST_VARIATIONS),),),
        lambda at, values: commands.Pick(at.client, at.address, int(values[0])),
        help="Play a variation from the next bar line; 0 is the phrase itself.",
    ),
    Row(
        PREFIX + "keep",
        ((),),
        lambda at, _: commands.Keep(at.client, at.address),
        help="Make what plays the phrase.",
    ),
    Row(
        PREFIX + "undo",
        ((),),
        lambda at, _: commands.Undo(at.client, at.address),
        help="Go back to the phrase before the last capture or keep.",
    ),
    Row(
        PREFIX + "clip/get",
        ((Whole("index", commands.LAST_ANSWER, commands.MOST_VARIATIONS),),),
        lambda at, values: commands.GiveClip(at.client, at.address, int(values[0])),
        help="Send notes as a clip: -1 the last answer, 0 the phrase, 1 and on a variation.",
    ),
    Row(
        PREFIX + "clip/begin",
        (_CLIP, (*_CLIP, _CHANNEL)),
        _clip_begin,
        help="A clip follows that becomes the phrase; channel 10 says that it is of drums.",
    ),
    Row(
        PREFIX + "clip/note",
        (
            (
                _ID,
                Whole("index", 0, commands.MOST_NOTES - 1),
                Whole("pitch", 0, 127),
                Real("start", 0, 2048),
                Real("duration", 0, 2048),
                Whole("velocity", 1, 127),
            ),
        ),
        _clip_note,
        help="A note of it, in beats from its start.",
    ),
    Row(
        PREFIX + "clip/end",
        ((_ID,),),
        lambda _, values: ClipEnd(int(values[0])),
        help="That was all of it.",
    ),
    Row(
        PREFIX + "style",
        ((Text("name"), Real("weight", 0, 10)),),
        lambda at, values: commands.SetStyle(
            at.client, at.address, str(values[0]), float(values[1])
        ),
        help="Give a style a weight in the mix.",
    ),
    Row(PREFIX + "model", ((Text("name"),),), _model, help="Swap the model at the next bar."),
    Row(
        PREFIX + "record",
        ((Whole("on", 0, 1),),),
        lambda at, values: commands.Record(at.client, at.address, bool(values[0])),
        help="Start or stop recording.",
    ),
    Row(
        PREFIX + "learn",
        ((Text("name"),),),
        _learn,
        help="Bind the next controller that moves to a parameter, or to turn, read or write.",
    ),
    Row(
        PREFIX + "live/read",
        ((),),
        lambda at, _: commands.ReadClip(at.client, at.address),
        help="Make the clip that is selected in Live the phrase (needs --live).",
    ),
    Row(
        PREFIX + "live/write",
        ((Whole("index", -1, commands.MOST_VARIATIONS + 1),),),
        lambda at, values: commands.WriteClip(at.client, at.address, int(values[0])),
        help="Write a clip into Live: -1 the last answer, 0 the phrase, 1 and on a variation, "
        f"{commands.MOST_VARIATIONS + 1} all of them (needs --live).",
    ),
    Row(
        PREFIX + "panic",
        ((),),
        lambda at, _: commands.Panic(at.client, at.address),
        help="Silence everything.",
    ),
    *(_param(param) for param in params.TABLE),
)

TABLE: Final[dict[str, Row]] = {row.address: row for row in ROWS}


def row_of(address: str) -> Row:
    """Return the row of a literal address.

    Raises
    ------
    RefusedError
        For wildcards (not allowed), parameters that do not exist, and unknown addresses.
    """
    row = TABLE.get(address)
    if row is not None:
        return row
    if any(sign in address for sign in "*?[]{}"):
        raise RefusedError(Refusal.NOT_ALLOWED)
    if address.startswith(PREFIX + "param/"):
        raise RefusedError(Refusal.NO_SUCH_NAME)
    raise RefusedError(Refusal.UNKNOWN_ADDRESS)
