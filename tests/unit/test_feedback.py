"""What counts as our own output coming back in."""

from __future__ import annotations

import pytest

from antiphon import midi
from antiphon.commands import Heard
from antiphon.music import Seconds
from antiphon.output import Output
from antiphon.ports.feedback import Feedback
from antiphon.ports.inward import Inward
from antiphon.timebase import ManualClock

ON, OFF = midi.note_on(1, 60, 80), midi.note_off(1, 60)


@pytest.fixture
def feedback() -> Feedback:
    """Make a filter that has seen nothing."""
    return Feedback()


def out(feedback: Feedback, time: float, message: bytes, thru: bool = False) -> None:
    """Let a message go out."""
    feedback.sent(Seconds(time), message, thru)


def echo(feedback: Feedback, time: float, message: bytes) -> bool:
    """Let a message come in."""
    return feedback.is_echo(Seconds(time), message)


@pytest.mark.parametrize(("thru", "window"), [(False, 0.1), (True, 0.04)])
def test_window(feedback: Feedback, thru: bool, window: float) -> None:
    """A message is an echo for 100 ms after the partner's, 40 ms after the player's own."""
    out(feedback, 0.0, ON, thru)
    assert not echo(feedback, window + 0.001, ON)
    out(feedback, 1.0, ON, thru)
    assert echo(feedback, 1.0 + window - 0.001, ON)


def test_one_for_one(feedback: Feedback) -> None:
    """Each message that went out accounts for one echo."""
    out(feedback, 0.0, ON)
    assert echo(feedback, 0.01, ON)
    assert not echo(feedback, 0.02, ON)


def test_only_identical(feedback: Feedback) -> None:
    """Another velocity, channel or pitch is the player's."""
    out(feedback, 0.0, ON)
    for message in (midi.note_on(1, 60, 81), midi.note_on(2, 60, 80), midi.note_on(1, 61, 80)):
        assert not echo(feedback, 0.01, message)


@pytest.mark.parametrize("off", [OFF, midi.note_off(1, 60, 0), b"\x90\x3c\x00"])
def test_off_goes_with_its_on(feedback: Feedback, off: bytes) -> None:
    """The note-off of an echo is swallowed too, in whatever form and however late."""
    out(feedback, 0.0, ON)
    assert echo(feedback, 0.01, ON)
    assert echo(feedback, 5.0, off)
    assert not echo(feedback, 5.0, off)


def test_the_players_off_is_never_swallowed(feedback: Feedback) -> None:
    """A release of a key the player struck passes, even right after we sent the same bytes."""
    out(feedback, 0.0, OFF)
    assert not echo(feedback, 0.01, midi.note_on(1, 60, 99))
    assert not echo(feedback, 0.02, OFF)


def test_a_loop_round_a_stolen_key(feedback: Feedback) -> None:
    """In a loop, when the player takes over the partner's key, both echoes are swallowed and the
    player's own note passes whole.
    """
    player = midi.note_on(1, 60, 99)
    out(feedback, 0.0, ON)
    assert echo(feedback, 0.001, ON)
    assert not echo(feedback, 0.050, player)
    out(feedback, 0.050, OFF)
    out(feedback, 0.050, player, True)
    assert echo(feedback, 0.051, OFF)
    assert echo(feedback, 0.051, player)
    release = midi.note_off(1, 60, 0)
    assert not echo(feedback, 0.500, release)
    out(feedback, 0.500, release, True)
    assert echo(feedback, 0.501, release)


def test_long_messages(feedback: Feedback) -> None:
    """System exclusive is recognised too."""
    dump = b"\xf0" + bytes(1000) + b"\xf7"
    out(feedback, 0.0, dump, True)
    assert echo(feedback, 0.01, dump)
    assert not echo(feedback, 0.01, dump)


class Way:
    """The way in with a manual clock."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.taken: list[bytes] = []
        self.heard: list[Heard] = []
        feedback = Feedback()
        self.output = Output(self.clock, [self.taken.append], sent=feedback.sent)
        self.inward = Inward(self.clock, self.output, feedback, self.heard.append)

    def __call__(self, *messages: bytes) -> tuple[list[bytes], list[bytes]]:
        """Let messages come in; return what passed through and what the brain heard."""
        self.taken.clear()
        self.heard.clear()
        for message in messages:
            self.inward(message)
        return list(self.taken), [heard.message for heard in self.heard]


@pytest.fixture
def way() -> Way:
    """Make a way in where nothing is held."""
    return Way()


def test_a_loop_is_cut(way: Way) -> None:
    """What comes back from our output neither passes through again nor reaches the brain."""
    way.output.play(1, Seconds(0), Seconds(1), 1, 60, 80)
    way.output.poll(Seconds(0))
    assert way(ON) == ([], [])
    way.clock.advance(1)
    way.output.poll(way.clock.now())
    assert way(OFF) == ([], [])


def test_clock_is_heard_but_not_passed(way: Way) -> None:
    """Clock, start, stop, continue and song position reach the brain and do not pass through."""
    messages = [b"\xf8", b"\xfa", b"\xfb", b"\xfc", b"\xf2\x01\x02"]
    assert way(*messages) == ([], messages)


def test_sysex_is_passed_but_not_heard(way: Way) -> None:
    """System exclusive passes through and does not reach the brain."""
    assert way(b"\xf0\x01\xf7") == ([b"\xf0\x01\xf7"], [])


@pytest.mark.parametrize(
    "noise", [b"", b"\xfe", b"\x90\x3c", b"\x90\x80\x01", b"\x3c", b"\xf0\x01"]
)
def test_noise(way: Way, noise: bytes) -> None:
    """Active sensing and broken messages are ignored."""
    assert way(noise) == ([], [])


def test_channel_in(way: Way) -> None:
    """With one channel listened to, the others neither pass nor are heard."""
    way.inward.channel = 2
    assert way(ON, OFF) == ([], [])
    two = midi.note_on(2, 60, 80)
    assert way(two) == ([two], [two])


def test_remap_while_held(way: Way) -> None:
    """When the channel changes under a held key, its note-off still passes and is heard."""
    way(ON)
    way.inward.channel = 2
    way.clock.advance(1)
    assert way(OFF) == ([OFF], [OFF])
    assert way(OFF) == ([], [])


def test_thru_off_is_still_heard(way: Way) -> None:
    """With thru off the brain hears what does not pass."""
    way.inward.passing = False
    assert way(ON, OFF) == ([], [ON, OFF])
