"""The DIC, a deep information codec: it encodes a phrase into what it is, and decodes it again.

::

    roll (T, cells) ─► residual convolutions over beats ─┬─► content (T, C)  what happens when
                                                         └─► style   (S,)    how it is played
    content, style, position ─► residual convolutions ─► hits, velocities, offsets, durations

The first dimensions of the style are named (:mod:`antiphon_models.attributes`): the encoder is
tied to what is measured, and the decoder is taught to obey them. The content has a vector for
each beat rather than one for all: a phrase of any length is one pass, without seams.

What the encoder is shown may be flat (no velocities, no microtiming: it then humanises) or, for
drums, only a tapped rhythm (it then makes the groove).

:class:`DenseDIC` is the textbook's form, the baseline: layers ``h = relu(W h + b)`` around one
code, with a sigmoid at the end.

Source of the objective: Kingma and Welling 2014 (with free bits, Kingma et al. 2016), Pati and
Lerch 2021 for the named dimensions, Gillick et al. 2019 for flat and tapped inputs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models import attributes
from antiphon_models.rolls import POSITION, ROWS, SLOTS, Kind

HINTS: Final = 2 * SLOTS + 2
"""Inputs of a beat besides roll and position: a tapped rhythm (onset and accent of each slot),
whether the roll is flat, and whether there is a tapped rhythm instead of it."""

NAMED: Final = len(attributes.NAMES)

LONGEST: Final = 5.0
"""Durations are told as log2(1 + sixteenths) / LONGEST."""


@dataclass(frozen=True)
class DICConfig:
    """Size of a DIC.

    Attributes
    ----------
    kind : str
        drums or pitched.
    form : str
        conv, or dense for the baseline.
    width, blocks : int
        Channels, and residual blocks of encoder and decoder each.
    content, style : int
        Dimensions of the content of a beat, and of the style (the named ones included). The
        dense form has ``style`` dimensions in all.
    dropout : float
        In training, of what goes into each block. The straight way from roll to content has
        none: what a phrase is gets through, what can only be guessed is learnt more warily.
    threshold : float
        Probability from which the decoder means a hit; tuned on validation music.
    means, scales : tuple of float
        Of the named attributes in the training music.
    touch : tuple of tuple of float
        Four rows of quantiles over the training music: velocities as the decoder tells them of
        flat windows, and as they were played; then offsets, likewise. What is decoded is the
        mean of what players do; this tells how far from it they go.
    """

    kind: Kind = "drums"
    form: str = "conv"
    width: int = 160
    blocks: int = 2
    content: int = 48
    style: int = 16
    dropout: float = 0.0
    threshold: float = 0.5
    means: tuple[float, ...] = (0.0,) * NAMED
    scales: tuple[float, ...] = (1.0,) * NAMED
    touch: tuple[tuple[float, ...], ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the config as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DICConfig:
        """Read what :meth:`to_dict` wrote; raises TypeError or KeyError on anything else."""
        known = {f.name: values[f.name] for f in fields(cls) if f.name != "dropout"}
        known |= {name: tuple(known[name]) for name in ("means", "scales")}
        known |= {"touch": tuple(tuple(row) for row in known["touch"])}
        return cls(**known, dropout=values.get("dropout", 0.0))  # only training asks for it

    @property
    def cells(self) -> int:
        """Cells of a beat."""
        return SLOTS * ROWS[self.kind]

    @property
    def seen(self) -> int:
        """Values that the encoder sees of a beat, see :func:`see`."""
        return 3 * self.cells if self.kind == "drums" else 2 * self.cells + 2 * SLOTS

    @property
    def told(self) -> int:
        """Values that the decoder tells of a beat, see :func:`read_cells`."""
        return 2 * SLOTS + self.seen


class Latent(NamedTuple):
    """What the encoder says: means and log variances.

    Content is (windows, beats, content), style (windows, style).
    """

    content: Tensor
    content_log_var: Tensor
    style: Tensor
    style_log_var: Tensor


class Decoded(NamedTuple):
    """What the decoder says of each cell, (windows, beats, SLOTS, rows).

    `hit` is a logit, `velocity` 0..1, `offset` in sixteenths, `duration` as in LONGEST (zeros
    for drums). `spread` (windows, beats, SLOTS, 2) is the log of the mean error to expect of
    velocity and offset.
    """

    hit: Tensor
    velocity: Tensor
    offset: Tensor
    duration: Tensor
    spread: Tensor


class Block(nn.Module):
    """A residual block: a convolution over three beats, then a layer for each beat alone."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(3 * width, width)
        self.second = nn.Linear(width, width)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor, exists: Tensor) -> Tensor:
        """Take and return (windows, beats, width); `exists` is 0 for beats past the end."""
        h = self.second(functional.relu(self.first(neighbours(functional.relu(x)))))
        added: Tensor = (x + h) * exists
        return added


def neighbours(x: Tensor) -> Tensor:
    """Put each beat beside the one before and the one after it: (..., beats, 3 · width)."""
    padded = functional.pad(x, (0, 0, 1, 1))
    return torch.cat([padded[..., :-2, :], padded[..., 1:-1, :], padded[..., 2:, :]], -1)


class Trunk(nn.Module):
    """A layer in, residual blocks, a rectifier: (windows, beats, inputs) to (..., width).

    `dropout` is the share of what goes into each block that is dropped in training.
    """

    def __init__(self, inputs: int, width: int, blocks: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.enter = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))

    def forward(self, x: Tensor, exists: Tensor) -> Tensor:
        """Apply the trunk; beats that do not exist stay 0."""
        h = self.enter(x) * exists
        for block in self.blocks:
            h = block(functional.dropout(h, self.dropout, self.training), exists)
        return functional.relu(h)


class DIC(nn.Module):
    """Encoder and decoder with a content vector a beat."""

    def __init__(self, config: DICConfig) -> None:
        super().__init__()
        self.config = config
        inputs = config.seen + POSITION + HINTS
        self.encoder = Trunk(inputs, config.width, config.blocks, config.dropout)
        self.to_content = nn.Linear(config.width, 2 * config.content)
        self.to_style = nn.Linear(config.width, 2 * config.style)
        self.decoder = Trunk(config.content + config.style + POSITION, config.width, config.blocks)
        self.to_cells = nn.Linear(config.width, config.told)
        # A straight way from the roll to the content and back: even at random, a code that
        # notes share is nearly undone by its transpose, which leaves little to be learnt.
        cells, means = config.cells, config.seen - 2 * config.cells
        self.code = nn.Linear(config.seen, config.content, bias=False)
        self.undo = nn.Linear(config.content, config.seen, bias=False)
        nn.init.normal_(self.code.weight, std=config.content**-0.5)
        with torch.no_grad():
            if config.kind == "pitched":
                self.code.weight[:, cells : 2 * cells] *= 0.3  # sustain says least
            self.undo.weight.copy_(self.code.weight.T)
            self.undo.weight[:cells] *= 4
            self.undo.weight[cells:-means] *= config.kind == "drums"
        for layer in (self.to_content, self.to_style):
            nn.init.constant_(layer.bias[layer.out_features // 2 :], -3.0)
        with torch.no_grad():
            self.to_cells.bias[: config.cells] = -3.0  # most cells are empty
            self.to_cells.bias[-2 * SLOTS :] = -2.0

    def encode(self, roll: Tensor, position: Tensor, hints: Tensor) -> Latent:
        """Encode windows.

        Parameters
        ----------
        roll : Tensor
            (windows, beats, SLOTS, rows, channels).
        position : Tensor
            (windows, beats, POSITION).
        hints : Tensor
            (windows, beats, HINTS).
        """
        exists = exist(position)
        seen = see(roll)
        h = self.encoder(torch.cat([seen, position, hints], -1), exists)
        content, content_log_var = self.to_content(h).chunk(2, -1)
        content = content + self.code(seen) * exists
        mean = h.sum(1) / exists.sum(1).clamp_min(1.0)  # (windows, width)
        style, style_log_var = self.to_style(mean).chunk(2, -1)
        return Latent(content, content_log_var, style, style_log_var)

    def decode(self, content: Tensor, style: Tensor, position: Tensor) -> Decoded:
        """Decode content (windows, beats, content) and style (windows, style)."""
        exists = exist(position)
        spread = style[:, None].expand(-1, content.shape[1], -1)
        h = self.decoder(torch.cat([content, spread, position], -1), exists)
        out = self.to_cells(h)
        cells = out[..., : self.config.seen] + self.undo(content)
        return read_cells(self.config, torch.cat([cells, out[..., self.config.seen :]], -1))

    def forward(self, roll: Tensor, position: Tensor, hints: Tensor) -> tuple[Decoded, Latent]:
        """Encode, draw from the latent distribution (in training), and decode."""
        latent = self.encode(roll, position, hints)
        content, style = latent.content, latent.style
        if self.training:
            content = content + torch.randn_like(content) * (latent.content_log_var / 2).exp()
            style = style + torch.randn_like(style) * (latent.style_log_var / 2).exp()
        return self.decode(content, style, position), latent


def exist(position: Tensor) -> Tensor:
    """Return which beats exist, (windows, beats, 1): those that have a valid slot."""
    return position[..., -SLOTS:].amax(-1, keepdim=True)


def see(roll: Tensor) -> Tensor:
    """Flatten rolls (windows, beats, SLOTS, rows, channels) to what a network sees of a beat.

    Of drums every cell's hit, velocity and offset; of pitched notes every cell's hit and
    sustain, and the mean velocity and offset of each slot.
    """
    if roll.shape[-1] == 3:
        return torch.cat([roll[..., i].flatten(2) for i in range(3)], -1)
    hit = roll[..., 0]
    count = hit.sum(-1).clamp_min(1.0)
    means = [roll[..., i].sum(-1) / count for i in (1, 2)]  # (windows, beats, SLOTS) each
    return torch.cat([hit.flatten(2), roll[..., 3].flatten(2), *means], -1)


def read_cells(config: DICConfig, out: Tensor) -> Decoded:
    """Sort the values (windows, beats, told) that the last layer gives of each beat.

    Drums: hits, velocities and offsets of the cells; pitched: hits and durations of the cells,
    velocity and offset of the slots. Then the spreads.
    """
    cells, lead = config.cells, out.shape[:2]
    shape = (*lead, SLOTS, ROWS[config.kind])
    hit = out[..., :cells].reshape(shape)
    spread = out[..., -2 * SLOTS :].reshape(*lead, SLOTS, 2)
    second = out[..., cells : 2 * cells].reshape(shape)
    if config.kind == "drums":
        offset = out[..., 2 * cells : 3 * cells].reshape(shape)
        return Decoded(hit, second, offset, torch.zeros_like(hit), spread)
    rest = out[..., 2 * cells : -2 * SLOTS].reshape(*lead, 2, SLOTS, 1).expand(*lead, 2, *shape[2:])
    return Decoded(hit, rest[:, :, 0], rest[:, :, 1], second, spread)


class DenseDIC(nn.Module):
    """The baseline: dense rectified layers around one code, a sigmoid at the end."""

    def __init__(self, config: DICConfig, beats: int) -> None:
        super().__init__()
        self.config, self.beats = config, beats
        self.layers = nn.Sequential(
            nn.Linear(beats * (config.seen + POSITION), config.width),
            nn.ReLU(),
            nn.Linear(config.width, config.style),
            nn.ReLU(),
            nn.Linear(config.style, config.width),
            nn.ReLU(),
        )
        self.out = nn.Linear(config.width, beats * config.told)
        nn.init.constant_(self.out.bias, -3.0)

    def forward(self, roll: Tensor, position: Tensor, hints: Tensor) -> tuple[Decoded, None]:
        """Reconstruct windows of exactly `beats` beats; hints are not looked at."""
        x = torch.cat([see(roll), position], -1).flatten(1)
        out = self.out(self.layers(x)).reshape(len(roll), self.beats, -1)
        hit, velocity, offset, duration, spread = read_cells(self.config, out)
        squashed = velocity.sigmoid(), 2 * offset.sigmoid() - 1, duration.sigmoid()
        return Decoded(hit, *squashed, spread), None


def make_dic(config: DICConfig, beats: int) -> DIC | DenseDIC:
    """Make a network of the form that the config names; a dense one for windows of `beats`."""
    return DenseDIC(config, beats) if config.form == "dense" else DIC(config)
