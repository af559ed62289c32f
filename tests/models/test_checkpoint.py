"""Checkpoints: what is written comes back, and what is broken is refused in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from antiphon.errors import CheckpointError
from antiphon_models import checkpoint
from antiphon_models.checkpoint import (
    CheckpointHeader,
    Packed,
    find_checkpoints,
    load_checkpoint,
    read_header,
    save_checkpoint,
)
from antiphon_models.measure import random_weights
from antiphon_models.pack import main
from antiphon_models.player import PlayerConfig
from antiphon_models.rounding import round_weights

WEIGHTS = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.ones(4, np.float32),
    "single": np.array(2.0, np.float32),
}


def write(path: Path, kind: str = "player") -> Path:
    """Write a small checkpoint."""
    save_checkpoint(path, kind, {"width": 3}, WEIGHTS, {"seed": 1, "data": {"é": {}}})
    return path


def test_packed_weights_come_back(tmp_path: Path) -> None:
    """A matrix in eight bits is its numbers times the scale of each row; vectors stay exact."""
    numbers, scales = np.array([[1, -127], [3, 0]], np.int8), np.array([0.1, 7], np.float32)
    vector = np.array([1 / 3], np.float32)
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, "player", {}, {"a": Packed(numbers, scales), "b": vector}, {})
    found = load_checkpoint(path).weights
    assert found.keys() == {"a", "b"}
    np.testing.assert_array_equal(found["a"], numbers * scales[:, None])
    np.testing.assert_array_equal(found["b"], vector)


def test_a_scale_that_fits_nothing_is_refused(tmp_path: Path) -> None:
    """Scales without their matrix, or of another length, make a broken file."""
    for weights in (
        {"a/scale": np.ones(2, np.float32)},
        {"a": np.ones((2, 3), np.int8), "a/scale": np.ones(5, np.float32)},
    ):
        save_file(weights, tmp_path / "x.safetensors", {"format": "2", "kind": "player"})
        assert "broken" in refusal(tmp_path / "x.safetensors")


def test_a_packed_player_plays_the_same(tmp_path: Path) -> None:
    """What is played is the same to the last bit, packed or not; the file is smaller."""
    config = PlayerConfig(width=48, layers=2, head_width=24, memory=True).to_dict()
    path, small = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    save_checkpoint(path, "player", config, random_weights(config), {"seed": 4})
    assert main([str(path), str(small)]) == 0
    whole, packed = load_checkpoint(path), load_checkpoint(small)
    assert packed.info == whole.info
    played = round_weights(config, packed.weights)
    for name, weight in round_weights(config, whole.weights).items():
        np.testing.assert_array_equal(played[name], weight)
    assert small.stat().st_size < path.stat().st_size


def test_packing_nothing_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there is named in one line."""
    assert main([str(tmp_path / "no.safetensors"), str(tmp_path / "y.safetensors")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def refusal(path: Path, kind: str | None = None) -> str:
    """Return the one line with which a file is refused."""
    with pytest.raises(CheckpointError) as caught:
        load_checkpoint(path, kind)
    text = str(caught.value)
    assert "\n" not in text
    assert text.count(";") >= 2
    return text


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    """Weights, config and information are read as they were written."""
    found = load_checkpoint(write(tmp_path / "new" / "x.safetensors"), "player")
    assert (found.kind, found.config, found.info) == (
        "player",
        {"width": 3},
        {"seed": 1, "data": {"é": {}}},
    )
    assert found.weights.keys() == WEIGHTS.keys()
    for name, weight in WEIGHTS.items():
        np.testing.assert_array_equal(found.weights[name], weight)
        assert found.weights[name].dtype == np.float32
        assert found.weights[name].shape == weight.shape


def test_weights_take_two_bytes_each(tmp_path: Path) -> None:
    """Weights are stored in half precision, rounded to the nearest, and read as single."""
    path = tmp_path / "x.safetensors"
    weights = {"w": np.linspace(-1, 1, 50_000, dtype=np.float32)}
    save_checkpoint(path, "player", {}, weights, {})
    assert path.stat().st_size < 2 * 50_000 + 1_000
    np.testing.assert_allclose(load_checkpoint(path).weights["w"], weights["w"], atol=2**-12)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    """A path without a file is refused, and so is a folder."""
    assert "no such file" in refusal(tmp_path / "none.safetensors")
    assert "no such file" in refusal(tmp_path)


@pytest.mark.parametrize("keep", [0, 4, 8, 60, -1])
def test_a_truncated_file_is_refused(tmp_path: Path, keep: int) -> None:
    """However much of the file is missing, it is refused."""
    path = write(tmp_path / "x.safetensors")
    path.write_bytes(path.read_bytes()[:keep])
    assert "broken" in refusal(path)


def test_a_foreign_file_is_refused(tmp_path: Path) -> None:
    """Bytes that are no safetensors, or safetensors without our metadata, are refused."""
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"\x80\x04}" * 100)
    assert "broken" in refusal(path)
    save_file(WEIGHTS, path)
    assert "format none" in refusal(path)


def test_an_unknown_version_is_refused(tmp_path: Path) -> None:
    """A file of a later format is refused by its version."""
    path = tmp_path / "x.safetensors"
    save_file(WEIGHTS, path, {"format": "9", "kind": "player", "config": "{}", "info": "{}"})
    assert "found format 9" in refusal(path)


def test_broken_metadata_is_refused(tmp_path: Path) -> None:
    """Metadata that is no JSON table is refused."""
    for config in ("{", json.dumps([1])):
        path = tmp_path / "x.safetensors"
        save_file(WEIGHTS, path, {"format": "1", "kind": "player", "config": config, "info": "{}"})
        assert "metadata" in refusal(path)


def test_the_wrong_kind_is_refused(tmp_path: Path) -> None:
    """A GAN is no player, and an unknown kind is nothing at all."""
    assert "of kind gan" in refusal(write(tmp_path / "g.safetensors", "gan"), "player")
    path = tmp_path / "x.safetensors"
    save_file(WEIGHTS, path, {"format": "1", "kind": "cat", "config": "{}", "info": "{}"})
    assert "of kind cat" in refusal(path)


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails, the checkpoint that was there is still whole."""
    path = write(tmp_path / "x.safetensors")

    def fail(*args: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "save_file", fail)
    with pytest.raises(CheckpointError, match="disk full"):
        write(path)
    assert read_header(path).info["seed"] == 1


def test_checkpoints_are_found_and_broken_ones_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shipped checkpoints come first, then the user's; a broken one is listed by its error."""
    monkeypatch.setattr(checkpoint, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(checkpoint, "user_checkpoints", lambda: tmp_path / "mine")
    write(tmp_path / "shipped" / "player.safetensors")
    write(tmp_path / "mine" / "b.safetensors")
    (tmp_path / "mine" / "a.safetensors").write_bytes(b"junk")
    first, second, third = find_checkpoints()
    assert isinstance(first, CheckpointHeader)
    assert isinstance(second, CheckpointError)
    assert isinstance(third, CheckpointHeader)
    assert (first.path.name, third.path.name) == ("player.safetensors", "b.safetensors")


def test_torch_is_not_needed() -> None:
    """Events, checkpoints and the command line are imported without torch."""
    modules = "antiphon_models.checkpoint, antiphon_models.events, antiphon_models.commands"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
