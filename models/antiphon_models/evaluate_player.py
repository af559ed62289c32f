"""Evaluates a player: how well it predicts, what it plays, and baselines beside it.

Importable without torch; it is loaded when evaluation starts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from antiphon.model import Player
from antiphon_models import runtime
from antiphon_models.baselines import Baselines
from antiphon_models.baselines.sampler import ngram_player
from antiphon_models.data.stream import piece_rows
from antiphon_models.evaluate import PARTS
from antiphon_models.evaluate_playing import Plan, Training, evaluate_playing
from antiphon_models.evaluation_data import Evaluated, Examples, Say, read_training
from antiphon_models.events import FIELDS, VELOCITY_BINS, Piece
from antiphon_models.scores import Scores

if TYPE_CHECKING:
    import torch

    from antiphon_models.player import Player as Network

BATCH: Final = 48
"""Pieces read side by side."""

CHUNK: Final = 128
"""Notes read at a time; more do not fit the processor's cache."""


def evaluate_player(
    args: argparse.Namespace, checkpoint: Path, found: Evaluated, say: Say
) -> tuple[dict[str, Any], Examples]:
    """Measure a player, and the baselines beside it, on every set.

    Parameters
    ----------
    args : argparse.Namespace
        Of the command.
    checkpoint : Path
        The player's file.
    found : Evaluated
        What it is measured on.
    say : callable
        Told how far it is.
    """
    parts = args.parts or (PARTS if args.report is not None else PARTS[:1])
    result: dict[str, Any] = {
        "kind": "player",
        "checkpoint": str(checkpoint),
        "data": str(args.data),
        "parts": list(parts),
        "sets": {
            name: {"split": found.splits[name], "pieces": len(pieces)}
            for name, pieces in found.sets.items()
        },
    }
    if found.refused:
        result["refused_files"] = found.refused
    training: Training = {}
    baselines: Baselines | None = None
    source = None
    if not args.no_baselines or "continuations" in parts:
        training, source = read_training(args.data, found, args.baseline_data, say)
    if not args.no_baselines:
        baselines = Baselines(training)
        result["baseline_training"] = {
            "from": source,
            "notes": baselines.notes,
            "notes_left_out": baselines.capped,
        }
        if not baselines.notes:
            say("baselines: no train split, so they know each piece's own past only")
    if "continuations" not in parts:
        training = {}
    if "likelihoods" in parts:
        _add_likelihoods(result, args.device, checkpoint, found, baselines, say)
    examples: Examples = {}
    plan = Plan.of(args, parts)
    if plan.parts:
        examples = _add_playing(result, plan, args.device, found, baselines, training, say)
    return result, examples


def _add_likelihoods(
    result: dict[str, Any],
    device_name: str,
    checkpoint: Path,
    found: Evaluated,
    baselines: Baselines | None,
    say: Say,
) -> None:
    """Add how well notes are predicted."""
    from antiphon_models.train import choose_device
    from antiphon_models.train_player import load_player

    device = choose_device(device_name)
    model, _ = load_player(checkpoint)
    model.to(device).eval()
    result |= {"device": str(device), "velocity_bins": VELOCITY_BINS}
    for name, pieces in found.sets.items():
        start = time.monotonic()
        player = score_player(model, pieces, name, device)
        notes = sum(map(len, pieces))
        rate = notes / max(time.monotonic() - start, 1e-9)
        say(f"player: {name}, {notes:,} notes, {rate:,.0f} notes/s")
        beside = baselines.score(pieces, name) if baselines is not None else {}
        style = name if name in model.config.styles else "unknown"
        result["sets"][name] = set_figures(found, name, style, player, beside)
        if beside:
            say(f"baselines: {name} done")


def _add_playing(
    result: dict[str, Any],
    plan: Plan,
    device: str,
    found: Evaluated,
    baselines: Baselines | None,
    training: Training,
    say: Say,
) -> Examples:
    """Add what is played; return what the plots need."""
    players: dict[str, Player] = {"player": runtime.load_player(result["checkpoint"], device)}
    if baselines is not None and baselines.notes:
        players["ngram"] = ngram_player(baselines)
    sets, whole, examples = evaluate_playing(plan, found, players, training, say)
    for name, figures in sets.items():
        result["sets"][name] |= figures
    result["playing"] = {**whole, "seed": plan.seed}
    result.setdefault("device", players["player"].info.device)
    return examples


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
    model: Network,
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
    model : antiphon_models.player.Player
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
