"""Playing a note at a time: the arithmetic, the state, and loading."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from antiphon.errors import CheckpointError, UsageError
from antiphon.model import Controls, Event, Window
from antiphon.music import Meter, Ticks, Voice
from antiphon_models import checkpoint, network, player, runtime
from antiphon_models.checkpoint import save_checkpoint
from antiphon_models.conditions import SIZES
from antiphon_models.data.stream import piece_rows, remember
from antiphon_models.events import DURATION_MASKED, FIELDS, Piece, phases
from antiphon_models.kernel import load_kernel
from antiphon_models.measure import measure_step, random_weights
from antiphon_models.motif import ORDERS
from antiphon_models.network import NumpyNetwork, weight_shapes
from antiphon_models.rounding import round_weights
from antiphon_models.runtime import (
    KernelPlayer,
    NumpyPlayer,
    RecurrentPlayer,
    checkpoint_path,
    load_player,
)
from antiphon_models.runtime_torch import TorchPlayer

NOTES = 240
CONFIG = player.PlayerConfig(width=48, layers=2, head_width=24, styles=("calm", "wild"))
FULL = replace(CONFIG, memory=True, conditions=tuple(SIZES))
BEFORE = replace(CONFIG, core="lstm")
EVERYTHING = Controls(voices=tuple(Voice))


@pytest.fixture(scope="module", params=[CONFIG, FULL, BEFORE], ids=["plain", "memory", "lstm"])
def trained(request: pytest.FixtureRequest) -> player.Player:
    """Make a network whose weights are all away from where they begin."""
    torch.manual_seed(3)
    model = player.Player(request.param).eval()
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    return model


def numpy_weights(model: torch.nn.Module) -> dict[str, np.ndarray]:
    """Return the weights as a checkpoint has them."""
    return {name: weight.numpy() for name, weight in model.state_dict().items()}


@pytest.fixture
def numpy_player(trained: player.Player) -> NumpyPlayer:
    """Make the player that is tested."""
    return NumpyPlayer(trained.config.to_dict(), numpy_weights(trained), "test")


def piece(metered: bool) -> Piece:
    """Make notes of every kind: long waits, chords, all voices; what came first comes back."""
    random = np.random.default_rng(5)
    again = np.r_[0 : NOTES // 2, 0 : NOTES - NOTES // 2]
    onset = np.cumsum(random.choice([0, 0, 3, 12, 24, 48, 100, 5000], NOTES)[again])
    beat, bar = phases(onset, 144) if metered else (np.full(NOTES, 48), np.full(NOTES, 12))
    return Piece(
        onset=onset,
        voice=random.integers(0, 4, NOTES)[again],
        pitch=random.integers(0, 128, NOTES)[again],
        velocity=random.integers(1, 128, NOTES),
        duration=random.integers(1, 4000, NOTES),
        beat_phase=beat,
        bar_phase=bar,
    )


def scores(
    playing: RecurrentPlayer, notes: Piece, held: np.ndarray, following: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """Feed a piece note by note; return the logits of all heads before each note."""
    found = []
    for index in range(len(notes)):
        known = {j: int(following[index][player.COLUMN[j]]) for j in network.INPUTS[:-3]}
        known |= {j: int(following[index][player.COLUMN[j]]) for j in ("beat_phase", "bar_phase")}
        found.append({f: playing._score(f, known).copy() for f in FIELDS})
        duration = None if held[index] else Ticks(int(notes.duration[index]))
        onset, voice = Ticks(int(notes.onset[index])), Voice(int(notes.voice[index]))
        playing.feed(
            Event(onset, int(notes.pitch[index]), int(notes.velocity[index]), voice, duration)
        )
    return found


@pytest.mark.parametrize(
    ("metered", "mix"),
    [(True, ()), (False, (("wild", 1.0),)), (True, (("calm", 1.0), ("wild", 3.0)))],
)
def test_steps_equal_the_whole_pass(
    trained: player.Player, metered: bool, mix: tuple[tuple[str, float], ...]
) -> None:
    """Fed note by note, all five heads say what the trained network says about the piece."""
    notes = piece(metered)
    held = np.random.default_rng(6).random(NOTES) < 0.5
    rows = piece_rows(notes, 1)
    rows[1:, player.COLUMN["duration_in"]][held] = DURATION_MASKED
    rows = remember(rows)
    assert rows[1:, player.COLUMN["trust"]].max() == len(ORDERS)

    weights = numpy_weights(trained)
    style = {"": 0, "calm": 1, "wild": 2}
    total = sum(w for _, w in mix) or 1.0
    vector = sum(w / total * weights["embed.style"][style[n]] for n, w in mix or (("", 1.0),))
    mixed = player.Player(trained.config).eval()
    mixed.load_state_dict(trained.state_dict())
    mixed.embed["style"].data[1] = torch.from_numpy(np.asarray(vector))
    whole = torch.from_numpy(rows.astype(np.int64))[:, None]
    with torch.no_grad():
        expected, _ = mixed(whole[:-1], whole[1:], mixed.fresh_state(1))

    for kind in (NumpyPlayer, TorchPlayer):
        playing = kind(trained.config.to_dict(), weights)
        playing.set_style(mix)
        playing.begin(Meter(3, 4), metered=metered)
        found = scores(playing, notes, held, rows[1:])
        for field in FIELDS:
            steps = np.stack([step[field] for step in found])
            assert steps.dtype == np.float32
            np.testing.assert_allclose(steps, expected[field][:, 0].numpy(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("guidance", [0.0, 0.5, 1.0, 2.5])
@pytest.mark.parametrize("kind", [NumpyPlayer, TorchPlayer, KernelPlayer])
def test_what_is_asked_is_told_to_every_head(kind: Any, guidance: float) -> None:
    """Logits are those of the trained network without a wish, and guidance times its effect."""
    torch.manual_seed(3)
    config = replace(FULL, width=16, head_width=8)
    model = player.Player(config).eval()
    for weight in model.parameters():
        weight.data += 0.1 * torch.randn_like(weight)
    weights, close = numpy_weights(model), 1e-4
    arguments: tuple[Any, ...] = ()
    if kind is KernelPlayer:
        kernel = load_kernel()
        if kernel is None:
            pytest.skip("no kernel for this machine")
        arguments, close = (kernel,), 0.05
        weights = round_weights(config.to_dict(), weights)
        model.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
    notes = piece(metered=True)
    rows = piece_rows(notes, 0)
    so, wish = {"tempo": 4}, {"density": 5, "key": 7, "chord": 3}
    for name, index in so.items():
        rows[:, player.COLUMN[name]] = index
    plain = torch.from_numpy(rows.astype(np.int64))[:, None]
    for name, index in wish.items():
        rows[:, player.COLUMN[name]] = index
    asked = torch.from_numpy(rows.astype(np.int64))[:, None]
    with torch.no_grad():
        without, _ = model(plain[:-1], plain[1:], model.fresh_state(1))
        told, _ = model(asked[:-1], asked[1:], model.fresh_state(1))

    playing = kind(*arguments, config.to_dict(), weights)
    playing.begin(Meter(3, 4))
    tell = {name: ((index, 1.0),) for name, index in (so | wish).items()}
    playing._network.ask(tell, {name: tell[name] for name in so}, guidance)
    found = scores(playing, notes, np.zeros(NOTES, np.bool_), rows[1:])
    for field in FIELDS:
        wanted = without[field] + guidance * (told[field] - without[field])
        steps = np.stack([step[field] for step in found])
        np.testing.assert_allclose(steps, wanted[:, 0].numpy(), atol=close, rtol=1e-4)


def test_louder_is_played_as_the_loud_play_and_evened_out() -> None:
    """Scaled by the caller, the notes have on average the level that was asked for."""
    config = replace(FULL, width=16, head_width=8)
    playing = NumpyPlayer(config.to_dict(), random_weights(config.to_dict()))
    for velocity in (0.5, 1.5):
        playing.begin(Meter())
        for onset in range(24):
            playing.feed(Event(Ticks(24 * onset), 60, 64, Voice.KEYS))
        asking = replace(EVERYTHING, velocity=velocity)
        random, levels = np.random.default_rng(0), []
        for onset in range(600, 600 + 300):
            window = Window(Ticks(24 * onset), Ticks(24 * onset))
            levels.append(playing.sample(window, asking, random).velocity * velocity)
            playing.feed(playing._drawn)  # type: ignore[arg-type]
        assert np.mean(levels[50:]) == pytest.approx(64 * velocity, rel=0.15)


def test_velocity_one_changes_nothing(numpy_player: NumpyPlayer) -> None:
    """A player that is asked for nothing plays what it would; back at one it does so again."""
    first = run(numpy_player, 40)
    numpy_player.begin(Meter())
    numpy_player.sample(
        Window(Ticks(0), Ticks(50)), Controls(velocity=0.3, chord=1.0), np.random.default_rng(9)
    )
    numpy_player.begin(Meter())
    assert run(numpy_player, 40) == first


def run(playing: RecurrentPlayer, notes: int, seed: int = 0) -> list[Event]:
    """Let a player go on by itself."""
    random = np.random.default_rng(seed)
    found: list[Event] = []
    for _ in range(notes):
        last = found[-1].onset if found else Ticks(0)
        found.append(playing.sample(Window(last, Ticks(last + 3072)), EVERYTHING, random))
        playing.feed(found[-1])
    return found


def test_a_seed_repeats_exactly(numpy_player: NumpyPlayer) -> None:
    """Same seed, same notes; another seed, others."""
    first = run(numpy_player, 60)
    numpy_player.begin(Meter())
    assert run(numpy_player, 60) == first
    numpy_player.begin(Meter())
    assert run(numpy_player, 60, seed=1) != first


def test_every_note_takes_the_same_number_of_draws(numpy_player: NumpyPlayer) -> None:
    """A forced onset takes as many random numbers as a free one."""
    free, forced = np.random.default_rng(0), np.random.default_rng(0)
    run(numpy_player, 3)
    numpy_player.sample(Window(Ticks(9000), Ticks(12000)), EVERYTHING, free)
    numpy_player.sample(Window(Ticks(9000), Ticks(9000)), EVERYTHING, forced)
    assert free.random() == forced.random()


def test_torch_draws_the_same_notes(trained: player.Player, numpy_player: NumpyPlayer) -> None:
    """The torch player makes the choices of the numpy player."""
    other = TorchPlayer(trained.config.to_dict(), numpy_weights(trained))
    assert run(other, 80) == run(numpy_player, 80)


@pytest.mark.parametrize("kind", [NumpyPlayer, TorchPlayer])
def test_restore_undoes_everything(trained: player.Player, kind: Any) -> None:
    """After a restore the same notes come again, own notes forgotten; snapshots never change."""
    playing = kind(trained.config.to_dict(), numpy_weights(trained))
    run(playing, 20)
    before = playing.snapshot()
    first = run(playing, 30, seed=4)
    playing.restore(before)
    assert run(playing, 30, seed=4) == first
    playing.begin(Meter(5, 8), metered=False)
    playing.restore(before)
    assert run(playing, 30, seed=4) == first


def go_on(playing: RecurrentPlayer, notes: int) -> None:
    """Let a player go on from where it is."""
    random = np.random.default_rng(0)
    for _ in range(notes):
        last = Ticks(playing._last or 0)
        playing.feed(playing.sample(Window(last, Ticks(last + 3072)), EVERYTHING, random))


def test_a_player_alone_comes_back_to_what_the_musician_left(
    numpy_player: NumpyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After ALONE own notes the next is read as if it followed the musician's last one."""
    monkeypatch.setattr(runtime, "ALONE", 5)
    numpy_player.begin(Meter())
    for index in range(3):
        numpy_player.feed(Event(Ticks(24 * index), 60 + index, 80, Voice.KEYS, Ticks(20)))
    network = numpy_player._network
    left, seen, read = network.memory(), [], network.read
    monkeypatch.setattr(network, "read", lambda ids: (seen.append(ids), read(ids)))
    go_on(numpy_player, 6)
    found = network.memory()
    network.recall(left)
    read(seen[5])
    np.testing.assert_array_equal(found, network.memory())


def test_who_hears_the_musician_is_not_alone(
    numpy_player: NumpyPlayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A note that is heard begins the count anew, and a snapshot keeps it."""
    monkeypatch.setattr(runtime, "ALONE", 5)
    numpy_player.begin(Meter())
    recalled: list[object] = []
    network, recall = numpy_player._network, numpy_player._network.recall
    monkeypatch.setattr(network, "recall", lambda memory: (recalled.append(memory), recall(memory)))
    go_on(numpy_player, 5)
    before = numpy_player.snapshot()
    numpy_player.feed(Event(Ticks(9000), 60, 80, Voice.KEYS, Ticks(20)))
    go_on(numpy_player, 5)
    assert not recalled
    numpy_player.restore(before)
    recalled.clear()
    go_on(numpy_player, 1)
    assert len(recalled) == 1


def test_snapshots_are_small_and_cannot_be_written(numpy_player: NumpyPlayer) -> None:
    """A shipped-size snapshot is a few KB and shares nothing with the player."""
    memory, _ = numpy_player.snapshot().memory  # type: ignore[attr-defined]
    assert memory.nbytes <= 7 * CONFIG.width * 4
    with pytest.raises(ValueError, match="read-only"):
        memory[0] = 1


def test_style_outlasts_begin_and_restore(numpy_player: NumpyPlayer) -> None:
    """The style is a setting: turning back the music does not turn it back."""
    plain = run(numpy_player, 20)
    numpy_player.begin(Meter())
    before = numpy_player.snapshot()
    numpy_player.set_style([("wild", 2.0)])
    numpy_player.restore(before)
    assert run(numpy_player, 20) != plain
    numpy_player.set_style([("wild", 0.0)])
    numpy_player.begin(Meter())
    assert run(numpy_player, 20) == plain


@pytest.mark.parametrize("mix", [[("loud", 1.0)], [("calm", -1.0)], [("calm", float("nan"))]])
def test_impossible_styles_are_refused(
    numpy_player: NumpyPlayer, mix: list[tuple[str, float]]
) -> None:
    """Unknown names and weights that are no weights raise."""
    with pytest.raises(ValueError, match="style"):
        numpy_player.set_style(mix)


def test_only_the_note_drawn_last_is_its_own(numpy_player: NumpyPlayer) -> None:
    """What was heard binds nothing, even if it equals what was drawn."""
    drawn = run(numpy_player, 1)[0]
    assert numpy_player._own.onsets == (drawn.onset,)
    event = numpy_player.sample(Window(Ticks(10), Ticks(10)), EVERYTHING, np.random.default_rng(0))
    twin = Event(event.onset, event.pitch, event.velocity, event.voice, event.duration)
    numpy_player.feed(twin)
    assert numpy_player._own.onsets == (drawn.onset,)
    numpy_player.feed(event)
    assert numpy_player._own.onsets == (drawn.onset, event.onset)


def test_an_onset_before_the_last_counts_as_with_it(numpy_player: NumpyPlayer) -> None:
    """Shifts are never negative, and the last onset never goes back."""
    numpy_player.feed(Event(Ticks(100), 60, 80, Voice.KEYS))
    numpy_player.feed(Event(Ticks(90), 64, 80, Voice.KEYS))
    late = numpy_player._score("shift", {}).copy()
    numpy_player.begin(Meter(1, 4))
    numpy_player.feed(Event(Ticks(100), 60, 80, Voice.KEYS))
    assert numpy_player._last == 100
    assert not np.array_equal(late, numpy_player._score("shift", {}))


def arrays_of(found: Any) -> list[np.ndarray]:
    """Return the arrays that an object is or holds, those of its matrices as well."""
    if isinstance(found, np.ndarray):
        return [found]
    return [a for v in getattr(found, "__dict__", {}).values() for a in arrays_of(v)]


def test_all_arithmetic_is_in_single_precision(trained: player.Player) -> None:
    """No buffer is silently widened."""
    core = NumpyNetwork(trained.config.to_dict(), numpy_weights(trained))
    core.read(None)
    arrays = [v for v in vars(core).values() if isinstance(v, np.ndarray)]
    arrays += [a for layer in core._layers for a in arrays_of(layer)]
    arrays += [a for head in core._heads.values() for part in head for a in arrays_of(part)]
    assert len(arrays) > 20
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}


def test_playing_leaves_torch_out(tmp_path: Path) -> None:
    """Loading and playing a checkpoint on the CPU imports no torch."""
    path = tmp_path / "x.safetensors"
    save_checkpoint(path, "player", CONFIG.to_dict(), random_weights(CONFIG.to_dict()), {})
    code = f"""
import sys
from antiphon_models import continuation, measure, runtime
measure.measure_step(runtime.load_player({str(path)!r}), 3)
print("torch" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_sizes_are_those_of_the_trained_network() -> None:
    """The run-time's idea of the network is the network's own."""
    for config in (CONFIG, FULL, BEFORE):
        state = player.Player(config).state_dict()
        assert weight_shapes(config.to_dict()) == {n: tuple(w.shape) for n, w in state.items()}


def test_weights_that_do_not_fit_are_refused() -> None:
    """A missing, misshapen or broken weight is named."""
    config = CONFIG.to_dict()
    weights = random_weights(config)
    missing = {k: v for k, v in weights.items() if k != "norm.bias"}
    with pytest.raises(CheckpointError, match=r"no norm\.bias"):
        NumpyPlayer(config, missing)
    with pytest.raises(CheckpointError, match="shape"):
        NumpyPlayer({**config, "width": 32}, weights)
    with pytest.raises(CheckpointError, match="config"):
        NumpyPlayer({"width": 32}, weights)
    with pytest.raises(CheckpointError, match=r"found a core 'gru', and lstm or linear can be"):
        NumpyPlayer({**config, "core": "gru"}, weights)
    broken = {**weights, "trunk.bias": np.full_like(weights["trunk.bias"], np.nan)}
    with pytest.raises(CheckpointError, match=r"NaN or infinity in trunk\.bias"):
        NumpyPlayer(config, broken)


def test_players_from_before_there_was_a_choice_of_cores_have_an_lstm() -> None:
    """A config that names no core still plays, and is still fine-tuned as what it is."""
    config = BEFORE.to_dict()
    weights = random_weights(config)
    named = NumpyPlayer(config, weights)
    del config["core"]
    assert run(NumpyPlayer(config, weights), 5) == run(named, 5)
    assert player.PlayerConfig.from_dict(config).core == "lstm"


def test_load_player_by_path_and_by_name(tmp_path: Path, monkeypatch: Any) -> None:
    """The user's own checkpoint of a name goes before a shipped one; what it says is kept."""
    config = CONFIG.to_dict()
    path = tmp_path / "mine.safetensors"
    save_checkpoint(path, "player", config, random_weights(config), {"seed": 3, "data": "x"})
    found = load_player(path, "cpu")
    assert found.info.name == "mine"
    assert found.info.styles == ("calm", "wild")
    assert found.info.metadata == {"seed": "3", "data": "x"}
    monkeypatch.setattr("antiphon_models.runtime.user_checkpoints", lambda: tmp_path)
    assert checkpoint_path("mine") == path
    assert checkpoint_path("other") == checkpoint.SHIPPED / "other.safetensors"
    assert run(load_player("mine"), 5) == run(found, 5)
    with pytest.raises(CheckpointError):
        load_player("no such name")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a machine with such a device")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Asking for a GPU that is missing names what is there."""
    config = CONFIG.to_dict()
    path = tmp_path / "mine.safetensors"
    save_checkpoint(path, "player", config, random_weights(config), {})
    with pytest.raises(UsageError, match="cuda"):
        load_player(path, "cuda")


def test_measure_step_times_every_note(numpy_player: NumpyPlayer) -> None:
    """As many durations as notes were asked for, all above 0."""
    found = measure_step(numpy_player, 12)
    assert len(found) == 12
    assert min(found) > 0
