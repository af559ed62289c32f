"""A two-sample test: can a fresh classifier tell variations from music that people made?

The pieces are cut into two halves, one to learn from and one to be tested on. In each half some
windows are shown as they are, and of the others the variations, so that nothing that is tested
was seen in any form. Source: Lopez-Paz and Oquab 2017.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models.codec import LONGEST
from antiphon_models.dic import Trunk, exist
from antiphon_models.idiom import Phrases
from antiphon_models.rolls import BoolArray, FloatArray

SEEDS: Final = (0, 1, 2)
"""Each draws its own windows that are varied, weights and order; odd ones swap the halves."""

WIDTH: Final = 48
EPOCHS: Final = 24
PATIENCE: Final = 4
BATCH: Final = 64
INNER: Final = 0.2
"""Share of what is learnt from that says when to stop."""


class Classifier(nn.Module):
    """A small network over beats; logits of "made", (windows,)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.trunk = Trunk(inputs, WIDTH, 1)
        self.drop = nn.Dropout(0.2)
        self.out = nn.Linear(2 * WIDTH, 1)

    def forward(self, cells: Tensor, position: Tensor) -> Tensor:
        """Judge cells (windows, beats, inputs) at their positions."""
        exists = exist(position)
        h = self.trunk(torch.cat([self.drop(cells), position], -1), exists)
        mean = (h * exists).sum(1) / exists.sum(1).clamp_min(1.0)
        logit: Tensor = self.out(self.drop(torch.cat([mean, (h * exists).amax(1)], -1)))
        return logit[:, 0]


@dataclass(frozen=True)
class Verdict:
    """How well the classifier told them apart.

    Attributes
    ----------
    accuracy : float
        Mean over the seeds; 0.5 is chance.
    error : float
        Its standard error: of the seeds' spread or of the number of windows tested, whichever
        is larger.
    right : ndarray
        (windows,): how often each window was judged rightly; NaN for those never tested.
    """

    accuracy: float
    error: float
    right: npt.NDArray[np.float64]


def to_inputs(phrases: Phrases) -> Tensor:
    """Return what the classifier sees of each beat: (windows, beats, inputs).

    Hit, velocity and offset of every cell, what differs from the bar before and, of pitched
    notes, durations and how many notes of each pitch class begin in a slot.
    """
    parts = [phrases.hit, phrases.velocity, 2 * phrases.offset]
    if phrases.kind == "pitched":
        parts.append(np.asarray(2 * np.log2(1 + phrases.duration) / LONGEST, np.float32))
    parts = [part * phrases.hit for part in parts]
    parts.append(phrases.hit - _bar_before(phrases))
    if phrases.kind == "pitched":
        parts.append(np.stack([phrases.hit[..., c::12].sum(-1) for c in range(12)], -1))
    flat = [part.reshape(*part.shape[:2], -1) for part in parts]
    return torch.from_numpy(np.concatenate(flat, -1).astype(np.float32))


def _bar_before(phrases: Phrases) -> FloatArray:
    """Return the hits a bar earlier, in the first bar those of the bar itself."""
    before = phrases.hit.copy()
    for size in np.unique(np.ceil(phrases.bar)).astype(int):
        some = np.ceil(phrases.bar) == size
        before[some, size:] = phrases.hit[some, :-size]
    exists = phrases.valid.max(-1)[..., None, None]
    return np.asarray(before * exists, np.float32)


def tell_apart(
    real: Phrases, made: Mapping[str, Phrases], half: BoolArray, seeds: tuple[int, ...] = SEEDS
) -> dict[str, Verdict]:
    """Test the variations of each contender.

    Parameters
    ----------
    real : Phrases
        Windows.
    made : mapping
        Contender -> one variation of each window, or what else is told from it.
    half : ndarray of bool
        (windows,): which half of the pieces each is of.
    seeds : tuple of int
        The same windows, initial weights and orders for every contender.
    """
    shown = to_inputs(real)
    own_position = torch.from_numpy(real.position)
    found = {}
    for name, phrases in made.items():
        varied, varied_position = to_inputs(phrases), torch.from_numpy(phrases.position)

        def judge(
            is_made: BoolArray,
            learn: BoolArray,
            seed: int,
            varied: Tensor = varied,
            varied_position: Tensor = varied_position,
        ) -> npt.NDArray[np.float64]:
            label = torch.from_numpy(is_made.astype(np.float32))
            chosen = label[:, None, None] > 0
            cells = torch.where(chosen, varied, shown)
            position = torch.where(chosen, varied_position, own_position)
            return _right(cells, position, label, learn, seed)

        found[name] = repeat(judge, half, seeds)
    return found


Judge = Callable[[BoolArray, BoolArray, int], npt.NDArray[np.float64]]
"""Takes of which windows the variations are shown, which windows are learnt from, and a seed;
returns which of the others are judged rightly, 0 or 1."""


def repeat(judge: Judge, half: BoolArray, seeds: tuple[int, ...] = SEEDS) -> Verdict:
    """Let a judge learn from one half and be tested on the other, once for each seed."""
    scores, hits, tests = [], np.zeros(len(half)), np.zeros(len(half))
    for seed in seeds:
        learn = ~half if seed % 2 else half
        right = judge(choose_sources(half, seed), learn, seed)
        scores.append(float(right.mean()))
        hits[~learn] += right
        tests[~learn] += 1
    spread = float(np.std(scores, ddof=1) / len(scores) ** 0.5) if len(scores) > 1 else 0.0
    chance = float(0.25 / max(tests.sum(), 1)) ** 0.5
    each = np.where(tests > 0, hits / np.maximum(tests, 1), np.nan)
    return Verdict(float(np.mean(scores)), max(spread, chance), each)


def choose_sources(half: BoolArray, seed: int) -> BoolArray:
    """Choose one half of each half, whose variations are shown: (windows,)."""
    random = np.random.default_rng(seed)
    source = np.zeros(len(half), np.bool_)
    for side in (half, ~half):
        members = random.permutation(np.flatnonzero(side))
        source[members[: len(members) // 2]] = True
    return source


def _right(
    cells: Tensor, position: Tensor, label: Tensor, learn: BoolArray, seed: int
) -> npt.NDArray[np.float64]:
    """Train a classifier on one half; return which of the other it gets right, 0 or 1."""
    generator = torch.Generator().manual_seed(seed)
    mine = torch.from_numpy(np.flatnonzero(learn))
    mine = mine[torch.randperm(len(mine), generator=generator)]
    held = max(1, int(INNER * len(mine)))
    inner, train = mine[:held], mine[held:]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Classifier(cells.shape[-1] + position.shape[-1])
        _train(model, cells, position, label, train, inner)
    test = torch.from_numpy(np.flatnonzero(~learn))
    right = (_judge(model, cells, position, test) > 0).float() == label[test]
    return np.asarray(right.double().numpy(), np.float64)


def _train(
    model: Classifier, cells: Tensor, position: Tensor, label: Tensor, train: Tensor, inner: Tensor
) -> None:
    """Train until what is held out gets no better, and keep the best weights."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.05)
    best, kept, waited = float("inf"), _copy(model), 0
    for _ in range(EPOCHS):
        model.train()
        for batch in torch.split(train[torch.randperm(len(train))], BATCH):
            logit = model(cells[batch], position[batch])
            loss = functional.binary_cross_entropy_with_logits(logit, label[batch])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        told = _judge(model, cells, position, inner)
        cost = float(functional.binary_cross_entropy_with_logits(told, label[inner]))
        waited = 0 if cost < best else waited + 1
        if cost < best:
            best, kept = cost, _copy(model)
        if waited >= PATIENCE:
            break
    model.load_state_dict(kept)


def _copy(model: nn.Module) -> dict[str, Any]:
    return {name: value.clone() for name, value in model.state_dict().items()}


@torch.inference_mode()
def _judge(model: Classifier, cells: Tensor, position: Tensor, which: Tensor) -> Tensor:
    model.eval()
    parts = [model(cells[some], position[some]) for some in torch.split(which, 512)]
    return torch.cat(parts)
