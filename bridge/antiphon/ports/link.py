"""What the brain and the port process say to each other: fixed-size binary records.

Every record is :data:`SIZE` bytes: kind, three small values, a 32-bit number and two times,
little-endian. The few records that are said once (:class:`Opened`, :class:`Failed`,
:class:`Stats`) put the length of a JSON text into the number and the text behind the record.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final

from antiphon.commands import Heard
from antiphon.music import Pedal, Seconds
from antiphon.output import Dropped, Reason, Sounded, Written

_FORMAT: Final = struct.Struct("<BBBBIdd")
SIZE: Final = _FORMAT.size
MAX_TEXT: Final = 1 << 20
"""A JSON text longer than this is taken for a broken stream."""


class LinkError(ValueError):
    """The stream holds something that is no record."""


# -- to the port process ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Play:
    """Play a note from `on` to `off`."""

    id: int
    on: Seconds
    off: Seconds
    channel: int
    pitch: int
    velocity: int
    pedal: Pedal = Pedal.UNKNOWN


@dataclass(frozen=True, slots=True)
class Release:
    """End a note at `at` if that is earlier; a note that begins no sooner is taken back."""

    id: int
    at: Seconds


@dataclass(frozen=True, slots=True)
class Stop:
    """Take back what has not sounded; what sounds ends at `at` or earlier."""

    at: Seconds


@dataclass(frozen=True, slots=True)
class Lift:
    """Lift the pedals that the partner holds down at `at`."""

    at: Seconds


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message of up to 3 bytes that is not a note."""

    message: bytes
    at: Seconds


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence everything now."""


@dataclass(frozen=True, slots=True)
class Configure:
    """Set whether the player passes through and on which channel (0: all) the player is."""

    thru: bool = True
    channel_in: int = 0


@dataclass(frozen=True, slots=True)
class Inject:
    """Take a message of up to 3 bytes as if it had come in now."""

    message: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for :class:`Stats`, after all that was said before has been done."""

    number: int = 0


@dataclass(frozen=True, slots=True)
class Close:
    """Silence everything, close the ports and end."""


# -- to the brain ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """The ports are open.

    Attributes
    ----------
    backend : str
        Its name as in ``--backend``.
    inputs, outputs : tuple of str
        Names of the ports listened to and played to, the virtual ones first.
    warnings : tuple of str
        One line each, for the user.
    realtime : bool
        Whether the system granted real-time priority.
    """

    backend: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    realtime: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """The ports could not be opened; the parts of a :class:`antiphon.errors.PortError`."""

    expected: str
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Stats:
    """Counters since the start, in answer to :class:`Ping` `number`."""

    number: int = 0
    sounded: int = 0
    late: int = 0
    held: int = 0
    errors: int = 0
    """Messages that a port refused."""
    echoes: int = 0
    """Incoming messages recognised as our own."""
    lost: int = 0
    """Records that the brain was too slow to take."""
    refused: int = 0
    """Commands that made no sense."""


Command = Play | Release | Stop | Lift | Send | Panic | Configure | Inject | Ping | Close
Event = Opened | Failed | Heard | Sounded | Dropped | Written | Stats
Record = Command | Event


def encode(record: Record) -> bytes:
    """Return a record as bytes.

    Raises
    ------
    LinkError
        If a value does not fit, for example a message of more than 3 bytes.
    """
    try:
        return _ENCODERS[type(record)](record)
    except (struct.error, KeyError) as error:
        raise LinkError(f"cannot be sent: {record!r} ({error})") from error


class Decoder:
    """Cuts a stream of bytes, in pieces of any size, into records."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[Record]:
        """Take more bytes and return the records they complete.

        Raises
        ------
        LinkError
            If the bytes are no records; the stream cannot be read on.
        """
        data = self._rest + data
        records: list[Record] = []
        at = 0
        while len(data) - at >= SIZE:
            kind, a, b, c, number, first, second = _FORMAT.unpack_from(data, at)
            end = at + SIZE
            if kind in _TEXTS:
                if number > MAX_TEXT:
                    raise LinkError(f"a text of {number} bytes")
                if len(data) < end + number:
                    break
                records.append(_from_text(kind, data[end : end + number]))
                end += number
            else:
                records.append(_decode(kind, a, b, c, number, first, second))
            at = end
        self._rest = data[at:]
        return records


# -- the table -------------------------------------------------------------------------------

_PEDAL_BIT: Final = 5
_CHANNEL: Final = (1 << _PEDAL_BIT) - 1  # a note's channel and its pedal share a value

_TEXTS: Final[dict[int, type[Any]]] = {64: Opened, 65: Failed, 66: Stats}


def _message(kind: int, message: bytes, first: float = 0.0) -> bytes:
    if not 1 <= len(message) <= 3:
        raise LinkError(f"a message of 1 to 3 bytes fits, got {len(message)}")
    return _FORMAT.pack(kind, *message.ljust(3, b"\0"), len(message), first, 0.0)


def _bare(kind: int, number: int = 0, first: float = 0.0) -> bytes:
    return _FORMAT.pack(kind, 0, 0, 0, number, first, 0.0)


def _text(kind: int, record: Any) -> bytes:
    body = json.dumps(asdict(record)).encode()
    return _bare(kind, len(body)) + body


_ENCODERS: Final[dict[type, Callable[[Any], bytes]]] = {
    Play: lambda r: _FORMAT.pack(
        1, r.channel | r.pedal << _PEDAL_BIT, r.pitch, r.velocity, r.id, r.on, r.off
    ),
    Release: lambda r: _bare(2, r.id, r.at),
    Stop: lambda r: _bare(3, 0, r.at),
    Send: lambda r: _message(4, r.message, r.at),
    Panic: lambda r: _bare(5),
    Configure: lambda r: _FORMAT.pack(6, bool(r.thru), r.channel_in, 0, 0, 0.0, 0.0),
    Inject: lambda r: _message(7, r.message),
    Ping: lambda r: _bare(8, r.number),
    Close: lambda r: _bare(9),
    Lift: lambda r: _bare(10, 0, r.at),
    Opened: lambda r: _text(64, r),
    Failed: lambda r: _text(65, r),
    Stats: lambda r: _text(66, r),
    Heard: lambda r: _message(67, r.message, r.time),
    Sounded: lambda r: _bare(68, r.id, r.lateness),
    Dropped: lambda r: _FORMAT.pack(69, r.reason, 0, 0, r.id, 0.0, 0.0),
    Written: lambda r: _message(70, r.message, r.time),
}


def _decode(kind: int, a: int, b: int, c: int, number: int, x: float, y: float) -> Record:
    first, second = Seconds(x), Seconds(y)
    match kind:
        case 1 if a >> _PEDAL_BIT < len(Pedal):
            channel, pedal = a & _CHANNEL, Pedal(a >> _PEDAL_BIT)
            return Play(number, first, second, channel, b, c, pedal)
        case 2:
            return Release(number, first)
        case 3:
            return Stop(first)
        case 4:
            return Send(_bytes(a, b, c, number), first)
        case 5:
            return Panic()
        case 6:
            return Configure(bool(a), b)
        case 7:
            return Inject(_bytes(a, b, c, number))
        case 8:
            return Ping(number)
        case 9:
            return Close()
        case 10:
            return Lift(first)
        case 67:
            return Heard(first, _bytes(a, b, c, number))
        case 68:
            return Sounded(number, first)
        case 69 if a < len(Reason):
            return Dropped(number, Reason(a))
        case 70:
            return Written(first, _bytes(a, b, c, number))
    raise LinkError(f"no record of kind {kind}")


def _bytes(a: int, b: int, c: int, length: int) -> bytes:
    if not 1 <= length <= 3:
        raise LinkError(f"a message of {length} bytes")
    return bytes((a, b, c))[:length]


def _from_text(kind: int, text: bytes) -> Opened | Failed | Stats:
    try:
        fields = json.loads(text)
        fields = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
        record: Opened | Failed | Stats = _TEXTS[kind](**fields)
    except (ValueError, TypeError, AttributeError) as error:
        raise LinkError(f"no record: {text[:80]!r}") from error
    return record
