"""Beats and bars of MIDI files: tempo maps, annotated beats, and whether the notes keep to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.music import TICKS_PER_BEAT
from antiphon_models.data.faults import RefusedFileError
from antiphon_models.events import BAR_BEATS, IntArray

FloatArray = npt.NDArray[np.float64]

_DIVISIONS: Final = (1, 2, 3, 4, 6, 8, 12)
"""Even divisions of the beat that onsets may keep to."""

_FEW: Final = 64
"""Onsets below which the file is believed."""

_CLUSTERED: Final = 0.2
"""Mean resultant length that onsets around a division have at least: music with a beat has 0.3
to 1, music without 0 to 0.2."""

_STRETCH: Final = 32
"""Onsets of a stretch that is asked whether it keeps to the same grid as the whole."""

_STRETCHES: Final = 8
"""Stretches below which only the whole is asked."""

_AGREEING: Final = 0.6
"""Share of the stretches that have to agree."""


class TempoMap:
    """Converts the ticks of a ``mido.MidiFile`` to seconds."""

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
        """Return the seconds from the start of the file at some ticks."""
        at = np.searchsorted(self._ticks, ticks, side="right") - 1
        return np.asarray(self._seconds[at] + (ticks - self._ticks[at]) * self._rate[at])

    def bpm(self, tick: float) -> float:
        """Return the tempo at a tick; the nearest that can be played."""
        at = int(np.searchsorted(self._ticks, tick, side="right")) - 1
        return float(np.clip(60.0 / max(self._beat[at], 1e-6), 20.0, 400.0))


class BeatGrid:
    """Beats annotated in seconds, with downbeats.

    Parameters
    ----------
    seconds : ndarray
        (beats,): ascending, at least two.
    downbeat : ndarray of bool
        (beats,): which of them begin a bar.
    """

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
        """Return the phases in the beat and in the bar of ticks counted from the first beat."""
        beat = ticks // TICKS_PER_BEAT
        inside = np.clip(beat, 0, len(self._in_bar) - 1)
        bar = (self._in_bar[inside] + beat - inside) % np.maximum(
            self._bar, self._in_bar[inside] + 1
        )
        return ticks % TICKS_PER_BEAT, np.minimum(bar, BAR_BEATS - 1)


def read_beats(path: Path) -> BeatGrid:
    """Read a ``beat_midi.txt``: seconds, anything, and 1 for a downbeat, a row for each beat.

    Raises
    ------
    MidiFileError
        If it is no such table, or the times do not ascend.
    """
    expected = f"expected rows of 'seconds x downbeat' in {path.name}"
    remedy = "correct the file or remove it"
    try:
        lines = [line.split()[:3] for line in path.read_text().splitlines() if line.strip()]
        rows = np.array(lines, np.float64).reshape(-1, 3)
    except (OSError, ValueError) as error:
        raise RefusedFileError("beats", expected, f"found {error}", remedy) from error
    if len(rows) < 2 or not np.all(np.diff(rows[:, 0]) > 0):
        found = "found too few, or times that do not ascend"
        raise RefusedFileError("beats", expected, found, remedy)
    return BeatGrid(rows[:, 0], rows[:, 2] > 0.5)


def bar_phases(midi: Any, ticks: IntArray) -> tuple[IntArray, IntArray]:
    """Return the phases of onsets on the file's own beats; a time signature starts a new bar."""
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


def follows_beats(beats: FloatArray) -> bool:
    """Tell whether onsets keep to some even division of the beat (few onsets: yes).

    Each division is a circle on which an onset has a direction. Where music keeps to the
    division the directions agree; where it was recorded free of the click they cancel out, and
    where it leaves the click on the way, stretches of it point elsewhere than the whole.

    Parameters
    ----------
    beats : ndarray
        (onsets,): in beats, in any order.
    """
    beats = np.unique(beats)
    if len(beats) < _FEW:
        return True
    turns = np.exp(2j * np.pi * beats * np.array(_DIVISIONS)[:, None])  # (divisions, onsets)
    means = turns.mean(1)
    best = int(np.abs(means).argmax())
    # Of few onsets chance alone brings some together; this much in one piece of a hundred.
    if abs(means[best]) <= max(_CLUSTERED, (len(_DIVISIONS) / len(beats)) ** 0.5):
        return False
    stretches = len(beats) // _STRETCH
    if stretches < _STRETCHES:
        return True
    along = (turns[best] * np.conj(means[best]) / abs(means[best])).real
    agree = [part.mean() > _CLUSTERED for part in np.array_split(along, stretches)]
    return float(np.mean(agree)) >= _AGREEING
