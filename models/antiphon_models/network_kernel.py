"""The player's arithmetic with the compiled kernel: eight bits a weight, few calls a step.

The formulas are those of :class:`antiphon_models.network.NumpyNetwork`, folded in the same way.
Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from antiphon_models.conditions import Told
from antiphon_models.constraints import Mask
from antiphon_models.events import FIELD_SIZES, PITCHES
from antiphon_models.folding import (
    LINEAR,
    LSTM,
    Part,
    Weights,
    core_of,
    head_part,
    layer_parts,
    trunk_part,
)
from antiphon_models.kernel import LANES, Kernel, Linear, Tables, address
from antiphon_models.network import (
    INPUTS,
    MEMORIES,
    NORM_EPS,
    Conditions,
    Remembering,
    favour,
    guided,
    lifts_of,
    normalise,
    seen_of,
)
from antiphon_models.sampling import COLDEST, RARE, FloatArray, not_finite

_FLOAT: Final = 4


def fits_kernel(config: Mapping[str, Any]) -> bool:
    """Tell whether a network has widths that the kernel can take."""
    return all(config[name] % LANES == 0 for name in ("width", "head_width"))


class KernelNetwork(Remembering):
    """The network's arithmetic in a kernel, for sizes of which :func:`fits_kernel` is true.

    All arrays are made at the start; the kernel is given their addresses.
    """

    def __init__(self, kernel: Kernel, config: Mapping[str, Any], weights: Weights) -> None:
        width, layers, head_width = config["width"], config["layers"], config["head_width"]
        w = {name: np.asarray(weight, np.float32) for name, weight in weights.items()}
        self._kernel = kernel
        self._note = Tables([w[f"embed.{name}"] for name in INPUTS], width)
        self._begin = Tables([w["embed.begin"]], width)
        self._style = np.zeros(width, np.float32)
        # For each layer what it remembers, then what the core puts out.
        core = core_of(config)
        vectors = MEMORIES[core]
        self._memory = np.zeros((vectors * layers + 1, width), np.float32)
        self._read_layer = {LSTM: kernel.lstm, LINEAR: kernel.recur}[core]
        self._matrices = [[_linear(p) for p in layer_parts(config, w, n)] for n in range(layers)]
        self._layers = [
            ([m.pointer for m in matrices], address(self._memory[vectors * n]))
            for n, matrices in enumerate(self._matrices)
        ]
        self._out = address(self._memory[-1])
        self._trunk = _linear(trunk_part(w))
        self._trunk_known = False
        self._normalised, self._gates = np.empty(width, np.float32), np.empty(4 * width, np.float32)
        self._u, self._plain = np.empty((2, self._trunk.rows), np.float32)
        self._room = np.empty(max(head_width, PITCHES), np.float32)
        self._at_style, self._at_normalised = address(self._style), address(self._normalised)
        self._at_gates, self._at_u, self._at_room = map(address, (self._gates, self._u, self._room))
        self._at_plain = address(self._plain)
        self._heads = {
            field: _Head(w, field, seen, index * head_width * _FLOAT)
            for index, (field, seen) in enumerate(seen_of(config).items())
        }
        self._lifts = lifts_of(config, w)
        self._conditions = Conditions(config, w)
        self._trunk_bias = self._trunk.bias.copy()
        self._without = np.zeros_like(self._u)  # (5H,) what asking takes away again
        self._guidance = 1.0
        self.ask({}, {}, 1.0)

    def set_style(self, vector: FloatArray) -> None:
        """Add this style embedding (width,) to every input from now on."""
        np.copyto(self._style, vector)

    def ask(self, told: Told, plain: Told, guidance: float) -> None:
        """Tell the heads from now on what the music is to be like."""
        rows = self._conditions.rows(told)
        count = len(rows)
        self._trunk.bias[:count] = self._trunk_bias[:count] + rows
        self._without[:count] = self._conditions.rows(plain) - rows
        self._guidance = guidance if self._without.any() else 1.0
        self._trunk_known = False

    def read(self, ids: Sequence[int] | None) -> None:
        """Take one step."""
        tables = self._note if ids is not None else self._begin
        if ids is not None:
            tables.ids[:] = list(ids)
        read_layer = self._read_layer
        if not self._kernel.embed(tables.pointer, self._at_style, self._out):
            raise IndexError(f"expected the ids of a note, found {ids}")
        for matrices, memory in self._layers:
            read_layer(*matrices, NORM_EPS, self._out, memory, self._at_gates)
        self._trunk_known = False

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logits of a field; the buffer is used again by the next call for it."""
        if not self._trunk_known:
            trunk = self._trunk.pointer
            self._kernel.trunk(trunk, NORM_EPS, self._out, self._at_normalised, self._at_u)
            if self._guidance != 1:
                np.add(self._u, self._without, out=self._plain)
            self._trunk_known = True
        head = self._heads[field]
        head.tables.ids[:] = [known[name] for name in head.names]
        linear, tables, room = head.linear.pointer, head.tables.pointer, self._at_room
        if not self._kernel.head(linear, tables, self._at_u + head.start, room, head.at_logits):
            raise IndexError(f"expected the ids of a note, found {known}")
        if self._guidance != 1:
            self._kernel.head(linear, tables, self._at_plain + head.start, room, head.at_plain)
            guided(head.logits, head.plain, self._guidance)
        favour(self._lifts[field], known, head.logits)
        return head.logits

    def output(self) -> FloatArray:
        """Return the core's output (width,), normalised."""
        out: FloatArray = np.empty_like(self._normalised)
        normalise(self._memory[-1], out)
        return out

    def draw(
        self,
        logits: FloatArray,
        uniform: float,
        temperature: float,
        mask: Mask | None = None,
        rare: float = RARE,
    ) -> int:
        """Draw a class as :func:`antiphon_models.sampling.draw` does."""
        index: int = self._kernel.draw(
            address(logits),
            None if mask is None else address(mask),
            len(logits),
            uniform,
            1 / max(temperature, COLDEST),
            rare,
            self._at_room,
        )
        if index < 0:
            raise not_finite()
        return index


class _Head:
    """One head: where it begins in the trunk, what it sees of the new note, its matrix, room."""

    def __init__(self, w: Weights, field: str, seen: Sequence[str], start: int) -> None:
        self.start, self.names = start, seen
        part = head_part(w, field)
        self.linear = _linear(part)
        self.tables = Tables([w[f"context.{field}.{j}"] for j in self.names], part.weight.shape[1])
        padded: FloatArray = np.empty((2, self.linear.rows), np.float32)
        self.logits: FloatArray
        self.plain: FloatArray
        self.logits, self.plain = padded[:, : FIELD_SIZES[field]]
        self.at_logits, self.at_plain = map(address, padded)


def _linear(part: Part) -> Linear:
    return Linear(part.weight, part.bias)
