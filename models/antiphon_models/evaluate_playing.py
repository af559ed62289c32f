"""Evaluates how a player plays, beside music that people made and an n-gram that plays instead.

Importable without torch; it is loaded when evaluation starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from antiphon.model import Controls, Player
from antiphon_models.evaluation_data import Evaluated, Examples, Say
from antiphon_models.events import Piece
from antiphon_models.generation import stability
from antiphon_models.generation.compare import (
    HUMAN,
    Continued,
    compare_set,
    find_copies,
)
from antiphon_models.generation.continuations import go_on, prime, run_on
from antiphon_models.generation.controls import measure_controls
from antiphon_models.generation.excerpt import BARS
from antiphon_models.generation.prompts import Prompt, choose_prompts
from antiphon_models.generation.telling import tell_apart

PARTS: Final = ("continuations", "controls", "long-run")
"""What can be measured of playing."""

BEFORE: Final = "before"
"""A contender: the musician's own bars before the line, as if they were the continuation."""

FEWEST: Final = 8
"""Prompts of a set, at least; sets with fewer are left out."""

TURNED: Final = 5
"""Prompts of a set with which the controls are turned, at most."""

Training = Mapping[str, Sequence[Piece]]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Attributes
    ----------
    parts : tuple of str
        Of PARTS.
    continuations : int
        Prompts of each set, at most.
    notes : int
        Of each long run.
    seed : int
        Chooses prompts and notes.
    """

    parts: tuple[str, ...]
    continuations: int
    notes: int
    seed: int

    @classmethod
    def of(cls, args: argparse.Namespace, parts: Sequence[str]) -> Plan:
        """Read the arguments of the command."""
        chosen = tuple(part for part in PARTS if part in parts)
        return cls(chosen, args.continuations, args.long_run, args.seed)


def evaluate_playing(
    plan: Plan, found: Evaluated, players: Mapping[str, Player], training: Training, say: Say
) -> tuple[dict[str, dict[str, Any]], dict[str, Any], Examples]:
    """Let players play, and measure it.

    Parameters
    ----------
    plan : Plan
        What is measured.
    found : Evaluated
        Music that the players have not seen.
    players : mapping
        Contender -> player; any implementation of the protocol.
    training : mapping
        Set -> pieces in which copied passages are looked for.
    say : callable
        Told what is left out, and how far it is.

    Returns
    -------
    dict, dict, dict
        Set -> part -> figures; figures over all sets; and what the plots need besides.
    """
    sets: dict[str, dict[str, Any]] = {}
    whole: dict[str, Any] = {"bars": BARS, "contenders": [*players, BEFORE]}
    examples: Examples = {}
    prompts: dict[str, list[Prompt]] = {}
    for name, pieces in found.sets.items():
        chosen = choose_prompts(pieces, plan.continuations, plan.seed)
        if len(chosen) < FEWEST:
            say(f"playing: {name} has {len(chosen)} lines to go on from, left out")
            continue
        prompts[name] = chosen
        sets[name] = {}
    if "continuations" in plan.parts and prompts:
        _add_continuations(plan, prompts, players, training, sets, whole, examples, say)
    for name, chosen in prompts.items():
        if "controls" in plan.parts:
            each = {
                who: measure_controls(player, chosen[:TURNED], name, plan.seed)
                for who, player in players.items()
            }
            sets[name]["controls"] = {who: figures for who, (figures, _) in each.items()}
            examples.setdefault("controls", {})[name] = each["player"][1]
            say(f"playing: {name}, controls done")
        if "long-run" in plan.parts:
            figures, traces = _run_long(plan, found.sets[name], chosen[0], name, players)
            sets[name]["long_run"] = figures
            examples.setdefault("long_run", {})[name] = traces
            say(f"playing: {name}, {plan.notes:,} notes in a row done")
    return sets, whole, examples


def _add_continuations(
    plan: Plan,
    prompts: Mapping[str, list[Prompt]],
    players: Mapping[str, Player],
    training: Training,
    sets: dict[str, dict[str, Any]],
    whole: dict[str, Any],
    examples: Examples,
    say: Say,
) -> None:
    """Add what the continuations tell."""
    continued = {}
    for name, chosen in prompts.items():
        continued[name] = continue_prompts(chosen, name, players, plan.seed)
        sets[name]["continuations"] = {"count": len(chosen), **compare_set(continued[name])}
        say(f"playing: {name}, {len(chosen)} continuations done")
    library = [piece for pieces in training.values() for piece in pieces]
    if library:
        by_set, whole["copied"], lengths = find_copies(continued, library)
        for name, figures in by_set.items():
            sets[name]["continuations"]["copied"] = figures
        examples["copied"] = lengths
        say("playing: copied passages done")
    else:
        say("playing: no train split, so copied passages are not looked for")
    told, whole["told_apart"] = tell_apart(continued, plan.seed)
    for name, accuracy in told.items():
        sets[name]["continuations"]["told_apart"] = accuracy
    say("playing: two-sample test done")


def continue_prompts(
    prompts: Sequence[Prompt], style: str, players: Mapping[str, Player], seed: int
) -> Continued:
    """Let every player go on with every prompt once."""
    made = {
        who: [
            go_on(player, prompt, prime(player, prompt, style), Controls(), (seed, index))
            for index, prompt in enumerate(prompts)
        ]
        for who, player in players.items()
    }
    made[BEFORE] = [prompt.before for prompt in prompts]
    piece = np.array([prompt.piece for prompt in prompts], np.int64)
    return Continued([prompt.after for prompt in prompts], made, piece)


def _run_long(
    plan: Plan,
    pieces: Sequence[Piece],
    prompt: Prompt,
    style: str,
    players: Mapping[str, Player],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the figures of long runs after one prompt, and their traces of entropy."""
    music = stability.Music(pieces, plan.notes)
    bands = music.bands
    figures: dict[str, Any] = {
        HUMAN: {
            "longest_loop": music.loops.longest,
            "looped": round(music.loops.share, 5),
            "silence": round(music.silence, 3),
            "band": {name: [round(end, 4) for end in band] for name, band in bands.items()},
        }
    }
    traces: dict[str, Any] = {"bands": bands}
    for who, player in players.items():
        played = run_on(player, prompt, style, plan.notes, plan.seed)
        loops = stability.find_loops(stability.symbols(played))
        trace = stability.trace_entropy(played)
        figures[who] = {
            "notes": len(played),
            "longest_loop": loops.longest,
            "looped": round(loops.share, 5),
            "silence": round(stability.longest_silence(played), 3),
            "in_band": {
                name: round(stability.inside(trace[name], band), 5)
                for name, band in bands.items()
                if len(trace[name])
            },
            "drift": {name: round(_drift(values), 4) for name, values in trace.items()},
        }
        traces[who] = trace
    return figures, traces


def _drift(trace: stability.Trace) -> float:
    """Return how much more entropy the last fifth of a run has than the first, in bits."""
    fifth = max(len(trace) // 5, 1)
    return float(trace[-fifth:].mean() - trace[:fifth].mean()) if len(trace) else 0.0
