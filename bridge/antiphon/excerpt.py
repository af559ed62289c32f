"""Some bars of a MIDI file, cut out as a song of their own, for the networks that vary phrases."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from antiphon import midi
from antiphon.errors import PhraseError, UsageError
from antiphon.music import Beats, Meter
from antiphon.song import MeterMark, MidiSong, MidiTrack, TempoMark

MOST_BARS: Final = 8
"""Bars of the longest phrase that is varied."""

EARLY: Final = Beats(1 / 16)
"""A note played this little before a bar line belongs to the bar that begins there."""

PEDALS: Final = (64, 66, 67)
"""Sustain, sostenuto and soft pedal."""

UNNUMBERED: Final = frozenset({6, 38, *range(96, 102)})
"""Data entry and its parameter numbers: each means something only in its order."""

Mark = TypeVar("Mark", TempoMark, MeterMark)
Message = tuple[Beats, bytes]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Bars of one meter on end.

    Attributes
    ----------
    first, last : int
        Their numbers in the file, from 1.
    beat : Beats
        Where the first begins.
    meter : Meter
        Their meter.
    """

    first: int
    last: int
    beat: Beats
    meter: Meter


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Bars of a file.

    Attributes
    ----------
    song : MidiSong
        What they hold, counted from their first bar line; it keeps all tracks.
    first, last : int
        Their numbers in the file, from 1.
    length : Beats
        Their length: whole bars.
    """

    song: MidiSong
    first: int
    last: int
    length: Beats


def stretches(song: MidiSong) -> list[Stretch]:
    """Return the bars of a song by their meters, to the bar in which the last note begins.

    A change of meter begins a bar wherever it stands; the same meter written again does not,
    if it stands on a bar line.
    """
    onset = max((n.start for track in song.tracks for n in track.notes), default=0.0)
    marks: list[MeterMark] = []
    for mark in song.meters:
        if mark.beat > max(onset, 0.0):
            break
        if marks and marks[-1].meter == mark.meter:
            bars = (mark.beat - marks[-1].beat) / mark.meter.bar
            if abs(bars - round(bars)) < 1e-6:
                continue
        marks.append(mark)
    found: list[Stretch] = []
    for index, mark in enumerate(marks):
        if index + 1 < len(marks):
            count = math.ceil((marks[index + 1].beat - mark.beat) / mark.meter.bar - 1e-6)
        else:
            count = math.floor((onset - mark.beat) / mark.meter.bar + 1e-9) + 1
        first = found[-1].last + 1 if found else 1
        found.append(Stretch(first, first + max(count, 1) - 1, mark.beat, mark.meter))
    return found


def excerpt(song: MidiSong, bars: str | None = None) -> Excerpt:
    """Cut bars out of a song.

    Parameters
    ----------
    song : MidiSong
        Whole.
    bars : str, optional
        ``FIRST-LAST`` or a single number, counted from 1; the whole song when left out.

    Raises
    ------
    UsageError
        If `bars` is no such thing, or the song has not so many.
    PhraseError
        If there are more than :data:`MOST_BARS`, in more than one meter, or without a note.
    """
    parts = stretches(song)
    total = parts[-1].last
    first, last = (1, total) if bars is None else _parse(bars, song.path, total)
    if last - first >= MOST_BARS:
        found = f"{song.path} has {total}" if bars is None else f"found {first}-{last}"
        remedy = f"choose some with --bars, such as --bars {_suggestion(song, parts, first)}"
        raise PhraseError(f"1 to {MOST_BARS} bars are needed", found, remedy)
    inside = [part for part in parts if part.first <= last and part.last >= first]
    if len(inside) > 1:
        change = f"from {inside[0].meter} to {inside[1].meter} at bar {inside[1].first}"
        remedy = f"choose bars with --bars, such as --bars {_suggestion(song, inside, first)}"
        raise PhraseError("one meter is needed", f"{song.path} goes {change}", remedy)
    bar = inside[0].meter.bar
    start = inside[0].beat + (first - inside[0].first) * bar
    length = Beats((last - first + 1) * bar)
    stop = min([start + length, *(p.beat for p in parts if p.first > last)])
    if (first, last) != (1, total):
        song = _cut(song, start if first > 1 else 0.0, stop if last < total else math.inf, length)
    if not any(track.notes for track in song.tracks):
        raise PhraseError("notes are needed", f"{song.path} has none there", "choose other bars")
    return Excerpt(song, first, last, length)


def _parse(text: str, path: Path, total: int) -> tuple[int, int]:
    """Return the first and the last bar of ``FIRST-LAST``."""
    match = re.fullmatch(r"([0-9]{1,7})(?:-([0-9]{1,7}))?", text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= first <= last:
        raise UsageError("--bars takes FIRST-LAST, such as 5-8", f"found {text!r}", "correct it")
    if last > total:
        wanted = f"--bars takes bars of the file, 1 to {total} in {path}"
        raise UsageError(wanted, f"found {text}", "choose earlier ones")
    return first, last


def _suggestion(song: MidiSong, parts: Sequence[Stretch], earliest: int) -> str:
    """Name bars in one meter that could be chosen: from the first that has a note."""
    part = next(part for part in parts if part.last >= earliest)
    start = part.beat + max(earliest - part.first, 0) * part.meter.bar
    starts = (note.start for track in song.tracks for note in track.notes)
    onset = min((place for place in starts if place >= start), default=start)
    part = next((part for part in reversed(parts) if part.beat <= onset), part)
    first = min(part.first + math.floor((onset - part.beat) / part.meter.bar + 1e-9), part.last)
    last = min(first + MOST_BARS - 1, part.last)
    return f"{first}-{last}" if last > first else f"{first}"


# -- cutting ---------------------------------------------------------------------------------


def _cut(song: MidiSong, start: float, stop: float, length: Beats) -> MidiSong:
    """Return what lies between two bar lines, counted from the first of them."""
    early = EARLY if start > 0 else 0.0
    tracks = []
    for track in song.tracks:
        notes = (n for n in track.notes if start - early <= n.start < stop - EARLY)
        moved = tuple(sorted(note.shifted(Beats(-start)) for note in notes))
        others = tuple(_others(track.others, start, stop))
        tracks.append(MidiTrack(track.name, moved, others))
    markers = (mark for mark in song.markers if start <= mark.beat < stop)
    return replace(
        song,
        tracks=tuple(tracks),
        tempos=_marks(song.tempos, start, stop),
        meters=_marks(song.meters, start, stop),
        markers=tuple(replace(mark, beat=Beats(mark.beat - start)) for mark in markers),
        length=length if stop < math.inf else Beats(max(song.length - start, length)),
    )


def _marks(marks: Sequence[Mark], start: float, stop: float) -> tuple[Mark, ...]:
    """Return what counts at `start` and what changes after it, counted from there."""
    counting: list[Mark] = [mark for mark in marks if mark.beat <= start][-1:] or [marks[0]]
    counting += [mark for mark in marks if start < mark.beat < stop]
    return tuple(replace(mark, beat=Beats(max(mark.beat - start, 0.0))) for mark in counting)


def _others(messages: Sequence[Message], start: float, stop: float) -> list[Message]:
    """Return what is in force at `start`, what is sent from there on, and pedals let go."""
    state: dict[tuple[int, ...], bytes] = {}
    inside: list[Message] = []
    down: dict[tuple[int, int], bytes] = {}  # the last message of each pedal
    for index, (beat, data) in enumerate(messages):
        if beat >= stop:
            break
        kind = midi.kind(data)
        if kind == midi.CONTROL and data[1] in PEDALS:
            down[data[0], data[1]] = data
        if beat >= start:
            inside.append((Beats(beat - start), data))
        elif kind != midi.POLY_PRESSURE and not (kind == midi.CONTROL and data[1] >= 120):
            key: tuple[int, ...] = (data[0],)
            if kind == midi.CONTROL:
                key = (*data[:2], index) if data[1] in UNNUMBERED else tuple(data[:2])
            state.pop(key, None)  # so that they stay in the order in which they were last sent
            state[key] = data
    held = [data for data in down.values() if data[2] > 0] if stop < math.inf else []
    end = Beats(stop - start)
    return [
        *((Beats(0.0), data) for data in state.values()),
        *inside,
        *((end, bytes((*data[:2], 0))) for data in held),
    ]


# -- repeating -------------------------------------------------------------------------------


def repeated(part: Excerpt, length: Beats) -> Excerpt:
    """Return a phrase played again and again until it is `length` long, whole bars of its meter."""
    if length <= part.length:
        return part
    passes = [index * part.length for index in range(math.ceil(length / part.length - 1e-9))]
    tracks = []
    for track in part.song.tracks:
        notes = (note.shifted(Beats(at)) for at in passes for note in track.notes)
        others = ((Beats(beat + at), data) for at in passes for beat, data in track.others)
        tracks.append(
            MidiTrack(
                track.name,
                tuple(sorted(note for note in notes if note.start < length - 1e-9)),
                tuple(other for other in others if other[0] < length - 1e-9),
            )
        )
    marks = [m for m in part.song.tempos if m.beat < part.length]
    tempos = [replace(m, beat=Beats(m.beat + at)) for at in passes for m in marks]
    changes = [m for i, m in enumerate(tempos) if not i or m.bpm != tempos[i - 1].bpm]
    song = replace(
        part.song,
        tracks=tuple(tracks),
        tempos=tuple(mark for mark in changes if mark.beat < length - 1e-9),
        length=length,
    )
    return replace(part, song=song, length=length)
