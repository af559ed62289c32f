"""Continuations as the two-sample test sees them: on the grid of the networks that vary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from antiphon.music import TICKS_PER_BEAT, Voice, to_beats
from antiphon_models.events import piece_to_notes
from antiphon_models.generation.excerpt import Excerpt, meter_of
from antiphon_models.idiom import Phrases
from antiphon_models.notation import position_of
from antiphon_models.rolls import POSITION, ROWS, SIXTEENTH, SLOTS, Kind, write_sheet

LONGEST_BAR: Final = 8
"""Beats; excerpts with longer bars are not put on a grid."""

FEWEST: Final = 4
"""Notes of a kind in an excerpt, at least."""

BPM: Final = 120.0
"""The tempo that all are shown in: it would only tell the pieces apart."""


def has(excerpt: Excerpt, kind: Kind) -> bool:
    """Tell whether an excerpt has enough notes of a kind, in bars that fit a grid."""
    fits = excerpt.bar % (TICKS_PER_BEAT // SLOTS) == 0 and to_beats(excerpt.bar) <= LONGEST_BAR
    return fits and len(_of_kind(excerpt, kind)) >= FEWEST


def _of_kind(excerpt: Excerpt, kind: Kind) -> list[int]:
    drums = excerpt.notes.voice == Voice.DRUMS
    found: list[int] = np.flatnonzero(drums if kind == "drums" else ~drums).tolist()
    return found


def to_phrases(excerpts: Sequence[Excerpt], kind: Kind, beats: int) -> Phrases:
    """Put the notes of one kind on the grid, each excerpt padded to so many beats.

    Excerpts in free time are read as if a beat were half a second.
    """
    shape = (len(excerpts), beats, SLOTS, ROWS[kind])
    cells = np.zeros((*shape, 3), np.float32)
    duration = np.zeros(shape, np.float32)
    position = np.zeros((len(excerpts), beats, POSITION), np.float32)
    for index, excerpt in enumerate(excerpts):
        notes = piece_to_notes(excerpt.notes.select(_of_kind(excerpt, kind)))
        length = to_beats(excerpt.length)
        sheet = write_sheet(kind, notes, meter_of(excerpt.bar), length, BPM)
        size = sheet.grid.beats
        cells[index, :size] = sheet.roll[..., :3]
        position[index, :size] = position_of(sheet)
        if kind == "pitched":
            known = sheet.cell >= 0
            lengths = np.array([note.duration / SIXTEENTH for note in notes], np.float32)
            duration[index].ravel()[sheet.cell[known]] = lengths[known]
    hit, velocity, offset = (np.ascontiguousarray(cells[..., i]) for i in range(3))
    bpm = np.full(len(excerpts), BPM, np.float32)
    return Phrases(kind, hit, velocity, offset, duration, position, bpm)
