"""Settle the player's design: train every variant for the same time, and compare.

python benchmarks/design.py DATASET --out FOLDER [--minutes 5] [--threads 2] [--width 384]
    [--seed 1] [VARIANT ...]

Each is the preset `small` but for what its name says, and with an LSTM where that does not say
"linear". All have the same seed, and so the same music in the same order, and as many minutes; a
slower one sees less of it. Nats a note on validation, conditions unknown. A run that is there
already is not repeated; run on a quiet machine. Narrower networks, all of them alike, see more
music in the same time. What another seed changes is what differences have to be larger than.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from antiphon.cli import main as antiphon
from antiphon_models import train_player
from antiphon_models.core import State
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    BIN_TICKS,
    COLUMN,
    PITCHES,
)
from antiphon_models.player import Player, PlayerConfig
from antiphon_models.run_folder import LOG

SMALL = cast(PlayerConfig, train_player.PRESETS["small"]["config"])
LSTM = replace(SMALL, core="lstm")  # what every other design was held against
INTERVALS = 2 * PITCHES - 1


class NoPhase(Player):
    """Knows neither beat nor bar."""

    def forward(
        self, rows: Tensor, following: Tensor, state: State
    ) -> tuple[dict[str, Tensor], State]:
        """Score the fields of the events that follow."""
        return super().forward(_without_phase(rows), _without_phase(following), state)


class NoStep(Player):
    """Expects no pitch but that of a motif with its rhythm."""

    def forward(
        self, rows: Tensor, following: Tensor, state: State
    ) -> tuple[dict[str, Tensor], State]:
        """Score the fields of the events that follow."""
        following = following.clone()
        following[..., COLUMN["step_trust"]] = 0
        following[..., COLUMN["step_pitch"]] = 0
        return super().forward(rows, following, state)


class IntervalHead(Player):
    """Scores a pitch by itself and by its interval from the note before."""

    absolute = True

    def __init__(self, config: PlayerConfig) -> None:
        super().__init__(config)
        self.interval = nn.Linear(config.width, INTERVALS)
        nn.init.zeros_(self.interval.weight)
        nn.init.zeros_(self.interval.bias)

    def hidden(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Run the core, and keep what it says."""
        self._heard, state = super().hidden(rows, state)
        return self._heard, state

    def forward(
        self, rows: Tensor, following: Tensor, state: State
    ) -> tuple[dict[str, Tensor], State]:
        """Score the fields of the events that follow."""
        logits, state = super().forward(rows, following, state)
        before = rows[..., COLUMN["pitch"]]  # (time, batch)
        place = torch.arange(PITCHES) - before.unsqueeze(-1) + PITCHES - 1
        relative = self.interval(self._heard).gather(-1, place)
        logits["pitch"] = logits["pitch"] + relative if self.absolute else relative
        return logits, state


class Tied(IntervalHead):
    """Knows pitches by their intervals alone, so that it plays the same in every key."""

    absolute = False

    def __init__(self, config: PlayerConfig) -> None:
        super().__init__(config)
        self.step = nn.Parameter(torch.empty(INTERVALS, config.width))
        nn.init.normal_(self.step, std=0.1)

    def _embed(self, rows: Tensor) -> Tensor:
        pitch = rows[..., COLUMN["pitch"]]
        step = torch.diff(pitch, dim=0, prepend=pitch[:1]) + PITCHES - 1
        rows = rows.clone()
        rows[..., COLUMN["pitch"]] = 12 * (pitch // 12)  # of the pitch itself only the octave
        return super()._embed(rows) + self.step[step]


class HeldNotes(Player):
    """Also hears which notes still sound, as far as they were struck in the same chunk."""

    def __init__(self, config: PlayerConfig) -> None:
        super().__init__(config)
        self.held = nn.Parameter(torch.empty(PITCHES, config.width))
        nn.init.normal_(self.held, std=0.05)

    def _embed(self, rows: Tensor) -> Tensor:
        ticks = torch.from_numpy(BIN_TICKS)
        begins = rows[..., COLUMN["begin"]]
        onset = (ticks[rows[..., COLUMN["shift"]]] * (1 - begins)).cumsum(0).T  # (batch, time)
        duration = rows[..., COLUMN["duration_in"]]
        known = duration < len(ticks)
        end = onset + (ticks[duration.clamp_max(len(ticks) - 1)] * known).T
        piece = begins.cumsum(0).T
        count = onset.shape[1]
        earlier = torch.ones(count, count, dtype=torch.bool).tril(-1)  # (now, then)
        sounds = (end[:, None, :] > onset[:, :, None]) & (piece[:, None, :] == piece[:, :, None])
        notes = self.held[rows[..., COLUMN["pitch"]]] * (1 - begins).unsqueeze(-1)
        heard = (sounds & earlier).to(notes.dtype) @ notes.transpose(0, 1)  # (batch, time, width)
        return super()._embed(rows) + heard.transpose(0, 1)


def _without_phase(rows: Tensor) -> Tensor:
    rows = rows.clone()
    rows[..., COLUMN["beat_phase"]] = BEAT_PHASE_UNKNOWN
    rows[..., COLUMN["bar_phase"]] = BAR_PHASE_UNKNOWN
    return rows


VARIANTS: dict[str, tuple[Callable[[PlayerConfig], Player], PlayerConfig]] = {
    "lstm": (Player, LSTM),
    "gru": (Player, replace(LSTM, core="gru")),
    "linear": (Player, SMALL),
    "linear-three-layers": (Player, replace(SMALL, layers=3)),
    "linear-interval-head": (IntervalHead, SMALL),
    "wide": (Player, replace(LSTM, width=LSTM.width * 4 // 3)),
    "three-layers": (Player, replace(LSTM, layers=3)),
    "no-memory": (Player, replace(LSTM, memory=False)),
    "no-conditions": (Player, replace(LSTM, conditions=())),
    "no-step": (NoStep, LSTM),
    "no-phase": (NoPhase, LSTM),
    "interval-head": (IntervalHead, LSTM),
    "held-notes": (HeldNotes, LSTM),
    "tied": (Tied, LSTM),
}


def train(name: str, args: argparse.Namespace) -> None:
    """Train a variant with the repository's own loop."""
    network, config = VARIANTS[name]
    width = config.width * args.width // SMALL.width
    config = replace(config, width=width, head_width=SMALL.head_width * args.width // SMALL.width)
    train_player.PRESETS["small"]["config"] = config
    train_player.PlayerRecipe.network = network
    words = ["train", "player", "--preset", "small", "--batch", "32", "--seed", str(args.seed)]
    words += ["--precision", "fp32", "--data", str(args.dataset), "--out", str(args.out / name)]
    words += ["--minutes", str(args.minutes), "--validate-minutes", str(args.minutes)]
    words += ["--threads", str(args.threads)]
    if antiphon(words):
        sys.exit(f"{name} did not train")


def read(folder: Path) -> tuple[int, dict[tuple[str, str], float]]:
    """Return the notes that a run saw, and what its last validation found."""
    with (folder / LOG).open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "validation"]
    last = [row for row in rows if row["step"] == rows[-1]["step"]]
    found = {(row["style"], row["what"]): float(row["value"]) for row in last}
    return int(last[0]["notes"]), found


def main() -> None:
    """Train what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("dataset", type=Path, help="made by 'antiphon prepare'")
    parser.add_argument("variants", nargs="*", default=list(VARIANTS), metavar="VARIANT")
    parser.add_argument("--out", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--minutes", type=float, default=5.0, help="for each (default 5)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--width", type=int, default=SMALL.width, help="of small (default 384)")
    parser.add_argument("--seed", type=int, default=1, help="of weights and music (default 1)")
    args = parser.parse_intermixed_args()
    unknown = [name for name in args.variants if name not in VARIANTS]
    if unknown:
        parser.error(f"expected variants of {', '.join(VARIANTS)}; found {', '.join(unknown)}")
    for name in args.variants:
        if not (args.out / name / "player.safetensors").is_file():
            train(name, args)
    runs = {name: read(args.out / name) for name in args.variants}
    styles = [style for style, what in next(iter(runs.values()))[1] if what == "pitch"]
    print(f"| variant | notes seen | pitch, mean | all, mean | {' | '.join(styles)} |")
    print("| :-- " + "| --: " * (3 + len(styles)) + "|")
    for name, (notes, found) in runs.items():
        pitch = [found[style, "pitch"] for style in styles]
        cells = [f"{notes:,}", f"{sum(pitch) / len(pitch):.3f}", f"{found['all', 'score']:.3f}"]
        print(f"| {name} | {' | '.join([*cells, *(f'{value:.3f}' for value in pitch)])} |")


if __name__ == "__main__":
    main()
