"""From MIDI files to data sets: reading, repairing, doubles, splits, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import AntiphonError, DataError, MidiFileError
from antiphon.music import Voice
from antiphon_models.commands import main
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.prepare import load_dataset, prepare, read_manifest
from antiphon_models.data.sources import find_midi
from antiphon_models.events import BEAT_PHASE_UNKNOWN, Piece
from midi_files import SCALE, melody, write


def test_times_are_ticks_of_a_beat(tmp_path: Path) -> None:
    """Onsets, durations and phases follow the file's beats, whatever its tempo."""
    piece = read_midi(write(tmp_path / "a.mid", [("", 0, SCALE)], bpm=90))
    assert piece.onset.tolist() == [24 * i for i in range(8)]
    assert piece.duration.tolist() == [24] * 8
    assert piece.beat_phase.tolist() == [0, 24] * 4
    assert piece.bar_phase.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert piece.metered


def test_a_time_signature_starts_a_bar(tmp_path: Path) -> None:
    """After a pick-up of one beat, bars of 3/4 count from the new signature."""
    path = write(tmp_path / "a.mid", [("", 0, SCALE)], meters=[(0, 1, 4), (1, 3, 4)])
    assert read_midi(path).bar_phase.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]


def test_voices_follow_channels_and_names(tmp_path: Path) -> None:
    """Channel 10 is drums, a singer leads, a bridge is second, a piano is keys."""
    names = {"Singstimme / Voice": Voice.MELODY, "BRIDGE": Voice.SECOND, "Piano": Voice.KEYS}
    tracks = [(name, index, [(0.0, 1.0, 60 + index, 80)] * 1) for index, name in enumerate(names)]
    piece = read_midi(write(tmp_path / "a.mid", [*tracks, ("Kit", 9, [(1.0, 0.1, 36, 99)])]))
    assert piece.voice.tolist() == [*names.values(), Voice.DRUMS]


def test_unnamed_voices_follow_content(tmp_path: Path) -> None:
    """Of single lines the highest leads; where there are chords, all is keys."""
    low = [(s, d, p - 24, v) for s, d, p, v in SCALE]
    lines = read_midi(write(tmp_path / "a.mid", [("", 0, low), ("", 0, SCALE)]))
    assert set(lines.voice[lines.pitch >= 60]) == {Voice.MELODY}
    assert set(lines.voice[lines.pitch < 60]) == {Voice.KEYS}
    chords = [(s, d, p + k, v) for s, d, p, v in SCALE for k in (0, 4)]
    assert set(read_midi(write(tmp_path / "b.mid", [("", 0, chords)])).voice) == {Voice.KEYS}


def test_beats_in_seconds_take_over(tmp_path: Path) -> None:
    """A beat_midi.txt gives beats and downbeats, whatever tempo the file claims."""
    rows = [(0.8 + 0.4 * i, 0.2, 60, 80) for i in range(6)]  # beats of 1/60 min: seconds
    path = write(tmp_path / "a.mid", [("", 0, rows)], bpm=60)
    lines = [f"{0.4 * i} 0 {int(i % 3 == 2)}" for i in range(12)]
    (tmp_path / "beat_midi.txt").write_text("\n".join(lines))
    piece = read_midi(path)
    assert piece.onset.tolist() == [48 * i for i in range(6)]
    assert piece.duration.tolist() == [24] * 6
    assert piece.beat_phase.tolist() == [0] * 6
    assert piece.bar_phase.tolist() == [0, 1, 2, 0, 1, 2]


def test_broken_beats_are_refused(tmp_path: Path) -> None:
    """A beat_midi.txt that is no table of ascending times refuses its piece."""
    path = write(tmp_path / "a.mid", [("", 0, SCALE)])
    for text in ("", "one two three", "0 0 1\n0 0 0"):
        (tmp_path / "beat_midi.txt").write_text(text)
        with pytest.raises(MidiFileError, match="beat_midi"):
            read_midi(path)


def test_music_off_the_beat_is_free_time(tmp_path: Path) -> None:
    """Onsets that ignore the beat are seconds at two beats a second, without phases."""
    random = np.random.default_rng(0)
    starts = np.cumsum(random.uniform(0.1, 0.9, 100))
    rows = [(float(s), 0.3, 60, 80) for s in starts]
    piece = read_midi(write(tmp_path / "a.mid", [("", 0, rows)], bpm=60))
    assert not piece.metered
    assert set(piece.beat_phase) == {BEAT_PHASE_UNKNOWN}
    np.testing.assert_allclose(piece.onset, (starts - starts[0]) * 96, atol=1)
    tight = [(round(s * 4) / 4 + 0.02 * float(random.normal()) + 1, 0.1, 60, 80) for s in starts]
    assert read_midi(write(tmp_path / "b.mid", [("", 0, tight)])).metered


def test_unpaired_notes_are_closed(tmp_path: Path) -> None:
    """A note without its off ends at the next of its pitch, or with the track."""
    track = mido.MidiTrack()
    for time, kind, note in [(0, "note_on", 60), (48, "note_on", 60), (48, "note_off", 60)]:
        track.append(mido.Message(kind, note=note, time=time * 10))
    track.append(mido.Message("note_on", note=64, time=0))
    track.append(mido.Message("note_off", note=70, time=960))
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(tmp_path / "a.mid")
    piece = read_midi(tmp_path / "a.mid")
    assert piece.pitch.tolist() == [60, 60, 64]
    assert piece.duration.tolist() == [96, 144, 96]  # first in, first out; the rest with the track


@pytest.mark.parametrize(
    ("content", "found"),
    [(b"", "nothing in it"), (b"RIFF" + bytes(40), "MThd"), (None, "found none")],
)
def test_broken_files_are_refused(tmp_path: Path, content: bytes | None, found: str) -> None:
    """An empty file, another format and a file without notes are refused in one line."""
    path = write(tmp_path / "a.mid", [("", 0, [])])
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(MidiFileError, match=found) as caught:
        read_midi(path)
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_bytes_break_the_reader(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens to its bytes, a file is read or refused, never worse."""
    path = tmp_path_factory.mktemp("fuzz") / "a.mid"
    content = bytearray(write(path, [("Voice", 0, SCALE)], meters=[(0, 3, 4)]).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        piece = read_midi(path)
    except MidiFileError:
        return
    assert (piece.shift >= 0).all()
    assert (piece.duration > 0).all()
    assert ((piece.pitch >= 0) & (piece.pitch < 128)).all()


def test_prepare_reports_what_it_did(tmp_path: Path) -> None:
    """The manifest names what was kept, repaired, refused and doubled, and the data is loaded."""
    src, out = tmp_path / "src", tmp_path / "out"
    write(src / "pop" / "train" / "a.mid", [("", 0, melody(1))])
    write(src / "pop" / "train" / "b.mid", [("", 0, melody(2) * 2)])
    write(src / "pop" / "train" / "c.mid", [("", 0, melody(3))])
    write(src / "pop" / "validation" / "d.mid", [("", 0, melody(3))])
    (src / "pop" / "train" / "e.mid").write_bytes(b"junk")
    (src / "pop" / "LICENSE").write_text("\nCC0\nmore\n")
    seen: list[str] = []
    manifest = prepare(src, out, lambda done, total, name: seen.append(name))
    assert len(seen) == 5
    assert manifest["sets"]["pop"]["licence"] == "CC0"
    assert manifest["sets"]["pop"]["splits"]["train"]["names"] == ["a.mid", "b.mid"]
    (refused,) = manifest["refused"]
    assert (refused["file"], refused["sort"]) == ("pop/train/e.mid", "cut short")
    (repaired,) = manifest["repaired"]
    assert (repaired["file"], repaired["counts"]) == ("pop/train/b.mid", {"doubled": 120})
    assert repaired["done"] == ["joined 120 doubled notes"]
    (double,) = manifest["doubles"]
    assert (double["file"], double["of"], double["dropped"]) == (
        "pop/train/c.mid",
        "pop/validation/d.mid",
        True,
    )
    assert read_manifest(out)["sets"] == manifest["sets"]
    (loaded, again) = load_dataset(out)["pop"]
    assert len(loaded) == 120
    assert (again.style, again.name) == ("pop", "b.mid")
    assert len(again) == 120
    raw = load_dataset(src, repair=False)["pop"]
    assert [len(p) for p in raw] == [120, 240, 120]


def test_prepared_pieces_come_back_unchanged(tmp_path: Path) -> None:
    """What is stored is what was read."""
    write(tmp_path / "src" / "x" / "train" / "a.mid", [("Voice", 0, melody(1)), ("", 9, SCALE)])
    prepare(tmp_path / "src", tmp_path / "out")
    (stored,) = load_dataset(tmp_path / "out")["x"]
    (read,) = load_dataset(tmp_path / "src")["x"]
    for name in Piece.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(stored, name), getattr(read, name))


def test_a_plain_folder_is_split_by_hash(tmp_path: Path) -> None:
    """Without split folders some pieces always validate, the same ones every time."""
    for index in range(12):
        write(tmp_path / "mine" / f"{index}.mid", [("", 0, SCALE)])
    splits = [s.split for s in find_midi(tmp_path / "mine")]
    assert set(splits) == {"train", "validation"}
    assert splits == [s.split for s in find_midi(tmp_path / "mine")]
    assert {s.style for s in find_midi(tmp_path / "mine")} == {"mine"}


def test_unusable_data_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No folder, no files, only broken files, a broken or later manifest: one line each."""
    empty, broken, later = (tmp_path / name for name in ("empty", "broken", "later"))
    for folder in (empty, broken, later):
        folder.mkdir()
    (broken / "a.mid").write_bytes(b"junk")
    (later / "manifest.json").write_text(json.dumps({"format": 99, "sets": {}}))
    calls = [
        lambda: prepare(tmp_path / "none", tmp_path / "out"),
        lambda: prepare(empty, tmp_path / "out"),
        lambda: prepare(broken, tmp_path / "out"),
        lambda: load_dataset(later),
        lambda: load_dataset(broken),
    ]
    for call in calls:
        with pytest.raises(AntiphonError) as caught:
            call()
        assert "\n" not in str(caught.value)
    (later / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="manifest"):
        load_dataset(later)
    assert main(["prepare", str(empty), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_damaged_set_is_refused(tmp_path: Path) -> None:
    """A truncated array file is refused, and the way to mend it is named."""
    write(tmp_path / "src" / "x" / "train" / "a.mid", [("", 0, SCALE)])
    prepare(tmp_path / "src", tmp_path / "out")
    path = tmp_path / "out" / "x" / "train.npz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DataError, match="antiphon prepare"):
        load_dataset(tmp_path / "out")


def test_prepare_prints_a_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says how much was kept, and with --json prints the manifest alone."""
    write(tmp_path / "src" / "x" / "train" / "a.mid", [("", 0, SCALE)])
    assert main(["prepare", str(tmp_path / "src"), str(tmp_path / "out")]) == 0
    assert "1 pieces" in capsys.readouterr().out
    assert main(["prepare", str(tmp_path / "src"), str(tmp_path / "out"), "--json"]) == 0
    assert "x" in json.loads(capsys.readouterr().out)["sets"]
