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
    parser.add_argument("kind", choices=("player", "dic", "gan"), help="network to train")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="prepared data set")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write")
    parser.add_argument(
        "--preset",
        help="player: small (default), tiny; dic: drums (default), pitched, drums-dense, "
        "pitched-dense, tiny-drums, tiny-pitched; gan: drums (default), pitched, tiny-drums, "
        "tiny-pitched",
    )
    parser.add_argument(
        "--dic", metavar="CKPT", help="gan: the DIC beneath it (default: the shipped one)"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in --out")
    parser.add_argument("--init", type=Path, metavar="CKPT", help="start from these weights")
    parser.add_argument("--minutes", type=float, help="train for this long")
    parser.add_argument("--steps", type=int, help="train for at most this many steps")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, help="CPU threads (default: torch decides)")
    parser.add_argument("--batch", type=int, help="streams, or windows, side by side")
    parser.add_argument("--chunk", type=int, help="events in a chunk of a stream")
    parser.add_argument("--lr", type=float, help="highest learning rate")
    parser.add_argument(
        "--temper",
        type=float,
        help="how much large sets outweigh small ones: 1 by their notes, 0 not at all",
    )
    parser.add_argument(
        "--validate-minutes", type=float, default=5.0, help="minutes between validations"
    )


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
