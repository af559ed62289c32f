"""Variations of a phrase's parts, no two alike, from what the networks say to the notes.

Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np

from antiphon.model import Keep, Variation
from antiphon.music import Note, Phrase
from antiphon_models import moves
from antiphon_models.codec import Cells
from antiphon_models.editor import touch
from antiphon_models.flips import choose_flips
from antiphon_models.noise import draw_noise
from antiphon_models.notation import IN_ORDER, Part, write_notes
from antiphon_models.rolls import ROWS, FloatArray, Kind

TRIES: Final = 12
"""Times that a variation which came out as an earlier one is tried again, each time freer."""

TOGETHER: Final = 5
"""Variations after the first that the networks are asked for at once."""


def generator(seed: tuple[int, ...], kind: Kind) -> np.random.Generator:
    """Return the random numbers of one variation; drums and pitched notes have their own."""
    return np.random.default_rng([*(abs(n) for n in seed), 0 if kind == "drums" else 1])


def distinct(
    parts: Sequence[Part],
    phrase: Phrase,
    amount: float,
    count: int,
    seed: tuple[int, ...],
    keep: Keep,
) -> Iterator[Variation | None]:
    """Yield variations; one that came out as another before is tried again, with more chance.

    Between them it yields None after each part of the work, so that nobody waits for long.
    """
    if amount <= 0:
        yield from (Variation(phrase.notes, 0.0) for _ in range(count))
        return
    seen: set[bytes] = set()
    sounded = {_sound_of(phrase.notes)}
    ahead: list[list[_Draft]] = []
    for index in range(count):
        if not ahead:
            # So many at once whatever the count: rounding, too, is to be the same for any.
            some = range(index, index + (TOGETHER if index else 1))
            ahead = yield from _drafts(parts, amount, [(*seed, n, 0) for n in some])
        drafts = ahead.pop(0)
        spare: _Made | None = None
        for attempt in range(TRIES):
            if attempt:
                (drafts,) = yield from _drafts(parts, amount, [(*seed, index, attempt)])
            found = yield from _make(parts, drafts, amount, 1 + 0.3 * attempt, keep)
            if found.sound not in sounded:
                if found.hits not in seen:
                    break
                spare = spare or found
        else:  # no new notes to be found: at least they are struck in another way
            found = spare or found
        seen.add(found.hits)
        sounded.add(found.sound)
        yield Variation(found.notes, found.distance)


class _Made(NamedTuple):
    """A variation: its notes, what tells them and their hits from others, and its distance."""

    notes: tuple[Note, ...]
    sound: _Sound
    hits: bytes
    distance: float


def _make(
    parts: Sequence[Part], drafts: Sequence[_Draft], amount: float, heat: float, keep: Keep
) -> Generator[None, None, _Made]:
    """Make a variation of all parts of what the networks say of each."""
    notes: list[Note] = []
    hits, total, apart = b"", 0.0, 0.0
    for number, (part, draft) in enumerate(zip(parts, drafts, strict=True)):
        if number:
            yield
        new, written = _varied(part, draft, amount, heat, keep)
        notes += written
        hits += new.tobytes()
        total += part.size + float(new.sum())
        apart += float(np.abs(part.sheet.hits - new).sum())
    notes.sort(key=IN_ORDER)
    return _Made(tuple(notes), _sound_of(notes), hits, apart / max(total, 1.0))


class _Draft(NamedTuple):
    """What the network says of one variation of a part, and the chance that is to decide."""

    cells: Cells
    noise: FloatArray
    touch: FloatArray


def _drafts(
    parts: Sequence[Part], amount: float, seeds: Sequence[tuple[int, ...]]
) -> Generator[None, None, list[list[_Draft]]]:
    """Ask the networks for several variations at once: for each seed, what they say of each part.

    A network's weights are read from memory once for all of them.
    """
    found: list[list[_Draft]] = [[] for _ in seeds]
    for part in parts:
        kind, editor = part.sheet.kind, part.editor
        phase = part.sheet.grid.phase
        drawn = [
            draw_noise(generator(seed, kind), phase, ROWS[kind], editor.noise, editor.sharing)
            for seed in seeds
        ]
        inputs = np.stack([noise for noise, _, _ in drawn])
        cells = editor.edit(part.phrase, editor.reach * amount, inputs)
        for n, (_, noise, chance) in enumerate(drawn):
            found[n].append(_Draft(Cells(*(each[n] for each in cells)), noise, chance))
        yield
    return found


_Sound = tuple[tuple[float, int, int, float, int], ...]


def _sound_of(notes: Sequence[Note]) -> _Sound:
    """Return all that can be heard of notes."""
    return tuple(map(IN_ORDER, notes))


def _varied(
    part: Part, draft: _Draft, amount: float, heat: float, keep: Keep
) -> tuple[FloatArray, list[Note]]:
    """Make one variation of a part: its hits, and its notes."""
    editor, phrase = part.editor, part.phrase
    wanted = editor.reach * amount
    score = editor.scores(phrase, draft.cells, draft.noise, heat)
    if keep is Keep.NOTHING:
        hits = choose_flips(score, phrase.hit, wanted, phrase.frame)
        moved: dict[int, int] = {}
        if not hits.any():  # a phrase is never varied into silence
            hits.ravel()[int(np.where(phrase.hit > 0, -np.inf, score).argmax())] = 1
    else:
        choose = moves.change_rows if keep is Keep.RHYTHM else moves.change_slots
        moved = choose(score, phrase.hit, wanted, apart=part.sheet.kind == "drums")
        hits = phrase.hit.copy().ravel()
        hits[list(moved)] = 0
        hits[list(moved.values())] = 1
        hits = hits.reshape(phrase.hit.shape)
    struck = hits.nonzero()
    felt = touch(part.phrase, draft.cells, amount, draft.touch, struck)
    values = zip(*(each.tolist() for each in felt), strict=True)
    told = dict(zip(np.ravel_multi_index(struck, hits.shape).tolist(), values, strict=True))
    return hits, write_notes(part, told, moved, timed=keep is Keep.NOTHING)
