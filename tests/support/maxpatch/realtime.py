"""Runs a patch in real time, on real UDP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from maxpatch.clock import Clock
from maxpatch.network import Address, Receive, Udp

AWAKE: Final = 1.0
"""Milliseconds before what is due from which on it does not sleep: sleepers are woken late."""


class RealTime:
    """Moves a virtual clock along with the real one.

    Parameters
    ----------
    clock : Clock
    network : Udp

    Attributes
    ----------
    began : float
        The reading of :func:`time.perf_counter` at which the clock stood at 0.
    """

    def __init__(self, clock: Clock, network: Udp) -> None:
        self.clock, self.network = clock, network
        self.began = time.perf_counter() - clock.now / 1000

    def now(self) -> float:
        """Return the milliseconds that the clock should show."""
        return (time.perf_counter() - self.began) * 1000

    def step(self, until: float) -> None:
        """Do what is due; wait for a datagram or the next event, but not beyond `until`."""
        due = self.clock.next_due
        target = until if due is None else min(due, until)
        came: list[tuple[bytes, Address, Receive]] = []
        while not came and (wait := target - self.now()) > 0:
            came = self.network.wait(max(0.0, wait - AWAKE) / 1000)
        for data, source, receive in came or self.network.wait(0):
            self.clock.advance_to(self.now())
            receive(data, source)
        self.clock.advance_to(self.now())

    def run(self, milliseconds: float) -> None:
        """Let real time go by."""
        until = self.now() + milliseconds
        while self.now() < until:
            self.step(until)

    def until(self, condition: Callable[[], bool], milliseconds: float = 10_000) -> bool:
        """Run until a condition holds, or the time is over; return whether it does."""
        deadline = self.now() + milliseconds
        while not condition():
            if self.now() >= deadline:
                return False
            self.step(min(deadline, self.now() + 50))
        return True
