"""How the GAN is trained: pairs of windows, generator and critic in turn, validation."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon.errors import CheckpointError, DataError
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.data.pairs import find_pairs
from antiphon_models.data.prepare import load_dataset
from antiphon_models.data.windows import Bars, Batch, make_batch, read_bars
from antiphon_models.dic import DIC, LONGEST, DICConfig, Latent
from antiphon_models.evaluate import choose_checkpoint
from antiphon_models.gan import GAN, Critic, GANConfig, pair_loss
from antiphon_models.idiom import POINTS, Phrases, statistics
from antiphon_models.likeness import frechet
from antiphon_models.noise import draw_noise
from antiphon_models.parallel import Ranks
from antiphon_models.recipe import choose_preset
from antiphon_models.rolls import ROWS, distance
from antiphon_models.run_folder import Figures
from antiphon_models.runtime import checkpoint_path
from antiphon_models.train_dic import (
    ALONE,
    TRANSPOSE,
    held_out,
    load_dic,
    require_form,
    whole_batch,
    with_kind,
)
from antiphon_models.train_player import describe_data

_TINY = {"width": 16, "blocks": 1, "noise": 2}

PRESETS: Final[dict[str, dict[str, Any]]] = {
    "drums": {"kind": "drums", "config": {"reach": 0.6, "sharing": 0.95}, "batch": 64},
    "pitched": {
        "kind": "pitched",
        "config": {"width": 192, "reach": 0.7, "sharing": 0.95, "temperature": 0.9},
        "batch": 48,
    },
    "tiny-drums": {"kind": "drums", "config": _TINY, "batch": 8},
    "tiny-pitched": {"kind": "pitched", "config": _TINY, "batch": 8},
}

ADVERSARIAL: Final = 0.3
"""Weight of the critic's word against what pairs teach."""

DISTANCE: Final = 1.0
"""Weight of |distance expected - distance asked for|."""

PENALTY: Final = 0.5
"""Weight of R1 and R2."""

PENALTY_EVERY: Final = 4

TEMPERATURES: Final = (0.6, 0.7, 0.8, 0.9, 1.0)
SHARINGS: Final = (0.85, 0.95, 1.0)
TUNED_AMOUNTS: Final = (0.3, 0.6)
TUNED_WINDOWS: Final = 192
"""What is tried, and on how much training music, to choose temperature and sharing."""

VALIDATION_WINDOWS: Final = 256


class GANRecipe:
    """The GAN's recipe for :class:`antiphon_models.loop.Loop`, which trains the generator."""

    kind = "gan"
    weight_decay = 0.01
    warm_up = 100
    by_note = False
    trial = None
    tunes = False
    steps = 0

    def __init__(self, args: argparse.Namespace, device: torch.device, ranks: Ranks) -> None:
        preset = choose_preset(PRESETS, args.preset, "drums")
        self.device, self.ranks = device, ranks
        dic, dic_config = _conv_dic(args.dic, preset["kind"])
        self._config = GANConfig(dic=dic_config, **preset["config"])
        pieces = load_dataset(args.data, "train")
        self._bars = read_bars(pieces, dic_config.kind)
        self._held_out = held_out(args.data, dic_config.kind, pieces)
        self._data = describe_data(args.data, with_kind(pieces, self._bars))
        self._pairs = find_pairs(self._bars, args.seed)
        self._held_out_pairs = {
            style: pairs
            for style, bars in self._held_out.items()
            if len((pairs := find_pairs(bars, 0, hop=2)).first)
        }
        for split, there in (("train", self._pairs.first), ("validation", self._held_out_pairs)):
            if not len(there):
                raise DataError(
                    f"expected {dic_config.kind} music whose phrases come back varied in the "
                    f"{split} split of {args.data}",
                    "found none",
                    "put more music into it",
                )
        self._random = np.random.default_rng(args.seed)
        self._gan = GAN(self._config)
        if args.init is not None:
            path = checkpoint_path(args.init)
            self._gan, self._config = load_gan(path)
            require_form(path, self._config.dic, dic_config)
        else:
            self._gan.dic.load_state_dict(dic.state_dict())
        self._gan.to(device)
        self.model: nn.Module = self._gan
        self._critic = Critic(self._config).to(device)
        self.learning_rate: float = args.lr or 1e-3
        self._judge = torch.optim.Adam(
            self._critic.parameters(), lr=self.learning_rate, betas=(0.0, 0.99)
        )
        self._batch = whole_batch(args.batch or preset["batch"], ranks)
        self._mine = ranks.mine(self._batch)
        self._step = 0
        ranks.say(
            f"gan: {_weights(self._gan.generator):,} weights, critic {_weights(self._critic):,}, "
            f"{len(self._pairs.first):,} windows of {dic_config.kind} with partners, "
            f"{self._batch} a step on {device}"
        )

    def loss(self) -> tuple[Tensor, int]:
        """Teach the critic one step; return the generator's loss and the notes it edited."""
        # Every process draws the whole batch and its noise, and takes its share of both.
        source, target = self._draw()
        noise = [part[self._mine] for part in self._noise(source)]
        source, target = source.part(self._mine), target.part(self._mine)
        x, y = self._tensors(source), self._tensors(target)
        wanted = torch.from_numpy(distance(source.roll[..., 0], target.roll[..., 0]))
        wanted = wanted.to(self.device)
        latent = self._gan.encode(x["roll"], x["position"])
        made, edit = self._gan.vary(x["roll"], x["duration"], x["position"], latent, wanted, *noise)
        given = x["cells"], x["position"], latent.style, wanted
        self._teach(given, y["cells"], made.detach())
        for parameter in self._critic.parameters():
            parameter.requires_grad_(False)
        gap = self._score(given, y["cells"]) - self._score(given, made)
        for parameter in self._critic.parameters():
            parameter.requires_grad_(True)
        valid = torch.from_numpy(source.valid).to(self.device)[..., None]
        loss = pair_loss(edit, y["roll"], y["duration"], valid)
        loss = loss + ADVERSARIAL * functional.softplus(gap).mean()
        loss = loss + DISTANCE * _expected(edit.hit, x["roll"][..., 0], valid, wanted)
        self._step += 1
        return loss, int(source.roll[..., 0].sum())

    def _teach(self, given: tuple[Tensor, ...], real: Tensor, made: Tensor) -> None:
        """Let the critic tell what musicians made from what the generator made."""
        penalised = self._step % PENALTY_EVERY == 0
        real, made = real.requires_grad_(penalised), made.requires_grad_(penalised)
        good, bad = self._score(given, real), self._score(given, made)
        loss = functional.softplus(bad - good).mean()
        if penalised:  # R1 and R2: the critic's slopes, at real and at made ones
            for score, cells in ((good, real), (bad, made)):
                (slope,) = torch.autograd.grad(score.sum(), cells, create_graph=True)
                loss = loss + PENALTY_EVERY * PENALTY / 2 * slope.square().sum((1, 2, 3, 4)).mean()
        self._judge.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.ranks.world > 1:
            self.ranks.average_gradients(self._critic.parameters(), 1.0)
        self._judge.step()

    def _score(self, given: tuple[Tensor, ...], cells: Tensor) -> Tensor:
        source, position, style, wanted = given
        scores: Tensor = self._critic(source, cells, position, style, wanted)
        return scores

    def _draw(self) -> tuple[Batch, Batch]:
        """Draw pairs, both of a pair in the same key and of the same voices."""
        first, partner = self._pairs.draw(self._random, self._batch)
        if self._config.dic.kind == "drums":
            return make_batch(self._bars, first), make_batch(self._bars, partner)
        shift = self._random.integers(-TRANSPOSE, TRANSPOSE + 1, self._batch)
        voices = self._random.integers(0, 3, self._batch)
        voices[self._random.random(self._batch) > ALONE] = -1
        return (
            make_batch(self._bars, first, transpose=shift, voices=voices),
            make_batch(self._bars, partner, transpose=shift, voices=voices),
        )

    def _tensors(self, batch: Batch) -> dict[str, Tensor]:
        roll = torch.from_numpy(batch.roll).to(self.device)
        duration = torch.log2(1 + torch.from_numpy(batch.duration).to(self.device)) / LONGEST
        return {
            "roll": roll,
            "duration": duration,
            "position": torch.from_numpy(batch.position).to(self.device),
            "cells": torch.cat([roll[..., :3], duration[..., None]], -1),
        }

    def _noise(self, batch: Batch) -> list[Tensor]:
        config = self._config
        rows = ROWS[config.dic.kind]
        bar = np.rint(batch.beats / 2)  # beats of one of the two bars
        drawn = [
            draw_noise(self._random, np.arange(8) % n, rows, config.noise, config.sharing).whole(0)
            for n in bar
        ]
        parts = zip(*drawn, strict=True)
        return [torch.from_numpy(np.stack(part)).to(self.device) for part in parts]

    @torch.no_grad()
    def validate(self, model: nn.Module) -> Figures:
        """Measure, on held-out pairs, what musicians made against what is expected and made.

        The score is how little the generator expects what musicians made. Beside it stands the
        Fréchet distance, in the DIC's latent space, of variations from what musicians made of
        the same phrases at the same distances; it is small from the start, since most of a
        variation is the phrase.
        """
        figures: Figures = {}
        kept = self._random.bit_generator.state
        self._tune()
        self._random = np.random.default_rng(0)
        scores = []
        for style, pairs in self._held_out_pairs.items():
            bars = self._held_out[style]
            first, partner = pairs.draw(self._random, VALIDATION_WINDOWS)
            cost, apart = self._compare(bars, first, partner)
            figures[style, "pair_loss"], figures[style, "frechet"] = cost, apart
            scores.append(cost)
        figures["all", "score"] = float(np.mean(scores))
        self._random = np.random.default_rng()
        self._random.bit_generator.state = kept
        return figures

    def _tune(self) -> None:
        """Choose temperature and sharing so that variations have the statistics of the phrases.

        Measured on training music, at two amounts; the sum of the gaps in points decides.
        """
        count = min(TUNED_WINDOWS, len(self._pairs.first))
        some = np.random.default_rng(0).choice(self._pairs.first, count, replace=False)
        batch = make_batch(self._bars, some)
        real = statistics(self._phrases(batch, batch.roll, batch.duration))
        found = []
        for temperature in TEMPERATURES:
            for sharing in SHARINGS:
                self._set(replace(self._config, temperature=temperature, sharing=sharing))
                self._random = np.random.default_rng(0)
                gap = sum(self._gap(batch, amount, real) for amount in TUNED_AMOUNTS)
                found.append((gap, self._config))
        self._set(min(found, key=lambda one: one[0])[1])

    def _gap(self, batch: Batch, amount: float, real: Mapping[str, float]) -> float:
        """Return how far the statistics of variations are from those of music, in points."""
        x = self._tensors(batch)
        wanted = torch.full((len(batch.beats),), self._config.reach * amount, device=self.device)
        latent = self._gan.encode(x["roll"], x["position"])
        made, _ = self._gan.vary(
            x["roll"], x["duration"], x["position"], latent, wanted, *self._noise(batch)
        )
        cells = made.cpu().numpy()
        cells[..., 0] = np.rint(cells[..., 0])
        came = statistics(self._phrases(batch, cells, np.exp2(cells[..., 3] * LONGEST) - 1))
        return sum(POINTS.get(name, 100.0) * abs(came[name] - real[name]) for name in real)

    def _phrases(self, batch: Batch, cells: Any, duration: Any) -> Phrases:
        hit, velocity, offset = (np.ascontiguousarray(cells[..., i]) for i in range(3))
        kind = self._config.dic.kind
        return Phrases(kind, hit, velocity, offset, duration, batch.position, batch.bpm)

    def _set(self, config: GANConfig) -> None:
        self._config = self._gan.config = config

    def _compare(self, bars: Bars, first: Any, partner: Any) -> tuple[float, float]:
        source, target = make_batch(bars, first), make_batch(bars, partner)
        x, y = self._tensors(source), self._tensors(target)
        wanted = torch.from_numpy(distance(source.roll[..., 0], target.roll[..., 0]))
        wanted = wanted.to(self.device)
        latent = self._gan.encode(x["roll"], x["position"])
        made, edit = self._gan.vary(
            x["roll"], x["duration"], x["position"], latent, wanted, *self._noise(source)
        )
        valid = torch.from_numpy(source.valid).to(self.device)[..., None]
        cost = pair_loss(edit, y["roll"], y["duration"], valid)
        roll = torch.zeros_like(y["roll"])
        roll[..., :3] = made[..., :3]
        real = torch.zeros_like(roll)
        real[..., :3] = y["roll"][..., :3]
        return float(cost), frechet(
            _features(self._gan.encode(real, y["position"])),
            _features(self._gan.encode(roll, x["position"])),
        )

    def config(self) -> dict[str, Any]:
        """Return the network's config as JSON values."""
        return self._config.to_dict()

    def adopt(self, config: Mapping[str, Any]) -> None:
        """Take over the temperature and the sharing that a validation chose."""
        found = GANConfig.from_dict(config)
        self._set(replace(self._config, temperature=found.temperature, sharing=found.sharing))

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Tell whether a stored config is one of this run."""
        both = GANConfig.from_dict(config), self._config
        one, other = (replace(c, temperature=1.0, sharing=1.0) for c in both)  # those are tuned
        return one == other

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about its data."""
        return {
            "data": self._data,
            "weights": _weights(self._gan),
            "windows": len(self._pairs.first),
        }

    def passages(self) -> None:
        """Return nothing: cells on a grid are not passages of notes."""

    def state(self) -> dict[str, Any]:
        """Return critic, its optimiser, and the state of the random numbers."""
        return {
            "random": repr(self._random.bit_generator.state),
            "critic": self._critic.state_dict(),
            "judge": self._judge.state_dict(),
            "step": self._step,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._random.bit_generator.state = ast.literal_eval(state["random"])
        self._critic.load_state_dict(state["critic"])
        self._judge.load_state_dict(state["judge"])
        self._step = state["step"]


def _expected(logit: Tensor, hit: Tensor, valid: Tensor, wanted: Tensor) -> Tensor:
    """Return how far the distance that the scores expect is from the one asked for."""
    chance = logit.sigmoid() * valid
    common = (hit * chance).sum((1, 2, 3))
    both = (hit + chance).sum((1, 2, 3)).clamp_min(1.0)
    return (1 - 2 * common / both - wanted).abs().mean()


def _features(latent: Latent) -> Any:
    """Return one vector a window: its style, and mean and spread of its content."""
    content = latent.content
    parts = [latent.style, content.mean(1), content.std(1)]
    return torch.cat(parts, -1).cpu().numpy().astype(np.float64)


def _weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _conv_dic(name: str | None, kind: str) -> tuple[DIC, DICConfig]:
    """Load the DIC that the GAN leans on."""
    path = choose_checkpoint(name or f"dic-{kind}", "dic")
    dic, config = load_dic(path)
    if not isinstance(dic, DIC) or config.kind != kind:
        raise CheckpointError(
            f"expected a DIC for {kind} of the form conv in {path}",
            f"found one for {config.kind} of the form {config.form}",
            "name another with --dic, or choose another --preset",
        )
    return dic, config


def load_gan(path: Path) -> tuple[GAN, GANConfig]:
    """Load a GAN's checkpoint into the networks.

    Raises
    ------
    CheckpointError
        If it is missing, broken or not a GAN's.
    """
    found = load_checkpoint(path, "gan")
    try:
        config = GANConfig.from_dict(found.config)
        model = GAN(config)
        model.load_state_dict({name: torch.from_numpy(w) for name, w in found.weights.items()})
    except (RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"expected a GAN's weights in {path}",
            "found others: " + str(error).split("\n")[-1].strip(),
            "copy or train it again",
        ) from error
    return model.eval(), config
