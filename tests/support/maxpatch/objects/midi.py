"""MIDI objects, on real streams of bytes. Source: Max's reference page of each."""

from __future__ import annotations

from collections import Counter

from maxpatch.atoms import Atom, Message, message
from maxpatch.clock import Event
from maxpatch.objects.base import Object

NOTE_OFF, NOTE_ON, POLY, CONTROL, PROGRAM, PRESSURE, BEND = range(0x80, 0xF0, 0x10)


class Assembler:
    """Puts bytes together to channel messages; running status is understood."""

    def __init__(self) -> None:
        self.status = 0
        self.data: list[int] = []

    def feed(self, byte: int) -> tuple[int, int, tuple[int, ...]] | None:
        """Take a byte; return ``(kind, channel 1..16, data)`` when it ends a message."""
        if byte >= 0xF8:
            return None
        if byte >= 0x80:
            self.status, self.data = byte, []
            return None
        if not 0x80 <= self.status < 0xF0:
            return None
        self.data.append(byte)
        kind = self.status & 0xF0
        if len(self.data) < (1 if kind in (PROGRAM, PRESSURE) else 2):
            return None
        data, self.data = tuple(self.data), []
        return kind, (self.status & 0x0F) + 1, data


class MidiIn(Object):
    """``midiin``: the bytes that come from the track."""

    names = ("midiin",)

    def setup(self) -> None:  # noqa: D102
        self.patch.midi_listeners.append(self._heard)

    def _heard(self, byte: int) -> None:
        self.out_number(0, byte)

    def closed(self) -> None:  # noqa: D102
        self.patch.midi_listeners.remove(self._heard)


class MidiOut(Object):
    """``midiout``: bytes to the track."""

    names = ("midiout",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {0}

    def _in0_int(self, byte: int) -> None:
        if not 0 <= byte <= 255:
            raise self.fail(f"{byte} is not a byte")
        self.patch.midi_out.append((self.patch.clock.now, self.box.id, byte))


class MidiParse(Object):
    """``midiparse``: from bytes to notes (pitch, velocity), key pressure (pressure, pitch),
    controllers (number, value), programs, pressure, bend; the channel goes out before them.

    The right-most outlet tells the whole message as ``midievent``. Note-offs are notes with the
    velocity 0. The order within a controller is that of public patches that route by number
    behind this outlet; the reference page has it the other way round.
    """

    names = ("midiparse",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {8}
        self.bytes = Assembler()

    def _in0_bang(self) -> None:
        self.bytes = Assembler()

    def _in0_int(self, byte: int) -> None:
        whole = self.bytes.feed(byte)
        if whole is None:
            return
        kind, channel, data = whole
        self.out_atoms(7, "midievent", kind + channel - 1, *data)
        self.out_number(6, channel)
        if kind == NOTE_ON:
            self.out(0, Message("list", data))
        elif kind == NOTE_OFF:
            self.out(0, Message("list", (data[0], 0)))
        elif kind == POLY:
            self.out(1, Message("list", (data[1], data[0])))
        elif kind == CONTROL:
            self.out(2, Message("list", data))
        elif kind in (PROGRAM, PRESSURE):
            self.out_number(3 if kind == PROGRAM else 4, data[0])
        else:
            self.out_number(5, data[1])


class MidiFormat(Object):
    """``midiformat``: from lists to bytes, one after the other, out of the left outlet.

    The right inlet sets the channel; a note with the velocity 0 is a note-on with velocity 0.
    """

    names = ("midiformat",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {7}, {2}
        self.channel = self.whole(0, 1)

    def _write(self, kind: int, *data: Atom) -> None:
        for value in data:
            if isinstance(value, str) or not 0 <= value <= 127:
                raise self.fail(f"{value!r} is not a value of 0 to 127")
        for byte in (kind + (self.channel - 1) % 16, *(int(value) for value in data)):
            self.out_number(0, byte)

    def _in0_list(self, note: tuple[Atom, ...]) -> None:
        pitch, velocity = note
        self._write(NOTE_ON, pitch, velocity)

    def _in2_list(self, control: tuple[Atom, ...]) -> None:
        number, value = control
        self._write(CONTROL, number, value)

    def _in3_int(self, program: int) -> None:
        self._write(PROGRAM, program)

    def _in4_int(self, pressure: int) -> None:
        self._write(PRESSURE, pressure)

    def _in6_int(self, channel: int) -> None:
        self.channel = channel


class MidiFlush(Object):
    """``midiflush``: passes bytes through and counts note-ons without their note-offs, for each
    pitch and channel; a bang sends the note-offs that are missing, ``clear`` forgets them.
    """

    names = ("midiflush",)

    def setup(self) -> None:  # noqa: D102
        self.bytes = Assembler()
        self.held: Counter[tuple[int, int]] = Counter()

    def _in0_int(self, byte: int) -> None:
        whole = self.bytes.feed(byte)
        if whole is not None:
            kind, channel, data = whole
            if kind == NOTE_ON and data[1]:
                self.held[channel, data[0]] += 1
            elif kind in (NOTE_ON, NOTE_OFF) and self.held[channel, data[0]]:
                self.held[channel, data[0]] -= 1
        self.out_number(0, byte)

    def _in0_bang(self) -> None:
        missing, self.held = self.held, Counter()
        for channel, pitch in missing.elements():
            for byte in (NOTE_ON + channel - 1, pitch, 0):
                self.out_number(0, byte)

    def _in0_clear(self, _: tuple[Atom, ...]) -> None:
        self.held.clear()


class MakeNote(Object):
    """``makenote VELOCITY DURATION``: a note now, and its note-off after the duration.

    ``stop`` sends the note-offs of all notes that it holds at once, ``clear`` forgets them. What
    a pitch does that sounds already is its ``repeatmode``: 0 nothing (each note has its own
    note-off), 1 first the note-off, 2 no note-off but the last.
    """

    names = ("makenote",)
    known_attributes = frozenset(("repeatmode",))

    def setup(self) -> None:  # noqa: D102
        if len(self.args) > 2:
            raise self.fail("a channel is not known here")
        self.inlets, self.outlets = {3}, {2}
        self.velocity, self.duration = self.whole(0), float(self.whole(1))
        self.mode = int(self.attributes.get("repeatmode", [0])[0])
        self.held: list[tuple[int, Event]] = []

    def _in1_int(self, velocity: int) -> None:
        self.velocity = velocity

    def _in2_float(self, duration: float) -> None:
        self.duration = duration

    def _in0_list(self, note: tuple[Atom, ...]) -> None:
        pitch, velocity = note
        self.velocity = int(velocity)
        self._in0_int(int(pitch))

    def _in0_int(self, pitch: int) -> None:
        if self.mode:
            for held, event in list(self.held):
                if held == pitch:
                    event.cancel()
                    self.held.remove((held, event))
                    if self.mode == 1:
                        self._say(pitch, 0)
        event = self.patch.clock.after(self.duration, lambda: self._end(entry))
        entry = (pitch, event)
        self.held.append(entry)
        self._say(pitch, self.velocity)

    def _end(self, entry: tuple[int, Event]) -> None:
        self.held.remove(entry)
        self._say(entry[0], 0)

    def _say(self, pitch: int, velocity: int) -> None:
        self.out_number(1, velocity)
        self.out_number(0, pitch)

    def _in0_stop(self, _: tuple[Atom, ...]) -> None:
        held, self.held = self.held, []
        for pitch, event in held:
            event.cancel()
            self._say(pitch, 0)

    def _in0_clear(self, _: tuple[Atom, ...]) -> None:
        for _pitch, event in self.held:
            event.cancel()
        self.held = []

    def closed(self) -> None:  # noqa: D102
        self._in0_clear(())


class Flush(Object):
    """``flush``: passes notes through; a bang sends the note-offs that are missing."""

    names = ("flush",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {2}, {2}
        self.velocity = 0
        self.held: Counter[int] = Counter()

    def _in1_int(self, velocity: int) -> None:
        self.velocity = velocity

    def _in0_list(self, note: tuple[Atom, ...]) -> None:
        self.velocity = int(note[1])
        self._in0_int(int(note[0]))

    def _in0_int(self, pitch: int) -> None:
        if self.velocity:
            self.held[pitch] += 1
        elif self.held[pitch]:
            self.held[pitch] -= 1
        self._say(pitch, self.velocity)

    def _in0_bang(self) -> None:
        held, self.held = self.held, Counter()
        for pitch in held.elements():
            self._say(pitch, 0)

    def _in0_clear(self, _: tuple[Atom, ...]) -> None:
        self.held.clear()

    def _say(self, pitch: int, velocity: int) -> None:
        self.out(1, message((velocity,)))
        self.out(0, message((pitch,)))
