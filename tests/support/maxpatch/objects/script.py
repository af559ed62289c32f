"""``js``: a script, run by node, or only written down.

Source: Max's reference page of ``js`` and its page on threads: a script runs on the main thread, at
low priority. What comes on that thread is taken at once, also from within a function of the same
script that sent it. What comes from elsewhere is deferred, in an order that is not documented, so
that here it is an error: a ``deferlow`` before the script keeps the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from maxpatch.atoms import Atom, Message, message
from maxpatch.clock import Event
from maxpatch.objects.base import Object

if TYPE_CHECKING:
    from max_js import MaxJs


class Script(Object):
    """``js FILE ARGUMENTS``.

    Attributes
    ----------
    received : list of tuple
        Every message as its atoms, with or without a script behind.
    runs : MaxJs or None
        The script behind; without one nothing comes out.
    """

    names = ("js",)

    def setup(self) -> None:  # noqa: D102
        if not self.args or not isinstance(self.args[0], str):
            raise self.fail("js takes the name of a file")
        self.received: list[tuple[Atom, ...]] = []
        self.runs: MaxJs | None = None
        self.event: Event | None = None
        made = self.patch.script(self.args[0], tuple(self.args[1:]))
        if made is None:
            said = self.box.json
            self.outlets = {said.get("numoutlets", 1)}
        else:
            self.run(made)
            self.inlets, self.outlets = {made.inlets}, {made.outlets}

    def run(self, script: MaxJs | None) -> None:
        """Put a running script behind, or none."""
        self.runs = script
        if script is not None:
            script.sends = self._sent

    def _in0_anything(self, selector: str, args: tuple[Atom, ...]) -> None:
        atoms = Message(selector, args).atoms
        if not self.patch.on_main_thread:
            raise self.fail(f"{atoms} does not come on the main thread: its order is lost")
        self.received.append(atoms)
        if self.runs is not None:
            self.runs.now = self.patch.clock.now
            self.runs.send(*atoms, late=True)
            self._plan()

    def _wake(self) -> None:
        self.patch.defer(self._due)

    def _due(self) -> None:
        if self.runs is not None:
            self.runs.advance(self.patch.clock.now, late=True)
            self._plan()

    def _plan(self) -> None:
        if self.event is not None:
            self.event.cancel()
        if self.runs is not None and self.runs.next is not None:
            self.event = self.patch.clock.at(self.runs.next, self._wake)

    def _sent(self, _at: float, to: int | str, atoms: list[Atom]) -> None:
        if isinstance(to, int):
            self.out(to, message(atoms))
        else:
            self.patch.deliver(self.patch.named_box(to), 0, message(atoms))

    def closed(self) -> None:  # noqa: D102
        if self.event is not None:
            self.event.cancel()
        if self.runs is not None:
            self.runs.deleted()
        self.runs = None
