"""OSC 1.0 messages as ``udpsend`` writes and ``udpreceive`` reads them: types i, f and s.

Written from the specification at opensoundcontrol.org, and shared with no code of Antiphon's,
so that the two check each other. Whatever Max is not sure to take (bundles, blobs, other types)
is refused.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from maxpatch.atoms import Atom, PatchError


def _padded(text: str) -> bytes:
    raw = text.encode("ascii") + b"\0"
    return raw + b"\0" * (-len(raw) % 4)


def encode(address: str, arguments: Sequence[Atom] = ()) -> bytes:
    """Write one message.

    Raises
    ------
    PatchError
        For an address that does not begin with ``/``, or a whole number beyond 32 bits.
    """
    if not address.startswith("/"):
        raise PatchError(f"udpsend: an OSC address begins with /, got {address!r}")
    types, body = ",", b""
    for argument in arguments:
        if isinstance(argument, str):
            types, body = types + "s", body + _padded(argument)
        elif isinstance(argument, float):
            types, body = types + "f", body + struct.pack(">f", argument)
        elif -(2**31) <= argument < 2**31:
            types, body = types + "i", body + struct.pack(">i", argument)
        else:
            raise PatchError(f"udpsend: {argument} does not fit in 32 bits")
    return _padded(address) + _padded(types) + body


def _text(data: bytes, start: int) -> tuple[str, int]:
    end = data.find(b"\0", start)
    if end < 0:
        raise PatchError("OSC: a string without an end")
    return data[start:end].decode("ascii"), end + 4 - end % 4


def decode(data: bytes) -> tuple[str, tuple[Atom, ...]]:
    """Read one message; return its address and arguments.

    Raises
    ------
    PatchError
        For anything that is not one message with types i, f and s.
    """
    if len(data) % 4 or not data.startswith(b"/"):
        raise PatchError(f"OSC: not a message: {data[:16]!r}")
    address, at = _text(data, 0)
    types, at = _text(data, at)
    if not types.startswith(","):
        raise PatchError(f"OSC: types expected, got {types!r}")
    arguments: list[Atom] = []
    for kind in types[1:]:
        if kind == "s":
            text, at = _text(data, at)
            arguments.append(text)
        elif kind in "if" and at + 4 <= len(data):
            arguments.append(struct.unpack_from(">i" if kind == "i" else ">f", data, at)[0])
            at += 4
        else:
            raise PatchError(f"OSC: type {kind!r} is not safe in Max")
    if at != len(data):
        raise PatchError(f"OSC: {len(data) - at} bytes too many")
    return address, tuple(arguments)
