"""The player's recurrent core with voice heads: four voices in sixteenths, one after another.

The core hears whole frames of four voices. The heads go in the order ORDER; each sees what was
decided of the new frame, and everything in intervals to the pitch that its own voice has (G is the
core's width, H the head's, v the voice)::

    g = layernorm(core(sum of the embeddings of the row))
    u = relu(trunk.v @ g + sum of context.v.*[interval, age or move])
    u = relu(deepen.v @ u)
    logit of pitch c = absolute.v @ u [c] + held.v @ u [c - own pitch]
                     + sum over decided voices j of against.v.j @ u [c - pitch of j]
                     + echo.v @ u if c is the echo's pitch

Intervals to a rest add nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon_models.core import Core, State, initialise_core, mask_over_time
from antiphon_models.network import NORM_EPS
from published.voice_data import ECHO_BUCKETS, VOICES

ORDER: Final = (0, 3, 1, 2)
"""Soprano, bass, alto, tenor."""
REACH: Final = 30
"""Semitones that an interval is told apart; wider ones count as this wide."""
AGES: Final = 24
PHASE: Final = 16


@dataclass(frozen=True)
class VoiceConfig:
    """Size of the network."""

    pitches: int
    width: int = 256
    layers: int = 2
    head_width: int = 128
    dropout: float = 0.3
    core: str = "lstm"
    echo: bool = True


class VoiceNetwork(nn.Module):
    """The network of the module's docstring."""

    def __init__(self, config: VoiceConfig) -> None:
        super().__init__()
        self.config = config
        width, head, rows = config.width, config.head_width, config.pitches + 1
        sizes = {"begin": 1, "phase": PHASE}
        sizes |= {f"pitch{v}": rows for v in range(4)} | {f"age{v}": AGES + 1 for v in range(4)}
        if config.echo:
            sizes |= {f"echo{v}": rows for v in range(4)} | {"length": ECHO_BUCKETS}
        self.embed = _tables(sizes, width)
        self.core = Core(width, config.layers, config.core)
        self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.trunk = nn.Linear(width, 4 * head)
        spans = 2 * REACH + 2  # the last is "to a rest"
        self.context = nn.ModuleDict()
        self.against = nn.ModuleDict()
        for place, voice in enumerate(ORDER):
            seen = {"age": AGES + 1} | {f"now{j}": spans for j in range(4) if j != voice}
            seen |= {f"new{j}": spans for j in ORDER[:place]}
            seen |= {f"move{j}": spans for j in ORDER[:place]}
            if config.echo:
                seen |= {"echo": spans, "length": ECHO_BUCKETS}
            self.context[str(voice)] = _tables(seen, head)
            self.against[str(voice)] = nn.ModuleDict(
                {str(j): nn.Linear(head, spans) for j in ORDER[:place]}
            )
        self.deepen = nn.ModuleList(nn.Linear(head, head) for _ in VOICES)
        self.absolute = nn.ModuleList(nn.Linear(head, rows) for _ in VOICES)
        self.held = nn.ModuleList(nn.Linear(head, spans) for _ in VOICES)
        self.echo = nn.ModuleList(nn.Linear(head, 1) for _ in VOICES)
        self._initialise()

    def _initialise(self) -> None:
        for name, weight in self.named_parameters():
            if initialise_core(name, weight, self.config.width):
                continue
            if name.startswith(("embed.", "context.")):
                nn.init.normal_(weight, std=0.1)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)
            elif weight.dim() == 2:
                nn.init.xavier_uniform_(weight)

    def fresh_state(self, batch: int) -> tuple[State, ...]:
        """Return the state of `batch` pieces of which nothing was heard."""
        return (self.core.fresh_state(batch),)

    def _hear(self, rows: Tensor, state: State) -> tuple[Tensor, State]:
        embed = self.embed
        x = embed["phase"][rows[..., 12] % PHASE]
        x = x + (rows[..., 12] == 0).to(x.dtype)[..., None] * embed["begin"][0]
        for voice in range(4):
            x = x + embed[f"pitch{voice}"][rows[..., voice]]
            x = x + embed[f"age{voice}"][rows[..., 4 + voice].clamp(max=AGES)]
            if self.config.echo:
                x = x + embed[f"echo{voice}"][rows[..., 8 + voice]]
        if self.config.echo:
            x = x + embed["length"][rows[..., 13]]
        if self.training and self.config.dropout > 0:
            x = x * mask_over_time(x, self.config.dropout)
        x, state = self.core(x, state, self.config.dropout)
        return self.norm(x), state

    def logits(
        self, rows: Tensor, following: Tensor, state: tuple[State, ...]
    ) -> tuple[list[Tensor], tuple[State, ...]]:
        """Score the pitches of each voice in the frames that follow.

        Parameters
        ----------
        rows, following : Tensor
            (time, batch, columns), int64: what was heard, and the row after each. A head sees
            of `following` only the voices before it in ORDER.
        state : tuple of State
            What was heard before.

        Returns
        -------
        list, tuple of State
            Each voice's logits (time, batch, 1 + pitches), in the order of VOICES; the new state.
        """
        g, after = self._hear(rows, state[0])
        trunk = self.trunk(g).chunk(4, -1)  # 4 x (time, batch, H)
        found: list[Tensor] = [g] * 4
        for place, voice in enumerate(ORDER):
            found[voice] = self._head(voice, ORDER[:place], trunk[voice], rows, following)
        return found, (after,)

    def _head(
        self, voice: int, decided: tuple[int, ...], u: Tensor, rows: Tensor, following: Tensor
    ) -> Tensor:
        own = rows[..., voice]  # (time, batch)
        index = {"age": rows[..., 4 + voice].clamp(max=AGES)}
        index |= {f"now{j}": _interval(rows[..., j], own) for j in range(4) if j != voice}
        index |= {f"new{j}": _interval(following[..., j], own) for j in decided}
        index |= {f"move{j}": _interval(following[..., j], rows[..., j]) for j in decided}
        if self.config.echo:
            index |= {"echo": _interval(rows[..., 8 + voice], own), "length": rows[..., 13]}
        tables = self.context[str(voice)]
        for name, at in index.items():
            u = u + tables[name][at]  # type: ignore[index]
        u = functional.relu(u)
        if self.training and self.config.dropout > 0:
            u = u * mask_over_time(u, self.config.dropout)
        u = functional.relu(self.deepen[voice](u))
        logits: Tensor = self.absolute[voice](u)  # (time, batch, 1 + pitches)
        logits = logits + self._spread(self.held[voice](u), own)
        for j in decided:
            scores = self.against[str(voice)][str(j)](u)  # type: ignore[index]
            logits = logits + self._spread(scores, following[..., j])
        if self.config.echo:
            echoed = functional.one_hot(rows[..., 8 + voice], self.config.pitches + 1)
            known = (rows[..., 13] > 0)[..., None]
            logits = logits + self.echo[voice](u) * (echoed * known)
        return logits

    def _spread(self, scores: Tensor, reference: Tensor) -> Tensor:
        """Turn scores of intervals (..., spans) from a pitch (...) into scores of pitches."""
        pitches = torch.arange(self.config.pitches + 1, device=scores.device)
        index = _interval(pitches.expand(*reference.shape, -1), reference[..., None])
        silent = index == 2 * REACH + 1
        return scores.gather(-1, index).masked_fill(silent, 0.0)

    def nll(
        self, rows: Tensor, following: Tensor, state: tuple[State, ...]
    ) -> tuple[dict[str, Tensor], tuple[State, ...]]:
        """Return each voice's share of the nats a voice token, (time, batch): they add up to it."""
        logits, state = self.logits(rows, following, state)
        nats = {}
        for voice, name in enumerate(VOICES):
            losses = functional.cross_entropy(
                logits[voice].flatten(0, 1), following[..., voice].flatten(), reduction="none"
            )
            nats[name] = losses.view(rows.shape[:2]) / len(VOICES)
        return nats, state


def _tables(sizes: dict[str, int], width: int) -> nn.ParameterDict:
    return nn.ParameterDict(
        {n: nn.Parameter(torch.empty(rows, width)) for n, rows in sizes.items()}
    )


def _interval(pitch: Tensor, reference: Tensor) -> Tensor:
    """Return the row of an interval; one to or from a rest has the last."""
    steps = (pitch - reference).clamp(-REACH, REACH) + REACH
    return steps.masked_fill((pitch == 0) | (reference == 0), 2 * REACH + 1)
