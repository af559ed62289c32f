"""Variations of phrases, note for note: what ``antiphon vary`` and the live partner call.

A phrase is put on the grid, the networks say what they would change (:mod:`codec`), and the
change is carried out on the notes themselves: a note that is kept is the musician's own note,
with its own length and channel; nothing passes through a roll that need not.

Needs only numpy.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from antiphon.errors import CheckpointError, PhraseError
from antiphon.model import Keep, Variation
from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Phrase, Voice
from antiphon_models import moves
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.codec import (
    HINTS,
    LONGEST,
    Code,
    Editor,
    Prepared,
    choose_flips,
    load_editor,
    touch,
)
from antiphon_models.noise import draw_noise
from antiphon_models.rolls import (
    MAX_DURATION,
    ROWS,
    SIXTEENTH,
    SLOTS,
    BoolArray,
    FloatArray,
    IntArray,
    Kind,
    Sheet,
    distance,
    is_drum,
    pitch_of,
    position,
    write_sheet,
)
from antiphon_models.runtime import checkpoint_path, use_one_thread

SHIPPED_GANS: Final = ("gan-drums", "gan-pitched")

LONGEST_PHRASE: Final = 8
"""Bars of a phrase."""

TRIES: Final = 12
"""Times that a variation which came out as an earlier one is tried again, each time freer."""

TIGHT: Final = 0.02
"""Offsets smaller than this many sixteenths are none: the phrase is on the grid."""

LEAN: Final = 0.45
"""Sixteenths that a note which moved to another slot is off it at most, so that none passes
another."""

SHORTEST: Final = 1e-3
"""Beats that a note lasts at least; notes of one key that are nearer begin at once."""


def _midi(velocity: float) -> int:
    return min(max(round(velocity), 1), 127)


class _Plain:
    """What a phrase is like, so that new notes are like it."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet, self._rows = sheet, ROWS[sheet.kind]
        cells = sheet.roll.reshape(-1, sheet.roll.shape[-1])
        placed = [(n, c) for n, c in zip(sheet.notes, sheet.cell.tolist(), strict=True) if c >= 0]
        self.known = [(n, c, float(cells[c, 1]), float(cells[c, 2])) for n, c in placed]
        """Notes with their cells, and the velocity and the offset of each cell."""
        self.unknown = [n for n, c in zip(sheet.notes, sheet.cell, strict=True) if c < 0]
        """Notes that the networks know nothing of; they stay as they are."""
        self._notes = [n for n, _ in placed]
        self._starts = np.array([n.start for n in self._notes])
        self._pitches = np.array([n.pitch for n in self._notes])
        lengths: list[float] = sorted({n.duration for n in self._notes})
        self._lengths = lengths or [SIXTEENTH]
        self.on_grid = all(abs(late) < TIGHT for _, _, _, late in self.known)
        velocities = {n.velocity for n in self._notes}
        self.flat_velocity = len(velocities) == 1 and len(placed) > 1
        self._velocity = next(iter(velocities), 80)
        self._of_row: dict[int, Counter[int]] = {}
        for note, cell in placed:
            self._of_row.setdefault(cell % self._rows, Counter())[note.pitch] += 1

    def time(self, cell: int) -> float:
        """Return where a cell lies, in beats."""
        return self._sheet.grid.time(cell // self._rows)

    def pitch(self, row: int) -> int:
        """Return the pitch of a row: the one that the phrase has there, if any."""
        if row in self._of_row:
            return self._of_row[row].most_common(1)[0][0]
        return pitch_of(self._sheet.kind, row)

    def new_note(self, cell: int, velocity: float, offset: float, duration: float) -> Note:
        """Make a note for a cell; its length is the nearest that the phrase has."""
        pitch = self.pitch(cell % self._rows)
        start = self.time(cell) + (0.0 if self.on_grid else offset * SIXTEENTH)
        drums = self._sheet.kind == "drums"
        like = self._nearest(start, pitch)
        wanted = max(min(2 ** (LONGEST * duration) - 1, MAX_DURATION) * SIXTEENTH, 0.02)
        length = min(self._lengths, key=lambda have: abs(math.log(have / wanted)))
        return Note(
            Beats(start),
            pitch,
            _midi(self._velocity if self.flat_velocity else 127 * velocity),
            Beats(like.duration if drums and like else length),
            like.channel if like else (DRUM_CHANNEL if drums else 1),
            like.voice if like else (Voice.DRUMS if drums else Voice.KEYS),
        )

    def _nearest(self, start: float, pitch: int) -> Note | None:
        """Return the note of the phrase that a new one is most like, for its channel."""
        if not self._notes:
            return None
        cost = np.abs(self._pitches - pitch) + 4 * np.abs(self._starts - start)
        return self._notes[int(cost.argmin())]


@dataclass(frozen=True, eq=False)
class _Part:
    """The drums, or the pitched notes, of a phrase, ready to be varied."""

    sheet: Sheet
    editor: Editor
    phrase: Prepared
    position: FloatArray
    duration: FloatArray
    meter: Meter
    end: float
    plain: _Plain

    @property
    def size(self) -> int:
        return int(self.sheet.hits.sum())


class NetworkVarier:
    """Varies phrases with a GAN for drums and one for pitched notes; see :class:`Varier`.

    Parameters
    ----------
    editors : sequence of Editor
        At most one of each kind is used, the last.
    """

    def __init__(self, editors: Sequence[Editor]) -> None:
        self._editors: dict[Kind, Editor] = {editor.kind: editor for editor in editors}

    @property
    def names(self) -> tuple[str, ...]:
        """The checkpoints in use."""
        return tuple(editor.name for editor in self._editors.values())

    def check(self, phrase: Phrase, length: Beats) -> None:
        """Make sure that a phrase can be varied; raises PhraseError if not."""
        _check_length(phrase.meter, length)
        if not phrase.notes:
            raise PhraseError("expected a phrase with notes", "found none", "play or choose some")
        for kind, notes in _by_kind(phrase.notes).items():
            if kind not in self._editors:
                raise PhraseError(
                    f"expected networks for {kind} notes",
                    f"found {', '.join(self.names) or 'none'}",
                    "name a GAN for them with --gan, or leave these notes out",
                )
            sheet = write_sheet(kind, notes, phrase.meter, length, phrase.bpm)
            if not (sheet.cell >= 0).any():
                raise _unknown(kind, notes)

    def variations(
        self,
        phrase: Phrase,
        length: Beats,
        amount: float,
        count: int,
        seed: Sequence[int],
        keep: Keep = Keep.NOTHING,
    ) -> Iterator[Variation]:
        """Vary a phrase, see :meth:`antiphon.model.Varier.variations`."""
        parts = self._parts(phrase, length)
        return _distinct(parts, phrase, amount, count, tuple(seed), keep)

    def humanise(
        self, phrase: Phrase, length: Beats, amount: float, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Give a straight pattern a player's touch, see :meth:`antiphon.model.Varier.humanise`."""
        parts = self._parts(phrase, length)

        def make() -> Iterator[Variation]:
            for index in range(count):
                notes: list[Note] = []
                for part in parts:
                    random = _random((*seed, index), part.sheet.kind)
                    notes += _humanised(part, amount, random)
                yield Variation(tuple(sorted(notes)), 0.0)

        return make()

    def groove(
        self, phrase: Phrase, length: Beats, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Make drums to a phrase, see :meth:`antiphon.model.Varier.groove`."""
        self.check(phrase, length)
        if "drums" not in self._editors:
            raise PhraseError(
                "expected a network for drums",
                f"found {', '.join(self.names)}",
                "name it with --gan",
            )
        editor = self._editors["drums"]
        rhythm = _rhythm(phrase, length)

        def make() -> Iterator[Variation]:
            for index in range(count):
                notes = _groove(editor, rhythm, phrase, length, _random((*seed, index), "drums"))
                yield Variation(notes, 1.0)

        return make()

    def blend(self, first: Phrase, last: Phrase, length: Beats, steps: int) -> list[Variation]:
        """Morph from one phrase to another, see :meth:`antiphon.model.Varier.blend`."""
        if first.meter != last.meter:
            raise PhraseError(
                "expected two phrases of one meter",
                f"found {first.meter} and {last.meter}",
                "choose two alike",
            )
        kinds = [_by_kind(p.notes) for p in (first, last)]
        pairs = []
        for kind in self._editors:
            ends = []
            for phrase, found in zip((first, last), kinds, strict=True):
                self.check(phrase, length)
                notes = found.get(kind, ())
                only = Phrase(tuple(notes), phrase.bpm, phrase.meter)
                ends.append(self._part(kind, only, length))
            if any(part.sheet.notes for part in ends):
                pairs.append(ends)
        found_steps = []
        for index in range(steps):
            share = index / (steps - 1)
            notes = [n for one, other in pairs for n in _blended(one, other, share)]
            size = sum(one.size + _hits_of(one, notes).sum() for one, _ in pairs)
            apart = sum(np.abs(one.sheet.hits - _hits_of(one, notes)).sum() for one, _ in pairs)
            found_steps.append(Variation(tuple(sorted(notes)), float(apart / max(size, 1))))
        return found_steps

    def _parts(self, phrase: Phrase, length: Beats) -> list[_Part]:
        self.check(phrase, length)
        return [
            self._part(kind, Phrase(tuple(notes), phrase.bpm, phrase.meter), length)
            for kind, notes in _by_kind(phrase.notes).items()
        ]

    def _part(self, kind: Kind, phrase: Phrase, length: Beats) -> _Part:
        editor = self._editors[kind]
        sheet = write_sheet(kind, phrase.notes, phrase.meter, length, phrase.bpm)
        where = _position(sheet)
        lengths = np.zeros(sheet.hits.size, np.float32)
        known = sheet.cell >= 0
        sixteenths = np.array([n.duration / SIXTEENTH for n in phrase.notes], np.float32)
        lengths[sheet.cell[known]] = np.log2(1 + sixteenths[known]) / LONGEST
        return _Part(
            sheet,
            editor,
            editor.prepare(sheet.roll, where),
            where,
            lengths.reshape(sheet.hits.shape),
            phrase.meter,
            float(length),
            _Plain(sheet),
        )


def load_varier(names: Sequence[str] = ()) -> NetworkVarier:
    """Load the networks that vary: the shipped ones, and instead of them those named.

    Parameters
    ----------
    names : sequence of str
        GANs by name or file; each takes the place of the shipped one of its kind.

    Raises
    ------
    CheckpointError
        If one is missing, broken, or no GAN.
    """
    use_one_thread()
    editors = [load_editor(load_checkpoint(checkpoint_path(name), "gan")) for name in names]
    have = {editor.kind for editor in editors}
    for name in SHIPPED_GANS:
        if name.removeprefix("gan-") not in have:
            editors.append(load_editor(load_checkpoint(checkpoint_path(name), "gan")))
    if len({editor.kind for editor in editors}) < len(editors):
        raise CheckpointError(
            "expected at most one GAN for drums and one for pitched notes",
            f"found {', '.join(names)}",
            "name each kind once",
        )
    return NetworkVarier(editors)


# -- what is refused -------------------------------------------------------------------------


def _check_length(meter: Meter, length: Beats) -> None:
    bars = length / meter.bar
    if not 0 < bars <= LONGEST_PHRASE + 1e-6:
        raise PhraseError(
            f"expected a phrase of at most {LONGEST_PHRASE} bars",
            f"found {bars:.4g} bars of {meter}",
            "cut it, or choose some of its bars",
        )
    if abs(meter.bar / SIXTEENTH - round(meter.bar / SIXTEENTH)) > 1e-6:
        raise PhraseError(
            "expected a meter whose bars are whole sixteenths",
            f"found {meter}",
            "write it in another meter",
        )


def _unknown(kind: Kind, notes: Sequence[Note]) -> PhraseError:
    pitches = ", ".join(str(p) for p in sorted({n.pitch for n in notes})[:8])
    if kind == "drums":
        return PhraseError(
            "expected drums of the General MIDI kit (35..59) among the drum notes",
            f"found the pitches {pitches}",
            "read them as pitched notes, or map them to the kit",
        )
    return PhraseError(
        "expected notes of the piano's range (21..108)",
        f"found the pitches {pitches}",
        "transpose them",
    )


# -- varying ---------------------------------------------------------------------------------


def _by_kind(notes: Sequence[Note]) -> dict[Kind, list[Note]]:
    found: dict[Kind, list[Note]] = {}
    for note in notes:
        found.setdefault("drums" if is_drum(note) else "pitched", []).append(note)
    return found


def _position(sheet: Sheet) -> FloatArray:
    grid = sheet.grid
    bpm = np.full(grid.beats, grid.bpm)
    return position(grid.phase, grid.bar, grid.triplet, grid.valid, bpm)


def _random(seed: tuple[int, ...], kind: Kind) -> np.random.Generator:
    """Return the random numbers of one variation; drums and pitched notes have their own."""
    return np.random.default_rng([*(abs(n) for n in seed), 0 if kind == "drums" else 1])


def _distinct(
    parts: Sequence[_Part],
    phrase: Phrase,
    amount: float,
    count: int,
    seed: tuple[int, ...],
    keep: Keep,
) -> Iterator[Variation]:
    """Yield variations; one that came out as another before is tried again, with more chance."""
    if amount <= 0:
        yield from (Variation(phrase.notes, 0.0) for _ in range(count))
        return
    seen: set[bytes] = set()
    sounded = {_sound(phrase.notes)}
    for index in range(count):
        spare: tuple[list[tuple[FloatArray, list[Note]]], tuple[Note, ...]] | None = None
        for attempt in range(TRIES):
            made = [_varied(part, amount, (*seed, index, attempt), keep) for part in parts]
            print_ = b"".join(hits.tobytes() for hits, _ in made)
            notes = tuple(sorted(n for _, found in made for n in found))
            if _sound(notes) not in sounded:
                if print_ not in seen:
                    break
                spare = spare or (made, notes)
        else:  # no new notes to be found: at least they are struck in another way
            made, notes = spare or (made, notes)
        seen.add(b"".join(hits.tobytes() for hits, _ in made))
        sounded.add(_sound(notes))
        total = sum(p.size + hits.sum() for p, (hits, _) in zip(parts, made, strict=True))
        apart = sum(
            np.abs(p.sheet.hits - hits).sum() for p, (hits, _) in zip(parts, made, strict=True)
        )
        yield Variation(notes, float(apart / max(total, 1)))


def _sound(notes: Sequence[Note]) -> tuple[tuple[float, int, int, float, int], ...]:
    return tuple((n.start, n.pitch, n.velocity, n.duration, n.channel) for n in notes)


def _varied(
    part: _Part, amount: float, seed: tuple[int, ...], keep: Keep
) -> tuple[FloatArray, list[Note]]:
    """Make one variation of a part: its hits, and its notes."""
    editor, phrase = part.editor, part.phrase
    random = _random(seed, part.sheet.kind)
    rows = ROWS[part.sheet.kind]
    noise, cell_noise, chance = draw_noise(
        random, part.sheet.grid.phase, rows, editor.noise, editor.sharing
    )
    wanted = editor.reach * amount
    cells = editor.edit(phrase, wanted, noise)
    score = editor.scores(phrase, cells, cell_noise, heat=1 + 0.3 * seed[-1])
    if keep is Keep.NOTHING:
        hits = choose_flips(score, phrase.hit, wanted)
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
    felt = touch(part.phrase, cells, part.duration, amount, chance)
    return hits, _write(part, felt, hits, moved, timed=keep is Keep.NOTHING)


def _write(
    part: _Part,
    felt: tuple[FloatArray, ...],
    hits: FloatArray,
    moved: dict[int, int],
    *,
    timed: bool,
) -> list[Note]:
    """Carry out a change on the notes.

    Parameters
    ----------
    part : _Part
        The phrase.
    felt : tuple of ndarray
        Velocity, offset and duration of each cell, (beats, SLOTS, rows) each.
    hits : ndarray
        (beats, SLOTS, rows): where notes begin now.
    moved : dict
        Cells whose notes go to another cell, with their lengths and channels.
    timed : bool
        Whether kept notes take on microtiming; if not, they begin where they began.
    """
    plain, rows = part.plain, ROWS[part.sheet.kind]
    velocity, offset, duration = (values.ravel().tolist() for values in felt)
    flat = (hits.ravel() > 0).tolist()
    notes, taken = [], set()
    for note, cell, loud, late in plain.known:
        goal = moved.get(cell, cell)
        if not flat[goal]:
            continue
        taken.add(goal)
        louder = 0.0 if plain.flat_velocity else 127 * (velocity[goal] - loud)
        later = (offset[goal] - late) * SIXTEENTH if timed and not plain.on_grid else 0.0
        pitch = note.pitch
        if goal // rows != cell // rows:
            lean = LEAN * SIXTEENTH
            off = note.start - plain.time(cell)
            later = plain.time(goal) + lean * math.tanh(off / lean) - note.start
        if goal % rows != cell % rows:
            pitch = plain.pitch(goal % rows)
        notes.append(
            Note(
                Beats(note.start + later),
                pitch,
                _midi(note.velocity + louder),
                note.duration,
                note.channel,
                note.voice,
            )
        )
    for cell in np.flatnonzero(hits).tolist():
        if cell not in taken:
            notes.append(plain.new_note(cell, velocity[cell], offset[cell], duration[cell]))
    return fit([*notes, *plain.unknown], part.end)


def fit(notes: Sequence[Note], end: float, *, drop: bool = True) -> list[Note]:
    """Shorten notes so that no key is struck while it sounds, and none outlasts the phrase.

    Of notes that strike one key at once the first is left; without `drop`, all are.
    """
    kept: list[Note] = []
    last: dict[tuple[int, int], int] = {}
    for note in sorted(notes):
        key = note.channel, note.pitch
        if key in last:
            before = kept[last[key]]
            if note.start - before.start < SHORTEST:
                if not drop:
                    kept.append(note)
                continue  # one key, one onset, one note
            if before.end > note.start:
                kept[last[key]] = replace(before, duration=Beats(note.start - before.start))
        last[key] = len(kept)
        kept.append(note)
    return [_within(note, end) for note in kept]


def _within(note: Note, end: float) -> Note:
    """Let a note end with the phrase, if it begins before that."""
    if note.end <= end + 1e-9:
        return note
    room = end - note.start
    return replace(note, duration=Beats(min(note.duration, room if room > SHORTEST else SHORTEST)))


# -- the tools -------------------------------------------------------------------------------


def _humanised(part: _Part, amount: float, random: np.random.Generator) -> list[Note]:
    """Play the notes of a part as the DIC, shown a flat roll, thinks they are played."""
    sheet = part.sheet
    felt = part.editor.codec.humanise(sheet.roll, part.position, random)
    velocity, offset = (values.ravel().tolist() for values in felt)
    notes = []
    for note, cell, _, late in part.plain.known:
        later = (offset[cell] - late) * SIXTEENTH
        notes.append(
            replace(
                note,
                start=Beats(note.start + amount * later),
                velocity=_midi(note.velocity + amount * (127 * velocity[cell] - note.velocity)),
            )
        )
    made = [*notes, *part.plain.unknown]
    return fit(made, part.end, drop=False) if amount > 0 else made


def _rhythm(phrase: Phrase, length: Beats) -> tuple[Sheet, FloatArray]:
    """Return the grid of a phrase as an empty drum sheet, and its rhythm as hints."""
    onsets = [replace(n, pitch=36, voice=Voice.DRUMS, channel=DRUM_CHANNEL) for n in phrase.notes]
    taps = write_sheet("drums", onsets, phrase.meter, length, phrase.bpm)
    hints = np.zeros((taps.grid.beats, HINTS), np.float32)
    hints[:, :SLOTS] = taps.roll[..., 0].max(-1)
    hints[:, SLOTS : 2 * SLOTS] = taps.roll[..., 1].max(-1)
    hints[:, -1] = 1.0
    return taps, hints


def _groove(
    editor: Editor,
    rhythm: tuple[Sheet, FloatArray],
    phrase: Phrase,
    length: Beats,
    random: np.random.Generator,
) -> tuple[Note, ...]:
    """Decode a groove from a rhythm, and let the GAN play with it a little."""
    taps, hints = rhythm
    codec, where = editor.codec, _position(taps)
    code = codec.encode(np.zeros_like(taps.roll), where, hints)
    style = code.style.copy()
    style[codec.named :] += 0.5 * random.normal(size=len(style) - codec.named)
    cells = codec.decode(Code(code.content, style.astype(np.float32)), where)
    level = math.log(codec.threshold / (1 - codec.threshold))
    hits = (cells.hit > level) & taps.grid.valid[:, :, None]
    if not hits.any():  # the rhythm says too little: the likeliest stroke of each beat
        hits[np.arange(len(hits)), 0, 0] = True
    notes = []
    for beat, slot, row in np.argwhere(hits).tolist():
        start = taps.grid.time(beat * SLOTS + slot)
        late = float(np.clip(cells.offset[beat, slot, row], -0.6, 0.6)) * SIXTEENTH
        loud = _midi(127 * float(cells.velocity[beat, slot, row]))
        pitch = pitch_of("drums", row)
        note = Note(Beats(start + late), pitch, loud, Beats(SIXTEENTH), DRUM_CHANNEL, Voice.DRUMS)
        notes.append(note)
    made = Phrase(tuple(notes), phrase.bpm, phrase.meter)
    varier = NetworkVarier([editor])
    seed = random.integers(0, 2**31, 2).tolist()
    (varied,) = varier.variations(made, length, 0.15, 1, seed)
    return varied.notes


# -- blending --------------------------------------------------------------------------------


def _hits_of(part: _Part, notes: Sequence[Note]) -> FloatArray:
    """Return the hits that notes have on the grid of a part."""
    mine = [n for n in notes if is_drum(n) == (part.sheet.kind == "drums")]
    kind, tempo = part.sheet.kind, part.sheet.grid.bpm
    return write_sheet(kind, mine, part.meter, Beats(part.end), tempo).hits


def _best(score: FloatArray, among: BoolArray, count: int) -> IntArray:
    """Return the cells of a choice with the best scores, those that exist."""
    order = np.argsort(-np.where(among, score, -np.inf), kind="stable")[:count]
    found: IntArray = order[among[order] & np.isfinite(score[order])]
    return found


def _blended(one: _Part, other: _Part, share: float) -> list[Note]:
    """Decode what lies between two phrases, and write it with the notes of both."""
    if share <= 0:
        return list(one.sheet.notes)
    if share >= 1:
        return list(other.sheet.notes)
    near, far = (one, other) if share < 0.5 else (other, one)
    codec = near.editor.codec
    codes = [codec.encode(p.sheet.roll, p.position) for p in (one, other)]
    content, style = ((1 - share) * a + share * b for a, b in zip(codes[0], codes[1], strict=True))
    cells = codec.decode(Code(content, style), near.position)
    first, last = one.sheet.hits.ravel(), other.sheet.hits.ravel()
    # What both have stays longest; what only the last has comes first, the more so the nearer.
    score = np.where(near.phrase.valid.ravel() > 0, cells.hit.ravel() + 6 * share * last, -np.inf)
    count = max(round((1 - share) * one.size + share * other.size), 1)
    # Of the first as many are left as put the blend at its share of the distance.
    apart = share * float(distance(one.sheet.hits, other.sheet.hits))
    left = min(round((1 - apart) * (one.size + count) / 2), one.size, count)
    chosen = np.concatenate([_best(score, first > 0, left), _best(score, first == 0, count - left)])
    plain, notes = (near if near.size else far).plain, []
    of_cell: dict[int, list[Note]] = {}
    for part in (far, near):  # the nearer one's notes win
        for note, cell in zip(part.sheet.notes, part.sheet.cell.tolist(), strict=True):
            if cell >= 0 and (part is near or cell not in of_cell):
                of_cell.setdefault(cell, []).append(note)
    for cell in chosen.tolist():
        if cell in of_cell:
            notes += of_cell[cell]
        else:
            values = (cells.velocity.ravel(), cells.offset.ravel(), cells.duration.ravel())
            notes.append(plain.new_note(cell, *(float(v[cell]) for v in values)))
    return fit([*notes, *near.plain.unknown], near.end)
