"""The bytes of a Standard MIDI File, for writing.

Source of the format: Standard MIDI Files 1.0 (MIDI Association, RP-001). mido reads files for
us, because other people's files are full of surprises; writing is done here, because a session
is rewritten while the brain is at work, and mido takes five times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Final, TypeAlias

from antiphon import midi
from antiphon.music import Note

FILE_TICKS: Final = 480
"""Ticks a beat in the files we write: 1 ms at 120 bpm."""

MAX_TEMPO: Final = 2**24 - 1
"""Most microseconds a beat: the file has three bytes for them."""

Event: TypeAlias = tuple[int, int, bytes]
"""Tick, order within the tick, and the bytes of one event."""


def header(tracks: int) -> bytes:
    """Return the header chunk of a type 1 file."""
    return struct.pack(">4sIHHH", b"MThd", 6, 1, tracks, FILE_TICKS)


def tick(beat: float) -> int:
    """Return the file's tick of a beat."""
    return max(round(beat * FILE_TICKS), 0)


def varlen(number: int) -> bytes:
    """Return a variable-length quantity: seven bits a byte, the last without the top bit."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))


def meta(kind: int, data: bytes) -> bytes:
    """Return a meta event."""
    return bytes((0xFF, kind)) + varlen(len(data)) + data


def messages(notes: Iterable[Note]) -> list[Event]:
    """Return the note-ons and note-offs of a track; at the same tick the offs sort first."""
    spans: dict[tuple[int, int, int], tuple[int, int]] = {}
    for note in notes:
        start = tick(note.start)
        end, velocity = spans.get((note.channel, note.pitch, start), (start + 1, 0))
        longest, loudest = max(end, tick(note.end)), max(velocity, note.velocity)
        spans[note.channel, note.pitch, start] = longest, loudest
    events: list[Event] = []
    struck: dict[tuple[int, int], int] = {}  # when the key is next struck
    for (channel, pitch, start), (end, velocity) in sorted(spans.items(), reverse=True):
        end = min(end, struck.get((channel, pitch), end))
        struck[channel, pitch] = start
        events.append((start, 1, midi.note_on(channel, pitch, velocity)))
        events.append((end, 0, midi.note_off(channel, pitch)))
    return events


def track(events: Iterable[Event]) -> bytes:
    """Return the chunk of a track of events in any order."""
    parts, now = [], 0
    for tick, _, data in sorted(events, key=lambda event: event[:2]):
        parts += [varlen(tick - now), data]
        now = tick
    body = b"".join((*parts, b"\x00", meta(0x2F, b"")))
    return b"MTrk" + struct.pack(">I", len(body)) + body
