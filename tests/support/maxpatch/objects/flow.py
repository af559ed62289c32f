"""Objects that direct messages. Source: Max's reference page of each."""

from __future__ import annotations

from maxpatch import graph as graphs
from maxpatch.atoms import BANG, Atom, Message, message, same
from maxpatch.objects.base import Object


class Trigger(Object):
    """``trigger``: one message out of every outlet, right to left, each turned into a kind."""

    names = ("trigger", "t")

    def setup(self) -> None:  # noqa: D102
        self.kinds = self.args or ["i", "i"]
        self.outlets = {len(self.kinds)}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        what = Message(selector, args)
        for outlet in range(len(self.kinds) - 1, -1, -1):
            self.out(outlet, self._turned(self.kinds[outlet], what))

    def _turned(self, kind: Atom, what: Message) -> Message:
        if kind in ("b", "bang"):
            return BANG
        if kind in ("l", "list", "a"):
            return what
        if kind in ("i", "int", "f", "float"):
            first = what.args[0] if what.args else 0
            if what.selector not in ("bang", "int", "float", "list") or isinstance(first, str):
                raise self.fail(f"cannot make a number of {str(what)!r}")
            return message((int(first) if kind in ("i", "int") else float(first),))
        if kind in ("s", "symbol"):
            if what.selector == "bang" or not isinstance(what.atoms[0], str):
                raise self.fail(f"cannot make a symbol of {str(what)!r}")
            return Message(str(what.atoms[0]))
        return message((kind,))


class Route(Object):
    """``route``: a message whose first atom is an argument goes out there, without that atom.

    What matches none goes out of the right-most outlet as it came. With nothing left after the
    matched atom, a bang goes out.
    """

    names = ("route",)

    def setup(self) -> None:  # noqa: D102
        count = len(self.args)
        if not count:
            raise self.fail("route without arguments")
        self.inlets, self.outlets = {1, count + 1}, {count + 1}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        what = Message(selector, args)
        first, *rest = what.atoms
        for outlet, wanted in enumerate(self.args):
            if same(first, wanted) or (wanted == selector and selector in ("int", "float", "list")):
                self.out(outlet, message(rest if same(first, wanted) else what.atoms))
                return
        self.out(len(self.args), what)


class Select(Object):
    """``select``: a bang out of the outlet whose argument came; else the message at the right.

    With a single argument that is a number, a number at the right inlet replaces it.
    """

    names = ("select", "sel")

    def setup(self) -> None:  # noqa: D102
        count = len(self.args)
        if not count:
            raise self.fail("select without arguments")
        self.inlets, self.outlets = {1, count + 1}, {count + 1}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        what = Message(selector, args)
        if len(what.atoms) == 1:
            for outlet, wanted in enumerate(self.args):
                if same(what.atoms[0], wanted):
                    self.out_bang(outlet)
                    return
        self.out(len(self.args), what)

    def _in1_int(self, value: int) -> None:
        if len(self.args) != 1 or isinstance(self.args[0], str):
            raise self.fail("has no such inlet with these arguments")
        self.args = [value]


class Gate(Object):
    """``gate N START``: what comes in at the right goes out of the outlet whose number was set."""

    names = ("gate",)

    def setup(self) -> None:  # noqa: D102
        self.count, self.open = self.whole(0, 1), self.whole(1, 0)
        self.inlets, self.outlets = {2}, {self.count}

    def _in0_int(self, which: int) -> None:
        self.open = max(0, min(which, self.count))

    def _in1_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        if self.open:
            self.out(self.open - 1, Message(selector, args))


class Switch(Object):
    """``switch N START``: what comes in at the inlet whose number was set goes out."""

    names = ("switch",)

    def setup(self) -> None:  # noqa: D102
        self.count, self.open = self.whole(0, 2), self.whole(1, 0)
        self.inlets, self.outlets = {self.count + 1}, {1}

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        if inlet == 0:
            super().receive(inlet, what)
        elif inlet == self.open:
            self.out(0, what)

    def _in0_int(self, which: int) -> None:
        self.open = max(0, min(which, self.count))


class Funnel(Object):
    """``funnel N OFFSET``: what comes in, behind the number of its inlet; a bang repeats the number
    that came there last.
    """

    names = ("funnel",)

    def setup(self) -> None:  # noqa: D102
        self.offset = self.whole(1, 0)
        self.last: dict[int, Atom] = {}
        self.inlets = {self.whole(0, 2)}

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        if what.selector in ("int", "float"):
            self.last[inlet] = what.args[0]
        items = (self.last.get(inlet, 0),) if what == BANG else what.atoms
        self.out_atoms(0, inlet + self.offset, *items)


class Prepend(Object):
    """``prepend``: puts its arguments in front of what comes; ``set`` replaces them instead."""

    names = ("prepend",)

    def setup(self) -> None:  # noqa: D102
        if not self.args:
            raise self.fail("prepend without arguments")
        self.front: tuple[Atom, ...] = tuple(self.args)

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        self.front = args

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        self.out(0, message((*self.front, *Message(selector, args).atoms)))


class Send(Object):
    """``send``: gives what comes to every ``receive`` of the same name."""

    names = ("send", "s")

    def setup(self) -> None:  # noqa: D102
        if len(self.args) != 1:
            raise self.fail("send takes one name")
        self.inlets, self.outlets = {1}, {0}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        self.patch.send_to(self.patch.named(self.args[0]), Message(selector, args))


class Receive(Object):
    """``receive``: what was given to ``send``, or a message box, under its name."""

    names = ("receive", "r")

    def setup(self) -> None:  # noqa: D102
        if len(self.args) != 1:
            raise self.fail("receive takes one name")
        self.inlets, self.outlets = {0, 1}, {1}
        self.patch.receivers.setdefault(self.patch.named(self.args[0]), []).append(self)

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        self.out(0, Message(selector, args))


class Patcher(Object):
    """``patcher`` and ``bpatcher``: a patcher inside; its ``inlet`` and ``outlet`` boxes from left
    to right.
    """

    names = ("patcher", "p", "bpatcher")

    def setup(self) -> None:  # noqa: D102
        if "patcher" not in self.box.json:
            raise self.fail("a patcher box without a patcher in it")
        self.doors = [box.id for box in graphs.ports(self.patch.graph, self.box, "inlet")]
        exits = graphs.ports(self.patch.graph, self.box, "outlet")
        self.exits = {box.id: place for place, box in enumerate(exits)}
        self.inlets, self.outlets = {len(self.doors)}, {len(self.exits)}

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        door = self.patch.objects[self.doors[inlet]]
        self.patch.send(door, 0, what)


class Inlet(Object):
    """``inlet``: where messages come into a patcher; into the outermost come bytes of MIDI."""

    names = ("inlet",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {0}, {1}
        if "/" not in self.box.id:
            self.patch.midi_listeners.append(lambda byte: self.out_number(0, byte))


class Outlet(Object):
    """``outlet``: where messages leave a patcher; bytes of MIDI leave the outermost."""

    names = ("outlet",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {1}, {0}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        around = self.patch.objects.get(self.box.id.rpartition("/")[0])
        if isinstance(around, Patcher):
            around.out(around.exits[self.box.id], Message(selector, args))
            return
        if selector != "int" or not 0 <= args[0] <= 255:  # type: ignore[operator]
            raise self.fail(f"{Message(selector, args)} is not a byte")
        self.patch.midi_out.append((self.patch.clock.now, self.box.id, int(args[0])))


class Deferlow(Object):
    """``deferlow``: passes things on by the main thread, after what waits there, in their order."""

    names = ("deferlow",)

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        self.patch.defer(lambda: self.out(0, Message(selector, args)))


class Print(Object):
    """``print``: the Max console."""

    names = ("print",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {0}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        self.patch.printed.append(str(Message(selector, args)))
