"""The player's arithmetic, one note at a time, with numpy alone.

The formulas are those of :mod:`antiphon_models.player`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from antiphon.errors import CheckpointError
from antiphon_models.conditions import SIZES, UNKNOWN, Told
from antiphon_models.constraints import Mask
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    DURATION_MASKED,
    FIELD_SIZES,
    FIELDS,
)
from antiphon_models.motif import TRUSTS
from antiphon_models.sampling import FloatArray, draw

NORM_EPS: Final = 1e-5

INPUTS: Final = (*FIELDS, "beat_phase", "bar_phase")
"""Input tables in the order of the ids that a network reads."""

INPUT_SIZES: Final = {
    **FIELD_SIZES,
    "duration": DURATION_MASKED + 1,
    "beat_phase": BEAT_PHASE_UNKNOWN + 1,
    "bar_phase": BAR_PHASE_UNKNOWN + 1,
}
"""Rows of each input table; ``style`` (1 + styles) and ``begin`` (1) come on top."""

CONTEXT: Final = {
    field: (*FIELDS[:index], "beat_phase", "bar_phase") if index else ()
    for index, field in enumerate(FIELDS)
}
"""What each head sees of the new note."""

MEMORY: Final = {
    field: (f"motif_{field}", "trust", *(("step_pitch", "step_trust") if field == "pitch" else ()))
    for field in FIELDS
}
"""What each head of a network with a memory of motifs sees besides."""

CONTEXT_SIZES: Final = {
    **INPUT_SIZES,
    **{f"motif_{field}": INPUT_SIZES[field] for field in FIELDS},
    "trust": 2 * TRUSTS,
    "step_pitch": INPUT_SIZES["pitch"],
    "step_trust": TRUSTS,
    **{name: 1 + size for name, size in SIZES.items()},
}
"""Rows of each context table."""


def seen_of(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return what each head of a network of this config sees that is other for every note."""
    remembered = MEMORY if config.get("memory") else dict.fromkeys(FIELDS, ())
    return {field: (*CONTEXT[field], *remembered[field]) for field in FIELDS}


def context_of(config: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return all that each head of a network of this config sees of the new note."""
    asked = tuple(config.get("conditions", ()))
    return {field: (*seen, *asked) for field, seen in seen_of(config).items()}


Weights = Mapping[str, FloatArray]


def weight_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every weight of a network of this size."""
    width, head_width = config["width"], config["head_width"]
    tables = {**INPUT_SIZES, "style": 1 + len(config["styles"]), "begin": 1}
    shapes: dict[str, tuple[int, ...]] = {f"embed.{n}": (r, width) for n, r in tables.items()}
    for index in range(config["layers"]):
        layer = f"core.{index}."
        shapes |= {layer + "norm.weight": (width,), layer + "norm.bias": (width,)}
        shapes |= {f"{layer}lstm.weight_{s}_l0": (4 * width, width) for s in ("ih", "hh")}
        shapes |= {f"{layer}lstm.bias_{s}_l0": (4 * width,) for s in ("ih", "hh")}
    shapes |= {"norm.weight": (width,), "norm.bias": (width,)}
    rows = len(FIELDS) * head_width
    shapes |= {"trunk.weight": (rows, width), "trunk.bias": (rows,)}
    for field, size in FIELD_SIZES.items():
        seen = context_of(config)[field]
        shapes |= {f"context.{field}.{j}": (CONTEXT_SIZES[j], head_width) for j in seen}
        if config.get("memory"):
            shapes |= {f"lift.{name}": (CONTEXT_SIZES[by],) for name, by in lifts(field)}
        shapes |= {f"head.{field}.weight": (size, head_width), f"head.{field}.bias": (size,)}
    return shapes


def lifts(field: str) -> tuple[tuple[str, str], ...]:
    """Return the expectations that a head favours: its name, and what tells how far to trust it."""
    found = ((f"motif_{field}", "trust"),)
    return (*found, ("step_pitch", "step_trust")) if field == "pitch" else found


class Conditions:
    """What the heads see of conditions. It stays the same for many notes, so it is summed once.

    Parameters
    ----------
    config, weights : mapping
        As in a checkpoint.
    """

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        self._tables = {
            name: np.hstack([weights[f"context.{field}.{name}"] for field in FIELDS])
            for name in config.get("conditions", ())
        }  # (1 + classes, 5H) each
        self._nothing = np.zeros(len(FIELDS) * config["head_width"], np.float32)

    def rows(self, told: Told) -> FloatArray:
        """Return what is added for all heads, (5H,); a condition that is not told is unknown."""
        total = self._nothing.copy()
        for name, table in self._tables.items():
            for index, share in told.get(name, ((UNKNOWN, 1.0),)):
                total += np.float32(share) * table[index]
        return total


def guided(logits: FloatArray, plain: FloatArray, guidance: float) -> None:
    """Make logits, in place, those without what is asked and `guidance` times the difference."""
    logits -= plain
    logits *= guidance
    logits += plain


Lifts = Sequence[tuple[str, str, FloatArray]]
"""For each expectation that a head favours: its name, what tells how far to trust it, and by how
much its logit is lifted at each trust."""


def lifts_of(config: Mapping[str, Any], weights: Weights) -> dict[str, Lifts]:
    """Return what the heads of a network favour; nothing without a memory."""
    if not config.get("memory"):
        return dict.fromkeys(FIELDS, ())
    return {f: [(n, by, weights[f"lift.{n}"]) for n, by in lifts(f)] for f in FIELDS}


def favour(wanted: Lifts, known: Mapping[str, int], logits: FloatArray) -> None:
    """Lift the logits of what is expected, in place, by as much as it is to be trusted."""
    for expected, by, lift in wanted:
        if known[expected] < len(logits):  # a duration may be unknown
            logits[known[expected]] += lift[known[by]]


def check_weights(config: Mapping[str, Any], weights: Weights, name: str) -> None:
    """Refuse weights that do not fit the config or are not finite.

    Raises
    ------
    CheckpointError
        Naming the first weight that is wrong.
    """
    wanted = f"expected the weights of a player in {name}"
    remedy = "choose or train another checkpoint"
    try:
        shapes = weight_shapes(config)
    except (KeyError, TypeError) as error:
        raise CheckpointError(wanted, f"found a config without {error}", remedy) from error
    for key, shape in shapes.items():
        if key not in weights:
            raise CheckpointError(wanted, f"found no {key}", remedy)
        if weights[key].shape != shape:
            found = f"found {key} of shape {weights[key].shape} instead of {shape}"
            raise CheckpointError(wanted, found, remedy)
        if not np.isfinite(weights[key]).all():
            raise CheckpointError(wanted, f"found NaN or infinity in {key}", remedy)


class Network(Protocol):
    """The arithmetic of a player, one step at a time."""

    def set_style(self, vector: FloatArray) -> None:
        """Add this style embedding (width,) to every input from now on."""

    def ask(self, told: Told, plain: Told, guidance: float) -> None:
        """Tell the heads from now on what the music is to be like.

        Parameters
        ----------
        told, plain : Told
            Conditions with what is asked, and without it.
        guidance : float
            Logits are those without it, and so many times the difference that it makes.
        """

    def read(self, ids: Sequence[int] | None) -> None:
        """Take one step: a note's ids in the order of INPUTS, or None for a beginning."""

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logits (classes,) of a field of the next note; valid until the next call."""

    def draw(
        self, logits: FloatArray, uniform: float, temperature: float, mask: Mask | None = None
    ) -> int:
        """Draw a class, see :func:`antiphon_models.sampling.draw`."""

    def output(self) -> FloatArray:
        """Return the core's output (width,), normalised; valid until the next call."""

    def clear(self) -> None:
        """Forget everything."""

    def memory(self) -> Any:
        """Return a copy of all that is remembered."""

    def recall(self, memory: Any) -> None:
        """Go back to what :meth:`memory` returned."""


class Remembering:
    """What networks on the CPU have in common: all that they remember is one array."""

    _memory: FloatArray
    _trunk_known: bool

    def clear(self) -> None:
        """Forget everything."""
        self._memory.fill(0)
        self._trunk_known = False

    def memory(self) -> Any:
        """Return a copy of all that is remembered, (3 layers + 1, width)."""
        copy = self._memory.copy()
        copy.flags.writeable = False
        return copy

    def recall(self, memory: Any) -> None:
        """Go back to what :meth:`memory` returned."""
        np.copyto(self._memory, memory)
        self._trunk_known = False


class NumpyNetwork(Remembering):
    """The network's arithmetic in float32.

    What can be folded is folded at load: the norms' weights and biases into the matrices
    after them, both biases into one, both matrices of a layer into one (4W, 2W) for the input
    and the hidden state side by side, and the halves of ``sigmoid(v) = tanh(v/2)/2 + 1/2``
    and of GELU into weights. A step then is one matrix-vector product a layer.
    """

    draw = staticmethod(draw)

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        width, layers, head_width = config["width"], config["layers"], config["head_width"]
        w = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._tables = [w[f"embed.{name}"] for name in INPUTS]
        self._begin = w["embed.begin"][0]
        self._style = np.zeros(width, np.float32)
        self._layers = [fold_layer(w, index) for index in range(layers)]
        self._trunk_weight, self._trunk_bias = fold_trunk(w)  # (5H, W), (5H,)
        self._heads = {
            field: (
                slice(index * head_width, (index + 1) * head_width),
                {j: w[f"context.{field}.{j}"] for j in seen_of(config)[field]},
                *fold_head(w, field),
                np.empty((2, size), np.float32),
            )
            for index, (field, size) in enumerate(FIELD_SIZES.items())
        }
        self._lifts = lifts_of(config, w)
        self._conditions = Conditions(config, w)
        self._without = np.zeros_like(self._trunk_bias)  # (5H,) what asking takes away again
        self._guidance = 1.0
        self._head_bias = self._trunk_bias
        self.ask({}, {}, 1.0)
        # Rows: for each layer its input, hidden and cell state, then the core's output. Input
        # and hidden state lie side by side, as the layer's matrix wants them.
        self._memory = np.zeros((3 * layers + 1, width), np.float32)
        flat = self._memory.reshape(-1)
        self._joined = [flat[3 * n * width : (3 * n + 2) * width] for n in range(layers)]
        self._out = self._memory[-1]
        self._x = np.empty(width, np.float32)
        self._mean = np.full(width, 1 / width, np.float32)
        self._gates = np.empty((4, width), np.float32)
        self._trunk = np.empty(len(FIELDS) * head_width, np.float32)
        self._trunk_known = False
        self._u, self._v = np.empty((2, head_width), np.float32)

    def set_style(self, vector: FloatArray) -> None:
        """Add this style embedding (width,) to every input from now on."""
        self._style = np.ascontiguousarray(vector, np.float32)

    def ask(self, told: Told, plain: Told, guidance: float) -> None:
        """Tell the heads from now on what the music is to be like."""
        rows = self._conditions.rows(told)
        self._head_bias = self._trunk_bias + rows
        self._without = self._conditions.rows(plain) - rows
        self._guidance = guidance if self._without.any() else 1.0
        self._trunk_known = False

    def read(self, ids: Sequence[int] | None) -> None:
        """Take one step."""
        x, gates, memory = self._x, self._gates, self._memory
        np.copyto(x, self._style)
        if ids is None:
            x += self._begin
        else:
            for table, index in zip(self._tables, ids, strict=True):
                x += table[index]
        flat, sigmoids, (write, forget, show, new) = gates.reshape(-1), gates[:3], gates
        for index, (weight, bias) in enumerate(self._layers):
            a, h, c = memory[3 * index : 3 * index + 3]
            self._normalise(x, a)
            np.dot(weight, self._joined[index], out=flat)
            flat += bias
            np.tanh(flat, out=flat)
            sigmoids *= 0.5
            sigmoids += 0.5
            c *= forget
            write *= new
            c += write
            np.tanh(c, out=h)
            h *= show
            x += h
        self._normalise(x, self._out)
        self._trunk_known = False

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logits of a field; the buffer is used again by the next call for it."""
        if not self._trunk_known:
            np.dot(self._trunk_weight, self._out, out=self._trunk)
            self._trunk += self._head_bias
            self._trunk_known = True
        rows, tables, weight, bias, (logits, plain) = self._heads[field]
        u = self._u
        np.copyto(u, self._trunk[rows])
        for name, table in tables.items():
            u += table[known[name]]
        np.dot(weight, self._bend(u), out=logits)
        logits += bias
        if self._guidance != 1:
            u += self._without[rows]
            np.dot(weight, self._bend(u), out=plain)
            plain += bias
            guided(logits, plain, self._guidance)
        favour(self._lifts[field], known, logits)
        return logits

    def _bend(self, u: FloatArray) -> FloatArray:
        """Return twice the GELU: u * (1 + tanh(sqrt(2/pi) * (u + 0.044715 u^3)))."""
        v: FloatArray = self._v
        np.multiply(u, u, out=v)
        v *= 0.044715 * _GELU
        v += _GELU
        v *= u
        np.tanh(v, out=v)
        v += 1.0
        v *= u
        return v

    def output(self) -> FloatArray:
        """Return the core's output (width,), normalised."""
        found: FloatArray = self._out
        return found

    def _normalise(self, x: FloatArray, out: FloatArray) -> None:
        np.subtract(x, self._mean.dot(x), out=out)
        out *= 1 / math.sqrt(float(out.dot(out)) / len(x) + NORM_EPS)


_GELU: Final = math.sqrt(2 / math.pi)


def fold_layer(w: Weights, index: int) -> tuple[FloatArray, FloatArray]:
    """Return a layer's one matrix (4W, 2W) and bias (4W,), gates in the order i, f, o, g."""
    layer = f"core.{index}."
    into = w[f"{layer}lstm.weight_ih_l0"]
    width = into.shape[1]
    weight = np.hstack([into * w[f"{layer}norm.weight"], w[f"{layer}lstm.weight_hh_l0"]])
    bias = w[f"{layer}lstm.bias_ih_l0"] + w[f"{layer}lstm.bias_hh_l0"]
    bias = bias + into @ w[f"{layer}norm.bias"]
    order = _gate_order(width)
    weight, bias = np.ascontiguousarray(weight[order]), bias[order]
    weight[: 3 * width] *= 0.5  # exact: a power of two
    bias[: 3 * width] *= 0.5
    return weight, bias


def unfold_layer(weight: FloatArray, bias: FloatArray, index: int) -> dict[str, FloatArray]:
    """Return the weights of a layer that :func:`fold_layer` makes these of; changes them."""
    width = weight.shape[1] // 2
    weight[: 3 * width] *= 2
    bias[: 3 * width] *= 2
    back = np.argsort(_gate_order(width))
    weight, layer = weight[back], f"core.{index}."
    return {
        f"{layer}norm.weight": np.ones(width, np.float32),
        f"{layer}norm.bias": np.zeros(width, np.float32),
        f"{layer}lstm.weight_ih_l0": np.ascontiguousarray(weight[:, :width]),
        f"{layer}lstm.weight_hh_l0": np.ascontiguousarray(weight[:, width:]),
        f"{layer}lstm.bias_ih_l0": bias[back],
        f"{layer}lstm.bias_hh_l0": np.zeros(4 * width, np.float32),
    }


def _gate_order(width: int) -> npt.NDArray[np.int64]:
    """Return where the rows of the gates i, f, o, g lie in torch's order i, f, g, o."""
    gates = np.arange(4 * width).reshape(4, width)
    return gates[[0, 1, 3, 2]].reshape(-1)


def fold_trunk(w: Weights) -> tuple[FloatArray, FloatArray]:
    """Return the matrix (5H, W) and bias (5H,) after the last norm's scaling."""
    trunk = w["trunk.weight"]
    bias = w["trunk.bias"] + trunk @ w["norm.bias"]
    return np.ascontiguousarray(trunk * w["norm.weight"]), bias


def unfold_trunk(weight: FloatArray, bias: FloatArray) -> dict[str, FloatArray]:
    """Return the weights that :func:`fold_trunk` makes these of."""
    width = weight.shape[1]
    norm = {
        "norm.weight": np.ones(width, np.float32),
        "norm.bias": np.zeros(width, np.float32),
    }
    return {**norm, "trunk.weight": weight, "trunk.bias": bias}


def fold_head(w: Weights, field: str) -> tuple[FloatArray, FloatArray]:
    """Return a head's matrix (classes, H), with the half of GELU in it, and bias (classes,)."""
    return w[f"head.{field}.weight"] * np.float32(0.5), w[f"head.{field}.bias"]


def unfold_head(weight: FloatArray, bias: FloatArray, field: str) -> dict[str, FloatArray]:
    """Return the weights that :func:`fold_head` makes these of."""
    return {f"head.{field}.weight": weight * np.float32(2), f"head.{field}.bias": bias}
