"""Leading the notes of the networks back to the tracks of a song."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from antiphon.music import Beats, Meter, Note, Voice
from antiphon.parts import Parts
from antiphon.song import MeterMark, MidiSong, MidiTrack, TempoMark

HELD = (Note(Beats(0.0), 60, 80, Beats(3.0)), Note(Beats(1.0), 60, 80, Beats(3.0)))


def song(*tracks: tuple[Note, ...]) -> MidiSong:
    """Return a song of tracks called by their numbers."""
    named = tuple(MidiTrack(str(index), notes) for index, notes in enumerate(tracks))
    tempos, meters = (TempoMark(Beats(0.0), 120.0),), (MeterMark(Beats(0.0), Meter()),)
    return MidiSong(Path("x.mid"), named, tempos, meters, Beats(4.0))


def test_each_part_has_a_channel_of_its_own_kind() -> None:
    """Two tracks on one channel are told apart; drums and pitched notes have channels apart."""
    drum = Note(Beats(0.0), 36, 80, Beats(1.0), 1, Voice.DRUMS)
    parts = Parts(song(HELD, HELD, (drum,)))
    pitched = {n.channel for n in parts.phrase if n.voice is not Voice.DRUMS}
    assert pitched == {1, 2}
    assert [t.notes for t in parts.tracks(parts.phrase)] == [HELD, HELD, (drum,)]


def test_a_new_note_ends_the_one_that_it_strikes_again() -> None:
    """Overlaps that the song has stay, those that a new note would make are cut."""
    new = Note(Beats(2.0), 60, 90, Beats(1.0))
    notes = Parts(song(HELD)).tracks([*HELD, new])[0].notes
    assert [(n.start, n.end) for n in notes] == [(0.0, 2.0), (1.0, 2.0), (2.0, 3.0)]


def test_a_note_on_an_unknown_channel_goes_to_its_nearest() -> None:
    """What comes on a channel that was not lent goes to a part of its kind that is near."""
    drum = Note(Beats(2.0), 36, 80, Beats(1.0), 10, Voice.DRUMS)
    late = tuple(note.shifted(Beats(8.0)) for note in HELD)
    parts = Parts(song(HELD, late, (drum,)))
    stray = Note(Beats(9.2), 61, 80, Beats(0.5), channel=9)
    placed = parts.tracks([stray, replace(stray, start=Beats(0.4)), replace(drum, channel=7)])
    assert [[(n.start, n.channel) for n in track.notes] for track in placed] == [
        [(0.4, 1)],
        [(9.2, 1)],
        [(2.0, 10)],
    ]
    only_pitched = Parts(song(HELD)).tracks([drum])
    assert len(only_pitched[0].notes) == 1
