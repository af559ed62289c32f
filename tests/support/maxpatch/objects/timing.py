"""Objects that keep time. Source: Max's reference page of each.

Times in milliseconds run on the clock at all times; note values (``16n``) only while the
transport runs.
"""

from __future__ import annotations

from maxpatch.atoms import Atom, Message, message
from maxpatch.clock import Event
from maxpatch.objects.base import Object
from maxpatch.transport import TICKS, ticks


class Delay(Object):
    """``delay``: passes a bang on later; a new one starts anew, and ``stop`` takes it back.

    A number at the left sets the time and starts, at the right only sets it.
    """

    names = ("delay", "del")

    def setup(self) -> None:  # noqa: D102
        self.inlets = {2}
        self.time: float = self.args[0] if self.args else 0  # type: ignore[assignment]
        if isinstance(self.time, str):
            raise self.fail("a delay in note values is not known here")
        self.event: Event | None = None

    def _in0_bang(self) -> None:
        self._in0_stop(())
        self.event = self.patch.clock.after(self.time, lambda: self.out_bang(0))

    def _in0_float(self, value: float) -> None:
        self.time = value
        self._in0_bang()

    def _in1_float(self, value: float) -> None:
        self.time = value

    def _in0_stop(self, _: tuple[Atom, ...]) -> None:
        if self.event is not None:
            self.event.cancel()

    def closed(self) -> None:  # noqa: D102
        self._in0_stop(())


class Pipe(Object):
    """``pipe A B ... TIME``: delays numbers or lists; each waits on its own.

    A list at the left fills the inlets from the left, the time's too if it is that long; the
    right inlet sets the time for what comes after. ``clear`` forgets all that waits, ``flush``
    sends it at once.
    """

    names = ("pipe",)

    def setup(self) -> None:  # noqa: D102
        row = list(self.args)
        self.time: float = row.pop() if row else 0  # type: ignore[assignment]
        if isinstance(self.time, str):
            raise self.fail("a delay in note values is not known here")
        self.values: list[Atom] = row or [0]
        self.inlets, self.outlets = {len(self.values) + 1}, {len(self.values)}
        self.waiting: list[tuple[Event, list[Atom]]] = []

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        last = len(self.values)
        if inlet == last:
            if what.selector not in ("int", "float"):
                raise self.fail(f"the time is to be a number, got {str(what)!r}")
            self.time = what.args[0]  # type: ignore[assignment]
        elif inlet == 0 and what.selector in ("clear", "stop"):
            self._forget()
        elif inlet == 0 and what.selector == "flush":
            due = [values for event, values in self.waiting if event.pending]
            self._forget()
            for values in due:
                self._say(values)
        elif what.selector in ("int", "float", "list", "bang"):
            for place, value in enumerate(what.args, inlet):
                if place == last:
                    self.time = value  # type: ignore[assignment]
                elif place > last:
                    raise self.fail(f"{len(what.args)} items are too many")
                else:
                    self.values[place] = self._kept(place, value)
            if inlet == 0:
                self._start()
        else:
            raise self.fail(f"does not understand {str(what)!r} at inlet {inlet}")

    def _kept(self, place: int, value: Atom) -> Atom:
        kind = type(self.values[place])
        if (kind is str) != isinstance(value, str):
            raise self.fail(f"place {place + 1} holds {kind.__name__}, got {value!r}")
        return kind(value)

    def _start(self) -> None:
        values = list(self.values)
        event = self.patch.clock.after(self.time, lambda: self._say(values))
        self.waiting = [entry for entry in self.waiting if entry[0].pending]
        self.waiting.append((event, values))

    def _say(self, values: list[Atom]) -> None:
        for outlet in range(len(values) - 1, -1, -1):
            self.out(outlet, message(values[outlet : outlet + 1]))

    def _forget(self) -> None:
        for event, _ in self.waiting:
            event.cancel()
        self.waiting = []

    def closed(self) -> None:  # noqa: D102
        self._forget()


class Metro(Object):
    """``metro``: bangs at an interval, the first at once, or on a grid of the transport.

    With a note value it runs only while the transport does, and with ``@quantize`` its bangs lie
    on the grid's lines. ``@active 1`` starts it when the patcher opens.
    """

    names = ("metro",)
    known_attributes = frozenset(("active", "quantize", "interval", "autostart"))

    def setup(self) -> None:  # noqa: D102
        self.inlets = {2}
        if "autostart" in self.attributes:
            raise self.fail("autostart is not known here")
        self.interval = self._time(self.attributes.get("interval", self.args) or [5])
        quantize = self.attributes.get("quantize")
        self.grid = ticks(quantize[0]) if quantize else None
        if quantize and self.grid is None:
            raise self.fail(f"quantize takes a note value, got {quantize[0]!r}")
        self.on = False
        self.event: Event | None = None
        self._last = -1.0
        self.patch.transport.listeners.append(self._moved)

    def _time(self, atoms: list[Atom]) -> tuple[float, bool]:
        length = ticks(atoms[0])
        if length is not None:
            return length, True
        if isinstance(atoms[0], str):
            raise self.fail(f"not a time: {atoms[0]!r}")
        return float(atoms[0]), False

    def loaded(self) -> None:  # noqa: D102
        if self.attributes.get("active", [0])[0]:
            self._start()

    def closed(self) -> None:  # noqa: D102
        self._stop()
        self.patch.transport.listeners.remove(self._moved)

    def _start(self) -> None:
        self._stop()
        self.on, self._last = True, -1.0
        length, musical = self.interval
        if musical or self.grid is not None:
            self._next_line()
        else:
            self._tick(length)

    def _stop(self) -> None:
        self.on = False
        if self.event is not None:
            self.event.cancel()

    def _tick(self, length: float) -> None:
        self.event = self.patch.clock.after(max(1.0, length), lambda: self._tick(self.interval[0]))
        self.out_bang(0)

    def _next_line(self) -> None:
        if not self.interval[1]:
            raise self.fail("quantize with an interval in milliseconds is not known here")
        if self.grid is None:
            raise self.fail("a note value without quantize drifts, and is not known here")
        wait = self.patch.transport.until(self.grid, self._last)
        if wait is not None:
            self.event = self.patch.clock.after(wait, self._on_line)

    def _on_line(self) -> None:
        self._last = self.patch.transport.beat * TICKS
        self._next_line()
        self.out_bang(0)

    def _moved(self) -> None:
        """Set the next bang anew: the transport started, stopped, jumped or changed its tempo."""
        if self.on and self.interval[1]:
            if self.event is not None:
                self.event.cancel()
            self._last = -1.0
            self._next_line()

    def _in0_bang(self) -> None:
        self._start()

    def _in0_int(self, on: int) -> None:
        if on:
            self._start()
        else:
            self._stop()

    def _in0_stop(self, _: tuple[Atom, ...]) -> None:
        self._stop()

    def _in0_active(self, args: tuple[Atom, ...]) -> None:
        self._in0_int(int(args[0]))

    def _in1_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        self.interval = self._time([*Message(selector, args).atoms])


class TransportObject(Object):
    """``transport``: a bang tells where the song is, out of its outlets from right to left.

    Bar, beat, ticks in the beat, ticks in a quarter note, tempo, meter, running, ticks in all.
    Nothing is sent unasked.
    """

    names = ("transport",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {2}, {9}
        if self.args:
            raise self.fail("a named transport does not follow Live")

    def _in0_bang(self) -> None:
        song = self.patch.transport
        bar, beat, units = song.place
        ticks_in_all = song.beat * TICKS
        self.out_number(7, float(ticks_in_all))
        self.out_number(6, int(song.playing))
        self.out(5, message(song.meter))
        self.out_number(4, float(song.bpm))
        self.out_number(3, TICKS)
        self.out_number(2, float(units))
        self.out_number(1, beat)
        self.out_number(0, bar)
