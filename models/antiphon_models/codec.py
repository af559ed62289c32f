"""The arithmetic of the DIC and the GAN's generator, with numpy alone.

The formulas are those of :mod:`antiphon_models.dic` and :mod:`antiphon_models.gan`; arrays may
have any leading axes before (beats, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon.errors import CheckpointError
from antiphon_models.checkpoint import Checkpoint
from antiphon_models.noise import draw_noise
from antiphon_models.rolls import POSITION, ROWS, SLOTS, FloatArray, IntArray, Kind

Weights = Mapping[str, FloatArray]

WINDOW: Final = 8
"""See :data:`antiphon_models.data.windows.WINDOW`."""

HINTS: Final = 2 * SLOTS + 2
"""See :data:`antiphon_models.dic.HINTS`."""

LONGEST: Final = 5.0
"""See :data:`antiphon_models.dic.LONGEST`."""

CHANCE: Final = (0.15, 0.0)
"""How much of the error to expect is played as chance when humanising: velocity, offset."""

RANGE: Final = 0.22
"""How far humanised offsets go from the mean towards the range that players have."""

SPREADS: Final = (-6.0, -0.5)
"""See :data:`antiphon_models.gan.SPREADS`."""

NO_ROOM: Final = np.float32(-np.inf)
"""Score of a cell that must not flip."""

MOST: Final = 24
"""Most flips of a beat, on average over a phrase; as in training, where a window has 192."""


class Cells(NamedTuple):
    """What a network says of each cell, (..., beats, SLOTS, rows).

    `hit` is a logit, `velocity` 0..1, `offset` in sixteenths, `duration` as in LONGEST;
    `spread` (..., beats, SLOTS, 2) is the log of the mean error of velocity and offset.
    """

    hit: FloatArray
    velocity: FloatArray
    offset: FloatArray
    duration: FloatArray
    spread: FloatArray


class Code(NamedTuple):
    """A phrase in the latent space: content (..., beats, content) and style (..., style)."""

    content: FloatArray
    style: FloatArray


def see(roll: FloatArray) -> FloatArray:
    """Flatten a roll (..., beats, SLOTS, rows, channels), see :func:`antiphon_models.dic.see`."""
    lead = roll.shape[:-3]
    if roll.shape[-1] == 3:
        return np.concatenate([roll[..., i].reshape(*lead, -1) for i in range(3)], -1)
    hit = roll[..., 0]
    count = np.maximum(hit.sum(-1), 1.0)
    means = [roll[..., i].sum(-1) / count for i in (1, 2)]
    flat = [hit.reshape(*lead, -1), roll[..., 3].reshape(*lead, -1)]
    return np.concatenate([*flat, *means], -1)


def read_cells(kind: Kind, out: FloatArray) -> Cells:
    """Sort what a last layer says of each beat, see :func:`antiphon_models.dic.read_cells`."""
    rows = ROWS[kind]
    cells, lead = SLOTS * rows, out.shape[:-1]
    shape = (*lead, SLOTS, rows)
    hit = out[..., :cells].reshape(shape)
    second = out[..., cells : 2 * cells].reshape(shape)
    spread = out[..., -2 * SLOTS :].reshape(*lead, SLOTS, 2)
    if kind == "drums":
        offset = out[..., 2 * cells : 3 * cells].reshape(shape)
        return Cells(hit, second, offset, np.zeros_like(hit), spread)
    rest = out[..., 2 * cells : -2 * SLOTS].reshape(*lead, 2, SLOTS, 1)
    velocity, offset = (np.broadcast_to(rest[..., i, :, :], shape) for i in (0, 1))
    return Cells(hit, velocity, offset, second, spread)


class _Layer:
    """``W x + b``."""

    def __init__(self, weights: Weights, name: str) -> None:
        self.weight = np.ascontiguousarray(weights[f"{name}.weight"].T, np.float32)
        bias = weights.get(f"{name}.bias")
        self.bias = np.zeros(self.weight.shape[1], np.float32) if bias is None else bias

    def __call__(self, x: FloatArray) -> FloatArray:
        found: FloatArray = x @ self.weight
        found += self.bias
        return found


class _Trunk:
    """See :class:`antiphon_models.dic.Trunk`; `enter` is left to the caller."""

    def __init__(self, weights: Weights, name: str, blocks: int) -> None:
        self.enter = _Layer(weights, f"{name}.enter")
        self.blocks = [
            (
                _Layer(weights, f"{name}.blocks.{index}.first"),
                _Layer(weights, f"{name}.blocks.{index}.second"),
            )
            for index in range(blocks)
        ]

    def go_on(self, h: FloatArray, exists: FloatArray) -> FloatArray:
        """Take what `enter` gave through the blocks."""
        h = h * exists
        for first, second in self.blocks:
            inner = first(_neighbours(np.maximum(h, 0)))
            np.maximum(inner, 0, out=inner)
            h = (h + second(inner)) * exists
        return np.maximum(h, 0)


def _neighbours(x: FloatArray) -> FloatArray:
    """Put each beat beside the one before and the one after it."""
    beats, width = x.shape[-2:]
    found = np.zeros((*x.shape[:-1], 3 * width), np.float32)
    found[..., 1:, :width] = x[..., :-1, :]
    found[..., width : 2 * width] = x
    found[..., : beats - 1, 2 * width :] = x[..., 1:, :]
    return found


def exist(position: FloatArray) -> FloatArray:
    """Return which beats exist, (..., beats, 1)."""
    found: FloatArray = position[..., -SLOTS:].max(-1, keepdims=True)
    return found


class Codec:
    """A DIC of the form conv.

    Parameters
    ----------
    config : mapping
        As in a checkpoint.
    weights : mapping
        Name -> array.
    """

    def __init__(self, config: Mapping[str, Any], weights: Weights) -> None:
        self.kind: Kind = config["kind"]
        self.threshold = float(config["threshold"])
        self.named = len(config["means"])
        self.means = np.array(config["means"], np.float32)
        self.scales = np.array(config["scales"], np.float32)
        self._touch = [np.array(row, np.float64) for row in config["touch"]]
        blocks = int(config["blocks"])
        self._encoder = _Trunk(weights, "encoder", blocks)
        self._decoder = _Trunk(weights, "decoder", blocks)
        self._to_content = _Layer(weights, "to_content")
        self._to_style = _Layer(weights, "to_style")
        self._to_cells = _Layer(weights, "to_cells")
        self._code, self._undo = _Layer(weights, "code"), _Layer(weights, "undo")
        self._content, self._style = int(config["content"]), int(config["style"])

    def encode(
        self, roll: FloatArray, position: FloatArray, hints: FloatArray | None = None
    ) -> Code:
        """Encode rolls (..., beats, SLOTS, rows, channels) at (..., beats, POSITION)."""
        if hints is None:
            hints = np.zeros((*position.shape[:-1], HINTS), np.float32)
        exists, seen = exist(position), see(roll)
        x = np.concatenate([seen, position, hints], -1)
        h = self._encoder.go_on(self._encoder.enter(x), exists)
        content: FloatArray = self._to_content(h)[..., : self._content] + self._code(seen) * exists
        mean = h.sum(-2) / np.maximum(exists.sum(-2), 1.0)
        return Code(content, self._to_style(mean)[..., : self._style])

    def decode(self, code: Code, position: FloatArray) -> Cells:
        """Decode content (..., beats, content) and style (..., style)."""
        beats = position.shape[-2]
        style = np.repeat(code.style[..., None, :], beats, -2)
        x = np.concatenate([code.content, style, position], -1)
        out = self._to_cells(self._decoder.go_on(self._decoder.enter(x), exist(position)))
        out[..., : -2 * SLOTS] += self._undo(code.content)
        return read_cells(self.kind, out)

    def humanise(
        self,
        roll: FloatArray,
        position: FloatArray,
        random: np.random.Generator,
    ) -> tuple[FloatArray, FloatArray]:
        """Play rolls as a player would, whatever their own velocities and offsets are.

        What the decoder tells of a flat roll is the mean of what players do, and tamer than
        any of them; chance and the quantiles of the training music give it their range back:
        wholly to velocities, to offsets as far as it costs little precision.

        Parameters
        ----------
        roll, position : ndarray
            As in :meth:`encode`.
        random : numpy.random.Generator
            The only source of chance.

        Returns
        -------
        velocity, offset : ndarray
            (..., beats, SLOTS, rows): 0..1, sixteenths; of every cell.
        """
        flat = roll.copy()
        flat[..., 1:3] = 0.0
        hints = np.zeros((*position.shape[:-1], HINTS), np.float32)
        hints[..., -2] = 1.0
        cells = self.decode(self.encode(flat, position, hints), position)
        spread = np.exp(np.minimum(np.maximum(cells.spread, -6.0), 1.0))[..., None, :]
        chance = random.laplace(size=(*cells.hit.shape, 2))
        velocity = cells.velocity + CHANCE[0] * spread[..., 0] * chance[..., 0]
        offset = cells.offset + CHANCE[1] * spread[..., 1] * chance[..., 1]
        if self._touch:
            told, played, early, late = self._touch
            velocity = np.interp(velocity, told, played)
            offset = offset + RANGE * (np.interp(offset, early, late) - offset)
        return velocity.astype(np.float32), np.clip(offset, -0.75, 0.75).astype(np.float32)


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
        self._trunk = _Trunk(weights, "generator.trunk", int(config["blocks"]))
        self._to_cells = _Layer(weights, "generator.to_cells")
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
        return np.where(phrase.valid, score, NO_ROOM).astype(np.float32)


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
        Most hits in a slot, that a melody may stay a melody; any number if not given.

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
        order = _in_voices(order, hit, most)
        flips = len(order)
    removes = hit.ravel()[order]
    total = 2 * hit.sum() + np.cumsum(1 - 2 * removes)
    apart = np.arange(1, flips + 1) / np.maximum(total, 1.0)
    apart[flat[order] == NO_ROOM] = np.inf
    count = int(np.abs(apart - wanted).argmin()) + 1
    new = hit.copy().ravel()
    new[order[:count]] = 1 - new[order[:count]]
    return new.reshape(hit.shape)


def _in_voices(order: IntArray, hit: FloatArray, most: int) -> IntArray:
    """Order flips so that no slot ever has more than `most` hits: some wait for a removal."""
    rows, flat = hit.shape[-1], hit.ravel().tolist()
    count = hit.sum(-1).ravel().astype(np.int64).tolist()
    waiting: dict[int, list[int]] = {}
    chosen: list[int] = []
    for cell in order.tolist():
        slot = cell // rows
        if flat[cell]:
            chosen.append(cell)
            if waiting.get(slot):
                chosen.append(waiting[slot].pop(0))
            else:
                count[slot] -= 1
        elif count[slot] < most:
            chosen.append(cell)
            count[slot] += 1
        else:
            waiting.setdefault(slot, []).append(cell)
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
    phrase: Prepared, cells: Cells, duration: FloatArray, amount: float, chance: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return velocity, offset and duration of the cells: kept notes stay in part what they were.

    `chance` is Laplace noise, (beats, SLOTS, rows, 2).
    """
    there = phrase.hit > 0
    own = np.where(there, np.float32(faithful(amount)), np.float32(0))
    felt = np.exp(np.minimum(np.maximum(cells.spread, SPREADS[0]), SPREADS[1]))
    felt = np.sqrt(1 - own**2)[..., None] * (felt[:, :, None, :] * chance)
    velocity = cells.velocity + own * (phrase.velocity - cells.velocity) + felt[..., 0]
    offset = cells.offset + own * (phrase.offset - cells.offset) + felt[..., 1]
    return (
        np.minimum(np.maximum(velocity, 1 / 127), 1.0),
        np.minimum(np.maximum(offset, -0.75), 0.75),
        np.where(there, duration, np.minimum(np.maximum(cells.duration, 0.05), 1.0)),
    )


def faithful(amount: float) -> float:
    """Return how much kept notes stay what they were, see :func:`antiphon_models.gan.faithful`."""
    return (1 - amount) ** 2


def load_codec(checkpoint: Checkpoint) -> Codec:
    """Make a codec of a DIC's checkpoint.

    Raises
    ------
    CheckpointError
        If the weights do not fit, or it is of the dense form.
    """
    if checkpoint.config.get("form") != "conv":
        raise CheckpointError(
            f"expected a DIC of the form conv in {checkpoint.path}",
            f"found the form {checkpoint.config.get('form')}",
            "choose another, see 'antiphon models'",
        )
    _refuse_broken(checkpoint)
    try:
        codec = Codec(checkpoint.config, checkpoint.weights)
        beats = np.zeros((1, POSITION), np.float32)
        shape = (1, SLOTS, ROWS[codec.kind], 3 if codec.kind == "drums" else 4)
        codec.decode(codec.encode(np.zeros(shape, np.float32), beats), beats)
    except (KeyError, ValueError, TypeError) as error:
        raise _misfit(checkpoint, error) from error
    return codec


def load_editor(checkpoint: Checkpoint) -> Editor:
    """Make an editor of a GAN's checkpoint.

    Raises
    ------
    CheckpointError
        If the weights do not fit.
    """
    _refuse_broken(checkpoint)
    try:
        editor = Editor(checkpoint.config, checkpoint.weights, checkpoint.path.stem)
        beats = np.zeros((1, POSITION), np.float32)
        shape = (1, SLOTS, ROWS[editor.kind], 3 if editor.kind == "drums" else 4)
        phrase = editor.prepare(np.zeros(shape, np.float32), beats)
        editor.edit(phrase, 0.5, np.zeros((1, editor.noise), np.float32))
    except (KeyError, ValueError, TypeError) as error:
        raise _misfit(checkpoint, error) from error
    return editor


def _refuse_broken(checkpoint: Checkpoint) -> None:
    for name, weight in checkpoint.weights.items():
        if not np.isfinite(weight).all():
            raise CheckpointError(
                f"expected the weights of a {checkpoint.kind} in {checkpoint.path}",
                f"found NaN or infinity in {name}",
                "choose or train another checkpoint",
            )


def _misfit(checkpoint: Checkpoint, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"expected the weights of a {checkpoint.kind} in {checkpoint.path}",
        f"found others ({str(error).splitlines()[0]})",
        "choose or train another checkpoint",
    )
