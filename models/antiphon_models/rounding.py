"""A player's weights as they are played: eight bits each.

Every matrix of a step is rounded, row by row, to 255 levels. The kernel needs that
(:mod:`antiphon_models.kernel`); numpy and torch play the same rounded network, so that a
checkpoint plays the same notes everywhere, but for what is left of rounding between machines.
Checkpoints keep what was trained. Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from antiphon_models.events import FIELDS
from antiphon_models.kernel import round_rows
from antiphon_models.network import (
    Weights,
    fold_head,
    fold_layer,
    fold_trunk,
    unfold_head,
    unfold_layer,
    unfold_trunk,
)
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
    for index in range(config["layers"]):
        weight, bias = fold_layer(weights, index)
        rounded |= unfold_layer(_nearest(weight), bias, index)
    weight, bias = fold_trunk(weights)
    rounded |= unfold_trunk(_nearest(weight), bias)
    for field in FIELDS:
        weight, bias = fold_head(weights, field)
        rounded |= unfold_head(_nearest(weight), bias, field)
    return rounded


def _nearest(weight: FloatArray) -> FloatArray:
    numbers, scales = round_rows(weight)
    return np.multiply(numbers, scales[:, None], dtype=np.float32)
