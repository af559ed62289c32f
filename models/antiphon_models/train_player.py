"""How the player is trained: its presets, batches and validation."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from antiphon.errors import CheckpointError, DataError
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.data.prepare import MANIFEST, load_dataset, read_manifest
from antiphon_models.data.stream import EventStreams, StreamConfig, piece_rows
from antiphon_models.events import FIELDS, Piece
from antiphon_models.loop import choose_preset
from antiphon_models.player import COLUMN, COLUMNS, Player, PlayerConfig, State, count_weights

PRESETS: Final = {
    "small": {
        "config": PlayerConfig(),
        "streams": 64,
        "chunk": 128,
        "learning_rate": 2e-3,
        "warm_up": 60,
    },
    "tiny": {
        "config": PlayerConfig(width=32, layers=2, head_width=16),
        "streams": 4,
        "chunk": 32,
        "learning_rate": 5e-3,
        "warm_up": 10,
    },
}

VALIDATION_NOTES: Final = 12_000
"""Notes of each style that are looked at during training."""

VALIDATION_LENGTH: Final = 1024
"""Notes from the start of each piece that are looked at during training."""


class PlayerRecipe:
    """The player's recipe for :class:`antiphon_models.train.Loop`."""

    kind = "player"
    weight_decay = 0.05

    def __init__(self, args: argparse.Namespace, device: torch.device) -> None:
        preset = choose_preset(PRESETS, args.preset, "small")
        self.device = device
        pieces = load_dataset(args.data, "train")
        self._data = describe_data(args.data, pieces)
        try:
            self._validation = load_dataset(args.data, "validation")
        except DataError as error:
            raise DataError(
                f"expected validation pieces in {args.data}",
                "found none",
                "prepare more pieces, or put some in a folder named validation",
            ) from error
        config = replace(preset["config"], styles=tuple(pieces))
        if args.init is not None:
            player, config = load_player(args.init, tuple(pieces))
        else:
            player = Player(config)
        self.model: nn.Module = player.to(device)
        self._player = player
        self.learning_rate: float = args.lr or preset["learning_rate"]
        self.warm_up: int = preset["warm_up"]
        streams, chunk = args.batch or preset["streams"], args.chunk or preset["chunk"]
        stream = StreamConfig() if args.temper is None else StreamConfig(temper=args.temper)
        self._streams = EventStreams(pieces, config.styles, streams, chunk, args.seed, stream)
        self._state = player.fresh_state(streams)
        print(
            f"player: {count_weights(self.model):,} weights, "
            f"{sum(len(p) for found in pieces.values() for p in found):,} notes in "
            f"{len(pieces)} styles, {streams} x {chunk} events a step on {device}",
            flush=True,
        )

    def loss(self) -> tuple[Tensor, int]:
        """Draw the next chunk of all streams; return its loss and the notes in it."""
        found, fresh = self._streams.next_chunk()
        rows = torch.from_numpy(found).to(self.device)  # (chunk + 1, streams, columns)
        notes = int((found[1:, :, COLUMN["begin"]] == 0).sum())
        keep = torch.from_numpy(~fresh).to(self.device, torch.float32)[None, :, None]
        state = State(self._state.hidden * keep, self._state.cell * keep)
        loss, state = self._player.loss(rows[:-1], rows[1:], state)
        self._state = state.detach()
        return loss, notes

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

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Tell whether a stored config is one of this run."""
        return dict(config) == self.config()

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about its data."""
        return {"data": self._data, "weights": count_weights(self.model)}

    def state(self) -> dict[str, Any]:
        """Return the streams' places and the network's state."""
        streams = self._streams.state()
        return {
            "random": streams["random"],
            "buffers": [torch.from_numpy(b) for b in streams["buffers"]],
            "hidden": self._state.hidden,
            "cell": self._state.cell,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        buffers = [b.numpy() for b in state["buffers"]]
        self._streams.restore({"random": state["random"], "buffers": buffers})
        self._state = State(state["hidden"].to(self.device), state["cell"].to(self.device))


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
    weights = {name: torch.from_numpy(w) for name, w in found.weights.items()}
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
    sizes = np.array([min(len(p), length) for p in pieces])
    if sizes.sum() <= notes:
        return list(pieces)
    count = max(1, round(notes / sizes.mean()))
    return [pieces[i] for i in np.unique(np.linspace(0, len(pieces) - 1, count).astype(int))]


@torch.inference_mode()
def measure(
    model: Player, pieces: Sequence[Piece], device: torch.device, length: int | None = None
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
    """
    sums, counts = dict.fromkeys(FIELDS, 0.0), dict.fromkeys(FIELDS, 0)
    for rows in _padded(pieces, model.config.styles, length):
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
    pieces: Sequence[Piece], styles: Sequence[str], length: int | None, batch: int = 32
) -> Iterator[np.ndarray[Any, np.dtype[np.int64]]]:
    """Yield pieces side by side, (time, batch, columns), shorter ones filled with beginnings."""
    ordered = sorted(pieces, key=len)
    for first in range(0, len(ordered), batch):
        group = ordered[first : first + batch]
        columns = [
            piece_rows(
                p.select(slice(length)), 1 + styles.index(p.style) if p.style in styles else 0
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
            "notes": sum(map(len, found)),
        }
        for style, found in pieces.items()
    }
