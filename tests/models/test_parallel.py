"""Data-parallel training: two processes take the steps that one takes with the whole batch."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from antiphon.errors import UsageError
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.data.stream import EventStreams
from antiphon_models.parallel import Ranks
from antiphon_models.train_dic import whole_batch
from small_music import make_piece, write_music

BOUND = 1e-5
"""How far weights may lie apart after six steps: sums of floats in another order."""

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the data set of this module's tests."""
    return write_music(tmp_path_factory.mktemp("data"))


def train(
    processes: int, out: Path, *words: str, stop: tuple[int, int] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run ``antiphon train`` in so many processes; `stop` names a rank and a step."""
    paths = [ROOT / "bridge", ROOT / "models", ROOT / "tests" / "support"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, paths)),
        "OMP_NUM_THREADS": "1",
    }
    if stop is not None:
        environment |= {"STOP_RANK": str(stop[0]), "STOP_STEP": str(stop[1])}
    command = [sys.executable, "-m", "train_process"]
    if processes > 1:
        command[2:2] = [
            *("torch.distributed.run", "--standalone", f"--nproc_per_node={processes}", "-m")
        ]
    fixed = ["--out", str(out), "--device", "cpu", "--threads", "1"]
    return subprocess.run(
        [*command, "train", *words, *fixed],
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def player(data: Path) -> list[str]:
    """Return the words that train a tiny player for six steps, nothing dropped out."""
    options = ["--preset", "tiny", "--dropout", "0", "--precision", "fp32", "--steps", "6"]
    return ["player", "--data", str(data), *options]


def resumable(run: Path) -> dict[str, Any]:
    """Read what a run saved, in full precision."""
    state: dict[str, Any] = torch.load(run / "resume.pt", weights_only=True)
    return state


def distance(one: Path, other: Path) -> float:
    """Return how far the weights of two runs, and their averages, lie apart at most."""
    a, b = resumable(one), resumable(other)
    return max(
        float((a[part][name] - b[part][name]).abs().max())
        for part in ("weights", "average")
        for name in a[part]
    )


@pytest.fixture(scope="module")
def pair(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a player in two processes."""
    out = tmp_path_factory.mktemp("pair")
    done = train(2, out, *player(data))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("validation  all") == 1
    return out


@pytest.mark.timeout(600)
def test_two_processes_are_one(data: Path, pair: Path, tmp_path: Path) -> None:
    """Two processes train a player to the weights of one, and rank 0 alone says and writes so."""
    done = train(1, tmp_path, *player(data))
    assert done.returncode == 0, done.stderr
    assert distance(pair, tmp_path) <= BOUND
    one, two = (load_checkpoint(run / "player.safetensors") for run in (tmp_path, pair))
    assert two.info["notes_seen"] == one.info["notes_seen"] > 0
    assert (one.info["processes"], two.info["processes"]) == (1, 2)
    assert two.info["metrics"] == pytest.approx(one.info["metrics"], abs=1e-4)
    logs = [(run / "log.csv").read_text().splitlines() for run in (tmp_path, pair)]
    assert [len(log) for log in logs] == [len(logs[0])] * 2
    assert len(resumable(pair)["ranks"]) == 2


@pytest.mark.timeout(600)
def test_processes_resume_together(data: Path, pair: Path, tmp_path: Path) -> None:
    """A stop asked of one process ends both after the same step; resumed, nothing has changed."""
    words = player(data)
    assert train(2, tmp_path, *words, stop=(1, 2)).returncode != 0
    assert resumable(tmp_path)["step"] == 3
    alone = train(1, tmp_path, *words, "--resume")
    assert alone.returncode == 2
    assert "found one of 2" in alone.stderr
    done = train(2, tmp_path, *words, "--resume")
    assert done.returncode == 0, done.stderr
    assert distance(pair, tmp_path) == 0


@pytest.mark.timeout(600)
def test_two_processes_train_a_gan(data: Path, tmp_path: Path) -> None:
    """Two processes train DIC and GAN; the GAN, in which nothing else is random, as one would."""
    shape = ["--data", str(data), "--preset", "tiny-drums", "--steps", "3"]
    done = train(2, tmp_path / "dic", "dic", *shape)
    assert done.returncode == 0, done.stderr
    gan = ["gan", *shape, "--dic", str(tmp_path / "dic" / "dic.safetensors")]
    for processes in (1, 2):
        done = train(processes, tmp_path / str(processes), *gan)
        assert done.returncode == 0, done.stderr
    assert distance(tmp_path / "1", tmp_path / "2") <= BOUND


def test_each_process_reads_its_own_streams() -> None:
    """The streams of all processes side by side are those that one process reads."""
    pieces = {"songs": [make_piece(seed) for seed in range(4)]}

    def chunks(share: tuple[int, int]) -> np.ndarray[Any, Any]:
        streams = EventStreams(pieces, ("songs",), 5, 64, seed=3, share=share)
        return np.concatenate([streams.next_chunk()[0] for _ in range(4)])

    parts = [chunks((rank, 2)) for rank in range(2)]
    assert [part.shape[1] for part in parts] == [2, 3]
    np.testing.assert_array_equal(np.concatenate(parts, 1), chunks((0, 1)))


def test_windows_are_shared_evenly() -> None:
    """A batch of windows that does not divide by the processes is refused; shares are all of it."""
    with pytest.raises(UsageError, match="multiple of 3"):
        whole_batch(64, Ranks(0, 3))
    shares = [Ranks(rank, 3).mine(8) for rank in range(3)]
    assert [i for share in shares for i in range(8)[share]] == list(range(8))
