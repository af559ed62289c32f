"""Whatever happens on stage, the engine's promises hold."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from antiphon import commands as c
from antiphon import midi, params
from antiphon.music import Beats
from antiphon.repertoire import Equipped
from looping import TransposingVarier
from stage import Stage

keys = st.tuples(st.sampled_from([1, 10]), st.integers(40, 80))
happenings = st.one_of(
    st.builds(lambda k, v: midi.note_on(*k, v), keys, st.integers(1, 127)),
    st.builds(lambda k: midi.note_off(*k), keys),
    st.builds(midi.control, st.just(1), st.integers(0, 127), st.integers(0, 127)),
    st.binary(min_size=1, max_size=3).filter(midi.is_complete),
    st.sampled_from(
        [
            c.EndTurn(),
            c.StopAnswer(),
            c.Panic(),
            c.Generate(beats=Beats(3.0)),
            c.Learn(name="turn"),
            c.SetMode(mode=c.Mode.SOLO),
            c.SetMode(mode=c.Mode.RESPOND),
            c.SetMode(mode=c.Mode.OFF),
            c.SetMode(mode=c.Mode.LOOP),
            c.Capture(beats=Beats(4.0)),
            c.Capture(beats=Beats(0.75)),
            c.Vary(count=2, amount=0.5),
            c.Pick(index=0),
            c.Pick(index=1),
            c.Keep(),
            c.Undo(),
            c.SetStyle(name="fancy", weight=1.0),
        ]
    ),
    st.sampled_from(params.TABLE).flatmap(
        lambda p: st.integers(0, 127).map(lambda v: c.SetParam(name=p.name, value=p.from_cc(v)))
    ),
)
scripts = st.lists(st.tuples(st.floats(0.0, 1.5), happenings), max_size=40)


@given(scripts)
@example([(0.0, c.SetParam(name="bpm", value=20.0))])
@settings(max_examples=60, deadline=None)
def test_every_note_is_whole_in_range_and_within_its_limits(
    script: list[tuple[float, object]],
) -> None:
    """Any row of notes, controllers, bytes and commands leaves whole notes only, and an engine
    that still answers.
    """
    stage = Stage(length=2)
    stage.tell(Equipped(TransposingVarier()))
    at = 0.0
    for gap, what in script:
        at += gap
        stage.until(at)
        if isinstance(what, bytes):
            stage.tell(c.Heard(stage.clock.now(), what))
        else:
            stage.tell(what)
    for note in stage.output.notes.values():
        assert note.on <= note.off
        assert 1 <= note.channel <= 16
        assert 0 <= note.pitch <= 127
        assert 1 <= note.velocity <= 127
    stage.tell(c.SetMode(mode=c.Mode.RESPOND))
    stage.tell(c.SetParam(name="channel/in", value=0.0))
    before = len(stage.output.notes)
    stage.tell(c.Panic())
    stage.tell(c.Generate(beats=Beats(2.0)))
    stage.until(at + 13.0)  # a bar at the slowest tempo
    assert len(stage.output.notes) > before


@given(st.lists(st.tuples(st.floats(0.05, 0.6), st.integers(40, 80)), min_size=1, max_size=16))
@settings(max_examples=40, deadline=None)
def test_the_same_night_twice_is_the_same_music(call: list[tuple[float, int]]) -> None:
    """The same notes at the same times give the same answer."""
    heard = []
    for _ in range(2):
        stage = Stage(length=4, seed=3)
        at = 0.0
        for gap, pitch in call:
            at += gap
            stage.key(pitch, at, 0.04)
        stage.until(at + 6.0)
        heard.append(stage.heard)
    assert heard[0] == heard[1]
