"""The pedal head: what the sustain pedal does with the note that is about to be struck.

It reads the player's state and changes nothing in it, so that a player plays the same notes with
the head and without. With ``h`` the output of the player's core, normalised (its mean taken out,
divided by its deviation; W), of the network that is played (:mod:`antiphon_models.rounding`)::

    u = relu(pedal.hidden.weight @ h + pedal.hidden.bias + sum_j pedal.context.j[id_j])
    logits = pedal.out.weight @ u + pedal.out.bias

with j over :data:`CONTEXT`: the pedal of the onset before, how long ago the pedal last moved, and
shift, voice, pitch and phases of the note itself, which is drawn by then. The classes are up, down
and changed. Notes of one onset share the pedal, so only the first of a chord is drawn.

Shapes: ``pedal.hidden.weight`` (P, W), ``.bias`` (P,); ``pedal.context.<j>`` (rows, P) with rows as
in CONTEXT; ``pedal.out.weight`` (3, P), ``.bias`` (3,). Needs only numpy.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.errors import CheckpointError
from antiphon.music import Pedal, is_down
from antiphon_models.events import BAR_PHASE_UNKNOWN, BEAT_PHASE_UNKNOWN, PITCHES, VOICES, IntArray
from antiphon_models.sampling import COLDEST, RARE, FloatArray, not_finite

Weights = Mapping[str, FloatArray]

PREFIX: Final = "pedal."
"""What the names of the head's weights begin with."""

CLASSES: Final = (Pedal.UP, Pedal.DOWN, Pedal.CHANGED)
"""What is drawn, in the order of the logits."""

WIDTH: Final = 64
"""P of heads trained from now on."""

SHIFT_EDGES: Final = (1, 7, 13, 19, 25, 37, 49, 97, 193)
"""Ticks at which the classes of the shift begin, after the first."""

SINCE_EDGES: Final = (7, 13, 25, 37, 49, 73, 97, 145, 193, 289, 385, 769)
"""Ticks at which the classes of the time since the pedal moved begin, after the first."""

SINCE_UNKNOWN: Final = len(SINCE_EDGES) + 1

CONTEXT: Final = {
    "before": len(Pedal),
    "since": SINCE_UNKNOWN + 1,
    "shift": len(SHIFT_EDGES) + 1,
    "voice": VOICES,
    "pitch": PITCHES,
    "beat_phase": BEAT_PHASE_UNKNOWN + 1,
    "bar_phase": BAR_PHASE_UNKNOWN + 1,
}
"""Rows of each table."""


@dataclass(frozen=True, slots=True)
class Foot:
    """What is known of the pedal while notes are played one by one.

    Attributes
    ----------
    pedal : Pedal
        Of the last onset of which it is known.
    onset : int or None
        That onset, in ticks.
    moved : int or None
        Onset at which the pedal last went down, came up or was changed.
    earlier : Foot or None
        How things were before that onset.
    """

    pedal: Pedal = Pedal.UNKNOWN
    onset: int | None = None
    moved: int | None = None
    earlier: Foot | None = None

    def struck(self, onset: int, pedal: Pedal) -> Foot:
        """Go on with a note; one on the last onset says anew what the pedal did there."""
        if pedal is Pedal.UNKNOWN:
            return self
        before = self.earlier if onset == self.onset and self.earlier is not None else self
        stays = before.pedal is not Pedal.UNKNOWN and is_down(before.pedal) == is_down(pedal)
        moved = before.moved if stays and pedal is not Pedal.CHANGED else onset
        return Foot(pedal, onset, moved, replace(before, earlier=None))

    def since(self, onset: int) -> int:
        """Return the class of the time from the last move to an onset."""
        if self.moved is None:
            return SINCE_UNKNOWN
        return bisect_right(SINCE_EDGES, onset - self.moved)


def shift_class(shift: int) -> int:
    """Return the class of a shift in ticks."""
    return bisect_right(SHIFT_EDGES, shift)


@dataclass(frozen=True, eq=False)
class PedalledOnsets:
    """The onsets of a piece whose pedal is known, for training and measuring.

    Attributes
    ----------
    note : ndarray
        (onsets,): index in the piece of the first note of each.
    ids : ndarray
        (onsets, 7): ids in the tables of CONTEXT, in its order.
    target : ndarray
        (onsets,): index in CLASSES.
    """

    note: IntArray
    ids: IntArray
    target: IntArray


def pedalled_onsets(
    pedal: IntArray, onset: IntArray, columns: Sequence[npt.NDArray[Any]]
) -> PedalledOnsets:
    """Find the onsets of a piece whose pedal is known, and what the head sees of each.

    Parameters
    ----------
    pedal, onset : ndarray
        (notes,): Pedal, and onsets in ticks, ascending.
    columns : sequence of ndarray
        voice, pitch, beat phase and bar phase of the notes.

    Returns
    -------
    PedalledOnsets
        As :class:`Foot` would come upon them.
    """
    known = np.flatnonzero(pedal != Pedal.UNKNOWN)
    note = known[np.diff(onset[known], prepend=-1 if len(known) == 0 else onset[known[0]] - 1) > 0]
    found, at = pedal[note], onset[note]
    before = np.concatenate([[int(Pedal.UNKNOWN)], found[:-1]])[: len(found)]
    down, was = found != Pedal.UP, (before == Pedal.DOWN) | (before == Pedal.CHANGED)
    moves = (found == Pedal.CHANGED) | (down != was) | (before == Pedal.UNKNOWN)
    moved = np.maximum.accumulate(np.where(moves, at, at[:1] if len(at) else 0))
    since = np.searchsorted(SINCE_EDGES, at[1:] - moved[:-1], "right")
    shift = np.diff(onset, prepend=onset[:1])[note]
    ids = [
        before,
        np.concatenate([[SINCE_UNKNOWN], since])[: len(found)],
        np.searchsorted(SHIFT_EDGES, shift, "right"),
        *(column[note] for column in columns),
    ]
    return PedalledOnsets(note, np.stack(ids, -1).astype(np.int64), found - int(CLASSES[0]))


class PedalHead:
    """The head in numpy.

    Parameters
    ----------
    weights : mapping
        Name -> float32 array, as in a checkpoint; others than the head's are passed over.
    width : int
        W of the player.
    name : str
        The checkpoint's.

    Raises
    ------
    CheckpointError
        If a weight is missing, of another shape, or not finite.
    """

    def __init__(self, weights: Weights, width: int, name: str = "player") -> None:
        size = len(np.atleast_1d(weights.get(f"{PREFIX}hidden.bias", np.zeros(0))))
        for key, shape in head_shapes(width, size).items():
            found = weights.get(key)
            if found is None or found.shape != shape or not np.isfinite(found).all():
                what = "no" if found is None else f"shape {found.shape} or broken numbers in"
                raise CheckpointError(
                    f"expected a pedal head for a player of width {width} in {name}",
                    f"found {what} {key}",
                    "train it again with 'antiphon train pedal'",
                )
        w = {key: np.asarray(weights[PREFIX + key], np.float32) for key in _NAMES}
        self._hidden, self._bias = w["hidden.weight"], w["hidden.bias"]
        self._out, self._out_bias = w["out.weight"], w["out.bias"]
        self._tables = [np.asarray(weights[f"{PREFIX}context.{j}"], np.float32) for j in CONTEXT]

    def score(self, output: FloatArray, ids: Sequence[int]) -> FloatArray:
        """Return the logits (3,) of CLASSES.

        Parameters
        ----------
        output : ndarray
            (W,): the core's output, normalised.
        ids : sequence of int
            Rows of the tables, in the order of CONTEXT.
        """
        u = self._hidden @ output
        u += self._bias
        for table, index in zip(self._tables, ids, strict=True):
            u += table[index]
        logits: FloatArray = self._out @ np.maximum(u, 0) + self._out_bias
        return logits

    def draw(
        self, output: FloatArray, ids: Sequence[int], uniform: float, temperature: float
    ) -> Pedal:
        """Draw what the pedal does, by the rules of :func:`antiphon_models.sampling.draw`.

        Three classes are faster without numpy.
        """
        logits: list[float] = self.score(output, ids).tolist()
        if not all(map(math.isfinite, logits)):
            raise not_finite()
        top, colder = max(logits), 1 / max(temperature, COLDEST)
        shares = [math.exp((logit - top) * colder) for logit in logits]
        shares = [share if share >= RARE else 0.0 for share in shares]
        left = uniform * sum(shares)
        for pedal, share in zip(CLASSES, shares, strict=True):
            left -= share
            if left < 0:
                return pedal
        return CLASSES[logits.index(top)]


_NAMES: Final = ("hidden.weight", "hidden.bias", "out.weight", "out.bias")


def head_shapes(width: int, size: int = WIDTH) -> dict[str, tuple[int, ...]]:
    """Return the name and shape of every weight of a head of P `size`."""
    shapes: dict[str, tuple[int, ...]] = {
        "hidden.weight": (size, width),
        "hidden.bias": (size,),
        "out.weight": (len(CLASSES), size),
        "out.bias": (len(CLASSES),),
    }
    shapes |= {f"context.{name}": (rows, size) for name, rows in CONTEXT.items()}
    return {PREFIX + name: shape for name, shape in shapes.items()}


def without_head(weights: Weights) -> dict[str, FloatArray]:
    """Return a checkpoint's weights but for the head's."""
    return {name: w for name, w in weights.items() if not name.startswith(PREFIX)}


def head_of(weights: Weights, width: int, name: str = "player") -> PedalHead | None:
    """Return the head of a checkpoint; None if it has none.

    Raises
    ------
    CheckpointError
        As :class:`PedalHead`.
    """
    if not any(key.startswith(PREFIX) for key in weights):
        return None
    return PedalHead(weights, width, name)


def pedal_uniform(uniform: float) -> float:
    """Return another random number, in the digits of one that decided a field.

    A class is decided by the first of its 53 binary digits; the last 29 are as good as new. So
    the pedal takes no draw of its own, and notes are the same with it and without.
    """
    return uniform * 2.0**24 % 1.0
