"""What Pure Data's client sends, and what it sounds, beside a socket in the daemon's place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import faces
from pd_process import DEVICES, Pd, Stand, opened, until

pytestmark = pytest.mark.skipif(shutil.which("pd") is None, reason="pd not installed")

BUTTONS = {
    "end-turn": "turn",
    "capture": "capture",
    "vary": "vary",
    "keep": "keep",
    "undo": "undo",
    "panic": "panic",
}
SIX_DIGITS = 999999
"""What Pd can save of a whole number."""

SENT = [replace(f, high=min(f.high, SIX_DIGITS)) for f in faces.FACES if f.param]


@pytest.fixture
def stand() -> Iterator[Stand]:
    """Stand in the daemon's place."""
    stand = Stand()
    yield stand
    stand.close()


@pytest.fixture
def pd(tmp_path: Path, stand: Stand) -> Iterator[Pd]:
    """Start Pd with one instance that has met the daemon."""
    pd = Pd(tmp_path, stand.port)
    stand.meet(pd)
    yield pd
    pd.end()


def after(pd: Pd, stand: Stand) -> None:
    """Wait until all that was put in before has gone through."""
    count = len(stand.named("get"))
    pd.send("get after")
    until(lambda: len(stand.named("get")) > count)


def lasting(pd: Pd, pitch: int) -> list[float]:
    """Return how long each note of a pitch sounded, in milliseconds."""
    times = [note.ms for note in pd.notes() if note.pitch == pitch]
    return [off - on for on, off in zip(times[::2], times[1::2], strict=True)]


def test_the_greeting_tells_every_parameter_and_the_mode_behind_them(
    tmp_path: Path, stand: Stand
) -> None:
    """Hello asks for notes; each face with a parameter sends its first value, then the mode."""
    pd = Pd(tmp_path, stand.port)
    try:
        until(lambda: stand.named("mode"))
    finally:
        pd.end()
    assert stand.heard[0] == ("hello", (1.0, pd.receive[0], 1.0))
    told = stand.heard[1:]
    expected = {f"param/{face.param}": face.initial for face in SENT}
    assert {name: args[1] for name, args in told[:-1]} == pytest.approx(expected)
    assert told[-1] == ("mode", (1.0,))


def test_without_arguments_the_ports_are_the_usual_ones(tmp_path: Path, stand: Stand) -> None:
    """A copy with other defaults uses these, for both ports."""
    pd = Pd(tmp_path, stand.port, bare=True)
    try:
        until(lambda: stand.named("mode"))
        assert "7402;" in (DEVICES / "antiphon.pd").read_text()
        assert stand.named("hello")[0][1] == pd.receive[0]
    finally:
        pd.end()


def test_every_face_is_sent_when_it_moves_and_shown_when_it_is_told(pd: Pd, stand: Stand) -> None:
    """What the daemon tells is not sent back, but is what the next greeting tells."""
    for face in SENT:
        pd.send(f"set {face.param} {face.high:.9g}")
    after(pd, stand)
    for face in SENT:
        assert stand.named(f"param/{face.param}") == [(pd.receive[0], face.high)]
    stand.heard.clear()
    for face in SENT:
        stand.tell(pd, f"param/{face.param}", face.low)
    until(lambda: f"param {SENT[-1].param} {SENT[-1].low:g}" in pd.said())
    after(pd, stand)
    assert {name for name, _ in stand.heard} <= {"get", "ping"}
    stand.tell(pd, "error", 4, "/antiphon/ping")  # the daemon does not know us any more
    until(lambda: stand.named("mode"))
    for face in SENT:
        (told,) = stand.named(f"param/{face.param}")
        assert told == pytest.approx((pd.receive[0], face.low))


def test_the_panel_shows_what_is_told_and_sends_what_is_done_to_it(
    tmp_path: Path, stand: Stand
) -> None:
    """Each box of a face, made to speak, says the value that the daemon told last."""
    patch = opened(tmp_path)
    pd = Pd(tmp_path, stand.port)
    try:
        stand.meet(pd)
        for face in SENT:
            value = face.low + (face.high - face.low) / 2
            value = float(int(value)) if face.whole or face.choices else value
            stand.tell(pd, f"param/{face.param}", value)
            until(lambda face=face: any(f"param {face.param} " in line for line in pd.said()[-1:]))
            pd.inside(f"show-{face.param}", "bang")
            after(pd, stand)
            # A bang turns a toggle over; a slider has a number beside it.
            shown = 1.0 - value if len(face.choices) == 2 else value
            said = stand.named(f"param/{face.param}")
            boxes = len(re.findall(rf"-face-{face.param} .*-show-{face.param} ", patch))
            boxes += len(re.findall(rf"-show-{face.param} .*-face-{face.param} ", patch))
            assert said == [pytest.approx((pd.receive[0], shown))] * boxes, face.name
            assert boxes, face.name
        pd.send("mode loop")
        pd.inside("show-mode", "bang")
        pd.inside("show-on", "bang")
        after(pd, stand)
        assert stand.named("mode") == [(4.0,), (4.0,), (0.0,)]
        for button, name in BUTTONS.items():
            pd.inside(f"do-{button}", "bang")
            until(lambda name=name: stand.named(name))
    finally:
        pd.end()


def test_the_panel_shows_its_first_values_without_a_daemon(tmp_path: Path, stand: Stand) -> None:
    """Every value is on the panel when the patch opens; nothing but a hello is sent."""
    stand.answers = False
    opened(tmp_path)
    pd = Pd(tmp_path, stand.port)
    try:
        until(lambda: stand.named("hello"))
        lines = pd.text.splitlines()
        assert {
            "show-on: set 1",
            "show-mode: set 0",
            "show-thru: set 1",
            "show-density: set 0.5",
        } <= set(lines)
        assert {name for name, _ in stand.heard} == {"hello"}
    finally:
        pd.end()


def test_the_panel_names_the_state_and_what_is_chosen(tmp_path: Path, stand: Stand) -> None:
    """No daemon first, then the state by its code; the mode and the scale by name."""
    opened(tmp_path)
    pd = Pd(tmp_path, stand.port)
    try:
        stand.meet(pd)
        for code in range(5):
            stand.tell(pd, "state", code)
        stand.tell(pd, "param/scale", 2)
        pd.send("mode solo")
        until(lambda: "name-mode: symbol Solo" in pd.text)
        pd.send("close")
        until(lambda: pd.text.count("state: symbol No-Daemon") == 2)
        words = re.findall(r"state: symbol (\S+)", pd.text)
        assert words == [*(w.replace(" ", "-") for w in faces.STATUS), "No-Daemon"]
        assert "name-scale: symbol Natural-Minor" in pd.text
    finally:
        pd.end()


def test_a_value_out_of_range_is_sent_as_the_end_of_the_range(pd: Pd, stand: Stand) -> None:
    """A face never sends what the daemon refuses, and whole ones send whole numbers."""
    pd.send("set density 7")
    pd.send("set scale 3.6")
    until(lambda: stand.named("param/scale"))
    assert stand.named("param/density")[0][1] == 1.0
    assert stand.named("param/scale")[0][1] == 4.0


def test_every_message_has_the_arguments_that_the_daemon_takes(pd: Pd, stand: Stand) -> None:
    """What is left out comes from the panel; notes and controllers bring the reply port."""
    port = float(pd.receive[0])
    expected: dict[str, tuple[str, tuple[object, ...]]] = {
        "60 90": ("note", (port, 60.0, 90.0, 1.0)),
        "61 90 18": ("note", (port, 61.0, 90.0, 2.0)),
        "cc 64 127 3": ("cc", (port, 64.0, 127.0, 3.0)),
        "clock 1.5 120 3 4 1": ("clock", (port, 1.5, 120.0, 3.0, 4.0, 1.0)),
        "set bpm 90": ("param/bpm", (port, 90.0)),
        "get scale": ("get", ("scale",)),
        "mode loop": ("mode", (4.0,)),
        "mode 6": ("mode", (6.0,)),
        "mode duet": ("mode", ("duet",)),
        "on 0": ("mode", (0.0,)),
        "mode respond": ("mode", (1.0,)),
        "turn": ("turn", ()),
        "turn 0": ("turn", (0.0,)),
        "capture": ("capture", (8.0,)),
        "capture 2.5": ("capture", (2.5,)),
        "vary": ("vary", (4.0, pytest.approx(0.3))),
        "vary 2": ("vary", (2.0, pytest.approx(0.3))),
        "vary 3 0.5": ("vary", (3.0, 0.5)),
        "pick 2": ("pick", (2.0,)),
        "generate 16": ("generate", (16.0,)),
        "keep": ("keep", ()),
        "undo": ("undo", ()),
        "panic": ("panic", ()),
        "clip get -1": ("clip/get", (-1.0,)),
        "clip begin 1 4 1": ("clip/begin", (1.0, 4.0, 1.0)),
        "clip note 1 0 60 0 0.5 90": ("clip/note", (1.0, 0.0, 60.0, 0.0, 0.5, 90.0)),
        "clip end 1": ("clip/end", (1.0,)),
    }
    for message in expected:
        pd.send(message)
    after(pd, stand)
    heard = [each for each in stand.heard if each[0] != "ping"]
    assert heard[:-1] == list(expected.values())
    pd.send("drums 1")
    pd.send("60 0")
    until(lambda: stand.named("note")[-1] == (port, 60.0, 0.0, 10.0))
    pd.send("nonsense 1")
    until(lambda: "error 1 nonsense 1" in pd.said())


def test_what_the_daemon_tells_comes_out_as_messages(pd: Pd, stand: Stand) -> None:
    """State, beat, phrase, variation, clips and errors, in the order of their arguments."""
    stand.tell(pd, "state", 3)
    stand.tell(pd, "beat", 2, 1.0, 90.0)
    stand.tell(pd, "phrase", 8.0, 12)
    stand.tell(pd, "variation", 2, 0.25, 11)
    stand.tell(pd, "param/turn/silence", 2.0)
    for name in faces.WITHOUT:
        stand.tell(pd, f"param/{name}", 5.0)
    stand.tell(pd, "clip/begin", 0, 8.0, 1)
    stand.tell(pd, "error", 3, "/antiphon/note")
    stand.tell(pd, "error", 4, "/antiphon/vary")
    until(lambda: "error 4 /antiphon/vary" in pd.said())
    assert pd.said()[-8 - len(faces.WITHOUT) :] == [
        "state 3",
        "beat 2 1 90",
        "phrase 8 12",
        "variation 2 0.25 11",
        "param turn/silence 2",
        *(f"param {name} 5" for name in faces.WITHOUT),
        "clip begin 0 8 1",
        "error 3 /antiphon/note",
        "error 4 /antiphon/vary",
    ]


def test_a_note_ends_to_the_millisecond_after_its_duration(pd: Pd, stand: Stand) -> None:
    """In Pd's own time, whenever its packet came."""
    durations = (1, 7, 33, 250, 333, 1000)
    for place, duration in enumerate(durations):
        stand.tell(pd, "play", 60 + place, 80, duration, 40, 1)
    until(lambda: len(pd.notes()) == 2 * len(durations))
    for place, duration in enumerate(durations):
        assert lasting(pd, 60 + place) == [pytest.approx(duration, abs=0.02)]


def test_a_note_that_is_struck_again_ends_first_and_lasts_its_own_time(
    pd: Pd, stand: Stand
) -> None:
    """On and off take turns on each key, and the first note's end does not end the second."""
    stand.tell(pd, "play", 64, 80, 300, 0, 1)
    stand.tell(pd, "play", 64, 90, 400, 150, 1)
    stand.tell(pd, "play", 64, 70, 200, 50, 2)
    until(lambda: len(pd.notes()) == 6)
    assert pd.hanging() == set()
    first, second = (n.ms for n in pd.notes() if n.channel == 1 and n.velocity)
    assert [n.ms for n in pd.notes() if n.channel == 1 and not n.velocity] == [
        pytest.approx(second, abs=0.02),
        pytest.approx(second + 400, abs=0.02),
    ]
    assert first < second


@pytest.mark.parametrize("how", ["mode off", "on 0", "panic", "close", "told"])
def test_whatever_stops_the_partner_ends_his_notes(pd: Pd, stand: Stand, how: str) -> None:
    """What sounds ends, and what was to come does not."""
    stand.tell(pd, "play", 64, 80, 60000, 0, 1)
    stand.tell(pd, "play", 67, 80, 60000, 100, 1)
    until(lambda: len(pd.notes()) == 2)
    stand.tell(pd, "play", 72, 80, 60000, 300, 1)
    stand.tell(pd, "state", 2)
    until(lambda: "state 2" in pd.said())
    if how == "told":
        stand.tell(pd, "panic")
    else:
        pd.send(how)
    until(lambda: len(pd.notes()) == 4)
    assert pd.hanging() == set()
    if how == "close":
        until(lambda: stand.named("bye") == [(pd.receive[0],)])
        until(lambda: pd.said()[-1] == "connected 0")
        stand.heard.clear()
        pd.send("later 60 90 1 2500")  # longer than from one hello to the next
        until(lambda: pd.hanging() == {(1, 60)})
        assert stand.named("hello") == stand.named("ping") == []
        return
    if how in ("mode off", "on 0"):
        stand.tell(pd, "play", 55, 80, 1, 0, 1)  # it was on its way
        stand.tell(pd, "state", 0)
        until(lambda: "state 0" in pd.said())
    pd.send("mode respond")
    after(pd, stand)
    stand.tell(pd, "play", 50, 80, 1, 400, 1)  # later than what was forgotten
    until(lambda: len(pd.notes()) == 6)
    assert [n.pitch for n in pd.notes()[4:]] == [50, 50]


def test_a_daemon_that_is_silent_for_five_seconds_is_lost_and_greeted_again(
    pd: Pd, stand: Stand
) -> None:
    """Lost, what sounded ends; when it answers again, everything is told again."""
    until(lambda: stand.named("ping"))
    assert stand.heard == [("ping", (pd.receive[0],))]
    stand.answers = False
    stand.tell(pd, "play", 64, 80, 60000, 0, 1)
    until(lambda: pd.hanging() == {(1, 64)})
    until(lambda: "connected 0" in pd.said(), 8.0)
    assert pd.hanging() == set()
    stand.heard.clear()
    until(lambda: stand.named("hello"), 5.0)
    stand.answers = True
    until(lambda: stand.named("mode"), 5.0)
    assert len(stand.named("param/temperature")) == 1


def test_thru_passes_notes_and_owes_their_ends(pd: Pd, stand: Stand) -> None:
    """The partner's panic leaves the player's notes alone; turning thru off ends them."""
    for note in ("61 90 3", "62 0 3", "61 0 3", "60 80 19"):  # 62 was never struck
        pd.send(note)
    until(lambda: len(pd.notes()) == 3)
    assert [(n.pitch, n.velocity, n.channel) for n in pd.notes()] == [
        (61, 90, 3),
        (61, 0, 3),
        (60, 80, 3),
    ]
    stand.tell(pd, "play", 64, 80, 60000, 0, 1)
    until(lambda: len(pd.notes()) == 4)
    stand.tell(pd, "panic")
    until(lambda: pd.hanging() == {(3, 60)})
    pd.send("thru 0")
    until(lambda: pd.hanging() == set())
    pd.send("60 0 3")
    pd.send("65 90 3")
    after(pd, stand)
    assert len(pd.notes()) == 6
    assert len(stand.named("note")) == 6, "the partner hears what is not passed on"


def test_the_panel_is_saved_with_the_patch_around(pd: Pd, stand: Stand) -> None:
    """Opened again, the faces have the values that they had when Pd saved the patch."""
    for face in SENT:
        pd.send(f"set {face.param} {face.high:.9g}")
    for message in ("mode loop", "on 0", "thru 0", "drums 1", "variations 7", "capture-length 3"):
        pd.send(message)
    after(pd, stand)
    stand.heard.clear()
    pd.save()
    after(pd, stand)
    assert {name for name, _ in stand.heard} <= {"get", "ping"}, "saving sends nothing"
    pd.send("set density 0.5")
    until(lambda: stand.named("param/density"))
    stand.heard.clear()
    pd.open_again()
    until(lambda: stand.named("mode"))
    assert stand.named("mode") == [(0.0,)]
    for face in SENT:
        assert [value for _, value in stand.named(f"param/{face.param}")] == [face.high]
    for message in ("on 1", "vary", "capture", "60 90"):
        pd.send(message)
    after(pd, stand)
    assert stand.named("mode")[-1] == (4.0,)
    assert stand.named("vary") == [(7.0, 1.0)]
    assert stand.named("capture") == [(3.0,)]
    assert stand.named("note") == [(pd.receive[0], 60.0, 90.0, 10.0)]
    assert pd.notes() == []
