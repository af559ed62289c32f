"""``antiphon evaluate``: held-out figures of a network, and of baselines beside it.

Importable without torch; it is loaded when evaluation starts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Final

from antiphon.errors import CheckpointError, UsageError
from antiphon_models.checkpoint import CheckpointHeader, find_checkpoints, read_header
from antiphon_models.evaluation_data import read_sets

PARTS: Final = ("likelihoods", "continuations", "controls", "long-run")
"""What can be measured of a player: how well it predicts, and what it plays."""

DEFAULTS: Final = {"player": "player", "dic": "dic-drums", "gan": "gan-drums"}
"""Checkpoint that is evaluated of each kind if none is named."""


def add_evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon evaluate``."""
    parser.add_argument("kind", choices=tuple(DEFAULTS), help="network to evaluate")
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="data set, or folder of MIDI files"
    )
    parser.add_argument(
        "--checkpoint",
        metavar="CKPT",
        help="file, or name from 'antiphon models' "
        "(default: player, dic-drums or gan-drums; its kind of music is what is evaluated)",
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
        help="player: where the baselines are trained (default: the train split of --data)",
    )
    parser.add_argument(
        "--no-baselines", action="store_true", help="player, dic: evaluate the network alone"
    )
    parser.add_argument(
        "--baseline", metavar="CKPT", help="dic: the dense DIC beside it (default: dic-KIND-dense)"
    )
    parser.add_argument(
        "--windows",
        type=int,
        default=1500,
        metavar="N",
        help="dic, gan: windows of each set; for the gan's two-sample test as many real and as "
        "many varied ones (default: 1500)",
    )
    parser.add_argument(
        "--parts",
        nargs="+",
        choices=PARTS,
        metavar="PART",
        help=f"player: what to measure, of {', '.join(PARTS)} (default: all with --report, "
        "else likelihoods)",
    )
    parser.add_argument(
        "--continuations",
        type=int,
        default=120,
        metavar="N",
        help="player: lines of each set to go on from, at most (default: 120)",
    )
    parser.add_argument(
        "--long-run",
        type=int,
        default=10_000,
        metavar="NOTES",
        help="player: notes that are played in a row (default: 10000)",
    )
    parser.add_argument("--seed", type=int, default=0, help="chooses windows, lines, noise, notes")


def run_evaluate(args: argparse.Namespace) -> int:
    """Run ``antiphon evaluate``; returns the exit status.

    Raises
    ------
    AntiphonError
        For anything that the user can mend.
    """
    began = time.monotonic()
    if args.windows < 8:
        raise UsageError("expected --windows of at least 8", f"found {args.windows}", "raise it")
    if args.continuations < 1 or args.long_run < 1:
        raise UsageError(
            "expected --continuations and --long-run of at least 1",
            f"found {args.continuations} and {args.long_run}",
            "raise them, or leave their part out with --parts",
        )
    checkpoint = choose_checkpoint(args.checkpoint, args.kind)
    read_header(checkpoint, args.kind)
    found = read_sets(args.data, args.split, _say)
    if args.threads:
        import torch

        torch.set_num_threads(args.threads)
    if args.kind == "player":
        from antiphon_models.evaluate_player import evaluate_player as evaluate
    elif args.kind == "dic":
        from antiphon_models.evaluate_dic import evaluate_dic as evaluate
    else:
        from antiphon_models.evaluate_gan import evaluate_gan as evaluate
    result, examples = evaluate(args, checkpoint, found, _say)
    result["seconds"] = round(time.monotonic() - began, 1)
    from antiphon_models.report import print_table, write_report

    if args.report is not None:
        _say(f"report: {write_report(args.report, result, examples)}")
    if args.json:
        print(json.dumps(result))
    else:
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
    name = DEFAULTS[kind] if wanted is None else wanted
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


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
