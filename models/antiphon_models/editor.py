"""The arithmetic of the GAN's generator, with numpy alone, and what is done with its scores.

The formulas are those of :mod:`antiphon_models.gan`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
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
from antiphon_models.noise import draw_noise
from antiphon_models.rolls import POSITION, ROWS, SLOTS, FloatArray, IntArray, Kind

SPREADS: Final = (-6.0, -0.5)
"""See :data:`antiphon_models.gan.SPREADS`."""

NO_ROOM: Final = np.float32(-np.inf)
"""Score of a cell that must not flip."""

TAIL: Final = 1.6
"""How much less likely than as many as the phrase has notes, as a log, a new pitch may be."""

MOST: Final = 24
"""Most flips of a beat, on average over a phrase; as in training, where a window has 192."""

WINDOW: Final = 8
"""See :data:`antiphon_models.data.windows.WINDOW`."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A phrase that is to be varied: what does not change from one variation to the next."""

    hit: FloatArray
    velocity: FloatArray
    offset: FloatArray
    valid: FloatArray
    exists: FloatArray
    entered: FloatArray
    slot_velocity: FloatArray
    slot_offset: FloatArray


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

    def prepare(self, roll: FloatArray, position: FloatArray) -> Prepared:
        """Do once for a phrase (beats, ...) what all its variations share."""
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
            np.broadcast_to(valid, hit.shape),
            exist(position),
            entered,
            slot_velocity,
            slot_offset,
        )

    def edit(self, phrase: Prepared, wanted: float, noise: FloatArray) -> Cells:
        """Say what a variation at a distance would be like; noise is (beats, noise)."""
        far = np.full((len(noise), 1), wanted, np.float32)
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


def choose_flips(
    score: FloatArray, hit: FloatArray, wanted: float, most: int | None = None
) -> FloatArray:
    """Choose the best flips up to a distance, see :func:`antiphon_models.gan.choose_flips`.

    Parameters
    ----------
    score, hit : ndarray
        (beats, SLOTS, rows).
    wanted : float
        Distance.
    most : int, optional
        Most hits in a slot, that a melody may stay a melody; notes then come as they go. Any
        number, in the order of their scores alone, if not given.

    Returns
    -------
    ndarray
        (beats, SLOTS, rows): the hits after the flips.
    """
    if wanted <= 0:
        return hit.copy()
    flat, flips = score.ravel(), min(score.size, MOST * max(len(score), WINDOW))
    best = np.argpartition(-flat, flips - 1)[:flips]
    order = best[np.argsort(-flat[best], kind="stable")]
    if most is not None:
        notes = np.flatnonzero(hit)
        notes = notes[np.argsort(-flat[notes], kind="stable")]
        free = order[(hit.ravel()[order] == 0) & (flat[order] > NO_ROOM)]
        order = _in_balance(notes, free, flat, hit, wanted, most)
        flips = len(order)
    removes = hit.ravel()[order]
    total = 2 * hit.sum() + np.cumsum(1 - 2 * removes)
    apart = np.arange(1, flips + 1) / np.maximum(total, 1.0)
    apart[flat[order] == NO_ROOM] = np.inf
    count = int(np.abs(apart - wanted).argmin()) + 1
    new = hit.copy().ravel()
    new[order[:count]] = 1 - new[order[:count]]
    return new.reshape(hit.shape)


def _in_balance(
    notes: IntArray,
    free: IntArray,
    score: FloatArray,
    hit: FloatArray,
    wanted: float,
    most: int,
) -> IntArray:
    """Order flips, up to the first that is too far, so that notes come as they go.

    No slot ever has more than `most`.

    Notes that leave are few and sure, notes that come are spread over many cells: by their
    scores alone a melody would only ever lose notes. An addition to a full slot waits for a
    removal there.
    """
    rows, slack = hit.shape[-1], 1 + int(hit.sum()) // 16
    leaving, losses = notes.tolist(), score[notes].tolist()
    count = hit.sum(-1).ravel().tolist()
    heap = list(zip((-score[free]).tolist(), free.tolist(), strict=True))  # sorted: a heap
    waiting: dict[int, list[tuple[float, int]]] = {}
    chosen: list[int] = []
    gone = came = 0
    while len(chosen) <= wanted * (2 * len(leaving) + came - gone):
        while heap and count[heap[0][1] // rows] >= most:
            item = heappop(heap)
            waiting.setdefault(item[1] // rows, []).append(item)
        if not heap and gone == len(leaving):
            break
        add = bool(heap) and (gone == len(leaving) or -heap[0][0] >= losses[gone])
        if heap and gone - came >= slack:
            add = True
        elif gone < len(leaving) and came - gone >= slack:
            add = False
        if add:
            cell = heappop(heap)[1]
            came, step = came + 1, 1
        else:
            cell = leaving[gone]
            gone, step = gone + 1, -1
        chosen.append(cell)
        count[cell // rows] += step
        for item in waiting.pop(cell // rows, ()) if step < 0 else ():
            heappush(heap, item)
    return np.array(chosen, np.int64)


def voices(kind: Kind, hit: FloatArray) -> int | None:
    """Return how many notes a variation of hits (beats, SLOTS, rows) may strike at once.

    Pitched phrases keep to what their fullest onset has, drums have as many arms as they like.
    """
    return None if kind == "drums" else max(int(hit.sum(-1).max()), 1)


def vary_roll(
    editor: Editor,
    phrase: Prepared,
    duration: FloatArray,
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
    duration : ndarray
        (beats, SLOTS, rows): of the phrase's hits, as in LONGEST.
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
        return phrase.hit, phrase.velocity, phrase.offset, duration
    rows = phrase.hit.shape[-1]
    noise, cell_noise, chance = draw_noise(random, phase, rows, editor.noise, editor.sharing)
    wanted = editor.reach * amount
    cells = editor.edit(phrase, wanted, noise)
    score = editor.scores(phrase, cells, cell_noise, heat)
    hit = choose_flips(score, phrase.hit, wanted, voices(editor.kind, phrase.hit))
    return hit, *touch(phrase, cells, duration, amount, chance)


def touch(
    phrase: Prepared,
    cells: Cells,
    duration: FloatArray,
    amount: float,
    chance: FloatArray,
    at: Any = ...,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return velocity, offset and duration of cells: kept notes stay in part what they were.

    Parameters
    ----------
    phrase, cells, duration, amount
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
    return (
        np.minimum(np.maximum(velocity, 1 / 127), 1.0),
        np.minimum(np.maximum(offset, -0.75), 0.75),
        np.where(there, duration[at], np.minimum(np.maximum(cells.duration[at], 0.05), 1.0)),
    )


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
        phrase = editor.prepare(np.zeros(shape, np.float32), beats)
        editor.edit(phrase, 0.5, np.zeros((1, editor.noise), np.float32))
    except (KeyError, ValueError, TypeError) as error:
        raise misfit(checkpoint, error) from error
    return editor
