"""The networks in numpy do what they do in torch; flips are as many as the distance asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import CheckpointError
from antiphon_models import dic, gan
from antiphon_models import train_gan as training
from antiphon_models.balance import SMALL, frame_of
from antiphon_models.checkpoint import load_checkpoint, save_checkpoint
from antiphon_models.codec import HINTS, LONGEST, Codec, load_codec
from antiphon_models.data import windows
from antiphon_models.editor import SPREADS, load_editor, vary_roll
from antiphon_models.flips import MOST, NO_ROOM, WINDOW, choose_flips
from antiphon_models.noise import draw_noise
from antiphon_models.rolls import ROWS, Kind, distance, position
from antiphon_models.train_dic import load_dic
from networks import (
    dic_config,
    make_dic,
    make_gan,
    random_rolls,
    save_network,
    to_codec,
    to_editor,
    weights_of,
)

KINDS: list[Kind] = ["drums", "pitched"]

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

FIXED = settings(max_examples=30, deadline=None)


def positions(windows: int, beats: int, missing: int = 0) -> Array:
    """Return the positions of windows of 4/4 whose last beats do not exist."""
    phase = np.arange(beats) % 4.0
    valid = np.ones((beats, 4), np.bool_)
    triplet = np.arange(beats) == 1
    valid[1, 2] = False
    found = position(phase, np.full(beats, 4.0), triplet, valid, np.full(beats, 100.0))
    if missing:
        found[-missing:] = 0
    return np.repeat(found[None], windows, 0)


def on(roll: Array, where: Array) -> Array:
    """Leave only what lies in valid slots."""
    return roll * (where[..., -4:, None, None] > 0)


def example(kind: Kind, seed: int = 0, missing: int = 2) -> tuple[Array, Array, Array]:
    """Return rolls, durations and positions of three windows."""
    roll, duration = random_rolls(kind, 3, seed)
    where = positions(3, 8, missing)
    roll = on(roll, where)
    return roll, (duration * roll[..., 0]).astype(np.float32), where


def test_constants_agree() -> None:
    """What numpy repeats of torch's modules is the same there."""
    assert (HINTS, LONGEST) == (dic.HINTS, dic.LONGEST)
    assert SPREADS == gan.SPREADS
    assert windows.WINDOW == WINDOW
    assert MOST * WINDOW == 192


@pytest.mark.parametrize("kind", KINDS)
def test_a_codec_encodes_and_decodes_as_the_network(kind: Kind) -> None:
    """Content, style and every value of the cells agree within 1e-4, hints or none."""
    model, (roll, _, where) = make_dic(kind, 3), example(kind)
    codec = to_codec(model)
    for hints in (None, np.random.default_rng(0).random((3, 8, HINTS)).astype(np.float32)):
        tensors = torch.from_numpy(np.zeros((3, 8, HINTS), np.float32) if hints is None else hints)
        code = codec.encode(roll, where, hints)
        with torch.no_grad():
            latent = model.encode(torch.from_numpy(roll), torch.from_numpy(where), tensors)
            cells = model.decode(latent.content, latent.style, torch.from_numpy(where))
        np.testing.assert_allclose(code.content, latent.content.numpy(), atol=1e-4)
        np.testing.assert_allclose(code.style, latent.style.numpy(), atol=1e-4)
        for one, other in zip(codec.decode(code, where), cells, strict=True):
            np.testing.assert_allclose(one, other.numpy(), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_one_window_is_as_many(kind: Kind) -> None:
    """A phrase without a leading axis is encoded and decoded as it is among others."""
    codec, (roll, _, where) = to_codec(make_dic(kind)), example(kind)
    all_of_them, one = codec.encode(roll, where), codec.encode(roll[1], where[1])
    np.testing.assert_allclose(one.content, all_of_them.content[1], atol=1e-5)
    np.testing.assert_allclose(one.style, all_of_them.style[1], atol=1e-5)
    together = codec.decode(all_of_them, where)
    for alone, several in zip(codec.decode(one, where[1]), together, strict=True):
        np.testing.assert_allclose(alone, several[1], atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("amount", [0.05, 0.4, 1.0])
def test_an_editor_varies_as_the_network(kind: Kind, amount: float) -> None:
    """For the same noise the flips are the same, and the touch agrees within 1e-4."""
    model, (roll, duration, where) = make_gan(kind, 5), example(kind, 4, missing=0)
    editor, config = to_editor(model), model.config
    phase = np.arange(8) % 4.0
    noise = [
        draw_noise(np.random.default_rng(n), phase, ROWS[kind], config.noise, config.sharing)
        for n in range(3)
    ]
    tensors = [
        torch.from_numpy(np.stack(part))
        for part in zip(*(each.whole(0) for each in noise), strict=True)
    ]
    x, at = torch.from_numpy(roll), torch.from_numpy(where)
    wanted = torch.full((3,), amount * config.reach)
    with torch.no_grad():
        made, _ = model.vary(
            x, torch.from_numpy(duration), at, model.encode(x, at), wanted, *tensors
        )
    for n in range(3):
        phrase = editor.prepare(roll[n], where[n], duration[n])
        said = editor.edit(phrase, amount * editor.reach, noise[n].inputs)
        score = phrase.sign * said.hit[0] + editor.temperature * noise[n].whole(0)[1].ravel()
        score = np.where(phrase.valid, score, NO_ROOM).reshape(phrase.hit.shape)
        hit = choose_flips(score, phrase.hit, amount * editor.reach)
        cells = np.arange(hit.size)
        felt, length = editor.touch(phrase, said, amount, noise[n], np.zeros_like(cells), cells)
        if kind == "drums":  # pitched phrases keep their voices besides
            played = vary_roll(editor, phrase, phase, amount, np.random.default_rng(n))
            np.testing.assert_array_equal(played[0], hit)
        truth = made[n].numpy()
        np.testing.assert_array_equal(hit, truth[..., 0].round())
        there = hit > 0
        assert (hit != roll[n, ..., 0]).any()
        touched = [each.reshape(hit.shape) for each in (*felt.T, length)]
        limits = [(1 / 127, 1.0), (-0.75, 0.75), (None, None)]
        for index, (mine, (low, high)) in enumerate(zip(touched, limits, strict=True), 1):
            other = truth[..., index][there]
            if index < 3:
                other = other.clip(low, high)
            else:
                new = roll[n, ..., 0][there] == 0
                other = np.where(new, other.clip(0.05, 1.0), other)
            np.testing.assert_allclose(mine[there], other, atol=1e-4)


def scored(seed: int, beats: int, density: float, blocked: float) -> tuple[Array, Array]:
    """Return random scores and hits; some slots must not flip."""
    random = np.random.default_rng(seed)
    shape = (beats, 4, 9)
    hit = (random.random(shape) < density).astype(np.float32)
    score = random.normal(size=shape).astype(np.float32)
    shut = random.random((beats, 4)) < blocked
    shut[0, 0] = False
    score[shut] = -np.inf
    hit[shut] = 0
    return score, hit


cases = st.builds(
    scored,
    st.integers(0, 2**32),
    st.sampled_from([1, 4, 8]),
    st.sampled_from([0.0, 0.03, 0.2, 0.8]),
    st.sampled_from([0.0, 0.5]),
)


@FIXED
@given(cases, st.just(0.0) | st.floats(0.001, 1))
def test_flips_are_those_of_torch(case: tuple[Array, Array], wanted: float) -> None:
    """Numpy and torch choose the same flips for the same scores."""
    score, hit = case
    flips, _ = gan.choose_flips(
        torch.from_numpy(score).reshape(1, -1),
        torch.from_numpy(hit).reshape(1, -1),
        torch.tensor([wanted]),
    )
    new = np.abs(hit - flips.numpy().reshape(hit.shape))
    np.testing.assert_array_equal(choose_flips(score, hit, wanted), new)


@FIXED
@given(cases, st.floats(0.001, 1))
def test_flips_come_nearest_to_the_distance(case: tuple[Array, Array], wanted: float) -> None:
    """Of all numbers of best flips, from one to MOST, the one chosen comes nearest to it."""
    score, hit = case
    came = float(distance(choose_flips(score, hit, wanted), hit))
    order = np.argsort(-score.ravel(), kind="stable")
    order = order[: min(int(np.isfinite(score).sum()), MOST * WINDOW)]
    best, new = 9.0, hit.copy().ravel()
    for cell in order:
        new[cell] = 1 - new[cell]
        best = min(best, abs(float(distance(new.reshape(hit.shape), hit)) - wanted))
    assert abs(came - wanted) == pytest.approx(best, abs=1e-5)
    flipped = choose_flips(score, hit, wanted) != hit
    assert flipped.any()
    assert np.isfinite(score[flipped]).all()


@FIXED
@given(cases, st.floats(0, 1), st.floats(0, 1))
def test_a_farther_variation_goes_on_from_the_nearer(
    case: tuple[Array, Array], one: float, other: float
) -> None:
    """For the same scores the flips of a distance are among those of a greater one; 0 has none."""
    score, hit = case
    near, far = (choose_flips(score, hit, d) != hit for d in sorted((one, other)))
    assert not (near & ~far).any()
    np.testing.assert_array_equal(choose_flips(score, hit, 0.0), hit)


@pytest.mark.parametrize("beats", [8, 32])
def test_long_phrases_go_as_far_as_short_ones(beats: int) -> None:
    """The distance asked for comes in phrases of 8 bars full of notes, too."""
    score, hit = scored(1, beats, 0.6, 0.0)
    for wanted in (0.1, 0.3):
        assert float(distance(choose_flips(score, hit, wanted), hit)) == pytest.approx(
            wanted, abs=0.01
        )


@pytest.mark.parametrize("kind", KINDS)
def test_no_amount_no_change(kind: Kind) -> None:
    """At amount 0 a roll comes back as it is."""
    roll, duration, where = example(kind)
    editor = to_editor(make_gan(kind))
    random = np.random.default_rng(0)
    prepared = editor.prepare(roll[0], where[0], duration[0])
    found = vary_roll(editor, prepared, np.arange(8) % 4.0, 0.0, random)
    for value, truth in zip(
        found, (*(roll[0, ..., i] for i in range(3)), duration[0]), strict=True
    ):
        np.testing.assert_array_equal(value, truth)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_begins_where_no_slot_is(kind: Kind) -> None:
    """Variations at every distance leave the third slot of triplets empty."""
    roll, duration, where = example(kind, missing=0)
    editor = to_editor(make_gan(kind))
    prepared = editor.prepare(roll[0], where[0], duration[0])
    for seed in range(5):
        random = np.random.default_rng(seed)
        hit, *_ = vary_roll(editor, prepared, np.arange(8) % 4.0, 1.0, random)
        assert not hit[where[0, :, -4:] == 0].any()


@pytest.mark.parametrize("kind", KINDS)
def test_humanising_looks_at_nothing_but_the_hits(kind: Kind) -> None:
    """Velocities and offsets of the phrase do not matter; the same chance plays the same."""
    roll, _, where = example(kind, missing=0)
    codec, other = to_codec(make_dic(kind)), roll.copy()
    other[..., 1:3] *= 0.3
    found = [codec.humanise(r[0], where[0], np.random.default_rng(7)) for r in (roll, other)]
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
        assert np.isfinite(one).all()
    assert np.abs(found[0][1]).max() <= 0.75
    again = codec.humanise(roll[0], where[0], np.random.default_rng(8))
    assert (again[0] != found[0][0]).any()


def test_noise_is_shared_by_bars() -> None:
    """What all bars share is the same in each; shared wholly, bars have the same noise."""
    phase = np.arange(8) % 4.0
    for part in draw_noise(np.random.default_rng(0), phase, 9, 5, 1.0).whole(0):
        np.testing.assert_allclose(part[:4], part[4:], atol=1e-6)
    noise, cells, chance = draw_noise(np.random.default_rng(0), phase, 9, 5, 0.0).whole(0)
    assert noise.shape == (8, 5)
    assert cells.shape == (8, 4, 9)
    assert chance.shape == (8, 4, 9, 2)
    assert (cells[:4] != cells[4:]).all()
    wide = draw_noise(np.random.default_rng(1), np.arange(400) % 4.0, 9, 8, 0.5).whole(0)
    assert float(wide[0].std()) == pytest.approx(1, abs=0.05)
    assert float(wide[1].std()) == pytest.approx(np.pi / 3**0.5, rel=0.05)
    alone = draw_noise(np.random.default_rng(1), np.arange(400) % 4.0, 9, 8, 0.0).whole(0)
    assert float(np.abs(alone[2]).mean()) == pytest.approx(1, abs=0.05)


def test_noise_of_some_cells_is_that_of_the_whole() -> None:
    """What is asked of a few cells of a few variations is what all of them have there."""
    phase = np.arange(8) % 4.0
    noise = draw_noise(np.random.default_rng(3), phase, 9, 5, 0.5, count=3)
    number, cells = np.array([0, 2, 2]), np.array([5, 5, 250])
    wholes = [noise.whole(n) for n in range(3)]
    for n, cell, hits, touch in zip(
        number, cells, noise.hits(number, cells), noise.touch(number, cells), strict=True
    ):
        assert hits == wholes[n][1].ravel()[cell]
        np.testing.assert_array_equal(touch, wholes[n][2].reshape(-1, 2)[cell])
    assert (wholes[0][1] != wholes[1][1]).all()


@pytest.mark.parametrize("kind", KINDS)
def test_variations_thought_of_together_are_those_thought_of_alone(kind: Kind) -> None:
    """Of several at once each has the wishes and the touch that it has by itself."""
    roll, duration, where = example(kind, missing=0)
    editor = to_editor(make_gan(kind))
    phrase = editor.prepare(roll[0], where[0], duration[0])
    noise = draw_noise(
        np.random.default_rng(0), np.arange(8) % 4.0, ROWS[kind], editor.noise, 1.0, count=3
    )
    together = editor.edit(phrase, 0.3, noise.inputs)
    wishes = editor.want(phrase, together, noise)
    for n in range(3):
        inputs, hits, touch = (np.asarray(part)[None] for part in noise.whole(n))
        alone = editor.edit(phrase, 0.3, inputs)
        np.testing.assert_allclose(alone.hit[0], together.hit[n], atol=1e-5)
        cells, score = wishes[n]
        wanted = phrase.sign[cells] * alone.hit[0, cells] + editor.temperature * hits.ravel()[cells]
        np.testing.assert_allclose(score, wanted, atol=1e-5)
        assert set(np.flatnonzero(phrase.hit)) <= set(cells)
        assert touch.shape == (1, *phrase.hit.shape, 2)
        number = np.full_like(cells, n)
        felt, length = editor.touch(phrase, together, 0.3, noise, number, cells)
        assert felt.shape == (len(cells), 2)
        assert length.shape == cells.shape


@pytest.mark.parametrize("kind", KINDS)
def test_checkpoints_load_in_both(kind: Kind, tmp_path: Path) -> None:
    """What was stored of a DIC and of a GAN is read by torch and by numpy, and agrees."""
    roll, _, where = example(kind)
    path = save_network(tmp_path / "dic.safetensors", make_dic(kind, 2))
    model, config = load_dic(path)
    assert config == dic_config(kind)
    codec = load_codec(load_checkpoint(path))
    with torch.no_grad():
        latent = model.encode(
            torch.from_numpy(roll), torch.from_numpy(where), torch.zeros(3, 8, HINTS)
        )
    np.testing.assert_allclose(codec.encode(roll, where).style, latent.style.numpy(), atol=1e-4)
    path = save_network(tmp_path / "gan.safetensors", make_gan(kind, 2))
    assert training.load_gan(path)[1] == make_gan(kind, 2).config
    editor = load_editor(load_checkpoint(path))
    assert (editor.name, editor.kind, editor.noise) == ("gan", kind, 3)


def test_broken_checkpoints_are_refused(tmp_path: Path) -> None:
    """Weights that are missing, misshapen or not finite, and the dense form, are named."""
    model = make_gan("drums")
    config, weights = model.config.to_dict(), weights_of(model)
    path = tmp_path / "gan.safetensors"
    some = {k: w for k, w in weights.items() if k != "generator.stay"}
    shape = {**weights, "generator.to_cells.weight": np.zeros((3, 3), np.float32)}
    nan = {**weights, "dic.code.weight": weights["dic.code.weight"] * np.float32(np.nan)}
    for broken, what in ((some, "others"), (shape, "others"), (nan, "NaN")):
        save_checkpoint(path, "gan", config, broken, {})
        with pytest.raises(CheckpointError, match=what):
            load_editor(load_checkpoint(path))
    save_checkpoint(path, "dic", {**config["dic"], "form": "dense"}, {}, {})
    with pytest.raises(CheckpointError, match="form dense"):
        load_codec(load_checkpoint(path))
    save_checkpoint(path, "dic", {"form": "conv"}, {}, {})
    with pytest.raises(CheckpointError, match="others"):
        load_codec(load_checkpoint(path))
    with pytest.raises(CheckpointError, match="of kind dic"):
        load_checkpoint(path, "gan")


def test_configs_survive_their_json() -> None:
    """A config read from what it wrote is the same, and so is a codec's."""
    config = dic_config("pitched", means=(0.1,) * 6)
    assert dic.DICConfig.from_dict(config.to_dict()) == config
    assert gan.GANConfig.from_dict(gan.GANConfig(dic=config).to_dict()).dic == config
    with pytest.raises(KeyError):
        dic.DICConfig.from_dict({"kind": "drums"})
    assert Codec(config.to_dict(), weights_of(dic.DIC(config))).kind == "pitched"


def beats_of(bars: int, size: int) -> Array:
    """Return the positions of whole bars of `size` beats."""
    phase = np.tile(np.arange(float(size)), bars)
    every = np.full(len(phase), float(size))
    straight = np.zeros(len(phase), bool)
    return position(phase, every, straight, np.ones((len(phase), 4), bool), 0 * every + 120)


def pitch_classes(hit: Array, size: int) -> int:
    """Count the pitch classes that begin in each bar of `size` beats, over all bars."""
    bars = hit.reshape(-1, size * 4, 88).sum(1)
    return sum(len({row % 12 for row in np.flatnonzero(bar)}) for bar in bars)


def agreeing(hit: Array, size: int) -> int:
    """Count the slots in which neighbouring bars agree on whether there is an onset."""
    bars = hit.max(-1).reshape(-1, size * 4)
    return int((bars[1:] == bars[:-1]).sum())


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**16),
    wanted=st.floats(0.01, 0.6),
    notes=st.integers(12, 60),
    size=st.sampled_from([3, 4]),
)
def test_what_comes_answers_what_goes(seed: int, wanted: float, notes: int, size: int) -> None:
    """A variation has about as many notes, pitch classes and agreeing slots as the phrase."""
    random = np.random.default_rng(seed)
    hit = np.zeros((4 * size, 4, 88), np.float32)
    hit.ravel()[random.choice(hit.size, notes, replace=False)] = 1
    score = random.normal(size=hit.shape).astype(np.float32)
    frame = frame_of(hit, beats_of(4, size))
    new = choose_flips(score, hit, wanted, frame)
    assert new.sum(-1).max() <= frame.most
    assert abs(new.sum() - notes) <= 1 + notes // 16
    assert abs(pitch_classes(new, size) - pitch_classes(hit, size)) <= 2
    # One onset more or less changes what its bar has in common with both neighbours.
    assert abs(agreeing(new, size) - agreeing(hit, size)) <= 4
    nearer = choose_flips(score, hit, wanted / 2, frame)
    gone_back = np.count_nonzero((nearer != hit) & (new == hit))
    assert gone_back <= 6  # but for the last flips of each, which set the balance right


def test_slots_are_compared_with_those_at_their_place_in_the_bars_beside_them() -> None:
    """The twins of a slot are a bar away; a bar that was cut short has fewer."""
    where = beats_of(3, 4)[:10]
    frame = frame_of(np.zeros((10, 4, 88), np.float32), where)
    assert (frame.kinds.reshape(10, -1) // 12 == np.repeat([0, 1, 2], [4, 4, 2])[:, None]).all()
    assert frame.twins[1] == (17,)
    assert frame.twins[4 * 4 + 2] == (2, 34)
    assert frame.twins[6 * 4] == (8,)
    where[8, -4:] = 0
    assert frame_of(np.zeros((10, 4, 88), np.float32), where).twins[17] == (1,)


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**16), wanted=st.floats(0.01, 0.9))
def test_a_melody_stays_a_melody(seed: int, wanted: float) -> None:
    """No variation of a melody strikes two notes at once, and as many notes come as go."""
    random = np.random.default_rng(seed)
    hit = np.zeros((8, 4, 88), np.float32)
    for slot in np.flatnonzero(random.random(32) < 0.4).tolist():
        hit[slot // 4, slot % 4, random.integers(40, 60)] = 1
    score = random.normal(size=hit.shape).astype(np.float32)
    frame = frame_of(hit, beats_of(2, 4))
    new = choose_flips(score, hit, wanted, frame)
    assert new.sum(-1).max() <= 1
    size = hit.sum()
    assert abs(new.sum() - size) <= 1 + size // 16 or wanted > 0.6


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**16), wanted=st.floats(0.01, 0.95), room=st.floats(0.0, 0.01))
def test_no_note_comes_where_there_is_no_room(seed: int, wanted: float, room: float) -> None:
    """However few cells may be struck, and however far it is to go, no other cell ever is."""
    random = np.random.default_rng(seed)
    hit = np.zeros((8, 4, 88), np.float32)
    hit.ravel()[random.choice(hit.size, 12, replace=False)] = 1
    open_cells = (random.random(hit.shape) < room) | (hit > 0)
    score = np.where(open_cells, random.normal(size=hit.shape), NO_ROOM).astype(np.float32)
    frame = frame_of(hit, beats_of(2, 4))
    for each in (None, frame, replace(frame, most=1)):
        assert not choose_flips(score, hit, wanted, each)[~open_cells].any()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**16), notes=st.integers(1, SMALL), wanted=st.floats(0.01, 0.7))
def test_small_phrases_lose_no_note_before_another_came(
    seed: int, notes: int, wanted: float
) -> None:
    """A variation of a few notes has as many as the phrase or one more, at every distance."""
    random = np.random.default_rng(seed)
    hit = np.zeros((8, 4, 88), np.float32)
    for slot in random.choice(32, notes, replace=False).tolist():
        hit[slot // 4, slot % 4, random.integers(40, 60)] = 1
    score = random.normal(size=hit.shape).astype(np.float32) + 9 * hit
    new = choose_flips(score, hit, wanted, frame_of(hit, beats_of(2, 4)))
    assert new.sum() - notes in (0, 1)
