"""``antiphon continue``, with the model that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon import cli
from antiphon.midifile import read_midi, write_midi
from antiphon.music import Beats, Note


@pytest.fixture
def tune(tmp_path: Path) -> Path:
    """Write two bars of a round (traditional, public domain)."""
    pitches = (60, 62, 64, 60, 60, 62, 64, 60)
    notes = [Note(Beats(i), p, 80, Beats(0.9), channel=3) for i, p in enumerate(pitches)]
    path = tmp_path / "round.mid"
    write_midi(path, [("Voice", notes)], bpm=96.0)
    return path


def test_a_file_goes_on_where_it_ends(tune: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The notes of the file stay, the new ones follow on the same track in the bars asked for."""
    out, picture = tune.with_name("out.mid"), tune.with_name("out.svg")
    words = ["continue", str(tune), str(out), "--bars", "2", "--picture", str(picture), "--json"]
    assert cli.main(words) == 0
    told = json.loads(capsys.readouterr().out)
    song = read_midi(out)
    assert [track.name for track in song.tracks] == ["Voice"]
    notes = song.tracks[0].notes
    assert len(notes) == told["heard"] + told["added"] > 8
    assert notes[8].start == 8
    assert max(note.end for note in notes) <= 16
    assert song.bpm == pytest.approx(96, abs=0.01)
    assert picture.read_text().startswith("<svg")


def test_the_same_seed_writes_the_same_file(tune: Path) -> None:
    """Seeds repeat, and differ from one another."""
    made = []
    for seed in ("1", "1", "2"):
        out = tune.with_name(f"{len(made)}.mid")
        assert cli.main(["continue", str(tune), str(out), "--seed", seed]) == 0
        made.append(out.read_bytes())
    assert made[0] == made[1] != made[2]


@pytest.mark.parametrize(
    "words",
    [
        ("--bars", "0"),
        ("--temperature", "9"),
        ("--seed", "-1"),
        ("--style", "loud"),
        ("--set", "x"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_is_told_and_nothing_written(
    tune: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A faulty option is one line, exit status 2, and no file."""
    out = tune.with_name("out.mid")
    assert cli.main(["continue", str(tune), str(out), *words]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not out.exists()
