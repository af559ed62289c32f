"""What all object classes share: finding the method for a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from maxpatch.atoms import BANG, Atom, Message, PatchError, message, number
from maxpatch.graph import Box

if TYPE_CHECKING:
    from maxpatch.patch import Patch


class Object:
    """One object of a patch.

    A subclass writes ``_in0_bang``, ``_in0_int``, ``_in1_list`` and so on for the messages that
    Max's reference lists, and ``_in0_anything(selector, args)`` where it takes any word. Numbers
    are turned into the kind that there is a method for, as Max does. A list at the left inlet of
    an object that sets `spreads` goes to all inlets from the right to the left.

    Attributes
    ----------
    names : tuple of str
        What is typed to make one.
    inlets, outlets : set of int
        The numbers of inlets and outlets that a box may say it has.
    known_attributes : set of str
        Attributes that may be typed with ``@``.
    """

    names: ClassVar[tuple[str, ...]] = ()
    spreads: ClassVar[bool] = False
    known_attributes: ClassVar[frozenset[str]] = frozenset()

    def __init__(
        self,
        box: Box,
        patch: Patch,
        name: str,
        args: list[Atom],
        attributes: dict[str, list[Atom]],
    ) -> None:
        self.box, self.patch, self.name, self.args = box, patch, name, args
        self.attributes = attributes
        for attribute in attributes:
            if attribute not in self.known_attributes:
                raise PatchError(f"{box}: {name} has no attribute {attribute!r} here")
        self.inlets: set[int] = {1}
        self.outlets: set[int] = {1}
        self.setup()

    def take_arity(self) -> None:
        """Take the numbers of inlets and outlets that the box says it has.

        Raises
        ------
        PatchError
            If the class cannot have so many.
        """
        said = self.box.json
        for key, here in (("numinlets", self.inlets), ("numoutlets", self.outlets)):
            if said.get(key, min(here)) not in here:
                raise self.fail(f"{key} is {said[key]}, {self.name} has {sorted(here)}")
        self.inlet_count = int(said.get("numinlets", max(self.inlets)))
        self.outlet_count = int(said.get("numoutlets", max(self.outlets)))

    # -- for subclasses ----------------------------------------------------------------------

    def setup(self) -> None:
        """Read arguments and attributes; set `inlets` and `outlets`."""

    def connected(self) -> None:
        """All boxes are there, and their cords."""

    def loaded(self) -> None:
        """The patcher has been opened."""

    def closing(self) -> None:
        """The patcher is about to close; messages still go."""

    def closed(self) -> None:
        """The patcher is gone."""

    def fail(self, why: str) -> PatchError:
        """Make the error to raise."""
        return PatchError(f"{self.box}: {why}")

    def out(self, outlet: int, what: Message) -> None:
        """Send a message out of an outlet."""
        self.patch.send(self, outlet, what)

    def out_bang(self, outlet: int) -> None:
        """Send a bang out of an outlet."""
        self.out(outlet, BANG)

    def out_number(self, outlet: int, value: float) -> None:
        """Send a number out of an outlet."""
        self.out(outlet, number(value))

    def out_atoms(self, outlet: int, *atoms: Atom) -> None:
        """Send a row of atoms out of an outlet, as the message that it makes."""
        self.out(outlet, message(atoms))

    def whole(self, place: int, default: int = 0) -> int:
        """Return an argument that has to be a number, as a whole one."""
        if place >= len(self.args):
            return default
        value = self.args[place]
        if isinstance(value, str):
            raise self.fail(f"argument {place + 1} is to be a number, got {value!r}")
        return int(value)

    # -- delivery ----------------------------------------------------------------------------

    def _method(self, inlet: int, selector: str) -> Callable[..., None] | None:
        return getattr(self, f"_in{inlet}_{selector}", None)

    def receive(self, inlet: int, what: Message) -> None:
        """Take a message at an inlet.

        Raises
        ------
        PatchError
            If Max's reference does not say what the object makes of it.
        """
        selector, args = what
        if method := self._method(inlet, selector):
            method(*args) if selector in ("bang", "int", "float") else method(args)
            return
        if selector in ("int", "float"):
            (value,) = args
            for other, convert in (("int", int), ("float", float), ("list", None)):
                if method := self._method(inlet, other):
                    method(args if convert is None else convert(value))
                    return
        elif selector == "list" and self.spreads and inlet == 0:
            for place in range(min(len(args), self.inlet_count) - 1, -1, -1):
                self.receive(place, message(args[place : place + 1]))
            return
        if method := self._method(inlet, "anything"):
            method(selector, args)
            return
        raise self.fail(f"does not understand {str(what)!r} at inlet {inlet}")
