"""Variations of phrases, note for note: what ``antiphon vary`` and the live partner call.

A phrase is put on the grid, the networks say what they would change
(:mod:`antiphon_models.codec`), and the change is carried out on the notes themselves
(:mod:`antiphon_models.notation`). Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from antiphon.errors import CheckpointError, PhraseError
from antiphon.model import Keep, Variation
from antiphon.music import Beats, Meter, Note, Phrase
from antiphon_models.blend import blended, hits_of
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.distinct import distinct, generator
from antiphon_models.editor import Editor, load_editor
from antiphon_models.groove import groove_to, humanised, rhythm_of
from antiphon_models.notation import Part, by_kind, make_part
from antiphon_models.rolls import SIXTEENTH, Kind, Sheet, write_sheet
from antiphon_models.runtime import checkpoint_path, use_one_thread

SHIPPED_GANS: Final = ("gan-drums", "gan-pitched")

LONGEST_PHRASE: Final = 8
"""Bars of a phrase."""

GROOVE_AMOUNT: Final = 0.15
"""How far a groove to a phrase is varied, so that each is another."""


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
        self._sheets(phrase, length)

    def _sheets(self, phrase: Phrase, length: Beats) -> list[Sheet]:
        """Put a phrase on its grids, drums and pitched notes apart."""
        _check_notes(phrase, length)
        found = []
        for kind, notes in by_kind(phrase.notes).items():
            if kind not in self._editors:
                raise PhraseError(
                    f"expected networks for {kind} notes",
                    f"found {', '.join(self.names) or 'none'}",
                    "name a GAN for them with --gan, or leave these notes out",
                )
            sheet = write_sheet(kind, notes, phrase.meter, length, phrase.bpm)
            if not (sheet.cell >= 0).any():
                raise _unknown(kind, notes)
            found.append(sheet)
        return found

    def variations(
        self,
        phrase: Phrase,
        length: Beats,
        amount: float,
        count: int,
        seed: Sequence[int],
        keep: Keep = Keep.NOTHING,
    ) -> Iterator[Variation | None]:
        """Vary a phrase, see :meth:`antiphon.model.Varier.variations`."""
        sheets = self._sheets(phrase, length)

        def make() -> Iterator[Variation | None]:
            parts: list[Part] = []
            for sheet in sheets:
                parts.append(self._part(sheet, phrase, length))
                yield None
            yield from distinct(parts, phrase, amount, count, tuple(seed), keep)

        return make()

    def humanise(
        self, phrase: Phrase, length: Beats, amount: float, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Give a straight pattern a player's touch, see :meth:`antiphon.model.Varier.humanise`."""
        parts = self._parts(phrase, length)

        def make() -> Iterator[Variation]:
            for index in range(count):
                notes: list[Note] = []
                for part in parts:
                    random = generator((*seed, index), part.sheet.kind)
                    notes += humanised(part, amount, random)
                yield Variation(tuple(sorted(notes)), 0.0)

        return make()

    def groove(
        self, phrase: Phrase, length: Beats, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Make drums to a phrase, see :meth:`antiphon.model.Varier.groove`."""
        _check_notes(phrase, length)
        if "drums" not in self._editors:
            raise PhraseError(
                "expected a network for drums",
                f"found {', '.join(self.names)}",
                "name it with --gan",
            )
        editor = self._editors["drums"]
        rhythm = rhythm_of(phrase, length)

        def make() -> Iterator[Variation]:
            for index in range(count):
                random = generator((*seed, index), "drums")
                drums = groove_to(editor, rhythm, phrase, random)
                again = random.integers(0, 2**31, 2).tolist()
                varied_drums = self.variations(drums, length, GROOVE_AMOUNT, 1, again)
                yield from (Variation(made.notes, 1.0) for made in varied_drums if made)

        return make()

    def blend(self, first: Phrase, last: Phrase, length: Beats, steps: int) -> list[Variation]:
        """Morph from one phrase to another, see :meth:`antiphon.model.Varier.blend`."""
        if first.meter != last.meter:
            raise PhraseError(
                "expected two phrases of one meter",
                f"found {first.meter} and {last.meter}",
                "choose two alike",
            )
        kinds = [by_kind(p.notes) for p in (first, last)]
        pairs = []
        for kind in self._editors:
            ends = []
            for phrase, found in zip((first, last), kinds, strict=True):
                self.check(phrase, length)
                sheet = write_sheet(kind, found.get(kind, ()), phrase.meter, length, phrase.bpm)
                ends.append(self._part(sheet, phrase, length))
            if any(part.sheet.notes for part in ends):
                pairs.append(ends)
        found_steps = []
        for index in range(steps):
            share = index / (steps - 1)
            notes = [n for one, other in pairs for n in blended(one, other, share)]
            size = sum(one.size + hits_of(one, notes).sum() for one, _ in pairs)
            apart = sum(np.abs(one.sheet.hits - hits_of(one, notes)).sum() for one, _ in pairs)
            found_steps.append(Variation(tuple(sorted(notes)), float(apart / max(size, 1))))
        return found_steps

    def _parts(self, phrase: Phrase, length: Beats) -> list[Part]:
        return [self._part(sheet, phrase, length) for sheet in self._sheets(phrase, length)]

    def _part(self, sheet: Sheet, phrase: Phrase, length: Beats) -> Part:
        return make_part(self._editors[sheet.kind], sheet, phrase.meter, length)


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


def _check_notes(phrase: Phrase, length: Beats) -> None:
    _check_length(phrase.meter, length)
    if not phrase.notes:
        raise PhraseError("expected a phrase with notes", "found none", "play or choose some")


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
