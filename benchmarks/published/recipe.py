"""The recipe of a benchmark's network for the player's training loop, and how it is measured."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from antiphon.errors import DataError, UsageError
from antiphon_models.checkpoint import SUFFIX
from antiphon_models.core import CORES, State
from antiphon_models.loop import Loop
from antiphon_models.player import count_weights
from antiphon_models.run_folder import RESUME
from published.streams import Chunk, ChunkStreams, Rows, whole_pieces

States = tuple[State, ...]
"""Of each of a network's cores; a core may hold several rows for each piece."""


class Network(Protocol):
    """What the recipe asks of a network of frames."""

    config: Any

    def fresh_state(self, batch: int) -> States:
        """Return the state of `batch` pieces of which nothing was heard."""

    def nll(
        self, rows: Tensor, following: Tensor, state: States
    ) -> tuple[dict[str, Tensor], States]:
        """Return each head's negative log likelihood, (time, batch), and the new state."""


VALIDATION_FRAMES: Final = 12_000
"""Frames of whole pieces, spread over the split, that are looked at during training."""


class FramesRecipe:
    """Trains a network on the frames of one data set.

    The loss is the sum of the heads' nats a frame; so is the score by which the best checkpoint
    is chosen on the validation split.
    """

    kind = "frames"
    by_note = True  # or by frame, here
    tunes = False
    steps = 0
    trial = None  # always in full precision

    def __init__(
        self,
        network: nn.Module,
        streams: ChunkStreams,
        validation: Sequence[Rows],
        args: argparse.Namespace,
    ) -> None:
        self.model = network
        self.learning_rate: float = args.lr
        self.warm_up = 50
        self.weight_decay: float = args.weight_decay
        self._streams, self._validation = streams, some(validation, VALIDATION_FRAMES)
        self._state: States = network.fresh_state(streams.count)  # type: ignore[operator]

    def loss(self) -> tuple[Tensor, int]:
        """Draw the next chunk of all streams; return its loss and its frames."""
        chunk = self._streams.next_chunk()
        found, real, state = _read(self.model, chunk, self._state)
        self._state = tuple(part.detach() for part in state)
        frames = int(real.sum())
        total = sum((nats[real].sum() for nats in found.values()), start=torch.zeros(()))
        return total / max(frames, 1), frames

    def validate(self, model: nn.Module) -> dict[tuple[str, str], float]:
        """Return nats a frame by head; the score is their sum."""
        found = measure(model, self._validation)
        figures = {("all", head): nats for head, (nats, _) in found.items()}
        figures["all", "score"] = sum(figures.values())
        return figures

    def config(self) -> dict[str, Any]:
        """Return the network's config as JSON values."""
        network: Network = self.model  # type: ignore[assignment]
        config = asdict(network.config)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in config.items()}

    def adopt(self, config: Mapping[str, Any]) -> None:
        """Take over what validation chose, which is nothing here."""

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Tell whether a stored config is one of this run."""
        return dict(config) == self.config()

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about itself."""
        return {"weights": count_weights(self.model)}

    def passages(self) -> None:
        """Return nothing: frames are not passages of notes."""

    def state(self) -> dict[str, Any]:
        """Return the streams' places and the network's state."""
        streams = self._streams.state()
        return {
            "streams": {**streams, "now": [torch.from_numpy(piece) for piece in streams["now"]]},
            "hidden": [part.hidden for part in self._state],
            "cell": [part.cell for part in self._state],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        streams = state["streams"]
        self._streams.restore({**streams, "now": [piece.numpy() for piece in streams["now"]]})
        self._state = tuple(map(State, state["hidden"], state["cell"]))


def some(pieces: Sequence[Rows], frames: int) -> list[Rows]:
    """Choose pieces, spread evenly by length, that have about as many frames in all."""
    ordered = sorted(pieces, key=len)
    total = sum(len(piece) - 1 for piece in pieces)
    count = min(len(pieces), max(1, round(len(pieces) * frames / total)))
    places = (np.arange(count) + 0.5) * len(pieces) / count
    return [ordered[int(place)] for place in places]


def _read(
    model: nn.Module, chunk: Chunk, state: States
) -> tuple[dict[str, Tensor], Tensor, States]:
    """Return each head's nats (time, batch), which of them are frames, and the new state."""
    network: Network = model  # type: ignore[assignment]
    rows = torch.from_numpy(chunk.rows)
    heard = torch.from_numpy(~chunk.fresh)
    state = tuple(_forget(part, heard) for part in state)
    found, state = network.nll(rows[:-1], rows[1:], state)
    return found, torch.from_numpy(chunk.real), state


def _forget(state: State, heard: Tensor) -> State:
    """Clear the state of the pieces that begin; `heard` (batch,) is false for these."""
    rows = state.hidden.shape[1] // len(heard)
    keep = heard.to(state.hidden.dtype).repeat_interleave(rows)[:, None]
    return State(state.hidden * keep, state.cell * keep)


@torch.inference_mode()
def measure(
    model: nn.Module, pieces: Sequence[Rows], batch: int = 16, chunk: int = 64
) -> dict[str, tuple[float, float]]:
    """Measure a network on whole pieces.

    Every frame has the same weight and padding has none.

    Returns
    -------
    dict
        Head -> nats a frame over all frames, and without each piece's first.
    """
    network: Network = model  # type: ignore[assignment]
    sums: dict[str, float] = {}
    firsts: dict[str, float] = {}
    frames = 0
    for group in whole_pieces(pieces, batch, chunk):
        state = network.fresh_state(group[0].rows.shape[1])
        for part in group:
            found, real, state = _read(model, part, state)
            frames += int(real.sum())
            for head, nats in found.items():
                sums[head] = sums.get(head, 0.0) + float(nats[real].sum())
                if part.fresh.all():
                    firsts[head] = firsts.get(head, 0.0) + float(nats[0].sum())
    return {
        head: (total / frames, (total - firsts[head]) / max(frames - len(pieces), 1))
        for head, total in sums.items()
    }


def add_training_arguments(parser: argparse.ArgumentParser, minutes: float) -> None:
    """Add what both benchmarks can be asked for."""
    add = parser.add_argument
    add("--core", choices=CORES, default="lstm", help="recurrence (default: lstm)")
    add("--layers", type=int, default=2, help="layers of the core (default: 2)")
    add("--no-echo", dest="echo", action="store_false", help="without the echo as an input")
    add("--weight-decay", type=float, default=0.05, help="default: 0.05")
    add("--minutes", type=float, default=minutes, help=f"of training a set (default: {minutes:g})")
    add("--steps", type=int, help="training steps, if fewer")
    add("--validate-minutes", type=float, default=1.5, help="between validations (default: 1.5)")
    add("--threads", type=int, default=1, help="of torch (default: 1)")
    add("--seed", type=int, default=0)
    add("--out", type=Path, default=Path("runs/published"), help="default: runs/published")


def train_or_resume(recipe: FramesRecipe, args: argparse.Namespace, out: Path) -> int:
    """Train into a folder, going on with the run that lies there; load its best weights.

    Returns
    -------
    int
        0, or another status if the run was interrupted.

    Raises
    ------
    AntiphonError
        For limits that are no limits, and a folder that cannot be written.
    """
    if args.minutes <= 0 or (args.steps is not None and args.steps <= 0):
        raise UsageError(
            "expected --minutes and --steps above 0", "found less", "give a positive number"
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(
            f"expected to write to {out}", f"found {error.strerror}", "choose another --out"
        ) from error
    loop_args = argparse.Namespace(
        kind=recipe.kind,
        out=out,
        minutes=args.minutes,
        steps=args.steps,
        seed=args.seed,
        validate_minutes=args.validate_minutes,
        weight_decay=None,
        patience=None,
        precision="fp32",
    )
    resume = (out / RESUME).exists()
    status = Loop(recipe, loop_args, torch.device("cpu")).run(resume)
    weights = load_file(out / f"{recipe.kind}{SUFFIX}")
    recipe.model.load_state_dict({name: w.to(torch.float32) for name, w in weights.items()})
    recipe.model.eval()
    return status
