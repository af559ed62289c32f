"""The plots that reports share; matplotlib is loaded when one is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.errors import DataError
from antiphon_models.rolls import KIT, LOWEST, SLOTS, FloatArray

COLOURS = ("#1f5f8b", "#d98032", "#6a8f3c", "0.55")
"""Of the network, of its baselines in order, and of real music."""


def require_matplotlib() -> None:
    """Load matplotlib, to draw without a screen.

    Raises
    ------
    DataError
        If it is not installed.
    """
    try:
        import matplotlib
    except ImportError as error:
        raise DataError(
            "expected matplotlib for the plots of --report",
            "found it not installed",
            "install antiphon[train]",
        ) from error
    matplotlib.use("Agg")


@contextmanager
def drawn(path: Path, width: float, height: float, **panels: Any) -> Iterator[Any]:
    """Open a figure, give its axes, and write it when done.

    Parameters
    ----------
    path : Path
        The PNG.
    width, height : float
        Inches.
    **panels
        As ``matplotlib.pyplot.subplots`` takes them; with them an array of axes is given.
    """
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(width, height), squeeze=not panels, **panels)
    for one in np.atleast_1d(axes).ravel():
        one.spines[["top", "right"]].set_visible(False)
    try:
        yield axes
        figure.savefig(path, dpi=120, bbox_inches="tight")
    finally:
        pyplot.close(figure)


def draw_roll(axes: Any, cells: FloatArray, title: str) -> None:
    """Draw a roll: time to the right, pitches or drums upwards, loud ones dark.

    Parameters
    ----------
    axes : matplotlib axes
        Where to.
    cells : ndarray
        (beats, SLOTS, rows): 0 where there is no hit, else its strength up to 1.
    title : str
        Stands above.
    """
    flat = cells.reshape(-1, cells.shape[-1]).T  # (rows, slots)
    drums = cells.shape[-1] == len(KIT)
    rows = np.flatnonzero(flat.any(1))
    low, high = (0, len(flat)) if drums or not len(rows) else (rows[0] - 1, rows[-1] + 2)
    low = max(low, 0)
    axes.imshow(
        flat[low:high], origin="lower", aspect="auto", cmap="Greys", vmin=0, vmax=1,
        interpolation="nearest", extent=(0, flat.shape[1], low - 0.5, min(high, len(flat)) - 0.5),
    )  # fmt: skip
    for beat in range(0, flat.shape[1] + 1, SLOTS):
        axes.axvline(beat, color="0.8", linewidth=0.5, zorder=0)
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_xticks(range(0, flat.shape[1] + 1, SLOTS), range(len(cells) + 1), fontsize=7)
    if drums:
        axes.set_yticks(range(len(KIT)), [name for name, _, _ in KIT], fontsize=7)
    else:
        marks = [row for row in range(low, high) if (row + LOWEST) % 12 == 0]
        axes.set_yticks(marks, [f"C{(row + LOWEST) // 12 - 1}" for row in marks], fontsize=7)


def draw_bars(axes: Any, groups: Sequence[str], series: Mapping[str, Sequence[float]]) -> None:
    """Draw bars side by side: a group for each name, a bar in it for each of the series."""
    width, places = 0.8 / len(series), np.arange(len(groups))
    for index, (text, values) in enumerate(series.items()):
        colour = COLOURS[index % len(COLOURS)]
        axes.bar(places + (index + 0.5) * width - 0.4, values, width, label=text, color=colour)
    axes.set_xticks(places, list(groups), rotation=20, ha="right")
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0, 1))
