"""Training the DIC and the GAN: it ends with checkpoints that play, and resumes exactly."""

from __future__ import annotations

import argparse
import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon.music import Beats, Phrase, Voice
from antiphon_models import loop
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.codec import load_codec
from antiphon_models.commands import add_train_arguments, run_train
from antiphon_models.dic import HINTS
from antiphon_models.editor import load_editor
from antiphon_models.events import piece_to_notes
from antiphon_models.rolls import POSITION
from antiphon_models.train_dic import load_dic
from antiphon_models.train_gan import load_gan
from antiphon_models.variation import NetworkVarier
from small_music import write_music


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the data set of this module's tests."""
    return write_music(tmp_path_factory.mktemp("data"))


def train(kind: str, data: Path, out: Path, *more: str) -> int:
    """Train a network for a step, or as many as are named last."""
    parser = argparse.ArgumentParser()
    add_train_arguments(parser)
    fixed = [kind, "--data", str(data), "--out", str(out), "--device", "cpu", "--threads", "1"]
    return run_train(parser.parse_args([*fixed, "--steps", "1", *more]))


@pytest.fixture(scope="module")
def dics(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Train a tiny DIC for drums, and one for pitched notes."""
    made = {}
    for kind in ("drums", "pitched"):
        out = tmp_path_factory.mktemp(kind)
        assert train("dic", data, out, "--preset", f"tiny-{kind}", "--steps", "4") == 0
        made[kind] = str(out / "dic.safetensors")
    return made


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_a_trained_dic_loads(kind: str, dics: dict[str, str]) -> None:
    """What a run leaves is the same network in torch and in numpy, and says what it was."""
    path = Path(dics[kind])
    model, config = load_dic(path)
    codec = load_codec(load_checkpoint(path, "dic"))
    assert (codec.kind, config.kind, config.form) == (kind, kind, "conv")
    assert len(config.touch) == 4
    assert all(list(row) == sorted(row) for row in config.touch)
    assert all(scale > 0 for scale in config.scales)
    shape = (1, 8, 4, 9, 3) if kind == "drums" else (1, 8, 4, 88, 4)
    roll, where = np.ones(shape, np.float32), np.ones((1, 8, POSITION), np.float32)
    with torch.no_grad():
        latent = model.encode(
            torch.from_numpy(roll), torch.from_numpy(where), torch.zeros(1, 8, HINTS)
        )
    np.testing.assert_allclose(codec.encode(roll, where).style, latent.style.numpy(), atol=1e-4)
    info = load_checkpoint(path).info
    assert info["data"]["songs"]["licence"] == "CC0"
    assert info["command"].startswith("antiphon train dic")
    assert all(math.isfinite(value) for value in info["metrics"].values())


def test_a_dic_learns(data: Path, tmp_path: Path) -> None:
    """A short run brings the validation's score down."""
    scores = []
    for steps in (1, 30):
        out = tmp_path / str(steps)
        more = ["--preset", "tiny-drums", "--steps", str(steps), "--lr", "0.03"]
        assert train("dic", data, out, *more) == 0
        scores.append(load_checkpoint(out / "dic.safetensors").info["metrics"]["all/score"])
    assert scores[1] < 0.95 * scores[0]
    with (tmp_path / "30" / "log.csv").open() as file:
        values = [float(row["value"]) for row in csv.DictReader(file)]
    assert all(math.isfinite(value) for value in values)


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_the_dense_baseline_trains(kind: str, data: Path, tmp_path: Path) -> None:
    """The textbook's form trains and loads, but is no codec."""
    assert train("dic", data, tmp_path, "--preset", f"{kind}-dense", "--batch", "8") == 0
    path = tmp_path / "dic.safetensors"
    _, config = load_dic(path)
    assert (config.kind, config.form) == (kind, "dense")
    with pytest.raises(CheckpointError, match="form dense"):
        load_codec(load_checkpoint(path))


@pytest.mark.parametrize("kind", ["drums", "pitched"])
def test_a_trained_gan_varies(kind: str, data: Path, dics: dict[str, str], tmp_path: Path) -> None:
    """A GAN trained on a DIC keeps that DIC's weights, loads in both libraries, and varies."""
    preset = ["--preset", f"tiny-{kind}", "--dic", dics[kind], "--steps", "3"]
    assert train("gan", data, tmp_path, *preset) == 0
    path = tmp_path / "gan.safetensors"
    model, config = load_gan(path)
    assert config.dic == load_dic(Path(dics[kind]))[1]
    beneath = load_checkpoint(Path(dics[kind])).weights
    for name, weight in model.dic.state_dict().items():
        np.testing.assert_array_equal(weight.numpy(), beneath[name])
    metrics = load_checkpoint(path).info["metrics"]
    assert {"songs/pair_loss", "songs/frechet", "all/score"} <= set(metrics)
    assert all(math.isfinite(value) for value in metrics.values())
    from small_music import make_piece

    piece = make_piece(9, bars=2)
    drums = piece.voice == Voice.DRUMS
    phrase = Phrase(piece_to_notes(piece.select(drums if kind == "drums" else ~drums)))
    varier = NetworkVarier([load_editor(load_checkpoint(path, "gan"))])
    made = [v for v in varier.variations(phrase, Beats(8.0), 0.5, 3, (1,)) if v is not None]
    assert len({v.notes for v in made}) == 3


@pytest.mark.parametrize("kind", ["dic", "gan"])
def test_a_resumed_run_ends_with_the_same_weights(
    kind: str,
    data: Path,
    dics: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Interrupted and resumed, a run ends bit for bit like one that was left alone."""
    preset = ["--preset", "tiny-drums", "--steps", "6", "--dic", dics["drums"]]
    assert train(kind, data, tmp_path / "whole", *preset) == 0
    step = loop.Loop._step

    def interrupted(self: loop.Loop) -> torch.Tensor:
        self.stop = self.step == 2
        return step(self)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Loop, "_step", interrupted)
        assert train(kind, data, tmp_path / "parts", *preset) == 130
    assert train(kind, data, tmp_path / "parts", *preset, "--resume") == 0
    whole, parts = (
        load_checkpoint(tmp_path / name / f"{kind}.safetensors") for name in ("whole", "parts")
    )
    for name, weight in whole.weights.items():
        np.testing.assert_array_equal(parts.weights[name], weight)
    assert parts.config == whole.config
    assert parts.info["metrics"] == whole.info["metrics"]
    other = ["--preset", "tiny-pitched", "--dic", dics["pitched"]]
    with pytest.raises(CheckpointError, match="another preset or data set"):
        train(kind, data, tmp_path / "parts", *other, "--resume")


@pytest.mark.parametrize("kind", ["dic", "gan"])
def test_a_run_can_start_from_a_checkpoint(
    kind: str, data: Path, dics: dict[str, str], tmp_path: Path
) -> None:
    """--init starts from weights of the same kind of notes, and refuses others in one line."""
    preset = ["--preset", "tiny-drums", "--dic", dics["drums"]]
    assert train(kind, data, tmp_path / "first", *preset, "--lr", "1e-9") == 0
    first = tmp_path / "first" / f"{kind}.safetensors"
    again = ["--init", str(first), "--lr", "1e-9"]
    assert train(kind, data, tmp_path / "second", *preset, *again) == 0
    second = load_checkpoint(tmp_path / "second" / f"{kind}.safetensors")
    for name, weight in load_checkpoint(first).weights.items():
        np.testing.assert_allclose(second.weights[name], weight, atol=1e-3)
    other = ["--preset", "tiny-pitched", "--dic", dics["pitched"], "--init", str(first)]
    with pytest.raises(CheckpointError, match="found some for drums"):
        train(kind, data, tmp_path / "third", *other)


def test_what_cannot_be_trained_is_refused(
    data: Path, dics: dict[str, str], tmp_path: Path
) -> None:
    """Unknown presets, wrong networks beneath or to start from, and unfit data: one line each."""
    out = tmp_path / "out"
    for kind in ("dic", "gan"):
        with pytest.raises(UsageError, match="--preset is one of"):
            train(kind, data, out, "--preset", "none")
    with pytest.raises(CheckpointError, match="for pitched of the form conv"):
        train("gan", data, out, "--preset", "tiny-pitched", "--dic", dics["drums"])
    with pytest.raises(CheckpointError, match="expected a dic checkpoint named nothing"):
        train("gan", data, out, "--preset", "tiny-drums", "--dic", "nothing")
    dense = tmp_path / "dense"
    train("dic", data, dense, "--preset", "drums-dense", "--batch", "8")
    with pytest.raises(CheckpointError, match="form dense"):
        train("gan", data, out, "--preset", "drums", "--dic", str(dense / "dic.safetensors"))
    with pytest.raises(CheckpointError, match="of kind dic"):
        train("gan", data, out, "--dic", dics["drums"], "--init", dics["drums"])
    init = ["--init", str(dense / "dic.safetensors")]
    with pytest.raises(CheckpointError, match="form dense"):
        train("dic", data, out, "--preset", "tiny-drums", *init)
    drums = write_music(tmp_path / "drums", only="drums")
    with pytest.raises(DataError, match="pitched notes"):
        train("dic", drums, out, "--preset", "tiny-pitched")
    short, long = write_music(tmp_path / "short", bars=2), write_music(tmp_path / "5/4", beats=5)
    with pytest.raises(DataError, match="come back varied in the train split"):
        train("gan", short, out, "--preset", "tiny-drums", "--dic", dics["drums"])
    with pytest.raises(DataError, match="two bars"):
        train("dic", long, out, "--preset", "tiny-drums")


def test_a_checkpoint_of_another_kind_is_refused(dics: dict[str, str], tmp_path: Path) -> None:
    """A DIC is no GAN, and weights that do not fit their config are none."""
    with pytest.raises(CheckpointError, match="of kind dic"):
        load_gan(Path(dics["drums"]))
    from antiphon_models.checkpoint import save_checkpoint

    path = tmp_path / "x.safetensors"
    for kind, load in (("dic", load_dic), ("gan", load_gan)):
        save_checkpoint(path, kind, {"kind": "drums"}, {"a": np.ones(1, np.float32)}, {})
        with pytest.raises(CheckpointError, match="weights") as caught:
            load(path)
        assert "\n" not in str(caught.value)
