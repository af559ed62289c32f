"""The GAN: it edits a phrase at a distance that is asked for, and a critic who knows real ones.

::

    phrase x, DIC latent of x, distance d, noise ─► generator ─► for each cell: would a player
                                                                 who varies x by d strike here?
    the likeliest flips (with noise) up to the distance d  ─► x'
    critic(x, x', d): does x' look like what people made of x?

The generator does not draw freely: its scores are turned into the best *k* flips of cells, and
*k* is what the distance asks for. So the distance is kept exactly, 0 is the phrase itself, and
a farther variation of the same seed goes on from the nearer one. Flips are hard forwards and
soft backwards (straight-through).

What is learnt from are pairs: two windows of one piece, at whatever distance they happen to be.
How musicians vary their own phrases is what a variation should look like.

Source of the objective: R3GAN (Huang et al. 2024: relativistic loss, R1 and R2 penalties, no
normalisation); straight-through binary neurons in MuseGAN (Dong and Yang 2018).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models.dic import (
    DIC,
    HINTS,
    DICConfig,
    Latent,
    Trunk,
    exist,
    read_cells,
    see,
)
from antiphon_models.rolls import POSITION, SLOTS


@dataclass(frozen=True)
class GANConfig:
    """Size of a GAN, and how it is played.

    Attributes
    ----------
    dic : DICConfig
        The DIC whose latent it leans on; its weights lie in the same checkpoint.
    width, blocks : int
        Channels and residual blocks of the generator.
    noise : int
        Noise inputs of a beat.
    reach : float
        Distance at amount 1 (see :func:`antiphon_models.rolls.distance`): as far as two
        windows of one piece usually are from each other.
    sharing : float
        0..1: how much of a cell's noise is the same in every bar, so that what repeats in the
        phrase is varied alike.
    temperature : float
        Scales the noise of the cells; 1 draws flips as likely as they are.
    """

    dic: DICConfig = field(default_factory=DICConfig)
    width: int = 160
    blocks: int = 2
    noise: int = 8
    reach: float = 0.7
    sharing: float = 0.5
    temperature: float = 1.0

    def to_dict(self) -> dict[str, Any]:
        """Return the config as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> GANConfig:
        """Read what :meth:`to_dict` wrote; raises TypeError or KeyError on anything else."""
        known = {f.name: values[f.name] for f in fields(cls)}
        return cls(**{**known, "dic": DICConfig.from_dict(values["dic"])})


SPREADS: Final = (-6.0, -0.5)
"""Least and greatest log of a spread."""


class Edit(NamedTuple):
    """What the generator says of each cell, (windows, beats, SLOTS, rows).

    `hit` is the logit of a hit there in the variation; `velocity` (0..1), `offset` (sixteenths)
    and `duration` (as the DIC's) are what it would have on average, and `spread` (windows,
    beats, SLOTS, 2) is the log of how far velocity and offset would be from that.
    """

    hit: Tensor
    velocity: Tensor
    offset: Tensor
    duration: Tensor
    spread: Tensor


class Generator(nn.Module):
    """Says what of a phrase would change in a variation at a distance."""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.config = config
        dic = config.dic
        latent = dic.content + dic.style
        inputs = dic.seen + POSITION + latent + config.noise + 1
        self.trunk = Trunk(inputs, config.width, config.blocks)
        self.to_cells = nn.Linear(config.width, dic.told)
        self.stay = nn.Parameter(torch.tensor(2.0))
        with torch.no_grad():
            self.to_cells.weight.mul_(0.1)
            self.to_cells.bias.zero_()
            self.to_cells.bias[-2 * SLOTS :] = -2.0
            self.to_cells.bias[: dic.cells] = -3.0

    def forward(
        self, roll: Tensor, position: Tensor, latent: Latent, wanted: Tensor, noise: Tensor
    ) -> Edit:
        """Score the cells of windows.

        Parameters
        ----------
        roll, position : Tensor
            (windows, beats, SLOTS, rows, channels) and (windows, beats, POSITION).
        latent : Latent
            The DIC's, of the same windows.
        wanted : Tensor
            (windows,): distance.
        noise : Tensor
            (windows, beats, noise), unit normal.
        """
        beats = roll.shape[1]
        seen = see(roll)
        each = torch.cat([latent.style, wanted[:, None]], -1)[:, None].expand(-1, beats, -1)
        x = torch.cat([seen, position, latent.content, each, noise], -1)
        out = read_cells(self.config.dic, self.to_cells(self.trunk(x, exist(position))))
        hit = roll[..., 0]
        if self.config.dic.kind == "drums":
            velocity, offset = roll[..., 1], roll[..., 2]
        else:
            cells = self.config.dic.cells
            means = seen[..., 2 * cells :].reshape(*seen.shape[:2], 2, SLOTS, 1)
            velocity, offset = means[:, :, 0], means[:, :, 1]
        return Edit(
            out.hit + self.stay * (2 * hit - 1),
            out.velocity + velocity,
            out.offset + offset,
            out.duration,
            out.spread.clamp(*SPREADS),
        )


class Critic(nn.Module):
    """Says how much a pair of phrases looks like a phrase and what a musician made of it."""

    def __init__(self, config: GANConfig, width: int = 128, blocks: int = 2) -> None:
        super().__init__()
        dic = config.dic
        self.kind = dic.kind
        inputs = 3 * dic.cells + 3 * dic.cells + POSITION + dic.style + 1
        if dic.kind == "pitched":
            inputs = 2 * (2 * dic.cells + 2 * SLOTS) + 12 * SLOTS + POSITION + dic.style + 1
        self.trunk = Trunk(inputs, width, blocks)
        self.local = nn.Linear(width, 1)
        self.whole = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(
        self, source: Tensor, cells: Tensor, position: Tensor, style: Tensor, wanted: Tensor
    ) -> Tensor:
        """Score windows, (windows,).

        Parameters
        ----------
        source : Tensor
            (windows, beats, SLOTS, rows, 4): hit, velocity, offset, duration of the phrase.
        cells : Tensor
            The same of the variation.
        position, style, wanted
            As in :class:`Generator`.
        """
        exists = exist(position)
        change = cells[..., 0] - source[..., 0]
        if self.kind == "drums":
            parts = [cells[..., i].flatten(2) for i in range(3)]
            parts += [change.flatten(2), *(source[..., i].flatten(2) for i in (0, 1))]
        else:
            hit = cells[..., 0]
            count = hit.sum(-1).clamp_min(1.0)
            chroma = torch.stack([hit[..., i::12].sum(-1) for i in range(12)], -1)
            parts = [hit.flatten(2), cells[..., 3].flatten(2), chroma.flatten(2)]
            parts += [cells[..., i].sum(-1) / count for i in (1, 2)]
            parts += [change.flatten(2), source[..., 3].flatten(2)]
            many = source[..., 0].sum(-1).clamp_min(1.0)
            parts += [source[..., i].sum(-1) / many for i in (1, 2)]
        each = torch.cat([style, wanted[:, None]], -1)[:, None].expand(-1, cells.shape[1], -1)
        h = self.trunk(torch.cat([*parts, position, each], -1), exists)
        beats = exists.sum(1).clamp_min(1.0)
        local = (self.local(h) * exists).sum(1) / beats
        whole: Tensor = local + self.whole(h.sum(1) / beats)
        return whole[:, 0]


def choose_flips(score: Tensor, hit: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Choose the best flips up to a distance.

    Parameters
    ----------
    score : Tensor
        (windows, cells): how much each cell wants to flip; -inf where it must not.
    hit : Tensor
        (windows, cells): hits of the phrase, 0 or 1.
    wanted : Tensor
        (windows,): distance.

    Returns
    -------
    flip, level : Tensor
        (windows, cells): 1 for the flips chosen, as many as come nearest to the distance, at
        least one if it is above 0. (windows, 1): the score of the last one.
    """
    most = min(score.shape[1], 192)
    best, order = score.topk(most, 1)
    removes = hit.gather(1, order)
    size = hit.sum(1, keepdim=True)
    flips = torch.arange(1, most + 1, device=score.device)
    total = 2 * size + (1 - 2 * removes).cumsum(1)  # hits of both together
    apart = flips / total.clamp_min(1.0)  # the distance after each flip
    apart = apart.masked_fill(best == -torch.inf, torch.inf)
    count = (apart - wanted[:, None]).abs().argmin(1) + 1  # (windows,)
    count = torch.where(wanted > 0, count, 0)
    chosen = (flips <= count[:, None]).to(score.dtype)
    flip = torch.zeros_like(score).scatter(1, order, chosen)
    level = best.gather(1, (count - 1).clamp_min(0)[:, None])
    return flip, level


class GAN(nn.Module):
    """The generator and the DIC beneath it, as they lie in a checkpoint."""

    def __init__(self, config: GANConfig) -> None:
        super().__init__()
        self.config = config
        self.generator = Generator(config)
        self.dic = DIC(config.dic)
        self.dic.requires_grad_(False)

    def encode(self, roll: Tensor, position: Tensor) -> Latent:
        """Encode windows with the DIC, which does not learn here."""
        with torch.no_grad():
            hints = roll.new_zeros(*roll.shape[:2], HINTS)
            return self.dic.encode(roll, position, hints)

    def vary(
        self,
        roll: Tensor,
        duration: Tensor,
        position: Tensor,
        latent: Latent,
        wanted: Tensor,
        noise: Tensor,
        cell_noise: Tensor,
        chance: Tensor,
    ) -> tuple[Tensor, Edit]:
        """Make variations of windows.

        Parameters
        ----------
        roll, position, latent, wanted, noise
            As in :class:`Generator`.
        duration : Tensor
            (windows, beats, SLOTS, rows): of the hits, as the DIC tells them.
        cell_noise : Tensor
            (windows, beats, SLOTS, rows): logistic noise.
        chance : Tensor
            (windows, beats, SLOTS, rows, 2): Laplace noise of velocity and offset.

        Returns
        -------
        cells, edit : Tensor, Edit
            (windows, beats, SLOTS, rows, 4): hit, velocity, offset and duration of the
            variation, with gradients to the generator; and what the generator said.
        """
        edit = self.generator(roll, position, latent, wanted, noise)
        hit = roll[..., 0]
        valid = position[..., -SLOTS:, None] > 0
        score = (1 - 2 * hit) * edit.hit + self.config.temperature * cell_noise
        score = score.masked_fill(~valid.expand_as(score), -torch.inf).flatten(1)
        flat = hit.flatten(1)
        flip, level = choose_flips(score.detach(), flat, wanted)
        soft = (score - level).masked_fill(score == -torch.inf, -30.0).sigmoid()
        flip = flip + soft - soft.detach()  # hard forwards, soft backwards
        new = (flat + (1 - 2 * flat) * flip).reshape(hit.shape)
        amount = (wanted / self.config.reach).clamp(0, 1)[:, None, None, None]
        own = hit * faithful(amount)
        felt = edit.spread.exp()[..., None, :] * chance  # (windows, beats, SLOTS, rows, 2)
        velocity, offset = (
            mean + own * (roll[..., i] - mean) + (1 - own**2).sqrt() * felt[..., i - 1]
            for i, mean in ((1, edit.velocity), (2, edit.offset))
        )
        length = torch.where(hit > 0, duration, edit.duration)
        cells = torch.stack([new, new * velocity, new * offset, new * length], -1)
        return cells, edit


def faithful(amount: Any) -> Any:
    """Return how much kept notes stay what they were, for an amount 0..1.

    A kept note lies as far from what the generator expects as it did, times this; what that
    takes from the range of velocities and offsets, chance gives back.
    """
    return (1 - amount) ** 2


def pair_loss(edit: Edit, target: Tensor, duration: Tensor, valid: Tensor) -> Tensor:
    """Return what it costs the generator a window not to expect what a musician made of it.

    Parameters
    ----------
    edit : Edit
        What it said.
    target, duration : Tensor
        Roll and durations (as the DIC's) of the window that the musician made.
    valid : Tensor
        (windows, beats, SLOTS, 1).
    """
    hit = target[..., 0]
    cost = functional.binary_cross_entropy_with_logits(edit.hit, hit, reduction="none") * valid
    velocity = (edit.velocity - target[..., 1]).abs()
    offset = (edit.offset - target[..., 2]).abs()
    errors = 6 * velocity + 6 * offset + 2 * (edit.duration - duration).abs()
    made = torch.stack([velocity, offset], -1).detach()
    spread = edit.spread[..., None, :]
    unlikely = 0.1 * (spread + made * (-spread).exp()).sum(-1)
    return (cost + hit * (errors + unlikely)).sum((1, 2, 3)).mean() / 10
