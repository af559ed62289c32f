"""Damaged MIDI files: one test for each sort of damage, and none is seen where there is none."""

from __future__ import annotations

from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.music import Voice
from antiphon_models.data.faults import REFUSALS, REPAIRS, RefusedFileError, Repairs, describe
from antiphon_models.data.kit import drum_score, is_misplaced_kit, is_misplaced_melody
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.repair import repair
from antiphon_models.data.tempo import follows_beats
from antiphon_models.events import Piece
from midi_files import Row, melody, write

Message = tuple[int, str, int, int]
"""Tick, kind, note, velocity."""


def mend(path: Path) -> tuple[Piece, dict[str, int]]:
    """Read and repair a file; return the piece and what was repaired."""
    repairs = Repairs()
    piece = repair(read_midi(path, repairs=repairs), repairs)
    assert set(repairs) <= set(REPAIRS)
    return piece, dict(+repairs)


def write_messages(path: Path, messages: list[Message], channel: int = 0, end: int = 0) -> Path:
    """Write a file of note messages in the order given, 480 ticks a beat."""
    track = mido.MidiTrack()
    now = 0
    for tick, kind, note, velocity in messages:
        track.append(
            mido.Message(kind, channel=channel, note=note, velocity=velocity, time=tick - now)
        )
        now = tick
    track.append(mido.MetaMessage("end_of_track", time=max(end - now, 0)))
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(path)
    return path


def groove(bars: int = 8) -> list[Row]:
    """Return a rock beat with some fills."""
    random = np.random.default_rng(0)
    rows: list[Row] = []
    for eighth in range(8 * bars):
        rows.append((eighth / 2, 0.1, 46 if random.random() < 0.1 else 42, 70))
        if eighth % 8 in (0, 5) or random.random() < 0.1:
            rows.append((eighth / 2, 0.1, 36, 100))
        if eighth % 4 == 2:
            rows.append((eighth / 2, 0.1, 38, 110))
        if eighth % 16 == 15:
            rows += [(eighth / 2 + k / 4, 0.1, drum, 90) for k, drum in enumerate((48, 45))]
    return rows


def song() -> list[Row]:
    """Return a tune in C major over an octave and a half."""
    random = np.random.default_rng(1)
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77]
    degree = np.cumsum(random.choice([-3, -2, -1, 1, 2, 3], 96)) % 20
    degree = np.where(degree > 10, 20 - degree, degree)
    return [(i / 2, 0.45, scale[int(d)], 80) for i, d in enumerate(degree)]


def test_healthy_music_is_left_alone(tmp_path: Path) -> None:
    """A tune with chords, drums and a bass needs no repair and loses no note."""
    bass = [(float(i), 0.9, (36, 43, 41, 43)[i % 4] + (i % 3 == 2), 80) for i in range(32)]
    tracks = [("Lead", 0, song()), ("Bass", 1, bass), ("Drums", 9, groove())]
    path = write(tmp_path / "a.mid", tracks)
    piece, repairs = mend(path)
    assert repairs == {}
    assert len(piece) == len(read_midi(path))


def test_notes_struck_at_once_are_joined(tmp_path: Path) -> None:
    """Of notes with one onset, voice and pitch the longest stays, with the loudest velocity."""
    rows = [(0.0, 1.0, 60, 50), (0.0, 2.0, 60, 40), (1.0, 1.0, 62, 60)]
    tracks = [("Left", 0, rows[::2]), ("Right", 1, rows[1:2]), ("Voice", 2, [(3.0, 1.0, 70, 80)])]
    piece, repairs = mend(write(tmp_path / "a.mid", tracks))
    piece = piece.select(piece.voice == Voice.KEYS)
    assert piece.pitch.tolist() == [60, 62]
    assert piece.duration.tolist() == [96, 48]
    assert piece.velocity.tolist() == [50, 60]
    assert repairs == {"doubled": 1}


def test_double_triggers_are_joined_but_flams_are_not(tmp_path: Path) -> None:
    """A key that triggers twice within 20 ms is one note; a drum that is hit twice is two."""
    twice = [(0.0, 0.03, 60, 50), (0.04, 1.0, 60, 70)]
    piece, repairs = mend(write(tmp_path / "a.mid", [("Piano", 0, twice)]))
    assert (piece.onset.tolist(), piece.duration.tolist()) == ([0], [50])
    assert (piece.velocity.tolist(), repairs) == ([70], {"doubled": 1})
    assert len(mend(write(tmp_path / "b.mid", [("Kit", 9, twice)]))[0]) == 2


def test_a_note_struck_again_ends_there(tmp_path: Path) -> None:
    """A note ends where its voice strikes it again, and the second keeps its own end."""
    low = [(0.0, 4.0, 60, 50)]
    high = [(1.0, 1.0, 60, 60)]
    tracks = [("Left", 0, low), ("Right", 1, high), ("Voice", 2, [(3.0, 1.0, 70, 80)])]
    piece, repairs = mend(write(tmp_path / "a.mid", tracks))
    piece = piece.select(piece.voice == Voice.KEYS)
    assert piece.onset.tolist() == [0, 48]
    assert piece.duration.tolist() == [48, 48]
    assert repairs == {"overlapping": 1}


def test_a_missing_note_off_does_not_spoil_what_follows(tmp_path: Path) -> None:
    """Where a note-off is lost the note ends at the next, and those after it keep their length."""
    messages: list[Message] = []
    for beat in range(8):
        messages.append((480 * beat, "note_on", 60, 80))
        if beat != 3:
            messages.append((480 * beat + 240, "note_off", 60, 0))
    piece, repairs = mend(write_messages(tmp_path / "a.mid", messages))
    assert piece.duration.tolist() == [24, 24, 24, 48, 24, 24, 24, 24]
    assert repairs == {"unclosed": 1}


def test_a_note_without_an_end_gets_the_usual_length(tmp_path: Path) -> None:
    """A note that nothing ends is as long as half of the others, not until the track ends."""
    messages: list[Message] = [(0, "note_on", 72, 80)]
    for beat in range(8):
        messages += [(480 * beat, "note_on", 60, 80), (480 * beat + 240, "note_off", 60, 0)]
    piece, repairs = mend(write_messages(tmp_path / "a.mid", messages, end=480 * 500))
    assert piece.duration[piece.pitch == 72].tolist() == [24]
    assert repairs == {"unclosed": 1}


def test_a_stuck_note_is_shortened_but_a_drone_is_not(tmp_path: Path) -> None:
    """A note of fifty beats among short ones is stuck; among its like it is a drone."""
    stuck = [*song(), (3.25, 50.0, 48, 80)]
    piece, repairs = mend(write(tmp_path / "a.mid", [("Piano", 0, stuck)]))
    assert repairs == {"stuck": 1}
    assert piece.duration[piece.pitch == 48].tolist() == [22]
    drone = [(50.0 * i, 50.0, 48 + i, 80) for i in range(6)]
    piece, repairs = mend(write(tmp_path / "b.mid", [("Pipes", 0, drone)]))
    assert repairs == {}
    assert piece.duration.tolist() == [50 * 48] * 6


@pytest.mark.parametrize("controller", [7, 11])
def test_silent_parts_are_left_out(tmp_path: Path, controller: int) -> None:
    """A part whose volume, or expression, is down whenever it plays is left out and counted."""
    path = write(tmp_path / "a.mid", [("Lead", 0, song()), ("Muted", 1, song())])
    midi = mido.MidiFile(path)
    down = mido.Message("control_change", channel=1, control=controller, value=0)
    midi.tracks[2].insert(0, down)
    midi.save(path)
    piece, repairs = mend(path)
    assert (len(piece), repairs) == (96, {"silent": 1})
    midi.tracks[1].insert(0, down.copy(channel=0))
    midi.save(path)
    with pytest.raises(RefusedFileError, match="none that sound"):
        mend(path)
    midi.tracks[1].insert(60, down.copy(channel=0, value=90))
    midi.save(path)
    assert len(mend(path)[0]) == 96  # faded in


def test_empty_tracks_are_counted(tmp_path: Path) -> None:
    """A track that chooses an instrument and never plays is counted; a conductor's is not."""
    path = write(tmp_path / "a.mid", [("Lead", 0, song()), ("Oboe", 1, [])])
    midi = mido.MidiFile(path)
    midi.tracks[2].insert(0, mido.Message("program_change", channel=1, program=68))
    midi.save(path)
    assert mend(path)[1] == {"silent": 1}


def test_music_that_leaves_the_click_has_no_beat(tmp_path: Path) -> None:
    """Music off the click, or only half on it, is free time and counted; on it, it has beats."""
    on_grid = melody(3, 400)
    path = write(tmp_path / "a.mid", [("", 0, on_grid)])
    assert (mend(path)[0].metered, mend(path)[1]) == (True, {})
    random = np.random.default_rng(0)
    warp = np.cumsum(np.exp(np.cumsum(random.normal(0, 0.1, 600)) * 0.3))
    free = [(float(np.interp(s, np.arange(600), warp)), d, p, v) for s, d, p, v in on_grid]
    half = [(s if s < 120 else 120 + (s - 120) * 1.0371, d, p, v) for s, d, p, v in on_grid]
    for rows in (free, half):
        piece, repairs = mend(write(tmp_path / "b.mid", [("", 0, rows)]))
        assert (piece.metered, repairs["off_beat"]) == (False, 1)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1000), jitter=st.floats(0, 0.045), late=st.floats(-0.1, 0.1))
def test_played_music_keeps_its_beats(seed: int, jitter: float, late: float) -> None:
    """Playing around the sixteenths, early or late, does not make music free."""
    random = np.random.default_rng(seed)
    beats = np.cumsum(random.choice([0.25, 0.5, 1.0], 500))
    assert follows_beats(beats + late + random.normal(0, 1, 500) * jitter)


def test_drums_on_another_channel_are_drums(tmp_path: Path) -> None:
    """A kit on channel 1 is taken for drums, by its pitches or by its track's name."""
    piece, repairs = mend(write(tmp_path / "a.mid", [("", 0, groove()), ("Lead", 1, song())]))
    assert repairs == {"drums": 1}
    assert set(piece.voice[piece.pitch < 60]) == {Voice.DRUMS}
    toms = [(i / 2, 0.1, (41, 43, 45, 47)[i % 4], 90) for i in range(64)]
    assert mend(write(tmp_path / "b.mid", [("Bass", 0, toms)]))[1] == {}
    assert mend(write(tmp_path / "c.mid", [("Drum kit", 0, toms)]))[1] == {"drums": 1}


def test_a_melody_on_channel_10_is_pitched(tmp_path: Path) -> None:
    """A tune on channel 10 is taken for pitched music; what plays beside it stays."""
    piece, repairs = mend(write(tmp_path / "a.mid", [("", 9, song()), ("Kit", 9, groove())]))
    assert repairs == {"pitched": 1}
    assert Voice.DRUMS not in piece.voice[piece.pitch >= 60]
    assert set(piece.voice[piece.pitch < 40]) == {Voice.DRUMS}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_percussion_section_stays_on_channel_10(seed: int) -> None:
    """Congas, timbales and the like, up to seven of them, are not taken for a melody."""
    random = np.random.default_rng(seed)
    drums = random.choice(np.arange(60, 82), int(random.integers(2, 8)), replace=False)
    hits = random.choice(drums, 200, p=random.dirichlet(np.ones(len(drums))))
    assert not is_misplaced_melody(hits, "")


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), low=st.integers(24, 45))
def test_a_bass_is_not_taken_for_drums(seed: int, low: int) -> None:
    """Bass lines in any key, where the kit's pitches are, stay pitched."""
    random = np.random.default_rng(seed)
    scale = low + np.array([0, 2, 4, 5, 7, 9, 11, 12])
    degree = np.abs(np.cumsum(random.integers(-2, 3, 120))) % 14
    line = scale[np.minimum(degree, 14 - degree)]
    assert not is_misplaced_kit(line, "Bass")
    assert drum_score(line) < drum_score(np.array([row[2] for row in groove()]))


def test_broken_files_are_refused_by_sort(tmp_path: Path) -> None:
    """A file that is cut short, is something else, or holds nothing is refused with its sort."""
    path = write(tmp_path / "a.mid", [("", 0, song())])
    whole = path.read_bytes()
    cases = {
        "cut short": whole[: len(whole) // 2],
        "not MIDI": b"RIFF" + whole,
        "type": whole[:9] + b"\x02" + whole[10:],
        "no notes": write(tmp_path / "b.mid", []).read_bytes(),
    }
    for sort, content in cases.items():
        path.write_bytes(content)
        with pytest.raises(RefusedFileError) as caught:
            read_midi(path)
        assert caught.value.sort == sort
        assert sort in REFUSALS
    path.write_bytes(whole)
    (tmp_path / "beat_midi.txt").write_text("0 0 1\n0 0 0\n")
    with pytest.raises(RefusedFileError) as caught:
        read_midi(path)
    assert caught.value.sort == "beats"


def test_repairs_are_told_in_words() -> None:
    """What was repaired is said in whole words, in a fixed order."""
    assert describe(Repairs(stuck=2, unclosed=1)) == [
        "closed 1 notes that had no end",
        "shortened 2 stuck notes",
    ]
