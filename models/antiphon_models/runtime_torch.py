"""Playing a player with torch, for GPUs.

On ``cuda`` each kind of step is captured once as a graph and replayed, so that a step costs
one launch. On ``cpu`` and ``mps`` the same code runs as it is written. The tests run it on
``cpu``; it was never run on ``cuda`` or ``mps``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from antiphon.errors import UsageError
from antiphon.model import PlayerInfo
from antiphon_models.conditions import Told
from antiphon_models.events import FIELD_SIZES, FIELDS
from antiphon_models.folding import LINEAR, LSTM, Weights, core_of
from antiphon_models.network import (
    INPUTS,
    NORM_EPS,
    Conditions,
    check_weights,
    favour,
    guided,
    lifts_of,
    seen_of,
)
from antiphon_models.pedal import head_of
from antiphon_models.runtime import RecurrentPlayer
from antiphon_models.sampling import FloatArray, draw


class TorchNetwork:
    """The network's arithmetic in float32, reading and writing fixed buffers (for the graphs)."""

    draw = staticmethod(draw)

    def __init__(self, config: Mapping[str, Any], weights: Weights, device: torch.device) -> None:
        width, layers, head_width = config["width"], config["layers"], config["head_width"]
        self._device, self._layers = device, layers
        self._w = {
            name: torch.from_numpy(np.array(weight, np.float32)).to(device)
            for name, weight in weights.items()
        }
        # All input tables as one; a note has no beginning and a beginning no note, so both
        # point at the row of zeros instead.
        names = [f"embed.{name}" for name in (*INPUTS, "begin")]
        zeros = torch.zeros(1, width, device=device)
        self._table = torch.cat([*(self._w[name] for name in names), zeros])
        sizes = [len(self._w[name]) for name in names]
        self._starts = [sum(sizes[:index]) for index in range(len(sizes))]
        self._zero_row = sum(sizes)
        self._ids = torch.full((len(names),), self._zero_row, device=device)
        self._style = torch.zeros(width, device=device)
        self._layer = {LSTM: self._lstm, LINEAR: self._linear}[core_of(config)]
        # For each layer hidden and cell state, then the output; without an LSTM no cell is used.
        self._memory = torch.zeros(2 * layers + 1, width, device=device)
        self._u = torch.zeros(len(FIELDS), head_width, device=device)
        self._seen = seen_of(config)
        arrays = {name: weight.cpu().numpy() for name, weight in self._w.items()}
        self._lifts = lifts_of(config, arrays)
        self._conditions = Conditions(config, arrays)
        # What asking adds to the heads, and what it takes away again; both (5, H).
        self._asked, self._without = (torch.zeros_like(self._u) for _ in range(2))
        self._guidance = 1.0
        self._known = {
            field: torch.zeros(len(self._seen[field]), dtype=torch.int64, device=device)
            for field in FIELDS
        }
        self._context = {
            field: torch.cat([self._w[f"context.{field}.{j}"] for j in seen])
            for field, seen in self._seen.items()
            if seen
        }
        self._offsets = {field: self._rows_before(field) for field in FIELDS}
        self._logits = {
            field: torch.zeros(size, device=device) for field, size in FIELD_SIZES.items()
        }
        self._read = self._captured(self._step)
        self._score = {field: self._captured(self._scorer(field)) for field in FIELDS}
        self._score_plain = {
            field: self._captured(self._scorer(field, plain=True)) for field in FIELDS
        }
        self.clear()
        self.ask({}, {}, 1.0)

    def set_style(self, vector: FloatArray) -> None:
        """Add this style embedding (width,) to every input from now on."""
        self._style.copy_(torch.from_numpy(np.array(vector, np.float32)))

    def ask(self, told: Told, plain: Told, guidance: float) -> None:
        """Tell the heads from now on what the music is to be like."""
        rows = self._conditions.rows(told)
        without = self._conditions.rows(plain) - rows
        self._asked.copy_(torch.from_numpy(rows).view_as(self._u))
        self._without.copy_(torch.from_numpy(without).view_as(self._u))
        self._guidance = guidance if without.any() else 1.0

    def read(self, ids: Sequence[int] | None) -> None:
        """Take one step."""
        if ids is None:
            rows = [self._zero_row] * len(INPUTS) + [self._starts[-1]]
        else:
            rows = [start + index for start, index in zip(self._starts, ids, strict=False)]
            rows.append(self._zero_row)
        self._ids.copy_(torch.tensor(rows))
        self._read()

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logits (classes,) of a field of the next note."""
        if self._seen[field]:
            rows = [known[j] + self._offsets[field][j] for j in self._seen[field]]
            self._known[field].copy_(torch.tensor(rows))
        self._score[field]()
        found: FloatArray = self._logits[field].cpu().numpy().copy()
        if self._guidance != 1:
            self._score_plain[field]()
            guided(found, self._logits[field].cpu().numpy(), self._guidance)
        favour(self._lifts[field], known, found)
        return found

    def output(self) -> FloatArray:
        """Return the core's output (width,), normalised; rounded weights scale it by 1."""
        found: FloatArray = self._memory[-1].cpu().numpy()
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._memory.zero_()

    def memory(self) -> Any:
        """Return a copy of all that is remembered, (2 layers + 1, width), on the device."""
        return self._memory.clone()

    def recall(self, memory: Any) -> None:
        """Go back to what :meth:`memory` returned."""
        self._memory.copy_(memory)
        self._u.copy_(self._trunk())

    def _rows_before(self, field: str) -> dict[str, int]:
        """Return where each table of a field's context begins in the stacked one."""
        offsets, at = {}, 0
        for name in self._seen[field]:
            offsets[name] = at
            at += len(self._w[f"context.{field}.{name}"])
        return offsets

    def _step(self) -> None:
        x = self._table[self._ids].sum(0) + self._style
        for index in range(self._layers):
            h, c = self._memory[2 * index], self._memory[2 * index + 1]
            x = x + self._layer(f"core.{index}.", x, h, c)
        self._memory[-1].copy_(self._norm(x, "norm"))
        self._u.copy_(self._trunk())

    def _lstm(self, layer: str, x: Tensor, h: Tensor, c: Tensor) -> Tensor:
        w, a = self._w, self._norm(x, layer + "norm")
        gates = torch.addmv(
            w[layer + "lstm.bias_ih_l0"], w[layer + "lstm.weight_ih_l0"], a
        ) + torch.addmv(w[layer + "lstm.bias_hh_l0"], w[layer + "lstm.weight_hh_l0"], h)
        write, forget, new, show = gates.chunk(4)
        c.copy_(forget.sigmoid() * c + write.sigmoid() * new.tanh())
        return h.copy_(show.sigmoid() * c.tanh())

    def _linear(self, layer: str, x: Tensor, h: Tensor, _: Tensor) -> Tensor:
        w, a = self._w, self._norm(x, layer + "norm")
        entered = torch.addmv(w[layer + "linear.enter.bias"], w[layer + "linear.enter.weight"], a)
        update, candidate, gate = entered.chunk(3)
        h.lerp_(candidate, update.sigmoid())
        return torch.mv(w[layer + "linear.leave.weight"], h * functional.silu(gate))

    def _trunk(self) -> Tensor:
        u = torch.addmv(self._w["trunk.bias"], self._w["trunk.weight"], self._memory[-1])
        return u.view_as(self._u)

    def _scorer(self, field: str, plain: bool = False) -> Callable[[], None]:
        weight, bias = self._w[f"head.{field}.weight"], self._w[f"head.{field}.bias"]
        place = FIELDS.index(field)

        def score() -> None:
            u = self._u[place] + self._asked[place]
            if plain:
                u = u + self._without[place]
            if self._seen[field]:
                u = u + self._context[field][self._known[field]].sum(0)
            hidden = functional.gelu(u, approximate="tanh")
            self._logits[field].copy_(torch.addmv(bias, weight, hidden))

        return score

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._w[f"{name}.weight"], self._w[f"{name}.bias"]
        return functional.layer_norm(x, x.shape, weight, bias, NORM_EPS)

    def _captured(self, step: Callable[[], None]) -> Callable[[], None]:
        """Return a step that replays a graph on cuda; elsewhere the step itself."""
        if self._device.type != "cuda":
            return step
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):  # libraries allocate on first use, which a graph must not
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            step()
        replay: Callable[[], None] = graph.replay
        return replay


class TorchPlayer(RecurrentPlayer):
    """A player on a torch device; the same notes as :class:`NumpyPlayer` up to rounding.

    Never run on ``cuda`` or ``mps`` so far: there was no GPU to run it on.

    Parameters
    ----------
    config, weights, name, metadata
        As for :class:`antiphon_models.runtime.NumpyPlayer`.
    device : str
        cpu, cuda or mps.

    Raises
    ------
    CheckpointError
        If the weights do not fit the config.
    UsageError
        If the device is not there.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        weights: Weights,
        name: str = "player",
        metadata: Mapping[str, str] | None = None,
        device: str = "cpu",
    ) -> None:
        check_weights(config, weights, name)
        there = {
            "cpu": True,
            "cuda": torch.cuda.is_available(),
            "mps": torch.backends.mps.is_available(),
        }
        if not there.get(device, False):
            found = ", ".join(name for name, available in there.items() if available)
            raise UsageError(
                f"expected a device that torch can use, not {device}",
                f"found {found}",
                "use --device auto",
            )
        arithmetic = f"torch {torch.__version__}"
        info = PlayerInfo(name, tuple(config["styles"]), device, dict(metadata or {}), arithmetic)
        styles = np.asarray(weights["embed.style"], np.float32)
        network = TorchNetwork(config, weights, torch.device(device))
        super().__init__(network, info, styles, config, head_of(weights, config["width"], name))
