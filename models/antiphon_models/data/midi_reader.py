"""Reads MIDI files into pieces: notes paired, parts mapped to voices, times mapped to beats."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import mido
import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.data.faults import RefusedFileError, Repairs
from antiphon_models.data.parts import read_parts
from antiphon_models.data.pedals import PedalMoves, note_pedals
from antiphon_models.data.tempo import TempoMap, bar_phases, follows_beats, read_beats
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    MICROS,
    IntArray,
    Piece,
)

FREE_TICKS_PER_SECOND: Final = 2 * TICKS_PER_BEAT
"""In free time a second counts as two beats."""

MAX_FILE_BYTES: Final = 64 << 20
_MAX_TICKS: Final = 2**31 - 1
_MAX_FILE_TICKS: Final = 2**45


def read_midi(path: Path, style: str = "", name: str = "", repairs: Repairs | None = None) -> Piece:
    """Read one MIDI file.

    Times follow the file's beats. A companion ``beat_midi.txt`` in the same folder (seconds,
    and 1 in the third column for a downbeat) takes the place of the file's own beats. Where
    the onsets ignore the file's beats, times are seconds at two beats a second, and the phases
    are unknown.

    Parameters
    ----------
    path : Path
        The file.
    style, name : str
        Stored in the piece.
    repairs : Counter, optional
        If given, faults of the parts are mended (:func:`antiphon_models.data.parts.read_parts`),
        and what was done is counted here.

    Returns
    -------
    Piece
        Sorted; counted from the first note on; with at least one note.

    Raises
    ------
    MidiFileError
        If the file cannot be read, is broken, or holds no notes.
    """
    midi = _open(path)
    parts = read_parts(midi, repairs)
    if any(row[1] > _MAX_FILE_TICKS for part in parts for row in part.rows):
        raise _too_long(path)
    if not parts:
        silent = repairs is not None and repairs["silent"] > 0
        raise RefusedFileError(
            "silent" if silent else "no notes",
            f"expected notes in {path.name}",
            "found none that sound" if silent else "found none",
            "record or export the notes again",
        )
    voice = np.repeat([int(p.voice) for p in parts], [len(p.rows) for p in parts])
    rows = np.array([row for p in parts for row in p.rows], np.int64)
    tempo = TempoMap(midi)
    beats_file = path.with_name("beat_midi.txt")
    metered = True
    if beats_file.is_file():
        grid = read_beats(beats_file)
        beat = grid.beats(tempo.seconds(rows[:, :2].astype(np.float64)))
        beat_phase, bar_phase = grid.phases(_round(beat[:, 0] * TICKS_PER_BEAT))
        exact = beat * TICKS_PER_BEAT
        bpm = grid.bpm
    elif not follows_beats(rows[:, 0] / midi.ticks_per_beat):
        if repairs is not None:
            repairs["off_beat"] += 1
        metered = False
        exact = tempo.seconds(rows[:, :2].astype(np.float64)) * FREE_TICKS_PER_SECOND
        bpm = 60.0 * FREE_TICKS_PER_SECOND / TICKS_PER_BEAT
        beat_phase = np.full(len(rows), BEAT_PHASE_UNKNOWN, np.int64)
        bar_phase = np.full(len(rows), BAR_PHASE_UNKNOWN, np.int64)
    else:
        exact = rows[:, :2] * (TICKS_PER_BEAT / midi.ticks_per_beat)
        beat_phase, bar_phase = bar_phases(midi, _round(exact[:, 0]))
        bpm = tempo.bpm(float(rows[:, 0].min()))
    ticks = _round(exact)
    moves = PedalMoves(midi, tempo)
    if int(ticks.max()) - int(ticks.min()) > _MAX_TICKS:
        raise _too_long(path)
    pedal = note_pedals(parts, ticks[:, 0], tempo.seconds(rows[:, 0].astype(np.float64)), moves)
    return Piece(
        onset=ticks[:, 0] - ticks[:, 0].min(),
        voice=voice.astype(np.int64),
        pitch=rows[:, 2],
        velocity=rows[:, 3],
        duration=np.maximum(ticks[:, 1] - ticks[:, 0], 1),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
        name=name or path.name,
        style=style,
        metered=metered,
        micro=_round((exact[:, 0] - ticks[:, 0]) * MICROS),
        bpm=bpm,
        pedal=pedal,
    ).sorted()


def _too_long(path: Path) -> RefusedFileError:
    return RefusedFileError(
        "too large",
        f"expected {path.name} to end within {_MAX_TICKS // TICKS_PER_BEAT:,} beats",
        "found a later note",
        "cut the silence out of the file",
    )


def _round(values: npt.NDArray[Any]) -> IntArray:
    return np.floor(values + 0.5).astype(np.int64)


def _open(path: Path) -> Any:
    remedy = "export it again as a Standard MIDI File of type 0 or 1"
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RefusedFileError(
                "too large",
                f"expected a MIDI file of at most {MAX_FILE_BYTES >> 20} MB",
                f"{path.name} is larger",
                "check that it is a MIDI file",
            )
        midi = mido.MidiFile(path, clip=True)
    except RefusedFileError:
        raise
    except EOFError as error:
        found = "found that it ends too soon" if path.stat().st_size else "found nothing in it"
        raise RefusedFileError(
            "cut short", f"expected a whole Standard MIDI File at {path.name}", found, remedy
        ) from error
    except Exception as error:  # whatever bytes do to the parser, the file is at fault
        found = str(error) or type(error).__name__
        raise RefusedFileError(
            "not MIDI", f"expected a Standard MIDI File at {path.name}", f"found {found}", remedy
        ) from error
    if midi.type not in (0, 1):
        raise RefusedFileError(
            "type", f"expected {path.name} to be of type 0 or 1", f"found type {midi.type}", remedy
        )
    if midi.ticks_per_beat <= 0:
        raise RefusedFileError(
            "type",
            f"expected {path.name} to count ticks per beat",
            "found frames of film time",
            remedy,
        )
    return midi
