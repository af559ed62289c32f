"""What the training loop needs to know about a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from torch import Tensor, nn

from antiphon.errors import UsageError
from antiphon_models.precision import Trial
from antiphon_models.run_folder import Figures


class Recipe(Protocol):
    """What the loop needs to know about a network.

    Attributes
    ----------
    by_note : bool
        Whether the loss is the mean over notes; else over windows, of which every process has
        as many.
    tunes : bool
        Whether the run starts from weights that are to be improved: they are measured before
        the first step, and kept if nothing better comes.
    steps : int
        Steps after which a run ends that is not told how many; 0 for one that goes on.
    """

    kind: str
    model: nn.Module
    learning_rate: float
    warm_up: int
    weight_decay: float
    by_note: bool
    tunes: bool
    steps: int

    def loss(self) -> tuple[Tensor, int]:
        """Draw the next batch, this process's share of it; return its loss and its notes."""

    @property
    def trial(self) -> Trial | None:
        """What to time both precisions with, see :mod:`antiphon_models.precision`, or None."""

    def validate(self, model: nn.Module) -> Figures:
        """Measure a model on held-out data."""

    def config(self) -> dict[str, Any]:
        """Return the network's config as JSON values."""

    def adopt(self, config: Mapping[str, Any]) -> None:
        """Take over what validation chose: in another process, or before a run was resumed."""

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Tell whether a stored config is one of this run."""

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about its data."""

    def passages(self) -> npt.NDArray[np.uint8] | None:
        """Return the passages that the checkpoint is to know, or None; called in one process."""

    def state(self) -> dict[str, Any]:
        """Return what goes on between steps, besides weights: tensors and plain values."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""


def choose_preset(
    presets: Mapping[str, dict[str, Any]], name: str | None, usual: str
) -> dict[str, Any]:
    """Return a preset by its name.

    Raises
    ------
    UsageError
        If there is none of that name.
    """
    if name is not None and name not in presets:
        raise UsageError(
            f"--preset is one of {', '.join(presets)}", f"found {name!r}", "correct it"
        )
    return presets[name or usual]
