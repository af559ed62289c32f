"""MIDI messages as bytes: what the port process passes around without building objects.

Source: MIDI 1.0 detailed specification, table of status bytes. Files are read and written
with mido; this module is for the live path only, where a message is one ``bytes`` value.
"""

from __future__ import annotations

from typing import Final

NOTE_OFF: Final = 0x80
NOTE_ON: Final = 0x90
POLY_PRESSURE: Final = 0xA0
CONTROL: Final = 0xB0
PROGRAM: Final = 0xC0
PRESSURE: Final = 0xD0
PITCH_BEND: Final = 0xE0
SYSEX: Final = 0xF0
SONG_POSITION: Final = 0xF2
CLOCK: Final = 0xF8
START: Final = 0xFA
CONTINUE: Final = 0xFB
STOP: Final = 0xFC
ACTIVE_SENSING: Final = 0xFE

SUSTAIN: Final = 64
ALL_SOUND_OFF: Final = 120
ALL_NOTES_OFF: Final = 123

LENGTHS: Final[dict[int, int]] = {
    NOTE_OFF: 3,
    NOTE_ON: 3,
    POLY_PRESSURE: 3,
    CONTROL: 3,
    PROGRAM: 2,
    PRESSURE: 2,
    PITCH_BEND: 3,
    0xF1: 2,
    SONG_POSITION: 3,
    0xF3: 2,
    0xF6: 1,
    CLOCK: 1,
    START: 1,
    CONTINUE: 1,
    STOP: 1,
    ACTIVE_SENSING: 1,
    0xFF: 1,
}
"""Bytes in a message of each kind (channel removed); system exclusive has no fixed length."""


def kind(message: bytes) -> int:
    """Return the status without its channel, 0 for no message.

    A note-on with velocity 0 is a :data:`NOTE_OFF`, as the specification says.
    """
    if not message:
        return 0
    status = message[0]
    if status >= 0xF0:
        return status
    if status & 0xF0 == NOTE_ON and len(message) > 2 and message[2] == 0:
        return NOTE_OFF
    return status & 0xF0


def channel(message: bytes) -> int:
    """Return the channel 1..16 of a channel message."""
    return (message[0] & 0x0F) + 1


def is_complete(message: bytes) -> bool:
    """Tell whether these bytes are one well-formed message (data bytes below 128)."""
    if not message or message[0] < 0x80:
        return False
    if message[0] == SYSEX:
        return message[-1] == 0xF7 and all(byte < 128 for byte in message[1:-1])
    status = message[0] if message[0] >= 0xF0 else message[0] & 0xF0
    return LENGTHS.get(status) == len(message) and all(byte < 128 for byte in message[1:])


def note_on(channel: int, pitch: int, velocity: int) -> bytes:
    """Build a note-on (channel 1..16, pitch 0..127, velocity 1..127)."""
    return bytes((NOTE_ON | (channel - 1), pitch, velocity))


def note_off(channel: int, pitch: int, velocity: int = 64) -> bytes:
    """Build a note-off."""
    return bytes((NOTE_OFF | (channel - 1), pitch, velocity))


def control(channel: int, controller: int, value: int) -> bytes:
    """Build a control change."""
    return bytes((CONTROL | (channel - 1), controller, value))
