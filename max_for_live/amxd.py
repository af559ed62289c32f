"""The container of a Max for Live device (``.amxd``): read strictly, written byte for byte again.

A device is a row of chunks, each a 4-byte name, a little-endian size and a payload: ``ampf``
(what kind of device), ``meta`` (7: frozen, 1: not) and ``ptch``. Not frozen, ``ptch`` holds the
patcher's JSON. Frozen, it is an archive ``mx@c`` that also carries the files that the patcher
needs: their bytes back to back, and behind them a directory ``dlst`` of one ``dire`` a file.
The archive is big-endian, and its sizes count their own 8 bytes of header.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from typing import Any, Final

MIDI_EFFECT: Final = b"mmmm"
KINDS: Final = (MIDI_EFFECT, b"aaaa", b"iiii")
"""Codes of a MIDI effect, an audio effect and an instrument."""

UNFROZEN: Final = 1
FROZEN: Final = 7

IS_DEVICE: Final = 17
"""The directory's flag of the patcher itself; a file that it needs has 0."""

SAVED: Final = 3590052786
"""Seconds since 1904 that stand as every file's date, so that a rebuilt device is the same."""

END: Final = b"\n\0"
"""What stands behind the patcher's JSON."""

_ARCHIVE_HEADER: Final = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a frozen device.

    Attributes
    ----------
    name : str
        File name.
    kind : bytes
        Max's code of its type, such as ``JSON`` or ``TEXT``.
    data : bytes
        What is in it.
    flag, version, date : int
        As in the directory; `date` in seconds since 1904.
    """

    name: str
    kind: bytes
    data: bytes
    flag: int = 0
    version: int = 0
    date: int = SAVED


@dataclass(frozen=True, slots=True)
class Device:
    """What a device's file holds.

    Attributes
    ----------
    kind : bytes
        One of `KINDS`.
    meta : int
        `FROZEN` or `UNFROZEN`.
    entries : tuple of Entry
        The patcher first. Where the device is not frozen, the patcher alone, without a name.
    """

    kind: bytes
    meta: int
    entries: tuple[Entry, ...]


def unpack(data: bytes) -> Device:
    """Read a device.

    Raises
    ------
    ValueError
        If a byte is not what the format asks for.
    """
    chunks, rest = {}, data
    for name in (b"ampf", b"meta", b"ptch"):
        found, size = struct.unpack_from("<4sI", _enough(rest, 8))
        _expect(found, name, "chunk")
        chunks[name], rest = _enough(rest[8:], size)[:size], rest[8 + size :]
    _expect(rest, b"", "end of the file")
    if chunks[b"ampf"] not in KINDS:
        raise ValueError(f"expected a kind of device, found {chunks[b'ampf']!r}")
    (meta,) = struct.unpack("<I", _enough(chunks[b"meta"], 4))
    patch = chunks[b"ptch"]
    if meta == FROZEN:
        return Device(chunks[b"ampf"], meta, _unpack_archive(patch))
    _expect(meta, UNFROZEN, "state")
    return Device(chunks[b"ampf"], meta, (Entry("", b"JSON", patch, IS_DEVICE),))


def pack(device: Device) -> bytes:
    """Write a device; what `unpack` read comes out as it was."""
    if device.meta == FROZEN:
        patch = _pack_archive(device.entries)
    else:
        (patcher,) = device.entries
        patch = patcher.data
    chunks = ((b"ampf", device.kind), (b"meta", struct.pack("<I", device.meta)), (b"ptch", patch))
    return b"".join(struct.pack("<4sI", name, len(load)) + load for name, load in chunks)


def patcher(data: bytes) -> dict[str, Any]:
    """Return the JSON of a device's patcher.

    Raises
    ------
    ValueError
        If the container or the JSON is broken.
    """
    told = json.loads(unpack(data).entries[0].data.rstrip(b"\0"))
    if not isinstance(told, dict) or "patcher" not in told:
        raise ValueError("expected a patcher, found other JSON")
    return told


def _pack_archive(entries: tuple[Entry, ...]) -> bytes:
    files, records = b"", b""
    for entry in entries:
        name = entry.name.encode() + b"\0"
        fields = (
            (b"type", entry.kind),
            (b"fnam", name + b"\0" * (-len(name) % 4)),
            (b"sz32", struct.pack(">I", len(entry.data))),
            (b"of32", struct.pack(">I", _ARCHIVE_HEADER + len(files))),
            (b"vers", struct.pack(">I", entry.version)),
            (b"flag", struct.pack(">I", entry.flag)),
            (b"mdat", struct.pack(">I", entry.date)),
        )
        records += _chunk(b"dire", b"".join(_chunk(*field) for field in fields))
        files += entry.data
    footer = _ARCHIVE_HEADER + len(files)
    head = struct.pack(">4sIQ", b"mx@c", _ARCHIVE_HEADER, footer)
    return head + files + _chunk(b"dlst", records)


def _unpack_archive(data: bytes) -> tuple[Entry, ...]:
    name, size, footer = struct.unpack_from(">4sIQ", _enough(data, _ARCHIVE_HEADER))
    _expect(name, b"mx@c", "archive")
    _expect(size, _ARCHIVE_HEADER, "size of the archive's header")
    directory, rest = _take(_enough(data, footer)[footer:], b"dlst")
    _expect(rest, b"", "end of the archive")
    entries, place = [], _ARCHIVE_HEADER
    while directory:
        record, directory = _take(directory, b"dire")
        fields = {}
        for name in (b"type", b"fnam", b"sz32", b"of32", b"vers", b"flag", b"mdat"):
            fields[name], record = _take(record, name)
        _expect(record, b"", "end of a directory entry")
        numbers = {
            name: struct.unpack(">I", _enough(fields[name], 4))[0]
            for name in (b"sz32", b"of32", b"vers", b"flag", b"mdat")
        }
        _expect(numbers[b"of32"], place, "place of a file")
        place += numbers[b"sz32"]
        entries.append(
            Entry(
                fields[b"fnam"].rstrip(b"\0").decode(),
                fields[b"type"],
                data[numbers[b"of32"] : place],
                numbers[b"flag"],
                numbers[b"vers"],
                numbers[b"mdat"],
            )
        )
    _expect(place, footer, "end of the last file")
    return tuple(entries)


def _chunk(name: bytes, load: bytes) -> bytes:
    return struct.pack(">4sI", name, 8 + len(load)) + load


def _take(data: bytes, name: bytes) -> tuple[bytes, bytes]:
    found, size = struct.unpack_from(">4sI", _enough(data, 8))
    _expect(found, name, "chunk")
    if size < 8:
        raise ValueError(f"expected a size of at least 8 in {name!r}, found {size}")
    return _enough(data, size)[8:size], data[size:]


def _enough(data: bytes, size: int) -> bytes:
    if len(data) < size:
        raise ValueError(f"expected {size} bytes, found {len(data)}: the file is cut off")
    return data


def _expect(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise ValueError(f"expected {wanted!r} as {what}, found {found!r}")
