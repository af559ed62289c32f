"""Phrases as musicians' notes and as a network's cells, and the way from one to the other.

A note that is kept is the musician's own note, with its own length and channel; nothing passes
through a roll that need not.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from operator import attrgetter
from typing import Final

import numpy as np

from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Voice
from antiphon_models.codec import LONGEST
from antiphon_models.editor import Editor
from antiphon_models.prepared import Manner, Prepared
from antiphon_models.rolls import (
    ROWS,
    SIXTEENTH,
    FloatArray,
    Kind,
    Sheet,
    is_drum,
    pitch_of,
    position,
)

LEAN: Final = 0.45
"""Sixteenths that a note which moved to another slot is off it at most, so that none passes
another."""

IN_ORDER: Final = attrgetter("start", "pitch", "velocity", "duration", "channel")
"""Sorts notes as they compare, and several times as fast."""

OVERLAP: Final = 0.07
"""Beats that the notes of a melody may sound into each other."""

NEARNESS: Final = np.array([4.0, 1.0])
"""How much a beat and a semitone part a note from another."""

SHORTEST: Final = 1e-3
"""Beats that a note lasts at least; notes of one key that are nearer begin at once."""


def midi_velocity(velocity: float) -> int:
    """Return the MIDI velocity (1..127) nearest to a number."""
    found = round(velocity)  # half the time of min and max
    return 1 if found < 1 else 127 if found > 127 else found


class Plain:
    """What a phrase is like, so that new notes are like it."""

    def __init__(self, sheet: Sheet, manner: Manner) -> None:
        self._sheet, self._rows = sheet, ROWS[sheet.kind]
        cells = sheet.roll.reshape(-1, sheet.roll.shape[-1])
        placed = [(n, c) for n, c in zip(sheet.notes, sheet.cell.tolist(), strict=True) if c >= 0]
        self.known = [(n, c, float(cells[c, 1]), float(cells[c, 2])) for n, c in placed]
        """Notes with their cells, and the velocity and the offset of each cell."""
        self.unknown = [n for n, c in zip(sheet.notes, sheet.cell, strict=True) if c < 0]
        """Notes that the networks know nothing of; they stay as they are."""
        self._notes = [n for n, _ in placed]
        lengths: list[float] = sorted({n.duration for n in self._notes})
        self._lengths = lengths or [SIXTEENTH]
        codes = [float(duration_code(length)) for length in self._lengths]
        self._between = [(a + b) / 2 for a, b in pairwise(codes)]
        self.on_grid = manner.on_grid
        line = sorted(self._notes)
        self.melody = all(a.end <= b.start + OVERLAP for a, b in pairwise(line))
        """Whether one note sounds at a time."""
        self.flat_velocity = manner.velocity is not None
        self._velocity = self._notes[0].velocity if self._notes else 80
        self._where = np.array([(n.start, n.pitch) for n in self._notes], np.float64).reshape(-1, 2)
        of_row: dict[int, Counter[int]] = {}
        for note, cell in placed:
            of_row.setdefault(cell % self._rows, Counter())[note.pitch] += 1
        self._pitches = {row: found.most_common(1)[0][0] for row, found in of_row.items()}
        self._news: dict[int, tuple[float, int, Note | None]] = {}

    def time(self, cell: int) -> float:
        """Return where a cell lies, in beats."""
        return self._sheet.grid.time(cell // self._rows)

    def pitch(self, row: int) -> int:
        """Return the pitch of a row: the one that the phrase has there, if any."""
        found = self._pitches.get(row)
        return pitch_of(self._sheet.kind, row) if found is None else found

    def new_note(self, cell: int, velocity: float, offset: float, duration: float) -> Note:
        """Make a note for a cell; its length is the nearest that the phrase has."""
        if cell not in self._news:
            self._news[cell] = self._new(cell)
        time, pitch, like = self._news[cell]
        drums = self._sheet.kind == "drums"
        length = self._lengths[bisect(self._between, duration)]
        return Note(
            Beats(time if self.on_grid else time + offset * SIXTEENTH),
            pitch,
            midi_velocity(self._velocity if self.flat_velocity else 127 * velocity),
            Beats(like.duration if drums and like else length),
            like.channel if like else (DRUM_CHANNEL if drums else 1),
            like.voice if like else (Voice.DRUMS if drums else Voice.KEYS),
        )

    def _new(self, cell: int) -> tuple[float, int, Note | None]:
        """Return time and pitch of a cell, and the note of the phrase that is most like it."""
        time, pitch = self.time(cell), self.pitch(cell % self._rows)
        if not self._notes:
            return time, pitch, None
        far: FloatArray = np.abs(self._where - (time, pitch)) @ NEARNESS
        return time, pitch, self._notes[int(far.argmin())]


def duration_code(beats: float | FloatArray) -> FloatArray:
    """Return durations in beats as the networks tell them, see LONGEST."""
    return np.asarray(np.log2(1 + np.asarray(beats) / SIXTEENTH) / LONGEST, np.float32)


@dataclass(frozen=True, eq=False)
class Part:
    """The drums, or the pitched notes, of a phrase, ready to be varied."""

    sheet: Sheet
    editor: Editor
    phrase: Prepared
    position: FloatArray
    meter: Meter
    end: float
    plain: Plain

    @cached_property
    def size(self) -> int:
        """Hits on the grid."""
        return int(self.sheet.hits.sum())


def make_part(editor: Editor, sheet: Sheet, meter: Meter, length: Beats) -> Part:
    """Get a sheet of the editor's kind ready to be varied."""
    where = position_of(sheet)
    lengths = np.zeros(sheet.hits.size, np.float32)
    known = sheet.cell >= 0
    beats = np.array([n.duration for n in sheet.notes], np.float32)
    lengths[sheet.cell[known]] = duration_code(beats[known])
    prepared = editor.prepare(sheet.roll, where, lengths.reshape(sheet.hits.shape))
    plain = Plain(sheet, prepared.manner)
    return Part(sheet, editor, prepared, where, meter, float(length), plain)


def by_kind(notes: Sequence[Note]) -> dict[Kind, list[Note]]:
    """Part drums from pitched notes."""
    found: dict[Kind, list[Note]] = {}
    for note in notes:
        found.setdefault("drums" if is_drum(note) else "pitched", []).append(note)
    return found


def position_of(sheet: Sheet) -> FloatArray:
    """Return the position features of a sheet's beats."""
    grid = sheet.grid
    bpm = np.full(grid.beats, grid.bpm)
    return position(grid.phase, grid.bar, grid.triplet, grid.valid, bpm)


def write_notes(
    part: Part,
    told: Mapping[int, tuple[float, float, float]],
    moved: Mapping[int, int],
    *,
    timed: bool,
) -> list[Note]:
    """Carry out a change on the notes.

    Parameters
    ----------
    part : Part
        The phrase.
    told : mapping
        Cells where notes begin now, each with velocity, offset and duration.
    moved : mapping
        Cells whose notes go to another cell, with their lengths and channels.
    timed : bool
        Whether kept notes take on microtiming; if not, they begin where they began.
    """
    plain, rows = part.plain, ROWS[part.sheet.kind]
    notes, taken = [], set()
    late_too = timed and not plain.on_grid
    for note, cell, loud, late in plain.known:
        goal = moved.get(cell, cell)
        if goal not in told:
            continue
        taken.add(goal)
        velocity, offset, _ = told[goal]
        pitch, start, loudness = note.pitch, note.start, note.velocity
        if not plain.flat_velocity:
            loudness = midi_velocity(loudness + 127 * (velocity - loud))
        if late_too:
            start = Beats(start + (offset - late) * SIXTEENTH)
        if goal != cell:
            if goal // rows != cell // rows:
                lean = LEAN * SIXTEENTH
                off = note.start - plain.time(cell)
                start = Beats(plain.time(goal) + lean * math.tanh(off / lean))
            if goal % rows != cell % rows:
                pitch = plain.pitch(goal % rows)
        notes.append(Note(start, pitch, loudness, note.duration, note.channel, note.voice))
    notes += [plain.new_note(cell, *told[cell]) for cell in told if cell not in taken]
    if plain.melody and part.sheet.kind == "pitched":
        notes = _one_at_a_time(notes)
    return fit([*notes, *plain.unknown], part.end)


def _one_at_a_time(notes: Sequence[Note]) -> list[Note]:
    """Let each note of a melody end where the next begins."""
    line = sorted(notes, key=IN_ORDER)
    for index, (a, b) in enumerate(pairwise(line)):
        room = b.start - a.start
        if a.duration > room + OVERLAP and room > SHORTEST:
            line[index] = replace(a, duration=Beats(room))
    return line


def fit(notes: Sequence[Note], end: float, *, drop: bool = True) -> list[Note]:
    """Shorten notes so that no key is struck while it sounds, and none outlasts the phrase.

    Of notes that strike one key at once the first is left; without `drop`, all are.
    """
    kept: list[Note] = []
    last: dict[tuple[int, int], int] = {}
    for note in sorted(notes, key=IN_ORDER):
        key = note.channel, note.pitch
        found = last.get(key)
        if found is not None:
            before = kept[found]
            if note.start - before.start < SHORTEST:
                if not drop:
                    kept.append(note)
                continue  # one key, one onset, one note
            if before.end > note.start:
                kept[found] = replace(before, duration=Beats(note.start - before.start))
        last[key] = len(kept)
        kept.append(note)
    last_end = end + 1e-9
    return [n if n.start + n.duration <= last_end else _within(n, end) for n in kept]


def _within(note: Note, end: float) -> Note:
    """Let a note that outlasts the phrase end with it, if it begins before that."""
    room = end - note.start
    return replace(note, duration=Beats(min(note.duration, room if room > SHORTEST else SHORTEST)))
