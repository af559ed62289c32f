"""``antiphon curves``: draws how training runs went, or are going, from their logs.

Needs neither torch nor a finished run; matplotlib is loaded when something is drawn.
"""

from __future__ import annotations

import argparse
import csv
from collections import defaultdict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from antiphon.errors import DataError

Series = dict[tuple[str, str, str], list[tuple[float, float]]]
"""(split, style, what) -> points: minutes and value."""

_LOG: Final = "log.csv"
_SHOWN: Final = ("pitch", "hit_f1", "pair_loss")
"""What is shown of each style: the first of these that the log has."""


def add_curves_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon curves``."""
    parser.add_argument(
        "runs", type=Path, nargs="+", metavar="RUN_DIR", help="the --out of a training run"
    )
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="PNG",
        help="file to write (default: curves.png in the first run's folder)",
    )


def run_curves(args: argparse.Namespace) -> int:
    """Run ``antiphon curves``; returns the exit status.

    Raises
    ------
    DataError
        If a run has no log, or matplotlib is missing.
    """
    if not have_matplotlib():
        raise DataError("expected matplotlib", "found it not installed", "install antiphon[train]")
    path = args.picture or args.runs[0] / "curves.png"
    draw_curves(args.runs, path)
    print(path)
    return 0


def have_matplotlib() -> bool:
    """Tell whether something can be drawn."""
    return find_spec("matplotlib") is not None


def read_log(run: Path) -> Series:
    """Read the log of a run, finished or not.

    Raises
    ------
    DataError
        If there is none, or it cannot be read.
    """
    found: Series = defaultdict(list)
    try:
        with (run / _LOG).open(newline="") as file:
            for row in csv.DictReader(file):
                if row["value"]:  # the last line of a running run may be half written
                    point = float(row["minutes"]), float(row["value"])
                    found[row["split"], row["style"], row["what"]].append(point)
    except (OSError, KeyError, ValueError) as error:
        raise DataError(
            f"expected the log of a training run at {run / _LOG}",
            f"found {type(error).__name__}: {error}",
            "give the --out of 'antiphon train'",
        ) from error
    return dict(found)


def draw_curves(runs: Sequence[Path], path: Path) -> None:
    """Draw loss, validation and speed of runs over their minutes.

    Parameters
    ----------
    runs : sequence of Path
        Folders; one run is drawn with its styles, several only with their totals.
    path : Path
        The PNG, replaced as a whole.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    logs = [(run.resolve().name, read_log(run)) for run in runs]
    figure = Figure(figsize=(11, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 4 if len(runs) == 1 else 3)
    shown = _first_shown(logs[0][1])
    titles = ["training loss", "validation score (lower is better)", "notes a second"]
    for axes, title in zip(panels, [*titles, f"validation: {shown}"], strict=False):
        axes.set_title(title, fontsize=9, loc="left")
        axes.set_xlabel("minutes", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    for name, log in logs:
        _line(panels[0], log.get(("train", "all", "loss"), []), name)
        _line(panels[1], log.get(("validation", "all", "score"), []), name, marker="o")
        _line(panels[2], log.get(("train", "all", "notes_per_s"), []), name)
    panels[2].set_ylim(bottom=0)
    if len(runs) > 1:
        panels[0].legend(frameon=False, fontsize=7)
    else:
        for (split, style, what), points in logs[0][1].items():
            if split == "validation" and what == shown:
                _line(panels[3], points, style, marker="o")
        if panels[3].lines:
            panels[3].legend(frameon=False, fontsize=7)
    temporary = path.with_name(path.name + ".tmp")
    figure.savefig(temporary, dpi=110, format="png")
    temporary.replace(path)


def _first_shown(log: Series) -> str:
    have = {what for split, _, what in log if split == "validation"}
    return next((what for what in _SHOWN if what in have), "score")


def _line(axes: Any, points: Sequence[tuple[float, float]], name: str, marker: str = "") -> None:
    if points:
        axes.plot(
            *zip(*points, strict=True), label=name, linewidth=1.2, marker=marker, markersize=3
        )
