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

MAX_DIVISION: Final = 2**15 - 1
"""Most ticks a beat that the header of a file can hold."""

NAME, OFF, OTHER, ON = -1, 0, 1, 2
"""Order within a tick: what a note-off ends is no longer there when a pedal goes down, and a
note-on finds its program and its bend set."""

Event: TypeAlias = tuple[int, int, bytes]
"""Tick, order within the tick, and the bytes of one event."""


def header(tracks: int, division: int = FILE_TICKS) -> bytes:
    """Return the header chunk of a type 1 file of `division` ticks a beat."""
    return struct.pack(">4sIHHH", b"MThd", 6, 1, tracks, division)


def tick(beat: float, division: int = FILE_TICKS) -> int:
    """Return the file's tick of a beat."""
    return max(round(beat * division), 0)


def varlen(number: int) -> bytes:
    """Return a variable-length quantity: seven bits a byte, the last without the top bit."""
    parts = [number & 0x7F]
    while number := number >> 7:
        parts.append(number & 0x7F | 0x80)
    return bytes(reversed(parts))


def meta(kind: int, data: bytes) -> bytes:
    """Return a meta event."""
    return bytes((0xFF, kind)) + varlen(len(data)) + data


def messages(notes: Iterable[Note], division: int = FILE_TICKS) -> list[Event]:
    """Return the note-ons and note-offs of a track; at the same tick the offs sort first.

    A key that is struck again while it sounds ends there.
    """
    spans: dict[tuple[int, int, int], tuple[int, int]] = {}
    for note in notes:
        start = tick(note.start, division)
        end, velocity = spans.get((note.channel, note.pitch, start), (start + 1, 0))
        longest, loudest = max(end, tick(note.end, division)), max(velocity, note.velocity)
        spans[note.channel, note.pitch, start] = longest, loudest
    events: list[Event] = []
    struck: dict[tuple[int, int], int] = {}  # when the key is next struck
    for (channel, pitch, start), (end, velocity) in sorted(spans.items(), reverse=True):
        end = min(end, struck.get((channel, pitch), end))
        struck[channel, pitch] = start
        events.append((start, ON, midi.note_on(channel, pitch, velocity)))
        events.append((end, OFF, midi.note_off(channel, pitch)))
    return events


def overlapping_messages(notes: Iterable[Note], division: int = FILE_TICKS) -> list[Event]:
    """Return the note-ons and note-offs of a track, a pair for every note.

    Notes that are doubled, or that overlap on one key, come back as they were when the first
    note-off of a key is taken for its first note-on, unless one lies inside another.
    """
    events: list[Event] = []
    for note in sorted(notes, key=lambda note: (note.start, note.end)):
        start = tick(note.start, division)
        end = max(tick(note.end, division), start + 1)
        events.append((start, ON, midi.note_on(note.channel, note.pitch, note.velocity)))
        events.append((end, OFF, midi.note_off(note.channel, note.pitch)))
    return events


def track(events: Iterable[Event], end: int = 0) -> bytes:
    """Return the chunk of a track of events in any order; it lasts to tick `end` at least."""
    parts, now = [], 0
    for tick, _, data in sorted(events, key=lambda event: event[:2]):
        parts += [varlen(tick - now), data]
        now = tick
    body = b"".join((*parts, varlen(max(end - now, 0)), meta(0x2F, b"")))
    return b"MTrk" + struct.pack(">I", len(body)) + body
