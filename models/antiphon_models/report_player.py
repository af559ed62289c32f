"""What is shown of a player's evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_models import plots_playing, report_playing
from antiphon_models.report_dic import Verdict

Result = Mapping[str, Any]
"""What ``antiphon evaluate --json`` prints."""

TITLE: Final = "How well the player predicts and plays"

BASELINES: Final = {
    "ngram": "n-gram",
    "repeat": "last bar",
    "own_past": "n-gram + own past",
}
"""Baselines by their public names, with what they are called in tables."""

COLUMNS: Final = (
    "pitch_nll",
    "pitch_accuracy",
    "pitch_precision",
    "pitch_recall",
    "pitch_f1",
    "shift_nll",
    "voice_nll",
    "velocity_nll",
    "duration_nll",
    "nll",
)
"""Figures in the order of the tables."""


def table_rows(result: Result) -> list[list[str]]:
    """Lay out the figures: a heading, then a row for the player and each baseline of a set."""
    heads = [
        name.replace("_nll", "").replace("pitch_", "").replace("nll", "sum") for name in COLUMNS
    ]
    rows = [["set", "notes", "model", *heads, "beats both"]]
    for name, figures in result["sets"].items():
        if "notes" not in figures:  # likelihoods were not measured
            continue
        beats = figures.get("beats_baselines")
        verdict = "" if beats is None else "yes" if beats else "no"
        who = f"player ({figures['style']})"
        rows.append([name, f"{figures['notes']:,}", who, *_cells(figures), verdict])
        for key, values in figures.get("baseline", {}).items():
            rows.append(["", "", BASELINES.get(key, key), *_cells(values), ""])
    return rows


def _cells(figures: Mapping[str, Any]) -> list[str]:
    return [f"{figures[name]:.3f}" if name in figures else "" for name in COLUMNS]


def describe(result: Result) -> list[str]:
    """Say in a few lines what the figures are."""
    lines = [f"Checkpoint {Path(result['checkpoint']).name} on {result['device']}."]
    if "velocity_bins" in result:
        lines[0] += (
            " Likelihoods are nats a note (lower is better): each field is predicted from "
            "everything before it, every note counts once, nothing is varied. Pitch is given the "
            f"note's onset and voice; velocity is in {result['velocity_bins']} bins. Precision, "
            "recall and F1 are macro means over the pitches of the set."
        )
    training = result.get("baseline_training")
    if training:
        if training["notes"]:
            text = f"The baselines were trained on {training['notes']:,} notes"
            left = training["notes_left_out"]
            lines.append(f"{text} ({left:,} left out)." if left else f"{text}.")
        else:
            lines.append("The baselines had no training data: they know each piece's past only.")
    return lines


def verdicts(result: Result) -> list[Verdict]:
    """Compare what was played with what is asked for; nothing if nothing was played."""
    return report_playing.verdicts(result)


def more_tables(result: Result) -> list[tuple[str, str, list[list[str]]]]:
    """Lay out what was played: of each table its heading, what it shows, and its rows."""
    return report_playing.tables(result)


def plots(directory: Path, result: Result, examples: Mapping[str, Any]) -> list[str]:
    """Draw the plots of a report; return the Markdown that shows them."""
    shown = plots_playing.plots(directory, result, examples)
    if "velocity_bins" not in result:
        return shown
    _plot_bars(directory / "pitch_nll.png", result, "pitch_nll", "pitch, nats a note")
    _plot_bars(directory / "pitch_accuracy.png", result, "pitch_accuracy", "next pitch right")
    _plot_calibration(directory / "calibration.png", result)
    return [
        "![Pitch likelihood](pitch_nll.png)",
        "![Pitch accuracy](pitch_accuracy.png)",
        "Of notes predicted with a given confidence, the share that came true:",
        "![Calibration](calibration.png)",
        *shown,
    ]


def _plot_bars(path: Path, result: Result, name: str, label: str) -> None:
    from matplotlib import pyplot

    sets = result["sets"]
    series = {"player": [figures[name] for figures in sets.values()]}
    for key, text in BASELINES.items():
        values = [f.get("baseline", {}).get(key, {}).get(name, np.nan) for f in sets.values()]
        if not np.isnan(values).all():
            series[text] = values
    figure, axes = pyplot.subplots(figsize=(max(5.0, 1.4 * len(sets) + 2), 3.6))
    width = 0.8 / len(series)
    places = np.arange(len(sets))
    for index, (text, values) in enumerate(series.items()):
        axes.bar(places + (index + 0.5) * width - 0.4, values, width, label=text)
    axes.set_xticks(places, list(sets), rotation=20, ha="right")
    axes.set_ylabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)


def _plot_calibration(path: Path, result: Result) -> None:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.2, 4.2))
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, figures in result["sets"].items():
        bins = [b for b in figures["calibration"] if b["notes"] >= 20]
        xs, ys = [b["probability"] for b in bins], [b["accuracy"] for b in bins]
        axes.plot(xs, ys, marker="o", markersize=3, linewidth=1, label=name)
    axes.set_xlabel("probability of the likeliest pitch")
    axes.set_ylabel("share that was right")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    figure.savefig(path, dpi=120, bbox_inches="tight")
    pyplot.close(figure)
