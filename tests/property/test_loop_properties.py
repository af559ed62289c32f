"""Whatever is played and asked for while it loops, bars are of one piece and notes are whole."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import commands as c
from antiphon import midi
from antiphon.model import Keep, Variation
from antiphon.modes.base import EARLY
from antiphon.music import Beats, Phrase
from antiphon.repertoire import Equipped
from looping import TransposingVarier, told
from stage import Stage

OWN = 100
"""The velocity of the player; each variation has one of its own."""


class MarkingVarier(TransposingVarier):
    """Marks the notes of each variation with a velocity that no other has had lately."""

    def __init__(self) -> None:
        super().__init__()
        self.made = 0

    def variations(
        self,
        phrase: Phrase,
        length: Beats,
        amount: float,
        count: int,
        seed: Sequence[int],
        keep: Keep = Keep.NOTHING,
    ) -> Iterator[Variation]:
        """Yield the phrase, marked."""
        for _ in range(count):
            self.made += 1
            velocity = 1 + self.made % (OWN - 1)
            notes = tuple(replace(note, velocity=velocity) for note in phrase)
            yield Variation(notes, amount)


keys = st.integers(60, 64)
commands = st.one_of(
    st.builds(lambda key: midi.note_on(1, key, OWN), keys),
    st.builds(lambda key: midi.note_off(1, key), keys),
    st.builds(lambda count: c.Vary(count=count, amount=0.5), st.integers(1, 4)),
    st.builds(lambda index: c.Pick(index=index), st.integers(0, 5)),
    st.builds(lambda bars: c.Capture(beats=Beats(4.0 * bars)), st.integers(1, 3)),
    st.builds(lambda v: c.SetParam(name="vary/amount", value=v), st.sampled_from([0.0, 0.6])),
    st.builds(lambda v: c.SetParam(name="vary/freeze", value=v), st.sampled_from([0.0, 1.0])),
    st.builds(lambda v: c.SetParam(name="seed", value=v), st.sampled_from([0.0, 1.0])),
    st.sampled_from(
        [
            c.Keep(),
            c.Undo(),
            c.EndTurn(),
            c.StopAnswer(),
            c.SetMode(mode=c.Mode.LOOP),
            c.SetMode(mode=c.Mode.OFF),
            None,
            True,
            False,
        ]
    ),
)
scripts = st.lists(
    st.tuples(st.sampled_from([0.0, 0.07, 0.25, 0.4, 0.9, 1.7, 2.0]), commands),
    min_size=5,
    max_size=50,
)


def started() -> tuple[Stage, float]:
    """Return a stage on which a phrase of two bars loops, and the time there."""
    stage = Stage(mode=c.Mode.LOOP)
    stage.tell(Equipped(MarkingVarier()))
    for beat in (0.0, 1.0, 2.0, 3.0, 4.0, 5.5, 7.0):
        stage.until(0.5 * beat)
        stage.message(*midi.note_on(1, 60, OWN))
        stage.until(0.5 * beat + 0.2)
        stage.message(*midi.note_off(1, 60))
    stage.tell(c.Vary(count=3, amount=0.5))
    return stage, 3.7


def tell(stage: Stage, what: Any) -> None:
    """Do one thing of a script; True and False make the networks slow and quick."""
    if isinstance(what, bool):
        stage.slow = what
    elif what is None:
        stage.vary(1)
    elif isinstance(what, bytes):
        stage.message(*what)
    else:
        stage.tell(what)


@given(scripts)
@settings(max_examples=80, deadline=None)
def test_each_bar_is_of_one_version_and_every_note_ends(script: list[tuple[float, Any]]) -> None:
    """No bar mixes two versions, no note is without its end, and after the mode was left nothing
    sounds on.
    """
    stage, at = started()
    for gap, what in script:
        at += gap
        stage.until(at)
        tell(stage, what)
    stage.until(at + 3)
    stage.tell(c.SetMode(mode=c.Mode.OFF))
    ended = at + 3
    stage.until(ended + 5)
    bars: dict[int, set[int]] = defaultdict(set)
    numbers = [played.number for played in told(stage, c.Played)]
    assert numbers == sorted(set(numbers))
    for played in told(stage, c.Played):
        if played.number in stage.output.notes:
            bars[math.floor((played.note.start + EARLY) / 4)].add(played.note.velocity)
    assert all(len(velocities) == 1 for velocities in bars.values()), bars
    for note in stage.heard:
        assert note.on <= note.off <= ended + 0.26


@given(scripts)
@settings(max_examples=20, deadline=None)
def test_the_same_night_twice_is_the_same_loop(script: list[tuple[float, Any]]) -> None:
    """The same keys and commands at the same times give the same notes."""
    heard = []
    for _ in range(2):
        stage, at = started()
        for gap, what in script:
            at += gap
            stage.until(at)
            tell(stage, what)
        stage.until(at + 5)
        heard.append(stage.heard)
    assert heard[0] == heard[1]
