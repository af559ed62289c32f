"""What holds for the pedal whatever happens."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import commands as c
from antiphon import midi, params
from antiphon.engine import Silenced
from antiphon.music import Beats, Pedal, Seconds
from antiphon.output import Output
from antiphon.pedalling import PedalFollower
from antiphon.ports import link
from antiphon.timebase import ManualClock
from antiphon_models.data.pedals import pedal_states
from antiphon_models.pedal import SINCE_UNKNOWN, Foot, pedalled_onsets
from pianist import PianoPlayer
from stage import Stage

PEDALS = st.sampled_from(list(Pedal))
MOMENTS = st.integers(0, 400).map(lambda n: n / 100)

STEPS = st.one_of(
    st.tuples(st.just("play"), st.floats(-0.05, 0.4), st.floats(0.01, 0.3), PEDALS),
    st.tuples(st.just("lift"), st.floats(0, 0.4)),
    st.tuples(st.just("release"), st.integers(0, 30), st.floats(0, 0.4)),
    st.tuples(st.just("stop"), st.floats(0, 0.4)),
    st.tuples(st.just("thru"), st.sampled_from([0, 30, 127]), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.01, 0.07, 0.3, 1.0]), st.booleans()),
    st.tuples(st.just("panic"), st.just(0)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, max_size=40), st.sampled_from(["lift", "stop", "panic", "close"]))
def test_what_the_partner_presses_comes_up(steps: list, ending: str) -> None:
    """However notes are planned, taken back, ended and dropped, the pedal is up after the answer
    is over, unless the player holds it.
    """
    clock, taken = ManualClock(1.0), []
    output = Output(clock, [taken.append])
    held = 0
    for number, (what, *values) in enumerate(steps):
        now = clock.now()
        if what == "play":
            on = now + values[0]
            output.play(number, Seconds(on), Seconds(on + values[1]), 1, 60, 80, values[2])
        elif what == "lift":
            output.lift(Seconds(now + values[0]))
        elif what == "release":
            output.release(values[0], Seconds(now + values[1]))
        elif what == "stop":
            output.stop(Seconds(now + values[0]))
        elif what == "thru":
            output.thru(midi.control(1, midi.SUSTAIN, values[0]), values[1])
            held = values[0] if values[1] or not values[0] or (values[0] < 64 and held) else held
        elif what == "panic":
            output.panic()
            held = 0
        else:
            clock.advance(values[0])
            if values[1]:
                output.poll(clock.now())
    if ending in ("panic", "close"):
        getattr(output, ending)()
        held = 0
    else:
        getattr(output, ending)(Seconds(clock.now() + 2.0))
    while (due := output.poll(clock.now())) is not None:
        clock.move_to(max(due, clock.now()))
    values = [m[2] for m in taken if midi.kind(m) == midi.CONTROL and m[1] == midi.SUSTAIN]
    assert not values or bool(values[-1]) is bool(held)


HAPPENINGS = st.one_of(
    st.builds(lambda p: midi.note_on(1, p, 80), st.integers(50, 70)),
    st.builds(lambda p: midi.note_off(1, p), st.integers(50, 70)),
    st.builds(lambda v: midi.control(1, midi.SUSTAIN, v), st.sampled_from([0, 127])),
    st.sampled_from(
        [
            c.EndTurn(),
            c.StopAnswer(),
            c.Panic(),
            c.Generate(beats=Beats(3.0)),
            c.SetMode(mode=c.Mode.SOLO),
            c.SetMode(mode=c.Mode.RESPOND),
            c.SetMode(mode=c.Mode.LOOP),
            c.SetParam(name="channel/out", value=3.0),
            Silenced(),
        ]
    ),
    st.sampled_from([p for p in params.TABLE if p.name in ("pedal", "bpm", "swing", "length")])
    .flatmap(lambda p: st.integers(0, 127).map(lambda v: (p.name, p.from_cc(v))))
    .map(lambda pair: c.SetParam(name=pair[0], value=pair[1])),
)


class Sounding(Stage):
    """A stage whose notes go through a real output to a port that keeps what it gets."""

    def __init__(self, **settings: float) -> None:
        super().__init__(player=PianoPlayer(), **settings)
        self.taken: list[bytes] = []
        self.sounding = Output(self.clock, [self.taken.append])
        self.sounding.configure = lambda thru: None  # its place is in the port process
        self.engine._output = self.engine._speech._output = self.sounding

    def _settle(self) -> None:
        super()._settle()
        if hasattr(self, "sounding"):
            self.sounding.poll(self.clock.now())


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), HAPPENINGS), max_size=25))
def test_no_night_ends_with_a_pedal_down(script: list[tuple[float, object]]) -> None:
    """Whatever is played, asked and turned, the partner's pedal is up once it is stopped."""
    stage, at = Sounding(length=2, pedal=2), 0.0
    for gap, what in script:
        at += gap
        stage.until(at)
        stage.tell(c.Heard(stage.clock.now(), what) if isinstance(what, bytes) else what)
    stage.tell(c.SetMode(mode=c.Mode.OFF))
    stage.until(at + 4.0)
    down = {m[0]: m[2] for m in stage.taken if midi.kind(m) == midi.CONTROL and m[1] == 64}
    assert not any(down.values())


@given(
    st.lists(MOMENTS, min_size=1, max_size=20, unique=True).map(sorted),
    st.lists(st.tuples(MOMENTS, st.booleans()), min_size=1, max_size=20),
)
def test_what_is_heard_is_what_was_learnt(
    onsets: list[float], moves: list[tuple[float, bool]]
) -> None:
    """Heard as it happens, each note has the pedal that it has in a data set."""
    moves = sorted(moves, key=lambda move: move[0])
    seconds, down = np.array([m[0] for m in moves]), np.array([m[1] for m in moves])
    follower, found = PedalFollower([1]), []
    happens = [(at, 0, False) for at in onsets] + [(at, 1, press) for at, press in moves]
    for at, what, press in sorted(happens, key=lambda happening: happening[:2]):
        if what == 0:
            found.append(follower.strike(Seconds(at)))
        else:
            pedal = follower.move(1, 127 * press, Seconds(at))
            if pedal is not None:
                found[-1] = pedal
    assert found == pedal_states(np.array(onsets), seconds, down).tolist()


@given(st.lists(st.tuples(st.integers(0, 60), PEDALS), min_size=1, max_size=30))
def test_a_foot_follows_as_the_head_was_trained(notes: list[tuple[int, Pedal]]) -> None:
    """Note by note, what the head is told of the pedal is what it was trained on."""
    onset = np.cumsum([shift for shift, _ in notes])
    pedal = np.array([int(p) for _, p in notes])
    first = np.unique(onset, return_index=True)[1]
    for start, stop in zip(first, [*first[1:], len(notes)], strict=True):
        pedal[start:stop] = np.where(pedal[start:stop] > 0, pedal[start:stop].max(), 0)  # a chord
    columns = [np.zeros(len(notes), np.int64)] * 4
    found = pedalled_onsets(pedal, onset, columns)
    foot, seen = Foot(), []
    for at, now in zip(onset.tolist(), pedal.tolist(), strict=True):
        if now and at != foot.onset:
            seen.append((int(foot.pedal), foot.since(at), now - 1))
        foot = foot.struck(at, Pedal(now))
    wanted = zip(found.ids[:, 0].tolist(), found.ids[:, 1].tolist(), found.target, strict=True)
    assert seen == [(before, since, int(target)) for before, since, target in wanted]
    assert not seen or seen[0][1] == SINCE_UNKNOWN


@given(st.integers(1, 16), PEDALS)
def test_a_notes_pedal_survives_the_pipe(channel: int, pedal: Pedal) -> None:
    """Channel and pedal of a note come out of the pipe as they went in, and so does a lift."""
    play = link.Play(7, Seconds(1.0), Seconds(2.0), channel, 60, 80, pedal)
    records = [play, link.Lift(Seconds(3.0))]
    assert link.Decoder().feed(b"".join(map(link.encode, records))) == records
