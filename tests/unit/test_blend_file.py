"""``antiphon blend``: two files in, the way from one to the other out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mido
import pytest

import varier
from antiphon import cli, daemon
from antiphon.midifile import read_midi, write_midi
from antiphon.music import Beats, Meter, Note
from varier import FakeVarier

FIRST = [Note(Beats(i), 60 + i, 80, Beats(1.0), channel=3) for i in range(4)]
LAST = [Note(Beats(i / 3), 70, 50 + i, Beats(0.3), channel=5) for i in range(24)]
GROOVE = [Note(Beats(i), 36, 90, Beats(0.25), 10) for i in range(4)]


@pytest.fixture(autouse=True)
def networks(monkeypatch: pytest.MonkeyPatch) -> FakeVarier:
    """Put the stand-in in the networks' place."""
    fake = FakeVarier()
    monkeypatch.setattr(varier, "load_varier", fake.named, raising=False)
    monkeypatch.setattr(daemon, "VARIER", "varier:load_varier")
    return fake


@pytest.fixture
def two(tmp_path: Path) -> tuple[str, str, str]:
    """Write a bar with its groove, and two bars of another tempo; return the paths and a folder."""
    write_midi(tmp_path / "a.mid", [("Lute", FIRST), ("Kit", GROOVE)], bpm=96.0)
    write_midi(tmp_path / "b.mid", [("Harp", LAST)], bpm=140.0)
    return str(tmp_path / "a.mid"), str(tmp_path / "b.mid"), str(tmp_path / "out")


def index_of(folder: str) -> Any:
    """Read a folder's index."""
    return json.loads((Path(folder) / "index.json").read_text(encoding="utf-8"))


def plain(notes: Any) -> list[tuple[int, int, int, int]]:
    """Return notes without their channels, in ticks of 480."""
    rows = ((n.start, n.duration, n.pitch, n.velocity) for n in notes)
    return sorted((round(s * 480), round(d * 480), p, v) for s, d, p, v in rows)


def test_it_goes_from_the_first_to_the_last(two: tuple[str, str, str]) -> None:
    """The first file is A repeated to B's length, the last is B's notes on A's track and tempo."""
    assert cli.main(["blend", *two, "--steps", "4"]) == 0
    out = Path(two[2])
    songs = [read_midi(out / f"{n:02}.mid", every_track=True) for n in (1, 2, 3, 4)]
    for song in songs:
        assert [track.name for track in song.tracks] == ["Lute", "Kit"]
        assert (round(song.bpm, 2), song.meter, song.length) == (96.0, Meter(), 8.0)
    again = [note.shifted(Beats(4.0)) for note in FIRST]
    assert list(songs[0].tracks[0].notes) == [*FIRST, *again]
    assert len(songs[0].tracks[1].notes) == 8
    assert plain(songs[-1].phrase()) == plain(read_midi(two[1]).phrase())
    assert {note.channel for note in songs[-1].phrase()} == {3}
    assert not songs[-1].tracks[1].notes


def test_what_has_no_part_brings_its_own_track(two: tuple[str, str, str]) -> None:
    """Drums of B come on a track of their own where A has none, on channel 10."""
    first, last, out = two
    assert cli.main(["blend", last, first, out, "--steps", "2"]) == 0
    song = read_midi(Path(out) / "02.mid", every_track=True)
    assert [track.name for track in song.tracks] == ["Harp", "Kit"]
    assert {note.channel for note in song.tracks[1].notes} == {10}
    assert plain(song.phrase("Kit"))[:4] == plain(GROOVE)
    assert round(song.bpm, 2) == 140.0


def test_ticks_of_both_files_are_kept(tmp_path: Path) -> None:
    """The last step has B's notes to the tick, though B counts more finely than A."""
    for name, division in (("a", 96), ("b", 960)):
        song = mido.MidiFile(ticks_per_beat=division)
        song.tracks.append(track := mido.MidiTrack())
        track.append(mido.Message("note_on", note=60, time=1))
        track.append(mido.Message("note_off", note=60, time=11))
        song.save(tmp_path / f"{name}.mid")
    words = [str(tmp_path / name) for name in ("a.mid", "b.mid", "out")]
    assert cli.main(["blend", *words, "--steps", "2"]) == 0
    for name, number in (("a", 1), ("b", 2)):
        made = read_midi(tmp_path / "out" / f"{number:02}.mid").tracks[0].notes
        assert made == read_midi(tmp_path / f"{name}.mid").tracks[0].notes


def test_the_index_tells_the_way(
    two: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The index has both names and each step's distance from A; ``--json`` prints just that."""
    words = ("--gan", "mine", "--picture", "--json", "--bars", "1", "--as", "pitched")
    assert cli.main(["blend", *two, *words]) == 0
    index = index_of(two[2])
    assert json.loads(capsys.readouterr().out) == index
    files = index.pop("files")
    assert index.pop("antiphon")
    assert index == {
        "command": "blend",
        "input": "a.mid",
        "to": "b.mid",
        "steps": 5,
        "bars": [1, 1],
        "bpm": 96.0,
        "meter": "4/4",
        "checkpoints": ["mine"],
    }
    assert [row["distance"] for row in files] == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert [set(row) for row in files] == [{"file", "distance", "notes", "picture"}] * 5
    assert "blend: " in (Path(two[2]) / "03.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--steps", "1"), "2..99"),
        (("--steps", "100"), "2..99"),
        (("--bars", "2"), "1 to 1"),
        (("--as", "noise"), "noise"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_and_nothing_written(
    two: tuple[str, str, str],
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    told: str,
) -> None:
    """A faulty option is one line, exit status 2, and no folder."""
    try:
        status = cli.main(["blend", *two, *words])
    except SystemExit as left:
        status = int(left.code or 0)
    out, err = capsys.readouterr()
    assert (status, out, len(err.strip().splitlines())) == (2, "", 1)
    assert told in err
    assert not Path(two[2]).exists()


def test_two_meters_cannot_be_blended(
    two: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Phrases in different meters are refused, naming both."""
    write_midi(two[1], [("Harp", LAST)], meter=Meter(3, 4))
    assert cli.main(["blend", *two]) == 2
    err = capsys.readouterr().err
    assert len(err.strip().splitlines()) == 1
    assert "4/4" in err
    assert "3/4" in err


def test_the_networks_that_ship_blend_two_files(
    two: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the real networks the ends are the files themselves, and the way lies between them."""
    monkeypatch.undo()
    assert cli.main(["blend", *two, "--bars", "1", "--steps", "5"]) == 0
    first, last = (read_midi(Path(two[2]) / name).phrase() for name in ("01.mid", "05.mid"))
    assert plain(first) == plain([*FIRST, *GROOVE])
    assert plain(last) == plain(note for note in LAST if note.start < 3.9)
    distances = [row["distance"] for row in index_of(two[2])["files"]]
    assert distances[0] == 0 < distances[-1] <= 1
