"""User interface objects that are not parameters. Source: Max's reference page of each."""

from __future__ import annotations

from maxpatch.atoms import Atom, Message, message
from maxpatch.objects.base import Object


class Decoration(Object):
    """Texts, panels and lines: nothing goes in or out."""

    names = ("comment", "live.comment", "panel", "live.line")

    def setup(self) -> None:  # noqa: D102
        self.outlets = {0}

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        self.shown = args

    def connected(self) -> None:  # noqa: D102
        self.shown: tuple[Atom, ...] = (self.box.text,)


class Button(Object):
    """``button``: flashes and bangs at whatever comes."""

    names = ("button",)

    def setup(self) -> None:  # noqa: D102
        self.flashes = 0

    def _in0_anything(self, _selector: str, _args: tuple[Atom, ...]) -> None:
        self.flashes += 1
        self.out_bang(0)


class LoadBang(Object):
    """``loadbang``: a bang when the patcher has been opened."""

    names = ("loadbang",)

    def setup(self) -> None:  # noqa: D102
        self.inlets = {0, 1}

    def loaded(self) -> None:  # noqa: D102
        self.out_bang(0)

    def _in0_bang(self) -> None:
        self.out_bang(0)


class LoadMess(Object):
    """``loadmess``: its arguments when the patcher has been opened."""

    names = ("loadmess",)

    def loaded(self) -> None:  # noqa: D102
        self.out(0, message(self.args))

    def _in0_bang(self) -> None:
        self.loaded()


class PatcherArgs(Object):
    """``patcherargs``: the arguments of the patcher as a list when it has been opened, its own
    arguments in the place of those that are not given; then ``done`` at the right.
    """

    names = ("patcherargs",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {2}

    def loaded(self) -> None:  # noqa: D102
        around = self.patch.objects.get(self.box.id.rpartition("/")[0])
        given = around.box.json.get("args", ()) if around else self.patch.arguments
        self.out_atoms(0, *given, *self.args[len(given) :])
        self.out(1, Message("done"))


class CloseBang(Object):
    """``closebang`` and ``freebang``: a bang when the patcher closes."""

    names = ("closebang", "freebang")

    def setup(self) -> None:  # noqa: D102
        self.inlets = {0, 1}

    def closing(self) -> None:  # noqa: D102
        self.out_bang(0)


class Number(Object):
    """``number`` and ``flonum``: show a number and pass it on; ``set`` only shows."""

    names = ("number", "flonum")

    def setup(self) -> None:  # noqa: D102
        self.outlets = {2}
        self.value = float(0) if self.name == "flonum" else 0

    def _kept(self, value: float) -> float:
        value = float(value) if self.name == "flonum" else int(value)
        low, high = self.box.json.get("minimum"), self.box.json.get("maximum")
        if low is not None:
            value = max(type(value)(low), value)
        if high is not None:
            value = min(type(value)(high), value)
        return value

    def _in0_float(self, value: float) -> None:
        self.value = self._kept(value)
        self._in0_bang()

    def _in0_bang(self) -> None:
        self.out_number(0, self.value)

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        self.value = self._kept(float(args[0]))


class Toggle(Object):
    """``toggle``: a bang turns it over; a number is passed on."""

    names = ("toggle",)

    def setup(self) -> None:  # noqa: D102
        self.value = 0

    def _in0_int(self, value: int) -> None:
        self.value = value
        self.out_number(0, value)

    def _in0_bang(self) -> None:
        self._in0_int(0 if self.value else 1)

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        self.value = int(args[0])


class Umenu(Object):
    """``umenu``: an index chooses an item, and index and text go out; ``set`` only shows."""

    names = ("umenu",)

    def setup(self) -> None:  # noqa: D102
        self.outlets = {3}
        self.items: list[str] = []
        item: list[str] = []
        for word in [*self.box.json.get("items", []), ","]:
            if word == ",":
                self.items.append(" ".join(item))
                item = []
            else:
                item.append(str(word))
        self.value = 0

    def _chosen(self, index: int) -> int:
        if not 0 <= index < len(self.items):
            raise self.fail(f"no item {index}; there are {len(self.items)}")
        return index

    def _in0_int(self, index: int) -> None:
        self.value = self._chosen(index)
        self._in0_bang()

    def _in0_bang(self) -> None:
        self.out(1, Message(self.items[self.value]))
        self.out_number(0, self.value)

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        self.value = self._chosen(int(args[0]))


class KSlider(Object):
    """``kslider``: keys that show notes, sent on from right to left (velocity, pitch).

    In the polyphonic mode (1) a note-off unlights its key, ``clear`` unlights all.
    """

    names = ("kslider",)

    def setup(self) -> None:  # noqa: D102
        self.inlets, self.outlets = {2}, {2}
        self.polyphonic = self.box.json.get("mode", 0) == 1
        self.velocity = 0
        self.lit: set[int] = set()

    def _in1_int(self, velocity: int) -> None:
        self.velocity = velocity

    def _show(self, pitch: int) -> None:
        if not self.polyphonic:
            self.lit = {pitch}
        elif self.velocity:
            self.lit.add(pitch)
        else:
            self.lit.discard(pitch)

    def _in0_int(self, pitch: int) -> None:
        self._show(pitch)
        self.out_number(1, self.velocity)
        self.out_number(0, pitch)

    def _in0_list(self, note: tuple[Atom, ...]) -> None:
        self.velocity = int(note[1])
        self._in0_int(int(note[0]))

    def _in0_set(self, args: tuple[Atom, ...]) -> None:
        pitch, *velocity = args
        if velocity:
            self.velocity = int(velocity[0])
        self._show(int(pitch))

    def _in0_clear(self, _: tuple[Atom, ...]) -> None:
        self.lit.clear()

    def _in0_flush(self, _: tuple[Atom, ...]) -> None:
        lit, self.lit = self.lit, set()
        for pitch in lit:
            self.out_number(1, 0)
            self.out_number(0, pitch)
