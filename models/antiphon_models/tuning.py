"""What fine-tuning a player gained on music held out of its folder, and lost elsewhere."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch

from antiphon_models.checkpoint import SUFFIX, read_header
from antiphon_models.curves import have_matplotlib
from antiphon_models.data.folder import as_dataset
from antiphon_models.data.storage import lengths_of, open_dataset, read_manifest
from antiphon_models.events import FIELDS, Piece
from antiphon_models.train_player import BEFORE, load_player, measure, sample

Figures = dict[str, Any]

HELD_OUT_NOTES: Final = 10_000
ELSEWHERE_NOTES: Final = 4_000
"""Notes of each set that are looked at."""

LENGTH: Final = 1_000
"""Notes from the start of each piece that are looked at."""


def report_tuning(args: argparse.Namespace, device: torch.device) -> Figures:
    """Compare a run's network with the one it began as; write ``report.md`` and ``report.json``.

    Parameters
    ----------
    args : argparse.Namespace
        Of ``antiphon train player --init``, ended.
    device : torch.device
        Where to measure.

    Returns
    -------
    dict
        What ``report.json`` holds: nats a note by field, before and after, of each set.
    """
    began = time.monotonic()
    after = args.out / f"player{SUFFIX}"
    header = read_header(after, "player")
    data = as_dataset(args.data, args.out / "data")
    parts = {"held_out": (open_dataset(data, "validation"), HELD_OUT_NOTES)}
    if args.elsewhere is not None:
        other = as_dataset(args.elsewhere, args.out / "elsewhere")
        parts["elsewhere"] = (open_dataset(other, "validation"), ELSEWHERE_NOTES)
    result: Figures = {
        "init": args.init.stem,
        "minutes": header.info["minutes"],
        "steps": header.info["steps"],
        "notes_seen": header.info["notes_seen"],
        "trained_on": header.info["data"],
        "what_is_held_out": {
            style: entry["splits"].get("validation", {}).get("held_out", "whole pieces")
            for style, entry in read_manifest(data)["sets"].items()
        },
    }
    for part, (sets, notes) in parts.items():
        result[part] = compare(args.out / BEFORE, after, sets, notes, device)
    result["seconds_to_measure"] = round(time.monotonic() - began, 1)
    write_report(args.out, result)
    for line in summary(result):
        print(line, flush=True)
    return result


def compare(
    before: Path, after: Path, sets: Mapping[str, Sequence[Piece]], notes: int, device: torch.device
) -> Figures:
    """Measure two players on some sets, each set with its own style where they know it."""
    chosen = {style: sample(pieces, notes, LENGTH) for style, pieces in sets.items()}
    found: Figures = {
        style: {"pieces": len(pieces), "notes": int(lengths_of(pieces).clip(max=LENGTH).sum())}
        for style, pieces in chosen.items()
    }
    for when, path in (("before", before), ("after", after)):
        model = load_player(path)[0].to(device).eval()
        for style, pieces in chosen.items():
            nats = measure(model, pieces, device, LENGTH)
            nats = {name: round(value, 4) for name, value in nats.items()}
            found[style][when] = {**nats, "sum": round(sum(nats.values()), 4)}
    return found


def summary(result: Figures) -> list[str]:
    """Say in a line for each set what was gained or lost."""
    lines = []
    for part, what in (("held_out", "held out"), ("elsewhere", "elsewhere")):
        for style, found in result.get(part, {}).items():
            gain = found["before"]["sum"] - found["after"]["sum"]
            pitch = found["before"]["pitch"] - found["after"]["pitch"]
            word = "gained" if gain >= 0 else "lost"
            lines.append(
                f"{what} {style}: {word} {abs(gain):.3f} nats a note "
                f"({found['before']['sum']:.3f} to {found['after']['sum']:.3f}), "
                f"pitch {'better' if pitch >= 0 else 'worse'} by {abs(pitch):.3f}"
            )
    return lines


def write_report(directory: Path, result: Figures) -> None:
    """Write ``report.json``, ``report.md`` and, where matplotlib is installed, ``gain.png``."""
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    (directory / "report.json").write_text(text, encoding="utf-8")
    parts = [
        "# What fine-tuning did",
        f"Started from {result['init']}; the best network came after {result['minutes']} minutes, "
        f"{result['steps']:,} steps and {result['notes_seen']:,} notes.",
        "Nats a note, before and after (lower is better). Held out is music of the folder that "
        f"was not trained on: {_held_out(result)}. Elsewhere is the validation music of other "
        "sets.",
        _table(result),
        "\n".join(f"- {line}" for line in summary(result)),
    ]
    if have_matplotlib():
        _plot(directory / "gain.png", result)
        parts.append("![What was gained](gain.png)")
    if "elsewhere" not in result:
        parts.append("What was lost elsewhere was not measured: name a data set by --elsewhere.")
    (directory / "report.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _held_out(result: Figures) -> str:
    found: dict[str, str] = result["what_is_held_out"]
    kinds = sorted(set(found.values()))
    if len(kinds) == 1:
        return kinds[0]
    return "; ".join(f"of {style} {what}" for style, what in found.items())


def _table(result: Figures) -> str:
    names = (*FIELDS, "sum")
    rows = [["set", "", "pieces", "notes", *names], [":--", ":--", *["--:"] * (2 + len(names))]]
    for part in ("held_out", "elsewhere"):
        for style, found in result.get(part, {}).items():
            cells = [f"{found['before'][name]:.3f} to {found['after'][name]:.3f}" for name in names]
            what = part.replace("_", " ")
            rows.append([style, what, str(found["pieces"]), f"{found['notes']:,}", *cells])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _plot(path: Path, result: Figures) -> None:
    from antiphon_models.plots import draw_bars, drawn

    sets = {
        f"{style}\n({part.replace('_', ' ')})": found
        for part in ("held_out", "elsewhere")
        for style, found in result.get(part, {}).items()
    }
    series = {
        "all fields": [found["before"]["sum"] - found["after"]["sum"] for found in sets.values()],
        "pitch": [found["before"]["pitch"] - found["after"]["pitch"] for found in sets.values()],
    }
    with drawn(path, max(4.0, 1.1 * len(sets) + 2), 3.4) as axes:
        draw_bars(axes, list(sets), series)
        axes.axhline(0, color="0.3", linewidth=0.8)
        axes.set_ylabel("gained, nats a note")
