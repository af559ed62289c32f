"""Reads MIDI files into pieces: notes paired, parts mapped to voices, times mapped to beats."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import mido
import numpy as np
import numpy.typing as npt

from antiphon.errors import MidiFileError
from antiphon.music import DRUM_CHANNEL, TICKS_PER_BEAT, Voice
from antiphon_models.events import (
    BAR_BEATS,
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    MICROS,
    IntArray,
    Piece,
)

FREE_TIME_SETS: Final = frozenset({"giantmidi", "piano_rolls"})
"""Folders whose tempo maps are nominal: their beats mean nothing."""

FREE_TICKS_PER_SECOND: Final = 2 * TICKS_PER_BEAT
"""In free time a second counts as two beats."""

MAX_FILE_BYTES: Final = 64 << 20
_MAX_TICKS: Final = 2**31 - 1
_MAX_FILE_TICKS: Final = 2**45

_PIANO = re.compile(r"piano|klavier|keys|rhodes|organ|chord|pad|string|guitar", re.I)
_VOCAL = re.compile(
    r"melod|voice|vocal|lead|sopran|\balto|tenor|baryt|bariton|stimme|gesang|canto|chant|singer",
    re.I,
)
_SECOND = re.compile(r"bridge|second|harmony|descant|counter", re.I)

FloatArray = npt.NDArray[np.float64]


@dataclass
class _Part:
    """Notes of one track on one channel: rows of (start, end, pitch, velocity) in file ticks."""

    name: str
    channel: int
    rows: list[tuple[int, int, int, int]] = field(default_factory=list)
    voice: Voice = Voice.KEYS

    def monophonic(self) -> bool:
        """Whether at most one note in twenty starts well before the one before it ends."""
        rows = np.array(sorted(self.rows), np.int64)
        if len(rows) < 2:
            return True
        length = np.maximum(rows[:-1, 1] - rows[:-1, 0], 1)
        overlap = rows[:-1, 1] - rows[1:, 0]
        return float(np.mean(overlap > 0.25 * length)) <= 0.05


def read_midi(path: Path, style: str = "", name: str = "") -> Piece:
    """Read one MIDI file.

    Times follow the file's beats. A companion ``beat_midi.txt`` in the same folder (seconds,
    and 1 in the third column for a downbeat) takes the place of the file's own beats. In a
    set without beats, or when the onsets ignore the file's beats, times are seconds at two
    beats a second, and the phases are unknown.

    Parameters
    ----------
    path : Path
        The file.
    style, name : str
        Stored in the piece.

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
    parts = _read_parts(midi)
    if any(row[1] > _MAX_FILE_TICKS for part in parts for row in part.rows):
        raise _too_long(path)
    if not parts:
        raise MidiFileError(
            f"expected notes in {path.name}", "found none", "record or export the notes again"
        )
    _assign_voices(parts)
    voice = np.repeat([int(p.voice) for p in parts], [len(p.rows) for p in parts])
    rows = np.array([row for p in parts for row in p.rows], np.int64)
    tempo = _TempoMap(midi)
    beats_file = path.with_name("beat_midi.txt")
    metered = True
    if beats_file.is_file():
        grid = _read_beats(beats_file)
        beat = grid.beats(tempo.seconds(rows[:, :2].astype(np.float64)))
        beat_phase, bar_phase = grid.phases(_round(beat[:, 0] * TICKS_PER_BEAT))
        exact = beat * TICKS_PER_BEAT
        bpm = grid.bpm
    elif style in FREE_TIME_SETS or not _follows_beats(rows[:, 0], midi.ticks_per_beat):
        metered = False
        exact = tempo.seconds(rows[:, :2].astype(np.float64)) * FREE_TICKS_PER_SECOND
        bpm = 60.0 * FREE_TICKS_PER_SECOND / TICKS_PER_BEAT
        beat_phase = np.full(len(rows), BEAT_PHASE_UNKNOWN, np.int64)
        bar_phase = np.full(len(rows), BAR_PHASE_UNKNOWN, np.int64)
    else:
        exact = rows[:, :2] * (TICKS_PER_BEAT / midi.ticks_per_beat)
        beat_phase, bar_phase = _bar_phases(midi, _round(exact[:, 0]))
        bpm = tempo.bpm(float(rows[:, 0].min()))
    ticks = _round(exact)
    if int(ticks.max()) - int(ticks.min()) > _MAX_TICKS:
        raise _too_long(path)
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
    ).sorted()


def _too_long(path: Path) -> MidiFileError:
    return MidiFileError(
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
            raise MidiFileError(
                f"expected a MIDI file of at most {MAX_FILE_BYTES >> 20} MB",
                f"{path.name} is larger",
                "check that it is a MIDI file",
            )
        midi = mido.MidiFile(path, clip=True)
    except MidiFileError:
        raise
    except Exception as error:  # whatever bytes do to the parser, the file is at fault
        found = str(error) or type(error).__name__
        raise MidiFileError(
            f"expected a Standard MIDI File at {path.name}", f"found {found}", remedy
        ) from error
    if midi.type not in (0, 1):
        raise MidiFileError(
            f"expected {path.name} to be of type 0 or 1", f"found type {midi.type}", remedy
        )
    if midi.ticks_per_beat <= 0:
        raise MidiFileError(
            f"expected {path.name} to count ticks per beat", "found frames of film time", remedy
        )
    return midi


def _read_parts(midi: Any) -> list[_Part]:
    """Pair note-ons with note-offs, first in first out, by track and channel."""
    parts: list[_Part] = []
    for track in midi.tracks:
        now = 0
        rows: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        held: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)
        onsets: dict[tuple[int, int], list[int]] = defaultdict(list)
        for message in track:
            now += message.time
            kind = message.type
            if kind not in ("note_on", "note_off"):
                continue
            key = (message.channel, message.note)
            if kind == "note_on" and message.velocity > 0:
                held[key].append((now, message.velocity))
                onsets[key].append(now)
            elif held[key]:
                start, velocity = held[key].popleft()
                rows[key[0]].append((start, max(now, start + 1), key[1], velocity))
        for key, unclosed in held.items():
            for start, velocity in unclosed:
                end = min((t for t in onsets[key] if t > start), default=now)
                rows[key[0]].append((start, max(end, start + 1), key[1], velocity))
        parts += (_Part(track.name, channel, notes) for channel, notes in sorted(rows.items()))
    return parts


def _assign_voices(parts: list[_Part]) -> None:
    """Map parts to voices by channel, then by name, then by content."""
    pitched = [p for p in parts if p.channel != DRUM_CHANNEL - 1]
    for part in parts:
        part.voice = Voice.DRUMS if part.channel == DRUM_CHANNEL - 1 else Voice.KEYS
    sung = [p for p in pitched if _VOCAL.search(p.name) and not _PIANO.search(p.name)]
    second = [p for p in pitched if p not in sung and _SECOND.search(p.name)]
    for part, voice in zip(sung, (Voice.MELODY, Voice.SECOND), strict=False):
        part.voice = voice
    for part in second:
        part.voice = Voice.SECOND
    if not sung and not second and pitched and all(p.monophonic() for p in pitched):
        top = max(pitched, key=lambda p: sum(row[2] for row in p.rows) / len(p.rows))
        top.voice = Voice.MELODY


class _TempoMap:
    """Converts file ticks to seconds."""

    def __init__(self, midi: Any) -> None:
        changes = {0: 500_000}
        for track in midi.tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "set_tempo":
                    changes[now] = message.tempo
        self._ticks = np.array(sorted(changes), np.float64)
        self._beat = np.array([changes[int(t)] for t in self._ticks]) / 1e6  # seconds
        rate = self._beat / midi.ticks_per_beat
        self._rate = rate
        steps = np.diff(self._ticks) * rate[:-1]
        self._seconds = np.concatenate([[0.0], np.cumsum(steps)])

    def seconds(self, ticks: FloatArray) -> FloatArray:
        at = np.searchsorted(self._ticks, ticks, side="right") - 1
        return np.asarray(self._seconds[at] + (ticks - self._ticks[at]) * self._rate[at])

    def bpm(self, tick: float) -> float:
        """Return the tempo at a tick; the nearest that can be played."""
        at = int(np.searchsorted(self._ticks, tick, side="right")) - 1
        return float(np.clip(60.0 / max(self._beat[at], 1e-6), 20.0, 400.0))


class _BeatGrid:
    """Beats annotated in seconds, with downbeats."""

    def __init__(self, seconds: FloatArray, downbeat: npt.NDArray[np.bool_]) -> None:
        self._seconds = seconds
        index = np.arange(len(seconds))
        last = np.maximum.accumulate(np.where(downbeat, index, -1))
        downs = np.flatnonzero(downbeat)
        bar = int(np.median(np.diff(downs))) if len(downs) > 1 else 4
        first = int(downs[0]) if len(downs) else 0
        self._bar = bar
        self._in_bar = np.where(last >= 0, index - last, (index - first) % bar)
        self.bpm = float(np.clip(60.0 / np.median(np.diff(seconds)), 20.0, 400.0))

    def beats(self, seconds: FloatArray) -> FloatArray:
        """Interpolate between beats; outside of them the nearest beat's length goes on."""
        times = self._seconds
        at = np.clip(np.searchsorted(times, seconds, side="right") - 1, 0, len(times) - 2)
        return np.asarray(at + (seconds - times[at]) / (times[at + 1] - times[at]))

    def phases(self, ticks: IntArray) -> tuple[IntArray, IntArray]:
        beat = ticks // TICKS_PER_BEAT
        inside = np.clip(beat, 0, len(self._in_bar) - 1)
        bar = (self._in_bar[inside] + beat - inside) % np.maximum(
            self._bar, self._in_bar[inside] + 1
        )
        return ticks % TICKS_PER_BEAT, np.minimum(bar, BAR_BEATS - 1)


def _read_beats(path: Path) -> _BeatGrid:
    expected = f"expected rows of 'seconds x downbeat' in {path.name}"
    remedy = "correct the file or remove it"
    try:
        lines = [line.split()[:3] for line in path.read_text().splitlines() if line.strip()]
        rows = np.array(lines, np.float64).reshape(-1, 3)
    except (OSError, ValueError) as error:
        raise MidiFileError(expected, f"found {error}", remedy) from error
    if len(rows) < 2 or not np.all(np.diff(rows[:, 0]) > 0):
        raise MidiFileError(expected, "found too few, or times that do not ascend", remedy)
    return _BeatGrid(rows[:, 0], rows[:, 2] > 0.5)


def _bar_phases(midi: Any, ticks: IntArray) -> tuple[IntArray, IntArray]:
    """Phases of onsets on the file's own beats; a time signature starts a new bar."""
    bars = {0: 4.0 * TICKS_PER_BEAT}
    for track in midi.tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type == "time_signature" and message.numerator > 0:
                tick = int(now * TICKS_PER_BEAT / midi.ticks_per_beat + 0.5)
                bars[tick] = message.numerator * 4 * TICKS_PER_BEAT / message.denominator
    starts = np.array(sorted(bars), np.int64)
    lengths = np.array([max(round(bars[int(s)]), 1) for s in starts], np.int64)
    at = np.searchsorted(starts, ticks, side="right") - 1
    since_bar: IntArray = (ticks - starts[at]) % lengths[at]
    return since_bar % TICKS_PER_BEAT, np.minimum(since_bar // TICKS_PER_BEAT, BAR_BEATS - 1)


def _follows_beats(onsets: IntArray, ticks_per_beat: int) -> bool:
    """Whether onsets cluster on some even division of the beat (few onsets: yes).

    Compared is the mean direction of the onsets around the circle that each division is; chance
    alone reaches the threshold in one piece of a hundred.
    """
    onsets = np.unique(onsets)
    if len(onsets) < 64:
        return True
    turns = onsets / ticks_per_beat
    clustering = [abs(np.mean(np.exp(2j * np.pi * turns * n))) for n in (1, 2, 3, 4, 6, 8, 12)]
    return bool(max(clustering) > max(0.15, (7 / len(onsets)) ** 0.5))
