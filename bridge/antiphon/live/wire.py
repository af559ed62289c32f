"""What goes over the wire between us and AbletonOSC."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from antiphon.errors import UsageError

HOST: Final = "127.0.0.1"
PORT: Final = 11000
REPLY_PORT: Final = 11001
"""Where AbletonOSC is, and where it sends replies, unless it was changed."""

STARTUP: Final = "/live/startup"
ERROR: Final = "/live/error"

Value = int | float | str | bool | None
"""What a message may carry."""

_ECHOES: Final = {"clip": 2, "clip_slot": 2, "track": 1}
"""Arguments of a question about an object that come back first in the reply."""


@dataclass(frozen=True, slots=True)
class Message:
    """An OSC address and its arguments."""

    address: str
    arguments: tuple[Value, ...] = ()

    def answers(self, question: Message) -> bool:
        """Tell whether this is the reply to a question."""
        kept = _ECHOES.get(question.address.split("/")[2], 0)
        same = self.address == question.address
        return same and self.arguments[:kept] == question.arguments[:kept]

    @property
    def values(self) -> tuple[Value, ...]:
        """What a reply says, without what it repeats of the question."""
        return self.arguments[_ECHOES.get(self.address.split("/")[2], 0) :]


@dataclass(frozen=True, slots=True)
class Slot:
    """A slot of the session: the track, and the scene."""

    track: int
    scene: int

    def __str__(self) -> str:
        return f"track {self.track + 1}, scene {self.scene + 1}"  # as Live counts them


@dataclass(frozen=True, slots=True)
class Where:
    """Where AbletonOSC is, and the port that its replies come to."""

    host: str = HOST
    port: int = PORT
    reply_port: int = REPLY_PORT

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_where(text: str) -> Where:
    """Read ``HOST[:PORT[:REPLY_PORT]]``; what is left out is as AbletonOSC has it.

    Raises
    ------
    UsageError
        If it is not of that form, or a port not 0..65535.
    """
    host, *ports = text.split(":")
    try:
        numbers = [int(port) for port in ports]
        if len(ports) > 2 or not all(0 <= number <= 65535 for number in numbers):
            raise ValueError
    except ValueError:
        raise UsageError(
            "--live takes HOST:PORT:REPLY_PORT, or less of it from the right",
            f"found {text!r}",
            f"as in {HOST}:{PORT}:{REPLY_PORT}",
        ) from None
    return Where(host or HOST, *numbers)


def encode(message: Message) -> bytes:
    """Build the datagram of one message: types i, f, s, T and F."""
    builder = OscMessageBuilder(address=message.address)
    for argument in message.arguments:
        builder.add_arg(argument)
    return bytes(builder.build().dgram)


def decode(datagram: bytes) -> Message | None:
    """Read one message, or return None for bytes that are none. Never raises."""
    try:
        address, index = osc_types.get_string(datagram, 0)
        if not address.startswith("/live/") or index >= len(datagram):
            return Message(address) if address.startswith("/live/") else None
        tags, index = osc_types.get_string(datagram, index)
        return Message(address, tuple(_values(tags.removeprefix(","), datagram, index)))
    except (osc_types.ParseError, UnicodeDecodeError, struct.error, ValueError):
        return None


def _values(tags: str, data: bytes, index: int) -> Iterator[Value]:
    """Read arguments of the types that python-osc makes of numbers, strings, bools and None."""
    value: Value
    for tag in tags:
        match tag:
            case "i":
                value, index = osc_types.get_int(data, index)
            case "h":
                value, index = osc_types.get_int64(data, index)
            case "f":
                value, index = osc_types.get_float(data, index)
            case "d":
                value, index = osc_types.get_double(data, index)
            case "s":
                value, index = osc_types.get_string(data, index)
            case "T" | "F":
                value = tag == "T"
            case "N":
                value = None
            case _:
                raise ValueError(f"type {tag!r}")
        yield value


def number(values: Iterable[Value]) -> float | None:
    """Return the first value if it is a finite number (or a truth value), else None."""
    value = next(iter(values), None)
    if isinstance(value, int | float) and math.isfinite(value):
        return float(value)
    return None
