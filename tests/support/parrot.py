"""A player that has learnt a tune by heart, to see what it is kept from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from antiphon.model import Controls, Event, PlayerInfo, Window
from antiphon.music import Ticks
from antiphon_models.events import FIELD_SIZES, FIELDS, Piece, velocity_to_bin
from antiphon_models.passages import Passages, learn_passages
from antiphon_models.runtime import RecurrentPlayer
from antiphon_models.sampling import FloatArray, draw, nearest_bin


class Parrot:
    """Stands for a network that has learnt a tune by heart, and finds two other pitches likely."""

    draw = staticmethod(draw)

    def __init__(self, tune: Piece) -> None:
        ticks = np.diff(tune.onset, prepend=0).tolist()
        shift, duration = map(nearest_bin, ticks), map(nearest_bin, tune.duration.tolist())
        velocity = velocity_to_bin(tune.velocity).tolist()
        columns = (shift, tune.voice.tolist(), tune.pitch.tolist(), velocity, duration)
        self._rows = [dict(zip(FIELDS, row, strict=True)) for row in zip(*columns, strict=True)]
        self._next = 0

    def set_style(self, vector: FloatArray) -> None:
        """Do nothing."""

    def ask(self, told: object, plain: object, guidance: float) -> None:
        """Do nothing."""

    def output(self) -> FloatArray:
        """Return nothing."""
        return np.zeros(0, np.float32)

    def clear(self) -> None:
        """Begin the tune anew."""
        self._next = -1

    def memory(self) -> Any:
        """Return the place in the tune."""
        return self._next

    def recall(self, memory: Any) -> None:
        """Go back to a place."""
        self._next = memory

    def read(self, ids: Sequence[int] | None) -> None:
        """Go on to the next note."""
        self._next += 1

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logits of the next note."""
        logits = np.full(FIELD_SIZES[field], -20, np.float32)
        wanted = self._rows[self._next][field]
        logits[wanted] = 0
        if field == "pitch":
            logits[[wanted - 1, wanted + 1]] = -2
        return logits


def make_parrot(
    tune: Piece, library: Sequence[Piece] = (), config: Mapping[str, Any] | None = None
) -> RecurrentPlayer:
    """Make a player of a parrot; it knows what it must not play if there is a library."""
    styles = np.zeros((1, 1), np.float32)
    player = RecurrentPlayer(Parrot(tune), PlayerInfo("parrot"), styles, config)
    if library:
        player.avoid(Passages(learn_passages(library)))
    return player


def play(player: RecurrentPlayer, notes: int, controls: Controls) -> list[Event]:
    """Let a player play so many notes."""
    random, found, at = np.random.default_rng(0), [], Ticks(0)
    for _ in range(notes):
        event = player.sample(Window(at, Ticks(at + 960)), controls, random)
        player.feed(event)
        found.append(event)
        at = event.onset
    return found
