"""Reading and writing Standard MIDI Files."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon import smf
from antiphon.errors import MidiFileError
from antiphon.midifile import (
    Marker,
    MeterMark,
    MidiSong,
    MidiTrack,
    TempoMark,
    encode_song,
    read_midi,
    write_midi,
)
from antiphon.music import Beats, Meter, Note, Voice

SCALE = [Note(Beats(i * 0.5), 60 + i, 70 + i, Beats(0.5)) for i in range(8)]


def test_notes_come_back_as_they_were_written(tmp_path: Path) -> None:
    """What is written and read again has the same notes, names, tempo, meter and markers."""
    path = tmp_path / "a.mid"
    bass = [Note(Beats(0.0), 40, 90, Beats(4.0), channel=2)]
    write_midi(
        path,
        [("Player", SCALE), ("Basse é", bass)],
        bpm=[TempoMark(Beats(0.0), 96.0), TempoMark(Beats(2.0), 120.0)],
        meter=Meter(3, 4),
        markers=[Marker(Beats(1.5), "call 1")],
        texts=["antiphon seed=7"],
    )
    song = read_midi(path)
    assert [track.name for track in song.tracks] == ["Player", "Basse é"]
    assert list(song.tracks[0].notes) == SCALE
    assert list(song.tracks[1].notes) == bass
    assert [round(mark.bpm, 3) for mark in song.tempos] == [96.0, 120.0]
    assert (song.meter, song.length) == (Meter(3, 4), 4.0)
    assert song.markers == (Marker(Beats(1.5), "call 1"),)
    assert song.texts == ("antiphon seed=7",)
    assert song.seconds_at(Beats(4.0)) == pytest.approx(2 * 60 / 96 + 2 * 60 / 120)


def test_mido_reads_what_we_write(tmp_path: Path) -> None:
    """Another program's reader finds one note-off for every note-on, in order, in our files."""
    path = tmp_path / "a.mid"
    write_midi(path, [("Player", SCALE)], bpm=90)
    song = mido.MidiFile(path)
    kinds = [m.type for m in song.tracks[1] if not m.is_meta]
    assert (song.type, song.ticks_per_beat) == (1, smf.FILE_TICKS)
    assert kinds == ["note_on", "note_off"] * 8
    assert song.length == pytest.approx(4 * 60 / 90, abs=1e-3)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3000), st.integers(1, 900), st.integers(58, 62), st.integers(1, 127)
        ),
        min_size=1,
        max_size=30,
    )
)
def test_no_written_note_overlaps_its_own_key(
    tmp_path: Path, rows: list[tuple[int, int, int, int]]
) -> None:
    """A key struck again while it sounds ends there, so ons and offs of a key always alternate."""
    notes = [Note(Beats(s / 480), p, v, Beats(d / 480)) for s, d, p, v in rows]
    write_midi(tmp_path / "a.mid", [("x", notes)])
    down: set[int] = set()
    for message in mido.MidiFile(tmp_path / "a.mid").tracks[1]:
        if message.type == "note_on":
            assert message.note not in down
            down.add(message.note)
        elif message.type == "note_off":
            down.remove(message.note)
    assert not down
    assert {(n.start, n.pitch) for n in notes} == {
        (n.start, n.pitch) for n in read_midi(tmp_path / "a.mid").phrase()
    }


def test_varlen_follows_the_specification() -> None:
    """The variable-length quantities are those of the table in the specification."""
    table = {0: "00", 0x7F: "7f", 0x80: "8100", 0x2000: "c000", 0x1FFFFF: "ffff7f"}
    assert {n: smf.varlen(n).hex() for n in table} == table


def test_voices_are_guessed_by_name_then_by_playing(tmp_path: Path) -> None:
    """Names decide; else the higher of two single lines is the melody, and chords are keys."""
    chords = [Note(Beats(i), p, 60, Beats(1.0)) for i in range(4) for p in (48, 52, 55)]
    low = [n.shifted(Beats(0)) for n in (Note(Beats(i), 45, 60, Beats(1)) for i in range(4))]
    drums = [Note(Beats(i), 36, 99, Beats(0.1), channel=10) for i in range(4)]
    write_midi(tmp_path / "a.mid", [("", chords), ("", low), ("", SCALE), ("", drums)])
    voices = [track.notes[0].voice for track in read_midi(tmp_path / "a.mid").tracks]
    assert voices == [Voice.KEYS, Voice.SECOND, Voice.MELODY, Voice.DRUMS]
    write_midi(tmp_path / "b.mid", [("Piano", SCALE), ("Lead", chords)])
    voices = [track.notes[0].voice for track in read_midi(tmp_path / "b.mid").tracks]
    assert voices == [Voice.KEYS, Voice.MELODY]


def test_meter_changes_are_kept(tmp_path: Path) -> None:
    """Each meter change stands where it was written."""
    meters = [MeterMark(Beats(0.0), Meter()), MeterMark(Beats(8.0), Meter(7, 8))]
    write_midi(tmp_path / "a.mid", [("x", SCALE)], meter=meters)
    assert list(read_midi(tmp_path / "a.mid").meters) == meters


def _smf(division: int, *events: bytes) -> bytes:
    body = b"".join((*events, b"\x00\xff\x2f\x00"))
    head = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01" + division.to_bytes(2, "big", signed=True)
    return head + b"MTrk" + len(body).to_bytes(4, "big") + body


ONE_NOTE = (b"\x00\x90\x3c\x40", b"\x60\x80\x3c\x40")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty file"),
        (b"RIFFxxxx", "cannot be read"),
        (_smf(96, *ONE_NOTE)[:-6], "ends in the middle"),
        (_smf(96, b"\x00\xff\x51\x03\x00\x00\x00", *ONE_NOTE), "0 µs a beat"),
        (_smf(0, *ONE_NOTE), "0 ticks a beat"),
        (_smf(96), "has none"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, data: bytes, words: str) -> None:
    """A file that cannot be used is refused with one line that names it and says why."""
    path = tmp_path / "bad.mid"
    path.write_bytes(data)
    with pytest.raises(MidiFileError, match=words) as caught:
        read_midi(path)
    assert "\n" not in str(caught.value)
    assert "bad.mid" in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is refused and not taken for a bug."""
    with pytest.raises(MidiFileError, match="does not exist"):
        read_midi(tmp_path / "none.mid")
    with pytest.raises(MidiFileError):
        read_midi(tmp_path)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=60), st.integers(0, 40))
def test_junk_never_raises_anything_else(tmp_path: Path, junk: bytes, place: int) -> None:
    """Whatever bytes a file holds, reading gives a song or a MidiFileError."""
    whole = _smf(96, *ONE_NOTE)
    (tmp_path / "junk.mid").write_bytes(whole[:place] + junk + whole[place + len(junk) // 2 :])
    try:
        song = read_midi(tmp_path / "junk.mid")
    except MidiFileError:
        return
    assert song.tracks


def test_smpte_time_is_read_at_120_bpm(tmp_path: Path) -> None:
    """A file in frames has half a second to the beat: 25 frames of 40 parts, 500 parts a beat."""
    division = -25 * 256 + 40
    (tmp_path / "a.mid").write_bytes(_smf(division, b"\x00\x90\x3c\x40", b"\x83\x74\x80\x3c\x40"))
    assert read_midi(tmp_path / "a.mid").phrase().notes[0].duration == 1.0


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk refuses, the file that was there stays, and nothing is left beside it."""
    path = tmp_path / "a.mid"
    write_midi(path, [("x", SCALE)])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("antiphon.midifile.os.fsync", full)
    with pytest.raises(MidiFileError, match="No space left"):
        write_midi(path, [("x", SCALE[:1])])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("division", [24, 96, 120, 384, 480, 960, 32767])
def test_a_song_is_encoded_as_it_was_read(tmp_path: Path, division: int) -> None:
    """At whatever time base, what is read, encoded and read again is the same song."""
    source = mido.MidiFile(ticks_per_beat=division)
    source.tracks.append(conductor := mido.MidiTrack())
    conductor.append(mido.MetaMessage("track_name", name="A title"))
    conductor.append(mido.MetaMessage("set_tempo", tempo=456789, time=7))
    source.tracks.append(track := mido.MidiTrack())
    track.append(mido.MetaMessage("track_name", name="Organ"))
    track.append(mido.Message("program_change", program=19, channel=2))
    track.append(mido.Message("note_on", note=60, velocity=70, channel=2, time=1))
    track.append(mido.Message("note_on", note=60, velocity=50, channel=2))  # doubled
    track.append(mido.Message("note_on", note=60, velocity=90, channel=2, time=5))  # overlaps
    track.append(mido.Message("control_change", control=64, value=127, channel=2, time=3))
    for wait in (4, 1, 9):
        track.append(mido.Message("note_off", note=60, channel=2, time=wait))
    track.append(mido.MetaMessage("end_of_track", time=10 * division))
    source.tracks.append(empty := mido.MidiTrack())
    empty.append(mido.MetaMessage("track_name", name="Nothing yet"))
    source.save(tmp_path / "a.mid")
    song = read_midi(tmp_path / "a.mid", every_track=True)
    (tmp_path / "b.mid").write_bytes(encode_song(song))
    again = read_midi(tmp_path / "b.mid", every_track=True)
    assert again.tracks == song.tracks
    assert [track.name for track in song.tracks] == ["Organ", "Nothing yet"]
    assert [data[0] for _, data in song.tracks[0].others] == [0xC2, 0xB2]
    assert len(song.tracks[0].notes) == 3
    assert (again.title, again.tempos, again.meters) == ("A title", song.tempos, song.meters)
    assert again.length == song.length
    assert again.division % division == 0
    assert [t.name for t in read_midi(tmp_path / "a.mid").tracks] == ["Organ"]


def test_a_note_off_comes_before_a_pedal_and_a_program_before_its_note(tmp_path: Path) -> None:
    """At one tick what ends ends first, then controllers and programs are set, then notes begin."""
    notes = (Note(Beats(0.0), 60, 80, Beats(1.0)), Note(Beats(1.0), 62, 80, Beats(1.0)))
    others = ((Beats(1.0), bytes((0xB0, 64, 127))), (Beats(1.0), bytes((0xC0, 5))))
    tempos, meters = (TempoMark(Beats(0.0), 120.0),), (MeterMark(Beats(0.0), Meter()),)
    track = MidiTrack("x", notes, others)
    song = MidiSong(tmp_path / "a.mid", (track,), tempos, meters, Beats(2.0))
    song.path.write_bytes(encode_song(song))
    kinds = [m.type for m in mido.MidiFile(song.path).tracks[1] if not m.is_meta]
    assert kinds == [
        "note_on",
        "note_off",
        "control_change",
        "program_change",
        "note_on",
        "note_off",
    ]


def test_tempo_does_not_move_smpte_time(tmp_path: Path) -> None:
    """A tempo in a file that counts in frames changes nothing, as the specification has it."""
    tempo = b"\x00\xff\x51\x03\x0f\x42\x40"
    (tmp_path / "a.mid").write_bytes(_smf(-25 * 256 + 40, tempo, *ONE_NOTE))
    assert read_midi(tmp_path / "a.mid").bpm == 120.0
