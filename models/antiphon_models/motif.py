"""Motif memory: what the piece's own past leads one to expect of the next note.

The last notes are looked up in what was heard before them, whatever key it was in then; where the
longest match was found, what followed it there is expected to follow again. No weights are
needed for that: the network is told the expectation and how long the match was, and learns how
far to trust it.

A note counts as its *step* (the interval from the pitched note before it, or the drum itself) and
its shift. Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from antiphon.music import Voice
from antiphon_models.events import PITCHES

IntArray = npt.NDArray[np.int64]

ORDERS: Final = (16, 12, 8, 6, 4, 3, 2, 1)
"""Lengths of matches that are looked for, in notes, the longest first."""

DRUM_STEP: Final = 1000
"""Steps of drums begin here."""

TRUSTS: Final = 1 + len(ORDERS)
"""Degrees of trust: none, and one for each length of match."""

MIDDLE: Final = 60
"""Pitch that the first step of a piece is counted from."""

_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)


def steps(voice: IntArray, pitch: IntArray) -> tuple[IntArray, IntArray]:
    """Return the step of each note, and the pitch of the last pitched note up to each."""
    pitched = voice != Voice.DRUMS
    index = np.where(pitched, np.arange(len(pitch)), -1)
    last = np.maximum.accumulate(index) if len(index) else index
    base = np.where(last >= 0, pitch[last], MIDDLE)
    before = np.concatenate([[MIDDLE], base[:-1]]) if len(base) else base
    return np.where(pitched, pitch - before, DRUM_STEP + pitch), base


def expectations(
    voice: IntArray, pitch: IntArray, shift: IntArray | None
) -> tuple[IntArray, IntArray, IntArray]:
    """Return, for each note of a piece, which earlier note it is expected to be like.

    Parameters
    ----------
    voice, pitch, shift : ndarray
        (notes,); without `shift` the steps alone are compared.

    Returns
    -------
    source : ndarray
        (notes,): index of the earlier note that followed the longest match; -1 if none.
    expected : ndarray
        (notes,): the pitch expected, in the key of now.
    trust : ndarray
        (notes,): 0 without a match, else 1 + how many of ORDERS are shorter.
    """
    count = len(pitch)
    step, base = steps(voice, pitch)
    token = (step * 4096 + (0 if shift is None else shift)).astype(np.uint64) * _FACTOR
    token ^= token >> np.uint64(29)
    source, trust = np.full(count, -1), np.zeros(count, np.int64)
    for rank, order in enumerate(ORDERS):
        if count <= order:
            continue
        ends = np.arange(order - 1, count - 1)  # the last note of each context
        key = np.zeros(len(ends), np.uint64)
        for back in range(order):
            key = key * np.uint64(0x100000001B3) + token[ends - back]
        found = previous(key)
        near = (found >= 0) & (np.arange(len(ends)) - found <= KEPT)
        new = near & (source[ends + 1] < 0)
        source[ends[new] + 1] = ends[found[new]] + 1
        trust[ends[new] + 1] = len(ORDERS) - rank
    here = np.maximum(source, 0)
    before = np.concatenate([[MIDDLE], base])[:count]
    expected = np.where(step[here] >= DRUM_STEP, pitch[here], before + step[here])
    return source, np.clip(expected, 0, 127), trust


def motif_columns(
    shift: IntArray, voice: IntArray, pitch: IntArray, velocity: IntArray, duration: IntArray
) -> IntArray:
    """Return what was expected of each note: (notes, 8), columns as in COLUMNS from motif_shift.

    Parameters
    ----------
    shift, voice, pitch, velocity, duration : ndarray
        (notes,): ids of the fields; the duration may be masked.
    """
    source, expected, trust = expectations(voice, pitch, shift)
    _, step_pitch, step_trust = expectations(voice, pitch, None)
    fields = [shift[source], voice[source], expected, velocity[source], duration[source], trust]
    found = [np.where(trust > 0, each, none) for each, none in zip(fields, NOTHING, strict=False)]
    alone = np.where(step_trust > 0, step_pitch, NOTHING.step_pitch)
    return np.stack([*found, alone, step_trust], -1)


def previous(key: npt.NDArray[np.uint64]) -> IntArray:
    """Return the index of the last earlier equal key, -1 if there is none."""
    order = np.argsort(key, kind="stable")
    same = np.concatenate([[False], key[order][1:] == key[order][:-1]])
    found = np.full(len(key), -1)
    found[order[same]] = order[np.flatnonzero(same) - 1]
    return found


class Expected(NamedTuple):
    """What is expected of the next note, as ids of the fields; see :func:`motif_columns`."""

    shift: int
    voice: int
    pitch: int
    velocity: int
    duration: int
    trust: int
    step_pitch: int
    step_trust: int


NOTHING: Final = Expected(0, 0, MIDDLE, 0, 0, 0, MIDDLE, 0)
"""Where nothing was heard that leads one to expect anything."""


KEPT: Final = 2000
"""Notes that are looked back over; as many as a network hears in a row in training."""

REPEAT: Final = 4
"""Notes that have to come again to count as a repeat."""

ENOUGH: Final = 2
"""How often the partner may play a passage over again; then nothing more is expected of it."""

SHORT: Final = 16
"""Notes of his own that may be repeated however short the passage is, an ostinato's."""

GROOVE: Final = 40
"""The same for drums, which repeat themselves more."""

ROUNDS: Final = 4
"""How often a passage may come in a row, all told; then the partner has to go on otherwise."""

LOOP: Final = 64
"""Notes that may come so all the same, however short the passage is."""

FAR: Final = 256
"""Notes that are counted back, at most, to see for how long something has been repeated."""

SLACK: Final = 1024
"""Notes that may be taken back without a trace: those that much older than KEPT are let go."""


_LENGTHS: Final = ORDERS[::-1]
_MORE: Final = ORDERS[0] - 1


class _Heard:
    """A note that was heard, and the one before it.

    With rhythm and without: `recent` has a number for each of the notes that end here, the last
    one first; for each length of match `keys` has one for so many of them, and `earlier` the
    index of the last note before where the same ones ended. The last `run` notes, all of them the
    partner's own, are those that came `lag` notes before.
    """

    __slots__ = (
        *("base", "before", "earlier", "ids", "index"),
        *("keys", "lag", "own", "recent", "run", "step"),
    )

    def __init__(self, before: _Heard | None, ids: tuple[int, ...], own: bool) -> None:
        self.before, self.ids, self.own = before, ids, own
        self.index: int = 0 if before is None else before.index + 1
        base: int = MIDDLE if before is None else before.base
        pitch, drum = ids[2], ids[1] == Voice.DRUMS
        self.step = DRUM_STEP + pitch if drum else pitch - base
        self.base: int = base if drum else pitch
        token = self.step + PITCHES  # hash(-1) is hash(-2)
        one, other = ((), ()) if before is None else before.recent
        one, other = (token * 4096 + ids[0], *one[:_MORE]), (token, *other[:_MORE])
        self.recent: tuple[tuple[int, ...], tuple[int, ...]] = one, other
        lengths = _LENGTHS if len(one) == ORDERS[0] else [n for n in _LENGTHS if n <= len(one)]
        self.keys = (
            [hash(one[:length]) for length in lengths],
            [hash(other[:length]) for length in lengths],
        )
        self.earlier: tuple[list[int], list[int]] = ([], [])
        self.lag = self.run = 0

    def pitch_after(self, base: int) -> int:
        """Return the pitch of the same step from another pitch."""
        return self.ids[2] if self.step >= DRUM_STEP else min(max(base + self.step, 0), 127)


_NONE: Final = -1


class Motifs:
    """The memory of a piece that is being played, note by note.

    What it expects is what :func:`motif_columns` says of the whole piece. Going back costs as
    much as hearing the notes that are taken back.
    """

    def __init__(self) -> None:
        self._notes: list[_Heard] = []
        self._first = 0  # index of the oldest of them
        # For each key the index of the last note that ends there; with rhythm, and without.
        self._ends: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def hear(self, ids: Sequence[int], own: bool = False) -> None:
        """Remember a note: shift, voice, pitch, velocity and duration (perhaps masked).

        `own` tells whether the partner played it. Nothing is expected of one who has repeated
        himself enough.
        """
        notes = self._notes
        note = _Heard(notes[-1] if notes else None, tuple(ids[:5]), own)
        self._push(note)
        if own:
            self._count_repeats(note)
        if len(notes) > KEPT + SLACK:
            self._let_go()

    def expect(self) -> Expected:
        """Say what is expected of the next note."""
        if not self._notes:
            return NOTHING
        last = self._notes[-1]
        short = GROOVE if last.step >= DRUM_STEP else SHORT
        if last.run > max(ENOUGH * last.lag, short):
            return NOTHING
        like, trust = self._follow(last.earlier[0])
        step_like, step_trust = self._follow(last.earlier[1])
        fields, step_pitch = NOTHING[:5], NOTHING.step_pitch
        if like is not None:
            shift, voice, _, velocity, duration = like.ids
            fields = (shift, voice, like.pitch_after(last.base), velocity, duration)
        if step_like is not None:
            step_pitch = step_like.pitch_after(last.base)
        return Expected(*fields, trust, step_pitch, step_trust)

    def closes_loop(self, shift: int, voice: int, pitch: int) -> bool:
        """Tell whether a next note would make a loop of what the partner plays.

        That is a passage that comes ROUNDS times in a row, and LOOP notes or more in all. Nothing
        is expected of the partner long before, but the network may still hold on to itself.
        """
        last = self._notes[-1] if self._notes else None
        if last is None or not last.lag:
            return False
        # A passage that comes again after long may be a loop of a shorter one.
        nearest = last.index - last.earlier[0][-1]
        runs = {last.lag: last.run}
        if nearest < last.lag:
            runs[nearest] = self._same_so_far(last, nearest)
        for lag, run in runs.items():
            # The first note came otherwise, so it is not in the run; and there is the one to come.
            place = last.index + 1 - lag - self._first
            if place >= 0 and run + lag + 2 >= max(ROUNDS * lag, LOOP):
                twin = self._notes[place]
                if (shift, voice, pitch) == (*twin.ids[:2], twin.pitch_after(last.base)):
                    return True
        return False

    def clear(self) -> None:
        """Forget everything."""
        self._notes.clear()
        self._first = 0
        for ends in self._ends:
            ends.clear()

    def memory(self) -> object:
        """Return where one is, for :meth:`recall`; costs nothing."""
        return self._notes[-1] if self._notes else None

    def recall(self, memory: object) -> None:
        """Go back to where :meth:`memory` was called, or forth."""
        note, path = cast("_Heard | None", memory), []
        while note is not None and not self._has(note):
            path.append(note)
            note = note.before
        kept = 0 if note is None else note.index + 1 - self._first
        for _ in range(len(self._notes) - kept):
            self._pop()
        for note in reversed(path):
            self._push(note)

    def _count_repeats(self, note: _Heard) -> None:
        """Note how long the partner has been playing the same over again."""
        before, first = note.before, self._first
        lag = 0 if before is None else before.lag
        if lag and note.index - lag >= first:
            twin = self._notes[note.index - lag - first]
            if twin.recent[0][0] == note.recent[0][0]:
                note.lag, note.run = lag, 0 if before is None else before.run + 1
                return
        # The longest match: shorter ones are often of a part of what comes again.
        for length, earlier in reversed([*zip(_LENGTHS, note.earlier[0], strict=False)]):
            if length >= REPEAT and earlier >= first:
                note.lag = note.index - earlier
                note.run = self._same_so_far(note, note.lag)
                return

    def _same_so_far(self, note: _Heard, lag: int) -> int:
        """Count the partner's notes up to this one that came `lag` notes before, to FAR."""
        place, count = note.index - self._first, 0
        while count < FAR and place >= lag:
            one, other = self._notes[place], self._notes[place - lag]
            if not one.own or one.recent[0][0] != other.recent[0][0]:
                break
            place, count = place - 1, count + 1
        return count

    def _has(self, note: _Heard) -> bool:
        place = note.index - self._first
        return 0 <= place < len(self._notes) and self._notes[place] is note

    def _push(self, note: _Heard) -> None:
        if not self._notes:
            self._first = note.index
        self._notes.append(note)
        index = note.index
        for ends, keys, earlier in zip(self._ends, note.keys, note.earlier, strict=True):
            earlier.clear()
            for key in keys:
                earlier.append(ends.get(key, _NONE))
                ends[key] = index

    def _pop(self) -> None:
        note = self._notes.pop()
        for ends, keys, earlier in zip(self._ends, note.keys, note.earlier, strict=True):
            for key, index in zip(keys, earlier, strict=True):
                if index >= self._first:
                    ends[key] = index
                else:
                    del ends[key]

    def _let_go(self) -> None:
        """Forget the oldest note, and that anything was before the one after it."""
        note = self._notes.pop(0)
        self._first += 1
        self._notes[0].before = None
        for ends, keys in zip(self._ends, note.keys, strict=True):
            for key in keys:
                if ends[key] == note.index:
                    del ends[key]

    def _follow(self, earlier: Sequence[int]) -> tuple[_Heard | None, int]:
        """Return the note after the last longest match, and how far to trust it."""
        oldest = max(self._notes[-1].index - KEPT, self._first)
        for trust in range(len(earlier), 0, -1):
            if earlier[trust - 1] >= oldest:
                return self._notes[earlier[trust - 1] + 1 - self._first], trust
        return None, 0
