"""OSC datagrams to messages and back, for datagrams that anyone may send.

Source: OSC 1.0 specification. The atoms (strings, numbers, time tags) are python-osc's. Its
whole-packet classes are not used on what comes in: they follow a negative element size for
ever, recurse as deep as the sender likes, sleep, log every odd byte, and lose the difference
between a 32-bit and a 64-bit number.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.parsing import osc_types

from antiphon.commands import Refusal

Argument = int | float | str
"""What a message may carry: OSC types i, f and s, and nothing else."""

WALL_IMMEDIATE: Final = 0.0
"""The time tag of what is to be done at once."""

MAX_MESSAGE: Final = 1024
"""Longest message in bytes; the longest useful one has under 200."""

MAX_DEPTH: Final = 8
"""Deepest nesting of bundles."""

MAX_MESSAGES: Final = 512
"""Most messages in one datagram."""

_BUNDLE: Final = b"#bundle\x00"
_INT_LOW, _INT_HIGH = -(2**31), 2**31 - 1


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message read from a datagram.

    Attributes
    ----------
    address : str
        As sent; empty if it could not be read.
    arguments : tuple
        Numbers and strings.
    due : float
        When to carry it out, in seconds since 1970; :data:`WALL_IMMEDIATE` for at once.
    problem : Refusal or None
        Why it cannot be carried out, if its bytes already say so.
    """

    address: str
    arguments: tuple[Argument, ...] = ()
    due: float = WALL_IMMEDIATE
    problem: Refusal | None = None


class _MalformedError(Exception):
    """Bytes that are not OSC."""


def decode(datagram: bytes) -> Iterator[Incoming]:
    """Read all messages of a datagram, in order, whatever its bytes are.

    Never raises: what cannot be read comes out as an :class:`Incoming` with a `problem`.
    Time tags of nested bundles are honoured, never earlier than the bundle around them.
    """
    pending: list[tuple[bytes, float, int]] = [(datagram, WALL_IMMEDIATE, 0)]
    count = 0
    while pending:
        data, due, depth = pending.pop()
        count += 1
        if count > MAX_MESSAGES:
            yield Incoming("", problem=Refusal.OUT_OF_RANGE)
            return
        if not data.startswith(_BUNDLE):
            yield _message(data, due)
            continue
        if depth >= MAX_DEPTH:
            yield Incoming("", problem=Refusal.WRONG_ARGUMENTS)
            continue
        try:
            elements, due = _elements(data, due)
        except _MalformedError:
            yield Incoming("", problem=Refusal.WRONG_ARGUMENTS)
            continue
        # Last in, first out: reversed, so that messages come out as they were written.
        pending.extend((element, due, depth + 1) for element in reversed(elements))


def encode(address: str, *arguments: Argument) -> bytes:
    """Build one message with arguments of types i, f and s only.

    Booleans become 0 and 1, integers are held within 32 bits, and a float that is not finite
    becomes 0: Max and Pure Data must never see any other type.
    """
    builder = OscMessageBuilder(address=address)
    for argument in arguments:
        if isinstance(argument, str):
            builder.add_arg(argument, OscMessageBuilder.ARG_TYPE_STRING)
        elif isinstance(argument, int):
            held = max(_INT_LOW, min(_INT_HIGH, int(argument)))
            builder.add_arg(held, OscMessageBuilder.ARG_TYPE_INT)
        else:
            finite = float(argument) if math.isfinite(argument) else 0.0
            builder.add_arg(finite, OscMessageBuilder.ARG_TYPE_FLOAT)
    return bytes(builder.build().dgram)


def _elements(data: bytes, outer: float) -> tuple[list[bytes], float]:
    """Split a bundle into its elements and tell when they are due."""
    try:
        tag, index = osc_types.get_date(data, len(_BUNDLE))
    except (osc_types.ParseError, struct.error) as error:
        raise _MalformedError from error
    elements: list[bytes] = []
    while index < len(data):
        if index + 4 > len(data):
            raise _MalformedError
        size = int.from_bytes(data[index : index + 4], "big", signed=True)
        index += 4
        if size <= 0 or size % 4 or index + size > len(data):
            raise _MalformedError
        elements.append(data[index : index + size])
        index += size
        if len(elements) > MAX_MESSAGES:
            break  # the caller stops counting there too
    return elements, max(outer, float(tag))


def _message(data: bytes, due: float) -> Incoming:
    """Read one message; a broken one keeps its address where that much could be read."""
    address = ""
    try:
        if not data.startswith(b"/") or len(data) > MAX_MESSAGE:
            raise _MalformedError
        address, index = osc_types.get_string(data, 0)
        # The specification asks receivers to allow for a missing type tag string.
        arguments = _arguments(data, index) if index < len(data) else ()
    except (_MalformedError, osc_types.ParseError, UnicodeDecodeError, struct.error):
        return Incoming(address, problem=Refusal.WRONG_ARGUMENTS)
    return Incoming(address, arguments, due)


def _arguments(data: bytes, index: int) -> tuple[Argument, ...]:
    tags, index = osc_types.get_string(data, index)
    if not tags.startswith(","):
        raise _MalformedError
    arguments: list[Argument] = []
    value: Argument
    for tag in tags[1:]:
        if tag == "i":
            value, index = osc_types.get_int(data, index)
        elif tag == "f":
            value, index = osc_types.get_float(data, index)
        elif tag == "s":
            value, index = osc_types.get_string(data, index)
        else:
            raise _MalformedError
        arguments.append(value)
    if index < len(data):
        raise _MalformedError
    return tuple(arguments)
