"""Who makes the variations that are judged: the GAN, and two baselines at the same distance.

gan
    as it is played: the numpy :class:`~antiphon_models.editor.Editor`, noise from
    :func:`~antiphon_models.noise.draw_noise`, kept notes moved towards its touch.
random_edit
    cells flipped at random until the phrase is as far from its source as the GAN's variation
    is: notes removed and notes added equally often, notes added only in slots that exist and on
    drums that the phrase uses, or within the range of its pitches. A new note has the velocity,
    offset and duration of a random note of the phrase; those kept are moved at random (Laplace)
    as far as the GAN moves its own on average.
dic_only
    the phrase's DIC latent z moved towards that of another random window, with noise:
    ``(1 - t) z + t z' + NOISE t e``, e normal with the spread of each dimension over the set.
    It is decoded, and what is above the DIC's threshold is a note, with the velocity, offset
    and duration decoded. For every phrase t is found by bisection so that the distance comes as
    near as it can to that of the GAN's variation.

Needs only numpy.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon_models.codec import LONGEST, Code, Codec
from antiphon_models.data.windows import Bars, make_batch
from antiphon_models.editor import Editor, vary_roll
from antiphon_models.flips import NO_ROOM, choose_flips
from antiphon_models.idiom import Phrases
from antiphon_models.rolls import SLOTS, FloatArray, IntArray, distance, fill

NAMES: Final = ("gan", "random_edit", "dic_only")
"""Contenders by their public names."""

NOISE: Final = 0.3
"""Noise of dic_only at t = 1, in spreads of the latent space."""

CHUNK: Final = 256
"""Windows encoded or decoded at a time."""

_HALVINGS: Final = 9


def read_phrases(bars: Bars, windows: IntArray) -> Phrases:
    """Return windows as phrases."""
    batch = make_batch(bars, windows)
    hit, velocity, offset = (np.ascontiguousarray(batch.roll[..., i]) for i in range(3))
    duration = batch.duration if bars.kind == "pitched" else np.zeros_like(hit)
    return Phrases(bars.kind, hit, velocity, offset, duration, batch.position, batch.bpm)


def to_rolls(phrases: Phrases) -> FloatArray:
    """Return rolls (windows, beats, SLOTS, rows, channels) as the networks see them."""
    windows, beats, _, rows = phrases.hit.shape
    flat = [
        part.reshape(windows, beats * SLOTS, rows)
        for part in (phrases.hit, phrases.velocity, phrases.offset, phrases.duration)
    ]
    window, slot, row = np.nonzero(flat[0])
    velocity, offset, duration = (part[window, slot, row] for part in flat[1:])
    return fill(phrases.kind, (windows, beats), window, slot, row, velocity, offset, duration)


def phases(phrases: Phrases) -> list[FloatArray]:
    """Return, for each window, the whole beats since the bar line: (beats,) each."""
    beat = np.arange(phrases.hit.shape[1], dtype=np.float32)
    return [beat % int(np.ceil(bar - 1e-6)) for bar in phrases.bar]


def encode(codec: Codec, phrases: Phrases) -> Code:
    """Encode phrases: content (windows, beats, content), style (windows, style)."""
    codes = []
    for at in range(0, len(phrases), CHUNK):
        some = phrases.pick(slice(at, at + CHUNK))
        codes.append(codec.encode(to_rolls(some), some.position))
    return Code(*(np.concatenate(part) for part in zip(*codes, strict=True)))


def features(phrases: Phrases, code: Code) -> FloatArray:
    """Return one vector a window: its style, and mean and spread of its content over beats."""
    exists = phrases.valid.max(-1, keepdims=True)  # (windows, beats, 1)
    count = np.maximum(exists.sum(1), 1)
    mean = (code.content * exists).sum(1) / count
    square = ((code.content - mean[:, None]) ** 2 * exists).sum(1) / count
    return np.concatenate([code.style, mean, np.sqrt(square)], -1)


def spreads(code: Code) -> tuple[FloatArray, FloatArray]:
    """Return the spread of each dimension of content and of style over windows."""
    content = np.maximum(code.content.std((0, 1)), 1e-3)
    return content, np.maximum(code.style.std(0), 1e-3)


def code_distance(a: Code, b: Code, spread: tuple[FloatArray, FloatArray]) -> FloatArray:
    """Return how far phrases are apart in the DIC's latent space, (windows,).

    The root of the mean squared difference over all dimensions, each in its own spread.
    """
    content = ((a.content - b.content) / spread[0]).reshape(len(a.content), -1)
    style = (a.style - b.style) / spread[1]
    return np.asarray(np.sqrt((np.hstack([content, style]) ** 2).mean(-1)), np.float32)


def gan(editor: Editor, phrases: Phrases, amount: float, seed: int) -> Phrases:
    """Vary each phrase once as the GAN is played; phrase i has the seed ``(seed, i)``."""
    rolls, cells = to_rolls(phrases), []
    coded = np.log2(1 + phrases.duration) / LONGEST
    for index, phase in enumerate(phases(phrases)):
        prepared = editor.prepare(rolls[index], phrases.position[index], coded[index])
        random = np.random.default_rng((seed, index))
        cells.append(vary_roll(editor, prepared, phase, amount, random))
    hit, velocity, offset, code = (np.stack(part) for part in zip(*cells, strict=True))
    long = sixteenths(code) if phrases.kind == "pitched" else np.zeros_like(hit)
    return _clean(replace(phrases, hit=hit, velocity=velocity, offset=offset, duration=long))


def sixteenths(code: FloatArray) -> FloatArray:
    """Return durations in sixteenths of those that the networks tell."""
    return np.asarray(np.exp2(code * LONGEST) - 1, np.float32)


def random_edit(phrases: Phrases, made: Phrases, seed: int) -> Phrases:
    """Edit each phrase at random, as far as another contender went."""
    wanted = distance(phrases.hit, made.hit)
    new = phrases.pick(slice(None))
    new = replace(
        new,
        hit=new.hit.copy(),
        velocity=new.velocity.copy(),
        offset=new.offset.copy(),
        duration=new.duration.copy(),
    )
    for index in range(len(phrases)):
        random = np.random.default_rng((seed, index, 1))
        _edit(phrases, made, new, index, float(wanted[index]), random)
    return _clean(new)


def _edit(
    phrases: Phrases,
    made: Phrases,
    new: Phrases,
    index: int,
    wanted: float,
    random: np.random.Generator,
) -> None:
    """Write one phrase's random edit into `new`."""
    hit = phrases.hit[index]
    score = random_order(hit, room(phrases, index), random)
    new.hit[index] = choose_flips(score, hit, wanted)
    kept = (hit > 0) & (made.hit[index] > 0)
    stays = (hit > 0) & (new.hit[index] > 0)
    comes = (hit == 0) & (new.hit[index] > 0)
    for name, low, high in (("velocity", 1 / 127, 1.0), ("offset", -0.75, 0.75)):
        own, theirs = getattr(phrases, name)[index], getattr(made, name)[index]
        size = float(np.abs(theirs - own)[kept].mean()) if kept.any() else 0.0
        moved = own[stays] + random.laplace(0, 1, int(stays.sum())) * size
        getattr(new, name)[index][stays] = np.clip(moved, low, high)
    if hit.any():
        lender = random.integers(0, int(hit.sum()), int(comes.sum()))
        for name in ("velocity", "offset", "duration"):
            lent = getattr(phrases, name)[index][hit > 0]
            getattr(new, name)[index][comes] = lent[lender]


def room(phrases: Phrases, index: int) -> FloatArray:
    """Return where a random note may be added to a phrase, (beats, SLOTS, rows): 0 or 1."""
    hit = phrases.hit[index]
    rows = hit.max((0, 1))  # (rows,)
    if phrases.kind == "pitched" and rows.any():
        used = np.flatnonzero(rows)
        rows = np.zeros_like(rows)
        rows[used[0] : used[-1] + 1] = 1
    free: FloatArray = (1 - hit) * rows * phrases.valid[index][..., None]
    return free


def random_order(hit: FloatArray, free: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return scores that flip cells in a random order, notes and free cells equally often."""
    score = np.full(hit.size, NO_ROOM, np.float32)
    places = [np.flatnonzero(hit.ravel()), np.flatnonzero(free.ravel())]
    many = min(len(places[0]), len(places[1]))
    order = np.empty(2 * many, np.int64)
    first = random.random(many) < 0.5
    a, b = (random.permutation(p) for p in places)
    order[0::2] = np.where(first, a[:many], b[:many])
    order[1::2] = np.where(first, b[:many], a[:many])
    order = np.concatenate([order, a[many:], b[many:]])
    score[order] = -np.arange(len(order), dtype=np.float32)
    return score.reshape(hit.shape)


def dic_only(
    codec: Codec, phrases: Phrases, code: Code, made: Phrases, group: npt.NDArray[Any], seed: int
) -> Phrases:
    """Move each phrase through the latent space, as far as another contender went.

    Parameters
    ----------
    codec : Codec
        The DIC.
    phrases, code : Phrases, Code
        The phrases, and what they are in the latent space.
    made : Phrases
        Their variations, for the distances.
    group : ndarray
        (windows,): each is moved towards another of its group and metre.
    seed : int
        Chooses the other windows and the noise.
    """
    step = steps(phrases, code, group, np.random.default_rng((seed, 2)))
    wanted = distance(phrases.hit, made.hit)
    low, high = np.zeros(len(phrases)), np.ones(len(phrases))
    best, nearest = high.copy(), np.full(len(phrases), np.inf)
    for halving in range(_HALVINGS + 1):
        t = high if halving == 0 else (low + high) / 2
        apart = distance(phrases.hit, _decode(codec, phrases, code, step, t).hit)
        gap = np.abs(apart - wanted)
        best, nearest = np.where(gap < nearest, t, best), np.minimum(gap, nearest)
        if halving > 0:
            near = apart < wanted
            low, high = np.where(near, t, low), np.where(near, high, t)
    return _decode(codec, phrases, code, step, best)


def steps(
    phrases: Phrases, code: Code, group: npt.NDArray[Any], random: np.random.Generator
) -> Code:
    """Return the whole way from each latent to another's, noise included."""
    other = np.arange(len(phrases))
    for bar in np.unique(phrases.bar):
        for name in np.unique(group):
            order = random.permutation(np.flatnonzero((phrases.bar == bar) & (group == name)))
            other[order] = np.roll(order, 1)
    parts = []
    for values, spread in zip(code, spreads(code), strict=True):
        noise = NOISE * spread * random.normal(size=values.shape)
        parts.append((values[other] - values + noise).astype(np.float32))
    return Code(*parts)


def _decode(
    codec: Codec, phrases: Phrases, code: Code, step: Code, t: npt.NDArray[np.floating]
) -> Phrases:
    """Decode the latent t of the way along a step, (windows,)."""
    parts: list[Any] = []
    for at in range(0, len(phrases), CHUNK):
        some = slice(at, at + CHUNK)
        way = np.asarray(t[some], np.float32)
        moved = Code(
            (code.content[some] + way[:, None, None] * step.content[some]).astype(np.float32),
            (code.style[some] + way[:, None] * step.style[some]).astype(np.float32),
        )
        parts.append(decoded(codec, moved, phrases.pick(some)))
    cells = [np.concatenate(part) for part in zip(*parts, strict=True)]
    hit, velocity, offset, duration = cells
    return _clean(replace(phrases, hit=hit, velocity=velocity, offset=offset, duration=duration))


def decoded(
    codec: Codec, code: Code, phrases: Phrases
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return hits, velocities, offsets and durations (sixteenths) that a latent decodes to."""
    out = codec.decode(code, phrases.position)
    level = np.log(codec.threshold / (1 - codec.threshold))
    hit = ((out.hit > level) * phrases.valid[..., None]).astype(np.float32)
    velocity, offset = np.clip(out.velocity, 1 / 127, 1), np.clip(out.offset, -0.75, 0.75)
    duration = sixteenths(np.clip(out.duration, 0.05, 1))
    return hit, velocity, offset, duration if codec.kind == "pitched" else np.zeros_like(hit)


def _clean(phrases: Phrases) -> Phrases:
    """Return phrases with zeros where there is no hit."""
    hit = np.asarray(phrases.hit, np.float32)
    cells = (phrases.velocity, phrases.offset, phrases.duration)
    velocity, offset, duration = (np.asarray(part * hit, np.float32) for part in cells)
    return replace(phrases, hit=hit, velocity=velocity, offset=offset, duration=duration)
