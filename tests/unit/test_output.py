"""What the output promises, one sentence at a time."""

from __future__ import annotations

import threading

import pytest

from antiphon import midi
from antiphon.music import Seconds
from antiphon.output import Dropped, Output, Reason, Sounded, Written
from antiphon.timebase import ManualClock

ON, OFF = midi.note_on, midi.note_off


class Rig:
    """An output with a manual clock and one port that can be broken."""

    def __init__(self, **options: object) -> None:
        self.clock = ManualClock()
        self.taken: list[bytes] = []
        self.reports: list[object] = []
        self.woken = 0
        self.broken = False
        self.output = Output(
            self.clock, [self.sink], report=self.reports.append, wake=self.wake, **options
        )

    def sink(self, message: bytes) -> None:
        """Take a message, or fail like a port that was unplugged."""
        if self.broken:
            raise RuntimeError("unplugged")
        self.taken.append(message)

    def wake(self) -> None:
        """Count how often the output thread would be woken."""
        self.woken += 1

    def play(self, note_id: int, on: float, off: float, pitch: int = 60, channel: int = 1) -> None:
        """Plan a note."""
        self.output.play(note_id, Seconds(on), Seconds(off), channel, pitch, 80)

    def to(self, time: float) -> list[bytes]:
        """Move to a time the way the output thread does, and return what was sent on the way."""
        before = len(self.taken)
        while (due := self.output.poll(self.clock.now())) is not None and due <= time:
            self.clock.move_to(due)
        self.clock.move_to(time)
        self.output.poll(self.clock.now())
        return self.taken[before:]


@pytest.fixture
def rig() -> Rig:
    """Make an output with nothing planned."""
    return Rig()


def test_notes_at_their_time(rig: Rig) -> None:
    """A note begins and ends at its times and its lateness is told."""
    rig.play(7, 1.0, 2.0)
    assert rig.to(0.999) == []
    assert rig.to(1.0) == [ON(1, 60, 80)]
    assert rig.to(1.999) == []
    assert rig.to(2.0) == [OFF(1, 60)]
    assert rig.reports == [Sounded(7, Seconds(0.0))]


def test_poll_tells_the_next_deadline(rig: Rig) -> None:
    """Poll answers with the time of the next event, or None when nothing is planned."""
    assert rig.output.poll(Seconds(0)) is None
    rig.play(1, 1.0, 2.0)
    assert rig.output.poll(Seconds(0)) == 1.0
    assert rig.output.poll(Seconds(1)) == 2.0
    assert rig.output.poll(Seconds(2)) is None


def test_offs_first(rig: Rig) -> None:
    """At one moment offs go out before messages, and messages before ons."""
    rig.play(2, 1.0, 2.0, pitch=64)
    rig.output.send(midi.control(1, 7, 100), Seconds(1.0))
    rig.play(1, 0.0, 1.0, pitch=60)
    assert rig.to(1.0) == [ON(1, 60, 80), OFF(1, 60), midi.control(1, 7, 100), ON(1, 64, 80)]


def test_late_note_is_dropped_whole(rig: Rig) -> None:
    """A note more than 30 ms late at its turn is dropped with its off, counted and told."""
    rig.play(1, 1.0, 2.0)
    rig.clock.move_to(1.031)
    rig.output.poll(rig.clock.now())
    assert rig.to(3.0) == []
    assert rig.reports == [Dropped(1, Reason.LATE)]
    assert rig.output.counts.late == 1


def test_offs_are_never_dropped(rig: Rig) -> None:
    """A note-off goes out however late it is."""
    rig.play(1, 0.0, 0.1)
    rig.to(0.0)
    rig.clock.move_to(60.0)
    rig.output.poll(rig.clock.now())
    assert rig.taken == [ON(1, 60, 80), OFF(1, 60)]


def test_restrike(rig: Rig) -> None:
    """A pitch the partner strikes again while it sounds is ended first, and once."""
    rig.play(1, 0.0, 1.0)
    rig.play(2, 0.5, 2.0)
    assert rig.to(3.0) == [ON(1, 60, 80), OFF(1, 60), ON(1, 60, 80), OFF(1, 60)]


def test_release_ends_earlier_never_later(rig: Rig) -> None:
    """A release moves the end of a sounding note ahead, never back."""
    rig.play(1, 0.0, 2.0)
    rig.to(0.1)
    rig.output.release(1, Seconds(5.0))
    rig.output.release(1, Seconds(1.0))
    assert rig.to(0.99) == []
    assert rig.to(1.0) == [OFF(1, 60)]
    assert rig.to(9.0) == []


def test_release_takes_back(rig: Rig) -> None:
    """A release at or before the start of a note takes it back whole, a later one shortens it."""
    rig.play(1, 1.0, 2.0)
    rig.play(2, 1.0, 2.0, pitch=62)
    rig.output.release(1, Seconds(1.0))
    rig.output.release(2, Seconds(1.5))
    assert [m[0] & 0xF0 for m in rig.to(1.2)] == [0x90]
    assert rig.to(1.5) == [OFF(1, 62)]
    assert rig.to(3.0) == []


def test_stop(rig: Rig) -> None:
    """A stop takes back what has not sounded and ends what sounds at its time or earlier."""
    rig.play(1, 0.0, 2.0, pitch=60)
    rig.play(2, 0.0, 0.3, pitch=62)
    rig.play(3, 0.4, 2.0, pitch=64)
    rig.to(0.1)
    rig.output.stop(Seconds(0.5))
    assert rig.to(0.3) == [OFF(1, 62)]
    assert rig.to(0.5) == [OFF(1, 60)]
    assert rig.to(5.0) == []


def test_panic(rig: Rig) -> None:
    """Panic ends the partner's and the player's notes, lifts pedals on the channels used, forgets
    plans, and the output works on.
    """
    rig.play(1, 0.0, 9.0, pitch=60, channel=2)
    rig.play(2, 1.0, 9.0, pitch=61)
    rig.output.thru(ON(1, 50, 99))
    rig.to(0.1)
    rig.taken.clear()
    rig.output.panic()
    assert set(rig.taken[:2]) == {OFF(2, 60), OFF(1, 50)}
    assert rig.taken[2:] == [
        bytes((0xB0 + c, controller, 0)) for c in (0, 1) for controller in (64, 123)
    ]
    rig.taken.clear()
    rig.output.thru(OFF(1, 50))
    assert rig.to(10.0) == []
    rig.play(1, 11.0, 12.0)
    assert rig.to(13.0) == [ON(1, 60, 80), OFF(1, 60)]


def test_close_lifts_pedals(rig: Rig) -> None:
    """Closing lifts the pedals that are down and no others."""
    rig.output.thru(midi.control(3, 64, 127))
    rig.output.thru(midi.control(4, 64, 127))
    rig.output.thru(midi.control(4, 64, 0))
    rig.taken.clear()
    rig.output.close()
    assert rig.taken == [midi.control(3, 64, 0)]


def test_closed(rig: Rig) -> None:
    """Once closed, nothing more is taken from the player or the partner."""
    rig.output.close()
    rig.output.thru(ON(1, 60, 80))
    rig.output.thru(midi.control(1, 64, 127))
    rig.play(1, 0.0, 1.0)
    rig.output.send(midi.control(1, 7, 1), Seconds(0))
    assert rig.to(2.0) == []


def test_thru_at_once(rig: Rig) -> None:
    """The player's messages go out at once and unchanged, release velocity included."""
    messages = [ON(5, 60, 1), b"\xe4\x01\x02", b"\xd4\x09", b"\xa4\x3c\x07", b"\xc4\x05"]
    messages += [midi.control(5, 74, 3), OFF(5, 60, 99), b"\xf0\x01\x02\x03\x04\xf7"]
    for message in messages:
        rig.output.thru(message)
    assert rig.taken == messages


@pytest.mark.parametrize("off", [OFF(1, 60, 17), b"\x90\x3c\x00"])
def test_thru_turned_off_while_held(rig: Rig, off: bytes) -> None:
    """A key held when thru is turned off still gets its note-off, and only that."""
    rig.output.thru(ON(1, 60, 80))
    rig.output.thru(midi.control(1, 64, 127))
    rig.taken.clear()
    rig.output.thru(ON(1, 62, 80), passing=False)
    rig.output.thru(OFF(1, 62), passing=False)
    rig.output.thru(midi.control(1, 1, 5), passing=False)
    rig.output.thru(off, passing=False)
    rig.output.thru(midi.control(1, 64, 0), passing=False)
    assert rig.taken == [off, midi.control(1, 64, 0)]


def test_off_without_on(rig: Rig) -> None:
    """A note-off of a key that was not passed down does not go out."""
    rig.output.thru(OFF(1, 60))
    assert rig.taken == []


def test_player_takes_the_partners_key(rig: Rig) -> None:
    """When the player strikes a key the partner sounds, the partner's note ends first and its own
    off does not cut the player's.
    """
    rig.play(1, 0.0, 1.0)
    rig.to(0.5)
    rig.output.thru(ON(1, 60, 99))
    assert rig.to(2.0) == []
    rig.output.thru(OFF(1, 60))
    assert rig.taken == [ON(1, 60, 80), OFF(1, 60), ON(1, 60, 99), OFF(1, 60)]


def test_partner_leaves_held_keys(rig: Rig) -> None:
    """The partner's note on a key the player holds is dropped whole; other channels are free."""
    rig.output.thru(ON(1, 60, 99))
    rig.play(1, 0.5, 1.0)
    rig.play(2, 0.5, 1.0, channel=2)
    assert rig.to(2.0) == [ON(2, 60, 80), OFF(2, 60)]
    assert Dropped(1, Reason.HELD) in rig.reports
    assert rig.output.counts.held == 1


def test_player_strikes_twice(rig: Rig) -> None:
    """A key struck twice without a release, as from two keyboards, gets an off in between."""
    for message in (ON(1, 60, 80), ON(1, 60, 90), OFF(1, 60), OFF(1, 60)):
        rig.output.thru(message)
    assert rig.taken == [ON(1, 60, 80), OFF(1, 60), ON(1, 60, 90), OFF(1, 60)]


def test_off_owed_to_a_failing_port(rig: Rig) -> None:
    """A note-off that a port refuses is offered again until it is taken, then no more."""
    rig.play(1, 0.0, 1.0)
    rig.to(0.5)
    rig.broken = True
    assert rig.to(2.0) == []
    rig.broken = False
    assert rig.to(4.0) == [OFF(1, 60)]
    assert rig.output.poll(rig.clock.now()) is None
    assert rig.output.errors > 1


def test_owed_off_goes_before_the_next_on(rig: Rig) -> None:
    """A key whose note-off a port still owes gets that before it is struck again."""
    rig.play(1, 0.0, 1.0)
    rig.to(0.5)
    rig.broken = True
    rig.to(2.0)
    rig.broken = False
    rig.output.thru(ON(1, 60, 99))
    assert rig.taken == [ON(1, 60, 80), OFF(1, 60), ON(1, 60, 99)]


def test_failing_on_needs_no_off(rig: Rig) -> None:
    """A note-on that a port refuses is not followed by a note-off there."""
    rig.broken = True
    rig.play(1, 0.0, 1.0)
    rig.to(0.5)
    rig.broken = False
    assert rig.to(5.0) == []


def test_ports_fail_alone() -> None:
    """A port that fails does not keep messages from the others."""
    taken: list[bytes] = []

    def gone(message: bytes) -> None:
        raise OSError

    output = Output(ManualClock(), [gone, taken.append])
    output.play(1, Seconds(0), Seconds(1), 1, 60, 80)
    output.poll(Seconds(0))
    output.close()
    assert taken == [ON(1, 60, 80), OFF(1, 60)]


def test_a_failed_off_wakes_the_output_thread(rig: Rig) -> None:
    """When a passed note-off fails, the output thread is woken to try again."""
    rig.output.thru(ON(1, 60, 80))
    assert rig.woken == 0
    rig.broken = True
    rig.output.thru(OFF(1, 60))
    assert rig.woken == 1
    assert rig.output.poll(rig.clock.now()) is not None


@pytest.mark.parametrize(
    "note",
    [
        (1.0, 1.0, 1, 60, 80),
        (float("nan"), 1.0, 1, 60, 80),
        (0.0, float("inf"), 1, 60, 80),
        (0.0, 1.0, 0, 60, 80),
        (0.0, 1.0, 17, 60, 80),
        (0.0, 1.0, 1, 128, 80),
        (0.0, 1.0, 1, 60, 0),
    ],
)
def test_bad_notes(rig: Rig, note: tuple) -> None:
    """A note out of range, without length or without a finite time is refused."""
    with pytest.raises(ValueError, match="note"):
        rig.output.play(1, *note)


def test_ids_in_use(rig: Rig) -> None:
    """An id is refused while its note is planned or sounding, and free afterwards."""
    rig.play(1, 0.0, 1.0)
    with pytest.raises(ValueError, match="already"):
        rig.play(1, 2.0, 3.0)
    rig.to(1.0)
    rig.play(1, 2.0, 3.0)


@pytest.mark.parametrize("message", [ON(1, 60, 80), OFF(1, 60), b"", b"\x90", b"\xb0\x80\x00"])
def test_send_refuses(rig: Rig, message: bytes) -> None:
    """Send refuses notes, which have no end there, and what is no message."""
    with pytest.raises(ValueError, match=r"note|message"):
        rig.output.send(message, Seconds(0))


def test_written_on_request() -> None:
    """What goes out is reported with its time when asked for."""
    rig = Rig(written=True)
    rig.play(1, 0.5, 1.0)
    rig.to(2.0)
    assert [r for r in rig.reports if isinstance(r, Written)] == [
        Written(Seconds(0.5), ON(1, 60, 80)),
        Written(Seconds(1.0), OFF(1, 60)),
    ]


def test_two_threads() -> None:
    """The output thread and a MIDI callback writing at once leave every key in order."""
    rig = Rig()
    for number in range(500):
        rig.play(number, number * 0.01, number * 0.01 + 0.015, pitch=60 + number % 3)

    def player() -> None:
        for number in range(2000):
            rig.output.thru(ON(1, 60 + number % 3, 9))
            rig.output.thru(OFF(1, 60 + number % 3))

    thread = threading.Thread(target=player)
    thread.start()
    rig.to(10.0)
    thread.join()
    rig.output.close()
    sounding: set[int] = set()
    for message in rig.taken:
        assert (message[1] in sounding) == (midi.kind(message) == midi.NOTE_OFF)
        sounding ^= {message[1]}
    assert not sounding
