"""Evaluation: every note once, whatever the batching, from raw folders and prepared ones."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pytest
import torch
from torch.nn import functional

from antiphon.errors import CheckpointError, DataError
from antiphon_models import catalogue
from antiphon_models.card import main as card_main
from antiphon_models.checkpoint import save_checkpoint
from antiphon_models.data.prepare import prepare
from antiphon_models.data.stream import piece_rows
from antiphon_models.evaluate import (
    add_evaluate_arguments,
    choose_checkpoint,
    run_evaluate,
)
from antiphon_models.evaluate_player import score_player
from antiphon_models.events import FIELDS, Piece, phases
from antiphon_models.player import COLUMN, Player, PlayerConfig
from antiphon_models.scores import Scores

CPU = torch.device("cpu")


def make_piece(seed: int, notes: int) -> Piece:
    """Make a piece of random chords and rhythms."""
    random = np.random.default_rng(seed)
    onset = np.cumsum(random.choice([0, 0, 12, 24, 48], notes))
    beat_phase, bar_phase = phases(onset, 192)
    return Piece(
        onset=onset,
        voice=random.integers(0, 4, notes),
        pitch=random.integers(30, 90, notes),
        velocity=random.integers(1, 128, notes),
        duration=random.integers(1, 300, notes),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
        style="one",
    ).sorted()


def write_midi(path: Path, seed: int, notes: int) -> None:
    """Write a MIDI file of chords of two; the first note is there twice."""
    random = np.random.default_rng(seed)
    midi = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    midi.tracks.append(track)
    first = True
    for _ in range(notes // 2):
        pitches = [60, 60] if first else random.choice(np.arange(40, 80), 2, replace=False).tolist()
        first = False
        for pitch in pitches:
            track.append(mido.Message("note_on", note=pitch, velocity=70, time=0))
        for index, pitch in enumerate(pitches):
            track.append(mido.Message("note_off", note=pitch, time=240 if index == 0 else 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.save(path)


@pytest.fixture(scope="module")
def model() -> Player:
    """A tiny player with random weights."""
    torch.manual_seed(0)
    return Player(PlayerConfig(width=16, layers=2, head_width=8, styles=("one",))).eval()


@pytest.fixture(scope="module")
def checkpoint(model: Player, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tiny player to a file."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    weights = {name: p.detach().numpy() for name, p in model.named_parameters()}
    info = {
        "data": {"one": {"licence": "CC0", "pieces": 2, "notes": 40}},
        "metrics": {"one/pitch": 2.5, "all/score": 9.0},
        "weights": 1234,
        "notes_seen": 99,
        "command": "antiphon train player",
        "seed": 7,
    }
    save_checkpoint(path, "player", model.config.to_dict(), weights, info)
    return path


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Write a tree of MIDI files: one folder with splits, one without."""
    for index in range(3):
        write_midi(tmp_path / "one" / "train" / f"{index}.mid", index, 40)
    write_midi(tmp_path / "one" / "validation" / "sub" / "a.mid", 20, 30)
    write_midi(tmp_path / "one" / "validation" / "b.mid", 21, 12)
    for index in range(12):
        write_midi(tmp_path / "two" / f"{index}.mid", 40 + index, 10)
    return tmp_path


def evaluate(capsys: pytest.CaptureFixture[str], *args: str | Path) -> dict[str, Any]:
    """Run the command and read its JSON."""
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    capsys.readouterr()
    parsed = parser.parse_args(["player", *map(str, args), "--json", "--device", "cpu"])
    assert run_evaluate(parsed) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_batches_and_chunks_do_not_change_the_result(model: Player) -> None:
    """Pieces side by side in small chunks score as each piece alone in one go."""
    pieces = [make_piece(seed, notes) for seed, notes in enumerate((1, 37, 5, 64, 64, 20))]
    together = score_player(model, pieces, "one", CPU, batch=4, chunk=16)
    alone = score_player(model, pieces, "one", CPU, batch=1, chunk=10_000)
    assert together.counted == alone.counted == dict.fromkeys(FIELDS, 191)
    for name in FIELDS:
        assert together.nll[name] == pytest.approx(alone.nll[name], rel=1e-5)
    assert together.truths.tolist() == alone.truths.tolist()
    assert together.hits.sum() == alone.hits.sum()


def test_pitch_nll_by_hand(model: Player) -> None:
    """The mean over a piece is that of one forward pass, the first note included."""
    piece = make_piece(5, 23)
    rows = torch.from_numpy(piece_rows(piece, 1).astype(np.int64))[:, None]
    with torch.no_grad():
        logits, _ = model(rows[:-1], rows[1:], model.fresh_state(1))
    expected = functional.cross_entropy(logits["pitch"][:, 0], rows[1:, 0, COLUMN["pitch"]])
    found = score_player(model, [piece], "one", CPU).figures()
    assert found["pitch_nll"] == pytest.approx(float(expected), abs=1e-5)
    hits = logits["pitch"][:, 0].argmax(-1).numpy() == piece.pitch
    assert found["pitch_accuracy"] == pytest.approx(hits.mean(), abs=1e-6)
    assert found["nll"] == pytest.approx(sum(found[f"{f}_nll"] for f in FIELDS), abs=1e-5)


def test_style_is_told_if_known(model: Player) -> None:
    """A known style changes the result; all unknown ones give the same."""
    pieces = [make_piece(5, 23)]
    known, other, third = (
        score_player(model, pieces, name, CPU).nll["pitch"] for name in ("one", "x", "y")
    )
    assert known != other
    assert other == third


def test_macro_figures_by_hand() -> None:
    """Precision, recall and F1 are means over the pitches that occur or were guessed."""
    scores = Scores()
    truth, guess = np.array([60, 60, 62, 64]), np.array([60, 62, 62, 65])
    scores.add_guesses(truth, guess, np.array([0.9, 0.5, 0.5, 0.1]))
    found = scores.figures()
    assert found["pitch_accuracy"] == 0.5
    assert found["pitch_precision"] == pytest.approx((1 + 0.5 + 0 + 0) / 4)
    assert found["pitch_recall"] == pytest.approx((0.5 + 1 + 0 + 0) / 4)
    assert found["pitch_f1"] == pytest.approx((2 / 3 + 2 / 3 + 0 + 0) / 4, abs=1e-6)


def test_raw_folders(tree: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a tree of MIDI files the validation part and unsplit folders count, every note once."""
    found = evaluate(capsys, "--data", tree, "--checkpoint", checkpoint)
    assert found["parts"] == ["likelihoods"]
    one, two = found["sets"]["one"], found["sets"]["two"]
    assert (one["notes"], one["split"], one["style"]) == (42, "validation", "one")
    assert (two["notes"], two["split"], two["style"]) == (120, "all", "unknown")
    assert found["velocity_bins"] == 32
    assert found["baseline_training"]["notes"] == 120
    for figures in (one, two):
        assert set(figures["baseline"]) == {"ngram", "repeat", "own_past"}
        ngram, repeat = figures["baseline"]["ngram"], figures["baseline"]["repeat"]
        lower = figures["pitch_nll"] < min(ngram["pitch_nll"], repeat["pitch_nll"])
        assert figures["beats_baselines"] is lower
        for name in ("pitch_nll", "shift_nll", "velocity_nll", "duration_nll", "voice_nll", "nll"):
            assert figures[name] >= 0
            assert ngram[name] >= 0


def test_one_folder_of_files(
    tree: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder of MIDI files is one set of its name; a split can be chosen; nothing trains."""
    found = evaluate(capsys, "--data", tree / "two", "--checkpoint", checkpoint)
    assert found["sets"]["two"]["notes"] == 120
    assert found["baseline_training"]["notes"] == 0
    found = evaluate(capsys, "--data", tree / "one", "--checkpoint", checkpoint, "--split", "train")
    assert found["sets"]["one"]["notes"] == 120
    found = evaluate(
        capsys,
        *("--data", tree / "two", "--checkpoint", checkpoint, "--baseline-data", tree / "one"),
    )
    assert found["baseline_training"]["notes"] == 120


def test_prepared_data(
    tree: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A prepared set is evaluated as it stands: repaired, so that doubled notes are gone."""
    prepare(tree, tmp_path / "out", workers=1)
    found = evaluate(capsys, "--data", tmp_path / "out", "--checkpoint", checkpoint)
    assert found["sets"]["one"]["notes"] == 42 - 2
    assert found["sets"]["one"]["split"] == "validation"


def test_report_card_and_table(
    tree: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report holds the table and its plots, the card names data, seed and figures."""
    where = ("--data", tree, "--checkpoint", checkpoint, "--report", tmp_path / "report")
    found = evaluate(capsys, *where, "--parts", "likelihoods")
    assert found["parts"] == ["likelihoods"]
    text = (tmp_path / "report" / "report.md").read_text()
    assert f"{found['sets']['one']['pitch_nll']:.3f}" in text
    for name in ("pitch_nll", "pitch_accuracy", "calibration"):
        assert (tmp_path / "report" / f"{name}.png").stat().st_size > 1000
    (tmp_path / "eval.json").write_text(json.dumps(found))
    assert card_main([str(checkpoint), str(tmp_path / "eval.json")]) == 0
    card = capsys.readouterr().out
    assert "CC0" in card
    assert "seed: 7" in card
    assert f"{found['sets']['two']['pitch_nll']:.3f}" in card
    parser = argparse.ArgumentParser()
    add_evaluate_arguments(parser)
    args = ["player", "--data", str(tree), "--checkpoint", str(checkpoint), "--no-baselines"]
    assert run_evaluate(parser.parse_args(args)) == 0
    assert "player (one)" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["missing", "empty", "broken"])
def test_unusable_data(
    what: str, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A missing folder, an empty one and one with nothing readable are refused in one line."""
    data = tmp_path / "data"
    if what != "missing":
        data.mkdir()
    if what == "broken":
        (data / "a.mid").write_bytes(b"no MIDI")
    with pytest.raises(DataError) as caught:
        evaluate(capsys, "--data", data, "--checkpoint", checkpoint)
    assert "\n" not in str(caught.value)


def test_missing_split(tree: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A split that no folder has is refused."""
    with pytest.raises(DataError, match="test"):
        evaluate(capsys, "--data", tree / "one", "--checkpoint", checkpoint, "--split", "test")


def test_unusable_checkpoint(tmp_path: Path) -> None:
    """A name that no checkpoint has is refused with the names there are."""
    with pytest.raises(CheckpointError, match="nobody"):
        choose_checkpoint("nobody", "player")
    assert choose_checkpoint(str(tmp_path / "x.safetensors"), "player").name == "x.safetensors"


def test_models_are_listed(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The list names size, data, licence and figures, and what cannot be used."""
    broken = checkpoint.with_name("broken.safetensors")
    broken.write_bytes(b"x")
    monkeypatch.setattr("antiphon_models.checkpoint.SHIPPED", checkpoint.parent)
    monkeypatch.setattr(
        "antiphon_models.checkpoint.user_checkpoints", lambda: checkpoint.parent / "none"
    )
    parser = argparse.ArgumentParser()
    catalogue.add_models_arguments(parser)
    assert catalogue.run_models(parser.parse_args(["--json"])) == 0
    found = json.loads(capsys.readouterr().out)
    (entry,) = found["checkpoints"]
    assert entry["name"] == "tiny"
    assert entry["data"] == {"one": "CC0"}
    assert entry["figures"]["one"]["pitch"] == 2.5
    assert len(found["unusable"]) == 1
    assert catalogue.run_models(parser.parse_args([])) == 0
    assert "tiny" in capsys.readouterr().out
    broken.unlink()


def test_arguments_leave_torch_out() -> None:
    """Parsing the arguments of evaluate and models does not load torch or matplotlib."""
    code = (
        "import argparse, sys\n"
        "from antiphon_models.evaluate import add_evaluate_arguments as a\n"
        "from antiphon_models.catalogue import add_models_arguments as b\n"
        "a(argparse.ArgumentParser()); b(argparse.ArgumentParser())\n"
        "assert not {'torch', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
