"""``antiphon vary``: files in, folders of files out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mido
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import varier
from antiphon import cli, daemon
from antiphon.midifile import MeterMark, TempoMark, read_midi, write_midi
from antiphon.model import Keep
from antiphon.music import Beats, Meter, Note, Voice
from varier import FakeVarier

Row = tuple[int, int, int, int]
"""Tick, length in ticks, pitch, velocity."""

ROUND = [Note(Beats(i), 60 + i % 4, 80, Beats(0.9), channel=3) for i in range(8)]
GROOVE = [Note(Beats(i / 2), (36, 42)[i % 2], 90, Beats(0.1), 10) for i in range(16)]


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> FakeVarier:
    """Put the stand-in in the networks' place."""
    fake = FakeVarier()
    monkeypatch.setattr(varier, "load_varier", fake.named, raising=False)
    monkeypatch.setattr(daemon, "VARIER", "varier:load_varier")
    return fake


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    """Write two bars of a round and a groove, the tempo changing on the way."""
    path = tmp_path / "round.mid"
    tempos = [TempoMark(Beats(0.0), 96.0), TempoMark(Beats(5.0), 90.0)]
    write_midi(path, [("Voice", ROUND), ("Kit", GROOVE)], bpm=tempos)
    return path


def save(path: Path, division: int, tracks: dict[str, tuple[int, list[Row]]]) -> Path:
    """Write a file with mido; a track has a channel from 0 and rows."""
    song = mido.MidiFile(ticks_per_beat=division)
    for name, (channel, rows) in tracks.items():
        song.tracks.append(track := mido.MidiTrack([mido.MetaMessage("track_name", name=name)]))
        ends = [(tick + length, 0, pitch, 0) for tick, length, pitch, _ in rows]
        begins = [(tick, 1, pitch, velocity) for tick, _, pitch, velocity in rows]
        now = 0
        for tick, on, pitch, velocity in sorted(ends + begins, key=lambda row: row[:2]):
            kind = "note_on" if on else "note_off"
            track.append(
                mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now)
            )
            now = tick
    song.save(path)
    return path


def vary(path: Path, *words: str, out: str = "out") -> Path:
    """Run the command, which must succeed, and return its folder."""
    folder = path.parent / out
    assert cli.main(["vary", str(path), str(folder), *words]) == 0
    return folder


def refused(capsys: pytest.CaptureFixture[str], *words: str | Path) -> str:
    """Run a command that must fail, and return its one line."""
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as left:
        status = int(left.code or 0)
    out, err = capsys.readouterr()
    assert (status, out) == (2, "")
    assert len(err.strip().splitlines()) == 1, err
    return err


def index_of(folder: Path) -> Any:
    """Read a folder's index."""
    return json.loads((folder / "index.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("division", [24, 96, 480, 960, 1000])
def test_amount_0_gives_back_the_same_notes(tmp_path: Path, division: int) -> None:
    """At amount 0 every file has the input's notes to the tick, doubled and overlapping too."""
    d = division
    tracks = {
        "Left": (2, [(1, d, 60, 80), (1, d // 2, 60, 40), (d // 3, d, 60, 99), (d, 7, 62, 1)]),
        "Right": (2, [(1, d, 60, 80), (2 * d + 1, d, 60, 127), (5 * d, d * 4, 72, 64)]),
        "Kit": (9, [(0, 1, 36, 100), (0, 1, 36, 100), (d // 2, 1, 42, 50)]),
    }
    path = save(tmp_path / "a.mid", division, tracks)
    out = vary(path, "--amount", "0", "--count", "2")
    song = read_midi(path)
    for name in ("01.mid", "02.mid"):
        again = read_midi(out / name)
        assert [t.name for t in again.tracks] == ["Left", "Right", "Kit"]
        assert [t.notes for t in again.tracks] == [t.notes for t in song.tracks]
    assert {row["distance"] for row in index_of(out)["files"]} == {0.0}


@pytest.mark.parametrize("tracks", [16, 17, 40])
def test_tracks_keep_their_notes_however_many_there_are(tmp_path: Path, tracks: int) -> None:
    """At amount 0 each of many tracks, several to a channel, has its own notes back."""
    rows = {f"T{i}": (i % 4, [(i % 5 * 10, 20, 40 + i % 7, 80)]) for i in range(tracks)}
    path = save(tmp_path / "a.mid", 96, rows)
    out = vary(path, "--amount", "0", "--count", "1")
    assert read_midi(out / "01.mid").tracks == read_midi(path).tracks
    again = vary(path, "--amount", "0.6", "--count", "3", out="far")
    for row in index_of(again)["files"]:
        song = read_midi(again / row["file"], every_track=True)
        assert [t.name for t in song.tracks] == [f"T{i}" for i in range(tracks)]
        assert sum(len(t.notes) for t in song.tracks) == row["notes"]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.tuples(
                st.integers(0, 700), st.integers(1, 300), st.integers(60, 62), st.integers(1, 127)
            ),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_notes_come_back_at_amount_0(tmp_path: Path, rows: list[tuple[int, Row]]) -> None:
    """However notes pile up on a few keys, tracks and channels, amount 0 gives them back."""
    tracks = {f"T{i}": (9 * (i % 2), [row for track, row in rows if track == i]) for i in range(4)}
    path = save(tmp_path / "a.mid", 96, tracks)
    words = ["vary", str(path), str(tmp_path / "out"), "--amount", "0", "--count", "1"]
    assert cli.main(words) == 0
    assert read_midi(tmp_path / "out" / "01.mid").tracks == read_midi(path).tracks


def test_what_is_not_varied_is_kept(tmp_path: Path) -> None:
    """Tempo map, meter, names, order, channels and programs stay, with tracks of no notes."""
    song = mido.MidiFile(ticks_per_beat=240)
    song.tracks.append(
        mido.MidiTrack(
            [
                mido.MetaMessage("track_name", name="Gigue"),
                mido.MetaMessage("time_signature", numerator=6, denominator=8),
                mido.MetaMessage("set_tempo", tempo=400_000),
                mido.MetaMessage("set_tempo", tempo=401_234, time=700),
            ]
        )
    )
    for name, channel, pitches in (("Oboe", 4, (72, 74)), ("To come", 0, ()), ("Cello", 4, (40,))):
        song.tracks.append(track := mido.MidiTrack([mido.MetaMessage("track_name", name=name)]))
        track.append(mido.Message("program_change", channel=channel, program=68))
        for pitch in pitches:
            track.append(mido.Message("note_on", channel=channel, note=pitch))
            track.append(mido.Message("note_off", channel=channel, note=pitch, time=240))
        track.append(mido.Message("control_change", channel=channel, control=1, value=3, time=9))
    path = tmp_path / "a.mid"
    song.save(path)
    source = read_midi(path, every_track=True)
    for amount in ("0", "1"):
        out = vary(path, "--amount", amount, "--count", "3", out=f"by {amount}")
        for row in index_of(out)["files"]:
            again = read_midi(out / row["file"], every_track=True)
            assert (again.title, again.tempos, again.meters) == (
                "Gigue",
                source.tempos,
                source.meters,
            )
            assert [t.name for t in again.tracks] == ["Oboe", "To come", "Cello"]
            assert [t.others for t in again.tracks] == [t.others for t in source.tracks]
            assert {n.channel for t in again.tracks for n in t.notes} <= {5}
            assert [bool(t.notes and t.notes[0].pitch > 60) for t in again.tracks][2] is False


def test_parts_on_one_channel_do_not_mix(tmp_path: Path) -> None:
    """New notes go to the track that they are a variation of, though tracks share a channel."""
    low = [(i * 96, 90, 36, 80) for i in range(8)]
    high = [(i * 96, 90, 76, 80) for i in range(8)]
    path = save(tmp_path / "a.mid", 96, {"High": (0, high), "Low": (0, low)})
    out = vary(path, "--amount", "0.8", "--count", "8")
    for row in index_of(out)["files"]:
        for track in read_midi(out / row["file"]).tracks:
            assert {note.pitch > 60 for note in track.notes} == {track.name == "High"}


def test_the_index_tells_what_was_made(tune: Path) -> None:
    """The index has what was asked, what was varied, and for each file its facts."""
    out = vary(tune, "--count", "3", "--amount", "0.4", "--seed", "7", "--gan", "a", "--gan", "b")
    index = index_of(out)
    files = index.pop("files")
    assert index.pop("antiphon")
    assert index == {
        "command": "vary",
        "input": "round.mid",
        "tool": "vary",
        "amount": 0.4,
        "seed": 7,
        "keep": "nothing",
        "bars": [1, 2],
        "bpm": 96.0,
        "meter": "4/4",
        "checkpoints": ["a", "b"],
    }
    assert [row["file"] for row in files] == ["01.mid", "02.mid", "03.mid"]
    for row in files:
        assert set(row) == {"file", "seed", "amount", "distance", "notes"}
        assert (row["seed"], row["amount"]) == (7, 0.4)
        assert 0 < row["distance"] <= 1
        assert len(read_midi(out / row["file"]).phrase()) == row["notes"]
    assert {p.name for p in out.iterdir()} == {"01.mid", "02.mid", "03.mid", "index.json"}


def test_json_is_one_object_and_nothing_else(
    tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--json`` prints what the index holds, and nothing else."""
    out = vary(tune, "--json")
    told = capsys.readouterr()
    assert json.loads(told.out) == index_of(out)
    assert len(index_of(out)["files"]) == 8
    assert told.err == ""


def test_the_same_seed_writes_the_same_files(tune: Path) -> None:
    """Seeds repeat, and differ from one another."""
    made = []
    for number, seed in enumerate("112"):
        out = vary(tune, "--seed", seed, "--count", "2", out=f"{number}")
        made.append([(out / name).read_bytes() for name in ("01.mid", "02.mid")])
    assert made[0] == made[1]
    assert made[0] != made[2]


@pytest.mark.parametrize(
    ("reading", "voices"),
    [("auto", {False, True}), ("drums", {True}), ("pitched", {False})],
)
def test_what_is_drums_can_be_told(
    tune: Path, networks: FakeVarier, reading: str, voices: set[bool]
) -> None:
    """``--as`` reads all as drums or all as pitched; channels in the files stay as they were."""
    out = vary(tune, "--as", reading, "--amount", "0", "--count", "1")
    assert {n.voice is Voice.DRUMS for n in networks.asked[0]} == voices
    assert read_midi(out / "01.mid").tracks == read_midi(tune).tracks


def test_keep_is_passed_on(tune: Path, networks: FakeVarier) -> None:
    """``--keep`` reaches the networks."""
    for keep in Keep:
        vary(tune, "--keep", keep.name.lower(), out=keep.name)
    assert networks.keeps == list(Keep)


def test_bars_can_be_chosen(tmp_path: Path, networks: FakeVarier) -> None:
    """``--bars`` cuts out whole bars with the tempo, meter, program and pedal in force there."""
    path = tmp_path / "long.mid"
    notes = [Note(Beats(i - 0.02 if i == 12 else i), 60, 80, Beats(0.5)) for i in range(24)]
    tempos = [TempoMark(Beats(b), bpm) for b, bpm in ((0.0, 100.0), (6.0, 110.0), (13.0, 120.0))]
    meters = [MeterMark(Beats(0.0), Meter()), MeterMark(Beats(12.0), Meter(3, 4))]
    write_midi(path, [("x", notes)], bpm=tempos, meter=meters)
    song = mido.MidiFile(path)
    song.tracks[1].insert(1, mido.Message("program_change", program=5))
    song.tracks[1].insert(1, mido.Message("control_change", control=64, value=127))
    song.save(path)
    out = vary(path, "--bars", "4-5", "--amount", "0", "--count", "1")
    cut = read_midi(out / "01.mid")
    assert networks.lengths == [6.0]
    assert [n.start for n in cut.phrase()] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    assert [(m.beat, round(m.bpm, 2)) for m in cut.tempos] == [(0.0, 110.0), (1.0, 120.0)]
    assert (cut.meter, len(cut.meters), cut.length) == (Meter(3, 4), 1, 6.0)
    assert index_of(out)["bars"] == [4, 5]
    others = [(beat, tuple(data)) for beat, data in cut.tracks[0].others]
    assert others == [(0.0, (0xB0, 64, 127)), (0.0, (0xC0, 5)), (6.0, (0xB0, 64, 0))]
    single = vary(path, "--bars", "7", "--amount", "0", "--count", "1", out="single")
    assert (index_of(single)["bars"], len(read_midi(single / "01.mid").phrase())) == ([7, 7], 3)


def test_a_note_held_over_the_end_opens_no_bar(tmp_path: Path, networks: FakeVarier) -> None:
    """The phrase ends with the bar in which its last note begins."""
    path = tmp_path / "a.mid"
    write_midi(path, [("x", [*ROUND, Note(Beats(7.5), 70, 80, Beats(2.0))])])
    vary(path, "--count", "1")
    assert networks.lengths == [8.0]


def test_a_groove_has_drums_only(tune: Path) -> None:
    """``--tool groove`` writes one track of drums on channel 10, in the tempo of the phrase."""
    out = vary(tune, "--tool", "groove", "--count", "2")
    for name in ("01.mid", "02.mid"):
        song = read_midi(out / name, every_track=True)
        assert [track.name for track in song.tracks] == ["Drums"]
        assert {note.channel for note in song.phrase()} == {10}
        assert song.tempos == read_midi(tune).tempos
    index = index_of(out)
    assert (index["tool"], index["amount"], index["files"][0]["amount"]) == ("groove", None, None)


def test_humanise_keeps_every_note(tune: Path) -> None:
    """``--tool humanise`` moves notes a little and changes velocities, by an amount of 1."""
    out = vary(tune, "--tool", "humanise", "--count", "1")
    before, after = read_midi(tune).tracks, read_midi(out / "01.mid").tracks
    for old, new in zip(before, after, strict=True):
        assert sorted(n.pitch for n in old.notes) == sorted(n.pitch for n in new.notes)
        assert [n.velocity for n in old.notes] != [n.velocity for n in new.notes]
        assert all(min(abs(n.start - m.start) for m in old.notes) < 0.04 for n in new.notes)
    assert index_of(out)["amount"] == 1


def test_pictures_show_the_phrase_beside_the_variation(tune: Path) -> None:
    """``--picture`` draws every file, and the index names the pictures."""
    out = vary(tune, "--count", "2", "--picture")
    for row in index_of(out)["files"]:
        svg = (out / row["picture"]).read_text(encoding="utf-8")
        assert svg.startswith("<svg")
        assert "phrase: " in svg
        assert "variation: " in svg
    groove = vary(tune, "--tool", "groove", "--picture", out="groove")
    assert "groove: Kick" in (groove / "01.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--count", "0"), "1..99"),
        (("--count", "100"), "1..99"),
        (("--amount", "nan"), "0..1"),
        (("--amount", "-0.1"), "0..1"),
        (("--amount", "1.1"), "0..1"),
        (("--amount", "much"), "much"),
        (("--seed", "-1"), "--seed"),
        (("--as", "noise"), "noise"),
        (("--keep", "faith"), "faith"),
        (("--keep", "notes", "--tool", "humanise"), "--keep"),
        (("--tool", "saw"), "saw"),
        (("--tool", "groove", "--amount", "0.5"), "--amount"),
        (("--bars", "3"), "1 to 2"),
        (("--bars", "0-1"), "FIRST-LAST"),
        (("--bars", "2-1"), "FIRST-LAST"),
        (("--bars", "some"), "FIRST-LAST"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_and_nothing_written(
    tune: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    """A faulty option is one line, exit status 2, and no folder."""
    assert told in refused(capsys, "vary", tune, tune.parent / "out", *words)
    assert not (tune.parent / "out").exists()


def test_unfit_files_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No MIDI, no notes, hours, two meters, empty bars, odd drums: one line each, no folder."""
    three_hours = [Note(Beats(4 * bar + 400), 60, 80, Beats(1)) for bar in range(0, 5300, 50)]
    write_midi(tmp_path / "hours.mid", [("x", three_hours)])
    write_midi(tmp_path / "none.mid", [("x", [])])
    (tmp_path / "words.mid").write_text("words and no music")
    meters = [MeterMark(Beats(0.0), Meter()), MeterMark(Beats(4.0), Meter(3, 4))]
    write_midi(tmp_path / "meters.mid", [("x", ROUND)], meter=meters)
    write_midi(tmp_path / "odd.mid", [("x", [Note(Beats(0), 5, 80, Beats(1), 10)])])
    conductor = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=0)])
    stopped = mido.MidiFile()
    stopped.tracks.append(conductor)
    stopped.save(tmp_path / "stopped.mid")

    def told(name: str, *words: str) -> str:
        return refused(capsys, "vary", tmp_path / name, tmp_path / "out", *words)

    assert "has 5351; choose some with --bars, such as --bars 101-108" in told("hours.mid")
    assert "--bars 151-158" in told("hours.mid", "--bars", "102-190")
    assert "has none there" in told("hours.mid", "--bars", "1-8")
    assert "has none" in told("none.mid")
    assert "cannot be read" in told("words.mid")
    assert "does not exist" in told("missing.mid")
    assert "from 4/4 to 3/4 at bar 2; choose bars with --bars, such as --bars 1" in told(
        "meters.mid"
    )
    assert "General MIDI" in told("odd.mid")
    assert "0 µs" in told("stopped.mid")
    assert not (tmp_path / "out").exists()


def test_a_folder_is_written_over_only_where_nothing_is_lost(
    tune: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An earlier run is replaced whole; other files, and what would be left of it, stop the run."""
    out = vary(tune, "--count", "2", "--seed", "1")
    first = (out / "01.mid").read_bytes()
    vary(tune, "--count", "3", "--seed", "2")
    assert (out / "01.mid").read_bytes() != first
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    assert "03.mid of an earlier run" in refused(capsys, "vary", tune, out, "--count", "2")
    assert "would be written over" in refused(capsys, "vary", out / "02.mid", out, "--count", "3")
    (out / "04.mid").write_text("mine")
    assert "has 04.mid" in refused(capsys, "vary", tune, out, "--count", "4")
    (out / "04.mid").unlink()
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    for content in ("{}", "[1]", "no", '{"antiphon": "0", "files": 3}'):
        (out / "index.json").write_text(content)
        assert "another program" in refused(capsys, "vary", tune, out)
    assert "is a file" in refused(capsys, "vary", tune, tune)


def test_all_files_are_written_or_none(
    tune: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that refuses in the middle leaves the folder as it was, or no folder."""
    out = vary(tune, "--count", "2", "--seed", "1")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    capsys.readouterr()
    rename, left = Path.rename, [5]

    def full(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", full)
    assert "No space left" in refused(capsys, "vary", tune, out, "--count", "2", "--seed", "2")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    left[0] = 2
    assert "No space left" in refused(capsys, "vary", tune, tune.parent / "a" / "b")
    assert not (tune.parent / "a").exists()
    (tune.parent / "file").write_text("")
    assert "cannot be written" in refused(capsys, "vary", tune, tune.parent / "file" / "out")


def test_the_networks_that_ship_vary_a_file(tune: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real networks amount 0 is the file itself, and every tool gives what it promises."""
    monkeypatch.undo()
    same = vary(tune, "--amount", "0", "--count", "1", out="same")
    assert read_midi(same / "01.mid").tracks == read_midi(tune).tracks
    out = vary(tune, "--amount", "0.5", "--count", "4")
    rows = index_of(out)["files"]
    assert len({(out / row["file"]).read_bytes() for row in rows}) == 4
    assert all(0 < row["distance"] <= 1 for row in rows)
    assert {n.channel for row in rows for n in read_midi(out / row["file"]).phrase()} <= {3, 10}
    again = vary(tune, "--amount", "0.5", "--count", "4", out="again")
    assert (again / "04.mid").read_bytes() == (out / "04.mid").read_bytes()
    human = vary(tune, "--tool", "humanise", "--count", "1", out="human")
    assert len(read_midi(human / "01.mid").phrase()) == len(ROUND) + len(GROOVE)
    groove = vary(tune, "--tool", "groove", "--count", "2", out="groove")
    assert {n.channel for n in read_midi(groove / "01.mid").phrase()} == {10}
