"""The player's arithmetic, one note at a time, with numpy alone.

The formulas are those of :mod:`antiphon_models.player`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

import numpy as np

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
from antiphon_models.folding import (
    LINEAR,
    LSTM,
    PLAYED,
    Part,
    Weights,
    core_of,
    head_part,
    layer_parts,
    layer_shapes,
    trunk_part,
)
from antiphon_models.motif import TRUSTS
from antiphon_models.sampling import RARE, FloatArray, draw

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


def weight_shapes(config: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every weight of a network of this size."""
    width, head_width = config["width"], config["head_width"]
    tables = {**INPUT_SIZES, "style": 1 + len(config["styles"]), "begin": 1}
    shapes: dict[str, tuple[int, ...]] = {f"embed.{n}": (r, width) for n, r in tables.items()}
    for index in range(config["layers"]):
        shapes |= layer_shapes(core_of(config), width, index)
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
    if core_of(config) not in PLAYED:
        found = f"found a core {core_of(config)!r}, and {' or '.join(PLAYED)} can be played"
        raise CheckpointError(wanted, found, remedy)
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
        self,
        logits: FloatArray,
        uniform: float,
        temperature: float,
        mask: Mask | None = None,
        rare: float = RARE,
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
        """Return a copy of all that is remembered, (vectors, width)."""
        copy = self._memory.copy()
        copy.flags.writeable = False
        return copy

    def recall(self, memory: Any) -> None:
        """Go back to what :meth:`memory` returned."""
        np.copyto(self._memory, memory)
        self._trunk_known = False


class LstmLayer:
    """A layer as numpy computes it.

    Parameters
    ----------
    parts : sequence of Part
        Its one matrix.
    memory : ndarray
        (3, width): input, hidden and cell state. Input and hidden state lie side by side, as
        the matrix wants them.
    """

    def __init__(self, parts: Sequence[Part], memory: FloatArray) -> None:
        (matrix,) = parts
        self._weight, self._bias = matrix.weight, matrix.bias
        self._memory, self._joined = memory, memory[:2].reshape(-1)
        self._gates = np.empty((4, memory.shape[1]), np.float32)

    def step(self, x: FloatArray) -> None:
        """Add to x (width,) what the layer says of it."""
        gates, flat = self._gates, self._gates.reshape(-1)
        sigmoids, (write, forget, show, new) = gates[:3], gates
        a, h, c = self._memory
        normalise(x, a)
        np.dot(self._weight, self._joined, out=flat)
        flat += self._bias
        np.tanh(flat, out=flat)
        sigmoids *= 0.5
        sigmoids += 0.5
        c *= forget
        write *= new
        c += write
        np.tanh(c, out=h)
        h *= show
        x += h


class LinearLayer:
    """A layer with the gated linear recurrence of :mod:`antiphon_models.core`.

    Parameters
    ----------
    parts : sequence of Part
        What enters and what leaves.
    memory : ndarray
        (1, width): the state.
    """

    def __init__(self, parts: Sequence[Part], memory: FloatArray) -> None:
        self._enter, self._leave = parts
        (self._h,) = memory
        width = len(self._h)
        self._a, self._out = np.empty((2, width), np.float32)
        self._gates = np.empty((3, width), np.float32)

    def step(self, x: FloatArray) -> None:
        """Add to x (width,) what the layer says of it."""
        a, h, flat = self._a, self._h, self._gates.reshape(-1)
        update, candidate, gate = self._gates
        normalise(x, a)
        np.dot(self._enter.weight, a, out=flat)
        flat += self._enter.bias
        np.tanh(update, out=update)
        update += 1.0
        update *= 0.5
        candidate -= h
        candidate *= update
        h += candidate
        np.tanh(gate, out=a)  # silu(2 v) = v (1 + tanh(v))
        a += 1.0
        a *= gate
        a *= h
        np.dot(self._leave.weight, a, out=self._out)
        x += self._out


LAYERS: Final[Mapping[str, type[LstmLayer | LinearLayer]]] = {LSTM: LstmLayer, LINEAR: LinearLayer}

MEMORIES: Final = {LSTM: 3, LINEAR: 1}
"""Vectors that a layer of each core remembers."""


def normalise(x: FloatArray, out: FloatArray) -> None:
    """Write x (width,) with mean 0 and variance 1."""
    np.subtract(x, float(np.add.reduce(x)) / len(x), out=out)
    out *= 1 / math.sqrt(float(out.dot(out)) / len(x) + NORM_EPS)


class NumpyNetwork(Remembering):
    """The network's arithmetic in float32, folded as :mod:`antiphon_models.folding` says."""

    draw = staticmethod(draw)

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        width, layers, head_width = config["width"], config["layers"], config["head_width"]
        w = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._tables = [w[f"embed.{name}"] for name in INPUTS]
        self._begin = w["embed.begin"][0]
        self._style = np.zeros(width, np.float32)
        # For each layer what it remembers, then the core's output.
        core = core_of(config)
        rows = MEMORIES[core]
        self._memory = np.zeros((rows * layers + 1, width), np.float32)
        self._layers = [
            LAYERS[core](layer_parts(config, w, n), self._memory[rows * n : rows * (n + 1)])
            for n in range(layers)
        ]
        self._out = self._memory[-1]
        trunk = trunk_part(w)
        self._trunk_weight, self._trunk_bias = trunk.weight, trunk.bias  # (5H, W), (5H,)
        self._heads = {
            field: (
                slice(index * head_width, (index + 1) * head_width),
                {j: w[f"context.{field}.{j}"] for j in seen_of(config)[field]},
                head_part(w, field),
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
        self._x = np.empty(width, np.float32)
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
        x = self._x
        np.copyto(x, self._style)
        if ids is None:
            x += self._begin
        else:
            for table, index in zip(self._tables, ids, strict=True):
                x += table[index]
        for layer in self._layers:
            layer.step(x)
        normalise(x, self._out)
        self._trunk_known = False

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logits of a field; the buffer is used again by the next call for it."""
        if not self._trunk_known:
            np.dot(self._trunk_weight, self._out, out=self._trunk)
            self._trunk += self._head_bias
            self._trunk_known = True
        rows, tables, head, (logits, plain) = self._heads[field]
        u = self._u
        np.copyto(u, self._trunk[rows])
        for name, table in tables.items():
            u += table[known[name]]
        np.dot(head.weight, self._bend(u), out=logits)
        logits += head.bias
        if self._guidance != 1:
            u += self._without[rows]
            np.dot(head.weight, self._bend(u), out=plain)
            plain += head.bias
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


_GELU: Final = math.sqrt(2 / math.pi)
