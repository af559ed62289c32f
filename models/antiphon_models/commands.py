"""The command line of the models: ``prepare`` and ``train``.

Importable without torch; it is loaded when training starts. The bridge's command line calls
the ``add_*_arguments`` and ``run_*`` functions.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from antiphon.errors import AntiphonError


def add_prepare_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon prepare``."""
    parser.add_argument("src", type=Path, metavar="SRC_DIR", help="folder with MIDI files")
    parser.add_argument("out", type=Path, metavar="OUT_DIR", help="data set to write")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: 2)")
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write a report of its quality, with plots"
    )
    parser.add_argument("--json", action="store_true", help="print the manifest as JSON")


def run_prepare(args: argparse.Namespace) -> int:
    """Run ``antiphon prepare``; returns the exit status.

    Raises
    ------
    AntiphonError
        For anything that the user can mend.
    """
    from antiphon_models.data.prepare import prepare

    if args.report is not None:
        from antiphon_models.plots import require_matplotlib

        require_matplotlib()  # before the long work, not after it
    with _progress() as progress:
        manifest = prepare(args.src, args.out, progress, args.workers)
    report = None
    if args.report is not None:
        from antiphon_models.report_data import write_data_report

        report = write_data_report(args.report, args.out)
    if args.json:
        print(json.dumps(manifest))
        return 0
    for line in _summary(manifest):
        print(line)
    print(f"see {args.out / 'manifest.json'}" + (f" and {report}" if report else ""))
    return 0


_SHOWN: Final = 5
"""Refused files that are named on the terminal."""


def _summary(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Say in a few lines what was made of the files."""
    for style, entry in manifest["sets"].items():
        for split, found in entry["splits"].items():
            yield f"{style:<14} {split:<11} {found['pieces']:>6} pieces {found['notes']:>9,} notes"
    refused = manifest["refused"]
    for item in refused[:_SHOWN]:
        yield f"refused {item['file']}: {item['reason']}"
    if len(refused) > _SHOWN:
        yield f"refused {len(refused) - _SHOWN} more"
    dropped = Counter(d["how"] for d in manifest["doubles"] if d["dropped"])
    copies = dropped["exact"] + dropped["near"]
    yield (
        f"{len(manifest['repaired'])} files repaired, {len(refused)} refused; left out of train: "
        f"{copies} copies, {dropped['related']} related to validation or test music"
    )


def add_train_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon train``."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "kind",
        choices=("player", "pedal", "dic", "gan"),
        help="network to train; pedal: what the sustain pedal does, for a player that is done",
    )

    run = parser.add_argument_group("the run")
    run.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="DIR",
        help="prepared data set; player: or a folder of MIDI files, some of which are held out",
    )
    run.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    run.add_argument("--minutes", type=float, help="train for at most this long")
    run.add_argument(
        "--steps",
        type=int,
        help="train for at most this many steps (default with --init: eight times through the "
        "music; otherwise --minutes decides)",
    )
    run.add_argument("--resume", action="store_true", help="go on with the run in --out")
    run.add_argument(
        "--init",
        type=Path,
        metavar="CKPT",
        help="start from these weights: a file, or a name from 'antiphon models'; the player is "
        "fine-tuned and says in OUT/report.md what it gained; pedal: the player that is taught",
    )
    run.add_argument(
        "--elsewhere",
        type=Path,
        metavar="DIR",
        help="player with --init: data set on which to measure what fine-tuning lost",
    )
    run.add_argument(
        "--patience",
        type=int,
        metavar="N",
        help="end after N validations in a row that bring nothing better; 0 is never, the "
        "default; with --init it is 4. The best checkpoint is kept in any case",
    )
    run.add_argument(
        "--validate-minutes",
        type=float,
        metavar="MINUTES",
        help="between validations (default: 5; with --init twelve in all)",
    )
    run.add_argument("--seed", type=int, default=0, help="everything random follows from it")

    network = parser.add_argument_group("the network")
    network.add_argument(
        "--preset",
        help="player: small (default, shipped), base, large, tiny; dic: drums (default), "
        "pitched, drums-dense, pitched-dense, tiny-drums, tiny-pitched; gan: drums (default), "
        "pitched, tiny-drums, tiny-pitched",
    )
    network.add_argument(
        "--dic", metavar="CKPT", help="gan: the DIC beneath it (default: the shipped one)"
    )

    fine = parser.add_argument_group("finer settings, in place of those of the preset")
    fine.add_argument("--lr", type=float, help="highest learning rate")
    fine.add_argument(
        "--batch", type=int, help="streams, or windows, side by side, in all processes together"
    )
    fine.add_argument("--chunk", type=int, help="player: events in a chunk of a stream")
    fine.add_argument("--dropout", type=float, help="player, dic: share that is dropped")
    fine.add_argument("--weight-decay", type=float, metavar="DECAY", help="AdamW's, of matrices")
    fine.add_argument(
        "--temper",
        type=float,
        help="player: how much large sets outweigh small ones: 1 by their notes, 0 not at all",
    )

    machine = parser.add_argument_group("the machine")
    machine.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    machine.add_argument("--threads", type=int, help="CPU threads (default: torch decides)")
    machine.add_argument(
        "--precision",
        choices=("auto", "fp32", "bf16"),
        default="auto",
        help="player: auto times both at the start and takes the faster; dic, gan: fp32",
    )


_EXAMPLES: Final = """\
a player from nothing, and one fine-tuned on your own folder:
  antiphon train player --data data/mine --out runs/mine --minutes 60
  antiphon train player --init player --data my-midi --out runs/me --minutes 8

a player's sustain pedal, in a few minutes; the player stays as it is:
  antiphon train pedal --init runs/mine/player.safetensors --data data/mine --out runs/pedal

data-parallel, one process a core or a GPU:
  torchrun --standalone --nproc_per_node=2 -m antiphon train player ...

OUT then holds player.safetensors (the best), log.csv, curves.png and resume.pt."""


def run_train(args: argparse.Namespace) -> int:
    """Run ``antiphon train``; returns the exit status (130 when interrupted).

    Raises
    ------
    AntiphonError
        For anything that the user can mend.
    """
    from antiphon_models.train import train

    return train(args)


@contextmanager
def _progress() -> Iterator[Callable[[int, int, str], None]]:
    """Show files read on stderr: a bar on a terminal, plain lines elsewhere."""
    if not sys.stderr.isatty():
        yield _plain_progress
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading")

        def show(done: int, total: int, name: str) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def _plain_progress(done: int, total: int, name: str) -> None:
    if done % 200 == 0 or done == total:
        print(f"{done}/{total} {name}", file=sys.stderr, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Run ``python -m antiphon_models.commands``."""
    parser = argparse.ArgumentParser(prog="python -m antiphon_models.commands")
    commands = parser.add_subparsers(dest="command", required=True)
    add_prepare_arguments(commands.add_parser("prepare"))
    add_train_arguments(commands.add_parser("train"))
    args = parser.parse_args(argv)
    try:
        return run_prepare(args) if args.command == "prepare" else run_train(args)
    except AntiphonError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
