"""A player's matrices as a step multiplies with them, and back.

What can be folded is folded before the first note: the norms' weights and biases into the
matrices after them, both biases of a gate into one, both matrices of an LSTM layer into one for
the input and the hidden state side by side, and the halves of ``sigmoid(v) = tanh(v/2)/2 + 1/2``
and of GELU into weights. Each matrix so made is a :class:`Part`; numpy, the kernel and the
rounding to eight bits all go by the same ones. Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon_models.events import FIELDS
from antiphon_models.sampling import FloatArray

Weights = Mapping[str, FloatArray]

LSTM: Final = "lstm"
LINEAR: Final = "linear"

PLAYED: Final = (LSTM, LINEAR)
"""The cores that can be played; more can be trained (:data:`antiphon_models.core.CORES`)."""


@dataclass(frozen=True)
class Part:
    """A matrix as it is multiplied, its bias, and how to make of both the weights they are of.

    Attributes
    ----------
    weight, bias : ndarray
        (rows, cols) and (rows,), float32.
    unfold : callable
        Takes such a matrix and bias, returns name -> weight, and may change what it takes.
    """

    weight: FloatArray
    bias: FloatArray
    unfold: Callable[[FloatArray, FloatArray], dict[str, FloatArray]]


def parts(config: Mapping[str, Any], w: Weights) -> Iterator[Part]:
    """Yield every matrix of a player."""
    for index in range(config["layers"]):
        yield from layer_parts(config, w, index)
    yield trunk_part(w)
    for field in FIELDS:
        yield head_part(w, field)


def core_of(config: Mapping[str, Any]) -> str:
    """Return the core of a config; checkpoints from before there was a choice have an LSTM."""
    return str(config.get("core", LSTM))


def layer_shapes(core: str, width: int, index: int) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every weight of a layer.

    Raises
    ------
    KeyError
        If no such core can be played.
    """
    shapes: dict[str, tuple[int, ...]] = {
        LSTM: {
            **{f"lstm.weight_{side}_l0": (4 * width, width) for side in ("ih", "hh")},
            **{f"lstm.bias_{side}_l0": (4 * width,) for side in ("ih", "hh")},
        },
        LINEAR: {
            "linear.enter.weight": (3 * width, width),
            "linear.enter.bias": (3 * width,),
            "linear.leave.weight": (width, width),
        },
    }[core]
    norm = {"norm.weight": (width,), "norm.bias": (width,)}
    return {f"core.{index}.{name}": shape for name, shape in {**norm, **shapes}.items()}


def layer_parts(config: Mapping[str, Any], w: Weights, index: int) -> tuple[Part, ...]:
    """Return the matrices of a layer.

    An LSTM has one, (4W, 2W), for the normalised input and the hidden state side by side, its
    gates in the order i, f, o, g. A linear recurrence has two: what enters, (3W, W), as the
    update, the candidate and the gate, and what leaves, (W, W), without a bias.
    """
    layer = f"core.{index}."
    if core_of(config) == LINEAR:
        enter, bias = _fold_norm(w, layer, w[f"{layer}linear.enter.weight"])
        bias = bias + w[f"{layer}linear.enter.bias"]
        leave = w[f"{layer}linear.leave.weight"]
        _halve(enter, bias, _update_and_gate(len(leave)))
        return (
            Part(enter, bias, partial(_unfold_enter, layer)),
            Part(leave, np.zeros(len(leave), np.float32), partial(_unfold_leave, layer)),
        )
    into, bias = _fold_norm(w, layer, w[f"{layer}lstm.weight_ih_l0"])
    bias = bias + w[f"{layer}lstm.bias_ih_l0"] + w[f"{layer}lstm.bias_hh_l0"]
    order = _gate_order(into.shape[1])
    weight = np.hstack([into, w[f"{layer}lstm.weight_hh_l0"]])[order]
    bias = bias[order]
    _halve(weight, bias, slice(0, 3 * into.shape[1]))
    return (Part(weight, bias, partial(_unfold_lstm, layer)),)


def trunk_part(w: Weights) -> Part:
    """Return the matrix (5H, W) after the last norm."""
    weight, bias = _fold_norm(w, "", w["trunk.weight"])
    return Part(weight, bias + w["trunk.bias"], _unfold_trunk)


def head_part(w: Weights, field: str) -> Part:
    """Return a head's matrix (classes, H), with the half of GELU in it."""
    weight = w[f"head.{field}.weight"] * np.float32(0.5)
    return Part(weight, w[f"head.{field}.bias"], partial(_unfold_head, field))


def _unfold_lstm(layer: str, weight: FloatArray, bias: FloatArray) -> dict[str, FloatArray]:
    width = weight.shape[1] // 2
    _double(weight, bias, slice(0, 3 * width))
    back = np.argsort(_gate_order(width))
    weight = weight[back]
    return {
        **_no_norm(layer, width),
        f"{layer}lstm.weight_ih_l0": np.ascontiguousarray(weight[:, :width]),
        f"{layer}lstm.weight_hh_l0": np.ascontiguousarray(weight[:, width:]),
        f"{layer}lstm.bias_ih_l0": bias[back],
        f"{layer}lstm.bias_hh_l0": np.zeros(4 * width, np.float32),
    }


def _unfold_enter(layer: str, weight: FloatArray, bias: FloatArray) -> dict[str, FloatArray]:
    width = weight.shape[1]
    _double(weight, bias, _update_and_gate(width))
    return {
        **_no_norm(layer, width),
        f"{layer}linear.enter.weight": weight,
        f"{layer}linear.enter.bias": bias,
    }


def _unfold_leave(layer: str, weight: FloatArray, _: FloatArray) -> dict[str, FloatArray]:
    return {f"{layer}linear.leave.weight": weight}


def _unfold_trunk(weight: FloatArray, bias: FloatArray) -> dict[str, FloatArray]:
    return {**_no_norm("", weight.shape[1]), "trunk.weight": weight, "trunk.bias": bias}


def _unfold_head(field: str, weight: FloatArray, bias: FloatArray) -> dict[str, FloatArray]:
    return {f"head.{field}.weight": weight * np.float32(2), f"head.{field}.bias": bias}


def _fold_norm(w: Weights, before: str, weight: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a matrix that takes what its norm does not scale yet, and the bias from that."""
    return weight * w[f"{before}norm.weight"], weight @ w[f"{before}norm.bias"]


def _no_norm(before: str, width: int) -> dict[str, FloatArray]:
    """Return the weights of a norm that is in the matrix after it."""
    return {
        f"{before}norm.weight": np.ones(width, np.float32),
        f"{before}norm.bias": np.zeros(width, np.float32),
    }


def _halve(weight: FloatArray, bias: FloatArray, rows: slice | npt.NDArray[np.int64]) -> None:
    weight[rows] *= 0.5  # exact: a power of two
    bias[rows] *= 0.5


def _double(weight: FloatArray, bias: FloatArray, rows: slice | npt.NDArray[np.int64]) -> None:
    weight[rows] *= 2
    bias[rows] *= 2


def _update_and_gate(width: int) -> npt.NDArray[np.int64]:
    """Return the rows of a linear recurrence that go through a sigmoid."""
    rows = np.arange(3 * width).reshape(3, width)
    return rows[[0, 2]].reshape(-1)


def _gate_order(width: int) -> npt.NDArray[np.int64]:
    """Return where the rows of the gates i, f, o, g lie in torch's order i, f, g, o."""
    gates = np.arange(4 * width).reshape(4, width)
    return gates[[0, 1, 3, 2]].reshape(-1)
