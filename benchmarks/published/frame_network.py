"""The player's recurrent core with frame heads: which pitches sound in the next frame.

The core hears whole frames, as the player hears notes; a small network whose weights are shared by
all pitches says what that means for each, seeing the frame from where the pitch stands. T is time,
B the batch, P the pitches, G the core's width, W the width per pitch::

    g = layernorm(core(hear @ [frame, frame before, echo]
                       + embed.phase + embed.begin + embed.echo))
    x = see @ [frame, frame before and echo at the pitches around; pitch classes from here up;
               how many notes; how long this pitch has been on or off; a few words of g for it]
      + tell @ g + embed.pitch                                          (T, B, P, W)
    x = tied(x)                  optional: a core for each pitch, weights shared (Johnson 2017)
    h = relu(x + relu(x) @ deepen)

    independent:  logit = h @ alone + its words of g + bias of the pitch    each on its own
    joint:        logit = the same (its gradient cut) + f(h, what was decided below)

The joint head goes from the lowest pitch to the highest and sees the new frame at the pitches
below only; so its probabilities of all 2^P frames sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models.core import Core, State, initialise_core, mask_over_time
from antiphon_models.network import NORM_EPS
from published.poly_data import ECHO_BUCKETS

HEADS: Final = ("independent", "joint")
AROUND: Final = 24
"""Pitches that are seen to each side."""
CLASSES: Final = 12
COUNTS: Final = 8
WORDS: Final = 6
"""Numbers that the core says of each pitch: for the pitch's network, and one for the logit."""
PHASES: Final = (16, 12)
"""Lengths in frames of the cycles in which a frame's place is told."""


@dataclass(frozen=True)
class FrameConfig:
    """Size of the network, and what it is for."""

    pitches: int
    width: int = 192
    layers: int = 2
    pitch_width: int = 64
    tied: int = 0
    dropout: float = 0.2
    core: str = "lstm"
    heads: tuple[str, ...] = HEADS
    echo: bool = True


class FrameNetwork(nn.Module):
    """The network of the module's docstring.

    Parameters
    ----------
    config : FrameConfig
        Size.
    marginal : Tensor
        (P,): how often each pitch sounds, where the network begins.
    """

    def __init__(self, config: FrameConfig, marginal: Tensor) -> None:
        super().__init__()
        self.config = config
        width, each, pitches = config.width, config.pitch_width, config.pitches
        planes = 3 if config.echo else 2
        self.hear = nn.Linear(planes * pitches, width)
        sizes = {"begin": 1, "echo": ECHO_BUCKETS} | {f"phase{cycle}": cycle for cycle in PHASES}
        self.embed = nn.ParameterDict(
            {name: nn.Parameter(torch.empty(rows, width)) for name, rows in sizes.items()}
        )
        self.embed["pitch"] = nn.Parameter(torch.empty(pitches, each))
        self.core = Core(width, config.layers, config.core)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.words = nn.Linear(width, WORDS * pitches)
        self.tell = nn.Linear(width, each)
        self.see = nn.Linear(planes * (2 * AROUND + 1) + CLASSES + COUNTS + 2 + WORDS - 1, each)
        self.tied = Core(each, config.tied, config.core) if config.tied else None
        self.deepen = nn.Linear(each, each)
        self.alone = nn.Linear(each, 1)
        self.bias = nn.Parameter(torch.logit(marginal.to(torch.float32)))
        if "joint" in config.heads:
            self.decided = nn.Linear(AROUND + CLASSES + COUNTS, each)
            self.carry = nn.Linear(each, each)
            self.joint = nn.Sequential(
                nn.ReLU(), nn.Linear(each, each), nn.ReLU(), nn.Linear(each, 1)
            )
        self._initialise()

    def _initialise(self) -> None:
        for name, weight in self.named_parameters():
            width = self.config.pitch_width if name.startswith("tied.") else self.config.width
            if name == "bias" or initialise_core(name, weight, width):
                continue
            if name.startswith("embed."):
                nn.init.normal_(weight, std=0.1)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
            elif weight.dim() == 2:
                nn.init.xavier_uniform_(weight)

    def fresh_state(self, batch: int) -> tuple[State, ...]:
        """Return the state of `batch` pieces of which nothing was heard."""
        state = [self.core.fresh_state(batch)]
        if self.tied is not None:
            state.append(self.tied.fresh_state(batch * self.config.pitches))
        return tuple(state)

    def _hear(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Read rows (T, B, columns) with the core; return (T, B, G) and its new state."""
        planes, place, bucket = self._planes(rows)
        x = self.hear(torch.cat(planes, -1))
        x = x + (place == 0).to(x.dtype)[..., None] * self.embed["begin"][0]
        for cycle in PHASES:
            x = x + self.embed[f"phase{cycle}"][place % cycle]
        if self.config.echo:
            x = x + self.embed["echo"][bucket]
        if self.training and self.config.dropout > 0:
            x = x * mask_over_time(x, self.config.dropout)
        x, state = self.core(x, state, self.config.dropout)
        return self.norm(x), state

    def _planes(self, rows: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        """Return frame, frame before and echo, (T, B, P) each; the place and the echo's length."""
        pitches, kind = self.config.pitches, self.bias.dtype
        frame = rows[..., :pitches]
        age = rows[..., 2 * pitches : 3 * pitches]
        before = torch.where(age.abs() == 1, 1 - frame, frame) * (rows[..., 3 * pitches, None] > 1)
        planes = [frame.to(kind), before.to(kind)]
        if self.config.echo:
            planes.append(rows[..., pitches : 2 * pitches].to(kind))
        return planes, rows[..., 3 * pitches], rows[..., 3 * pitches + 1]

    def _see(self, rows: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
        """Return what each pitch sees (T, B, P, W), and what the core says of it (T, B, P)."""
        pitches = self.config.pitches
        planes, _, _ = self._planes(rows)
        frame = planes[0]
        words = self.words(g).view(*g.shape[:2], pitches, WORDS)
        age = rows[..., 2 * pitches : 3 * pitches].to(g.dtype)
        long = torch.log2(1 + age.abs())[..., None] / 4
        on = frame[..., None]
        seen = [_window(plane[..., None], AROUND, AROUND) for plane in planes]
        seen += [
            _classes_from(frame),
            _count(frame.sum(-1))[:, :, None].expand(-1, -1, pitches, -1),
            long * on,
            long * (1 - on),
            words[..., 1:],
        ]
        x = self.see(torch.cat(seen, -1)) + self.embed["pitch"] + self.tell(g)[:, :, None]
        return x, words[..., 0]

    def logits(
        self, rows: Tensor, following: Tensor, state: tuple[State, ...]
    ) -> tuple[dict[str, Tensor], tuple[State, ...]]:
        """Score every pitch of the frames that follow.

        Parameters
        ----------
        rows, following : Tensor
            (T, B, columns), int64: what was heard, and the row after each.
        state : tuple of State
            What was heard before.

        Returns
        -------
        dict, tuple of State
            Head -> logits (T, B, P), and the new state.
        """
        g, *after = self._hear(rows, state[0])
        x, word = self._see(rows, g)  # (T, B, P, W), (T, B, P)
        if self.tied is not None:
            flat = x.flatten(1, 2)  # (T, B * P, W)
            flat, tied = self.tied(flat, state[1], self.config.dropout)
            x = flat.view_as(x)
            after.append(tied)
        h = functional.relu(x + self.deepen(functional.relu(x)))
        if self.training and self.config.dropout > 0:
            h = functional.dropout(h, self.config.dropout / 2)
        alone = self.alone(h)[..., 0] + word + self.bias
        found = {"independent": alone}
        if "joint" in self.config.heads:
            target = following[..., : self.config.pitches].to(h.dtype)
            decided = self.decided(_below(target)) + self.carry(h)
            found["joint"] = alone.detach() + self.joint(decided)[..., 0]
        return {head: found[head] for head in self.config.heads}, tuple(after)

    def nll(
        self, rows: Tensor, following: Tensor, state: tuple[State, ...]
    ) -> tuple[dict[str, Tensor], tuple[State, ...]]:
        """Return each head's negative log likelihood of the P pitches, nats, (T, B)."""
        logits, state = self.logits(rows, following, state)
        target = following[..., : self.config.pitches].to(self.bias.dtype)
        return {
            head: functional.binary_cross_entropy_with_logits(scores, target, reduction="none").sum(
                -1
            )
            for head, scores in logits.items()
        }, state


def _window(x: Tensor, before: int, after: int) -> Tensor:
    """Return x (T, B, P, C) as each pitch sees it: (T, B, P, C * (before + 1 + after))."""
    padded = functional.pad(x, (0, 0, before, after))
    return padded.unfold(2, before + 1 + after, 1).flatten(3)


def _upwards(classes: Tensor, pitches: int) -> Tensor:
    """Turn pitch classes (..., P or 1, CLASSES) so that they begin with each pitch's own."""
    steps = torch.arange(CLASSES, device=classes.device)
    index = (torch.arange(pitches, device=classes.device)[:, None] + steps) % CLASSES
    shape = (*classes.shape[:-2], pitches, CLASSES)
    return classes.expand(shape).gather(-1, index.expand(shape))


def _marked(frame: Tensor) -> Tensor:
    """Return the pitch class of every note: (T, B, P, CLASSES)."""
    classes = torch.arange(frame.shape[-1], device=frame.device) % CLASSES
    return frame[..., None] * functional.one_hot(classes, CLASSES).to(frame.dtype)


def _classes_from(frame: Tensor) -> Tensor:
    """Count the notes of each pitch class, from each pitch's own upwards: (T, B, P, CLASSES)."""
    return _upwards(_marked(frame).sum(-2, keepdim=True), frame.shape[-1])


def _count(count: Tensor) -> Tensor:
    """Tell how many notes there are, from 0 to COUNTS - 1 or more: (..., COUNTS)."""
    index = count.to(torch.int64).clamp(max=COUNTS - 1)
    return functional.one_hot(index, COUNTS).to(count.dtype)


def _below(target: Tensor) -> Tensor:
    """Return what each pitch may see of its own frame: only what lies below it."""
    shifted = functional.pad(target, (1, -1))[..., None]
    marked = _marked(target)
    classes = _upwards(marked.cumsum(-2) - marked, target.shape[-1])
    under = _count(target.cumsum(-1) - target)
    return torch.cat([_window(shifted, AROUND - 1, 0), classes, under], -1)
