"""Train Notochord's network on a data set of this project; set its pitch NLL beside a player's.

python benchmarks/peer_training.py DATA --out DIR --minutes M --threads N --checkpoint PATH
    [--environment DIR] [--evaluate DIR] [--split NAME] [--json]

DATA is what ``antiphon prepare`` made; the train split of every folder is used. A run that was
stopped goes on when its command is given again, and one that is done is only measured. The
minutes should be those that the player had, with as many threads (its checkpoint says).

Notochord (0.8.0, see ``peer_environment.py``) is trained as its own trainer does it: its network
at its default size, its loss (all parts of an event, each predicted from a random choice of the
others), its augmentation (5 semitones, a tenth of the tempo, curves of velocity, a millisecond of
blur), AdamW with weight decay 0.01, gradients clipped at 1. What differs is in its favour, or has
to: steps of 16 slices of 64 events instead of 128, since so short a run would have
hardly a hundred of those; a learning rate that rises and then falls along a
cosine to 0, as the player's does; folders mixed as for the player, every event of a folder as
likely; a quarter of the slices begin where a piece does; chords keep their order, upwards as the
player hears them; the voices have fixed instruments, never anonymous ones.

What is counted: for every note of the pieces, up to ``--first`` notes from the start of
each and about ``--notes`` of a folder, -log p(pitch), given all that came before, and the
note's time and voice. Both count the same notes. Notochord's parts can be predicted in any order.
The one that is best for it: the pitch given instrument, time and velocity, since a velocity above
0 is what says that a note begins (so it is told the velocity, which the player is not), and keys
that its instrument holds left out, as its own sampler does. Its state goes from the start of a
piece to its end, without noise.

The player is measured as in training and by ``antiphon evaluate``: it is told style, beat and
durations. Notochord cannot be told style and beat, and hears the end of a note only when it comes.
So a second figure is the player's with all three unknown, which is less than Notochord hears: it
never learns how long a note was. The accuracy of onsets is not compared, since the next event of
Notochord is as often the end of a note as a beginning.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from antiphon.errors import AntiphonError
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.data.storage import open_dataset
from antiphon_models.evaluation_data import read_sets
from antiphon_models.events import BAR_PHASE_UNKNOWN, BEAT_PHASE_UNKNOWN, PITCHES, VOICES, Piece
from antiphon_models.runtime import checkpoint_path
from antiphon_models.train_player import (
    VALIDATION_LENGTH,
    VALIDATION_NOTES,
    load_player,
    measure,
    sample,
)
from peer_environment import VERSION, install, variables
from peer_events import write_events

TRAINER = Path(__file__).with_name("peer_trainer.py")

Sets = dict[str, list[Piece]]


class Peer:
    """Runs ``peer_trainer.py`` where Notochord is installed."""

    def __init__(self, python: Path, threads: int) -> None:
        self._python, self._threads = python, threads

    def run(self, command: str, *arguments: object) -> None:
        """Run a command of it to its end; what it says goes to standard error."""
        # -P: the modules beside the script are this project's, none of its business.
        line = [self._python, "-P", TRAINER, command, *arguments, "--threads", self._threads]
        environment = variables(self._threads)
        subprocess.run([*map(str, line)], stdout=sys.stderr, env=environment, check=True)


def bare(piece: Piece) -> Piece:
    """Take away what Notochord is not told: style and beat."""
    unknown = np.ones_like(piece.onset)
    return replace(
        piece,
        style="",
        beat_phase=unknown * BEAT_PHASE_UNKNOWN,
        bar_phase=unknown * BAR_PHASE_UNKNOWN,
    )


def by_voice(training: Mapping[str, Sequence[Piece]]) -> npt.NDArray[np.float64]:
    """Return nats of each pitch by its voice alone, counted in all training music.

    Returns
    -------
    ndarray
        (voices, pitches); one is added to each count.
    """
    counts = np.ones((VOICES, PITCHES))
    for found in training.values():
        for piece in found:
            np.add.at(counts, (piece.voice, piece.pitch), 1)
    return np.asarray(-np.log(counts / counts.sum(1, keepdims=True)))


def player_figures(path: Path, sets: Sets) -> dict[str, dict[str, float]]:
    """Measure a player: told everything, and no more than Notochord hears."""
    model, _ = load_player(path)
    model.eval()
    device = torch.device("cpu")
    found = {}
    for folder, pieces in sets.items():
        less = [bare(piece) for piece in pieces]
        found[folder] = {
            "pitch_nll": measure(model, pieces, device)["pitch"],
            "pitch_nll_untold": measure(model, less, device, held=True)["pitch"],
        }
    return found


def print_table(result: dict[str, Any]) -> None:
    about, player = result["notochord"]["about"], result["player"]["about"]
    minutes, own = about["seconds"] / 60, player.get("minutes", 0)
    print(
        f"Notochord {VERSION}: {about['weights']:,} weights, {about['step']:,} steps of "
        f"{about['batch']} x {about['length']}, {about['events']:,} events in "
        f"{minutes:.1f} minutes, {about['threads']} threads\n"
        f"Antiphon: {player.get('weights', 0):,} weights, {player.get('notes_seen', 0):,} notes in "
        f"{own:.1f} minutes\n"
        f"{'' if abs(minutes - own) < 0.1 * own else 'The two had different times.' + chr(10)}\n"
        f"nats a pitch  {'notes':>7} {'by voice':>9} {'Notochord':>10} {'Antiphon':>9} "
        f"{'untold':>7} {'ahead by':>9}"
    )
    for folder, row in result["sets"].items():
        print(
            f"{folder:<13} {row['notes']:7,} {row['by_voice']:9.3f} {row['notochord']:10.3f} "
            f"{row['player']:9.3f} {row['player_untold']:7.3f} "
            f"{row['notochord'] - row['player']:9.3f}"
        )


def compare(args: argparse.Namespace) -> dict[str, Any]:
    """Train, measure both, and put the figures together."""
    path = checkpoint_path(args.checkpoint)
    about = load_checkpoint(path, "player").info
    training = open_dataset(args.data, "train")
    found = read_sets(args.evaluate or args.data, args.split, lambda text: None)
    sets = {
        folder: [p.select(slice(args.first)) for p in sample(pieces, args.notes, args.first)]
        for folder, pieces in found.sets.items()
    }
    args.out.mkdir(parents=True, exist_ok=True)
    model = args.out / "notochord.pt"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = install(args.environment or folder / "environment", args.pip)
        peer = Peer(python, args.threads)
        write_events(folder / "train.npz", training)
        write_events(folder / "measured.npz", sets)
        asked = {"minutes": args.minutes, "batch": args.batch, "length": args.length}
        asked |= {"lr": args.lr, "seed": args.seed}
        options = [text for name, value in asked.items() for text in (f"--{name}", value)]
        peer.run("train", folder / "train.npz", model, *options)
        peer.run("measure", folder / "measured.npz", model, folder / "figures.json")
        theirs = json.loads((folder / "figures.json").read_text())
    torch.set_num_threads(args.threads)
    ours = player_figures(path, sets)
    unigram, rows = by_voice(training), {}
    for name, pieces in sets.items():
        notes = sum(map(len, pieces))
        if theirs["sets"][name]["notes"] != notes:
            raise SystemExit(f"{name}: {notes} notes, of which Notochord was measured on others")
        rows[name] = {
            "notes": notes,
            "by_voice": sum(float(unigram[p.voice, p.pitch].sum()) for p in pieces) / notes,
            "notochord": theirs["sets"][name]["pitch_nll"],
            "notochord_held_keys_too": theirs["sets"][name]["pitch_nll_held_keys_too"],
            "player": ours[name]["pitch_nll"],
            "player_untold": ours[name]["pitch_nll_untold"],
        }
    names = ("weights", "notes_seen", "steps", "minutes", "command", "revision")
    return {
        "data": str(args.data),
        "evaluated": {"data": str(args.evaluate or args.data), "splits": found.splits},
        "notochord": {"version": VERSION, "about": theirs["about"]},
        "player": {"checkpoint": str(path), "about": {n: about[n] for n in names if n in about}},
        "sets": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="a prepared data set")
    parser.add_argument("--out", type=Path, required=True, help="folder of Notochord's run")
    parser.add_argument("--minutes", type=float, default=20, help="wall time of training")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint", default="player", help="Antiphon's (default: player)")
    parser.add_argument(
        "--evaluate", type=Path, help="other music to measure on: as evaluate takes"
    )
    parser.add_argument("--split", help="default: as evaluate chooses, validation if there is one")
    parser.add_argument(
        "--notes", type=int, default=VALIDATION_NOTES, help="of a folder that are measured, about"
    )
    parser.add_argument(
        "--first", type=int, default=VALIDATION_LENGTH, help="notes of a piece, from its start"
    )
    parser.add_argument("--environment", type=Path, help="folder of Notochord's environment; kept")
    parser.add_argument("--pip", nargs="*", default=[], help="more arguments for pip install")
    parser.add_argument("--batch", type=int, default=16, help="slices a step (default: 16)")
    parser.add_argument("--length", type=int, default=64, help="events a slice (default: 64)")
    parser.add_argument("--lr", type=float, default=3e-4, help="at its highest (default: 3e-4)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    args = parser.parse_args()
    try:
        result = compare(args)
    except AntiphonError as error:
        raise SystemExit(str(error)) from error
    if args.json:
        print(json.dumps(result, indent=1))
    else:
        print_table(result)


if __name__ == "__main__":
    main()
