"""link.js by itself: what it makes of faces, buttons and the daemon, and what it sends where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from max_js import MaxJs, ScriptError
from needs_node import NEEDS_NODE

SCRIPT = Path(__file__).resolve().parents[2] / "max_for_live" / "link.js"

pytestmark = NEEDS_NODE

SEND, RECEIVE, LINK, CLOCK, SILENCE, PORT, CHANNEL, CLIPS = range(8)

NAMES = (
    *("density", "vary/amount", "active", "mode", "drums", "clip", "variations", "capture/length"),
    *("receive/port", "instance", "daemon/port", "turn", "capture", "vary", "read", "write"),
)
VALUES = {"density": 0.5, "vary/amount": 0.25, "active": 1, "mode": 1, "drums": 0, "clip": 2}
VALUES |= {"variations": 4, "capture/length": 8}
VALUES |= {"receive/port": 7402.0, "instance": 0, "daemon/port": 7401.0}
BOXES = ("Density", "Vary Amount", "Status", "ping", "bye")

Told = list[tuple[Any, list[Any]]]


class Link:
    """The script in a patcher of a few faces; what is said is `(outlet or box, atoms)`."""

    def __init__(self) -> None:
        self.js = MaxJs(SCRIPT, arguments=(1, 4, 6, *NAMES), boxes=BOXES, live=False)

    def say(self, *message: Any) -> Told:
        """Send a message to the inlet."""
        return [(to, atoms) for _, to, atoms in self.js.send(*message)]

    def move(self, name: str, value: float) -> Told:
        """Let a face have a value."""
        return self.say(NAMES.index(name), value)

    def press(self, name: str) -> Told:
        """Press a button: the funnel repeats what came there last, which is nothing."""
        return self.say(NAMES.index(name), 0)

    def start(self) -> Told:
        """Tell all values, and that they are there."""
        for name, value in VALUES.items():
            self.move(name, value)
        return self.say("bang")

    def wait(self, seconds: float) -> Told:
        """Let time go by."""
        return [(to, atoms) for _, to, atoms in self.js.advance(self.js.now + 1000 * seconds)]


@pytest.fixture
def link() -> Link:
    """Return a script that was just made."""
    return Link()


@pytest.fixture
def connected() -> Link:
    """Return a script that has found the daemon."""
    link = Link()
    link.start()
    link.say("/antiphon/pong", 1, 1, 0)
    return link


def test_it_begins_when_all_values_are_there(link: Link) -> None:
    """Before the bang nothing is said; then the ports are opened, and there is a hello."""
    assert link.move("density", 0.5) == []
    assert link.press("turn") == []
    assert link.start() == [
        (RECEIVE, ["port", 7402]),
        (SEND, ["port", 7401]),
        (PORT, [7402]),
        ("ping", ["set", "/antiphon/ping", 7402]),
        ("bye", ["set", "/antiphon/bye", 7402]),
        (SEND, ["/antiphon/hello", 1, 7402, 1]),
    ]
    assert link.say("bang") == [], "a preset changes nothing"


def test_a_port_that_is_told_late_is_opened_late(link: Link) -> None:
    """Should a face be silent while the device is loaded, nothing is opened until it speaks."""
    for name, value in VALUES.items():
        if name != "instance":
            link.move(name, value)
    assert link.say("bang") == []
    told = link.move("instance", 1)
    assert told[0] == (RECEIVE, ["port", 7403])
    assert told[-1] == (SEND, ["/antiphon/hello", 1, 7403, 1])


def test_a_pong_brings_the_clock_the_mode_and_all_parameters_in_that_order(link: Link) -> None:
    """The clock carries the port and makes a partner, so that it comes before all that is set."""
    link.start()
    assert link.say("/antiphon/pong", 1, 1, 0) == [
        (LINK, [1]),
        ("Status", ["set", 1]),
        (CLOCK, ["bang"]),
        (SEND, ["/antiphon/mode", 4]),
        (SEND, ["/antiphon/param/density", 7402, 0.5]),
        (SEND, ["/antiphon/param/vary/amount", 7402, 0.25]),
    ]
    assert link.say("/antiphon/pong", 1, 1, 0) == []


def test_five_seconds_of_its_own_without_a_pong_are_a_loss(connected: Link) -> None:
    """The partner is silenced, the link closed and shown so, and every 2 s there is a hello."""
    hello = SEND, ["/antiphon/hello", 1, 7402, 1]
    for seconds in (2, 4.9, 3.3, 4.9):
        assert connected.wait(seconds) == []
        connected.say("/antiphon/pong", 1, 1, 0)
    assert connected.wait(4.9) == []
    lost = [(LINK, [0]), ("Status", ["set", 0]), (SILENCE, ["bang"]), hello]
    assert connected.wait(0.2) == lost
    assert connected.wait(6) == [hello] * 3
    assert connected.press("turn") == connected.move("density", 0.75) == []


def test_a_second_that_lasted_longer_is_one(connected: Link) -> None:
    """However long Max was busy, that alone is no loss: a pong that waits is heard before it is."""
    for _ in range(4):
        assert connected.js.advance(connected.js.now + 60_000, late=True) == []
        connected.say("/antiphon/pong", 1, 1, 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("turn", ["/antiphon/turn"]),
        ("capture", ["/antiphon/capture", 8]),
        ("vary", ["/antiphon/vary", 4, 0.25]),
    ],
)
def test_buttons_say_their_message(connected: Link, name: str, message: list[Any]) -> None:
    """A button sends its message with the numbers that the faces beside it show."""
    assert connected.press(name) == [(SEND, message)]


def test_what_the_daemon_sets_is_shown_and_kept(connected: Link) -> None:
    """It is shown by ``set``, counts for Vary, and is told to the next daemon."""
    shown = connected.say("/antiphon/param/vary/amount", 0.75)
    assert shown == [("Vary Amount", ["set", 0.75])]
    assert connected.press("vary") == [(SEND, ["/antiphon/vary", 4, 0.75])]
    assert connected.say("/antiphon/param/bpm", 120.0) == [], "there is no such face"
    assert connected.say("/antiphon/param/instance", 3) == [], "that one is the device's own"
    connected.say("/antiphon/error", 4, "/antiphon/ping")
    assert (SEND, ["/antiphon/param/vary/amount", 7402, 0.75]) in connected.say("/antiphon/pong")


def test_the_mode_is_told_by_its_number_and_is_0_while_off(connected: Link) -> None:
    """Entries of Mode have the numbers of the arguments; what may not play is in mode 0."""
    assert connected.move("mode", 2) == [(SEND, ["/antiphon/mode", 6])]
    assert connected.move("active", 0) == [(SEND, ["/antiphon/mode", 0])]
    assert connected.move("mode", 0) == [(SEND, ["/antiphon/mode", 0])]
    assert connected.move("active", 1) == [(SEND, ["/antiphon/mode", 1])]


def test_other_ports_are_said_bye_and_hello(connected: Link) -> None:
    """Half a number on the way of a drag is no port, and the same port again is no change."""
    assert connected.move("receive/port", 7402.6) == []
    told = connected.move("instance", 2)
    assert told[0] == (SEND, ["/antiphon/bye", 7402])
    assert told[1:4] == [(RECEIVE, ["port", 7404]), (SEND, ["port", 7401]), (PORT, [7404])]
    assert told[-1] == (SEND, ["/antiphon/hello", 1, 7404, 1])


def test_clips_hear_what_concerns_them(connected: Link) -> None:
    """Buttons, the channel and the daemon's words reach clips.js under its own names."""
    assert connected.press("read") == [(CLIPS, ["readclip"])]
    assert connected.press("write") == [(CLIPS, ["writeclip", 2])]
    assert connected.move("drums", 1) == [(CHANNEL, [10]), (CLIPS, ["channel", 10])]
    heard = connected.say("/antiphon/clip/note", -1, 0, 60, 0.5, 1.5, 90)
    assert heard == [(CLIPS, ["note", -1, 0, 60, 0.5, 1.5, 90])]
    assert connected.say("/antiphon/error", 4, "/antiphon/clip/get") == [
        (CLIPS, ["refused", 4, "/antiphon/clip/get"])
    ]


def test_other_words_of_the_daemon_are_let_go(connected: Link) -> None:
    """What the device does not show is no error and moves nothing."""
    for name in ("beat", "stats", "expect", "nosuch", "param/nosuch"):
        assert connected.say(f"/antiphon/{name}", 1, 2.5) == []


def test_after_it_was_deleted_nothing_goes_on(connected: Link) -> None:
    """The timer ends with the object."""
    connected.js.deleted()
    assert connected.js.next is None


def test_a_face_that_is_not_there_is_noticed() -> None:
    """A name without a box would be an error in Max, and is one here."""
    link = Link()
    link.js = MaxJs(SCRIPT, arguments=(1, "density"), boxes=("Status", "ping", "bye"), live=False)
    link.say(0, 0.5)
    with pytest.raises(ScriptError, match="no box"):
        link.say("/antiphon/param/density", 0.25)


def test_it_is_ecmascript_5() -> None:
    """The script uses nothing that Max's js, an engine of ECMAScript 5, cannot read."""
    text = re.sub(r"//.*|\"[^\"\n]*\"", "", SCRIPT.read_text(encoding="utf-8"))
    newer = r"=>|`|\.\.\.|\b(let|const|class|of|async|await|import|export)\b|\*\*|\?\.|\?\?"
    assert re.search(newer, text) is None
    assert text.isascii()
