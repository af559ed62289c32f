"""Small MIDI files for tests to read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np

Row = tuple[float, float, int, int]
"""Start and length in beats, pitch, velocity."""

SCALE: list[Row] = [(i / 2, 0.5, 60 + i, 80) for i in range(8)]


def write(
    path: Path,
    tracks: Sequence[tuple[str, int, Sequence[Row]]],
    bpm: float = 120.0,
    meters: Sequence[tuple[float, int, int]] = (),
) -> Path:
    """Write a MIDI file of (name, channel from 0, notes) tracks."""
    midi = mido.MidiFile(ticks_per_beat=480)
    conductor = [(0, mido.MetaMessage("set_tempo", tempo=round(60e6 / bpm)))]
    for beat, numerator, denominator in meters:
        meta = mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator)
        conductor.append((round(beat * 480), meta))
    everything = [("", conductor)]
    for name, channel, rows in tracks:
        events = []
        for start, length, pitch, velocity in rows:
            on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
            off = mido.Message("note_off", channel=channel, note=pitch)
            events += [(round(start * 480), on), (round((start + length) * 480), off)]
        everything.append((name, events))
    for name, timed in everything:
        track = mido.MidiTrack([mido.MetaMessage("track_name", name=name)])
        now = 0
        for tick, message in sorted(timed, key=lambda e: (e[0], e[1].type != "note_off")):
            track.append(message.copy(time=tick - now))
            now = tick
        midi.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.save(path)
    return path


def melody(seed: int, notes: int = 120) -> list[Row]:
    """Invent a melody."""
    random = np.random.default_rng(seed)
    start = np.cumsum(random.choice([0.25, 0.5, 1.0], notes))
    pitch = random.integers(50, 80, notes)
    return [(float(s), 0.25, int(p), 80) for s, p in zip(start, pitch, strict=True)]
