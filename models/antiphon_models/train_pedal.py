"""``antiphon train pedal``: teaches a player that is done what the sustain pedal does.

The player is frozen: its state before each onset is computed once and kept, and the head
(:mod:`antiphon_models.pedal`) learns from it what pianists did. A few minutes on one core.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon.errors import DataError, UsageError
from antiphon_models.checkpoint import (
    SUFFIX,
    Checkpoint,
    git_revision,
    load_checkpoint,
    save_checkpoint,
)
from antiphon_models.data.folder import as_dataset
from antiphon_models.data.storage import lengths_of, open_dataset
from antiphon_models.data.stream import EventStreams, piece_rows
from antiphon_models.events import Piece, bin_to_ticks
from antiphon_models.pack import pack
from antiphon_models.pedal import CLASSES, CONTEXT, PREFIX, WIDTH, pedalled_onsets, without_head
from antiphon_models.player import COLUMN, COLUMNS, Player, PlayerConfig
from antiphon_models.report_pedal import Figures, Scores, score, summary, transitions
from antiphon_models.rounding import round_weights

WINDOW: Final = 512
"""Notes that are heard in a row."""

NOTES: Final = 90_000
"""Notes of each set that are heard in training."""

VALIDATION_NOTES: Final = 20_000
BATCH: Final = 512
EPOCHS: Final = 10
FEWEST_STEPS: Final = 500
"""More epochs where there is little music."""

LEARNING_RATE: Final = 2e-3
DROPOUT: Final = 0.1
FORGET: Final = 0.05
"""Share of the onsets at which what the pedal did before is hidden."""

_SEEN: Final = ("voice", "pitch", "beat_phase", "bar_phase")


class PedalNetwork(nn.Module):
    """The head in torch; see :mod:`antiphon_models.pedal` for its arithmetic."""

    def __init__(self, width: int, size: int = WIDTH) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, size)
        self.context = nn.ParameterDict(
            {name: nn.Parameter(0.1 * torch.randn(rows, size)) for name, rows in CONTEXT.items()}
        )
        self.out = nn.Linear(size, len(CLASSES))

    def forward(self, output: Tensor, ids: Tensor) -> Tensor:
        """Return the logits of CLASSES, (onsets, 3).

        Parameters
        ----------
        output : Tensor
            (onsets, W): the core's output, normalised.
        ids : Tensor
            (onsets, 7), int64: rows of the tables.
        """
        dropout = DROPOUT if self.training else 0.0
        u = self.hidden(functional.dropout(output, dropout))
        for name, index in zip(CONTEXT, ids.unbind(-1), strict=True):
            u = u + self.context[name][index]
        logits: Tensor = self.out(functional.dropout(functional.relu(u), dropout))
        return logits


class Examples:
    """Onsets with what the head sees of them: `output` (float16), `ids` and `target`."""

    def __init__(self, parts: Sequence[tuple[Tensor, Tensor, Tensor]]) -> None:
        columns = zip(*parts, strict=True)
        self.output, self.ids, self.target = (torch.cat(column) for column in columns)

    def __len__(self) -> int:
        return len(self.target)


def train_pedal(args: argparse.Namespace, device: torch.device) -> int:
    """Train a head for the player ``--init``; write the player with it to ``--out``.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    AntiphonError
        If the player or the data cannot be used, or no piece has a pedal.
    """
    began = time.monotonic()
    torch.manual_seed(args.seed)
    checkpoint = load_checkpoint(_player_path(args), "player")
    player = frozen_player(checkpoint).to(device)
    data = as_dataset(args.data, args.out / "data")
    heard = {split: pedalled(open_dataset(data, split)) for split in ("train", "validation")}
    for split, sets in heard.items():
        if not sets:
            raise DataError(
                f"expected {split} pieces with a sustain pedal in {args.data}",
                "found none",
                "prepare pieces that were played with one; sets of an older format keep no pedal",
            )
    examples = {
        split: _listen(player, sets, split, args.seed, device, began)
        for split, sets in heard.items()
    }
    head = fit(examples["train"], player.config.width, args.seed, device, began)
    figures = _measure(head, examples, device)
    weights = {PREFIX + name: w.detach().cpu().numpy() for name, w in head.named_parameters()}
    size = sum(w.size for w in weights.values())
    info = {
        "sets": figures,
        "weights": size,
        "player": checkpoint.path.name,
        "seed": args.seed,
        "minutes": round((time.monotonic() - began) / 60, 2),
        "revision": git_revision(),
    }
    save_checkpoint(
        args.out / f"player{SUFFIX}",
        "player",
        checkpoint.config,
        {**_as_it_was(checkpoint), **weights},
        {**checkpoint.info, "pedal": info},
        checkpoint.passages,
    )
    for line in summary(figures):
        print(line, flush=True)
    _say(began, f"wrote {args.out / f'player{SUFFIX}'}: {size:,} weights more")
    return 0


def _as_it_was(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return a player's weights to be stored as they were: those that were packed, packed."""
    weights = without_head(checkpoint.weights)
    played = round_weights(checkpoint.config, weights)
    if all(np.allclose(played[name], w, rtol=1e-6, atol=1e-9) for name, w in weights.items()):
        return dict(pack(checkpoint.config, weights))
    return dict(weights)


def carry_head(source: Path, target: Path) -> None:
    """Give the player at `target`, tuned from that at `source`, the pedal head of that one.

    The head was trained on the network as it was before; nothing is done where there is none.
    """
    tuned, known = load_checkpoint(target, "player"), load_checkpoint(source, "player")
    head = {name: w for name, w in known.weights.items() if name.startswith(PREFIX)}
    if head:
        info = {**tuned.info, "pedal": {**known.info.get("pedal", {}), "carried": True}}
        weights = {**tuned.weights, **head}
        save_checkpoint(target, "player", tuned.config, weights, info, tuned.passages)


def frozen_player(checkpoint: Checkpoint) -> Player:
    """Return the network that is played, its weights rounded, in evaluation mode."""
    config = PlayerConfig.from_dict(checkpoint.config)
    model = Player(config)
    rounded = round_weights(checkpoint.config, without_head(checkpoint.weights))
    model.load_state_dict({name: torch.from_numpy(w) for name, w in rounded.items()})
    return model.eval().requires_grad_(False)


def pedalled(sets: Mapping[str, Sequence[Piece]]) -> dict[str, list[Piece]]:
    """Return the pieces whose pedal is known, of the sets that have any."""
    found = {style: [p for p in pieces if p.pedal is not None] for style, pieces in sets.items()}
    return {style: pieces for style, pieces in found.items() if pieces}


def _listen(
    player: Player,
    sets: Mapping[str, list[Piece]],
    split: str,
    seed: int,
    device: torch.device,
    began: float,
) -> dict[str, Examples]:
    """Hear some of the notes of each set: varied windows to train with, or pieces as they are."""
    found = {}
    for index, (style, pieces) in enumerate(sets.items()):
        random = np.random.default_rng((seed, index))
        known = player.config.styles
        number = 1 + known.index(style) if style in known else 0
        if split == "train":
            windows = _windows(pieces, NOTES, random)
            streams = EventStreams({style: pieces}, known, 0, WINDOW, seed)
            rows = [streams.vary(window, number, random) for window in windows]
        else:
            windows = _spread(pieces, VALIDATION_NOTES)
            rows = [piece_rows(window, number) for window in windows]
        found[style] = Examples(hear(player, windows, rows, device))
        notes = sum(map(len, windows))
        _say(began, f"{split} {style}: {notes:,} notes, {len(found[style]):,} onsets")
    return found


def _windows(pieces: list[Piece], notes: int, random: np.random.Generator) -> list[Piece]:
    """Cut windows at random, every note equally likely."""
    lengths = lengths_of(pieces)
    count = math.ceil(min(notes, lengths.sum()) / np.minimum(lengths, WINDOW).mean())
    which = random.choice(len(pieces), count, p=lengths / lengths.sum())
    starts = [int(random.integers(max(int(lengths[w]) - WINDOW, 0) + 1)) for w in which]
    windows = [pieces[w].select(slice(s, s + WINDOW)) for w, s in zip(which, starts, strict=True)]
    return sorted(windows, key=len)


def _spread(pieces: list[Piece], notes: int) -> list[Piece]:
    """Return the first 2 WINDOW notes of pieces, spread evenly, about `notes` in all."""
    length = 2 * WINDOW
    count = max(1, min(len(pieces), notes // length))
    which = np.unique(np.linspace(0, len(pieces) - 1, count).astype(int))
    return sorted((pieces[w].select(slice(length)) for w in which), key=len)


@torch.no_grad()
def hear(
    player: Player,
    windows: Sequence[Piece],
    rows: Sequence[np.ndarray[Any, Any]],
    device: torch.device,
    batch: int = 32,
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Feed windows to the player; keep its output before each onset whose pedal is known.

    Parameters
    ----------
    player : Player
        Frozen.
    windows, rows : sequence
        Pieces with a pedal, each from a fresh state, and their event rows (1 + notes, columns).
    """
    parts = []
    for first in range(0, len(windows), batch):
        group = rows[first : first + batch]
        table = np.zeros((max(map(len, group)), len(group), len(COLUMNS)), np.int64)
        for index, one in enumerate(group):
            table[: len(one), index] = one
        events = torch.from_numpy(table).to(device)
        output, _ = player.hidden(events, player.fresh_state(len(group)))  # (time, batch, W)
        for index, one in enumerate(group):
            pedal = windows[first + index].pedal
            assert pedal is not None
            onset = np.cumsum(bin_to_ticks(one[1:, COLUMN["shift"]]))
            columns = [one[1:, COLUMN[name]].astype(np.int64) for name in _SEEN]
            found = pedalled_onsets(pedal, onset, columns)
            # Row n is note n - 1: the output at the row of a note's index is the one before it.
            before = output[torch.from_numpy(found.note).to(device), index].to(torch.float16)
            parts.append(
                (before.cpu(), torch.from_numpy(found.ids), torch.from_numpy(found.target))
            )
    return parts


def fit(
    sets: Mapping[str, Examples], width: int, seed: int, device: torch.device, began: float
) -> PedalNetwork:
    """Train a head on the onsets of all sets; return it in evaluation mode."""
    output = torch.cat([found.output for found in sets.values()])
    ids = torch.cat([found.ids for found in sets.values()])
    target = torch.cat([found.target for found in sets.values()])
    head = PedalNetwork(width).to(device)
    matrices = [w for w in head.parameters() if w.dim() > 1]
    other = [w for w in head.parameters() if w.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.02}, {"params": other, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=LEARNING_RATE)
    per_epoch = -(-len(target) // BATCH)
    epochs = max(EPOCHS, -(-FEWEST_STEPS // per_epoch))
    steps = epochs * per_epoch
    annealed = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    chance = torch.Generator().manual_seed(seed)
    unknown = torch.tensor([0, CONTEXT["since"] - 1])  # the first two columns: before and since
    for epoch in range(epochs):
        losses = []
        for chosen in torch.split(torch.randperm(len(target), generator=chance), BATCH):
            seen = ids[chosen].clone()
            hidden = torch.rand(len(chosen), generator=chance) < FORGET
            seen[hidden, :2] = unknown
            logits = head(output[chosen].float().to(device), seen.to(device))
            loss = functional.cross_entropy(logits, target[chosen].to(device))
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            annealed.step()
            losses.append(loss.detach())
        if (epoch + 1) % (epochs // EPOCHS) == 0:
            mean = float(torch.stack(losses).mean())
            _say(began, f"epoch {epoch + 1}/{epochs}  loss {mean:.4f}")
    return head.eval()


@torch.inference_mode()
def _measure(
    head: PedalNetwork, examples: Mapping[str, Mapping[str, Examples]], device: torch.device
) -> dict[str, Figures]:
    """Score the head on validation, beside what needs no network."""
    figures = {}
    for style, found in examples["validation"].items():
        parts = zip(torch.split(found.output, 8192), torch.split(found.ids, 8192), strict=True)
        logits = [head(o.float().to(device), i.to(device)).cpu() for o, i in parts]
        log_p = torch.cat(logits).log_softmax(-1).numpy()
        before, target = found.ids[:, 0].numpy(), found.target.numpy()
        seen = [e for name, e in examples["train"].items() if name == style] or [
            *examples["train"].values()
        ]
        befores = torch.cat([e.ids[:, 0] for e in seen]).numpy()
        table = transitions(befores, torch.cat([e.target for e in seen]).numpy())
        figures[style] = score(Scores(log_p, before, target, table))
    return figures


def _player_path(args: argparse.Namespace) -> Path:
    from antiphon_models.runtime import checkpoint_path

    if args.resume:
        raise UsageError(
            "expected no --resume: a pedal head is trained in one go",
            "found --resume",
            "leave it out",
        )
    return checkpoint_path(args.init if args.init is not None else "player")


def _say(began: float, text: str) -> None:
    print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)
