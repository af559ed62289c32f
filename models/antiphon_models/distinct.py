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
from antiphon_models.flips import NO_ROOM, choose_cells, flip
from antiphon_models.noise import draw_noise
from antiphon_models.notation import IN_ORDER, Part, write_notes
from antiphon_models.prepared import inherited
from antiphon_models.rolls import ROWS, FloatArray, IntArray, Kind

TRIES: Final = 12
"""Times that a variation which came out as an earlier one is tried again, each time freer."""

TOGETHER: Final = 5
"""Variations after the first that the networks are asked for at once."""


def generator(seed: tuple[int, ...], kind: Kind) -> np.random.Generator:
    """Return random numbers of their own for a seed, and for drums and for pitched notes."""
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
            # So many at once whatever the count: chance and rounding are to be the same for any.
            some = TOGETHER if index else 1
            ahead = yield from _drafts(parts, amount, (*seed, index, 0), keep, count=some)
        drafts = ahead.pop(0)
        spare: _Made | None = None
        for attempt in range(TRIES):
            if attempt:
                again, heat = (*seed, index, attempt), 1 + 0.3 * attempt
                (drafts,) = yield from _drafts(parts, amount, again, keep, heat)
            found = yield from _make(parts, drafts, keep)
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
    parts: Sequence[Part], drafts: Sequence[_Draft], keep: Keep
) -> Generator[None, None, _Made]:
    """Make a variation of all parts of what the networks say of each."""
    notes: list[Note] = []
    hits, total, apart = b"", 0, 0
    for number, (part, draft) in enumerate(zip(parts, drafts, strict=True)):
        if number:
            yield
        told = dict(zip(draft.struck.tolist(), draft.touch, strict=True))
        notes += write_notes(part, told, draft.moved, timed=keep is Keep.NOTHING)
        hits += draft.struck.tobytes()
        total += part.size + len(draft.struck)
        apart += draft.changed
    notes.sort(key=IN_ORDER)
    return _Made(tuple(notes), _sound_of(notes), hits, apart / max(total, 1))


class _Draft(NamedTuple):
    """A variation of a part on the grid.

    `struck` are its cells with a note, `touch` velocity, offset and duration of each; `changed`
    is how many cells are not as in the phrase, `moved` which notes go where.
    """

    struck: IntArray
    touch: list[tuple[float, float, float]]
    changed: int
    moved: dict[int, int]


def _drafts(
    parts: Sequence[Part],
    amount: float,
    seed: tuple[int, ...],
    keep: Keep,
    heat: float = 1.0,
    count: int = 1,
) -> Generator[None, None, list[list[_Draft]]]:
    """Draft several variations at once: for each, what becomes of each part.

    A network's weights are read from memory once for all of them, and numpy is called once.
    """
    found: list[list[_Draft]] = [[] for _ in range(count)]
    for part in parts:
        kind, editor, phrase = part.sheet.kind, part.editor, part.phrase
        random, phase = generator(seed, kind), part.sheet.grid.phase
        noise = draw_noise(random, phase, ROWS[kind], editor.noise, editor.sharing, count)
        said = editor.edit(phrase, editor.reach * amount, noise.inputs)
        chosen = []
        for wanted in editor.want(phrase, said, noise, heat):
            yield
            chosen.append(_choose(part, editor.reach * amount, *wanted, keep))
        yield
        number = np.repeat(np.arange(count), [len(struck) for struck, _, _ in chosen])
        cells = np.concatenate([struck for struck, _, _ in chosen])
        felt, duration = editor.touch(phrase, said, amount, noise, number, cells)
        start = 0
        for drafts, (struck, changed, moved) in zip(found, chosen, strict=True):
            some = slice(start, start := start + len(struck))
            long = (
                inherited(phrase, struck, duration[some]) if kind == "pitched" else duration[some]
            )
            touch = list(zip(*felt[some].T.tolist(), long.tolist(), strict=True))
            drafts.append(_Draft(struck, touch, changed, moved))
    return found


_Sound = tuple[tuple[float, int, int, float, int], ...]


def _sound_of(notes: Sequence[Note]) -> _Sound:
    """Return all that can be heard of notes."""
    return tuple(map(IN_ORDER, notes))


def _choose(
    part: Part, wanted: float, cells: IntArray, score: FloatArray, keep: Keep
) -> tuple[IntArray, int, dict[int, int]]:
    """Choose where a variation strikes: its cells, how many changed, and which notes moved."""
    phrase = part.phrase
    moved: dict[int, int] = {}
    if keep is Keep.NOTHING:
        flips = choose_cells(cells, score, phrase.hit, wanted, phrase.frame)
        hits = flip(phrase.hit, flips).ravel()
        if not hits.any():  # a phrase is never varied into silence
            comes = phrase.sign[cells] > 0
            hits[cells[np.where(comes, score, NO_ROOM).argmax()]] = 1
    else:
        every = np.full(phrase.hit.shape, NO_ROOM)
        every.ravel()[cells] = score
        choose = moves.change_rows if keep is Keep.RHYTHM else moves.change_slots
        moved = choose(every, phrase.hit, wanted, apart=part.sheet.kind == "drums")
        hits = phrase.hit.copy().ravel()
        hits[list(moved)] = 0
        hits[list(moved.values())] = 1
    changed = int(np.count_nonzero(hits != phrase.hit.ravel()))
    return np.flatnonzero(hits > 0), changed, moved
