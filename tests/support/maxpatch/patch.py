"""A patcher that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maxpatch import graph as graphs
from maxpatch.atoms import BANG, Atom, Message, PatchError, arguments, message, number
from maxpatch.clock import Clock
from maxpatch.graph import Box, Cord, Json
from maxpatch.network import Memory, Network
from maxpatch.objects import CLASSES
from maxpatch.objects.base import Object
from maxpatch.transport import Transport

if TYPE_CHECKING:
    from max_js import MaxJs

Scripts = Callable[[str, Sequence[Atom], Sequence[str]], "MaxJs | None"]
"""Starts a script by its file's name, its arguments and the scripting names around it; or not."""

DEEPEST = 120
"""Messages within messages after which we call it a loop; Max calls it a stack overflow."""


class Patch:
    """A patcher's objects, connected, on a clock.

    Parameters
    ----------
    patcher : mapping
        The value of the key ``patcher`` of a ``.maxpat`` file.
    clock, network, transport
        The world around it; by default a world of its own, in memory.
    backwards : bool
        Serve the cords of one outlet in the opposite of Max's order. A patch that says its order
        with ``trigger`` does not notice.
    folder : path
        Where the files lie that a ``bpatcher`` names.
    scripts : callable, optional
        Starts what ``js`` names. Without it, or where it gives None, nothing runs there.
    live : bool
        Whether there is a Live around it, or plain Max.
    arguments : tuple
        What stands behind the patcher's name where it is used as an abstraction.
    number : int
        What ``---`` stands for in global names.

    Attributes
    ----------
    midi_out : list of tuple
        ``(time, box, byte)`` of all that went to a ``midiout``; each box has a stream of its own.
    printed : list of str
        What would stand in the Max console.
    busy : float
        Until when Max's main thread, on which scripts run, does something else (ms).
    trace, watch : callable, optional
        Called with every message that is delivered, and every cord that carries one.
    """

    def __init__(
        self,
        patcher: Json,
        *,
        clock: Clock | None = None,
        network: Network | None = None,
        transport: Transport | None = None,
        backwards: bool = False,
        folder: Path | None = None,
        scripts: Scripts | None = None,
        live: bool = True,
        arguments: tuple[Atom, ...] = (),
        number: int = 1,
    ) -> None:
        self.clock = clock or Clock()
        self.network = network or Memory(self.clock)
        self.transport = transport or Transport(self.clock)
        self.folder, self.live, self.unique = folder, live, number
        self.arguments = arguments
        self.midi_out: list[tuple[float, str, int]] = []
        self.midi_listeners: list[Callable[[int], None]] = []
        self.printed: list[str] = []
        self.receivers: dict[str, list[Object]] = {}
        self.trace: Callable[[Object, int, Message], None] | None = None
        self.watch: Callable[[Cord], object] | None = None
        self.busy = 0.0
        self._depth = 0
        self._scripts, self._on_main_thread = scripts, False
        self.graph = graphs.read(patcher, folder)
        self._named = {
            str(box.json["varname"]): box.id
            for box in self.graph.boxes.values()
            if "varname" in box.json
        }
        self.objects: dict[str, Object] = {}
        for box in self.graph.boxes.values():
            self.objects[box.id] = self._make(box)
        self._cords = graphs.served(self.graph, backwards)
        for cord in self.graph.cords:
            self._check(cord)
        for made in self.objects.values():
            made.connected()

    # -- making ------------------------------------------------------------------------------

    def _make(self, box: Box) -> Object:
        if box.maxclass == "newobj":
            name, args, attributes = arguments(box.text)
        else:
            name, args, attributes = box.maxclass, [], {}
        kind = CLASSES.get(name)
        if kind is None:
            raise PatchError(f"{box}: no object class {name!r} is known here")
        made = kind(box, self, name, args, attributes)
        made.take_arity()
        return made

    def _check(self, cord: Cord) -> None:
        source, destination = self.objects[cord.source], self.objects[cord.destination]
        if not 0 <= cord.outlet < source.outlet_count:
            raise PatchError(f"cord {cord}: {source.box} has no outlet {cord.outlet}")
        if not 0 <= cord.inlet < destination.inlet_count:
            raise PatchError(f"cord {cord}: {destination.box} has no inlet {cord.inlet}")

    # -- messages ----------------------------------------------------------------------------

    def send(self, source: Object, outlet: int, what: Message) -> None:
        """Send a message out of an outlet, to every cord's end in turn."""
        for cord in self._cords.get((source.box.id, outlet), ()):
            if self.watch is not None:
                self.watch(cord)
            self.deliver(self.objects[cord.destination], cord.inlet, what)

    def deliver(self, to: Object, inlet: int, what: Message) -> None:
        """Give a message to an inlet."""
        if self.trace is not None:
            self.trace(to, inlet, what)
        if self._depth >= DEEPEST:
            raise PatchError(f"{to.box}: stack overflow")
        self._depth += 1
        try:
            to.receive(inlet, what)
        finally:
            self._depth -= 1

    def send_to(self, name: str, what: Message) -> None:
        """Give a message to every ``receive`` of that name."""
        for receiver in self.receivers.get(name, ()):
            self.deliver(receiver, 0, what)

    def named(self, name: Atom) -> str:
        """Resolve a global name: ``---`` makes it the device's own, as in Live."""
        text = str(name)
        return f"{self.unique}{text[3:]}" if text.startswith("---") else text

    # -- scripts -----------------------------------------------------------------------------

    def script(self, file: str, arguments: Sequence[Atom]) -> MaxJs | None:
        """Start the script of a ``js``, if it is to run."""
        if self._scripts is None:
            return None
        return self._scripts(file, arguments, [*self._named])

    def named_box(self, name: str) -> Object:
        """Return the object with a scripting name."""
        return self.objects[self._named[name]]

    @property
    def on_main_thread(self) -> bool:
        """Whether what goes on now does so at low priority."""
        return self._on_main_thread

    def defer(self, call: Callable[[], None]) -> None:
        """Do something when the main thread has time, after all that waits for it already."""
        self.clock.at(max(self.clock.now, self.busy), lambda: self._run(call))

    def _run(self, call: Callable[[], None]) -> None:
        if self.clock.now < self.busy:
            self.defer(call)
            return
        self._on_main_thread = True
        try:
            call()
        finally:
            self._on_main_thread = False

    # -- the world ---------------------------------------------------------------------------

    def find(self, kind: type[Object]) -> list[Object]:
        """Return the objects of a class, in the file's order."""
        return [made for made in self.objects.values() if isinstance(made, kind)]

    def load(self, last_first: bool = False) -> None:
        """Do what Max does when the patcher has been opened; it promises no order of objects."""
        made = list(self.objects.values())
        for each in reversed(made) if last_first else made:
            each.loaded()

    def close(self) -> None:
        """Do what Max does when the patcher is closed."""
        for made in list(self.objects.values()):
            made.closing()
        for made in list(self.objects.values()):
            made.closed()

    def midi_in(self, *data: int) -> None:
        """Let bytes arrive at ``midiin``."""
        for byte in data:
            for listener in self.midi_listeners:
                listener(byte)

    def run(self, milliseconds: float) -> None:
        """Let time go by."""
        self.clock.advance(milliseconds)

    def bang(self, box_id: str, inlet: int = 0) -> None:
        """Send a bang into a box, as a test's hand."""
        self.deliver(self.objects[box_id], inlet, BANG)

    def put(self, box_id: str, inlet: int, *atoms: Atom) -> None:
        """Send a message into a box, as a test's hand."""
        self.deliver(self.objects[box_id], inlet, message(atoms))


def numbers(values: Iterable[float]) -> Message:
    """Make the message of a row of numbers."""
    row = tuple(values)
    return number(row[0]) if len(row) == 1 else Message("list", row)
