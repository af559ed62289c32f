"""The recurrent core: pre-norm residual layers over time, with a choice of recurrence.

Every layer reads ``x`` (time, batch, width) and adds to it what its recurrence says of
``a = layernorm(x)``. With W the width and all products elementwise but those with matrices:

``linear``, the shipped player's: a gated linear recurrence whose gates see no state, in the manner
of minGRU (Feng et al. 2024), with an output gate as in the Griffin block (De et al. 2024)::

    z, c, g = enter.weight @ a + enter.bias                              (W,) each
    h = (1 - sigmoid(z)) * h + sigmoid(z) * c
    out = leave.weight @ (h * silu(g))

``lstm``, PyTorch's, gates in the order i, f, g, o::

    i, f, g, o = weight_ih_l0 @ a + bias_ih_l0 + weight_hh_l0 @ h + bias_hh_l0
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    out = h = sigmoid(o) * tanh(c)

``gru``, PyTorch's, gates in the order r, z, n. It can be trained, but not played.

Names: ``<layer>.norm.weight``, ``.bias``, and ``<layer>.lstm.*``, ``<layer>.gru.*`` as PyTorch
names them, or ``<layer>.linear.enter.weight`` (3W, W), ``.enter.bias`` (3W,), ``.leave.weight``
(W, W).
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models.network import NORM_EPS

CORES: Final = ("lstm", "gru", "linear")


class State(NamedTuple):
    """What a core remembers: hidden and cell state, each (layers, batch, width).

    Only the LSTM has a cell state; the others hand on what they were given.
    """

    hidden: Tensor
    cell: Tensor

    def detach(self) -> State:
        """Cut the state from the graph."""
        return State(self.hidden.detach(), self.cell.detach())


class LinearRecurrence(nn.Module):
    """The gated linear recurrence of the module's docstring."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = nn.Linear(width, 3 * width)
        self.leave = nn.Linear(width, width, bias=False)

    def forward(self, a: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Read (time, batch, width) with a state (1, batch, width); return the same two."""
        # In float32 under autocast, too: what is kept for a hundred steps is multiplied as often.
        update, candidate, gate = self.enter(a).float().chunk(3, -1)  # (time, batch, width) each
        update = torch.sigmoid(update)
        h = linear_scan(1 - update, update * candidate, hidden[0])
        return self.leave(h * functional.silu(gate)), h[-1:]


class Layer(nn.Module):
    """A pre-norm residual layer of one recurrence."""

    def __init__(self, width: int, core: str = "lstm") -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.core = core
        if core == "lstm":
            self.lstm = nn.LSTM(width, width)
        elif core == "gru":
            self.gru = nn.GRU(width, width)
        elif core == "linear":
            self.linear = LinearRecurrence(width)
        else:
            raise ValueError(f"expected a core of {', '.join(CORES)}, found {core!r}")

    def forward(
        self, x: Tensor, hidden: Tensor, cell: Tensor, dropout: float
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Read (time, batch, width) with states (1, batch, width); return the same three."""
        a = self.norm(x)  # (time, batch, width)
        if self.core == "lstm":
            out, (hidden, cell) = self.lstm(a, (hidden, cell))
        else:
            out, hidden = (self.gru if self.core == "gru" else self.linear)(a, hidden)
        if self.training and dropout > 0:
            out = out * mask_over_time(out, dropout)
        return x + out, hidden, cell


class Core(nn.ModuleList):
    """A stack of layers.

    Parameters
    ----------
    width, layers : int
        Size.
    core : str
        One of CORES.
    """

    def __init__(self, width: int, layers: int, core: str = "lstm") -> None:
        super().__init__(Layer(width, core) for _ in range(layers))
        self.width = width

    def fresh_state(self, batch: int) -> State:
        """Return the state of `batch` streams that have heard nothing."""
        zeros = next(self.parameters()).new_zeros(len(self), batch, self.width)
        return State(zeros, zeros)

    def forward(self, x: Tensor, state: State, dropout: float = 0.0) -> tuple[Tensor, State]:
        """Read (time, batch, width); return the same, and the new state."""
        hidden, cell = [], []
        for index, layer in enumerate(self):
            x, h, c = layer(
                x,
                state.hidden[index : index + 1].contiguous(),
                state.cell[index : index + 1].contiguous(),
                dropout,
            )
            hidden.append(h)
            cell.append(c)
        return x, State(torch.cat(hidden), torch.cat(cell))


def initialise_core(name: str, weight: Tensor, width: int) -> bool:
    """Set a weight of a recurrence as it should begin; return whether it was one.

    Recurrent matrices are orthogonal, and an LSTM remembers at first. What is no matter of the
    recurrence (other matrices, biases that begin at zero) is left to the caller.
    """
    if "weight_hh" in name:
        for gate in torch.split(weight.data, width):
            nn.init.orthogonal_(gate)
        return True
    if "lstm.bias_ih" in name:
        nn.init.zeros_(weight)
        nn.init.ones_(weight.data[width : 2 * width])
        return True
    if "linear.enter.bias" in name:  # remember for 2 to 100 steps, each unit for another while
        nn.init.zeros_(weight)
        spans = torch.logspace(0.3, 2, width)
        weight.data[:width] = -torch.log(spans - 1)  # sigmoid of this is 1 / span
        return True
    return False


def linear_scan(keep: Tensor, add: Tensor, first: Tensor) -> Tensor:
    """Return all states of ``h[t] = keep[t] * h[t-1] + add[t]``.

    Parameters
    ----------
    keep, add : Tensor
        (time, ...).
    first : Tensor
        The state before, (...).

    Returns
    -------
    Tensor
        (time, ...). On a CPU the steps are taken in order, which costs the least memory traffic;
        elsewhere in log2(time) parallel passes (Hillis and Steele's scan).
    """
    states: Tensor = _Scan.apply(keep, add, first)  # type: ignore[no-untyped-call]
    return states


class _Scan(torch.autograd.Function):
    """The scan; its gradient is a scan backwards."""

    @staticmethod
    def forward(ctx: Any, keep: Tensor, add: Tensor, first: Tensor) -> Tensor:
        states = _scan(keep, torch.cat([torch.addcmul(add[:1], keep[:1], first[None]), add[1:]]))
        ctx.save_for_backward(keep, first, states)
        return states

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        keep, first, states = ctx.saved_tensors
        # d[t] = gradient[t] + keep[t+1] * d[t+1], read from the end.
        later = torch.cat([keep[1:], torch.zeros_like(keep[:1])]).flip(0)
        d = _scan(later, gradients[0].flip(0)).flip(0)
        before = torch.cat([first[None], states[:-1]])
        return d * before, d, d[0] * keep[0]


def _scan(keep: Tensor, add: Tensor) -> Tensor:
    """Scan from a state of zeros."""
    if keep.device.type == "cpu":
        states = add.clone()
        for t in range(1, len(add)):
            states[t].addcmul_(keep[t], states[t - 1])
        return states
    return scan_by_doubling(keep, add)


def scan_by_doubling(keep: Tensor, add: Tensor) -> Tensor:
    """Scan from a state of zeros in log2(time) passes over (time, ...)."""
    step = 1
    while step < len(add):
        add = torch.cat([add[:step], torch.addcmul(add[step:], keep[step:], add[:-step])])
        keep = torch.cat([keep[:step], keep[step:] * keep[:-step]])
        step *= 2
    return add


def mask_over_time(x: Tensor, dropout: float) -> Tensor:
    """Make one dropout mask for the whole chunk (variational): (1, batch, width)."""
    keep = 1 - dropout
    return torch.empty_like(x[:1]).bernoulli_(keep) / keep
