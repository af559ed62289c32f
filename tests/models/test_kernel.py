"""The compiled kernel: right, within stated bounds, and replaced by numpy where there is none."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import CheckpointError
from antiphon.model import Controls, Event, Window
from antiphon.music import Meter, Ticks, Voice
from antiphon_models import kernel as kernel_module
from antiphon_models import player, runtime
from antiphon_models.checkpoint import save_checkpoint
from antiphon_models.conditions import SIZES
from antiphon_models.events import COLUMN, FIELDS
from antiphon_models.folding import PLAYED
from antiphon_models.kernel import (
    KERNELS,
    Kernel,
    Linear,
    address,
    is_right,
    kernel_path,
    load_kernel,
    round_rows,
)
from antiphon_models.measure import measure_memory, measure_reference, random_weights
from antiphon_models.network import INPUT_SIZES, INPUTS, NumpyNetwork
from antiphon_models.network_kernel import KernelNetwork, fits_kernel
from antiphon_models.rounding import round_weights
from antiphon_models.runtime import (
    GPU_FROM,
    KernelPlayer,
    NumpyPlayer,
    RecurrentPlayer,
    choose_device,
    load_player,
)
from antiphon_models.sampling import COLDEST, RARE, draw

CONFIG = player.PlayerConfig(width=48, layers=2, head_width=24, styles=("calm", "wild"))
NOTES = 200
SAME = 0.02
"""Bound on a logit: the kernel against numpy with the same rounded weights."""
ROUNDED = 0.5
"""Bound on a logit: the kernel against the network as it was trained."""

FOUND = load_kernel()
needs_kernel = pytest.mark.skipif(FOUND is None, reason="no kernel for this machine")


@pytest.fixture
def kernel() -> Kernel:
    """Return the kernel of this machine."""
    assert FOUND is not None
    return FOUND


@pytest.fixture(scope="module")
def weights() -> dict[str, Any]:
    """Make a network whose weights are all away from where they begin."""
    return away(CONFIG)


def away(config: player.PlayerConfig) -> dict[str, Any]:
    """Return the weights of a network, all away from where they begin."""
    torch.manual_seed(3)
    model = player.Player(config).eval()
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    return {name: weight.numpy() for name, weight in model.state_dict().items()}


def rows(seed: int = 0) -> np.ndarray:
    """Return the ids of random notes, (NOTES, inputs)."""
    random = np.random.default_rng(seed)
    return np.stack([random.integers(0, INPUT_SIZES[name], NOTES) for name in INPUTS], 1)


def logits_of(network: Any, notes: np.ndarray) -> np.ndarray:
    """Read notes one by one; return all logits of the note after each, (NOTES, classes)."""
    found = []
    network.clear()
    network.read(None)
    for note, following in zip(notes, np.roll(notes, -1, 0), strict=True):
        network.read(note.tolist())
        known = {name: int(i) for name, i in zip(INPUTS, following, strict=True)}
        found.append(np.concatenate([network.score(field, known).copy() for field in FIELDS]))
    return np.stack(found)


def nats(logits: np.ndarray, notes: np.ndarray) -> float:
    """Return the mean negative log likelihood of the notes that follow, all fields together."""
    total, at = 0.0, 0
    for field in FIELDS:
        size = player.FIELD_SIZES[field]
        part = logits[:, at : at + size].astype(np.float64)
        truth = np.minimum(np.roll(notes, -1, 0)[:, COLUMN_OF[field]], size - 1)
        total += np.mean(np.logaddexp.reduce(part, axis=1) - part[np.arange(len(part)), truth])
        at += size
    return total


COLUMN_OF = {name: index for index, name in enumerate(INPUTS)}
assert COLUMN_OF["pitch"] == COLUMN["pitch"]


def test_every_platform_has_its_kernel_built_from_this_source() -> None:
    """Source and kernels are those whose sums tools/build_kernels.py wrote down together."""
    lines = (KERNELS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = {name: digest for digest, name in (line.split() for line in lines)}
    for name, digest in sums.items():
        assert hashlib.sha256((KERNELS / name).read_bytes()).hexdigest() == digest, name
    platforms = [(s, m) for s in ("linux", "darwin", "win32") for m in ("x86_64", "arm64")]
    paths = [kernel_path(*platform) for platform in platforms]
    assert {path.name for path in paths if path} | {"step.c"} == set(sums)


def test_names_of_machines() -> None:
    """Windows and macOS name processors in their own way; others have no kernel."""
    assert kernel_path("win32", "AMD64") == KERNELS / "step-windows-x86_64.dll"
    assert kernel_path("darwin", "arm64") == KERNELS / "step-macos-aarch64.dylib"
    assert kernel_path("linux", "riscv64") is None
    assert kernel_path("freebsd14", "amd64") is None


@needs_kernel
@pytest.mark.parametrize(("rows_", "cols"), [(1, 8), (4, 32), (7, 40), (99, 256), (32, 1024)])
def test_products_are_exact_but_for_the_rounded_input(
    kernel: Kernel, rows_: int, cols: int
) -> None:
    """A product differs from that of the rounded matrix by half a level of the input at most."""
    random = np.random.default_rng(rows_)
    weight = random.normal(0, 1, (rows_, cols)).astype(np.float32)
    bias = random.normal(0, 1, rows_).astype(np.float32)
    x = random.normal(0, 3, cols).astype(np.float32)
    matrix = Linear(weight, bias)
    y = np.empty(matrix.rows, np.float32)
    kernel.linear(matrix.pointer, address(x), address(y))
    numbers, scales = round_rows(weight)
    exact = (numbers * scales[:, None]).astype(np.float64)
    level = np.abs(x).max() / min((2**31 - 1) // 255 // -(-cols // 32 * 32), 2**15 - 1)
    bound = np.abs(exact).sum(1) * abs(level) / 2 + 1e-4
    assert (np.abs(y[:rows_] - (exact @ x + bias)) <= bound).all()


@needs_kernel
def test_sums_never_overflow(kernel: Kernel) -> None:
    """The largest weights times the largest inputs, 2048 in a row, come out right."""
    matrix = Linear(np.ones((4, 2048), np.float32), np.zeros(4, np.float32))
    y = np.empty(4, np.float32)
    for sign in (1, -1):
        x = np.full(2048, 5.0 * sign, np.float32)
        kernel.linear(matrix.pointer, address(x), address(y))
        np.testing.assert_allclose(y, sign * 10240, rtol=1e-5)
    x = np.zeros(2048, np.float32)
    kernel.linear(matrix.pointer, address(x), address(y))
    assert not y.any()


@needs_kernel
@pytest.mark.parametrize("core", PLAYED)
@pytest.mark.parametrize(("style", "layers"), [(0, 1), (1, 2), (2, 3)])
def test_the_kernel_says_what_numpy_says(
    kernel: Kernel, core: str, style: int, layers: int
) -> None:
    """With the same rounded weights no logit differs by more than SAME, whatever the core."""
    config = {**CONFIG.to_dict(), "layers": layers, "core": core}
    weights = round_weights(config, random_weights(config, layers))
    networks = [NumpyNetwork(config, weights), KernelNetwork(kernel, config, weights)]
    for network in networks:
        network.set_style(weights["embed.style"][style])
    plain, fast = (logits_of(network, rows()) for network in networks)
    assert fast.dtype == np.float32
    assert np.abs(fast - plain).max() < SAME


@needs_kernel
def test_rounding_costs_next_to_nothing(kernel: Kernel, weights: dict[str, Any]) -> None:
    """Against the trained weights a logit moves by less than ROUNDED, a note by 0.01 nats."""
    config, notes = CONFIG.to_dict(), rows(1)
    plain = logits_of(NumpyNetwork(config, weights), notes)
    fast = logits_of(KernelNetwork(kernel, config, round_weights(config, weights)), notes)
    assert np.abs(fast - plain).max() < ROUNDED
    assert abs(nats(fast, notes) - nats(plain, notes)) < 0.01


@pytest.mark.parametrize("core", PLAYED)
def test_rounding_twice_is_rounding_once(core: str) -> None:
    """Rounded weights have the names and shapes of the checkpoint, and stay as they are."""
    config = replace(CONFIG, core=core)
    weights = away(config)
    once = round_weights(config.to_dict(), weights)
    twice = round_weights(config.to_dict(), once)
    assert {n: w.shape for n, w in once.items()} == {n: w.shape for n, w in weights.items()}
    for name, weight in once.items():
        np.testing.assert_array_equal(twice[name], weight)


def run(playing: RecurrentPlayer, notes: int, seed: int = 0) -> list[Event]:
    """Let a player go on by itself."""
    playing.begin(Meter())
    random, found, last = np.random.default_rng(seed), [], Ticks(0)
    everything = Controls(voices=tuple(Voice))
    for _ in range(notes):
        found.append(playing.sample(Window(last, Ticks(last + 3072)), everything, random))
        playing.feed(found[-1])
        last = found[-1].onset
    return found


@needs_kernel
@pytest.mark.parametrize("core", PLAYED)
def test_the_kernel_plays_the_notes_that_numpy_plays(kernel: Kernel, core: str) -> None:
    """Same seed, same rounded weights: the same notes, with a kernel or without."""
    config = {**CONFIG.to_dict(), "core": core}
    rounded = round_weights(config, away(replace(CONFIG, core=core)))
    fast, plain = KernelPlayer(kernel, config, rounded), NumpyPlayer(config, rounded)
    assert run(fast, 60) == run(plain, 60)
    assert fast.info.arithmetic == "compiled kernel"


@needs_kernel
@pytest.mark.parametrize(("core", "vectors"), [("lstm", 7), ("linear", 3)])
def test_restore_undoes_everything(kernel: Kernel, core: str, vectors: int) -> None:
    """After a restore the same logits come again; a snapshot is small and never changes."""
    config = {**CONFIG.to_dict(), "core": core}
    network = KernelNetwork(kernel, config, random_weights(config))
    notes = rows(2)
    network.read(None)
    network.read(notes[0].tolist())
    before = network.memory()
    known = dict.fromkeys(INPUTS, 1)
    first = network.score("pitch", known).copy()
    network.read(notes[1].tolist())
    assert not np.array_equal(network.score("pitch", known), first)
    network.recall(before)
    np.testing.assert_array_equal(network.score("pitch", known), first)
    assert before.nbytes == vectors * CONFIG.width * 4
    with pytest.raises(ValueError, match="read-only"):
        before[0] = 1


@needs_kernel
@pytest.mark.parametrize("wrong", [-1, 10_000])
def test_a_note_out_of_range_is_refused(
    kernel: Kernel, weights: dict[str, Any], wrong: int
) -> None:
    """An id that no table has raises; nothing beyond the tables is read."""
    network = KernelNetwork(kernel, CONFIG.to_dict(), weights)
    network.read(None)
    with pytest.raises(IndexError, match="ids of a note"):
        network.read((0, 0, wrong, 0, 0, 0, 0))
    with pytest.raises(IndexError, match="ids of a note"):
        network.score("velocity", {**dict.fromkeys(INPUTS, 0), "pitch": wrong})


finite = st.floats(-30, 30, width=32)


@needs_kernel
@given(
    logits=st.lists(finite, min_size=1, max_size=128),
    closed=st.sets(st.integers(0, 127)),
    uniform=st.floats(0, 1, exclude_max=True),
    temperature=st.floats(0.0, 2.0),
)
def test_the_kernel_draws_what_numpy_draws(
    logits: list[float], closed: set[int], uniform: float, temperature: float
) -> None:
    """The class drawn is numpy's; where rounding decides, one whose edge is that near."""
    assert FOUND is not None
    scores = np.array(logits, np.float32)
    mask = np.zeros(len(scores), np.float32)
    mask[[i for i in closed if i < len(scores)]] = -np.inf
    if not np.isfinite(mask).any():
        mask[:] = 0
    room = np.empty(128, np.float32)
    found = FOUND.draw(
        address(scores),
        address(mask),
        len(scores),
        uniform,
        1 / max(temperature, COLDEST),
        float(RARE),
        address(room),
    )
    assert mask[found] == 0
    expected = draw(scores, uniform, temperature, mask)
    if found != expected:
        z = (scores + mask).astype(np.float64)
        shares = np.exp((z - z.max()) / max(temperature, COLDEST))
        near_rare = np.abs(shares - RARE) < 1e-4
        shares[shares < RARE] = 0
        edges = np.cumsum(shares) / shares.sum()
        assert near_rare.any() or np.abs(edges - uniform).min() < 1e-4


@needs_kernel
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused(
    kernel: Kernel, weights: dict[str, Any], wrong: float
) -> None:
    """NaN and infinity are found when a class is drawn."""
    network = KernelNetwork(kernel, CONFIG.to_dict(), weights)
    scores = np.zeros(12, np.float32)
    scores[5] = wrong
    with pytest.raises(CheckpointError, match="finite"):
        network.draw(scores, 0.5, 1.0)


def save(path: Path, config: dict[str, Any]) -> Path:
    """Write a checkpoint of random weights."""
    save_checkpoint(path, "player", config, random_weights(config), {})
    return path


def test_without_a_kernel_numpy_plays_the_same(tmp_path: Path, monkeypatch: Any) -> None:
    """Where no kernel is found the same checkpoint plays the same notes, with numpy."""
    path = save(tmp_path / "x.safetensors", CONFIG.to_dict())
    first = run(load_player(path), 40)
    monkeypatch.setattr(runtime, "load_kernel", lambda: None)
    plain = load_player(path)
    assert isinstance(plain, NumpyPlayer)
    assert run(plain, 40) == first


def test_odd_widths_are_for_numpy(tmp_path: Path) -> None:
    """Widths that are no multiple of the kernel's lanes are played with numpy."""
    config = {**CONFIG.to_dict(), "head_width": 20}
    assert not fits_kernel(config)
    assert isinstance(load_player(save(tmp_path / "x.safetensors", config)), NumpyPlayer)


def test_a_broken_kernel_is_left_alone(tmp_path: Path, monkeypatch: Any) -> None:
    """A file that is missing or no library is as good as none."""
    monkeypatch.setattr(kernel_module, "KERNELS", tmp_path)
    load_kernel.cache_clear()
    try:
        assert load_kernel() is None
        path = kernel_path(sys.platform, "x86_64")
        if path is not None:
            monkeypatch.setattr(kernel_module.platform, "machine", lambda: "x86_64")
            path.write_bytes(b"no library")
            load_kernel.cache_clear()
            assert load_kernel() is None
    finally:
        load_kernel.cache_clear()


@needs_kernel
def test_a_kernel_that_errs_is_found_out(kernel: Kernel, monkeypatch: Any) -> None:
    """A kernel whose layers or draws are wrong does not pass its check."""
    assert is_right(kernel)
    lstm, recur = kernel.lstm, kernel.recur
    monkeypatch.setattr(kernel, "lstm", lambda m, e, *rest: lstm(m, e + 0.5, *rest))
    assert not is_right(kernel)
    monkeypatch.setattr(kernel, "lstm", lstm)
    monkeypatch.setattr(kernel, "recur", lambda m, n, e, *rest: recur(m, n, e + 0.5, *rest))
    assert not is_right(kernel)
    monkeypatch.setattr(kernel, "recur", recur)
    monkeypatch.setattr(kernel, "draw", lambda *rest: 0)
    assert not is_right(kernel)


def test_auto_is_the_cpu_for_small_networks_and_a_gpu_for_large_ones(monkeypatch: Any) -> None:
    """The device goes by the number of weights, and by what torch has."""
    gpus = {"cuda": False, "mps": False}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus["cuda"])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: gpus["mps"])
    assert choose_device(GPU_FROM) == "cpu"
    gpus["mps"] = True
    assert choose_device(GPU_FROM) == "mps"
    gpus["cuda"] = True
    assert choose_device(GPU_FROM) == "cuda"
    assert choose_device(GPU_FROM - 1) == "cpu"
    monkeypatch.setattr(runtime, "find_spec", lambda name: None)
    assert choose_device(GPU_FROM) == "cpu"


def test_measures_count_what_they_are_asked_for(weights: dict[str, Any]) -> None:
    """As many durations as were asked for, all above 0; the player is where it was."""
    playing = NumpyPlayer(CONFIG.to_dict(), weights)
    saving, restoring = measure_memory(playing, 5)
    assert len(saving) == len(restoring) == 5
    assert min(saving + restoring + measure_reference(3)) > 0


@needs_kernel
def test_the_kernel_favours_what_is_expected_as_numpy_does(kernel: Kernel) -> None:
    """With a memory and conditions, too, every head says what numpy says."""
    config = replace(CONFIG, memory=True, conditions=tuple(SIZES))
    torch.manual_seed(4)
    model = player.Player(config).eval()
    trained = {
        name: weight.detach().numpy() + 0.1 * np.random.default_rng(1).normal(size=weight.shape)
        for name, weight in model.named_parameters()
    }
    weights = round_weights(config.to_dict(), trained)
    both: list[RecurrentPlayer] = [
        KernelPlayer(kernel, config.to_dict(), weights),
        NumpyPlayer(config.to_dict(), weights),
    ]
    for number in range(40):  # a phrase of eight notes, again and again
        note = Event(Ticks(24 * number), 60 + number % 8, 80, Voice.MELODY, Ticks(20))
        known = {"shift": 24, "voice": 0, "pitch": 60, "velocity": 20, "duration": 20}
        known |= {"beat_phase": 0, "bar_phase": 1}
        for field in FIELDS:
            one, other = (each._score(field, known).copy() for each in both)
            np.testing.assert_allclose(one, other, atol=SAME)
        for each in both:
            each.feed(note)
    assert both[0]._expected == both[1]._expected
    assert both[0]._expected.trust > 0
