"""What a decoder says of cells, struck as the named dimensions of the latent space ask.

A decoder ranks cells well, but of notes that it is sure of it hardly lets go, whatever is asked
of it. Which notes are the likeliest is its business; how many, in how many onsets and how high
is that of the named dimensions density, polyphony and register.

Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from antiphon_models.rolls import BoolArray, FloatArray


def strike(
    logit: FloatArray, valid: BoolArray, level: float, asked: Mapping[str, float]
) -> FloatArray:
    """Choose the hits of a phrase.

    Parameters
    ----------
    logit : ndarray
        (beats, SLOTS, rows): of a hit.
    valid : ndarray
        (beats, SLOTS): the slots that exist.
    level : float
        Logit above which the decoder, left alone, means a hit.
    asked : mapping
        Attribute -> value, in the units of :func:`antiphon_models.attributes.measure`. Only
        density, polyphony and register are looked at.

    Returns
    -------
    ndarray
        (beats, SLOTS, rows): the likeliest hits. As many as density asks for, or else as many
        as the decoder means; in as many slots as polyphony asks for; transposed so that their
        mean row is the register asked for.
    """
    rows = logit.shape[-1]
    free = np.where(valid[..., None], logit, -np.inf).reshape(-1, rows)
    most = int(valid.sum())
    count = int((free > level).sum())
    if "density" in asked:
        count = round(asked["density"] * int(valid.any(-1).sum()))
    count = min(max(count, 1), most * rows)
    onsets = 0
    if "polyphony" in asked:
        onsets = round(count / max(asked["polyphony"], 1.0))
        onsets = min(max(onsets, -(-count // rows), 1), most, count)
    if "register" not in asked:
        return _likeliest(free, count, onsets).reshape(logit.shape)
    hit = _likeliest(free, count, onsets)
    off = asked["register"] - float((hit * np.arange(rows)).sum() / count)
    return _likeliest(_raised(free, round(off)), count, onsets).reshape(logit.shape)


def _raised(score: FloatArray, steps: int) -> FloatArray:
    """Move scores (slots, rows) up by some rows; nothing comes in from beyond the edge."""
    found = np.full_like(score, -np.inf)
    rows = score.shape[1]
    steps = min(max(steps, 1 - rows), rows - 1)
    found[:, max(steps, 0) : rows + min(steps, 0)] = score[:, max(-steps, 0) : rows - max(steps, 0)]
    return found


def _likeliest(score: FloatArray, count: int, onsets: int) -> FloatArray:
    """Return the best cells, so many, in so many of the slots (0: any); score is (slots, rows)."""
    hit = np.zeros_like(score)
    if not onsets:
        hit.ravel()[np.argpartition(-score.ravel(), count - 1)[:count]] = 1
        return hit
    slots = np.argpartition(-score.max(1), onsets - 1)[:onsets]
    hit[slots, score[slots].argmax(1)] = 1
    if count > onsets:
        rest = np.where(hit[slots] > 0, -np.inf, score[slots]).ravel()
        more = np.argpartition(-rest, count - onsets - 1)[: count - onsets]
        hit[slots[more // score.shape[1]], more % score.shape[1]] = 1
    return hit
