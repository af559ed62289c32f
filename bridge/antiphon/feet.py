"""Pedals on their way out: which are down, who holds them, and the partner's foot.

Nothing here locks or knows the time: :class:`antiphon.output.Output` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from antiphon import midi
from antiphon.music import Pedal, is_down
from antiphon.pedalling import PRESS

_PEDALS: Final = frozenset((midi.SUSTAIN, 66, 69))  # sustain, sostenuto, hold 2


class _Foot:
    """The partner's foot on one channel."""

    __slots__ = ("down", "onset", "press_at")

    def __init__(self) -> None:
        self.onset = -math.inf  # of the last note that it stepped for
        self.press_at: float | None = None  # when it goes down, if it is about to
        self.down = False


class Feet:
    """Keeps account of pedals, the player's and the partner's, and moves the partner's foot.

    On a channel that both use the player has the right of way: what he holds down is not lifted
    by the partner, and what he lifts is up.

    Parameters
    ----------
    emit : callable
        Sends a message of the partner, and books it with :meth:`book`.
    """

    def __init__(self, emit: Callable[[bytes], None]) -> None:
        self._emit = emit
        self._down: set[tuple[int, int]] = set()  # channel and controller
        self._held: set[tuple[int, int]] = set()  # those of them that the player holds down
        self._feet: dict[int, _Foot] = {}

    # -- everybody's pedals ------------------------------------------------------------------

    def book(self, message: bytes, thru: bool) -> None:
        """Take note of a message that goes out; `thru` if it is the player's."""
        if midi.kind(message) != midi.CONTROL or message[1] not in _PEDALS:
            return
        pedal = (midi.channel(message), message[1])
        if not message[2]:
            self._down.discard(pedal)
            self._held.discard(pedal)
            return
        self._down.add(pedal)
        if thru:
            self._held.add(pedal)

    def lifts(self, message: bytes) -> bool:
        """Tell whether a message of the player lifts a pedal that was passed on its way down."""
        return (
            midi.kind(message) == midi.CONTROL
            and message[2] < 64
            and (midi.channel(message), message[1]) in self._held
        )

    def lift_all(self) -> None:
        """Lift every pedal, the player's too, and forget what was about to be pressed."""
        for channel, pedal in sorted(self._down):
            self._emit(midi.control(channel, pedal, 0))
        self._feet.clear()

    # -- the partner's foot ------------------------------------------------------------------

    def step(self, channel: int, onset: float, pedal: Pedal) -> float | None:
        """Move the foot for a note that is about to sound; the notes of a chord move it once.

        Returns
        -------
        float or None
            When :meth:`press` is to be called, if it is.
        """
        foot = self._feet.get(channel)
        if foot is None:
            if not is_down(pedal):
                return None
            foot = self._feet[channel] = _Foot()
        if foot.onset == onset:
            return None
        foot.onset = onset
        if pedal is not Pedal.DOWN:
            self._lift(channel, foot)
        elif foot.press_at is not None:
            self.press(channel, foot.press_at)  # it holds what sounds already
        if is_down(pedal) and (channel, midi.SUSTAIN) not in self._down:
            foot.press_at = onset + PRESS
        return foot.press_at

    def press(self, channel: int, due: float) -> None:
        """Press what was to be pressed at `due`, unless the foot has done something else since."""
        foot = self._feet.get(channel)
        if foot is None or foot.press_at != due:
            return
        foot.press_at, foot.down = None, True
        if (channel, midi.SUSTAIN) not in self._down:
            self._emit(midi.control(channel, midi.SUSTAIN, 127))

    def lift(self) -> None:
        """Lift what the partner holds down, or is about to press."""
        for channel, foot in self._feet.items():
            self._lift(channel, foot)

    def rest(self) -> None:
        """Press nothing that was about to be pressed."""
        for foot in self._feet.values():
            foot.press_at = None

    def _lift(self, channel: int, foot: _Foot) -> None:
        pedal = (channel, midi.SUSTAIN)
        if foot.down and pedal in self._down and pedal not in self._held:
            self._emit(midi.control(channel, midi.SUSTAIN, 0))
        foot.press_at, foot.down = None, False
