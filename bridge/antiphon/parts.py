"""A song as one phrase for the networks that vary, and their notes as tracks of the song again.

The networks know drums and pitched notes, and keep the channel of every note that they keep.
So each part of the song (the notes of one channel on one track) is lent a channel of its own,
which leads its notes back to it, also where several tracks share a channel.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final, Literal

from antiphon.music import DRUM_CHANNEL, Beats, Note, Phrase, Voice
from antiphon.song import MidiSong, MidiTrack

Reading = Literal["auto", "drums", "pitched"]
"""What is read as drums: channel 10, everything, or nothing."""

LENT: Final = {
    True: (DRUM_CHANNEL, *range(1, DRUM_CHANNEL), *range(DRUM_CHANNEL + 1, 17)),
    False: (*range(1, DRUM_CHANNEL), *range(DRUM_CHANNEL + 1, 17), DRUM_CHANNEL),
}
"""Channels lent to parts of drums (True) and to pitched ones, in this order."""

NEAR: Final = 1 / 8
"""Beats by which microtiming may have moved a note that is still the same."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """The notes of one kind and one channel on one track."""

    track: int
    channel: int
    drums: bool


Row = tuple[Note, Part]
"""A note and the part that plays it."""


class Parts:
    """Who plays what in a song.

    Parameters
    ----------
    song : MidiSong
        The song whose tracks, channels and names are kept.
    reading : Reading
        What counts as drums.
    guest : MidiSong, optional
        Another song, whose parts are played by those of the first, in order, drums by drums
        and pitched ones by pitched ones. Where there is none of a kind it brings its own track.

    Attributes
    ----------
    phrase : Phrase
        The notes of the song, on the channels lent.
    guest : Phrase
        Those of the guest; none without one.
    """

    def __init__(
        self, song: MidiSong, reading: Reading = "auto", guest: MidiSong | None = None
    ) -> None:
        self._tracks = list(song.tracks)
        own = _rows(song, reading)
        theirs = [] if guest is None else self._adopted(_rows(guest, reading), own, guest)
        lent = _lend({part for _, part in (*own, *theirs)})
        self._homes: defaultdict[tuple[bool, int], list[Row]] = defaultdict(list)
        self._known = []
        phrases = []
        for rows in (own, theirs):
            notes = [(replace(note, channel=lent[part]), part) for note, part in rows]
            phrases.append(Phrase(tuple(note for note, _ in notes), song.bpm, song.meter))
            self._known.append({(part.track, _on(part, note)) for note, part in rows})
            for row in notes:
                self._homes[_label(row[0])].append(row)
        for label in self._homes:
            self._homes[label].sort()
        self._places: dict[tuple[bool, int], tuple[list[Row], list[float]]] = {}
        self._alone = {
            label: rows[0][1]
            for label, rows in self._homes.items()
            if len({part for _, part in rows}) == 1
        }
        self.phrase, self.guest = phrases

    def tracks(self, notes: Iterable[Note]) -> tuple[MidiTrack, ...]:
        """Return all tracks of the song with `notes` of the networks in place of their own.

        A note that was kept goes to its own track, a new one to the track on which the nearest
        note of its channel is: first in time, then in pitch.
        """
        placed: defaultdict[int, list[Note]] = defaultdict(list)
        left: defaultdict[Note, list[Part]] = defaultdict(list)
        for rows in self._homes.values():
            for known, home in rows:
                left[known].append(home)
        for note in sorted(notes):
            part = self._alone.get(_label(note)) or _taken(left[note], _is_drum(note))
            part = part or self._nearest(note)
            placed[part.track].append(_on(part, note))
        return tuple(
            replace(track, notes=self._settled(index, placed[index]))
            for index, track in enumerate(self._tracks)
        )

    def _adopted(self, rows: list[Row], own: list[Row], guest: MidiSong) -> list[Row]:
        """Give a guest's notes to our parts; add its tracks where we have no part of a kind."""
        chosen: dict[Part, Part] = {}
        added: dict[int, int] = {}  # its tracks that were added, and their places here
        for kind in (False, True):
            ours = sorted({part for _, part in own if part.drums is kind})
            for place, part in enumerate(sorted({p for _, p in rows if p.drums is kind})):
                if ours:
                    chosen[part] = ours[min(place, len(ours) - 1)]
                    continue
                if part.track not in added:
                    added[part.track] = len(self._tracks)
                    self._tracks.append(guest.tracks[part.track])
                chosen[part] = replace(part, track=added[part.track])
        return [(note, chosen[part]) for note, part in rows]

    def _nearest(self, note: Note) -> Part:
        """Return the part of the note that is most like a note that is new or has moved."""
        rows, starts = self._around(_label(note))
        low, high = bisect_left(starts, note.start - NEAR), bisect_right(starts, note.start + NEAR)
        same = [row for row in rows[low:high] if row[0].pitch == note.pitch]
        if same:
            return min(same, key=lambda row: abs(row[0].start - note.start))[1]
        place = bisect_left(starts, note.start)
        gap = min(abs(start - note.start) for start in starts[max(place - 1, 0) : place + 1])
        low = bisect_left(starts, note.start - gap - 1e-9)
        nearest = rows[low : bisect_right(starts, note.start + gap + 1e-9)]
        return min(nearest, key=lambda row: abs(row[0].pitch - note.pitch))[1]

    def _around(self, label: tuple[bool, int]) -> tuple[list[Row], list[float]]:
        """Return the notes among which one of a channel is placed, in order, and their onsets.

        They are those of its channel, else those of its kind, else all.
        """
        if label not in self._places:
            kinds = [rows for known, rows in self._homes.items() if known[0] is label[0]]
            rows = self._homes.get(label) or sorted(chain(*(kinds or self._homes.values())))
            self._places[label] = rows, [float(note.start) for note, _ in rows]
        return self._places[label]

    def _settled(self, track: int, notes: list[Note]) -> tuple[Note, ...]:
        """Let a key that is struck while it sounds end there, unless the song has it so."""
        keys: defaultdict[tuple[int, int], list[Note]] = defaultdict(list)
        for note in notes:
            keys[note.channel, note.pitch].append(note)
        settled: list[Note] = []
        for strokes in keys.values():
            known = [{note for note in strokes if (track, note) in each} for each in self._known]
            kept = known[0] if len(known[0]) >= len(known[1]) else known[1]
            every = sorted(note.start for note in strokes)
            new = sorted(note.start for note in strokes if note not in kept)
            for note in strokes:
                starts = new if note in kept else every
                place = bisect_right(starts, note.start)
                if place < len(starts) and starts[place] < note.end:
                    note = replace(note, duration=Beats(starts[place] - note.start))
                settled.append(note)
        return tuple(sorted(settled))


def _rows(song: MidiSong, reading: Reading) -> list[Row]:
    """Return all notes of a song as they are to be read, each with its part."""
    rows = []
    for index, track in enumerate(song.tracks):
        for note in track.notes:
            if reading == "drums":
                note = replace(note, voice=Voice.DRUMS)
            elif reading == "pitched" and _is_drum(note):
                note = replace(note, voice=Voice.KEYS)
            rows.append((note, Part(index, note.channel, _is_drum(note))))
    return rows


def _lend(parts: Iterable[Part]) -> dict[Part, int]:
    """Return a channel for each part, its own alone of its kind as far as channels reach."""
    lent: dict[Part, int] = {}
    for kind, channels in LENT.items():
        mine = sorted(part for part in parts if part.drums is kind)
        if len(mine) <= len(channels):
            lent |= zip(mine, channels, strict=False)
        else:
            lent |= {part: part.channel for part in mine}
    return lent


def _taken(parts: list[Part], drums: bool) -> Part | None:
    """Take the first part of a kind out of a list and return it."""
    for index, part in enumerate(parts):
        if part.drums is drums:
            return parts.pop(index)
    return None


def _is_drum(note: Note) -> bool:
    return note.voice is Voice.DRUMS


def _label(note: Note) -> tuple[bool, int]:
    return _is_drum(note), note.channel


def _on(part: Part, note: Note) -> Note:
    return replace(note, channel=part.channel)
