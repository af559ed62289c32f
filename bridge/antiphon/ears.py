"""What the partner hears: which keys are down, which part is played, what was played lately."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Final

from antiphon import midi
from antiphon.memory import Key, Memory
from antiphon.music import DRUM_CHANNEL, Beats, Pedal, Seconds, Voice, is_down
from antiphon.pedalling import PedalFollower

MEMORY: Final = 16
"""Latest notes that decide whether the player plays a melody or chords, and with a pedal."""


@dataclass(frozen=True, slots=True)
class Strike:
    """A key went down."""

    key: Key
    velocity: int
    voice: Voice
    pedal: Pedal = Pedal.UNKNOWN
    """As far as is known by now: see :meth:`Ears.pedal`."""


@dataclass(frozen=True, slots=True)
class Release:
    """A key came up."""

    key: Key
    start: Beats
    velocity: int
    pedal: Pedal = Pedal.UNKNOWN


@dataclass(slots=True)
class _Down:
    """A key that is down."""

    start: Beats
    velocity: int
    pedal: Pedal


class Ears:
    """Follows the player's keys. Used by the engine's thread only."""

    def __init__(self) -> None:
        self._down: dict[Key, _Down] = {}
        self._voices: deque[Voice] = deque(maxlen=MEMORY)
        self._foot = PedalFollower()
        self._pedals: deque[Pedal] = deque(maxlen=MEMORY)
        self._struck: _Down | None = None  # the pitched note whose pedal may still change
        self.memory = Memory()
        """What was played lately."""

    def hear(
        self, message: bytes, beat: Beats, time: Seconds, channel: int = 0
    ) -> Strike | Release | None:
        """Take one MIDI message heard at `beat`; return what it means, None if it is no note.

        `channel` 0 hears all channels. A note-off is heard on any channel as long as its key
        is known to be down, so that no key stays down when the channel is changed.
        """
        match midi.kind(message):
            case midi.NOTE_ON if channel in (0, midi.channel(message)):
                key = (midi.channel(message), message[1])
                voice = self._voice(key)
                drums = voice is Voice.DRUMS
                pedal = Pedal.UNKNOWN if drums else self._foot.strike(time)
                self._down[key] = down = _Down(beat, message[2], pedal)
                self._voices.append(voice)
                if not drums:
                    self._struck = down
                    self._pedals.append(pedal)
                self.memory.strike(key, message[2], voice, beat)
                return Strike(key, message[2], voice, pedal)
            case midi.NOTE_OFF:
                key = (midi.channel(message), message[1])
                if key in self._down:
                    down = self._down.pop(key)
                    self.memory.release(key, beat)
                    return Release(key, down.start, down.velocity, down.pedal)
        return None

    def pedal(self, message: bytes, time: Seconds, channel: int = 0) -> Pedal | None:
        """Take a message of the sustain pedal.

        A pianist presses just after the note he joins to: what the pedal does a little after an
        onset is returned as that note's pedal. A pedal that is lifted is heard on any channel.
        """
        if channel not in (0, midi.channel(message)) and not self._foot.lifts(message):
            return None
        pedal = self._foot.move(midi.channel(message), message[2], time)
        if pedal is not None and self._struck is not None:
            self._struck.pedal = self._pedals[-1] = pedal
        return pedal

    def pedalled(self) -> bool:
        """Tell whether the pedal was down for any of the notes heard lately."""
        return any(map(is_down, self._pedals))

    def voices(self) -> tuple[Voice, ...]:
        """Return the parts heard lately, the most frequent first; keys if nothing was heard."""
        counted = Counter(self._voices).most_common()
        return tuple(voice for voice, _ in counted) or (Voice.KEYS,)

    def forget(self, beat: Beats) -> None:
        """Forget which keys are down (panic, a client that left), not what they played."""
        self._down.clear()
        self._foot.lift()
        self.memory.release_all(beat)

    def _voice(self, key: Key) -> Voice:
        """Guess the part: channel 10 is drums, notes struck over held ones are chords."""
        if key[0] == DRUM_CHANNEL:
            return Voice.DRUMS
        together = any(k[0] != DRUM_CHANNEL and k != key for k in self._down)
        lately = list(self._voices)[-8:].count(Voice.KEYS)
        return Voice.KEYS if together or lately > 2 else Voice.MELODY
