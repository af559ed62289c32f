"""``antiphon evaluate player``: held-out figures of a player, and of two baselines beside it.

Importable without torch; it is loaded when evaluation starts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from antiphon.errors import CheckpointError
from antiphon_models.baselines import Baselines
from antiphon_models.checkpoint import CheckpointHeader, find_checkpoints
from antiphon_models.data.stream import piece_rows
from antiphon_models.evaluation_data import Evaluated, read_sets, read_training
from antiphon_models.events import FIELDS, VELOCITY_BINS, Piece
from antiphon_models.scores import Scores

if TYPE_CHECKING:
    import torch

    from antiphon_models.player import Player

BATCH: Final = 48
"""Pieces read side by side."""

CHUNK: Final = 128
"""Notes read at a time; more do not fit the processor's cache."""

Say = Callable[[str], None]


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon evaluate``."""
    parser.add_argument("kind", choices=("player",), help="network to evaluate")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="data set, or folder of MIDI files"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="CKPT",
        help="file, or name from 'antiphon models' (default: player)",
    )
    parser.add_argument("--report", type=Path, metavar="DIR", help="write report.md and plots here")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--split",
        choices=("train", "validation", "test", "all"),
        help="default: validation if there is one, else test, else all",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch decides)")
    parser.add_argument(
        "--baseline-data",
        type=Path,
        metavar="DIR",
        help="where the baselines are trained (default: the train split of --data)",
    )
    parser.add_argument("--no-baselines", action="store_true", help="evaluate the player alone")


def run_evaluate(args: argparse.Namespace) -> int:
    """Run ``antiphon evaluate``; returns the exit status.

    Raises
    ------
    AntiphonError
        For anything that the user can mend.
    """
    began = time.monotonic()
    checkpoint = choose_checkpoint(args.checkpoint, "player")
    found = read_sets(args.data, args.split, _say)

    from antiphon_models.train import choose_device
    from antiphon_models.train_player import load_player

    device = choose_device(args.device)
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    model, _ = load_player(checkpoint)
    model.to(device).eval()
    players: dict[str, Scores] = {}
    for name, pieces in found.sets.items():
        start = time.monotonic()
        players[name] = score_player(model, pieces, name, device)
        notes = sum(map(len, pieces))
        rate = notes / max(time.monotonic() - start, 1e-9)
        _say(f"player: {name}, {notes:,} notes, {rate:,.0f} notes/s")
    result: dict[str, Any] = {
        "kind": "player",
        "checkpoint": str(checkpoint),
        "device": str(device),
        "data": str(args.data),
        "velocity_bins": VELOCITY_BINS,
        "sets": {},
    }
    if found.refused:
        result["refused_files"] = found.refused
    baselines: Baselines | None = None
    if not args.no_baselines:
        training, source = read_training(args.data, found, args.baseline_data, _say)
        baselines = Baselines(training)
        del training
        result["baseline_training"] = {
            "from": source,
            "notes": baselines.notes,
            "notes_left_out": baselines.capped,
        }
        if not baselines.notes:
            _say("baselines: no train split, so they know each piece's own past only")
    for name, pieces in found.sets.items():
        beside = baselines.score(pieces, name) if baselines is not None else {}
        style = name if name in model.config.styles else "unknown"
        result["sets"][name] = set_figures(found, name, style, players[name], beside)
        if beside:
            _say(f"baselines: {name} done")
    result["seconds"] = round(time.monotonic() - began, 1)
    if args.report is not None:
        from antiphon_models.report import write_report

        _say(f"report: {write_report(args.report, result)}")
    if args.json:
        print(json.dumps(result))
    else:
        from antiphon_models.report import print_table

        print_table(result)
    return 0


def choose_checkpoint(wanted: str | None, kind: str) -> Path:
    """Return the path of a checkpoint, given as a file, as a name, or not at all.

    Raises
    ------
    CheckpointError
        If there is none of that name.
    """
    if wanted is not None and (Path(wanted).is_file() or Path(wanted).suffix):
        return Path(wanted)
    have = [c for c in find_checkpoints() if isinstance(c, CheckpointHeader) and c.kind == kind]
    name = kind if wanted is None else wanted
    for checkpoint in have:
        if checkpoint.path.stem == name:
            return checkpoint.path
    if wanted is None and have:
        return have[0].path
    raise CheckpointError(
        f"expected a {kind} checkpoint named {name}",
        "found " + (", ".join(c.path.stem for c in have) or "none"),
        "give a file with --checkpoint, or train one with 'antiphon train'",
    )


def set_figures(
    found: Evaluated, name: str, style: str, player: Scores, beside: Mapping[str, Scores]
) -> dict[str, Any]:
    """Put the figures of one set together, by their public names.

    ``beats_baselines`` says whether the player's pitch_nll is below that of "ngram" and of
    "repeat"; ``beats`` says it for each, "own_past" included.
    """
    figures: dict[str, Any] = {
        "split": found.splits[name],
        "pieces": len(found.sets[name]),
        "notes": player.counted["pitch"],
        "style": style,
        **player.figures(),
        "calibration": player.calibration(),
    }
    if beside:
        own = figures["pitch_nll"]
        figures["baseline"] = {which: scores.figures() for which, scores in beside.items()}
        figures["beats"] = {
            which: own < values["pitch_nll"] for which, values in figures["baseline"].items()
        }
        figures["beats_baselines"] = all(
            beaten for which, beaten in figures["beats"].items() if which != "own_past"
        )
    return figures


def score_player(
    model: Player,
    pieces: Sequence[Piece],
    style: str,
    device: torch.device,
    batch: int = BATCH,
    chunk: int = CHUNK,
) -> Scores:
    """Score every note of pieces once, the state carried from the beginning of each to its end.

    Pieces of similar length are read side by side, `chunk` notes at a time; a piece leaves its
    batch when it ends. All durations and phases are shown. The first note's shift (always 0)
    counts like any other.

    Parameters
    ----------
    model : Player
        In evaluation mode, on `device`.
    pieces : sequence of Piece
        With at least one note each.
    style : str
        The style that the player is told; one that it does not know is "unknown".
    device : torch.device
        Where the model is.
    batch, chunk : int
        Pieces side by side, and notes at a time; they do not change the result.
    """
    import torch

    from antiphon_models.player import COLUMN, COLUMNS, State

    styles = model.config.styles
    style_id = 1 + styles.index(style) if style in styles else 0
    scores = Scores()
    ordered = sorted(pieces, key=len, reverse=True)
    for first in range(0, len(ordered), batch):
        group = ordered[first : first + batch]
        lengths = np.array([len(p) for p in group])
        table = np.zeros((lengths[0] + 1, len(group), len(COLUMNS)), np.int16)
        for index, piece in enumerate(group):
            table[: len(piece) + 1, index] = piece_rows(piece, style_id)
        with torch.inference_mode():
            state = model.fresh_state(len(group))
            for at in range(0, int(lengths[0]), chunk):
                live = int((lengths > at).sum())
                rows = torch.from_numpy(table[at : at + chunk + 1, :live].astype(np.int64))
                rows = rows.to(device)  # (time + 1, live, columns)
                state = State(state.hidden[:, :live], state.cell[:, :live])
                logits, state = model(rows[:-1], rows[1:], state)
                places = torch.arange(at, at + len(rows) - 1)[:, None]
                real = (places < torch.from_numpy(lengths[:live])).to(device)  # (time, live)
                for name in FIELDS:
                    truth = rows[1:, :, COLUMN[name]][real]
                    log_p = logits[name][real].float().log_softmax(-1)  # (notes, classes)
                    nll = -log_p.gather(-1, truth[:, None])[:, 0]
                    scores.add_nll(name, nll.cpu().numpy())
                    if name == "pitch":
                        best, guess = log_p.max(-1)
                        scores.add_guesses(
                            truth.cpu().numpy(), guess.cpu().numpy(), best.exp().cpu().numpy()
                        )
    return scores


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
