"""How well a player does what it is asked: asked against measured, control by control."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from antiphon.model import Controls, Player
from antiphon.music import Scale, Voice
from antiphon_models.events import Piece
from antiphon_models.generation.continuations import go_on, prime
from antiphon_models.generation.excerpt import Excerpt
from antiphon_models.generation.prompts import Prompt
from antiphon_models.likeness import spearman

Asked = tuple[float, ...]


@dataclass(frozen=True)
class Knob:
    """A control whose measure should rise with what is asked.

    Attributes
    ----------
    values : tuple of float
        What is asked, ascending.
    turn : callable
        Takes controls and a value; returns the controls with it.
    measure : callable
        Takes what was played; returns the measure, NaN if it has none.
    drums : bool
        Whether drums have it.
    chords : bool
        Whether only music with chords has it.
    """

    values: Asked
    turn: Callable[[Controls, float], Controls]
    measure: Callable[[Excerpt], float]
    drums: bool
    chords: bool = False


def density(played: Excerpt) -> float:
    """Return different onsets a beat."""
    return len(np.unique(played.notes.onset)) / played.beats


def register(played: Excerpt) -> float:
    """Return the mean pitch; NaN without a pitched note."""
    notes = pitched(played.notes)
    return float(notes.pitch.mean()) if len(notes) else float("nan")


def polyphony(played: Excerpt) -> float:
    """Return the mean number of notes struck at an onset; NaN without one."""
    onsets = len(np.unique(played.notes.onset))
    return len(played) / onsets if onsets else float("nan")


def level(played: Excerpt) -> float:
    """Return the mean velocity; NaN without a note."""
    return float(played.notes.velocity.mean()) if len(played) else float("nan")


def pitched(notes: Piece) -> Piece:
    """Return the notes that are no drums."""
    return notes.select(notes.voice != Voice.DRUMS)


def share_in_key(played: Excerpt, key: int, scale: Scale) -> float:
    """Return the share of pitched notes in a key; NaN without any."""
    notes = pitched(played.notes)
    classes = list(scale.pitch_classes(key))
    return float(np.isin(notes.pitch % 12, classes).mean()) if len(notes) else float("nan")


SPAN: Final = 12
"""Semitones of a register above and below its middle."""

KNOBS: Final = {
    "density": Knob(
        (0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 1.0),
        lambda controls, value: replace(controls, density=value),
        density,
        True,
    ),
    "register": Knob(
        (36, 44, 52, 60, 68, 76, 84),
        lambda controls, value: replace(
            controls, low=int(value) - SPAN, high=int(value) + SPAN - 1
        ),
        register,
        False,
    ),
    "polyphony": Knob(
        (1, 2, 3, 4, 5, 6, 7),
        lambda controls, value: replace(controls, polyphony=int(value)),
        polyphony,
        True,
        chords=True,
    ),
    "velocity": Knob(
        (0.4, 0.6, 0.8, 1, 1.2, 1.4),
        lambda controls, value: replace(controls, velocity=value),
        level,
        True,
    ),
}
"""Controls by their public names. A register is asked for by its middle; a polyphony of 8 asks for
nothing. Who only ever heard one note at a time cannot be asked for more."""

KEYS: Final = tuple(
    (key, (Scale.MAJOR, Scale.NATURAL_MINOR)[key // 2 % 2]) for key in range(0, 12, 2)
)
"""Keys that are asked for."""


def measure_controls(
    player: Player, prompts: Sequence[Prompt], style: str, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Ask for values of each control in turn, all others as they come, and measure what is played.

    Returns
    -------
    dict, dict
        Of each of KNOBS ``spearman``: the rank correlation of asked and measured within each
        prompt, averaged; and ``pooled``: over all prompts at once. Of ``key``: ``in_key``, the
        share of pitched notes in the key that is asked for, and ``unasked``, the share in the
        same keys if none is. Then, of each of KNOBS, ``asked`` and ``measured`` (prompts, asked).
    """
    measured: dict[str, list[list[float]]] = {name: [] for name in KNOBS}
    chords = any(len(np.unique(p.heard.onset)) < len(p.heard) for p in prompts)
    kept: list[float] = []
    unasked: list[float] = []
    for index, prompt in enumerate(prompts):
        primed = prime(player, prompt, style)

        def play(
            controls: Controls, prompt: Prompt = prompt, primed: object = primed, i: int = index
        ) -> Excerpt:
            return go_on(player, prompt, primed, controls, (seed, i))

        drums_only = prompt.voices == (Voice.DRUMS,)
        for name, knob in KNOBS.items():
            if (knob.drums or not drums_only) and (chords or not knob.chords):
                line = [knob.measure(play(knob.turn(Controls(), v))) for v in knob.values]
                measured[name].append(line)
        if not drums_only:
            free = play(Controls())
            for key, scale in KEYS:
                kept.append(share_in_key(play(Controls(key=key, scale=scale)), key, scale))
                unasked.append(share_in_key(free, key, scale))
    figures: dict[str, Any] = {}
    curves: dict[str, Any] = {}
    for name, lines in measured.items():
        if lines:
            asked, table = KNOBS[name].values, np.array(lines)
            figures[name] = _obedience(asked, table)
            curves[name] = {"asked": asked, "measured": table}
    if kept and not np.isnan(kept).all():
        share, free_share = float(np.nanmean(kept)), float(np.nanmean(unasked))
        figures["key"] = {"in_key": round(share, 5), "unasked": round(free_share, 5)}
    return figures, curves


def _obedience(asked: Asked, measured: np.ndarray[Any, np.dtype[np.float64]]) -> dict[str, float]:
    """Correlate what was asked with what was measured, (prompts, asked); NaN is left out."""
    values = np.array(asked)
    each = []
    for line in measured:
        known = ~np.isnan(line)
        each.append(spearman(values[known], line[known]))
    known = ~np.isnan(measured)
    everywhere = np.broadcast_to(values, measured.shape)
    return {
        "spearman": round(float(np.mean(each)), 5),
        "pooled": round(spearman(everywhere[known], measured[known]), 5),
    }
