"""Training: it learns, ends, resumes exactly, stops when told, and refuses what it cannot do."""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon.midifile import write_midi
from antiphon.music import Beats, Note
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.commands import add_train_arguments, main, run_train
from antiphon_models.data.storage import read_manifest, write_manifest, write_pieces
from antiphon_models.events import FIELDS, Piece, phases
from antiphon_models.player import Player, PlayerConfig, count_weights
from antiphon_models.train_player import PRESETS, PlayerRecipe, load_player, measure, sample

NAMES = ("before", "player")


def make_piece(seed: int, notes: int = 80, style: str = "steps") -> Piece:
    """Make a piece with a rule: the pitch follows the beat."""
    onset = 24 * np.arange(notes)
    beat, bar = phases(onset, 192)
    return Piece(
        onset=onset,
        voice=np.zeros(notes, np.int64),
        pitch=50 + seed % 3 + 2 * bar + (beat > 0),
        velocity=np.full(notes, 80),
        duration=np.full(notes, 24),
        beat_phase=beat,
        bar_phase=bar,
        name=str(seed),
        style=style,
    )


def write_data(folder: Path, style: str = "steps") -> Path:
    """Write a small data set."""
    splits = {"train": range(6), "validation": range(6, 8)}
    for split, seeds in splits.items():
        (folder / style).mkdir(parents=True, exist_ok=True)
        write_pieces(folder / style / f"{split}.npz", [make_piece(s, style=style) for s in seeds])
    sets = {style: {"licence": "CC0", "splits": {s: {} for s in splits}}}
    write_manifest(folder, {"sets": sets})
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the data set of this module's tests."""
    return write_data(tmp_path_factory.mktemp("data"))


def train(data: Path, out: Path, *more: str) -> int:
    """Train a tiny player."""
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    fixed = ["player", "--data", str(data), "--out", str(out), "--preset", "tiny"]
    machine = ["--device", "cpu", "--threads", "1", "--precision", "fp32"]
    return run_train(parser.parse_args([*fixed, *machine, *more]))


def test_training_learns_and_says_what_it_did(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A short run learns the rule of the pieces, and its checkpoint tells where it comes from."""
    assert train(data, tmp_path, "--steps", "80", "--seed", "4") == 0
    found = load_checkpoint(tmp_path / "player.safetensors", "player")
    pitch = found.info["metrics"]["steps/pitch"]
    assert pitch < 3 < math.log(128)
    assert found.info["data"]["steps"] == {"licence": "CC0", "pieces": 6, "notes": 480}
    assert (found.info["seed"], found.info["steps"]) == (4, 80)
    assert found.info["command"].startswith("antiphon train player")
    assert "--steps 80" in found.info["command"]
    assert str(tmp_path) not in found.info["command"]
    assert 0 < found.info["notes_seen"] <= 80 * 128
    assert PlayerConfig.from_dict(found.config).styles == ("steps",)
    assert "validation" in capsys.readouterr().out
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == {"train", "validation"}
    model, _ = load_player(tmp_path / "player.safetensors")
    again = measure(model.eval(), [make_piece(6), make_piece(7)], torch.device("cpu"))
    assert again["pitch"] == pytest.approx(pitch, abs=1e-3)


def test_a_resumed_run_ends_with_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Interrupted and resumed, a run ends bit for bit like one that was left alone."""
    from antiphon_models import loop

    assert train(data, tmp_path / "whole", "--steps", "6") == 0
    step = loop.Loop._step

    def interrupted(self: loop.Loop) -> torch.Tensor:
        self.stop = self.step == 2
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_step", interrupted)
        assert train(data, tmp_path / "parts", "--steps", "6") == 130
    assert train(data, tmp_path / "parts", "--steps", "6", "--resume") == 0
    whole, parts = (
        load_checkpoint(tmp_path / name / "player.safetensors") for name in ("whole", "parts")
    )
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(parts.weights[name], weight)
    assert parts.info["notes_seen"] == whole.info["notes_seen"]


@pytest.mark.skipif(os.name == "nt", reason="signals to oneself differ on Windows")
def test_a_signal_saves_and_ends(data: Path, tmp_path: Path) -> None:
    """SIGTERM ends a run after its step, saved, with exit status 130."""
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM))
    before = signal.getsignal(signal.SIGTERM)
    timer.start()
    assert train(data, tmp_path, "--minutes", "1") == 130
    assert (tmp_path / "resume.pt").is_file()
    assert signal.getsignal(signal.SIGTERM) is before


def test_minutes_end_a_run(data: Path, tmp_path: Path) -> None:
    """--minutes ends a run whatever the steps, with a checkpoint."""
    assert train(data, tmp_path, "--minutes", "0.005", "--steps", "1000000") == 0
    assert (tmp_path / "player.safetensors").is_file()


def test_a_run_ends_when_nothing_gets_better(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """--patience ends a run after so many validations without a better score; the best is kept."""
    scores = iter([5.0, 4.0, 4.5, 4.0, 4.1, 3.0])
    monkeypatch.setattr(PlayerRecipe, "validate", lambda *_: {("all", "score"): next(scores)})
    assert train(data, tmp_path, "--steps", "50", "--validate-minutes", "0", "--patience", "3") == 0
    found = load_checkpoint(tmp_path / "player.safetensors")
    assert found.info["metrics"]["all/score"] == 4.0
    with (tmp_path / "log.csv").open() as file:
        values = [row["value"] for row in csv.DictReader(file) if row["what"] == "score"]
    assert values == ["5", "4", "4.5", "4", "4.1"]
    assert "no better for 3 validations" in capsys.readouterr().out


def test_options_take_the_place_of_a_preset(data: Path, tmp_path: Path) -> None:
    """--dropout and --weight-decay are those of the run; the config says what was dropped."""
    decay = ["--weight-decay", "1", "--lr", "0.1", "--steps", "12", "--dropout", "0.4"]
    assert train(data, tmp_path / "much", *decay) == 0
    assert train(data, tmp_path / "none", *decay, "--weight-decay", "0") == 0
    much, none = (load_checkpoint(tmp_path / n / "player.safetensors") for n in ("much", "none"))
    assert much.config["dropout"] == none.config["dropout"] == 0.4
    unseen = slice(5, 10)  # no piece has pitches as low: only decay moves their rows
    sizes = [float(np.abs(f.weights["embed.pitch"][unseen]).mean()) for f in (much, none)]
    assert sizes[0] < 0.9 * sizes[1]


@pytest.mark.parametrize("preset", ["small", "base", "large"])
def test_presets_are_whole(preset: str) -> None:
    """Each preset is a network with its batch, and each larger one has more weights."""
    sizes = {name: count_weights(Player(PRESETS[name]["config"])) for name in ("tiny", preset)}
    assert sizes["tiny"] < sizes[preset]
    assert set(PRESETS[preset]) == set(PRESETS["tiny"])


def write_songs(folder: Path, songs: int) -> Path:
    """Write MIDI files of a beat with a tune."""
    folder.mkdir(parents=True)
    for song in range(songs):
        notes = tuple(
            Note(Beats(i / 2), 50 + (i * (3 + song)) % 24, 80, Beats(0.5)) for i in range(120)
        )
        write_midi(folder / f"{song}.mid", [("Keys", notes)])
    return folder


@pytest.mark.parametrize(("songs", "held"), [(24, "songs"), (3, "bars"), (1, "bars")])
def test_a_folder_of_midi_files_can_be_tuned_to(
    songs: int, held: str, data: Path, tmp_path: Path
) -> None:
    """--init on a plain folder holds some of it out and reports gain there and loss elsewhere."""
    train(data, tmp_path / "first", "--steps", "4")
    folder = write_songs(tmp_path / "mine", songs)
    init = ["--init", str(tmp_path / "first" / "player.safetensors"), "--elsewhere", str(data)]
    out = tmp_path / "tuned"
    assert train(folder, out, "--steps", "30", "--lr", "0.01", *init) == 0
    manifest = read_manifest(out / "data")["sets"]["mine"]["splits"]
    assert ("held_out" in manifest["validation"]) == (held == "bars")
    result = json.loads((out / "report.json").read_text())
    mine, other = result["held_out"]["mine"], result["elsewhere"]["steps"]
    assert mine["notes"] == manifest["validation"]["notes"]
    assert mine["after"]["sum"] < mine["before"]["sum"]
    assert set(other["after"]) == {*FIELDS, "sum"}
    text = (out / "report.md").read_text()
    assert "| mine | held out |" in text
    assert "gained" in text
    assert (out / "gain.png").is_file()
    assert load_checkpoint(out / "player.safetensors").config["styles"] == ["steps", "mine"]


def test_tuning_keeps_what_it_cannot_better(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fine-tuned run that gets only worse ends with the weights that it began with."""
    train(data, tmp_path / "first", "--steps", "4")
    scores = iter([1.0, 2.0, 3.0])
    monkeypatch.setattr(PlayerRecipe, "validate", lambda *_: {("all", "score"): next(scores)})
    init = ["--init", str(tmp_path / "first" / "player.safetensors")]
    assert train(data, tmp_path / "out", "--steps", "2", *init) == 0
    before, after = (load_checkpoint(tmp_path / "out" / f"{n}.safetensors") for n in NAMES)
    for name, weight in before.weights.items():
        np.testing.assert_array_equal(after.weights[name], weight)


def test_a_run_can_start_from_a_checkpoint(data: Path, tmp_path: Path) -> None:
    """--init starts from given weights, keeps their styles and adds those of the data."""
    train(data, tmp_path / "first", "--steps", "1")
    checkpoint = tmp_path / "first" / "player.safetensors"
    other = write_data(tmp_path / "data", "leaps")
    assert train(other, tmp_path / "second", "--steps", "1", "--init", str(checkpoint)) == 0
    found = load_checkpoint(tmp_path / "second" / "player.safetensors")
    assert found.config["styles"] == ["steps", "leaps"]
    assert found.weights["embed.style"].shape[0] == 3


def test_what_cannot_be_trained_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No limit, no data, no run to resume, a run in the way, no such device: one line each."""
    run = tmp_path / "run"
    train(data, run, "--steps", "1")
    with pytest.raises(UsageError, match="--minutes or --steps"):
        train(data, tmp_path / "a")
    with pytest.raises(UsageError, match="above 0"):
        train(data, tmp_path / "a", "--steps", "0")
    with pytest.raises(UsageError, match="--resume"):
        train(data, run, "--steps", "1")
    with pytest.raises(DataError, match="no such folder"):
        train(tmp_path / "none", tmp_path / "b", "--steps", "1")
    with pytest.raises(CheckpointError, match="run to resume"):
        train(data, tmp_path / "c", "--steps", "1", "--resume")
    with pytest.raises(CheckpointError, match="no such file"):
        train(data, tmp_path / "d", "--steps", "1", "--init", str(tmp_path / "none"))
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="cuda"):
            train(data, tmp_path / "e", "--steps", "1", "--device", "cuda")
    capsys.readouterr()
    command = ["train", "player", "--data", str(tmp_path), "--out", str(tmp_path / "f")]
    assert main([*command, "--steps", "1"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_broken_or_other_run_is_not_resumed(data: Path, tmp_path: Path) -> None:
    """A truncated resume file, and one of another data set, are refused."""
    run = tmp_path / "run"
    train(data, run, "--steps", "1")
    other = write_data(tmp_path / "data", "leaps")
    with pytest.raises(CheckpointError, match="another preset or data set"):
        train(other, run, "--steps", "2", "--resume")
    path = run / "resume.pt"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="broken"):
        train(data, run, "--steps", "2", "--resume")


def test_weights_of_another_shape_are_refused(data: Path, tmp_path: Path) -> None:
    """A checkpoint whose weights do not fit its config is refused in one line."""
    from antiphon_models.checkpoint import save_checkpoint

    save_checkpoint(tmp_path / "x.safetensors", "player", {"width": 8}, {"a": np.ones(1)}, {})
    with pytest.raises(CheckpointError, match="weights") as caught:
        load_player(tmp_path / "x.safetensors")
    assert "\n" not in str(caught.value)


def test_measuring_counts_every_note_once() -> None:
    """Batching and padding do not change the figures, and first notes have no shift."""
    torch.manual_seed(0)
    model = Player(PlayerConfig(width=16, head_width=8, styles=("steps",))).eval()
    pieces = [make_piece(1, 300), make_piece(2, 5), make_piece(3, 1)]
    device = torch.device("cpu")
    together = measure(model, pieces, device)
    alone = [measure(model, [piece], device) for piece in pieces]
    for name in FIELDS:
        counts = [len(p) - (name == "shift") for p in pieces]
        mean = np.average([found[name] for found in alone], weights=counts)
        assert together[name] == pytest.approx(mean, abs=1e-4)


def test_samples_are_spread_and_capped() -> None:
    """A sample has about the notes asked for, and all pieces when they are few."""
    pieces = [make_piece(seed, 50) for seed in range(100)]
    chosen = sample(pieces, 500)
    assert len(chosen) == 10
    assert (chosen[0], chosen[-1]) == (pieces[0], pieces[-1])
    assert len(sample(pieces[:3], 500)) == 3
