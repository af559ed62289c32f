"""Objects that keep or combine values. Source: Max's reference page of each."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence

from maxpatch.atoms import Atom, Message, message, read_word, words
from maxpatch.objects.base import Object


class Int(Object):
    """``int``: keeps a whole number; a bang sends it, a number at the left replaces and sends."""

    names = ("int", "i")
    kind: Callable[[float], float] = int

    def setup(self) -> None:  # noqa: D102
        self.inlets = {2}
        first = self.args[0] if self.args else 0
        if isinstance(first, str):
            raise self.fail(f"takes a number, got {first!r}")
        self.value = type(self).kind(first)

    def _in0_bang(self) -> None:
        self.out_number(0, self.value)

    def _in0_float(self, value: float) -> None:
        self._in1_float(value)
        self._in0_bang()

    def _in1_float(self, value: float) -> None:
        self.value = type(self).kind(value)

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        (value,) = args
        self._in1_float(float(value))


class Float(Int):
    """``float``: like ``int`` for a number with a point."""

    names = ("float", "f")
    kind = float


class Pack(Object):
    """``pack``: makes a list; the left inlet (number or bang) sends it, the others only keep.

    Each place has the kind of its argument: ``0`` makes whole numbers of what comes.
    """

    names = ("pack",)
    spreads = True

    def setup(self) -> None:  # noqa: D102
        self.values: list[Atom] = list(self.args or [0, 0])
        for place, value in enumerate(self.values):
            self.values[place] = {"i": 0, "f": 0.0, "s": ""}.get(str(value), value)
        self.inlets = {len(self.values)}

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        if what.selector in ("int", "float"):
            self._keep(inlet, what.args[0])
        elif what.selector in ("bang", "list"):
            if inlet:
                raise self.fail(f"{what.selector} at inlet {inlet}")
            for place, value in enumerate(what.args[: len(self.values)]):
                self._keep(place, value)
        elif not what.args and isinstance(self.values[inlet], str):
            self.values[inlet] = what.selector
        else:
            raise self.fail(f"does not understand {str(what)!r} at inlet {inlet}")
        if inlet == 0:
            self.out(0, message(self.values))

    def _keep(self, place: int, value: Atom) -> None:
        kind = type(self.values[place])
        if (kind is str) != isinstance(value, str):
            raise self.fail(f"place {place + 1} holds {kind.__name__}, got {value!r}")
        self.values[place] = kind(value)


class Pak(Pack):
    """``pak``: a ``pack`` that sends at whatever inlet something comes."""

    names = ("pak",)

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        super().receive(inlet, what)
        if inlet:
            self.out(0, message(self.values))


class Unpack(Object):
    """``unpack``: the items of a list out of its outlets, right to left, in the arguments' kinds.

    Outlets beyond the list's end are silent.
    """

    names = ("unpack",)

    def setup(self) -> None:  # noqa: D102
        self.kinds: list[Atom] = list(self.args or [0, 0])
        self.outlets = {len(self.kinds)}

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        items = Message(selector, args).atoms
        for outlet in range(min(len(items), len(self.kinds)) - 1, -1, -1):
            item, kind = items[outlet], self.kinds[outlet]
            text = isinstance(kind, str) and kind not in ("i", "f")
            if text != isinstance(item, str):
                raise self.fail(f"item {outlet + 1} of {items} is not of the kind of {kind!r}")
            if not isinstance(item, str):
                item = float(item) if isinstance(kind, float) or kind == "f" else int(item)
            self.out(outlet, message((item,)))


class MessageBox(Object):
    """A message box: sends its text, with ``$1`` and so on filled in.

    Commas part messages; after a semicolon comes the name of a receiver and its message. ``set``
    replaces the text; the right inlet does, too. A missing item of the list counts as 0.
    """

    names = ("message",)

    def setup(self) -> None:  # noqa: D102
        self.inlets = {2}
        self.words: Sequence[str] = words(self.box.text)

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        if inlet == 1:
            self._write(what.atoms)
        elif what.selector == "set":
            self._write(what.args)
        elif what.selector in ("append", "prepend"):
            raise self.fail(f"{what.selector} is not known here")
        else:
            self._say(() if what.selector == "bang" else what.atoms)

    def _write(self, atoms: tuple[Atom, ...]) -> None:
        self.words = [f"\0{atom}" if isinstance(atom, str) else str(atom) for atom in atoms]

    def _say(self, items: tuple[Atom, ...]) -> None:
        part: list[Atom] = []
        receiver = False
        for word in [*self.words, None]:
            if word in (",", ";", None):
                if part:
                    self._send(part, receiver)
                part, receiver = [], word == ";"
            elif "$" in word and not word.startswith("\0"):
                if not (word[0] == "$" and word[1:].isdigit() and word != "$0"):
                    raise self.fail(f"{word!r}: only whole words $1 to $9 are filled in")
                place = int(word[1:]) - 1
                part.append(items[place] if place < len(items) else 0)
            else:
                part.append(read_word(word))

    def _send(self, part: list[Atom], receiver: bool) -> None:
        if receiver:
            self.patch.send_to(self.patch.named(part[0]), message(part[1:]))
        else:
            self.out(0, message(part))


_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "&&": lambda a, b: bool(a) and bool(b),
    "||": lambda a, b: bool(a) or bool(b),
    "%": operator.mod,
    "/": operator.truediv,
    "!-": lambda a, b: b - a,
}


class Operator(Object):
    """Arithmetic and comparison: the left inlet sends, the right one keeps.

    The result is whole unless the argument has a point; comparisons give 0 or 1.
    """

    names = tuple(_OPERATORS)
    spreads = True

    def setup(self) -> None:  # noqa: D102
        self.inlets = {2}
        self.right: float = 0
        if self.args:
            self._in1_float(float(self.args[0]))
        self.pointed = bool(self.args) and isinstance(self.args[0], float)
        self.left: float = 0

    def _in0_bang(self) -> None:
        left = self.left if self.pointed or self.name in ("==", "!=") else int(self.left)
        result = _OPERATORS[self.name](left, self.right)
        if isinstance(result, bool) or not self.pointed:
            result = int(result)
        self.out_number(0, result)

    def _in0_float(self, value: float) -> None:
        self.left = value
        self._in0_bang()

    def _in1_float(self, value: float) -> None:
        self.right = value


class Change(Object):
    """``change``: passes a number on if it is not the one before."""

    names = ("change",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {3}
        self.value: float = self.args[0] if self.args else 0  # type: ignore[assignment]

    def _in0_float(self, value: float) -> None:
        if not isinstance(self.value, float):
            value = int(value)
        before, self.value = self.value, value
        if value and not before:
            self.out_number(2, 1)
        elif before and not value:
            self.out_number(1, 1)
        if value != before:
            self.out_number(0, value)

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        (value,) = args
        self.value = type(self.value)(value)


class OneBang(Object):
    """``onebang``: lets one bang through, and another after the right inlet had one."""

    names = ("onebang",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {2}, {2}
        self.ready = bool(self.whole(0, 0))

    def _in0_bang(self) -> None:
        self.out_bang(0 if self.ready else 1)
        self.ready = False

    def _in1_bang(self) -> None:
        self.ready = True


class Clip(Object):
    """``clip``: keeps a number within two bounds."""

    names = ("clip",)

    def setup(self) -> None:  # noqa: D102
        self.inlets = {3}
        if len(self.args) != 2 or any(isinstance(bound, str) for bound in self.args):
            raise self.fail("clip takes two numbers")

    def _in0_float(self, value: float) -> None:
        low, high = self.args
        kept = max(float(low), min(value, float(high)))
        self.out_number(0, kept if isinstance(low, float) else int(kept))


class Zl(Object):
    """``zl slice N``: the rest of a list at the right, then its first N items at the left, each
    only if there is something; ``zl join``: the left list and then the one kept at the right;
    ``zl reg``: keeps a list, and a bang sends it; ``zl len``: how many items.
    """

    names = ("zl", "zl.slice", "zl.join", "zl.reg", "zl.len")

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {2}, {2}
        row = [*self.name.split(".")[1:], *self.args]
        self.mode = str(row[0]) if row else ""
        if self.mode not in ("slice", "join", "reg", "len"):
            raise self.fail(f"zl {self.mode} is not known here")
        self.kept: tuple[Atom, ...] = tuple(row[1:])
        self.left: tuple[Atom, ...] = ()

    def receive(self, inlet: int, what: Message) -> None:  # noqa: D102
        if inlet == 1:
            self.kept = what.atoms
        elif what.selector == "bang":
            self._say(self.kept if self.mode == "reg" else self.left)
        else:
            self.left = what.atoms
            self._say(what.atoms)

    def _say(self, items: tuple[Atom, ...]) -> None:
        if self.mode == "slice":
            count = self.kept[0] if self.kept else 0
            if not isinstance(count, int) or count < 1:
                raise self.fail(f"slice takes a number of items, got {count!r}")
            if items[count:]:
                self.out_atoms(1, *items[count:])
            self.out_atoms(0, *items[:count])
        elif self.mode == "join":
            self.out_atoms(0, *items, *self.kept)
        elif self.mode == "len":
            self.out_number(0, len(items))
        elif items:
            self.out_atoms(0, *items)
