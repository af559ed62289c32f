"""Lets a player go on, through nothing but :class:`antiphon.model.Player`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from antiphon.model import Controls, Event, Player, Window
from antiphon.music import TICKS_PER_BEAT, Ticks, Voice, scale_velocity
from antiphon_models.events import Piece
from antiphon_models.generation.excerpt import Excerpt, cut, meter_of
from antiphon_models.generation.prompts import Prompt

AHEAD: Final = 64 * TICKS_PER_BEAT
"""How far the next onset may lie."""

MOST: Final = 2000
"""Notes of a continuation, at most."""

_USUAL: Final = Controls()


def prime(player: Player, prompt: Prompt, style: str) -> object:
    """Let a player hear a prompt in a style, if it knows it; return the snapshot."""
    player.set_style([(style, 1.0)] if style in player.info.styles else [])
    player.begin(meter_of(prompt.bar), metered=prompt.heard.metered)
    heard = prompt.heard
    for row in zip(
        heard.onset, heard.pitch, heard.velocity, heard.voice, heard.duration, strict=True
    ):
        onset, pitch, velocity, voice, duration = map(int, row)
        player.feed(Event(Ticks(onset), pitch, velocity, Voice(voice), Ticks(duration)))
    return player.snapshot()


def go_on(
    player: Player, prompt: Prompt, primed: object, controls: Controls, seed: Sequence[int]
) -> Excerpt:
    """Let a player go on with a prompt.

    As music that people made has a note in these bars, so has the continuation; where it begins
    and whether it is silent at the end is up to the player.

    Parameters
    ----------
    player, primed
        The player, and its snapshot after the prompt.
    prompt : Prompt
        What it heard.
    controls : Controls
        How to play; the voices are the prompt's.
    seed : sequence of int
        Same seed, same notes.
    """
    player.restore(primed)
    random = np.random.default_rng(seed)
    controls = replace(controls, voices=prompt.voices)
    last, latest = prompt.start, prompt.stop - 1
    events: list[Event] = []
    while len(events) < MOST:
        event = player.sample(Window(Ticks(last), Ticks(latest)), controls, random)
        if event.onset >= prompt.stop:
            break
        player.feed(event)
        events.append(event)
        last, latest = event.onset, event.onset + AHEAD
    sent = [replace(e, velocity=scale_velocity(e.velocity, controls.velocity)) for e in events]
    return cut(to_piece(sent, prompt.heard.metered), prompt.start, prompt.bar)


def run_on(
    player: Player,
    prompt: Prompt,
    style: str,
    notes: int,
    seed: int,
    controls: Controls = _USUAL,
) -> Piece:
    """Let a player go on with a prompt for so many notes, in the prompt's voices."""
    primed = prime(player, prompt, style)
    player.restore(primed)
    random = np.random.default_rng(seed)
    controls = replace(controls, voices=prompt.voices)
    last = prompt.start
    events: list[Event] = []
    for _ in range(notes):
        event = player.sample(Window(Ticks(last), Ticks(last + AHEAD)), controls, random)
        player.feed(event)
        events.append(event)
        last = event.onset
    return to_piece(events, prompt.heard.metered)


def to_piece(events: Sequence[Event], metered: bool = True) -> Piece:
    """Return events as a piece; phases are not told."""

    def column(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array(values, np.int64)

    nothing = np.zeros(len(events), np.int64)
    return Piece(
        onset=column([e.onset for e in events]),
        voice=column([e.voice for e in events]),
        pitch=column([e.pitch for e in events]),
        velocity=column([e.velocity for e in events]),
        duration=column([e.duration or 1 for e in events]),
        beat_phase=nothing,
        bar_phase=nothing,
        metered=metered,
    ).sorted()
