"""What holds for the ledger, the link and the feedback filter whatever happens, in any order."""

from __future__ import annotations

import contextlib
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon import midi
from antiphon.commands import Heard
from antiphon.music import Seconds
from antiphon.output import Dropped, Output, Reason, Sounded, Written
from antiphon.ports import link
from antiphon.ports.feedback import LIMIT, PARTNER_WINDOW, Feedback
from antiphon.timebase import ManualClock

CHANNELS = st.sampled_from([1, 1, 1, 10])
PITCHES = st.integers(60, 61)  # few keys, so that they collide
TIMES = st.floats(-0.05, 0.4)

STEPS = st.one_of(
    st.tuples(st.just("play"), TIMES, st.floats(0.001, 0.3), CHANNELS, PITCHES),
    st.tuples(st.just("play"), st.floats(0, 0.02), st.floats(0.001, 0.3), CHANNELS, PITCHES),
    st.tuples(st.just("release"), st.integers(0, 40), TIMES),
    st.tuples(st.just("stop"), TIMES),
    st.tuples(st.just("panic")),
    st.tuples(st.just("on"), CHANNELS, PITCHES, st.booleans()),
    st.tuples(st.just("off"), CHANNELS, PITCHES, st.booleans(), st.booleans()),
    st.tuples(st.just("pedal"), CHANNELS, st.sampled_from([0, 127]), st.booleans()),
    st.tuples(st.just("send"), TIMES, st.integers(0, 127)),
    st.tuples(st.just("wait"), st.sampled_from([0.001, 0.01, 0.029, 0.2, 2.0]), st.booleans()),
    st.tuples(st.just("wait"), st.just(0.02), st.just(True)),
    st.tuples(st.just("break"), st.integers(0, 1), st.booleans()),
)


class Port:
    """A sink that keeps what it took and can be made to refuse."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.broken = False

    def __call__(self, message: bytes) -> None:
        """Take a message, or refuse it."""
        if self.broken:
            raise OSError("gone")
        self.taken.append(message)


def carry_out(
    output: Output, clock: ManualClock, ports: list[Port], step: tuple, number: int
) -> None:
    """Do one step; `number` names the note it may play."""
    now = clock.now()
    match step:
        case ("play", start, length, channel, pitch):
            on = now + start
            output.play(number, Seconds(on), Seconds(on + length), channel, pitch, 80)
        case ("release", note_id, at):
            output.release(note_id, Seconds(now + at))
        case ("stop", at):
            output.stop(Seconds(now + at))
        case ("panic",):
            output.panic()
        case ("on", channel, pitch, passing):
            output.thru(midi.note_on(channel, pitch, 100), passing)
        case ("off", channel, pitch, passing, as_on):
            off = bytes((0x8F + channel, pitch, 0)) if as_on else midi.note_off(channel, pitch, 3)
            output.thru(off, passing)
        case ("pedal", channel, value, passing):
            output.thru(midi.control(channel, midi.SUSTAIN, value), passing)
        case ("send", at, value):
            output.send(midi.control(1, 1, value), Seconds(now + at))
        case ("wait", seconds, polled):
            clock.advance(seconds)
            if polled:
                output.poll(clock.now())
        case ("break", index, broken):
            ports[index].broken = broken


def check_alternation(taken: list[bytes]) -> set[tuple[int, int]]:
    """Assert on/off/on/off on each key and return the keys that still sound."""
    sounding: set[tuple[int, int]] = set()
    for message in taken:
        kind = midi.kind(message)
        if kind in (midi.NOTE_ON, midi.NOTE_OFF):
            key = (midi.channel(message), message[1])
            assert (key in sounding) == (kind == midi.NOTE_OFF), (key, taken)
            sounding.symmetric_difference_update({key})
    return sounding


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, min_size=15, max_size=60), st.sampled_from(["close", "panic"]))
def test_every_on_gets_one_off(steps: list, ending: str) -> None:
    """Whatever is played, taken back, passed through, silenced or broken in whatever order, every
    port sees on, off, on, off on each key and nothing sounds at the end.
    """
    clock, ports = ManualClock(10.0), [Port(), Port()]
    reports: list[object] = []
    output = Output(clock, ports, report=reports.append, written=True)
    for number, step in enumerate(steps):
        carry_out(output, clock, ports, step, number)
    for port in ports:
        port.broken = False
    output.close() if ending == "close" else output.panic()
    while (due := output.poll(clock.now())) is not None:
        clock.move_to(due)
    assert not output.sounding()
    for port in ports:
        assert not check_alternation(port.taken)
    plays = {n for n, step in enumerate(steps) if step[0] == "play"}
    told = Counter(r.id for r in reports if isinstance(r, Sounded | Dropped))
    assert set(told) <= plays
    assert all(count == 1 for count in told.values())


@settings(max_examples=50, deadline=None)
@given(st.lists(STEPS.filter(lambda step: step[0] != "break"), max_size=40))
def test_pedals_come_up(steps: list) -> None:
    """A pedal that went down on a port has come up there when the output is closed."""
    clock, port = ManualClock(10.0), Port()
    output = Output(clock, [port])
    for number, step in enumerate(steps):
        carry_out(output, clock, [port, Port()], step, number)
    output.close()
    last = {m[0]: m[2] for m in port.taken if midi.kind(m) == midi.CONTROL and m[1] == 64}
    assert not any(last.values())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 2), st.floats(0.001, 1), CHANNELS, PITCHES), min_size=1, max_size=30
    ),
    st.lists(st.floats(0.0001, 0.3), min_size=1, max_size=40),
)
def test_a_note_sounds_in_time_or_not_at_all(notes: list, naps: list) -> None:
    """A note is handed over at most 30 ms after its time or dropped whole, and is told of once."""
    clock, port = ManualClock(0.0), Port()
    reports: list[object] = []
    output = Output(clock, [port], report=reports.append)
    for number, (on, length, channel, pitch) in enumerate(notes):
        output.play(number, Seconds(on), Seconds(on + length), channel, pitch, 90)
    for nap in naps:
        clock.advance(nap)
        output.poll(clock.now())
    clock.advance(10)
    output.poll(clock.now())
    assert sorted(r.id for r in reports) == list(range(len(notes)))
    assert all(0 <= r.lateness <= 0.0301 for r in reports if isinstance(r, Sounded))
    ons = [m for m in port.taken if midi.kind(m) == midi.NOTE_ON]
    assert len(ons) == sum(isinstance(r, Sounded) for r in reports)
    assert not check_alternation(port.taken)


U7 = st.integers(0, 127)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
IDS = st.integers(0, 2**32 - 1)
SHORT = st.binary(min_size=1, max_size=3)
NAMES = st.lists(st.text(max_size=20), max_size=3).map(tuple)
RECORDS = st.one_of(
    st.builds(link.Play, IDS, FLOATS, FLOATS, st.integers(1, 16), U7, U7),
    st.builds(link.Release, IDS, FLOATS),
    st.builds(link.Stop, FLOATS),
    st.builds(link.Send, SHORT, FLOATS),
    st.just(link.Panic()),
    st.builds(link.Configure, st.booleans(), st.integers(0, 16)),
    st.builds(link.Inject, SHORT),
    st.builds(link.Ping, IDS),
    st.just(link.Close()),
    st.builds(link.Opened, st.text(max_size=9), NAMES, NAMES, NAMES, st.booleans()),
    st.builds(link.Failed, st.text(), st.text(), st.text()),
    st.builds(link.Stats, IDS, IDS, IDS),
    st.builds(Heard, FLOATS, SHORT),
    st.builds(Sounded, IDS, FLOATS),
    st.builds(Dropped, IDS, st.sampled_from(Reason)),
    st.builds(Written, FLOATS, SHORT),
)


@given(st.lists(RECORDS, max_size=20), st.integers(1, 50))
def test_records_survive_the_pipe(records: list, piece: int) -> None:
    """Records come out of the pipe as they went in, however the bytes are cut."""
    data = b"".join(map(link.encode, records))
    decoder = link.Decoder()
    out = [r for at in range(0, len(data), piece) for r in decoder.feed(data[at : at + piece])]
    assert out == records


@given(st.binary(max_size=200))
def test_noise_on_the_pipe_is_refused(data: bytes) -> None:
    """Bytes that are no records raise LinkError and nothing else."""
    with contextlib.suppress(link.LinkError):
        link.Decoder().feed(data)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.floats(0, 0.2), st.binary(min_size=1, max_size=5)),
        max_size=80,
    )
)
def test_one_message_sent_cancels_at_most_one(steps: list) -> None:
    """No message is swallowed more often than it was sent within the window (notes aside, whose
    offs follow their ons).
    """
    feedback, now = Feedback(), 0.0
    sent: dict[bytes, list[float]] = {}
    for goes_out, wait, body in steps:
        now += wait
        message = b"\xb0" + body[:2] + b"\x01" * (len(body) > 3) * 9
        if goes_out:
            feedback.sent(Seconds(now), message, False)
            sent.setdefault(message, []).append(now)
        elif feedback.is_echo(Seconds(now), message):
            fresh = [t for t in sent[message] if now - t <= PARTNER_WINDOW + 1e-9]
            assert fresh
            sent[message].remove(fresh[0])


@given(st.integers(LIMIT, 2 * LIMIT), st.booleans())
@settings(max_examples=10, deadline=None)
def test_the_filter_stays_small(count: int, same: bool) -> None:
    """However much goes out without coming back, a bounded number of messages is remembered."""
    feedback = Feedback()
    for number in range(count):
        value = 0 if same else number
        feedback.sent(Seconds(0.0), bytes((0xB0, value % 128, value // 128)), False)
    assert len(feedback._order) <= LIMIT
    assert sum(map(len, feedback._waiting.values())) <= LIMIT
