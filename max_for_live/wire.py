"""The wiring that the Live device and the plain Max patcher share: everything but the looks.

Parts meet in a few boxes only, which are the attributes of `Wire`. Order is made by ``t``, never
by where boxes stand.
"""

from __future__ import annotations

from collections.abc import Mapping

from faces import BY_PARAM, MODES
from patcher import Box, Patcher

PARAM = "/antiphon/param/"

HEARD = (
    "/antiphon/play",
    "/antiphon/panic",
    "/antiphon/pong",
    "/antiphon/state",
    "/antiphon/error",
    "/antiphon/phrase",
    "/antiphon/variation",
    "/antiphon/clip/begin",
    "/antiphon/clip/note",
    "/antiphon/clip/end",
)
"""Addresses that are taken from Antiphon, besides those of parameters."""


class Wire:
    """Everything between MIDI, the faces and the daemon.

    Parameters
    ----------
    p : Patcher
        To be added to.
    faces : mapping of str to Box
        The boxes of parameters, buttons and displays, by name.
    source, thru, out : Box
        Where bytes of MIDI come from, where those that pass go, and where the partner's go.
    ready : Box
        A bang at its first outlet says that all values are there: nothing is said to Antiphon
        before.

    Attributes
    ----------
    channel : Box
        Tells the channel that notes are heard on, when it changes.
    thru : Box
        Any message ends the notes that passed through, and lifts the pedal that holds them.
    silence : Box
        Any message ends what the partner sounds, and forgets what it was about to play.
    live : Box
        A gate for the partner's notes; its state goes to the first inlet.
    active : Box
        1 while the partner may play, or 0.
    send : Box
        To the daemon, whether it is there or not.
    link : Box
        A gate before `send`, open while the daemon answers; data goes to the second inlet.
    ported : Box
        Puts the reply port behind the address, then as `link`.
    again : Box
        Any message: there is no connection (any more), say hello now.
    heard : Box
        A ``route`` of `HEARD`.
    clock : Box
        A bang tells where the transport is.
    """

    def __init__(
        self,
        p: Patcher,
        faces: Mapping[str, Box],
        source: Box,
        thru: Box,
        out: Box,
        ready: Box,
    ) -> None:
        self.p, self.faces = p, faces
        self._partner(out)
        self._network()
        self._player(source, thru)
        self._clock()
        self._mode()
        self._connection(self._parameters())
        self._ports(ready)
        self._buttons()

    def _partner(self, out: Box) -> None:
        """What plays the partner's notes; each is ended here, by its own duration."""
        p = self.p
        p.section("the partner plays")
        self.live, parts = p.new("gate"), p.new("unpack 0 0 0 0")
        later, note = p.new("pipe 0 0 0 0"), p.new("makenote 64 500 @repeatmode 1")
        pair, form, flush = p.new("pack 0 0"), p.new("midiformat 1"), p.new("midiflush")
        p.cord(self.live, parts)
        for place in range(4):
            p.cord(parts, later, place, place)
        for place in range(3):
            p.cord(later, note, place, place)
        for place in range(2):
            p.cord(note, pair, place, place)
        shown = p.new("midiparse")
        p.chain(pair, form, flush, out)
        p.chain(flush, shown, self.faces["Answer"])
        self.silence = p.new("t b clear")
        p.cord(self.silence, later, 1)
        p.cord(self.silence, note, 1)
        p.cord(self.silence, flush)

    def _network(self) -> None:
        """The sockets, and what puts the reply port behind an address."""
        p = self.p
        p.section("network")
        self.link, self.send = p.new("gate"), p.new("udpsend 127.0.0.1 7401")
        p.cord(self.link, self.send)
        self.ported, split = p.new("zl slice 1"), p.new("t b l")
        self._port, numbers, whole = p.new("i"), p.new("zl join"), p.new("zl join")
        p.cord(self.ported, split, 1)
        p.cord(split, numbers, 1, 1)
        p.chain(split, self._port, numbers)
        p.cord(numbers, whole, 0, 1)
        p.cord(self.ported, whole)
        p.cord(whole, self.link, 0, 1)
        self.receive = p.new("udpreceive @quiet 1")
        self.heard = p.new("route " + " ".join(HEARD))
        p.cord(self.receive, self.heard)
        p.cord(self.heard, self.live, 0, 1)
        p.cord(self.heard, self.silence, 1)

    def _player(self, source: Box, out: Box) -> None:
        """What becomes of what is played: it passes, and is told to Antiphon."""
        p = self.p
        p.section("you play")
        gate, flush = p.new("gate 1 1"), p.new("midiflush")
        p.cord(source, gate, 0, 1)
        p.chain(gate, flush, out)
        self.thru, pedal = p.new("t b b"), p.message("176, 64, 0")
        p.cord(self.thru, flush, 1)
        p.chain(self.thru, pedal, out)
        # The gate closes before the notes that passed it are ended, so that none is left behind.
        both, turned, closed = p.new("t i i"), p.new("change"), p.new("sel 0")
        p.chain(self.faces["Thru"], both, turned, closed, self.thru)
        p.cord(both, gate, 1)
        parse, notes, controls = p.new("midiparse"), p.new("pack 0 0 1"), p.new("pack 0 0 1")
        p.chain(source, parse, self.faces["Call"])
        nine, self.channel = p.new("* 9"), p.new("+ 1")
        p.chain(self.faces["Drums"], nine, self.channel)
        for outlet, pack, text in (
            (0, notes, "/antiphon/note $1 $2 $3"),
            (2, controls, "/antiphon/cc $1 $2 $3"),
        ):
            p.cord(parse, pack, outlet)
            p.cord(self.channel, pack, 0, 2)
            p.chain(pack, p.message(text), self.ported)

    def _clock(self) -> None:
        """Where the transport is: with every sixteenth, at a start, a stop and a new tempo."""
        p = self.p
        p.section("clock")
        grid, self.clock = p.new("metro 16n @active 1 @quantize 16n"), p.new("transport")
        beat, meter, told = p.new("/ 480."), p.new("unpack 0 0"), p.new("pack 0 0. 120. 4 4 0")
        p.chain(grid, self.clock)
        p.cord(self.clock, beat, 7)
        p.cord(beat, told, 0, 1)
        p.cord(self.clock, told, 6, 5)
        p.cord(self.clock, meter, 5)
        p.cord(meter, told, 0, 3)
        p.cord(meter, told, 1, 4)
        p.cord(self.clock, told, 4, 2)
        # The bar comes last of all, and nobody needs it but to send the rest.
        p.chain(self.clock, told, p.message("/antiphon/clock $2 $3 $4 $5 $6"), self.ported)
        poll, state, turned = p.new("metro 50 @active 1"), p.new("transport"), p.new("change")
        both, stopped = p.new("t b i"), p.new("sel 0")
        p.chain(poll, state)
        p.cord(state, turned, 6)
        p.chain(turned, both, self.clock)
        p.cord(both, stopped, 1)
        p.cord(stopped, self.silence)
        # While the transport stands still no sixteenth tells a new tempo.
        tempo, ask = p.new("change 0."), p.new("t b")  # a number would start the transport
        p.cord(state, tempo, 4)
        p.chain(tempo, ask, self.clock)

    def _mode(self) -> None:
        """The mode that is asked for: 0 while the partner may not play."""
        p = self.p
        p.section("mode")
        self.active, both, ended = p.new("&& 1"), p.new("t b i"), p.new("sel 0")
        index, asked = p.new("* 1"), p.message("/antiphon/mode $1")
        p.chain(self.faces["On"], self.active, both, self.faces["Mode"])
        p.cord(both, self.live, 1)
        p.cord(both, index, 1, 1)
        p.cord(both, ended, 1)
        p.cord(ended, self.silence)
        entries = p.new("sel " + " ".join(str(place) for place in range(len(MODES))))
        p.cord(self.faces["Mode"], entries)
        for place, (_, public) in enumerate(MODES):
            name = p.message(str(public))
            p.cord(entries, name, place)
            p.cord(name, index)
        p.chain(index, asked)
        p.cord(asked, self.link, 0, 1)

    def _parameters(self) -> Box:
        """Parameters both ways; returns what sends them all when it is banged.

        What Antiphon tells is shown by ``set``, so that it is not sent back.
        """
        p = self.p
        p.section("parameters")
        head, show, shown = p.new("zl slice 1"), p.new("prepend set"), p.new("zl join")
        p.cord(self.heard, head, len(HEARD))
        p.cord(head, show, 1)
        p.cord(show, shown, 0, 1)
        p.cord(head, shown)
        names = p.new("route " + " ".join(PARAM + name for name in BY_PARAM))
        # A bang would turn a switch over.
        tells = {"live.toggle": "outputvalue"}
        everything = p.message(
            ", ".join(
                f"{PARAM}{name} {tells.get(face.look, 'bang')}" for name, face in BY_PARAM.items()
            )
        )
        p.cord(shown, names)
        p.cord(everything, names)
        for place, (name, face) in enumerate(BY_PARAM.items()):
            box = self.faces[face.name]
            p.cord(names, box, place)
            p.chain(box, p.new(f"prepend {PARAM}{name}"), self.ported)
        return everything

    def _connection(self, parameters: Box) -> None:
        """Hello until a pong comes, pings from then on; what is done at either change."""
        p = self.p
        p.section("connection")
        tick, self._called, known = p.new("metro 2000"), p.new("i"), p.new("sel 0")
        which = p.new("gate 2 1")
        p.chain(tick, self._called, known)
        p.cord(known, which, 1, 1)
        for outlet, text in enumerate(("/antiphon/hello 1 $1 1", "/antiphon/ping $1")):
            message = p.message(text)
            p.cord(which, message, outlet)
            p.cord(message, self.send)
        connected, self.again = p.new("change"), p.new("t 1 0")
        p.cord(self.again, connected, 1)
        p.cord(self.again, tick)
        pong, missing = p.new("t 1 b"), p.new("delay 5000")
        p.cord(self.heard, pong, 2)
        p.cord(pong, missing, 1)
        p.cord(missing, self.again)
        p.cord(pong, connected)
        # A daemon that was restarted does not know us: error 4, "not now", to our ping.
        not_now, ping = p.new("route 4"), p.new("route /antiphon/ping")
        p.cord(self.heard, not_now, 4)
        p.chain(not_now, ping, self.again)
        both, choice, turn = p.new("t i i"), p.new("+ 1"), p.new("sel 0 1")
        p.chain(connected, both, turn, self.silence)
        p.cord(both, self.link, 1)
        p.cord(both, choice, 1)
        p.cord(choice, which)
        p.cord(both, self.faces["Status"], 1)
        # The clock first: it carries our port, and so makes us a partner of our own.
        restored, state = p.new("t b b b"), p.new("+ 1")
        p.cord(turn, restored, 1)
        p.cord(restored, self.clock, 2)
        p.cord(restored, self.active, 1)
        p.cord(restored, parameters)
        p.cord(self.heard, state, 3)
        p.cord(state, self.faces["Status"])

    def _ports(self, ready: Box) -> None:
        """Both ports, from when all is loaded on; a change says bye and begins anew."""
        p = self.p
        p.section("ports")
        known, leaving = p.new("i"), p.new("sel 0")
        p.chain(known, leaving)
        bye = p.message("/antiphon/bye $1")
        p.cord(leaving, bye, 1)
        p.cord(bye, self.send)
        self._start = p.new("t b b 1")
        p.chain(ready, self._start, self.faces["Receive Port"])
        p.cord(self._start, self.faces["Daemon Port"], 1)
        _, sends = self._port_of("Daemon Port", "i", "t b i b", self.send)
        p.cord(sends, known, 2)
        base, hears = self._port_of("Receive Port", "+ 0", "t b i i b", self.receive)
        p.cord(hears, known, 3)
        for holder in (known, self._called, self._port):
            p.cord(hears, holder, 2, 1)
        instance = p.new("t b i")
        p.chain(self.faces["Instance"], instance, self.faces["Receive Port"])
        p.cord(instance, base, 1, 1)
        close = p.new("freebang")
        p.cord(close, known)
        p.cord(close, self.silence)
        p.cord(close, self.thru)

    def _port_of(self, name: str, number: str, parts: str, target: Box) -> tuple[Box, Box]:
        """One port's way to its socket; returns what makes it whole, and what a new one triggers.

        The last outlet of the trigger is to say bye, the second opens, the first begins anew.
        """
        p = self.p
        ready, whole, new, turned = p.new("gate"), p.new(number), p.new("change"), p.new(parts)
        p.cord(self._start, ready, 2)
        p.cord(self.faces[name], ready, 0, 1)
        p.chain(ready, whole, new, turned, self.again)
        opened = p.new("prepend port")
        p.cord(turned, opened, 1)
        p.cord(opened, target)
        return whole, turned

    def _buttons(self) -> None:
        """What the buttons send."""
        p, faces = self.p, self.faces
        p.section("buttons")
        for name, text in (
            ("End Turn", "/antiphon/turn"),
            ("Keep", "/antiphon/keep"),
            ("Undo", "/antiphon/undo"),
            ("Panic", "/antiphon/panic"),
        ):
            message = p.message(text)
            p.cord(faces[name], message)
            p.cord(message, self.link, 0, 1)
        for target in (self.silence, self.thru):
            p.cord(faces["Panic"], target)
        pressed, beats = p.new("t b"), p.new("i")
        p.cord(faces["Capture Length"], beats, 0, 1)
        message = p.message("/antiphon/capture $1")
        p.chain(faces["Capture"], pressed, beats, message)
        p.cord(message, self.link, 0, 1)
        # The amount may have been shown by `set`: it is asked for when it is needed.
        pressed, count, both = p.new("t b b"), p.new("i"), p.new("pack 4 0.3")
        p.cord(faces["Variations"], count, 0, 1)
        p.cord(faces["Vary Amount"], both, 0, 1)
        p.cord(pressed, faces["Vary Amount"], 1)
        message = p.message("/antiphon/vary $1 $2")
        p.chain(faces["Vary"], pressed, count, both, message)
        p.cord(message, self.link, 0, 1)
