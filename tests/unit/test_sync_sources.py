"""Start, stop, position and loss of each source of the beat."""

from __future__ import annotations

import pytest

from antiphon.commands import Transport
from antiphon.music import Beats, Meter, Seconds
from antiphon.sync.base import (
    Change,
    Halted,
    Lost,
    MeterChanged,
    Relocated,
    Started,
    SyncSource,
    TempoChanged,
    steered,
)
from antiphon.sync.internal import InternalClock
from antiphon.sync.midi_clock import MidiClock
from antiphon.sync.osc_transport import OscTransport
from antiphon.timebase import Tempo

ZERO = Seconds(0.0)
TICK, START, CONTINUE, STOP = b"\xf8", b"\xfa", b"\xfb", b"\xfc"


class Sender:
    """A MIDI clock at 120 bpm that feeds a follower."""

    def __init__(self) -> None:
        self.clock = MidiClock(ZERO)
        self.now = 0.0
        self.changes: list[Change] = []

    def send(self, *messages: bytes) -> list[Change]:
        """Send messages now, and return what changed."""
        changes: list[Change] = []
        for message in messages:
            changes.extend(self.clock.feed(Seconds(self.now), message))
        self.changes.extend(changes)
        return changes

    def ticks(self, count: int, bpm: float = 120.0) -> list[Change]:
        """Send ticks, each after one period."""
        changes: list[Change] = []
        for _ in range(count):
            self.now += 60 / bpm / 24
            changes.extend(self.send(TICK))
        return changes

    @property
    def beat(self) -> float:
        """The beat shown now."""
        return self.clock.tempo.beat_at(Seconds(self.now))


def test_every_source_keeps_the_protocol() -> None:
    """The engine needs to know no more than the protocol."""
    sources: list[SyncSource] = [InternalClock(ZERO), MidiClock(ZERO), OscTransport(ZERO)]
    assert [source.name for source in sources] == ["internal", "midi", "osc"]
    assert [source.playing for source in sources] == [True, False, False]
    assert all(source.update(Seconds(100.0)) == () for source in sources)
    assert all(source.tempo.bpm == 120 for source in sources)


def test_the_internal_clock_changes_tempo_without_a_jump() -> None:
    """The beat goes on from where it is; impossible tempos are held within the limits."""
    clock = InternalClock(ZERO)
    assert clock.set_bpm(Seconds(1.0), 60) == (TempoChanged(60),)
    assert clock.set_bpm(Seconds(1.0), 60) == ()
    assert clock.tempo.beat_at(Seconds(2.0)) == pytest.approx(3.0)
    assert clock.set_bpm(Seconds(2.0), 1e9) == (TempoChanged(400),)
    assert clock.relocate(Seconds(3.0), Beats(0.0)) == (Relocated(Beats(0.0)),)
    assert clock.tempo.beat_at(Seconds(3.0)) == 0.0


def test_steering_never_goes_back_and_meets_the_true_tempo() -> None:
    """The two agree after the horizon."""
    shown, true = Tempo(120), Tempo(120, beat=Beats(-0.01))
    led = steered(shown, true, Seconds(1.0), Beats(1.0))
    assert led.beat_at(Seconds(1.0)) == pytest.approx(2.0)
    assert led.beat_at(Seconds(1.5)) == pytest.approx(true.beat_at(Seconds(1.5)), abs=2e-4)
    assert steered(shown, Tempo(120, beat=Beats(-9.0)), ZERO, Beats(1.0)).bpm == 60


def test_ticks_before_any_start_give_the_tempo_and_do_not_play() -> None:
    """Hardware and DAWs send clock all the time."""
    sender = Sender()
    sender.ticks(96, bpm=90)
    assert sender.clock.tempo.bpm == pytest.approx(90, rel=1e-3)
    assert sender.clock.running
    assert not sender.clock.playing
    assert all(isinstance(change, TempoChanged) for change in sender.changes)


def test_the_first_tick_after_start_is_beat_zero() -> None:
    """Not the start message itself."""
    sender = Sender()
    sender.ticks(50)
    assert sender.send(START) == []
    assert sender.ticks(1) == [Relocated(Beats(0.0)), Started(Beats(0.0))]
    assert sender.clock.playing
    sender.ticks(48)
    assert sender.beat == pytest.approx(2.0, abs=1e-3)


def test_a_start_that_begins_its_ticks_anew_is_followed_at_once() -> None:
    """Senders may put the first tick anywhere between two ticks of the running clock."""
    sender = Sender()
    sender.ticks(100)
    sender.now += 0.4 * 60 / 120 / 24
    sender.send(START, TICK)
    assert sender.beat == pytest.approx(0.0, abs=1e-6)
    sender.ticks(24)
    assert sender.beat == pytest.approx(1.0, abs=1e-3)
    assert sender.clock.tempo.bpm == pytest.approx(120, rel=1e-3)


def test_continue_goes_on_where_stop_came() -> None:
    """The tick after continue is the one that stop cut off, whatever ticked in between."""
    sender = Sender()
    sender.send(START)
    sender.ticks(25)
    assert sender.send(STOP) == [Halted()]
    assert sender.send(STOP) == []
    sender.ticks(60)
    sender.send(CONTINUE)
    changes = sender.ticks(1)
    assert changes == [Relocated(Beats(25 / 24)), Started(Beats(25 / 24))]
    assert sender.beat == pytest.approx(25 / 24, abs=1e-3)


def test_song_position_counts_sixteenths() -> None:
    """Position 10 is beat 2.5, and while playing it relocates at the next tick."""
    sender = Sender()
    sender.send(b"\xf2\x0a\x00", CONTINUE)
    assert Started(Beats(2.5)) in sender.ticks(1)
    sender.ticks(12)
    sender.send(b"\xf2\x00\x01")  # 128 sixteenths
    assert sender.ticks(1) == [Relocated(Beats(32.0))]
    assert sender.clock.tempo.bar_and_beat(Beats(32.0)) == (8, 0.0)


def test_a_clock_that_vanishes_is_lost_and_the_tempo_goes_on() -> None:
    """After half a second; when it comes back it plays on the beat that was kept."""
    sender = Sender()
    sender.send(START)
    sender.ticks(97, bpm=100)
    assert sender.clock.update(Seconds(sender.now + 0.45)) == ()
    assert sender.clock.update(Seconds(sender.now + 0.55)) == (Lost(),)
    assert not sender.clock.playing
    assert not sender.clock.running
    assert sender.clock.tempo.bpm == pytest.approx(100, rel=1e-3)
    sender.now += 1.2
    assert sender.beat == pytest.approx(6.0, abs=1e-2)
    changes = sender.ticks(1, bpm=100)
    assert len(changes) == 1
    assert isinstance(changes[0], Started)
    assert sender.clock.playing


def test_other_messages_of_the_port_are_ignored() -> None:
    """Notes, broken positions and nothing at all change nothing."""
    sender = Sender()
    assert sender.send(b"", b"\x90\x3c\x40", b"\xf2\x01", b"\xfe") == []


def test_the_meter_of_a_midi_clock_is_set_by_hand() -> None:
    """Bars are counted from song position 0."""
    clock = MidiClock(ZERO, meter=Meter(3, 4))
    assert clock.tempo.bar_and_beat(Beats(4.0)) == (1, 1.0)


def transport(time: float, beat: float, bpm: float = 120.0, playing: bool = True) -> Transport:
    """Build what a DAW says."""
    return Transport(Seconds(time), Beats(beat), bpm, Meter(), playing)


def test_a_daw_starts_stops_and_is_lost() -> None:
    """While it stands still the beat runs on; after two seconds of silence it is lost."""
    source = OscTransport(ZERO)
    assert source.feed(transport(0.1, 16, playing=False)) == ()
    assert source.feed(transport(1.0, 16)) == (Relocated(Beats(16)), Started(Beats(16)))
    assert source.tempo.beat_at(Seconds(1.5)) == pytest.approx(17)
    assert source.feed(transport(1.5, 17, playing=False)) == (Halted(),)
    source.feed(transport(2.0, 17))
    assert source.update(Seconds(3.9)) == ()
    assert source.update(Seconds(4.1)) == (Lost(),)
    assert not source.playing


def test_a_daw_that_jumps_is_followed_and_one_late_message_is_not() -> None:
    """Ahead at once, a loop back at once, a little behind only when said twice."""
    source = OscTransport(ZERO)
    for step in range(16):
        source.feed(transport(step / 8, step / 4))
    assert source.feed(transport(2.0, 8)) == (Relocated(Beats(8)),)
    assert source.feed(transport(2.125, 4)) == (Relocated(Beats(4)),)
    assert source.feed(transport(2.4, 4.25)) == ()
    assert source.feed(transport(2.41, 4.5)) == ()
    assert source.tempo.beat_at(Seconds(2.375)) == pytest.approx(4.5, abs=0.06)
    assert source.feed(transport(2.5, 4.4)) == ()
    assert source.feed(transport(2.625, 4.65)) in ((), (Relocated(Beats(4.65)),))


def test_a_daw_tells_its_tempo_and_meter() -> None:
    """Both are taken at once, without a jump."""
    source = OscTransport(ZERO)
    source.feed(transport(0.0, 0))
    message = Transport(Seconds(0.5), Beats(1.0), 90.0, Meter(6, 8), True)
    assert source.feed(message) == (MeterChanged(Meter(6, 8)), TempoChanged(90.0))
    assert source.meter == Meter(6, 8)
    assert source.tempo.bpm == pytest.approx(90)
    assert source.tempo.beat_at(Seconds(0.5)) == pytest.approx(1.0)
