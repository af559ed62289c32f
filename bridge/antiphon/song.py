"""What a MIDI file holds, as values: tracks, tempo map, meters, markers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from antiphon import smf
from antiphon.music import Beats, Meter, Note, Phrase, Seconds


@dataclass(frozen=True, slots=True)
class TempoMark:
    """From `beat` on the music goes at `bpm` quarter-note beats a minute."""

    beat: Beats
    bpm: float


@dataclass(frozen=True, slots=True)
class MeterMark:
    """From `beat` on the bars are of `meter`."""

    beat: Beats
    meter: Meter


@dataclass(frozen=True, slots=True)
class Marker:
    """A word at a place in the music."""

    beat: Beats
    text: str


@dataclass(frozen=True, slots=True)
class MidiTrack:
    """The notes of one track, in order of onset.

    Attributes
    ----------
    name : str
        As the file has it; empty if it has none.
    notes : tuple of Note
        The notes.
    others : tuple of (Beats, bytes)
        The other channel messages in order: programs, controllers, pedals, bends, pressure.
    """

    name: str
    notes: tuple[Note, ...]
    others: tuple[tuple[Beats, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class MidiSong:
    """What a MIDI file holds.

    Attributes
    ----------
    path : Path
        Where it was read.
    tracks : tuple of MidiTrack
        The tracks that have notes (all tracks, if :func:`read_midi` was asked for them).
    tempos : tuple of TempoMark
        At least one; the first stands at beat 0.
    meters : tuple of MeterMark
        At least one; the first stands at beat 0.
    length : Beats
        End of the last note or of the longest track, whichever is later.
    markers : tuple of Marker
        Markers in order.
    texts : tuple of str
        Text events of the first track (a session keeps model and seed there).
    title : str
        Name of the conductor's track, where that was asked for.
    division : int
        Ticks a beat: every time in the file is a whole number of them.
    """

    path: Path
    tracks: tuple[MidiTrack, ...]
    tempos: tuple[TempoMark, ...]
    meters: tuple[MeterMark, ...]
    length: Beats
    markers: tuple[Marker, ...] = ()
    texts: tuple[str, ...] = ()
    title: str = ""
    division: int = smf.FILE_TICKS

    @property
    def bpm(self) -> float:
        """The first tempo."""
        return self.tempos[0].bpm

    @property
    def meter(self) -> Meter:
        """The first time signature."""
        return self.meters[0].meter

    def phrase(self, *names: str) -> Phrase:
        """Return the notes of the tracks called `names` (all tracks when none is named)."""
        notes = (n for t in self.tracks if not names or t.name in names for n in t.notes)
        return Phrase(tuple(notes), self.bpm, self.meter)

    def seconds_at(self, beat: Beats) -> Seconds:
        """Return how long after the start of the file `beat` falls, by the tempo map."""
        total = 0.0
        for mark, following in pairwise((*self.tempos, TempoMark(Beats(float("inf")), 1.0))):
            if beat <= mark.beat:
                break
            total += (min(beat, following.beat) - mark.beat) * 60.0 / mark.bpm
        return Seconds(total)
