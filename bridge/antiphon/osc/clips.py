"""Clips as rows of messages: put together from what comes in, taken apart for what goes out.

A clip is begun, its notes follow one a message, and an end. Datagrams can be lost: whoever takes
a clip counts its notes, and asks for it again if some are missing.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from antiphon import commands
from antiphon.commands import Client, Refusal
from antiphon.music import DRUM_CHANNEL, Beats, Note, Voice
from antiphon.osc.codec import Argument

MOST_UNFINISHED: Final = 32
"""Clips that may be under way at once; the oldest gives way."""

SHORTEST: Final = Beats(1 / 192)
"""Least length of a note."""

BURST: Final = 32
"""Notes sent at once; a receiver's buffer holds a few hundred datagrams."""

PAUSE: Final = 0.005
"""Seconds between bursts."""

BEGIN: Final = "/antiphon/clip/begin"


@dataclass(frozen=True, slots=True)
class ClipBegin:
    """A client begins to send a clip."""

    id: int
    beats: float
    count: int
    channel: int = 1


@dataclass(frozen=True, slots=True)
class ClipNote:
    """One note of it, the `index`-th (from 0), in beats from its start."""

    id: int
    index: int
    pitch: int
    start: float
    duration: float
    velocity: int


@dataclass(frozen=True, slots=True)
class ClipEnd:
    """All of its notes were sent."""

    id: int


ClipPart = ClipBegin | ClipNote | ClipEnd


@dataclass(slots=True)
class _Unfinished:
    begun: ClipBegin
    notes: dict[int, Note] = field(default_factory=dict)


class ClipsIn:
    """Puts clips together, one for each client at a time. Used by the OSC thread only."""

    def __init__(self) -> None:
        self._unfinished: OrderedDict[Client, _Unfinished] = OrderedDict()

    def take(self, part: ClipPart, client: Client) -> commands.TakePhrase | Refusal | None:
        """Take a part; return the command that a whole clip makes, or why there is none."""
        if isinstance(part, ClipBegin):
            self._unfinished.pop(client, None)
            self._unfinished[client] = _Unfinished(part)
            if len(self._unfinished) > MOST_UNFINISHED:
                self._unfinished.popitem(last=False)
            return None
        clip = self._unfinished.get(client)
        if clip is None or clip.begun.id != part.id:
            # Without its begin a clip is lost; that is told once, at its end.
            return Refusal.NOT_NOW if isinstance(part, ClipEnd) else None
        if isinstance(part, ClipNote):
            if part.index >= clip.begun.count or part.start >= clip.begun.beats:
                return Refusal.OUT_OF_RANGE
            clip.notes[part.index] = _note(part, clip.begun)
            return None
        if len(clip.notes) < clip.begun.count:
            return Refusal.NOT_NOW
        del self._unfinished[client]
        notes = tuple(sorted(clip.notes.values()))
        return commands.TakePhrase(client, BEGIN, notes, Beats(clip.begun.beats))


def _note(part: ClipNote, begun: ClipBegin) -> Note:
    voice = Voice.DRUMS if begun.channel == DRUM_CHANNEL else Voice.MELODY
    length = Beats(max(SHORTEST, min(part.duration, begun.beats - part.start)))
    return Note(Beats(part.start), part.pitch, part.velocity, length, begun.channel, voice)


def messages(clip: commands.Clip) -> Iterator[list[tuple[str, tuple[Argument, ...]]]]:
    """Take a clip apart into bursts of messages: the names after the prefix, and arguments."""
    notes = clip.notes[: commands.MOST_NOTES]
    burst: list[tuple[str, tuple[Argument, ...]]] = [
        ("clip/begin", (clip.index, float(clip.length), len(notes)))
    ]
    for index, note in enumerate(notes):
        start, duration = float(note.start), float(note.duration)
        row = (clip.index, index, note.pitch, start, duration, note.velocity)
        burst.append(("clip/note", row))
        if len(burst) >= BURST:
            yield burst
            burst = []
    yield [*burst, ("clip/end", (clip.index,))]
