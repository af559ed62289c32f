"""What comes in and what goes out, without a socket."""

from __future__ import annotations

from collections.abc import Callable

from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message import OscMessage

from antiphon import commands
from antiphon.music import Beats, Note, Seconds
from antiphon.osc import codec
from antiphon.osc.dispatch import MAX_PENDING, Dispatch
from antiphon.timebase import ManualClock

HOST = "127.0.0.1"
SOURCE = (HOST, 50000)
WALL = 1_700_000_000.0


class Bench:
    """A dispatch whose clock, timers and network are lists."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.commands: list[object] = []
        self.sent: list[tuple[tuple[str, int], str, tuple[object, ...]]] = []
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.room = True
        self.dispatch = Dispatch(
            self.submit, self.send, self.later, self.clock, lambda: WALL + self.clock.now()
        )

    def submit(self, command: object) -> bool:
        """Keep a command, or have no room."""
        if self.room:
            self.commands.append(command)
        return self.room

    def send(self, datagram: bytes, client: tuple[str, int]) -> None:
        """Keep what is sent."""
        message = OscMessage(datagram)
        self.sent.append((client, message.address, tuple(message.params)))

    def later(self, delay: float, function: Callable[[], None]) -> None:
        """Keep a timer."""
        self.timers.append((delay, function))

    def take(
        self, address: str, *arguments: codec.Argument, source: tuple[str, int] = SOURCE
    ) -> list[tuple[tuple[str, int], str, tuple[object, ...]]]:
        """Receive one message and return what was sent for it."""
        self.sent.clear()
        self.dispatch.receive(codec.encode(address, *arguments), source)
        return list(self.sent)

    def told(
        self, update: commands.Update
    ) -> list[tuple[tuple[str, int], str, tuple[object, ...]]]:
        """Publish and return what was sent."""
        self.sent.clear()
        self.dispatch.tell(update)
        return list(self.sent)


def client(port: int) -> tuple[str, int]:
    """Return a client on this machine."""
    return HOST, port


def test_hello_is_answered_with_pong_and_state_on_the_announced_port() -> None:
    """Before any status the model is not ready, the mode is respond and the state loading."""
    bench = Bench()
    assert bench.take("/antiphon/hello", 1, 7402, 1) == [
        (client(7402), "/antiphon/pong", (1, 0, 1)),
        (client(7402), "/antiphon/state", (4,)),
    ]
    status = commands.Status(commands.State.IDLE, commands.Mode.SOLO, "x", True)
    assert bench.told(status) == [(client(7402), "/antiphon/state", (0,))]
    assert bench.take("/antiphon/ping", 7402) == [(client(7402), "/antiphon/pong", (1, 1, 6))]


def test_wrong_protocol_is_refused_on_the_announced_port() -> None:
    """Code 3, and nobody is registered."""
    bench = Bench()
    sent = bench.take("/antiphon/hello", 2, 7402)
    assert sent == [(client(7402), "/antiphon/error", (3, "/antiphon/hello"))]
    assert len(bench.dispatch.clients) == 0


def test_a_seventeenth_client_is_busy_until_one_leaves() -> None:
    """Code 7; saying hello again takes no second place, and bye makes room."""
    bench = Bench()
    for port in range(8000, 8016):
        bench.take("/antiphon/hello", 1, port)
    bench.take("/antiphon/hello", 1, 8000)
    sent = bench.take("/antiphon/hello", 1, 9000)
    assert sent == [(client(9000), "/antiphon/error", (7, "/antiphon/hello"))]
    bench.take("/antiphon/bye", 8003)
    assert bench.take("/antiphon/hello", 1, 9000)[0][1] == "/antiphon/pong"


def test_a_silent_client_is_dropped_after_ten_seconds_and_told_so_when_it_pings() -> None:
    """Any message of it counts as life; after the drop a ping is ponged with "not now"."""
    bench = Bench()
    bench.take("/antiphon/hello", 1, 7402)
    bench.clock.advance(9)
    bench.take("/antiphon/note", 7402, 60, 1, 1, source=(HOST, 1234))
    bench.clock.advance(9)
    assert bench.told(commands.Beat(0, Beats(1.0), 120.0))
    bench.clock.advance(1.1)
    assert bench.told(commands.Beat(0, Beats(2.0), 120.0)) == []
    assert [row[1:] for row in bench.take("/antiphon/ping", 7402)] == [
        ("/antiphon/pong", (1, 0, 1)),
        ("/antiphon/error", (4, "/antiphon/ping")),
    ]


def test_errors_go_to_the_known_reply_port_and_else_to_the_source() -> None:
    """A client that said hello from this source is answered where it listens."""
    bench = Bench()
    assert bench.take("/antiphon/mode", "duet")[0][0] == SOURCE
    bench.take("/antiphon/hello", 1, 7402)
    assert bench.take("/antiphon/mode", "duet") == [
        (client(7402), "/antiphon/error", (4, "/antiphon/mode"))
    ]
    other = bench.take("/antiphon/note", 7500, 200, 1, 1, source=(HOST, 1))
    assert other == [(client(7500), "/antiphon/error", (3, "/antiphon/note"))]
    assert bench.dispatch.refused == 3


def test_get_is_answered_to_who_asked() -> None:
    """The command carries the client, and the value goes to it alone."""
    bench = Bench()
    bench.take("/antiphon/hello", 1, 7402)
    bench.take("/antiphon/get", "velocity", source=(HOST, 2))
    assert bench.commands == [commands.GetParam((HOST, 2), "/antiphon/get", "velocity")]
    value = commands.ParamValue("velocity", 1.0, (HOST, 2))
    assert bench.told(value) == [((HOST, 2), "/antiphon/param/velocity", (1.0,))]
    changed = commands.ParamValue("velocity", 1.5)
    assert bench.told(changed) == [(client(7402), "/antiphon/param/velocity", (1.5,))]


def test_a_full_inbox_is_busy() -> None:
    """Code 7."""
    bench = Bench()
    bench.room = False
    assert bench.take("/antiphon/panic") == [(SOURCE, "/antiphon/error", (7, "/antiphon/panic"))]


def test_error_replies_are_limited_and_refusals_still_counted() -> None:
    """A hundred a second go out to one source, whatever comes in."""
    bench = Bench()
    for _ in range(1000):
        bench.dispatch.receive(b"/antiphon/nope\0\0", SOURCE)
    assert len(bench.sent) == 100
    assert bench.dispatch.refused == 1000
    bench.clock.advance(0.5)
    for _ in range(1000):
        bench.dispatch.receive(b"/antiphon/nope\0\0", SOURCE)
    assert len(bench.sent) == 150
    for port in range(5000):
        bench.dispatch.receive(b"/antiphon/nope\0\0", (HOST, port))
    assert len(bench.sent) <= 1150


def test_our_own_messages_coming_in_are_never_answered() -> None:
    """Two daemons cannot send each other errors for ever; they are counted."""
    bench = Bench()
    assert bench.take("/antiphon/error", 1, "/x") == []
    assert bench.take("/antiphon/pong", 1, 1, 1) == []
    assert bench.dispatch.refused == 2
    bench.dispatch.own_port = 7401
    assert bench.take("/antiphon/hello", 1, 7401)[0][2] == (6, "/antiphon/hello")


def test_played_goes_to_note_clients_with_the_delay_from_now() -> None:
    """Milliseconds, never negative, and a note lasts at least one."""
    bench = Bench()
    bench.take("/antiphon/hello", 1, 7402, 1)
    bench.take("/antiphon/hello", 1, 7500, 0, source=(HOST, 3))
    bench.clock.advance(10)
    note = Note(Beats(0.0), 60, 90, Beats(1.0), 3)
    played = commands.Played(note, Seconds(10.08), Seconds(10.58))
    expected = (client(7402), "/antiphon/play", (60, 90, 500, 80, 3))
    bench.take("/antiphon/ping", 7500, source=(HOST, 3))
    bench.take("/antiphon/ping", 7402)
    assert bench.told(played) == [expected]
    late = commands.Played(note, Seconds(9.0), Seconds(9.0))
    assert bench.told(late)[0][2] == (60, 90, 1, 0, 3)


def test_stopped_silences_note_clients_only_while_something_sounds() -> None:
    """An announced note can be taken back by panic alone."""
    bench = Bench()
    bench.take("/antiphon/hello", 1, 7402, 1)
    bench.take("/antiphon/hello", 1, 7500, 0, source=(HOST, 3))
    assert bench.told(commands.Stopped(Seconds(0.0))) == []
    bench.told(commands.Played(Note(Beats(0.0), 60), Seconds(0.05), Seconds(0.5)))
    stopped = commands.Stopped(Seconds(0.0))
    assert bench.told(stopped) == [(client(7402), "/antiphon/panic", ())]
    assert bench.told(stopped) == []
    assert len(bench.told(commands.Panicked())) == 2


def test_phrases_and_variations_are_told_to_everyone() -> None:
    """Length in beats and notes of a phrase; index, distance and notes of a variation."""
    bench = Bench()
    bench.take("/antiphon/hello", 1, 7402)
    told = bench.told(commands.PhraseTaken(Beats(8.0), 5))
    assert told == [(client(7402), "/antiphon/phrase", (8.0, 5))]
    told = bench.told(commands.Varied(2, 0.25, 6))
    assert told == [(client(7402), "/antiphon/variation", (2, 0.25, 6))]
    assert bench.take("/antiphon/variation", 2, 0.25, 6) == []


def test_stats_add_what_was_refused_here() -> None:
    """The engine's own refusals and ours make one number."""
    bench = Bench()
    bench.take("/antiphon/hello", 1, 7402)
    bench.take("/antiphon/nope")
    sent = bench.told(commands.Stats(1.0, 2.0, 0.5, 3, 4, 5))
    assert sent == [(client(7402), "/antiphon/stats", (1.0, 2.0, 0.5, 3, 4, 6))]
    refused = commands.Refused(commands.Refusal.NO_SUCH_NAME, "/antiphon/model", client(7402))
    assert bench.told(refused) == [(client(7402), "/antiphon/error", (5, "/antiphon/model"))]


def bundle(when: float, *addresses: str) -> bytes:
    """Build a bundle of messages without arguments; 0 is at once."""
    builder = OscBundleBuilder(when)
    for address in addresses:
        builder.add_content(OscMessage(codec.encode(address)))
    return bytes(builder.build().dgram)


def test_bundles_are_done_now_later_or_never() -> None:
    """A bundle due or past is done at once, one up to 10 s ahead then, one beyond is refused."""
    bench = Bench()
    receive = bench.dispatch.receive
    receive(bundle(0, "/antiphon/panic", "/antiphon/turn"), SOURCE)
    assert [type(command) for command in bench.commands] == [commands.Panic, commands.EndTurn]
    receive(bundle(WALL - 60, "/antiphon/panic"), SOURCE)
    assert len(bench.commands) == 3
    receive(bundle(WALL + 9.5, "/antiphon/panic"), SOURCE)
    assert len(bench.commands) == 3
    [(delay, function)] = bench.timers
    assert abs(delay - 9.5) < 1e-3
    function()
    assert len(bench.commands) == 4
    bench.sent.clear()
    receive(bundle(WALL + 10.5, "/antiphon/panic"), SOURCE)
    assert bench.sent == [(SOURCE, "/antiphon/error", (3, "/antiphon/panic"))]
    assert len(bench.commands) == 4


def test_a_scheduled_note_is_stamped_with_the_time_it_is_due() -> None:
    """The time tag becomes a time on the engine's clock once, at the edge."""
    bench = Bench()
    builder = OscBundleBuilder(WALL + 2)
    builder.add_content(OscMessage(codec.encode("/antiphon/note", 60, 90, 1)))
    bench.dispatch.receive(bytes(builder.build().dgram), SOURCE)
    bench.timers[0][1]()
    heard = bench.commands[0]
    assert isinstance(heard, commands.Heard)
    assert abs(heard.time - 2.0) < 1e-3


def test_the_number_of_scheduled_messages_is_bounded() -> None:
    """More are refused as busy."""
    bench = Bench()
    for _ in range(MAX_PENDING + 5):
        bench.dispatch.receive(bundle(WALL + 5, "/antiphon/panic"), SOURCE)
    assert len(bench.timers) == MAX_PENDING
    assert [row[2][0] for row in bench.sent] == [7] * 5


def test_hostile_bundles_end() -> None:
    """Negative sizes, endless nesting and thousands of elements are refused, not followed."""
    bench = Bench()
    head = b"#bundle\0" + b"\0" * 7 + b"\1"
    bench.dispatch.receive(head + b"\xff\xff\xff\xfc", SOURCE)
    nested = head
    for _ in range(3000):
        nested = head + len(nested).to_bytes(4, "big") + nested
    bench.dispatch.receive(nested, SOURCE)
    bench.dispatch.receive(head + (b"\0\0\0\4" + b"/a\0\0") * 8000, SOURCE)
    assert bench.dispatch.refused <= 2 + codec.MAX_MESSAGES + 1
    assert bench.commands == []


def test_only_32_bit_numbers_and_strings_are_sent() -> None:
    """Booleans, large integers and infinities are made safe for Max."""
    message = OscMessage(codec.encode("/x", True, 2**40, -(2**40), float("nan"), 1.5, "s"))
    assert message.params == [1, 2**31 - 1, -(2**31), 0.0, 1.5, "s"]
    assert b",iiiffs" in message.dgram


class Hosts:
    """Keeps what guests' partners are given."""

    def __init__(self) -> None:
        self.given: list[tuple[tuple[str, int], object]] = []
        self.left: list[tuple[str, int]] = []

    def submit(self, guest: tuple[str, int], asked: object) -> bool:
        """Keep it."""
        self.given.append((guest, asked))
        return True

    def leave(self, guest: tuple[str, int]) -> None:
        """Keep who left."""
        self.left.append(guest)


def hosting() -> tuple[Bench, Hosts]:
    """Make a bench with guests."""
    bench, hosts = Bench(), Hosts()
    bench.dispatch = Dispatch(
        bench.submit, bench.send, bench.later, bench.clock, bench.clock.now, hosts
    )
    return bench, hosts


def test_who_names_a_port_with_what_it_plays_is_a_guest_from_then_on() -> None:
    """Before, and without notes wanted, it shares our partner; after, all of it is its own."""
    bench, hosts = hosting()
    other = (HOST, 50001)
    bench.take("/antiphon/hello", 1, 7402, 1)
    bench.take("/antiphon/turn")
    bench.take("/antiphon/hello", 1, 7403, 0, source=other)
    bench.take("/antiphon/note", 7403, 60, 90, 1, source=other)
    assert len(bench.commands) == 2
    assert hosts.given == []
    bench.take("/antiphon/note", 7402, 60, 90, 1)
    bench.take("/antiphon/mode", "solo")
    assert len(bench.commands) == 2
    assert [guest for guest, _ in hosts.given] == [(HOST, 7402)] * 2


def test_what_a_partner_tells_reaches_its_own_clients_only() -> None:
    """A guest hears its own partner and the figures of all; the others hear nothing of it."""
    bench, _ = hosting()
    other, guest = (HOST, 50001), (HOST, 7402)
    bench.take("/antiphon/hello", 1, 7402, 1)
    bench.take("/antiphon/param/density", 7402, 0.5)
    bench.take("/antiphon/hello", 1, 7403, 1, source=other)
    bench.sent.clear()
    bench.dispatch.tell(commands.Beat(1, Beats(2.0), 120.0), guest)
    assert [to for to, *_ in bench.sent] == [guest]
    bench.sent.clear()
    bench.dispatch.tell(commands.Beat(1, Beats(2.0), 120.0))
    assert [to for to, *_ in bench.sent] == [(HOST, 7403)]
    bench.sent.clear()
    bench.dispatch.tell(commands.Stats())
    assert [to for to, *_ in bench.sent] == [guest, (HOST, 7403)]
    bench.sent.clear()
    bench.dispatch.tell(commands.ParamValue("density", 0.4, by=guest), guest)
    assert bench.sent == []  # what it set itself is no news
    bench.dispatch.tell(commands.ParamValue("density", 0.4), guest)
    assert len(bench.sent) == 1
    bench.dispatch.tell(commands.Status(commands.State.ANSWERING, model_ready=True), guest)
    assert bench.take("/antiphon/ping", 7402)[0][2] == (1, 1, 1)
    assert bench.take("/antiphon/ping", 7403, source=other)[0][2][1] == 0


def test_a_guest_that_leaves_or_falls_silent_loses_its_partner() -> None:
    """Its partner is told once, and what it still tells goes nowhere."""
    bench, hosts = hosting()
    for how in ("bye", "silence"):
        bench.take("/antiphon/hello", 1, 7402, 1)
        bench.take("/antiphon/param/density", 7402, 0.5)
        if how == "bye":
            bench.take("/antiphon/bye", 7402)
        else:
            bench.clock.move_to(bench.clock.now() + 10.1)
            bench.dispatch.tell(commands.Stats())
        bench.sent.clear()
        bench.dispatch.tell(commands.Panicked(), (HOST, 7402))
        assert bench.sent == []
    assert hosts.left == [(HOST, 7402)] * 2


def test_a_clip_goes_out_in_bursts_with_an_end() -> None:
    """Notes are counted and numbered, and no burst is longer than a buffer holds."""
    bench = Bench()
    notes = tuple(Note(Beats(n / 16), 60, 80, Beats(0.5)) for n in range(100))
    bench.sent.clear()
    bench.dispatch.tell(commands.Clip(3, Beats(8.0), notes, (HOST, 7402)))
    sizes = [len(bench.sent)]
    while bench.timers:
        bench.timers.pop()[1]()
        sizes.append(len(bench.sent) - sum(sizes))
    assert max(sizes) <= 33
    assert bench.sent[0][1:] == ("/antiphon/clip/begin", (3, 8.0, 100))
    assert [row[2][1] for row in bench.sent[1:-1]] == list(range(100))
    assert bench.sent[-1][1:] == ("/antiphon/clip/end", (3,))


def test_a_clip_comes_in_whole_or_not_at_all() -> None:
    """In any order and doubled is well; with a note lost it is refused at its end."""
    bench = Bench()
    bench.take("/antiphon/clip/begin", 1, 4.0, 2, 10)
    bench.take("/antiphon/clip/note", 1, 1, 38, 1.0, 9.0, 90)
    assert bench.take("/antiphon/clip/end", 1)[0][1:] == (
        "/antiphon/error",
        (4, "/antiphon/clip/end"),
    )
    bench.take("/antiphon/clip/note", 1, 0, 36, 0.0, 0.25, 80)
    bench.take("/antiphon/clip/note", 1, 0, 36, 0.0, 0.25, 80)
    assert bench.take("/antiphon/clip/end", 1) == []
    (taken,) = bench.commands
    assert isinstance(taken, commands.TakePhrase)
    assert [(n.start, n.pitch, n.duration, n.channel) for n in taken.notes] == [
        (0.0, 36, 0.25, 10),
        (1.0, 38, 3.0, 10),
    ]
    assert {note.voice.name for note in taken.notes} == {"DRUMS"}


def test_clips_that_make_no_sense_are_refused() -> None:
    """An end without a begin, a note past the end, too many notes: each has its code."""
    bench = Bench()
    assert bench.take("/antiphon/clip/end", 5)[0][2] == (4, "/antiphon/clip/end")
    assert bench.take("/antiphon/clip/note", 5, 0, 60, 0.0, 1.0, 90) == []
    assert bench.take("/antiphon/clip/begin", 5, 4.0, 1025)[0][2][0] == 3
    assert bench.take("/antiphon/clip/begin", 5, 4.0, 0)[0][2][0] == 3
    bench.take("/antiphon/clip/begin", 5, 4.0, 1)
    assert bench.take("/antiphon/clip/note", 5, 0, 60, 4.0, 1.0, 90)[0][2][0] == 3
    assert bench.take("/antiphon/clip/note", 5, 1, 60, 0.0, 1.0, 90)[0][2][0] == 3
    for port in range(100):
        bench.take("/antiphon/clip/begin", 1, 4.0, 1, source=(HOST, 40000 + port))
    assert bench.take("/antiphon/clip/end", 5)[0][2][0] == 4
    assert bench.commands == []


def test_a_busy_engine_is_told_of_with_the_address_that_was_sent() -> None:
    """Notes and the clock, which are no commands, too, and so is a clip at its end."""
    bench = Bench()
    bench.take("/antiphon/clip/begin", 1, 4.0, 1)
    bench.take("/antiphon/clip/note", 1, 0, 36, 0.0, 0.25, 80)
    bench.room = False
    for address, *arguments in (
        ("/antiphon/note", 60, 90, 1),
        ("/antiphon/clock", 0.0, 120.0, 4, 4, 1),
        ("/antiphon/turn",),
        ("/antiphon/clip/end", 1),
    ):
        (told,) = bench.take(address, *arguments)
        assert told[1:] == ("/antiphon/error", (7, address))
