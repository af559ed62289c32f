"""MIDI learn: which controller drives which parameter, and which are switches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from antiphon.commands import SWITCHES

TURN: Final = "turn"
"""The name that the foot switch is learnt under."""

PRESSED: Final = 64
"""A switch is down from this value on."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A bound controller moved."""

    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Bound:
    """The controller that moved is now bound to what was being learnt."""

    name: str
    controller: int


class Learning:
    """The bindings. Used by the engine's thread only.

    Parameters
    ----------
    bindings : dict
        Controller number -> parameter name or one of :data:`antiphon.commands.SWITCHES`.
    """

    def __init__(self, bindings: dict[int, str]) -> None:
        self._bindings = dict(bindings)
        self._wanted: str | None = None
        self._pressed: set[int] = set()

    def want(self, name: str) -> None:
        """Bind the next controller that moves to `name`."""
        self._wanted = name

    def drives(self, controller: int) -> bool:
        """Tell whether a controller is bound to anything."""
        return controller in self._bindings

    def move(self, controller: int, value: int) -> Moved | Bound | None:
        """Take a control change; a switch counts when it goes down, not while it stays."""
        if self._wanted is not None:
            name, self._wanted = self._wanted, None
            self._bindings = {k: v for k, v in self._bindings.items() if v != name}
            self._bindings[controller] = name
            if value >= PRESSED:
                self._pressed.add(controller)
            return Bound(name, controller)
        bound = self._bindings.get(controller)
        if bound is None:
            return None
        if bound not in SWITCHES:
            return Moved(bound, value)
        was = controller in self._pressed
        if value >= PRESSED:
            self._pressed.add(controller)
            return None if was else Moved(bound, value)
        self._pressed.discard(controller)
        return None
