"""The player: a recurrent network that reads notes and says what comes next.

One event (note) a step, see :mod:`antiphon_models.events`. In the formulas below ``W`` is the
width, ``H`` the head width, ``S`` the number of styles and ``E[i]`` row i of table E.

Input of a note (``x``: W)::

    x = embed.shift[shift] + embed.voice[voice] + embed.pitch[pitch]
      + embed.velocity[velocity] + embed.duration[duration]
      + embed.beat_phase[beat_phase] + embed.bar_phase[bar_phase] + embed.style[style]

Every value is a bin or an id; ``duration`` is DURATION_MASKED for a note still held, the phases
are those of the note's own onset, and style is 0 for "unknown", 1 + i for ``config.styles[i]``.
A piece begins with the input ``x = embed.begin[0] + embed.style[style]``. A fresh state is zeros.

Core, for each layer l, with the recurrence that ``config.core`` names (``linear`` if it is to
ship; :mod:`antiphon_models.core` has their formulas)::

    a = layernorm(x; core.l.norm.weight, core.l.norm.bias)             eps = NORM_EPS
    z, c, g = core.l.linear.enter.weight @ a + core.l.linear.enter.bias      W each
    s_l = s_l + sigmoid(z) * (c - s_l)
    x = x + core.l.linear.leave.weight @ (s_l * silu(g))                     silu(g) = g sigmoid(g)

    h = layernorm(x; norm.weight, norm.bias)

Heads, drawn in the order shift, voice, pitch, velocity, duration. Head k (0..4) owns rows
``k*H : (k+1)*H`` of ``trunk``, and sees what is already known of the new note::

    u_k = gelu_tanh(trunk.weight[rows] @ h + trunk.bias[rows] + sum_j context.k.j[value_j])
    logits_k = head.k.weight @ u_k + head.k.bias

with j over CONTEXT[k]: the fields before k and, once the shift is known (so for every head
but the first), beat_phase and bar_phase of the *new* onset.
gelu_tanh(v) = v/2 * (1 + tanh(sqrt(2/pi) * (v + 0.044715 v^3))).

A network with a *memory* of motifs (``config.memory``) also sees what the piece's own past leads
one to expect of the new note (:mod:`antiphon_models.motif`): motif_k and trust, the pitch head
step_pitch and step_trust as well. ``trust`` counts the length of the match, and TRUSTS is added to
it as long as the fields before k came as expected. What is expected is favoured besides::

    logits_k[motif_k]      += lift.motif_k[trust]
    logits_pitch[step_pitch] += lift.step_pitch[step_trust]

except a duration that is not known. With *conditions* (``config.conditions``) every head sees
what the music is asked to be like (:mod:`antiphon_models.conditions`); 0 is "whatever".

Shapes: ``embed.<field>`` (rows, W) with rows as in INPUT_SIZES; ``core.l.*`` as in
:func:`antiphon_models.folding.layer_shapes`; ``norm.*`` (W,); ``trunk.weight`` (5H, W);
``context.<k>.<j>`` (rows, H) with rows as in CONTEXT_SIZES; ``lift.<expected>`` (2 TRUSTS,) or
(TRUSTS,); ``head.<k>.weight`` (classes, H), ``.bias`` (classes,).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models.core import Core, initialise_core, mask_over_time
from antiphon_models.core import State as State
from antiphon_models.events import COLUMN as COLUMN
from antiphon_models.events import COLUMNS as COLUMNS
from antiphon_models.events import FIELD_SIZES, FIELDS
from antiphon_models.folding import LINEAR, core_of
from antiphon_models.motif import TRUSTS
from antiphon_models.network import CONTEXT_SIZES, INPUT_SIZES, NORM_EPS, context_of, lifts

LOSS_WEIGHTS: Final = {"shift": 1.0, "voice": 1.0, "pitch": 1.5, "velocity": 0.7, "duration": 1.0}


@dataclass(frozen=True)
class PlayerConfig:
    """Size of the network and the styles it knows."""

    width: int = 384
    layers: int = 2
    head_width: int = 256
    dropout: float = 0.1
    styles: tuple[str, ...] = ()
    core: str = LINEAR
    memory: bool = False
    conditions: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        lists = {"styles": list(self.styles), "conditions": list(self.conditions)}
        return {**asdict(self), **lists}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> PlayerConfig:
        """Make a config from :meth:`to_dict`'s result; keys of no field are ignored."""
        names = {f.name for f in fields(cls)}
        known = {key: value for key, value in values.items() if key in names}
        known["core"] = core_of(values)
        lists = {name: tuple(known.get(name, ())) for name in ("styles", "conditions")}
        return cls(**{**known, **lists})


class Player(nn.Module):
    """The network; see the module's docstring for its arithmetic."""

    def __init__(self, config: PlayerConfig) -> None:
        super().__init__()
        self.config = config
        width, head_width = config.width, config.head_width
        sizes = {**INPUT_SIZES, "style": 1 + len(config.styles), "begin": 1}
        self._seen = context_of(config.to_dict())
        self.embed = nn.ParameterDict(
            {name: nn.Parameter(torch.empty(rows, width)) for name, rows in sizes.items()}
        )
        self.core = Core(width, config.layers, config.core)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.trunk = nn.Linear(width, len(FIELDS) * head_width)
        self.context = nn.ModuleDict(
            {
                head: nn.ParameterDict(
                    {j: nn.Parameter(torch.empty(CONTEXT_SIZES[j], head_width)) for j in seen}
                )
                for head, seen in self._seen.items()
                if seen
            }
        )
        if config.memory:
            trusted = {name: by for field in FIELDS for name, by in lifts(field)}
            self.lift = nn.ParameterDict(
                {name: nn.Parameter(torch.zeros(CONTEXT_SIZES[by])) for name, by in trusted.items()}
            )
        self.head = nn.ModuleDict(
            {name: nn.Linear(head_width, size) for name, size in FIELD_SIZES.items()}
        )
        self._initialise()

    def _initialise(self) -> None:
        width = self.config.width
        for name, weight in self.named_parameters():
            if name.startswith("embed."):
                nn.init.normal_(weight, std=0.3)
            elif name.startswith("context."):
                nn.init.normal_(weight, std=0.1)
            elif name.startswith("lift."):
                continue  # zeros
            elif initialise_core(name, weight, width):
                continue
            elif "bias" in name:
                nn.init.zeros_(weight)
            elif weight.dim() == 2:
                nn.init.xavier_uniform_(weight)

    def fresh_state(self, batch: int) -> State:
        """Return the state of `batch` streams that have heard nothing."""
        return self.core.fresh_state(batch)

    def hidden(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        """Read events.

        Parameters
        ----------
        rows : Tensor
            Events, (time, batch, len(COLUMNS)), int64.
        state : State
            What was heard before.

        Returns
        -------
        Tensor, State
            (time, batch, width) after the last norm, and the new state.
        """
        x = self._embed(rows)  # (time, batch, width)
        if self.training and self.config.dropout > 0:
            x = x * mask_over_time(x, self.config.dropout)
        x, state = self.core(x, state, self.config.dropout)
        return self.norm(x), state

    def _embed(self, rows: Tensor) -> Tensor:
        """Sum the rows of the input tables; one gather over all tables stacked."""
        begin = rows[..., COLUMN["begin"]] == 1  # (time, batch)
        table, offsets = _stack(self.embed)
        names = ("shift", "voice", "pitch", "velocity", "duration", "beat_phase", "bar_phase")
        index = rows[..., : len(names)] + torch.tensor(
            [offsets[name] for name in names], device=rows.device
        )
        # A piece's beginning has its own vector; the notes' fields point at a row of zeros.
        index = index.masked_fill(begin.unsqueeze(-1), table.shape[0])
        style = rows[..., COLUMN["style"]] + offsets["style"]
        start = torch.where(begin, offsets["begin"], table.shape[0])
        index = torch.cat([index, style.unsqueeze(-1), start.unsqueeze(-1)], -1)
        return _sum_rows(_with_zeros(table), index)

    def forward(
        self, rows: Tensor, following: Tensor, state: State
    ) -> tuple[dict[str, Tensor], State]:
        """Score the fields of the events that follow.

        Parameters
        ----------
        rows : Tensor
            Events heard, (time, batch, len(COLUMNS)), int64.
        following : Tensor
            The event after each of them, same shape. A head only sees its CONTEXT.
        state : State
            What was heard before `rows`.

        Returns
        -------
        dict, State
            Field -> logits (time, batch, classes), and the new state.
        """
        h, state = self.hidden(rows, state)
        trunk = self.trunk(h).split(self.config.head_width, -1)  # 5 x (time, batch, head_width)
        logits = {}
        for name, u in zip(FIELDS, trunk, strict=True):
            seen = self._seen[name]
            if self.config.memory:
                following = self._trust(name, following)
            if seen:
                tables = self.context[name]
                table, offsets = _stack(tables)  # type: ignore[arg-type]
                columns = [COLUMN[j] for j in seen]
                index = following[..., columns] + torch.tensor(
                    [offsets[j] for j in seen], device=rows.device
                )
                u = u + _sum_rows(table, index)
            logits[name] = self.head[name](functional.gelu(u, approximate="tanh"))
            if self.config.memory:
                logits[name] = self._favour(name, logits[name], following)
        return logits, state

    def _trust(self, name: str, following: Tensor) -> Tensor:
        """Tell a head how far to trust what is expected: less, if the note was other so far."""
        following = following.clone()
        as_expected = torch.ones_like(following[..., 0])
        for known in FIELDS[: FIELDS.index(name)]:
            same = following[..., COLUMN[known]] == following[..., COLUMN[f"motif_{known}"]]
            as_expected *= same
        trust = following[..., COLUMN["trust"]] % TRUSTS
        following[..., COLUMN["trust"]] = trust + TRUSTS * as_expected
        return following

    def _favour(self, name: str, logits: Tensor, following: Tensor) -> Tensor:
        """Lift the logits of what is expected, by as much as it is to be trusted."""
        size = FIELD_SIZES[name]
        for expected, by in lifts(name):
            at = following[..., COLUMN[expected]]
            lift = self.lift[expected][following[..., COLUMN[by]]] * (at < size)
            logits = logits.scatter_add(
                -1, at.clamp_max(size - 1)[..., None], lift[..., None].to(logits.dtype)
            )
        return logits

    def nll(self, rows: Tensor, following: Tensor, state: State) -> tuple[dict[str, Tensor], State]:
        """Return the negative log likelihood of each field, nats, (time, batch), and the state.

        Positions whose following event begins a piece have no meaning; leave them out.
        """
        logits, state = self(rows, following, state)
        found = {}
        for name, scores in logits.items():
            target = following[..., COLUMN[name]]
            losses = functional.cross_entropy(
                scores.flatten(0, 1).float(), target.flatten(), reduction="none"
            )
            found[name] = losses.view_as(target)
        return found, state

    def loss(self, rows: Tensor, following: Tensor, state: State) -> tuple[Tensor, State]:
        """Return the weighted mean loss (a scalar) over all notes that follow, and the state."""
        found, state = self.nll(rows, following, state)
        weighted = sum(
            (found[name] * weight for name, weight in LOSS_WEIGHTS.items()),
            start=torch.zeros((), device=rows.device),
        )
        note = (following[..., COLUMN["begin"]] == 0).to(weighted.dtype)  # (time, batch)
        return (weighted * note).sum() / note.sum().clamp(min=1), state


def _stack(tables: nn.ParameterDict) -> tuple[Tensor, dict[str, int]]:
    offsets, at = {}, 0
    for name, table in tables.items():
        offsets[name] = at
        at += table.shape[0]
    return torch.cat(list(tables.values())), offsets


def _with_zeros(table: Tensor) -> Tensor:
    return torch.cat([table, table.new_zeros(1, table.shape[1])])


def _sum_rows(table: Tensor, index: Tensor) -> Tensor:
    """Sum the rows of `table` (rows, width) at `index` (..., n): (..., width)."""
    if table.device.type == "mps":  # not every torch has embedding_bag there
        return functional.embedding(index, table).sum(-2)
    flat = functional.embedding_bag(index.reshape(-1, index.shape[-1]), table, mode="sum")
    return flat.view(*index.shape[:-1], table.shape[1])


def count_weights(model: nn.Module) -> int:
    """Return the number of trained weights."""
    return sum(p.numel() for p in model.parameters())
