"""Notes of ours and the five arguments that AbletonOSC has for each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from antiphon.live.wire import Value
from antiphon.music import Beats, Note

SHORTEST: Final = Beats(1 / 192)
"""Least length of a note."""


def to_arguments(notes: Sequence[Note], length: Beats) -> list[tuple[Value, ...]]:
    """Return the arguments of a clip's notes, five a note, in order.

    Live lets no two notes of a pitch overlap; the earlier one ends where the next begins. What is
    struck before the clip begins is on its first line, what lies behind its end is left out.
    """
    by_pitch: dict[int, dict[float, Note]] = {}
    for note in notes:
        start = max(0.0, note.start)
        if start < length:
            by_pitch.setdefault(note.pitch, {})[start] = note
    written: list[tuple[Value, ...]] = []
    for pitch, starts in by_pitch.items():
        places = sorted(starts)
        for start, until in zip(places, [*places[1:], math.inf], strict=True):
            note = starts[start]
            if until - start < SHORTEST:
                continue
            end = min(note.end, until, float(length))
            duration = max(float(SHORTEST), end - start)
            written.append((pitch, start, duration, float(note.velocity), False))
    return sorted(written, key=lambda values: (values[1], values[0]))


def from_values(values: Sequence[Value], start: Beats, end: Beats) -> list[Note]:
    """Return the notes of a reply that begin in a stretch, in beats from its start.

    Notes that are muted, or are no notes at all, are left out.
    """
    notes = []
    for place in range(0, len(values) - 4, 5):
        pitch, onset, duration, velocity, muted = values[place : place + 5]
        if muted or not all(isinstance(v, int | float) for v in (pitch, onset, duration, velocity)):
            continue
        at, stop = float(onset), min(float(onset) + float(duration), end)  # type: ignore[arg-type]
        if not start <= at < end:
            continue
        loud = min(127, max(1, round(float(velocity))))  # type: ignore[arg-type]
        length = Beats(max(SHORTEST, stop - at))
        notes.append(Note(Beats(at - start), int(pitch), loud, length))  # type: ignore[arg-type]
    return notes
