"""The arithmetic of the DIC, with numpy alone.

The formulas are those of :mod:`antiphon_models.dic`; arrays may have any leading axes before
(beats, ...).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon.errors import CheckpointError
from antiphon_models.checkpoint import Checkpoint
from antiphon_models.rolls import POSITION, ROWS, SLOTS, FloatArray, Kind

Weights = Mapping[str, FloatArray]

HINTS: Final = 2 * SLOTS + 2
"""See :data:`antiphon_models.dic.HINTS`."""

LONGEST: Final = 5.0
"""See :data:`antiphon_models.dic.LONGEST`."""

CHANCE: Final = 0.15
"""How much of the error of velocities to expect is played as chance when humanising."""

RANGE: Final = 0.95
"""How far humanised offsets go from the mean towards the range that players have: the farthest
so far, those between less and less, as the power that follows says."""

EXTREMES: Final = 16

GLANCES: Final = 16
"""How often a pattern is looked at to humanise it, each time without other hits."""

MISSED: Final = 0.1
"""Share of the hits that a glance misses."""


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


class Layer:
    """``W x + b``.

    Parameters
    ----------
    weight : ndarray
        (inputs, outputs).
    bias : ndarray
        (outputs,).
    """

    def __init__(self, weight: FloatArray, bias: FloatArray) -> None:
        self.weight = np.ascontiguousarray(weight, np.float32)
        self.bias = np.asarray(bias, np.float32)

    @classmethod
    def read(cls, weights: Weights, name: str) -> Layer:
        """Return the layer of a name."""
        weight = weights[f"{name}.weight"].T
        bias = weights.get(f"{name}.bias")
        return cls(weight, np.zeros(weight.shape[1], np.float32) if bias is None else bias)

    def __call__(self, x: FloatArray) -> FloatArray:
        """Apply the layer to (..., inputs)."""
        flat: FloatArray = x.reshape(-1, x.shape[-1]) @ self.weight  # one product, not many
        flat += self.bias
        return flat.reshape(*x.shape[:-1], -1)


class Neighbours:
    """A layer that sees each beat with the one before and the one after it.

    Each of the three has a product of its own: a matrix for all of them at once is too large
    for the nearest cache of many processors, and takes twice as long there.
    """

    def __init__(self, weights: Weights, name: str) -> None:
        layer = Layer.read(weights, name)
        self._before, self._here, self._after = np.split(layer.weight, 3)
        self._bias = layer.bias

    def __call__(self, x: FloatArray) -> FloatArray:
        """Apply the layer to (..., beats, inputs)."""
        flat, shape = x.reshape(-1, x.shape[-1]), (*x.shape[:-1], -1)
        found: FloatArray = (flat @ self._here).reshape(shape)
        found += self._bias
        if x.shape[-2] > 1:
            found[..., 1:, :] += (flat @ self._before).reshape(shape)[..., :-1, :]
            found[..., :-1, :] += (flat @ self._after).reshape(shape)[..., 1:, :]
        return found


class Trunk:
    """See :class:`antiphon_models.dic.Trunk`; `enter` is left to the caller."""

    def __init__(self, weights: Weights, name: str, blocks: int) -> None:
        self.enter = Layer.read(weights, f"{name}.enter")
        self.blocks = [
            (
                Neighbours(weights, f"{name}.blocks.{index}.first"),
                Layer.read(weights, f"{name}.blocks.{index}.second"),
            )
            for index in range(blocks)
        ]

    def go_on(self, h: FloatArray, exists: FloatArray) -> FloatArray:
        """Take what `enter` gave through the blocks."""
        h = h * exists
        for first, second in self.blocks:
            inner = first(np.maximum(h, 0))
            np.maximum(inner, 0, out=inner)
            h = (h + second(inner)) * exists
        return np.maximum(h, 0)


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
        self._encoder = Trunk(weights, "encoder", blocks)
        self._decoder = Trunk(weights, "decoder", blocks)
        self._to_content = Layer.read(weights, "to_content")
        self._to_style = Layer.read(weights, "to_style")
        self._to_cells = Layer.read(weights, "to_cells")
        self._code, self._undo = Layer.read(weights, "code"), Layer.read(weights, "undo")
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
        wholly to velocities, to offsets as far as it costs little precision. When notes fall
        is asked at several glances, each of which misses some hits: what they say on average
        hangs less on patterns known by heart.

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
        cells = self._flatly(roll, position)
        offset: Any = np.zeros_like(cells.offset)
        for _ in range(GLANCES):
            missed = random.random(roll.shape[:-1]) < MISSED
            offset += self._flatly(roll * ~missed[..., None], position).offset / GLANCES
        spread = np.exp(np.minimum(np.maximum(cells.spread[..., None, 0], -6.0), 1.0))
        velocity: Any = cells.velocity + CHANCE * spread * random.laplace(size=cells.hit.shape)
        if self._touch:
            told, played, mean, real = self._touch
            velocity = np.interp(velocity, told, played)
            extreme = np.abs(np.interp(offset, mean, np.linspace(-1, 1, len(mean)))) ** EXTREMES
            offset = offset + RANGE * extreme * (np.interp(offset, mean, real) - offset)
        return velocity.astype(np.float32), np.clip(offset, -0.75, 0.75).astype(np.float32)

    def _flatly(self, roll: FloatArray, position: FloatArray) -> Cells:
        """Decode a roll that is shown without its velocities and offsets."""
        flat = roll.copy()
        flat[..., 1:3] = 0.0
        hints = np.zeros((*position.shape[:-1], HINTS), np.float32)
        hints[..., -2] = 1.0
        return self.decode(self.encode(flat, position, hints), position)


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
    refuse_broken(checkpoint)
    try:
        codec = Codec(checkpoint.config, checkpoint.weights)
        beats = np.zeros((1, POSITION), np.float32)
        shape = (1, SLOTS, ROWS[codec.kind], 3 if codec.kind == "drums" else 4)
        codec.decode(codec.encode(np.zeros(shape, np.float32), beats), beats)
    except (KeyError, ValueError, TypeError) as error:
        raise misfit(checkpoint, error) from error
    return codec


def refuse_broken(checkpoint: Checkpoint) -> None:
    """Refuse weights that are not finite; raises CheckpointError."""
    for name, weight in checkpoint.weights.items():
        if not np.isfinite(weight).all():
            raise CheckpointError(
                f"expected the weights of a {checkpoint.kind} in {checkpoint.path}",
                f"found NaN or infinity in {name}",
                "choose or train another checkpoint",
            )


def misfit(checkpoint: Checkpoint, error: Exception) -> CheckpointError:
    """Say that weights do not fit their config."""
    return CheckpointError(
        f"expected the weights of a {checkpoint.kind} in {checkpoint.path}",
        f"found others ({str(error).splitlines()[0]})",
        "choose or train another checkpoint",
    )
