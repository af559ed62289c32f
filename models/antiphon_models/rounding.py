"""A player's weights as they are played: eight bits each.

Every matrix of a step is rounded, row by row, to 255 levels. The kernel needs that
(:mod:`antiphon_models.kernel`); numpy and torch play the same rounded network, so that a
checkpoint plays the same notes everywhere, but for what is left of rounding between machines.
Training keeps its weights as they are; :mod:`antiphon_models.pack` makes what ships of them.
Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from antiphon_models.folding import Weights, parts
from antiphon_models.kernel import round_rows
from antiphon_models.sampling import FloatArray


def round_weights(config: Mapping[str, Any], weights: Weights) -> dict[str, FloatArray]:
    """Return the weights of the network that is played.

    Parameters
    ----------
    config : mapping
        Size, as in a checkpoint.
    weights : mapping
        Name -> float32 array that fits the config.

    Returns
    -------
    dict
        The same names and shapes. What stands between the matrices is in them: the norms' own
        weights are 1 and their biases 0. Rounding again changes nothing.
    """
    rounded = dict(weights)
    for part in parts(config, weights):
        numbers, scales = round_rows(part.weight)
        rounded |= part.unfold(np.multiply(numbers, scales[:, None], dtype=np.float32), part.bias)
    return rounded


def row_scales(config: Mapping[str, Any], weights: Weights) -> dict[str, FloatArray]:
    """Return, for each matrix of :func:`round_weights`, what its rows are multiples of, (rows,)."""
    scales: dict[str, FloatArray] = {}
    for part in parts(config, weights):
        each = np.broadcast_to(round_rows(part.weight)[1][:, None], part.weight.shape)
        unfolded = part.unfold(each.copy(), part.bias)
        scales |= {name: w[:, 0] for name, w in unfolded.items() if w.ndim == 2}
    return scales
