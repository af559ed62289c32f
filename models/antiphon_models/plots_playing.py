"""The plots of how a player plays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from antiphon_models.generation.telling import JUDGES
from antiphon_models.plots import COLOURS, draw_bars, drawn
from antiphon_models.report_playing import KNOBS, OVERLAP, WHO, Result, part_of


def plots(directory: Path, result: Result, examples: Mapping[str, Any]) -> list[str]:
    """Draw the plots of a report; return the Markdown that shows them."""
    shown: list[str] = []
    if sets := part_of(result, "continuations"):
        _plot_bars(directory / "overlap.png", sets, "overlap", "mean overlapped area", OVERLAP)
        shown += ["![Overlapped area](overlap.png)"]
        if any("told_apart" in f for f in sets.values()):
            _plot_told(directory / "told_apart.png", sets)
            shown += ["![Two-sample test](told_apart.png)"]
    if "copied" in examples:
        _plot_copied(directory / "copied.png", examples["copied"])
        shown += [
            "Share of continuations whose longest copied passage has more notes:",
            "![Copied passages](copied.png)",
        ]
    if "controls" in examples:
        _plot_controls(directory / "controls.png", examples["controls"])
        shown += ["Asked against measured, mean over prompts:", "![Controls](controls.png)"]
    if "long_run" in examples:
        _plot_long_runs(directory / "long_run.png", examples["long_run"])
        shown += [
            "Entropy along the runs, beside the band of real music (grey):",
            "![Long runs](long_run.png)",
        ]
    return shown


def _plot_bars(path: Path, sets: Mapping[str, Any], key: str, label: str, line: float) -> None:
    whole = {
        WHO[who]: [f[key][who]["mean"] for f in sets.values()]
        for who in next(iter(sets.values()))[key]
    }
    with drawn(path, max(5.0, 1.2 * len(sets) + 2), 3.4) as axes:
        draw_bars(axes, list(sets), whole)
        axes.axhline(line, color=COLOURS[3], linewidth=1)
        axes.set_ylim(0, 1)
        axes.set_ylabel(label)


def _plot_told(path: Path, sets: Mapping[str, Any]) -> None:
    with drawn(path, 11, 3.4, ncols=len(JUDGES), layout="constrained") as axes:
        for panel, judge in zip(axes.ravel(), JUDGES, strict=True):
            told = {n: f["told_apart"][judge] for n, f in sets.items() if "told_apart" in f}
            contenders = next(iter(told.values()))
            whole = {WHO[who]: [f[who] for f in told.values()] for who in contenders}
            draw_bars(panel, list(told), whole)
            panel.axhline(0.5, color=COLOURS[3], linewidth=1)
            panel.set_ylim(0.4, 1)
            panel.set_ylabel(f"told apart, {judge}")


def _plot_copied(path: Path, lengths: Mapping[str, Any]) -> None:
    names = {"human": "real music", **WHO}
    with drawn(path, 5.0, 3.4) as axes:
        for who, text in names.items():
            if who in lengths:
                ordered = np.sort(lengths[who])
                share = 1 - np.arange(1, len(ordered) + 1) / len(ordered)
                axes.plot(ordered, share, drawstyle="steps-post", label=text)
        axes.set_xscale("symlog", linthresh=10)
        axes.set_xlabel("notes")
        axes.set_ylabel("share with more")
        axes.legend(frameon=False, fontsize=8)


def _plot_controls(path: Path, curves: Mapping[str, Any]) -> None:
    with drawn(path, 10, 3.4, ncols=len(KNOBS)) as axes:
        for panel, key in zip(axes.ravel(), KNOBS, strict=True):
            for index, (name, knobs) in enumerate(curves.items()):
                if key in knobs:
                    means = np.nanmean(knobs[key]["measured"], 0)
                    look = {"marker": "o", "ms": 3, "color": f"C{index}"}
                    panel.plot(knobs[key]["asked"], means, label=name, **look)
            panel.set_xlabel(f"{key}, asked")
        axes.ravel()[0].set_ylabel("measured")
        axes.ravel()[0].legend(frameon=False, fontsize=7)


def _plot_long_runs(path: Path, runs: Mapping[str, Any]) -> None:
    shape = {"nrows": len(runs), "ncols": 2, "layout": "constrained"}
    with drawn(path, 9, 1.5 * len(runs) + 0.6, **shape) as axes:
        for row, (name, traces) in zip(axes.reshape(-1, 2), runs.items(), strict=True):
            for panel, key in zip(row, ("pitch", "rhythm"), strict=True):
                if key in traces["bands"]:
                    panel.axhspan(*traces["bands"][key], color="0.9", zorder=0)
                for who, colour in zip(("player", "ngram"), COLOURS, strict=False):
                    if who in traces:
                        panel.plot(traces[who][key], color=colour, linewidth=0.8, label=WHO[who])
                panel.set_title(f"{name}, {key}", fontsize=8, loc="left")
        axes.reshape(-1, 2)[0, 0].legend(frameon=False, fontsize=7, ncols=2)
