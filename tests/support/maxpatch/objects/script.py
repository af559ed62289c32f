"""``js``: a script, run by node with a small Live set behind it, or only written down.

Source: Max's reference page of ``js``: it runs at low priority, so that what is sent to it is done
after what is going on, and what it sends comes later still.
"""

from __future__ import annotations

from maxpatch.atoms import Atom, Message, message
from maxpatch.clock import Event
from maxpatch.objects.base import Object


class Script(Object):
    """``js FILE``.

    Attributes
    ----------
    received : list of tuple
        Every message as its atoms, with or without a script behind.
    runs : MaxJs or None
        The script's process; a test sets it before it loads the patch, or not, and then nothing
        comes out.
    """

    names = ("js",)

    def setup(self) -> None:  # noqa: D102
        if len(self.args) != 1:
            raise self.fail("js takes the name of a file")
        said = self.box.json
        self.inlets, self.outlets = {said.get("numinlets", 1)}, {said.get("numoutlets", 1)}
        self.received: list[tuple[Atom, ...]] = []
        self.runs = None
        self.event: Event | None = None

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        atoms = Message(selector, args).atoms
        self.received.append(atoms)
        self.patch.clock.after(0, lambda: self._call(atoms))

    def _call(self, atoms: tuple[Atom, ...]) -> None:
        if self.runs is not None:
            self.runs.now = self.patch.clock.now
            self._done(self.runs.send(*atoms))

    def _wake(self) -> None:
        if self.runs is not None:
            self._done(self.runs.advance(self.patch.clock.now))

    def _done(self, sent: list[tuple[float, int, list[Atom]]]) -> None:
        if self.event is not None:
            self.event.cancel()
        if self.runs is not None and self.runs.next is not None:
            self.event = self.patch.clock.at(self.runs.next, self._wake)
        for _, outlet, atoms in sent:
            self.out(outlet, message(atoms))

    def closed(self) -> None:  # noqa: D102
        if self.event is not None:
            self.event.cancel()
        self.runs = None
