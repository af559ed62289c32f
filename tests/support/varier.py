"""A stand-in for the networks that vary: quick, plain, and true to their protocol."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from antiphon.errors import PhraseError
from antiphon.model import Keep, Variation
from antiphon.music import DRUM_CHANNEL, Beats, Note, Phrase, Voice


class FakeVarier:
    """Moves notes at random, as many as the amount says; remembers what it was asked."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = tuple(names) or ("fake",)
        self.asked: list[Phrase] = []
        self.lengths: list[float] = []
        self.keeps: list[Keep] = []

    def named(self, names: Sequence[str] = ()) -> FakeVarier:
        """Return itself, as if loaded from these checkpoints."""
        self.names = tuple(names) or self.names
        return self

    def check(self, phrase: Phrase, length: Beats) -> None:
        """Refuse drums that are none."""
        self.asked.append(phrase)
        self.lengths.append(length)
        if any(n.voice is Voice.DRUMS and not 22 <= n.pitch <= 81 for n in phrase):
            raise PhraseError(
                "drums of General MIDI are needed", "found others", "use --as pitched"
            )

    def variations(
        self,
        phrase: Phrase,
        length: Beats,
        amount: float,
        count: int,
        seed: Sequence[int],
        keep: Keep = Keep.NOTHING,
    ) -> Iterator[Variation]:
        """Take away, move or leave each note."""
        self.check(phrase, length)
        self.keeps.append(keep)
        return (self._one(phrase, length, amount, [*seed, i]) for i in range(count))

    def _one(self, phrase: Phrase, length: Beats, amount: float, seed: Sequence[int]) -> Variation:
        chance, notes, changed = random.Random(repr(seed)), [], 0
        for note in phrase:
            if chance.random() >= amount:
                notes.append(note)
                continue
            changed += 1
            if chance.random() < 0.7:
                place = Beats(chance.randrange(int(length * 4)) / 4)
                notes.append(replace(note, start=place, pitch=min(note.pitch + 1, 81)))
        return Variation(tuple(sorted(notes)), changed / len(phrase))

    def humanise(
        self, phrase: Phrase, length: Beats, amount: float, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Move each note by a hair and change its velocity."""
        self.check(phrase, length)
        for index in range(count):
            chance = random.Random(repr([*seed, index]))
            yield Variation(
                tuple(
                    replace(
                        note,
                        start=Beats(note.start + amount * chance.uniform(-0.03, 0.03)),
                        velocity=round(note.velocity + amount * chance.uniform(-9, 9)),
                    )
                    for note in phrase
                ),
                0.0,
            )

    def groove(
        self, phrase: Phrase, length: Beats, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Strike the bass drum where the phrase has a note."""
        self.check(phrase, length)
        for index in range(count):
            strokes = {
                Note(note.start, 36 + index, 90, Beats(0.25), DRUM_CHANNEL, Voice.DRUMS)
                for note in phrase
            }
            yield Variation(tuple(sorted(strokes)), 1.0)

    def blend(self, first: Phrase, last: Phrase, length: Beats, steps: int) -> list[Variation]:
        """Take more and more notes of the last."""
        self.check(first, length)
        self.check(last, length)
        made = []
        for step in range(steps):
            share = step / (steps - 1)
            notes = [*first.notes[round(share * len(first)) :]]
            notes += last.notes[: round(share * len(last))]
            made.append(Variation(tuple(sorted(notes)), share))
        return made
