"""The parts of a MIDI file: note-ons paired with note-offs, faults mended, voices found."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from antiphon.music import DRUM_CHANNEL, Voice
from antiphon_models.data.faults import Repairs
from antiphon_models.data.kit import is_misplaced_kit, is_misplaced_melody
from antiphon_models.events import IntArray

Row = tuple[int, int, int, int]
"""Start and end in file ticks, pitch, velocity."""

_STUCK_BEATS: Final = 32
"""A note is stuck if it is longer than this, ..."""

_STUCK_TIMES: Final = 8
"""... and than this many times what nine in ten notes of its part stay under."""

_PIANO = re.compile(r"piano|klavier|keys|rhodes|organ|chord|pad|string|guitar", re.I)
_VOCAL = re.compile(
    r"melod|voice|vocal|lead|sopran|\balto|tenor|baryt|bariton|stimme|gesang|canto|chant|singer",
    re.I,
)
_SECOND = re.compile(r"bridge|second|harmony|descant|counter", re.I)

_VOLUMES: Final = (7, 11)
"""Controllers that silence a channel at 0."""


@dataclass
class Part:
    """Notes of one track on one channel.

    Attributes
    ----------
    name : str
        The track's.
    drums : bool
        Whether the pitches are drums.
    rows : list of Row
        The notes.
    channel : int
        Theirs, from 0.
    voice : Voice
        The part they play.
    """

    name: str
    drums: bool
    rows: list[Row] = field(default_factory=list)
    channel: int = 0
    voice: Voice = Voice.KEYS

    def monophonic(self) -> bool:
        """Whether at most one note in twenty starts well before the one before it ends."""
        rows = np.array(sorted(self.rows), np.int64)
        if len(rows) < 2:
            return True
        length = np.maximum(rows[:-1, 1] - rows[:-1, 0], 1)
        overlap = rows[:-1, 1] - rows[1:, 0]
        return float(np.mean(overlap > 0.25 * length)) <= 0.05


def read_parts(midi: Any, repairs: Repairs | None = None) -> list[Part]:
    """Read the parts that have notes, and find their voices.

    Parameters
    ----------
    midi : mido.MidiFile
        The file.
    repairs : Counter, optional
        If given, notes without an end are closed, stuck ones shortened, parts that do not sound
        left out, and drums and pitched parts on wrong channels set right; and counted here.
    """
    volumes = _Volumes(midi) if repairs is not None else None
    parts: list[Part] = []
    for index, track in enumerate(midi.tracks):
        now = 0
        played: dict[int, dict[int, list[tuple[int, int]]]] = {}
        used = False
        for message in track:
            now += message.time
            kind = message.type
            if kind in ("note_on", "note_off"):
                velocity = message.velocity if kind == "note_on" else 0
                keys = played.setdefault(message.channel, defaultdict(list))
                keys[message.note].append((now, velocity))
            elif kind == "program_change":
                used = True
        found = 0
        for channel, keys in sorted(played.items()):
            rows = _pair_keys(keys, now, midi.ticks_per_beat, repairs)
            found += len(rows)
            if not rows:
                continue
            if repairs is not None and volumes is not None and volumes.silent(channel, rows):
                repairs["silent"] += 1
                continue
            drums = _is_drums(channel, rows, track.name, repairs)
            parts.append(Part(track.name, drums, rows, channel))
        if repairs is not None and used and not found and (index or midi.type == 0):
            repairs["silent"] += 1
    _assign_voices(parts)
    return parts


def _pair_keys(
    keys: dict[int, list[tuple[int, int]]], end: int, per_beat: int, repairs: Repairs | None
) -> list[Row]:
    """Pair what was played on each key of a part."""
    rows: list[Row] = []
    unclosed: list[Row] = []
    for pitch, strikes in keys.items():
        pairs, held = _first_in_first_out(strikes)
        if held and repairs is not None:
            # A note-off is missing, so that all behind it are paired one too late.
            repairs["unclosed"] += len(held)
            pairs, held = _one_at_a_time(strikes)
        elif held:
            starts = [tick for tick, velocity in strikes if velocity]
            ends = [min((t for t in starts if t > start), default=end) for start, _ in held]
            pairs += [(on, off, v) for (on, v), off in zip(held, ends, strict=True)]
            held = []
        rows += [(on, max(off, on + 1), pitch, velocity) for on, off, velocity in pairs]
        unclosed += [(on, end, pitch, velocity) for on, velocity in held]
    if repairs is None:
        return rows
    usual = int(np.median([off - on for on, off, _, _ in rows])) if rows else per_beat
    rows += [(on, max(min(off, on + usual), on + 1), p, v) for on, off, p, v in unclosed]
    return _shorten_stuck(rows, usual, per_beat, repairs)


def _first_in_first_out(
    strikes: Sequence[tuple[int, int]],
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    """Pair strikes and releases of a key; return (on, off, velocity), and what is still held."""
    pairs: list[tuple[int, int, int]] = []
    held: deque[tuple[int, int]] = deque()
    for tick, velocity in strikes:
        if velocity:
            held.append((tick, velocity))
        elif held:
            start, struck = held.popleft()
            pairs.append((start, tick, struck))
    return pairs, list(held)


def _one_at_a_time(
    strikes: Sequence[tuple[int, int]],
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int]]]:
    """Pair as :func:`_first_in_first_out`, but let each strike end the one before it."""
    pairs: list[tuple[int, int, int]] = []
    held: tuple[int, int] | None = None
    for tick, velocity in strikes:
        if held is not None and (velocity or tick > held[0]):
            pairs.append((held[0], tick, held[1]))
            held = None
        if velocity:
            held = (tick, velocity)
    return pairs, [] if held is None else [held]


def _shorten_stuck(rows: list[Row], usual: int, per_beat: int, repairs: Repairs) -> list[Row]:
    """Give notes that must have lost their end the usual length of the part."""
    longest = _STUCK_BEATS * per_beat
    if max((off - on for on, off, _, _ in rows), default=0) <= longest:
        return rows
    nine_in_ten = float(np.quantile([off - on for on, off, _, _ in rows], 0.9, method="lower"))
    limit = max(longest, _STUCK_TIMES * nine_in_ten)
    repairs["stuck"] += sum(off - on > limit for on, off, _, _ in rows)
    return [(on, on + usual if off - on > limit else off, p, v) for on, off, p, v in rows]


class _Volumes:
    """The volume and expression of each channel over time."""

    def __init__(self, midi: Any) -> None:
        changes: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
        for track in midi.tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "control_change" and message.control in _VOLUMES:
                    changes[message.channel, message.control].append((now, message.value))
        self._changes = {key: np.array(sorted(found)) for key, found in changes.items()}

    def silent(self, channel: int, rows: Sequence[Row]) -> bool:
        """Tell whether no note can be heard: the channel is turned down whenever one begins."""
        for controller in _VOLUMES:
            changes = self._changes.get((channel, controller))
            if changes is None or changes[:, 1].min() > 0:
                continue
            at = np.searchsorted(changes[:, 0], [row[0] for row in rows], side="right") - 1
            if ((at >= 0) & (changes[at, 1] == 0)).all():
                return True
        return False


def _is_drums(channel: int, rows: Sequence[Row], name: str, repairs: Repairs | None) -> bool:
    """Tell whether a part is drums: by its channel, unless its pitches say otherwise."""
    claimed = channel == DRUM_CHANNEL - 1
    if repairs is None:
        return claimed
    pitch: IntArray = np.array([row[2] for row in rows], np.int64)
    if claimed and is_misplaced_melody(pitch, name):
        repairs["pitched"] += 1
        return False
    if not claimed and is_misplaced_kit(pitch, name):
        repairs["drums"] += 1
        return True
    return claimed


def _assign_voices(parts: Sequence[Part]) -> None:
    """Map parts to voices: drums, then by name, then by content."""
    pitched = [p for p in parts if not p.drums]
    for part in parts:
        part.voice = Voice.DRUMS if part.drums else Voice.KEYS
    sung = [p for p in pitched if _VOCAL.search(p.name) and not _PIANO.search(p.name)]
    second = [p for p in pitched if p not in sung and _SECOND.search(p.name)]
    for part, voice in zip(sung, (Voice.MELODY, Voice.SECOND), strict=False):
        part.voice = voice
    for part in second:
        part.voice = Voice.SECOND
    if not sung and not second and pitched and all(p.monophonic() for p in pitched):
        top = max(pitched, key=lambda p: sum(row[2] for row in p.rows) / len(p.rows))
        top.voice = Voice.MELODY
