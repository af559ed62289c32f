"""The arithmetic of the GAN's generator, with numpy alone, and what is done with its scores.

The formulas are those of :mod:`antiphon_models.gan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from antiphon_models.checkpoint import Checkpoint
from antiphon_models.codec import (
    Cells,
    Codec,
    Layer,
    Trunk,
    Weights,
    exist,
    misfit,
    read_cells,
    refuse_broken,
    see,
)
from antiphon_models.flips import NO_ROOM, Frame, choose_flips, frame_of
from antiphon_models.noise import draw_noise
from antiphon_models.rolls import POSITION, ROWS, SLOTS, FloatArray, Kind

SPREADS: Final = (-6.0, -0.5)
"""See :data:`antiphon_models.gan.SPREADS`."""

TAIL: Final = 1.6
"""How much less likely than as many as the phrase has notes, as a log, a new pitch may be."""

TIGHT: Final = 0.02
"""Offsets smaller than this many sixteenths are none: the phrase is on the grid."""


@dataclass(frozen=True, eq=False)
class Manner:
    """How the notes of a phrase are alike; a variation's are alike in the same way.

    Attributes
    ----------
    velocity : float or None
        Of all notes, if it is the same.
    on_grid : bool
        Whether no note is off it.
    durations : ndarray
        All that occur, rising, as in LONGEST.
    """

    velocity: float | None
    on_grid: bool
    durations: FloatArray


@dataclass(frozen=True, eq=False)
class Prepared:
    """A phrase that is to be varied: what does not change from one variation to the next."""

    hit: FloatArray
    velocity: FloatArray
    offset: FloatArray
    duration: FloatArray
    valid: FloatArray
    exists: FloatArray
    entered: FloatArray
    slot_velocity: FloatArray
    slot_offset: FloatArray
    manner: Manner
    frame: Frame | None


class Editor:
    """A GAN's generator, with the DIC that it leans on.

    Parameters
    ----------
    config : mapping
        As in a checkpoint.
    weights : mapping
        Name -> array.
    name : str
        What it is called.
    """

    def __init__(self, config: Mapping[str, Any], weights: Weights, name: str = "gan") -> None:
        dic = config["dic"]
        self.name = name
        self.kind: Kind = dic["kind"]
        self.reach, self.sharing = float(config["reach"]), float(config["sharing"])
        self.temperature, self.noise = float(config["temperature"]), int(config["noise"])
        own = {k.removeprefix("dic."): w for k, w in weights.items() if k.startswith("dic.")}
        self.codec = Codec(dic, own)
        self._trunk = Trunk(weights, "generator.trunk", int(config["blocks"]))
        self._to_cells = Layer(weights, "generator.to_cells")
        self._stay = float(weights["generator.stay"])

    def prepare(self, roll: FloatArray, position: FloatArray, duration: FloatArray) -> Prepared:
        """Do once for a phrase what all its variations share.

        Parameters
        ----------
        roll : ndarray
            (beats, SLOTS, rows, channels).
        position : ndarray
            (beats, POSITION).
        duration : ndarray
            (beats, SLOTS, rows): of the hits, as in LONGEST.
        """
        seen, code = see(roll), self.codec.encode(roll, position)
        style = np.broadcast_to(code.style, (len(position), code.style.shape[-1]))
        known = np.concatenate([seen, position, code.content, style], -1)
        weight = self._trunk.enter.weight
        entered = known @ weight[: known.shape[-1]] + self._trunk.enter.bias
        hit, velocity, offset = (roll[..., i] for i in range(3))
        slot_velocity, slot_offset = velocity, offset
        if self.kind == "pitched":
            means = seen[:, -2 * SLOTS :].reshape(len(seen), 2, SLOTS, 1)
            slot_velocity, slot_offset = means[:, 0], means[:, 1]
        valid = position[..., -SLOTS:, None] > 0
        return Prepared(
            hit,
            velocity,
            offset,
            duration,
            np.broadcast_to(valid, hit.shape),
            exist(position),
            entered,
            slot_velocity,
            slot_offset,
            manner_of(hit, velocity, offset, duration),
            frame_of(hit, position) if self.kind == "pitched" else None,
        )

    def edit(self, phrase: Prepared, wanted: float, noise: FloatArray) -> Cells:
        """Say what variations at a distance would be like; noise is (..., beats, noise)."""
        far = np.full((*noise.shape[:-1], 1), wanted, np.float32)
        rest: FloatArray = np.concatenate([far, noise], -1)
        weight = self._trunk.enter.weight
        h: FloatArray = phrase.entered + rest @ weight[-rest.shape[-1] :]
        out = read_cells(self.kind, self._to_cells(self._trunk.go_on(h, phrase.exists)))
        return Cells(
            out.hit + self._stay * (2 * phrase.hit - 1),
            out.velocity + phrase.slot_velocity,
            out.offset + phrase.slot_offset,
            out.duration,
            out.spread,
        )

    def scores(
        self, phrase: Prepared, cells: Cells, noise: FloatArray, heat: float = 1.0
    ) -> FloatArray:
        """Return how much each cell wants to flip, (beats, SLOTS, rows)."""
        score = (1 - 2 * phrase.hit) * cells.hit + heat * self.temperature * noise
        room = phrase.valid
        if self.kind == "pitched":  # of so many pitches each is unlikely, the wrong ones too
            free = np.where(room & (phrase.hit == 0), cells.hit, NO_ROOM)
            many = min(max(int(phrase.hit.sum()), 4), free.size)
            room = room & (free > np.partition(free.ravel(), -many)[-many] - heat * TAIL) | (
                phrase.hit > 0
            )
        return np.where(room, score, NO_ROOM).astype(np.float32)


def manner_of(
    hit: FloatArray, velocity: FloatArray, offset: FloatArray, duration: FloatArray
) -> Manner:
    """Return the manner of a phrase, all (beats, SLOTS, rows); one note alone has none."""
    notes = hit > 0
    loud = velocity[notes]
    alike = len(loud) > 1 and float(np.ptp(loud)) == 0.0
    return Manner(
        float(loud[0]) if alike else None,
        bool((np.abs(offset[notes]) < TIGHT).all()),
        np.unique(duration[notes]),
    )


def vary_roll(
    editor: Editor,
    phrase: Prepared,
    phase: FloatArray,
    amount: float,
    random: np.random.Generator,
    heat: float = 1.0,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Make one variation of a roll.

    Parameters
    ----------
    editor, phrase
        The network, and what it prepared.
    phase : ndarray
        (beats,): whole beats since the bar line.
    amount : float
        0..1.
    random : numpy.random.Generator
        The only source of chance.
    heat : float
        Scales the noise of the cells once more; above 1 the unlikely comes up.

    Returns
    -------
    hit, velocity, offset, duration : ndarray
        (beats, SLOTS, rows); the last three mean something where there is a hit.
    """
    if amount <= 0:
        return phrase.hit, phrase.velocity, phrase.offset, phrase.duration
    rows = phrase.hit.shape[-1]
    noise, cell_noise, chance = draw_noise(random, phase, rows, editor.noise, editor.sharing)
    wanted = editor.reach * amount
    cells = editor.edit(phrase, wanted, noise)
    score = editor.scores(phrase, cells, cell_noise, heat)
    hit = choose_flips(score, phrase.hit, wanted, phrase.frame)
    return hit, *in_manner(phrase, *touch(phrase, cells, amount, chance))


def touch(
    phrase: Prepared, cells: Cells, amount: float, chance: FloatArray, at: Any = ...
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return velocity, offset and duration of cells: kept notes stay in part what they were.

    Parameters
    ----------
    phrase, cells, amount
        As in :func:`vary_roll`, and what the network says.
    chance : ndarray
        (beats, SLOTS, rows, 2): Laplace noise.
    at : index
        Which cells; all of them if not given.
    """
    there = phrase.hit[at] > 0
    own = np.where(there, np.float32(faithful(amount)), np.float32(0))
    beat_and_slot = at if at is ... else at[:2]
    felt = np.exp(np.minimum(np.maximum(cells.spread, SPREADS[0]), SPREADS[1]))[beat_and_slot]
    felt = felt[:, :, None, :] if at is ... else felt
    felt = np.sqrt(1 - own**2)[..., None] * (felt * chance[at])
    velocity = cells.velocity[at] + own * (phrase.velocity[at] - cells.velocity[at]) + felt[..., 0]
    offset = cells.offset[at] + own * (phrase.offset[at] - cells.offset[at]) + felt[..., 1]
    new = np.minimum(np.maximum(cells.duration[at], 0.05), 1.0)
    return (
        np.minimum(np.maximum(velocity, 1 / 127), 1.0),
        np.minimum(np.maximum(offset, -0.75), 0.75),
        np.where(there, phrase.duration[at], new),
    )


def in_manner(
    phrase: Prepared, velocity: FloatArray, offset: FloatArray, duration: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Let a roll's notes be alike in the way that those of the phrase are.

    It is what :mod:`antiphon_models.notation` does with notes: one velocity stays one, what is
    on the grid stays on it, and new notes are as long as one of the phrase.
    """
    manner = phrase.manner
    if manner.velocity is not None:
        velocity = np.full_like(velocity, manner.velocity)
    if manner.on_grid:
        offset = phrase.offset * phrase.hit
    if len(manner.durations):
        between = (manner.durations[1:] + manner.durations[:-1]) / 2
        duration = manner.durations[np.searchsorted(between, duration)]
    return velocity, offset, duration


def faithful(amount: float) -> float:
    """Return how much kept notes stay what they were, see :func:`antiphon_models.gan.faithful`."""
    return (1 - amount) ** 2


def load_editor(checkpoint: Checkpoint) -> Editor:
    """Make an editor of a GAN's checkpoint.

    Raises
    ------
    CheckpointError
        If the weights do not fit.
    """
    refuse_broken(checkpoint)
    try:
        editor = Editor(checkpoint.config, checkpoint.weights, checkpoint.path.stem)
        beats = np.zeros((1, POSITION), np.float32)
        shape = (1, SLOTS, ROWS[editor.kind], 3 if editor.kind == "drums" else 4)
        phrase = editor.prepare(
            np.zeros(shape, np.float32), beats, np.zeros(shape[:-1], np.float32)
        )
        editor.edit(phrase, 0.5, np.zeros((1, editor.noise), np.float32))
    except (KeyError, ValueError, TypeError) as error:
        raise misfit(checkpoint, error) from error
    return editor
