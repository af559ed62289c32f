"""What the partner can play: the network in use, its styles, and the one that waits its turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from antiphon import commands as c
from antiphon import thinking
from antiphon.model import Player, Varier


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network is there: the first one (the worker has it), or one to swap in at the next bar."""

    player: Player
    first: bool = False


@dataclass(frozen=True, slots=True)
class NotLoaded:
    """A checkpoint could not be loaded; the network in use goes on."""

    command: c.LoadModel
    refusal: c.Refusal


@dataclass(frozen=True, slots=True)
class Equipped:
    """The networks that vary are there."""

    varier: Varier


class Repertoire:
    """The engine's hold on the networks. Used by the engine's thread only.

    Parameters
    ----------
    think : callable
        Takes jobs for the worker; returns at once.
    """

    def __init__(self, think: Callable[[thinking.Job], None]) -> None:
        self._think = think
        self._styles: tuple[str, ...] = ()
        self._mix: dict[str, float] = {}
        self._waiting: Player | None = None

    def begin(self, player: Player) -> None:
        """Take note of the first network; the worker has it already."""
        self._styles = player.info.styles

    def offer(self, player: Player) -> None:
        """Keep a network until :meth:`swap`; its styles can be chosen from now on."""
        self._styles = player.info.styles
        self._waiting = player

    def swap(self) -> str | None:
        """Put the network that waits in use and return its name; None if none waits."""
        if self._waiting is None:
            return None
        name = self._waiting.info.name
        self._think(thinking.Swap(self._waiting))
        self._waiting = None
        return name

    def mix(self, style: str, weight: float) -> bool:
        """Give a style its weight in the mix; False if no style has this name."""
        if style not in self._styles:
            return False
        self._mix[style] = weight
        self._think(thinking.Style(tuple((s, w) for s, w in self._mix.items() if w > 0)))
        return True
