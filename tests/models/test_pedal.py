"""The pedal head: what it is told, that it disturbs nothing, and that it learns."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from antiphon import midi
from antiphon.errors import CheckpointError
from antiphon.midifile import write_midi
from antiphon.model import Controls, Event, Window
from antiphon.music import Beats, Meter, Note, Pedal, Ticks, Voice
from antiphon_models import card, runtime, train_player
from antiphon_models.checkpoint import load_checkpoint, save_checkpoint
from antiphon_models.commands import main
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.storage import write_manifest, write_pieces
from antiphon_models.data.stream import piece_rows
from antiphon_models.events import Piece, notes_to_piece, phases, piece_to_notes
from antiphon_models.pack import pack
from antiphon_models.pedal import CONTEXT, PREFIX, PedalHead, pedal_uniform, without_head
from antiphon_models.player import Player, PlayerConfig
from antiphon_models.runtime import NumpyPlayer, RecurrentPlayer
from antiphon_models.runtime_torch import TorchPlayer
from antiphon_models.train_pedal import PedalNetwork, carry_head, frozen_player, hear

CONFIG = PlayerConfig(width=32, layers=1, head_width=16, styles=("piano",), memory=True)
PEDALS = (Pedal.UP, Pedal.DOWN, Pedal.CHANGED)
TWO_VOICES = Controls(voices=(Voice.KEYS, Voice.DRUMS), pedal=True)


def make_weights(seed: int = 0, head: bool = True) -> dict[str, np.ndarray]:
    """Make the weights of a small player, with or without a head."""
    torch.manual_seed(seed)
    player, pedal = Player(CONFIG), PedalNetwork(CONFIG.width, 8)
    weights = {name: w.detach().numpy() for name, w in player.named_parameters()}
    more = {PREFIX + name: w.detach().numpy() for name, w in pedal.named_parameters()}
    return {**weights, **(more if head else {})}


def play(player: RecurrentPlayer, controls: Controls, notes: int = 40) -> list[Event]:
    """Let a player play after one pedalled note."""
    player.begin(Meter())
    player.feed(Event(Ticks(0), 60, 80, Voice.KEYS, Ticks(48), Pedal.DOWN))
    random, found, at = np.random.default_rng(7), [], Ticks(0)
    for index in range(notes):
        latest = at if index % 3 == 2 else Ticks(at + 960)  # a chord now and then
        event = player.sample(Window(at, latest), controls, random)
        player.feed(event)
        found.append(event)
        at = event.onset
    return found


def plain(event: Event) -> tuple[int, ...]:
    """Return all of a note but its pedal."""
    return (event.onset, event.pitch, event.velocity, event.voice, event.duration or 0)


# -- data ------------------------------------------------------------------------------------


def test_notes_are_read_with_their_pedal(tmp_path: Path) -> None:
    """A file's notes have the pedal of a moment after their onset, chords together; drums, and
    channels without a pedal, are unknown.
    """
    notes = [Note(Beats(i), 60 + i, 80, Beats(0.5)) for i in range(6)]
    notes.append(Note(Beats(2), 50, 80, Beats(0.5)))
    other = [Note(Beats(1), 36, 80, Beats(0.5), 10, Voice.DRUMS), Note(Beats(3), 90, 80, channel=2)]
    moves = [(1.1, 64), (2.05, 63), (2.2, 127), (3.5, 0)]
    others = [(Beats(beat), midi.control(1, midi.SUSTAIN, value)) for beat, value in moves]
    write_midi(tmp_path / "a.mid", [("piano", notes), ("", other)], others=[others])
    piece = read_midi(tmp_path / "a.mid")
    assert piece.pedal is not None
    mine = (piece.voice != Voice.DRUMS) & (piece.pitch < 90)
    up, down, changed = PEDALS
    assert piece.pedal[mine].tolist() == [up, down, changed, changed, down, up, up]
    assert not piece.pedal[~mine].any()


def test_a_file_without_a_pedal_says_nothing_of_it(tmp_path: Path) -> None:
    """Without a single message of the pedal nothing is known, and drums alone never have one."""
    drum = Note(Beats(0), 36, 80, Beats(0.5), 10, Voice.DRUMS)
    write_midi(tmp_path / "a.mid", [("", [Note(Beats(0), 60)])])
    others = [[(Beats(0), midi.control(10, midi.SUSTAIN, 127))]]
    write_midi(tmp_path / "b.mid", [("", [drum])], others=others)
    assert read_midi(tmp_path / "a.mid").pedal is None
    assert read_midi(tmp_path / "b.mid").pedal is None


def test_pieces_keep_the_pedal_on_their_way() -> None:
    """Sorted, cut, and turned into notes and back, notes keep their pedals."""
    notes = [Note(Beats(i), 60, pedal=PEDALS[i % 3]) for i in (3, 1, 2, 0)]
    piece = notes_to_piece(notes, Meter())
    assert piece.pedal is not None
    assert piece.pedal.tolist() == [1, 2, 3, 1]
    assert [note.pedal for note in piece_to_notes(piece.select(slice(1, 3)))] == [2, 3]
    assert notes_to_piece([Note(Beats(0), 60)], Meter()).pedal is None


# -- playing ---------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [NumpyPlayer, TorchPlayer])
def test_the_notes_are_the_same_with_a_pedal_and_without(make: type[RecurrentPlayer]) -> None:
    """The head gives pitched notes a pedal, chords one for all, and changes nothing else."""
    config = CONFIG.to_dict()
    pedalled = play(make(config, make_weights()), TWO_VOICES)
    dry = play(make(config, make_weights()), Controls(voices=TWO_VOICES.voices))
    headless = play(make(config, make_weights(head=False)), TWO_VOICES)
    assert [plain(event) for event in pedalled] == [plain(event) for event in dry]
    assert [plain(event) for event in pedalled] == [plain(event) for event in headless]
    assert {event.pedal for event in dry + headless} == {Pedal.UNKNOWN}
    for event in pedalled:
        assert (event.pedal is Pedal.UNKNOWN) is (event.voice is Voice.DRUMS)
    pitched = [event for event in pedalled if event.voice is not Voice.DRUMS]
    onsets = {event.onset for event in pitched}
    assert len({(event.onset, event.pedal) for event in pitched}) == len(onsets) < len(pitched)
    assert len({event.pedal for event in pitched}) > 1


def test_going_back_goes_back_to_the_pedal() -> None:
    """A snapshot remembers how the pedal stood, and a note's pedal can be said anew."""
    player = NumpyPlayer(CONFIG.to_dict(), make_weights())
    first = play(player, TWO_VOICES, 5)
    state, at = player.snapshot(), first[-1].onset
    window, seen = Window(Ticks(at + 48), Ticks(at + 48)), []
    for pedal in (None, Pedal.UP, None):
        player.restore(state)
        if pedal is not None:
            player.feed(Event(at, 60, 80, Voice.KEYS, Ticks(10), Pedal.CHANGED))
            player.pedal(pedal)
        before = player._foot
        player.sample(window, TWO_VOICES, np.random.default_rng(0))
        assert player._foot == before
        seen.append(before)
    assert seen[0] == seen[2]
    assert (seen[1].pedal, seen[1].onset) == (Pedal.UP, at)


def test_numpy_and_torch_agree_on_the_head() -> None:
    """The head says the same in numpy, while playing, and in torch, over the whole piece."""
    onset = 24 * np.arange(60)
    pedal = np.random.default_rng(1).integers(1, 4, 60)
    beat, bar = phases(onset, 192)
    flat = np.full(60, 60)
    piece = Piece(onset, np.full(60, 2), flat + onset % 7, flat, flat, beat, bar, pedal=pedal)
    weights = make_weights(3)
    rounded = runtime.round_weights(CONFIG.to_dict(), weights)
    checkpoint = _checkpoint(without_head(weights))
    ((output, ids, _), *_) = hear(
        frozen_player(checkpoint), [piece], [piece_rows(piece, 0)], torch.device("cpu")
    )
    head = PedalNetwork(CONFIG.width, 8)
    head.load_state_dict(
        {n.removeprefix(PREFIX): torch.from_numpy(weights[n]) for n in set(weights) - set(rounded)}
        | {n.removeprefix(PREFIX): torch.from_numpy(w) for n, w in rounded.items() if PREFIX in n}
    )
    whole = head.eval()(output.float(), ids).detach().numpy()
    player = NumpyPlayer(CONFIG.to_dict(), rounded)
    mine = PedalHead(rounded, CONFIG.width)
    player.begin(Meter())
    for index, note in enumerate(piece_to_notes(piece)):
        at = Ticks(round(note.start * 48))
        np.testing.assert_allclose(
            mine.score(player._network.output(), ids[index].tolist()), whole[index], atol=5e-3
        )
        assert (player._foot.pedal, player._foot.since(at)) == tuple(ids[index, :2].tolist())
        length = Ticks(round(note.duration * 48))
        player.feed(Event(at, note.pitch, note.velocity, note.voice, length, note.pedal))


def _checkpoint(weights: dict[str, np.ndarray]):
    from antiphon_models.checkpoint import Checkpoint

    return Checkpoint(Path("x"), "player", CONFIG.to_dict(), {}, weights)


def test_the_pedals_random_number_is_as_good_as_new() -> None:
    """What is left of a random number once a field was drawn is uniform, and new."""
    random = np.random.default_rng(0).random(20_000)
    left = np.array([pedal_uniform(u) for u in random.tolist()])
    assert left.min() >= 0
    assert left.max() < 1
    np.testing.assert_allclose(np.histogram(left, 10, (0, 1))[0], 2_000, rtol=0.1)
    assert abs(np.corrcoef(random, left)[0, 1]) < 0.03


@pytest.mark.parametrize("fault", ["missing", "shape", "nan"])
def test_a_broken_head_is_refused(fault: str) -> None:
    """A head that does not fit, or is not finite, is refused with the way to mend it."""
    weights = make_weights()
    if fault == "missing":
        del weights["pedal.out.bias"]
    elif fault == "shape":
        weights["pedal.hidden.weight"] = weights["pedal.hidden.weight"][:, 1:]
    else:
        weights["pedal.context.since"] = weights["pedal.context.since"] * np.float32("nan")
    with pytest.raises(CheckpointError, match="antiphon train pedal"):
        NumpyPlayer(CONFIG.to_dict(), weights)


# -- training --------------------------------------------------------------------------------


def make_piece(seed: int, pedalled: bool = True, notes: int = 160) -> Piece:
    """Make a piece with a rule: the pedal is changed on each bar line, and up on its last beat."""
    onset = 24 * np.arange(notes)
    beat, bar = phases(onset, 192)
    random = np.random.default_rng(seed)
    first = (bar == 0) & (beat == 0)
    pedal = np.where(bar == 3, Pedal.UP, np.where(first, Pedal.CHANGED, Pedal.DOWN))
    pedal[~first & (np.arange(notes) < 8)] = Pedal.UP
    pitch = random.integers(48, 72, notes)
    even = np.full(notes, 24)
    voice = np.full(notes, int(Voice.KEYS))
    known = pedal if pedalled else None
    return Piece(onset, voice, pitch, even * 3, even, beat, bar, str(seed), "piano", pedal=known)


def write_data(folder: Path, pedalled: bool = True) -> Path:
    """Write a small data set."""
    (folder / "piano").mkdir(parents=True)
    for split, seeds in {"train": range(12), "validation": range(12, 15)}.items():
        pieces = [make_piece(seed, pedalled) for seed in seeds]
        write_pieces(folder / "piano" / f"{split}.npz", pieces)
    splits = {"train": {}, "validation": {}}
    write_manifest(folder, {"sets": {"piano": {"licence": "CC0", "splits": splits}}})
    return folder


def train(data: Path, init: Path, out: Path, *more: str) -> int:
    """Train a head."""
    fixed = ["train", "pedal", "--data", str(data), "--init", str(init), "--out", str(out)]
    return main([*fixed, "--device", "cpu", "--threads", "1", *more])


def test_a_head_is_trained_and_the_player_stays_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command learns a rule better than transition frequencies know it, says so in the
    checkpoint, and leaves every other weight alone; the same seed gives the same head.
    """
    init, data = tmp_path / "init.safetensors", write_data(tmp_path / "data")
    save_checkpoint(init, "player", CONFIG.to_dict(), make_weights(head=False), {"weights": 5})
    assert train(data, init, tmp_path / "a") == 0
    assert "| piano |" in capsys.readouterr().out
    before = load_checkpoint(init)
    after = load_checkpoint(tmp_path / "a" / "player.safetensors", "player")
    assert (after.config, after.info["weights"]) == (before.config, 5)
    assert set(without_head(after.weights)) == set(before.weights)
    for name, weight in before.weights.items():
        np.testing.assert_array_equal(after.weights[name], weight)
    told = after.info["pedal"]
    figures = told["sets"]["piano"]
    assert figures["nll"] < 0.8 * figures["transitions"]["nll"]
    assert figures["accuracy"] > figures["as_before"]["accuracy"]
    assert (told["player"], told["seed"]) == ("init.safetensors", 0)
    assert len(after.weights) - len(before.weights) == 4 + len(CONTEXT)
    assert train(data, init, tmp_path / "b", "--seed", "0") == 0
    again = load_checkpoint(tmp_path / "b" / "player.safetensors")
    for name, weight in after.weights.items():
        np.testing.assert_array_equal(again.weights[name], weight)
    # It plays, is measured and trained on like any other.
    player = runtime.load_player(tmp_path / "a" / "player.safetensors", "cpu")
    assert {event.pedal for event in play(player, Controls(pedal=True))} <= set(PEDALS)
    train_player.load_player(tmp_path / "a" / "player.safetensors")


def test_a_packed_player_is_taught_and_stays_packed(tmp_path: Path) -> None:
    """A player in eight bits a weight comes out with the very weights that it came with, and one
    that has a head can be packed.
    """
    init, data = tmp_path / "init.safetensors", write_data(tmp_path / "data")
    config = CONFIG.to_dict()
    packed = pack(config, make_weights(head=False))
    save_checkpoint(init, "player", config, packed, {})
    assert train(data, init, tmp_path) == 0
    before, after = load_checkpoint(init), load_checkpoint(tmp_path / "player.safetensors")
    for name, weight in before.weights.items():
        np.testing.assert_allclose(after.weights[name], weight, rtol=1e-6, atol=1e-9)
    whole = make_weights(head=True)
    save_checkpoint(init, "player", config, pack(config, whole), {})
    again = load_checkpoint(init)
    for name in set(again.weights) - set(before.weights):
        np.testing.assert_allclose(again.weights[name], whole[name], atol=1e-3)


@pytest.mark.parametrize("what", ["no pedal", "resume"])
def test_what_no_head_can_be_trained_on_is_refused(
    what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Music without a pedal, and going on with a run, are refused in one line."""
    init, data = tmp_path / "init.safetensors", write_data(tmp_path / "data", what != "no pedal")
    save_checkpoint(init, "player", CONFIG.to_dict(), make_weights(head=False), {})
    out = tmp_path / "out"
    assert train(data, init, out, *(["--resume"] if what == "resume" else [])) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (out / "player.safetensors").exists()
    assert json.loads((data / "manifest.json").read_text())["format"] == 3


def test_a_tuned_player_keeps_the_head_it_began_with(tmp_path: Path) -> None:
    """Fine-tuning hands the head on, and the card says that it was not trained since."""
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    figures = {"onsets": 10, "moves": 2, "nll": 0.1, "accuracy": 0.9, "moves_found": 0.5}
    figures |= {"transitions": {"nll": 0.2, "accuracy": 0.8}, "as_before": {"accuracy": 0.8}}
    told = {"sets": {"piano": figures}, "weights": 9, "seed": 0, "minutes": 1.0}
    save_checkpoint(old, "player", CONFIG.to_dict(), make_weights(0), {"pedal": told})
    save_checkpoint(new, "player", CONFIG.to_dict(), make_weights(1, head=False), {})
    carry_head(old, new)
    before, after = load_checkpoint(old), load_checkpoint(new)
    for name, weight in after.weights.items():
        same = np.array_equal(weight, before.weights[name])
        assert same or not name.startswith(PREFIX)
    assert after.info["pedal"] == {**told, "carried": True}
    text = "\n".join(card._pedal(after.info["pedal"]))
    assert "| piano | 10 | 0.100 | 0.200 |" in text
    assert "tuned since" in text
    assert card._pedal(None) == []
