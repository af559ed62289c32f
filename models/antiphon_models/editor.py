"""The arithmetic of the GAN's generator, with numpy alone, and what is done with its scores.

The formulas are those of :mod:`antiphon_models.gan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon_models.balance import frame_of
from antiphon_models.checkpoint import Checkpoint
from antiphon_models.codec import (
    Codec,
    Layer,
    Trunk,
    Weights,
    exist,
    misfit,
    refuse_broken,
    see,
)
from antiphon_models.flips import NO_ROOM, choose_cells, flip
from antiphon_models.noise import Noise, draw_noise
from antiphon_models.prepared import Prepared, in_manner, inherited, manner_of
from antiphon_models.rolls import POSITION, ROWS, SLOTS, FloatArray, IntArray, Kind

SPREADS: Final = (-6.0, -0.5)
"""See :data:`antiphon_models.gan.SPREADS`."""

TAIL: Final = 1.6
"""How much less likely than as many as the phrase has notes, as a log, a new pitch may be."""

SOFTEST: Final = np.array([1 / 127, -0.75], np.float32)
LOUDEST: Final = np.array([1.0, 0.75], np.float32)
"""Least and greatest velocity, and offset."""


class Said(NamedTuple):
    """What the generator says of some variations.

    Attributes
    ----------
    hit : ndarray
        (variations, all cells): logits of a hit there.
    told : ndarray
        (variations * beats * outputs,): all that it tells, as its last layer gives it.
    hidden : ndarray
        (variations * beats, width): what the last layer saw.
    """

    hit: FloatArray
    told: FloatArray
    hidden: FloatArray


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
        self._stay = float(weights["generator.stay"])
        told = Layer.read(weights, "generator.to_cells")
        cells = SLOTS * ROWS[self.kind]
        self._told = told
        if self.kind == "pitched":  # durations are asked for where a note is struck, no sooner
            rest = np.r_[:cells, 2 * cells : 2 * cells + 4 * SLOTS]
            self._told = Layer(told.weight[:, rest], told.bias[rest])
            some = slice(cells, 2 * cells)
            self._lasts = Layer(told.weight.T[some], told.bias[some])
        # Where velocity and offset of a slot's or of a cell's notes lie among what is told.
        every = np.arange(cells)[:, None]
        if self.kind == "drums":
            self._touch = every + cells * np.array([1, 2])
        else:
            self._touch = every // ROWS[self.kind] + cells + SLOTS * np.array([0, 1])
        outputs = len(self._told.bias)
        self._spread = outputs - 2 * SLOTS + 2 * (every // ROWS[self.kind]) + np.array([0, 1])

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
        hit = np.ascontiguousarray(roll[..., 0])
        own = np.ascontiguousarray(roll[..., 1:3])
        usual = own
        if self.kind == "pitched":
            means = seen[:, -2 * SLOTS :].reshape(len(seen), 2, SLOTS, 1)
            usual = np.broadcast_to(means.transpose(0, 2, 3, 1), own.shape)
        valid = np.broadcast_to(position[..., -SLOTS:, None] > 0, hit.shape).ravel()
        sign = 1 - 2 * hit.ravel()
        return Prepared(
            hit,
            own.reshape(-1, 2),
            usual.reshape(-1, 2),
            duration.ravel(),
            exist(position),
            entered,
            sign,
            -self._stay * sign,
            valid,
            np.where(valid & (sign > 0), np.float32(0), NO_ROOM),
            int(np.count_nonzero(hit)),
            manner_of(hit, own[..., 0], own[..., 1], duration),
            frame_of(hit, position) if self.kind == "pitched" else None,
        )

    def edit(self, phrase: Prepared, wanted: float, inputs: FloatArray) -> Said:
        """Say what variations at a distance would be like; inputs are (variations, beats, noise).

        The weights are read from memory once for all of them.
        """
        far = np.full((*inputs.shape[:-1], 1), wanted, np.float32)
        rest: FloatArray = np.concatenate([far, inputs], -1)
        width = rest.shape[-1]
        enter = rest.reshape(-1, width) @ self._trunk.enter.weight[-width:]
        h: FloatArray = phrase.entered + enter.reshape(*rest.shape[:-1], -1)
        hidden = self._trunk.go_on(h, phrase.exists)
        told = self._told(hidden)
        hit = told[..., : SLOTS * ROWS[self.kind]].reshape(len(told), -1) + phrase.stays
        return Said(hit, told.ravel(), hidden.reshape(-1, hidden.shape[-1]))

    def want(
        self, phrase: Prepared, said: Said, noise: Noise, heat: float = 1.0
    ) -> list[tuple[IntArray, FloatArray]]:
        """Return, for each variation, the cells that may flip, and how much each wants to.

        Parameters
        ----------
        phrase, said, noise : Prepared, Said, Noise
            The phrase, and what the network and chance say of its variations.
        heat : float
            Scales the chance of the cells once more.
        """
        room = np.broadcast_to(phrase.valid, said.hit.shape)
        if self.kind == "pitched":  # of so many pitches each is unlikely, the wrong ones too
            free = said.hit + phrase.shut
            many = min(max(phrase.size, 4), free.shape[1])
            level = np.partition(free, -many)[:, -many] - np.float32(heat * TAIL)
            room = (free > level[:, None]) | (phrase.sign < 0)
        flat = np.flatnonzero(room)
        number, cells = np.divmod(flat, room.shape[1])
        chance = heat * self.temperature * noise.hits(number, cells)
        score = phrase.sign[cells] * said.hit.ravel()[flat] + chance
        ends = np.searchsorted(number, np.arange(1, len(room) + 1)).tolist()
        return [(cells[start:end], score[start:end]) for start, end in pairwise([0, *ends])]

    def touch(
        self,
        phrase: Prepared,
        said: Said,
        amount: float,
        noise: Noise,
        number: IntArray,
        cells: IntArray,
    ) -> tuple[FloatArray, FloatArray]:
        """Say how notes are struck; those kept stay in part what they were.

        Parameters
        ----------
        phrase, said, noise : Prepared, Said, Noise
            The phrase, and what the network and chance say of its variations.
        amount : float
            0..1.
        number, cells : ndarray
            (notes,): which variation each is of, and where it is struck.

        Returns
        -------
        ndarray, ndarray
            (notes, 2): velocities and offsets; (notes,): durations, as in LONGEST.
        """
        beat, cell = np.divmod(cells, SLOTS * ROWS[self.kind])
        beat += number * len(phrase.hit)
        start = beat[:, None] * len(self._told.bias)
        stays = phrase.sign[cells] < 0
        own, usual = phrase.own[cells], phrase.usual[cells]
        mean = said.told[start + self._touch[cell]] + usual
        spread = said.told[start + self._spread[cell]]
        spread = np.exp(np.minimum(np.maximum(spread, SPREADS[0]), SPREADS[1]))
        part = np.where(stays, np.float32(faithful(amount)), np.float32(0))[:, None]
        felt = mean + part * (own - mean)
        felt += np.sqrt(1 - part**2) * spread * noise.touch(number, cells)
        lasts = np.zeros(len(cells), np.float32)
        if self.kind == "pitched":
            lasts = (said.hidden[beat] * self._lasts.weight[cell]).sum(1) + self._lasts.bias[cell]
        duration = np.where(stays, phrase.duration[cells], np.minimum(np.maximum(lasts, 0.05), 1))
        return np.minimum(np.maximum(felt, SOFTEST), LOUDEST), duration


def vary_roll(
    editor: Editor,
    phrase: Prepared,
    phase: FloatArray,
    amount: float,
    random: np.random.Generator,
    heat: float = 1.0,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Make one variation of a roll, see :func:`vary_rolls`."""
    return vary_rolls(editor, phrase, phase, amount, random, 1, heat)[0]


def vary_rolls(
    editor: Editor,
    phrase: Prepared,
    phase: FloatArray,
    amount: float,
    random: np.random.Generator,
    count: int,
    heat: float = 1.0,
) -> list[tuple[FloatArray, FloatArray, FloatArray, FloatArray]]:
    """Make variations of a roll, all at once, which costs less than one after another.

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
    count : int
        Variations.
    heat : float
        Scales the noise of the cells once more; above 1 the unlikely comes up.

    Returns
    -------
    list of tuple of ndarray
        hit, velocity, offset, duration: (beats, SLOTS, rows); the last three are 0 where there
        is no hit.
    """
    shape = phrase.hit.shape
    if amount <= 0:
        values = (*phrase.own.T, phrase.duration)
        same = (phrase.hit, *(each.reshape(shape) * phrase.hit for each in values))
        return [same] * count
    noise = draw_noise(random, phase, shape[-1], editor.noise, editor.sharing, count)
    wanted = editor.reach * amount
    said = editor.edit(phrase, wanted, noise.inputs)
    made = []
    for number, (cells, score) in enumerate(editor.want(phrase, said, noise, heat)):
        hit = flip(phrase.hit, choose_cells(cells, score, phrase.hit, wanted, phrase.frame))
        struck = np.flatnonzero(hit)
        which = np.full_like(struck, number)
        felt, duration = editor.touch(phrase, said, amount, noise, which, struck)
        duration = inherited(phrase, struck, duration)
        found = np.zeros((3, hit.size), np.float32)
        found[:, struck] = in_manner(phrase, struck, felt, duration)
        made.append((hit, *found.reshape(3, *shape)))
    return made


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
        editor.edit(phrase, 0.5, np.zeros((1, 1, editor.noise), np.float32))
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise misfit(checkpoint, error) from error
    return editor
