"""The wiring that the Live device and the plain Max patcher share: everything but the looks.

What has to be on time or must never fail to come, notes, clock, signs of life and silence, is made
of Max's own objects; everything else is ``link.js``. Parts meet in a few boxes only, which are the
attributes of `Wire`. Order is made by ``t``, never by where boxes stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from faces import BY_PARAM, MODES
from patcher import Box, Patcher

SCRIPT: Final = "link.js"

SEND, RECEIVE, LINK, CLOCK, SILENCE, PORT, CHANNEL, CLIPS = range(8)
"""Outlets of the script."""

BUTTONS: Final = {
    "End Turn": "turn",
    "Keep": "keep",
    "Undo": "undo",
    "Panic": "panic",
    "Capture": "capture",
    "Vary": "vary",
    "Read Clip": "read",
    "Write Clip": "write",
}
"""What the script calls the buttons: most like the daemon."""

OWN: Final = (
    "Mode",
    "Drums",
    "Variations",
    "Capture Length",
    "Clip",
    "Receive Port",
    "Instance",
    "Daemon Port",
)
"""Faces without a parameter of the daemon that the script hears."""


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
    script : Box
        ``link.js``.
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
        self._script(ready)
        self._player(source, thru)
        self._clock()
        self._mode()
        self._life()

    def _partner(self, out: Box) -> None:
        """What plays the partner's notes; each is ended here, by its own duration."""
        p = self.p
        p.section("the partner plays")
        self.live, parts = p.new("gate"), p.message("$1 $2 $3 $4")  # no channel
        later, note = p.new("pipe 0 0 0 0"), p.new("makenote 64 500 @repeatmode 1")
        pair, form, flush = p.new("pack 0 0"), p.new("midiformat 1"), p.new("midiflush")
        p.chain(self.live, parts, later)
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
        """The sockets; what is to sound, or to end at once, does not pass the script."""
        p = self.p
        p.section("network")
        self.link, self.send = p.new("gate"), p.new("udpsend 127.0.0.1 7401")
        p.cord(self.link, self.send)
        self.receive = p.new("udpreceive @quiet 1")
        self.heard = p.new("route /antiphon/play /antiphon/panic")
        p.cord(self.receive, self.heard)
        p.cord(self.heard, self.live, 0, 1)
        p.cord(self.heard, self.silence, 1)

    def _script(self, ready: Box) -> None:
        """The script, and what it hears: faces and buttons by their place, in the order it came."""
        p = self.p
        p.section("faces, ports and connection")
        heard = {name: face.name for name, face in BY_PARAM.items()}
        heard |= {name.lower().replace(" ", "/"): name for name in OWN}
        heard |= {message: name for name, message in BUTTONS.items()}
        self.active = p.new("&& 1")
        boxes = {"active": self.active}
        boxes |= {name: self.faces[face] for name, face in heard.items() if face in self.faces}
        words = [SCRIPT, *(str(index) for _, index in MODES), *boxes]
        funnel, ordered = p.new(f"funnel {len(boxes)}"), p.new("deferlow")
        self.script = p.script("js " + " ".join(words), CLIPS + 1)
        for place, box in enumerate(boxes.values()):
            p.cord(box, funnel, 0, place)
        p.chain(funnel, ordered, self.script)
        p.cord(ready, ordered)
        p.cord(self.heard, ordered, 2)
        for outlet, box in (
            (SEND, self.send),
            (RECEIVE, self.receive),
            (LINK, self.link),
            (SILENCE, self.silence),
        ):
            p.cord(self.script, box, outlet)

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
        parse = p.new("midiparse")
        p.chain(source, parse, self.faces["Call"])
        for outlet, address in ((0, "/antiphon/note"), (2, "/antiphon/cc")):
            told = p.new("pack 0 0 1 0")
            p.cord(parse, told, outlet)
            p.cord(self.script, told, CHANNEL, 2)
            p.cord(self.script, told, PORT, 3)
            message = p.message(f"{address} $4 $1 $2 $3")
            p.chain(told, message)
            p.cord(message, self.link, 0, 1)

    def _clock(self) -> None:
        """Where the transport is: with every sixteenth, at a start, a stop and a new tempo."""
        p = self.p
        p.section("clock")
        grid, self.clock = p.new("metro 16n @active 1 @quantize 16n"), p.new("transport")
        beat, meter, told = p.new("/ 480."), p.new("unpack 0 0"), p.new("pack 0 0. 120. 4 4 0 0")
        p.chain(grid, self.clock)
        p.cord(self.script, self.clock, CLOCK)
        p.cord(self.script, told, PORT, 6)
        p.cord(self.clock, beat, 7)
        p.cord(beat, told, 0, 1)
        p.cord(self.clock, told, 6, 5)
        p.cord(self.clock, meter, 5)
        p.cord(meter, told, 0, 3)
        p.cord(meter, told, 1, 4)
        p.cord(self.clock, told, 4, 2)
        # The bar comes last of all, and nobody needs it but to send the rest.
        message = p.message("/antiphon/clock $7 $2 $3 $4 $5 $6")
        p.chain(self.clock, told, message)
        p.cord(message, self.link, 0, 1)
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
        """Whether the partner may play; what may not is silenced here, at once."""
        p = self.p
        p.section("on and panic")
        ended = p.new("sel 0")
        p.chain(self.faces["On"], self.active, ended, self.silence)
        p.cord(self.active, self.live)
        for target in (self.silence, self.thru):
            p.cord(self.faces["Panic"], target)

    def _life(self) -> None:
        """Signs of life, and the end; the script writes both messages, with our port."""
        p = self.p
        p.section("ping and bye")
        every, ping = p.new("metro 2000 @active 1"), p.message("/antiphon/ping 0", "ping")
        close, bye = p.new("freebang"), p.message("/antiphon/bye 0", "bye")
        for event, message in ((every, ping), (close, bye)):
            p.chain(event, message)
            p.cord(message, self.link, 0, 1)
        for target in (self.silence, self.thru):
            p.cord(close, target)
