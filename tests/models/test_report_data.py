"""The quality report of a data set."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from antiphon_models.commands import main
from antiphon_models.data.prepare import load_dataset
from antiphon_models.data.quality import SHORT, take_stock
from antiphon_models.data.storage import FORMAT, read_manifest, write_manifest
from midi_files import melody, write


def make_sources(folder: Path) -> Path:
    """Write two sets: one that is healthy, one with a copy, broken and damaged files."""
    for index in range(3):
        rows = melody(index)
        write(folder / "good" / "train" / f"{index}.mid", [("", 0, rows)], bpm=90)
        write(folder / "bad" / "train" / f"{index}.mid", [("", 0, melody(index + 9) * 2)])
    write(folder / "bad" / "validation" / "copy.mid", [("", 0, melody(0))])
    (folder / "bad" / "train" / "junk.mid").write_bytes(b"junk")
    return folder


def test_a_report_tells_what_was_done(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The report has tables of files, faults and figures, names pairs, and shows its plots."""
    src, out, report = make_sources(tmp_path / "src"), tmp_path / "out", tmp_path / "report"
    assert main(["prepare", str(src), str(out), "--report", str(report)]) == 0
    printed = capsys.readouterr().out
    assert str(report / "report.md") in printed
    assert len(printed.splitlines()) <= 6
    text = (report / "report.md").read_text(encoding="utf-8")
    assert "| good | 3 | 2 | 1 | 0 | 0 |" in text
    assert "| bad | 5 | 4 | 0 | 1 | 3 |" in text
    assert "`bad/train/junk.mid`" in text
    assert "`good/train/0.mid` exact 100% `bad/validation/copy.mid`" in text
    assert "90 · 90 · 90" in text
    for plot in ("files.png", "distributions.png"):
        assert f"]({plot})" in text
        assert (report / plot).read_bytes().startswith(b"\x89PNG")


def test_preparing_twice_gives_the_same(tmp_path: Path) -> None:
    """The same files give the same data set, report and order, by one process or two."""
    src = make_sources(tmp_path / "src")
    for index in range(40):
        write(src / "many" / f"{index}.mid", [("", 0, melody(index % 30 + 20))])
    for name, workers in (("a", "1"), ("b", "2")):
        folder = tmp_path / name
        arguments = [str(src), str(folder), "--report", str(folder / "report")]
        assert main(["prepare", *arguments, "--workers", workers]) == 0
    for file in sorted(p for p in (tmp_path / "a").rglob("*") if p.suffix in (".md", ".json")):
        other = tmp_path / "b" / file.relative_to(tmp_path / "a")
        assert file.read_bytes() == other.read_bytes()
    for split in ("train", "validation"):
        one, other = (load_dataset(tmp_path / name, split) for name in ("a", "b"))
        assert [(p.style, p.name) for ps in one.values() for p in ps] == [
            (p.style, p.name) for ps in other.values() for p in ps
        ]


def test_the_holdings_of_a_set_are_counted(tmp_path: Path) -> None:
    """Hours, tempo, bars and velocities are those of the notes."""
    rows = [(i * 1.0, 0.5, 60 + i % 5, 64) for i in range(121)]
    write(tmp_path / "src" / "x" / "train" / "a.mid", [("", 0, rows)], 60, [(0, 3, 4)])
    (piece,) = load_dataset(tmp_path / "src")["x"]
    held = take_stock([piece])
    assert (held.pieces, held.notes, held.free, held.flat) == (1, 121, 0, 1)
    assert held.hours == pytest.approx(120 / 3600)
    assert held.bars == {"3 beats": 1}
    assert held.tempo.tolist() == [60.0]
    assert set(held.duration) == {0.5}
    assert take_stock([piece.select(np.arange(2))]).bars == {SHORT: 1}


def test_sets_prepared_before_are_still_read(tmp_path: Path) -> None:
    """A manifest without sorts, counts and shares is read as before."""
    src, out = make_sources(tmp_path / "src"), tmp_path / "out"
    assert main(["prepare", str(src), str(out), "--json"]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    for key, kept in (("repaired", "done"), ("refused", "reason"), ("doubles", "of")):
        manifest[key] = [{name: item[name] for name in ("file", kept)} for item in manifest[key]]
    del manifest["format"]
    write_manifest(out, manifest)
    assert read_manifest(out)["format"] == FORMAT
    assert set(load_dataset(out)) == {"bad", "good"}
