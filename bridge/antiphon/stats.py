"""Timings and counters of a running daemon, gathered from the worker and the port process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from antiphon.commands import Stats

KEPT: Final = 2048
"""Latest notes whose lateness counts."""


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` (0..1) of `values` do not exceed; 0 when there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summary(values: Iterable[float]) -> dict[str, float]:
    """Return p50, p99 and max of times in seconds, in milliseconds."""
    ordered = sorted(values)
    return {
        "p50": round(percentile(ordered, 0.5) * 1e3, 4),
        "p99": round(percentile(ordered, 0.99) * 1e3, 4),
        "max": round((ordered[-1] if ordered else 0.0) * 1e3, 4),
    }


class StatsKeeper:
    """Counts from any thread, sums up on one.

    Parameters
    ----------
    steps : callable
        Returns the seconds that the latest steps of the network took.
    refused : callable
        Returns how many messages were refused so far.
    """

    def __init__(
        self, steps: Callable[[], list[float]], refused: Callable[[], int] = lambda: 0
    ) -> None:
        self._steps, self._refused = steps, refused
        self._lateness: deque[float] = deque(maxlen=KEPT)
        self._lock = threading.Lock()
        self._late = self._dropped = 0

    def sounded(self, lateness: float) -> None:
        """A note went out this many seconds after its time."""
        self._lateness.append(lateness)

    def dropped(self, late: bool) -> None:
        """A note was dropped whole, because it was late or its key was taken."""
        with self._lock:
            self._dropped += 1
            self._late += late

    def stats(self) -> Stats:
        """Sum up."""
        steps, lateness = summary(self._steps()), summary(list(self._lateness))
        return Stats(
            step_ms_p50=steps["p50"],
            step_ms_p99=steps["p99"],
            late_ms_p99=lateness["p99"],
            late_notes=self._late,
            dropped=self._dropped,
            refused=self._refused(),
        )
