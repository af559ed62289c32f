"""The folder of a training run: its log, its curves, and what ``--resume`` goes on from."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from antiphon.errors import CheckpointError
from antiphon_models.curves import draw_curves, have_matplotlib

Figures = dict[tuple[str, str], float]
"""(style, what) -> figure; ("all", "score") is what the best checkpoint is chosen by (lower)."""

LOG: Final = "log.csv"
CURVES: Final = "curves.png"
RESUME: Final = "resume.pt"
FORMAT: Final = 2
"""Of ``resume.pt``; version 1 knew one process only."""

_HEADING: Final = ("step", "minutes", "notes", "split", "style", "what", "value")


def write_log(
    folder: Path, step: int, seconds: float, notes: int, split: str, figures: Figures
) -> None:
    """Add figures to ``log.csv``, one a row."""
    path = folder / LOG
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(_HEADING)
        for (style, what), value in figures.items():
            writer.writerow(
                (step, f"{seconds / 60:.3f}", notes, split, style, what, f"{value:.6g}")
            )


def write_curves(folder: Path) -> None:
    """Draw ``curves.png`` from the log, where matplotlib is installed."""
    if have_matplotlib():
        draw_curves([folder], folder / CURVES)


def save_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Write ``resume.pt``; an older one is replaced only once the new one is complete."""
    path = folder / RESUME
    temporary = path.with_suffix(".tmp")
    torch.save({"format": FORMAT, **state}, temporary)
    temporary.replace(path)


def load_state(folder: Path, world: int) -> dict[str, Any]:
    """Read ``resume.pt``.

    Parameters
    ----------
    folder : Path
        Of the run.
    world : int
        How many processes are to go on with it.

    Raises
    ------
    CheckpointError
        If it is broken, of an earlier version, or of another number of processes.
    """
    path = folder / RESUME
    expected, remedy = f"expected a run to resume at {path}", "train anew in another --out"
    try:
        # On the CPU first: the random state must stay there.
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        found = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(expected, f"found a broken file ({found})", remedy) from error
    if state.get("format") != FORMAT:
        raise CheckpointError(expected, "found one of an earlier version", remedy)
    if len(state["ranks"]) != world:
        raise CheckpointError(
            f"{expected} with {world} processes",
            f"found one of {len(state['ranks'])}",
            f"start {len(state['ranks'])} with torchrun --nproc_per_node, or train anew",
        )
    return state
