"""A player who loops, for tests: plays a phrase on a :class:`stage.Stage` and keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from antiphon import commands as c
from antiphon import midi
from antiphon.errors import PhraseError
from antiphon.model import Keep, Variation
from antiphon.music import Beats, Phrase
from antiphon.repertoire import Equipped
from stage import SentNote, Stage
from varier import FakeVarier

BEAT = 0.5
"""Seconds a beat at 120 bpm."""

RIFF = ((-0.05, 60, 0.5), (1.02, 64, 0.9), (2.52, 62, 0.3), (3.98, 67, 1.0), (6.0, 65, 1.5))
"""Start and length in beats, and pitch, of a phrase of two bars, played as people play."""


def step(index: int, amount: float, seed: Sequence[int]) -> int:
    """Return by how many semitones a variation is moved."""
    return (1 + index + sum(seed)) % 11 + 1 if amount else 0


class TransposingVarier(FakeVarier):
    """Moves all notes by the same interval, so that one hears which variation plays."""

    def __init__(self) -> None:
        super().__init__(("transposing",))
        self.requests: list[tuple[Phrase, float, int, Keep]] = []

    def check(self, phrase: Phrase, length: Beats) -> None:
        """Refuse what is shorter than a bar."""
        if length < phrase.meter.bar:
            raise PhraseError("a phrase of 1 to 8 bars", f"found {length:g} beats", "play more")

    def variations(
        self,
        phrase: Phrase,
        length: Beats,
        amount: float,
        count: int,
        seed: Sequence[int],
        keep: Keep = Keep.NOTHING,
    ) -> Iterator[Variation]:
        """Yield the phrase moved by :func:`step`."""
        self.check(phrase, length)
        self.requests.append((phrase, amount, count, keep))
        return (self._moved(phrase, step(i, amount, seed), amount) for i in range(count))

    @staticmethod
    def _moved(phrase: Phrase, by: int, amount: float) -> Variation:
        notes = tuple(replace(n, pitch=min(127, n.pitch + by)) for n in phrase)
        return Variation(notes, amount)


def play(stage: Stage, riff: tuple[tuple[float, int, float], ...] = RIFF, at: float = 8.0) -> None:
    """Play a riff from the beat `at` on, and wait for its last key to come up."""
    ons = [(at + start, pitch, True) for start, pitch, _ in riff]
    offs = [(at + start + length, pitch, False) for start, pitch, length in riff]
    for beat, pitch, down in sorted(ons + offs):
        stage.until(beat * BEAT)
        message = midi.note_on(1, pitch, 90) if down else midi.note_off(1, pitch)
        stage.tell(c.Heard(stage.clock.now(), message))


def looping(*, slow: bool = False, **settings: Any) -> Stage:
    """Return a stage where the riff was captured and loops from beat 20 on; now is beat 18."""
    stage = Stage(mode=c.Mode.OFF, **settings)
    stage.tell(Equipped(TransposingVarier()))
    play(stage)
    stage.until(16.2 * BEAT)
    stage.tell(c.Capture(beats=Beats(8.0)))
    stage.until(18 * BEAT)
    stage.slow = slow
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    return stage


def onsets(notes: list[SentNote], start: float = 20.0) -> list[tuple[float, int]]:
    """Return onset in beats after `start`, and pitch, of notes that begin no earlier."""
    found = [(n.on / BEAT - start, n.pitch) for n in notes]
    return sorted((round(on, 6), pitch) for on, pitch in found if on > -0.125)


def expected(passes: int, moved: tuple[int, ...] = (), length: float = 8.0) -> list[Any]:
    """Return what :func:`onsets` returns for the riff repeated, each pass `moved` as told."""
    by = moved or (0,) * passes
    return sorted(
        (round(start + number * length, 6), pitch + by[number])
        for number in range(passes)
        for start, pitch, _ in RIFF
    )


def refusals(stage: Stage) -> list[c.Refusal]:
    """Return the codes of all refusals told."""
    return [u.code for u in stage.updates if isinstance(u, c.Refused)]


def told(stage: Stage, kind: type[Any]) -> list[Any]:
    """Return the updates of a kind."""
    return [u for u in stage.updates if isinstance(u, kind)]
