"""What the partner hears: which keys are down, which part is played, what was played lately."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from antiphon import midi
from antiphon.memory import Key, Memory
from antiphon.music import DRUM_CHANNEL, Beats, Voice

MEMORY: Final = 16
"""Latest notes that decide whether the player plays a melody or chords."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A key went down."""

    key: Key
    velocity: int
    voice: Voice


@dataclass(frozen=True, slots=True)
class Release:
    """A key came up."""

    key: Key
    start: Beats
    velocity: int


class Ears:
    """Follows the player's keys. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._down: dict[Key, tuple[Beats, int]] = {}
        self._voices: deque[Voice] = deque(maxlen=MEMORY)
        self.memory = Memory()
        """What was played lately."""

    def hear(self, message: bytes, beat: Beats, channel: int = 0) -> Strike | Release | None:
        """Take one MIDI message heard at `beat`; return what it means, None if it is no note.

        `channel` 0 hears all channels. A note-off is heard on any channel as long as its key
        is known to be down, so that no key stays down when the channel is changed.
        """
        match midi.kind(message):
            case midi.NOTE_ON if channel in (0, midi.channel(message)):
                key = (midi.channel(message), message[1])
                voice = self._voice(key)
                self._down[key] = (beat, message[2])
                self._voices.append(voice)
                self.memory.strike(key, message[2], voice, beat)
                return Strike(key, message[2], voice)
            case midi.NOTE_OFF:
                key = (midi.channel(message), message[1])
                if key in self._down:
                    start, velocity = self._down.pop(key)
                    self.memory.release(key, beat)
                    return Release(key, start, velocity)
        return None

    def voices(self) -> tuple[Voice, ...]:
        """Return the parts heard lately, the most frequent first; keys if nothing was heard."""
        counted = Counter(self._voices).most_common()
        return tuple(voice for voice, _ in counted) or (Voice.KEYS,)

    def forget(self, beat: Beats) -> None:
        """Forget which keys are down (panic, a client that left), not what they played."""
        self._down.clear()
        self.memory.release_all(beat)

    def _voice(self, key: Key) -> Voice:
        """Guess the part: channel 10 is drums, notes struck over held ones are chords."""
        if key[0] == DRUM_CHANNEL:
            return Voice.DRUMS
        together = any(k[0] != DRUM_CHANNEL and k != key for k in self._down)
        lately = list(self._voices)[-8:].count(Voice.KEYS)
        return Voice.KEYS if together or lately > 2 else Voice.MELODY
