"""How the player is trained: its presets, batches and validation."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon_models.checkpoint import SUFFIX, load_checkpoint, save_checkpoint
from antiphon_models.conditions import SIZES
from antiphon_models.data.folder import as_dataset
from antiphon_models.data.storage import MANIFEST, lengths_of, open_dataset, read_manifest
from antiphon_models.data.stream import EventStreams, StreamConfig, piece_rows
from antiphon_models.events import FIELDS, Piece
from antiphon_models.parallel import Ranks
from antiphon_models.passages import Filter, learn_passages
from antiphon_models.pedal import without_head
from antiphon_models.player import COLUMN, COLUMNS, Player, PlayerConfig, State, count_weights
from antiphon_models.recipe import choose_preset
from antiphon_models.runtime import checkpoint_path

PRESETS: Final = {
    "small": {
        "config": PlayerConfig(memory=True, conditions=tuple(SIZES)),
        "streams": 64,
        "chunk": 128,
        "learning_rate": 2e-3,
        "warm_up": 60,
    },
    "base": {
        "config": PlayerConfig(
            width=640, layers=3, head_width=384, dropout=0.15, memory=True, conditions=tuple(SIZES)
        ),
        "streams": 128,
        "chunk": 128,
        "learning_rate": 1.5e-3,
        "warm_up": 200,
    },
    "large": {
        "config": PlayerConfig(
            width=1024, layers=4, head_width=512, dropout=0.2, memory=True, conditions=tuple(SIZES)
        ),
        "streams": 256,
        "chunk": 256,
        "learning_rate": 1e-3,
        "warm_up": 500,
    },
    "tiny": {
        "config": PlayerConfig(
            width=32, layers=2, head_width=16, memory=True, conditions=tuple(SIZES)
        ),
        "streams": 4,
        "chunk": 32,
        "learning_rate": 5e-3,
        "warm_up": 10,
    },
}

TUNING: Final = {"streams": 8, "chunk": 128, "learning_rate": 5e-4, "warm_up": 20}
"""What takes the place of a preset when a run starts from a checkpoint (``--init``)."""

TUNING_PASSES: Final = 8
"""How often a fine-tuned player hears its music, unless time ends it before."""

BEFORE: Final = f"before{SUFFIX}"
"""The network that a fine-tuned one was made of, with the new styles, in the run's folder."""

TRIED_NOTES: Final = 2000
"""Notes on which the known styles are tried."""

VALIDATION_NOTES: Final = 12_000
"""Notes of each style that are looked at during training."""

VALIDATION_LENGTH: Final = 1024
"""Notes from the start of each piece that are looked at during training."""


class PlayerRecipe:
    """The player's recipe for :class:`antiphon_models.loop.Loop`."""

    kind = "player"
    weight_decay = 0.05
    by_note = True
    network: Callable[[PlayerConfig], Player] = Player

    def __init__(self, args: argparse.Namespace, device: torch.device, ranks: Ranks) -> None:
        preset = choose_preset(PRESETS, args.preset, "small")
        self.device, self.ranks = device, ranks
        data = args.data
        if ranks.leads:
            data = as_dataset(args.data, args.out / "data")
        data = ranks.broadcast(data)
        self._music = pieces = open_dataset(data, "train")
        self._passages: Filter | None = None
        self._data = describe_data(data, pieces)
        try:
            self._validation = open_dataset(data, "validation")
        except DataError as error:
            raise DataError(
                f"expected validation pieces in {args.data}",
                "found none",
                "prepare more pieces, or put some in a folder named validation",
            ) from error
        config = replace(preset["config"], styles=tuple(pieces))
        self.tunes = args.init is not None
        if args.init is not None:
            preset = preset | TUNING
            player, config = start_from(args, pieces, device, ranks)
            self._passages = load_checkpoint(checkpoint_path(args.init)).passages
        else:
            player = self.network(config)
        if args.dropout is not None:
            player.config = config = replace(config, dropout=args.dropout)
        self.model: nn.Module = player.to(device)
        self._player = player
        self.learning_rate: float = args.lr or preset["learning_rate"]
        self.warm_up: int = preset["warm_up"]
        streams, chunk = args.batch or preset["streams"], args.chunk or preset["chunk"]
        stream = StreamConfig() if args.temper is None else StreamConfig(temper=args.temper)
        self._streams = EventStreams(
            pieces, config.styles, streams, chunk, args.seed, stream, ranks.share
        )
        if streams < ranks.world:
            raise UsageError(
                f"expected a --batch of at least {ranks.world}, one stream a process",
                f"found {streams}",
                "raise it",
            )
        self._state = player.fresh_state(len(self._streams))
        notes = sum(int(lengths_of(found).sum()) for found in pieces.values())
        self.steps = -(-TUNING_PASSES * notes // (streams * chunk)) if self.tunes else 0
        ranks.say(
            f"player: {count_weights(self.model):,} weights, {notes:,} notes in "
            f"{len(pieces)} styles, {streams} x {chunk} events a step on {device}"
        )

    def loss(self) -> tuple[Tensor, int]:
        """Draw the next chunk of this process's streams; return its loss and the notes in it.

        Nothing here waits for the device, so that on a GPU the next chunk is drawn while the
        last one is computed.
        """
        found, fresh = self._streams.next_chunk()
        rows = self._send(torch.from_numpy(found))  # (chunk + 1, streams, columns)
        notes = int((found[1:, :, COLUMN["begin"]] == 0).sum())
        keep = self._send(torch.from_numpy(~fresh).float())[None, :, None]
        state = State(self._state.hidden * keep, self._state.cell * keep)
        loss, state = self._player.loss(rows[:-1], rows[1:], state)
        self._state = state.detach()
        return loss, notes

    def _send(self, values: Tensor) -> Tensor:
        if self.device.type == "cuda":
            return values.pin_memory().to(self.device, non_blocking=True)
        return values.to(self.device)

    def trial(self) -> Tensor:
        """Compute the loss of a short chunk of nothing."""
        streams = len(self._streams)
        rows = torch.zeros(17, streams, len(COLUMNS), dtype=torch.int64, device=self.device)
        loss, _ = self._player.loss(rows[:-1], rows[1:], self._player.fresh_state(streams))
        return loss

    def validate(self, model: nn.Module) -> dict[tuple[str, str], float]:
        """Return nats a note by style and field; the score is the styles' mean of the sums."""
        figures = {}
        scores = []
        for style, pieces in self._validation.items():
            chosen = sample(pieces, VALIDATION_NOTES)
            found = measure(cast(Player, model), chosen, self.device, VALIDATION_LENGTH)
            figures.update({(style, name): value for name, value in found.items()})
            scores.append(sum(found.values()))
        figures["all", "score"] = float(np.mean(scores))
        return figures

    def config(self) -> dict[str, Any]:
        """Return the network's config as JSON values."""
        return self._player.config.to_dict()

    def adopt(self, config: Mapping[str, Any]) -> None:
        """Take over nothing: validation chooses nothing."""

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Tell whether a stored config is one of this run."""
        return dict(config) == self.config()

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about its data."""
        return {"data": self._data, "weights": count_weights(self.model)}

    def passages(self) -> Filter | None:
        """Return the passages of the training music; of fine-tuning, those known before.

        They are learnt once, when a network is stored first: ten seconds for 4 million notes.
        Music that a player is tuned to is its owner's, who may want to hear it.
        """
        if self._passages is None and not self.tunes:
            self._passages = learn_passages(chain.from_iterable(self._music.values()))
        return self._passages

    def state(self) -> dict[str, Any]:
        """Return the streams' places and the network's state."""
        streams = self._streams.state()
        return {
            "random": streams["random"],
            "buffers": [torch.from_numpy(b) for b in streams["buffers"]],
            "hidden": self._state.hidden.cpu(),
            "cell": self._state.cell.cpu(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        buffers = [b.numpy() for b in state["buffers"]]
        self._streams.restore({"random": state["random"], "buffers": buffers})
        self._state = State(state["hidden"].to(self.device), state["cell"].to(self.device))


def start_from(
    args: argparse.Namespace,
    pieces: Mapping[str, Sequence[Piece]],
    device: torch.device,
    ranks: Ranks,
) -> tuple[Player, PlayerConfig]:
    """Load the player of ``--init``; new styles begin as the known one that expects them best."""
    path = checkpoint_path(args.init)
    start = load_checkpoint(path, "player")
    known = start.config.get("styles", [])
    player, config = load_player(path, tuple(pieces))
    player.to(device).eval()
    table = player.embed["style"].data  # (1 + styles, width)
    for style, found in pieces.items():
        if style in known:
            continue
        some = sample(found, TRIED_NOTES, TRIED_NOTES // 4)
        cost = {}
        for index, name in enumerate(("unknown", *known)):
            table[1 + config.styles.index(style)] = table[index]
            cost[name] = sum(measure(player, some, device, TRIED_NOTES // 4).values())
        # One process decides for all: rounding may differ between devices.
        best = ranks.broadcast(min(cost, key=lambda name: cost[name]))
        table[1 + config.styles.index(style)] = table[("unknown", *known).index(best)]
        ranks.say(f"style {style} begins as {best}")
    if ranks.leads and not args.resume:
        weights = {name: p.detach().cpu().numpy() for name, p in player.named_parameters()}
        info = {"of": path.name}
        save_checkpoint(
            args.out / BEFORE, "player", config.to_dict(), weights, info, start.passages
        )
    return player.train(), config


def load_player(path: Path, styles: Sequence[str] | None = None) -> tuple[Player, PlayerConfig]:
    """Load a player's checkpoint into the network.

    Parameters
    ----------
    path : Path
        The checkpoint.
    styles : sequence of str, optional
        Styles to know besides those of the checkpoint; new ones start as "unknown".

    Raises
    ------
    CheckpointError
        If it is missing, broken or not a player's.
    """
    found = load_checkpoint(path, "player")
    config = PlayerConfig.from_dict(found.config)
    added = tuple(style for style in styles or () if style not in config.styles)
    config = replace(config, styles=config.styles + added)
    weights = {name: torch.from_numpy(w) for name, w in without_head(found.weights).items()}
    try:
        if added:
            table = weights["embed.style"]
            weights["embed.style"] = torch.cat([table, table[:1].repeat(len(added), 1)])
        model = Player(config)
        model.load_state_dict(weights)
    except (RuntimeError, KeyError) as error:
        raise CheckpointError(
            f"expected a player's weights in {path}",
            "found others: " + str(error).split("\n")[-1].strip(),
            "copy or train it again",
        ) from error
    return model, config


def sample(pieces: Sequence[Piece], notes: int, length: int = VALIDATION_LENGTH) -> list[Piece]:
    """Choose pieces, spread evenly, whose first `length` notes make up about `notes`."""
    sizes = np.minimum(lengths_of(pieces), length)
    if sizes.sum() <= notes:
        return list(pieces)
    count = max(1, round(notes / sizes.mean()))
    return [pieces[i] for i in np.unique(np.linspace(0, len(pieces) - 1, count).astype(int))]


@torch.inference_mode()
def measure(
    model: Player,
    pieces: Sequence[Piece],
    device: torch.device,
    length: int | None = None,
    held: bool = False,
) -> dict[str, float]:
    """Return the mean negative log likelihood of each field, in nats a note.

    Every piece is heard from a fresh state, with its style, phases and durations shown. The
    first note of a piece has no shift to predict, so it does not count there.

    Parameters
    ----------
    model : Player
        In evaluation mode.
    pieces : sequence of Piece
        At least one.
    device : torch.device
        Where the model is.
    length : int, optional
        Notes from the start of each piece to look at; all if not given.
    held : bool
        Hide the durations instead.
    """
    sums, counts = dict.fromkeys(FIELDS, 0.0), dict.fromkeys(FIELDS, 0)
    for rows in _padded(pieces, model.config.styles, length, held):
        events = torch.from_numpy(rows).to(device)
        state = model.fresh_state(events.shape[1])
        for at in range(0, len(events) - 1, 256):
            heard = events[at : at + 257]
            found, state = model.nll(heard[:-1], heard[1:], state)
            note = heard[1:, :, COLUMN["begin"]] == 0  # (time, batch)
            for name in FIELDS:
                counted = note & (heard[:-1, :, COLUMN["begin"]] == 0) if name == "shift" else note
                sums[name] += float(found[name][counted].sum())
                counts[name] += int(counted.sum())
    return {name: sums[name] / max(counts[name], 1) for name in FIELDS}


def _padded(
    pieces: Sequence[Piece],
    styles: Sequence[str],
    length: int | None,
    held: bool,
    batch: int = 32,
) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield pieces side by side, (time, batch, columns), shorter ones filled with beginnings."""
    ordered = sorted(pieces, key=len)
    for first in range(0, len(ordered), batch):
        group = ordered[first : first + batch]
        columns = [
            piece_rows(
                p.select(slice(length)), 1 + styles.index(p.style) if p.style in styles else 0, held
            )
            for p in group
        ]
        rows = np.zeros((max(map(len, columns)), len(group), len(COLUMNS)), np.int64)
        rows[:, :, COLUMN["begin"]] = 1
        for index, column in enumerate(columns):
            rows[: len(column), index] = column
        yield rows


def describe_data(directory: Path, pieces: Mapping[str, Sequence[Piece]]) -> dict[str, Any]:
    """Name each set, its licence and its size."""
    sets = read_manifest(directory)["sets"] if (directory / MANIFEST).is_file() else {}
    return {
        style: {
            "licence": sets.get(style, {}).get("licence", "unknown"),
            "pieces": len(found),
            "notes": int(lengths_of(found).sum()),
        }
        for style, found in pieces.items()
    }
