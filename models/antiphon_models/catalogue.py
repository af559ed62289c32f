"""``antiphon models``: the checkpoints found, with size, data, licence and figures."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any, Final

from antiphon_models.checkpoint import CheckpointHeader, find_checkpoints

FIGURES: Final = {
    "player": "nats a note on held-out pieces, while training",
    "dic": "F1 of the hits of held-out windows that were decoded, mean errors of their velocities "
    "(MIDI units) and offsets (sixteenths), while training",
    "gan": "what held-out variations that people made cost (nats over ten), and the Fréchet "
    "distance of its own from them, while training",
}
"""What the figures of each kind are."""


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon models``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_models(args: argparse.Namespace) -> int:
    """Run ``antiphon models``; returns the exit status."""
    entries, broken = [], []
    for found in find_checkpoints():
        if isinstance(found, CheckpointHeader):
            entries.append(describe(found))
        else:
            broken.append(str(found))
    if args.json:
        print(json.dumps({"checkpoints": entries, "unusable": broken}))
        return 0
    _print(entries, broken)
    return 0


def describe(header: CheckpointHeader) -> dict[str, Any]:
    """Return what the list says about a checkpoint.

    ``figures`` are those on held-out pieces by style and name, as the trainer measured them
    (see FIGURES); the model card has those of ``antiphon evaluate``.
    """
    info = header.info
    figures: dict[str, dict[str, float]] = {}
    for key, value in info.get("metrics", {}).items():
        style, _, what = key.partition("/")
        figures.setdefault(style, {})[what] = value
    return {
        "name": header.path.stem,
        "kind": header.kind,
        "path": str(header.path),
        "bytes": header.path.stat().st_size,
        "weights": info.get("weights"),
        "data": {
            name: entry.get("licence", "unknown") for name, entry in info.get("data", {}).items()
        },
        "figures": figures,
        "notes_seen": info.get("notes_seen"),
        "revision": info.get("revision"),
    }


def _print(entries: list[dict[str, Any]], broken: list[str]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    if not entries:
        console.print("no checkpoints found; train one with 'antiphon train'", highlight=False)
    for entry in entries:
        table = Table(title=_title(entry), title_justify="left", title_style="bold")
        fields = _fields(entry["figures"])
        table.add_column("data")
        table.add_column("licence")
        for name in fields:
            table.add_column(name, justify="right")
        for style, licence in entry["data"].items():
            values = entry["figures"].get(style, {})
            table.add_row(style, licence, *(_cell(values, name) for name in fields))
        console.print(table)
    for kind in dict.fromkeys(entry["kind"] for entry in entries if entry["figures"]):
        console.print(f"Figures of a {kind}: {FIGURES[kind]}.", highlight=False)
    for line in broken:
        console.print(f"unusable: {line}", highlight=False, markup=False)


def _title(entry: Mapping[str, Any]) -> str:
    size = f"{entry['bytes'] / 1e6:.1f} MB"
    weights = f", {entry['weights']:,} weights" if entry["weights"] else ""
    return f"{entry['name']}: {entry['kind']}, {size}{weights}\n{entry['path']}"


def _fields(figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    return list(dict.fromkeys(what for style, f in figures.items() if style != "all" for what in f))


def _cell(values: Mapping[str, float], name: str) -> str:
    return f"{values[name]:.3f}" if name in values else ""
