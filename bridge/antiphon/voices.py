"""Guess what part a track plays, by its name first, then by how it is played."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from antiphon.music import Note, Voice

_LEAD: Final = ("melod", "lead", "vocal", "vox", "voice", "sing", "soprano", "solo", "flute", "sax")
_SECOND: Final = ("bridge", "second", "counter", "alto", "tenor", "harmony", "violin ii")
_CHORDS: Final = ("piano", "keys", "chord", "guitar", "organ", "accomp", "pad", "strings", "bass")


def guess_voices(tracks: Sequence[tuple[str, Sequence[Note]]]) -> list[Voice]:
    """Return the voice of the pitched notes of each track.

    The highest of the tracks that play one note at a time is taken for the melody, the next
    for the second voice; what plays chords is keys.

    Parameters
    ----------
    tracks : sequence of (str, sequence of Note)
        Name and notes of each, the notes in order.
    """
    lines: list[tuple[float, int]] = []
    guess: dict[int, Voice] = {}
    for index, (name, notes) in enumerate(tracks):
        for voice, words in ((Voice.SECOND, _SECOND), (Voice.MELODY, _LEAD), (Voice.KEYS, _CHORDS)):
            if any(word in name.lower() for word in words):
                guess[index] = voice
                break
        else:
            if _is_line(notes):
                lines.append((-median(n.pitch for n in notes), index))
    free = [v for v in (Voice.MELODY, Voice.SECOND) if v not in guess.values()]
    guess |= {index: voice for (_, index), voice in zip(sorted(lines), free, strict=False)}
    return [guess.get(index, Voice.KEYS) for index in range(len(tracks))]


def _is_line(notes: Sequence[Note]) -> bool:
    """Tell whether pitched notes are played one at a time (one overlap in twenty is legato)."""
    pitched = [n for n in notes if n.voice is not Voice.DRUMS]
    overlaps = sum(b.start < a.start + a.duration * 0.7 for a, b in pairwise(pitched))
    return bool(pitched) and overlaps * 20 <= len(pitched)
