"""The interpreter of patchers itself, on small patches with known outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from max_js import MaxJs, ScriptError
from maxpatch import Clock, Memory, Patch, PatchError, Transport, osc
from maxpatch.atoms import arguments, message, words
from maxpatch.build import Probe, parameter, patcher
from maxpatch.device import Device
from needs_node import NEEDS_NODE


def midi(probe: Probe) -> list[tuple[float, int]]:
    """Return what went to ``midiout``."""
    return [(time, byte) for time, _, byte in probe.patch.midi_out]


def test_words_of_a_box() -> None:
    """White space, commas, quotes and escapes part a box's text as in Max."""
    assert words('a, b "c d" e\\, 1') == ("a", ",", "b", "\0c d", "\0e,", "1")
    name, args, attributes = arguments("metro 16n @active 1 @quantize 16n")
    assert (name, args, attributes) == ("metro", ["16n"], {"active": [1], "quantize": ["16n"]})


def test_messages_of_atoms() -> None:
    """A number alone is int or float, several are a list, a word in front is the selector."""
    kinds = [message(row).selector for row in ((), (1,), (1.0,), (1, "a"), ("a", 1), ("list", 1))]
    assert kinds == ["bang", "int", "float", "list", "a", "int"]


def test_outlets_go_right_to_left_and_depth_first() -> None:
    """Each branch ends before the next begins, the right-most first."""
    probe = Probe(
        {"t": "t b b", "left": "msg l", "right": "msg r", "under": "msg u", "end": "prepend got"},
        ["t:0 left", "t:1 right", "right under", "under end", "left end"],
    )
    order = [to for to, _, _ in probe.put("t", "bang")]
    assert order == ["right", "under", "end", "left", "end"]


def test_cords_of_one_outlet_go_by_place() -> None:
    """The right-most box is served first, and the lowest of boxes above each other."""
    places = {"a": (10.0, 0.0), "b": (90.0, 0.0), "c": (90.0, 50.0), "d": (50.0, 90.0)}
    boxes = {"t": ("t b", {"at": (0.0, 0.0)})}
    boxes |= {name: ("button", {"at": at}) for name, at in places.items()}
    cords = [f"t {name}" for name in places]
    assert [to for to, _, _ in Probe(boxes, cords).put("t", 1)] == ["c", "b", "d", "a"]
    backwards = Probe(boxes, cords, backwards=True)
    assert [to for to, _, _ in backwards.put("t", 1)] == ["a", "d", "b", "c"]


@pytest.mark.parametrize(
    ("boxes", "cords"),
    [
        ({"a": "nosuchobject"}, []),
        ({"a": "gate", "b": "gate"}, ["a:1 b"]),
        ({"a": "gate", "b": "gate"}, ["a:0 b:2"]),
        ({"a": "gate"}, ["a:0 c:0"]),
        ({"a": "t b", "b": "button"}, ["a:0 b:0", "a:0 b:0"]),
        ({"a": "makenote 1 2 @nosuch 1"}, []),
        ({"a": ("gate 2", {"numoutlets": 1})}, []),
    ],
)
def test_a_bad_patch_is_an_error(boxes: dict[str, object], cords: list[str]) -> None:
    """Unknown classes and attributes, cords to nowhere and wrong arity are refused."""
    with pytest.raises(PatchError):
        Patch(patcher(boxes, cords))


def test_an_unknown_message_is_an_error() -> None:
    """What the reference does not list is refused, and nothing is dropped in silence."""
    with pytest.raises(PatchError, match="does not understand"):
        Probe({"a": "midiflush"}, []).put("a", "flush")


def test_a_loop_is_an_error() -> None:
    """Messages that go round for ever are a stack overflow, as in Max."""
    with pytest.raises(PatchError, match="stack overflow"):
        Probe({"a": "msg x", "b": "msg y"}, ["a b", "b a"]).put("a", "bang")


def test_hot_and_cold_inlets() -> None:
    """The left inlet sends, the others keep."""
    probe = Probe({"p": "pack 0 0 0.", "out": "prepend x"}, ["p out"])
    assert probe.put("p", 5, inlet=1) == []
    assert probe.put("p", 1, inlet=2) == []
    assert probe.put("p", 7) == [("out", 0, "7 5 1.0")]


def test_trigger_turns_messages_into_kinds() -> None:
    """Bangs, numbers, symbols, constants and whole messages come out as asked."""
    probe = Probe({"t": "t b i f l 7 go", "x": "prepend x"}, [f"t:{n} x" for n in range(6)])
    assert [text for _, _, text in probe.put("t", 2.5)] == ["go", "7", "2.5", "2.5", "2", "bang"]


def test_route_and_select() -> None:
    """The matching outlet gets the rest, or a bang; what matches nothing leaves at the right."""
    boxes = {"r": "route a 1", "x": "prepend x", "y": "prepend y", "z": "button"}
    probe = Probe(boxes, ["r:0 x", "r:1 y", "r:2 z"])
    assert probe.put("r", "a", 3, 4) == [("x", 0, "3 4")]
    assert probe.put("r", 1, 9) == [("y", 0, "9")]
    assert probe.put("r", "c", 1) == [("z", 0, "c 1")]
    select = Probe(
        {"s": "sel 0 1", "x": "button", "y": "button", "z": "button"}, ["s:1 x", "s:2 z"]
    )
    assert select.put("s", 1) == [("x", 0, "bang")]
    assert select.put("s", 2) == [("z", 0, "2")]


def test_gate_opens_and_closes() -> None:
    """Nothing passes a closed gate, and the second argument is how it starts."""
    probe = Probe({"g": "gate 1 1", "x": "button"}, ["g x"])
    assert probe.put("g", 5, inlet=1)
    probe.put("g", 0)
    assert not probe.put("g", 5, inlet=1)


def test_message_boxes_fill_in_and_part() -> None:
    """``$`` words are filled in, commas part, and what follows a semicolon goes to a receiver."""
    probe = Probe({"m": "msg set $2, $1 a \\; 5; ---b 9", "x": "prepend x", "r": "r ---b"}, ["m x"])
    assert [text for _, _, text in probe.put("m", 3, 4)] == ["set 4", "3 a ; 5", "9"]


def test_prepend_takes_set_for_itself() -> None:
    """``set`` replaces what is put in front, and goes nowhere."""
    probe = Probe({"p": "prepend a", "x": "button"}, ["p x"])
    assert probe.put("p", 1, 2) == [("x", 0, "a 1 2")]
    assert probe.put("p", "set", "b") == []
    assert probe.put("p", "c") == [("x", 0, "b c")]


def test_delays() -> None:
    """``delay`` starts anew, ``pipe`` holds many, and both can be told to forget."""
    probe = Probe({"d": "delay 100", "p": "pipe 0 0", "x": "button", "y": "button"}, ["d x", "p y"])
    probe.put("d", "bang")
    probe.patch.run(60)
    probe.put("d", "bang")
    probe.patch.run(99)
    assert probe.at("x") == []
    probe.patch.run(1)
    assert probe.at("x") == ["bang"]
    for value, delay in ((1, 30), (2, 10), (3, 20)):
        probe.put("p", delay, inlet=1)
        probe.put("p", value)
    probe.patch.run(20)
    assert probe.at("y") == ["2", "3"]
    probe.put("p", "clear")
    probe.patch.run(100)
    assert probe.at("y") == ["2", "3"]


def test_pipe_takes_its_time_from_the_end_of_a_list() -> None:
    """A list that is one longer than the values sets the delay before it is delayed."""
    probe = Probe({"p": "pipe 0 0 0", "x": "prepend x"}, ["p:0 x", "p:1 x"])
    probe.put("p", 60, 100, 25)
    probe.patch.run(24.5)
    assert probe.at("x") == []
    probe.patch.run(0.5)
    assert probe.at("x") == ["100", "60"]


def test_metro_lies_on_the_grid_of_the_transport() -> None:
    """A quantised metro bangs on the lines while the transport runs, wherever it was started."""
    clock = Clock()
    song = Transport(clock, bpm=120)
    probe = Probe(
        {"m": "metro 16n @active 1 @quantize 16n", "x": "button"},
        ["m x"],
        clock=clock,
        transport=song,
    )
    beats: list[float] = []
    probe.patch.trace = lambda to, *_: beats.append(song.beat) if to.box.id == "x" else None
    probe.patch.load()
    clock.advance(1000)
    assert beats == []
    song.set(playing=True, beat=0.1)
    clock.advance(500)
    song.set(bpm=60)
    clock.advance(500)
    assert beats == pytest.approx([0.25, 0.5, 0.75, 1.0, 1.25, 1.5])
    song.set(playing=False)
    clock.advance(1000)
    assert len(beats) == 6


def test_transport_tells_where_the_song_is() -> None:
    """A bang tells bar, beat, ticks, tempo, meter, running and ticks in all, right to left."""
    boxes = {"t": "transport", **{f"o{n}": "button" for n in range(9)}}
    probe = Probe(boxes, [f"t:{n} o{n}" for n in range(9)])
    probe.patch.transport.set(playing=True, beat=7.5, bpm=90, meter=(3, 4))
    told = probe.put("t", "bang")
    assert [text for _, _, text in told] == ["3600.0", "1", "3 4", "90.0", "480", "240.0", "2", "3"]


def test_bytes_are_parsed_and_written() -> None:
    """Notes and controllers go from bytes to lists and back, channel first."""
    probe = Probe(
        {"i": "midiin", "p": "midiparse", "f": "midiformat", "o": "midiout"},
        ["i p", "p:0 f:0", "p:2 f:2", "p:6 f:6", "f o"],
    )
    probe.patch.midi_in(0x92, 60, 100, 0xB2, 64, 127, 62, 1, 0x82, 60, 40)
    got = [byte for _, byte in midi(probe)]
    assert got == [0x92, 60, 100, 0xB2, 64, 127, 0xB2, 62, 1, 0x92, 60, 0]


def test_midiflush_ends_what_sounds() -> None:
    """A bang sends one note-off for each note-on without one, and no more the next time."""
    probe = Probe({"i": "midiin", "f": "midiflush", "o": "midiout"}, ["i f", "f o"])
    probe.patch.midi_in(0x90, 60, 9, 0x90, 60, 9, 0x91, 62, 9, 0x81, 62, 0)
    before = len(midi(probe))
    probe.put("f", "bang")
    probe.put("f", "bang")
    assert [byte for _, byte in midi(probe)[before:]] == [0x90, 60, 0, 0x90, 60, 0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0, ["60 9 @0", "60 9 @50", "60 0 @100", "60 0 @150"]),
        (1, ["60 9 @0", "60 0 @50", "60 9 @50", "60 0 @150"]),
        (2, ["60 9 @0", "60 9 @50", "60 0 @150"]),
    ],
)
def test_makenote_with_a_pitch_that_sounds(mode: int, expected: list[str]) -> None:
    """Its repeat mode says what becomes of the first of two notes of one pitch."""
    probe = Probe(
        {"m": f"makenote 9 100 @repeatmode {mode}", "k": "pack 0 0", "x": "button"},
        ["m:0 k:0", "m:1 k:1", "k x"],
    )
    seen: list[str] = []
    probe.patch.trace = lambda to, _, what: (
        seen.append(f"{what} @{probe.patch.clock.now:g}") if to.box.id == "x" else None
    )
    probe.put("m", 60)
    probe.patch.run(50)
    probe.put("m", 60)
    probe.patch.run(500)
    assert seen == expected


def test_makenote_stop_ends_and_clear_forgets() -> None:
    """``stop`` sends every note-off that is held at once, ``clear`` none."""
    probe = Probe({"m": "makenote 9 100", "x": "button"}, ["m x"])
    probe.put("m", 60)
    probe.put("m", 62)
    probe.put("m", "stop")
    assert probe.at("x") == ["60", "62", "60", "62"]
    probe.put("m", 64)
    probe.put("m", "clear")
    probe.patch.run(200)
    assert probe.at("x") == ["60", "62", "60", "62", "64"]


def test_parameters_keep_their_range_and_recall() -> None:
    """A value is kept within the range as its type says; stored comes before initial, and ``set``
    shows without sending.
    """
    said = parameter("A", 0, mmin=0.5, mmax=2.0, initial=[1.0], initial_enable=1)
    menu = parameter("B", 2, enum=["x", "y", "z"], initial=[1], initial_enable=1)
    whole = parameter("C", 1, mmin=0, mmax=10, initial=[3], initial_enable=1)
    probe = Probe(
        {
            "a": ("live.dial", said),
            "b": ("live.menu", menu),
            "c": ("live.numbox", whole),
            "x": "prepend x",
        },
        ["a x", "b x", "c x"],
    )
    device = Device(probe.patch, stored={"A": 5.0})
    device.load()
    assert probe.at("x") == ["2.0", "1", "3"]
    device.move("C", 2.6)
    device.move("B", -1)
    assert probe.at("x")[3:] == ["3", "0"]
    probe.put("a", "set", 0.1)
    assert device.value("A") == 0.5
    assert len(probe.at("x")) == 5
    probe.put("a", "outputvalue")
    assert probe.at("x")[5:] == ["0.5"]


def test_a_bang_turns_a_toggle_over() -> None:
    """``live.toggle`` does not tell its value at a bang, it changes it."""
    said = parameter("A", 2, enum=["off", "on"], initial=[1], initial_enable=1)
    probe = Probe({"a": ("live.toggle", said), "x": "button"}, ["a x"])
    Device(probe.patch).load()
    probe.put("a", "bang")
    assert probe.at("x") == ["1", "0"]


def test_a_button_bangs_for_the_mouse_and_counts_for_a_controller() -> None:
    """``live.text`` as a button sends a bang when clicked, 1 and 0 when its parameter moves, and
    nothing at the start.
    """
    said = parameter("A", 2, enum=["off", "on"]) | {"mode": 0}
    probe = Probe({"a": ("live.text", said), "x": "button"}, ["a x"])
    device = Device(probe.patch)
    device.load()
    device.press("A")
    device.press("A", by_automation=True)
    assert probe.at("x") == ["bang", "1", "0"]


def test_osc_there_and_back() -> None:
    """Types i, f and s go through the codec unchanged; others are refused."""
    data = osc.encode("/a/b", (1, -2, 0.5, "word", ""))
    assert len(data) % 4 == 0
    assert osc.decode(data) == ("/a/b", (1, -2, 0.5, "word", ""))
    for bad in (b"#bundle\0", b"/a\0\0,b\0\0\0\0\0\0", b"/a\0\0,i\0\0", b"/a\0\0,\0\0\0\0\0\0\0"):
        with pytest.raises(PatchError):
            osc.decode(bad)
    with pytest.raises(PatchError):
        osc.encode("hello")


def test_osc_agrees_with_another_codec() -> None:
    """python-osc reads what this codec writes, and the other way round."""
    from pythonosc.osc_message import OscMessage
    from pythonosc.osc_message_builder import OscMessageBuilder

    read = OscMessage(osc.encode("/x", (3, 0.25, "abc")))
    assert (read.address, read.params) == ("/x", [3, 0.25, "abc"])
    builder = OscMessageBuilder("/y")
    for value in (7, 1.5, "z"):
        builder.add_arg(value)
    assert osc.decode(builder.build().dgram) == ("/y", (7, 1.5, "z"))


def test_udp_in_memory_loses_doubles_and_delays() -> None:
    """The fate of each datagram is what the test says, and ports can be changed and taken."""
    clock = Clock()
    network = Memory(clock)
    probe = Probe(
        {
            "s": "udpsend 127.0.0.1 7402",
            "r": "udpreceive 7402",
            "x": "button",
            "m": "msg port 7500",
        },
        ["r x", "m r"],
        clock=clock,
        network=network,
    )
    fates = iter([(5.0,), (), (0.0, 1.0), (0.0,)])
    network.fate = lambda *_: next(fates)
    for value in (1, 2, 3):
        probe.put("s", "/n", value)
    clock.advance(10)
    assert probe.at("x") == ["/n 3", "/n 3", "/n 1"]
    probe.put("m", "bang")
    probe.put("s", "/n", 4)
    clock.advance(10)
    assert len(probe.at("x")) == 3
    assert not network.bind(7500, lambda *_: None)
    assert network.bind(7402, lambda *_: None)


def test_patchers_inside_have_doors_from_left_to_right() -> None:
    """Messages go through a patcher inside by the places of its inlets and outlets."""
    inner = patcher(
        {
            "b": ("inlet", {"at": (50.0, 0.0)}),
            "a": ("inlet", {"at": (0.0, 0.0)}),
            "y": ("outlet", {"at": (50.0, 90.0)}),
            "x": ("outlet", {"at": (0.0, 90.0)}),
        },
        ["a x", "b y"],
    )
    boxes = {"p": ("p inside", {"patcher": inner}), "l": "button", "r": "button"}
    probe = Probe(boxes, ["p:0 l", "p:1 r"])
    assert ("l", 0, "5") in probe.put("p", 5)
    assert ("r", 0, "6") in probe.put("p", 6, inlet=1)


def test_events_without_end_are_an_error() -> None:
    """Time that stands still because each event makes another is noticed."""
    probe = Probe({"a": "deferlow", "b": "t b"}, ["a b", "b a"])
    probe.put("a", 1)
    with pytest.raises(PatchError, match="endless loop"):
        probe.patch.run(1)


def test_lists_are_cut_and_joined() -> None:
    """``zl slice`` sends the rest first, and nothing where there is none; ``zl join`` adds what
    it keeps behind what comes.
    """
    probe = Probe(
        {"s": "zl slice 1", "l": "prepend l", "r": "prepend r", "j": "zl join", "x": "prepend x"},
        ["s:0 l", "s:1 r", "j x"],
    )
    assert probe.put("s", "/a", 1, 2.5) == [("r", 0, "1 2.5"), ("l", 0, "/a")]
    assert probe.put("s", 7) == [("l", 0, "7")]
    probe.put("j", 1, 2, inlet=1)
    assert probe.put("j", "/a") == [("x", 0, "/a 1 2")]


def test_arithmetic_is_whole_unless_a_point_says_otherwise() -> None:
    """Operators compute in the kind of their argument; the right inlet keeps, a bang repeats."""
    for text, left, right, result in (
        ("+ 3", 4, None, "7"),
        ("+ 0", 7402.0, 3, "7405"),
        ("* 9", 1, None, "9"),
        ("/ 480.", 720, None, "1.5"),
        ("&& 1", 1, 0, "0"),
        ("== 2", 2, None, "1"),
    ):
        probe = Probe({"o": text, "x": "prepend x"}, ["o x"])
        if right is not None:
            assert probe.put("o", right, inlet=1) == []
        assert probe.put("o", left) == [("x", 0, result)], text
        assert probe.put("o", "bang") == [("x", 0, result)], text


def test_change_passes_what_is_new() -> None:
    """``change`` begins at 0 and drops what it had last."""
    probe = Probe({"c": "change", "x": "prepend x"}, ["c x"])
    for value in (0, 1, 1, 0, 5):
        probe.put("c", value)
    assert probe.at("x") == ["1", "0", "5"]


def test_keys_are_lit_while_notes_sound() -> None:
    """``kslider`` in its polyphonic mode lights a key at a note-on and unlights it at its end."""
    probe = Probe({"k": ("kslider", {"mode": 1})}, [])
    (keys,) = probe.patch.objects.values()
    for pitch, velocity, lit in ((60, 90, {60}), (64, 90, {60, 64}), (60, 0, {64})):
        probe.put("k", pitch, velocity)
        assert keys.lit == lit  # type: ignore[attr-defined]


def test_a_patcher_gets_its_arguments() -> None:
    """``patcherargs`` sends the arguments that were given, and its own for the others."""
    probe = Probe({"a": "patcherargs 1 2", "x": "prepend x"}, ["a x"], arguments=(7,))
    probe.patch.load()
    assert probe.at("x") == ["7 2"]


def test_a_funnel_says_where_things_came_in() -> None:
    """Each message goes out behind its inlet's number; a bang repeats that inlet's last number."""
    probe = Probe({"f": "funnel 3 1", "x": "prepend x"}, ["f x"])
    told = [probe.put("f", *atoms, inlet=inlet) for inlet, atoms in FUNNELLED]
    assert told == [[("x", 0, text)] for text in ("1 5", "3 0.5", "2 7 8", "3 0.5", "2 0", "1 a 1")]


FUNNELLED: list[tuple[int, tuple[Any, ...]]] = [
    *((0, (5,)), (2, (0.5,)), (1, (7, 8)), (2, ("bang",)), (1, ("bang",)), (0, ("a", 1))),
]


def test_deferlow_keeps_the_order_and_waits_for_the_main_thread() -> None:
    """What was deferred comes out in its order, once the main thread has time."""
    probe = Probe({"d": "deferlow", "x": "prepend x"}, ["d x"])
    probe.patch.busy = 50.0
    probe.put("d", 1)
    probe.patch.run(20)
    probe.put("d", "a", 2)
    probe.patch.run(29)
    assert probe.at("x") == []
    probe.patch.run(1)
    probe.put("d", 3)
    probe.patch.run(0)
    assert probe.at("x") == ["1", "a 2", "3"]


class Scripted(Probe):
    """A patch with ``deferlow`` before ``js``, whose first outlet goes to `x` and round to `js`."""

    def __init__(self, folder: Path, script: str) -> None:
        path = folder / "script.js"
        path.write_text(script)

        def start(name: str, arguments: Sequence[Any], boxes: Sequence[str]) -> MaxJs:
            assert name == "script.js"
            return MaxJs(path, arguments=arguments, boxes=boxes, live=False)

        boxes = {
            "d": "deferlow",
            "s": ("js script.js 7 word", {"numoutlets": 2}),
            "x": "prepend x",
            "n": ("live.numbox", {"varname": "Face", **parameter("Face", mmax=9.0)}),
        }
        super().__init__(boxes, ["d s", "s:0 x", "n d", "s:1 s"], scripts=start)


@NEEDS_NODE
def test_a_script_runs_on_the_main_thread(tmp_path: Path) -> None:
    """It gets its arguments and messages, sends to outlets and boxes, and its tasks keep time."""
    script = """
        outlets = 2;
        var task = new Task(wake);
        function wake() { outlet(0, "woken"); }
        function list(a, b) { outlet(0, a + b, jsarguments[1], jsarguments[2]); task.schedule(30); }
        function msg_float(value) { this.patcher.getnamed("Face").message("set", value); }
        function anything() { outlet(0, arrayfromargs(messagename, arguments)); }
    """
    probe = Scripted(tmp_path, script)
    probe.put("d", 1, 2.5)
    probe.put("d", "/address", 3)
    probe.patch.run(29)
    assert probe.at("x") == ["3.5 7 word", "/address 3"]
    probe.patch.run(1)
    assert probe.at("x")[2:] == ["woken"]
    probe.put("d", 4)
    probe.patch.run(0)
    assert Device(probe.patch).value("Face") == 4
    assert probe.at("x")[3:] == [], "what is set is not sent on"


@NEEDS_NODE
def test_what_a_script_sends_to_itself_is_heard_at_once(tmp_path: Path) -> None:
    """A message that comes round to the script is taken within the function that sent it."""
    script = """
        outlets = 2;
        function bang() { outlet(0, "before"); outlet(1, "within", 1); outlet(0, "after"); }
        function within(n) { outlet(0, "within", n); }
    """
    probe = Scripted(tmp_path, script)
    probe.put("d", "bang")
    probe.patch.run(0)
    assert probe.at("x") == ["before", "within 1", "after"]


@NEEDS_NODE
@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("this.patcher.getnamed('Nobody').message('set', 1)", "no box has the name"),
        ("this.patcher.getnamed('Face').message('nosuch', 1)", "does not understand"),
        ("this.patcher.getnamed('Face').nosuch()", "not a function"),
        ("nosuch()", "not defined"),
        ("outlet(2, 1)", "no outlet"),
        ("outlet(0, undefined)", "number or a string"),
        ("made = 1", "made a global"),
        ("post('seen')", "printed"),
    ],
)
def test_a_script_does_what_is_documented_and_nothing_else(
    tmp_path: Path, body: str, why: str
) -> None:
    """Unknown boxes, messages, functions and outlets are errors, and so is what Max would print."""
    probe = Scripted(tmp_path, f"outlets = 2; function bang() {{ {body}; }}")
    probe.put("d", "bang")
    with pytest.raises((PatchError, ScriptError), match=why):
        probe.patch.run(0)


@NEEDS_NODE
@pytest.mark.parametrize("message", [("read",), ("nosuch", 1), ("hidden",)])
def test_a_script_hears_only_what_it_has_a_function_for(
    tmp_path: Path, message: tuple[Any, ...]
) -> None:
    """Messages that js keeps for itself, that have no function, or a local one, are errors."""
    script = "outlets = 2; function read() {} function hidden() {} hidden.local = 1;"
    probe = Scripted(tmp_path, script)
    probe.put("d", *message)
    with pytest.raises(ScriptError, match=r"js (keeps|has no)"):
        probe.patch.run(0)


@NEEDS_NODE
def test_a_script_that_loses_the_order_is_an_error(tmp_path: Path) -> None:
    """What does not come on the main thread is deferred in no documented order, and refused."""
    probe = Scripted(tmp_path, "outlets = 2; function bang() {}")
    with pytest.raises(PatchError, match="main thread"):
        probe.put("s", "bang")
