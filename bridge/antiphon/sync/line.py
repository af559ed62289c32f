"""A straight line through the ticks of an unsteady clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

WINDOWS: Final = (6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Numbers of ticks over which lines are tried."""

LEAST: Final = WINDOWS[0]
"""Ticks from which a tempo can be told; fewer are lined up at the tempo already known."""

_CURVED: Final = 48
"""Ticks from which a parabola is tried; over fewer it says nothing but noise."""

_PRIOR: Final = 1.2e-3
"""Spread (s) of tick times assumed until enough ticks have shown it."""

_LEAST: Final = 0.05e-3
"""Least spread (s) assumed, or rounding would look like a change of tempo."""

_AGREE: Final = 3.5
"""Half width of the intervals that must meet, in standard deviations."""


@dataclass(frozen=True, slots=True)
class Fit:
    """Tick `index` falls at `time`, and each next one `period` seconds later.

    `ticks` is the number of ticks it rests on; `spread` their standard deviation in seconds.
    """

    index: int
    time: float
    period: float
    ticks: int
    spread: float

    def index_at(self, time: float) -> float:
        """Return the place of a time among the ticks, with its fraction."""
        return self.index + (time - self.time) / self.period


class TickLine:
    """Least squares over as many of the last ticks as lie on one line.

    A long window averages jitter away and is slow to see a new tempo; a short one the other
    way round. Lines through windows of growing length are compared: each predicts the time of
    the last tick within an interval of a few standard deviations, and the longest window
    whose interval still meets those of all shorter ones is taken. (Source: the intersection
    of confidence intervals, Goldenshluger and Nemirovski 1997, Katkovnik 1999.)

    The same is done with parabolas, which follow a ritardando over a window where a line must
    stay short; of the two, the one with the smaller likely error is taken.
    """

    def __init__(self) -> None:
        self._ticks: deque[tuple[int, float]] = deque(maxlen=WINDOWS[-1])

    def __len__(self) -> int:
        return len(self._ticks)

    def clear(self) -> None:
        """Forget all ticks."""
        self._ticks.clear()

    def add(self, index: int, time: float) -> None:
        """Add the newest tick; its index must be above all others."""
        self._ticks.append((index, time))

    def fit(self, period: float) -> Fit:
        """Return the line at the newest tick; with fewer than `LEAST` ticks it has `period`."""
        last_index, last_time = self._ticks[-1]
        ticks = np.array(self._ticks)[::-1]  # (ticks, 2), newest first
        x, y = ticks[:, 0] - last_index, ticks[:, 1] - last_time
        if len(x) < LEAST:
            end = last_time + float(np.mean(y - x * period))
            return Fit(last_index, end, period, len(x), _PRIOR)
        spread = _spread(x, y)
        straight = _choose(x, y, spread, 1)
        curved = _choose(x, y, spread, 2) if len(x) >= _CURVED else straight
        best = min(straight, curved, key=lambda choice: choice.error)
        return Fit(last_index, last_time + best.end, best.slope, best.size, spread)


Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A polynomial at the newest tick: value, slope, ticks it rests on, its likely error."""

    end: float
    slope: float
    size: int
    error: float


def _choose(x: Array, y: Array, spread: float, degree: int) -> _Choice:
    """Fit polynomials to windows of growing length and take the longest that holds."""
    least = LEAST if degree == 1 else _CURVED
    sizes = np.array([n for n in WINDOWS if least <= n < len(x)] + [len(x)])
    scaled = x / WINDOWS[-1]  # keeps the equations well conditioned
    powers = scaled ** np.arange(2 * degree + 1)[:, None]  # (power, ticks)
    moments = np.cumsum(powers, axis=1)[:, sizes - 1]  # (power, windows)
    targets = np.cumsum(powers[: degree + 1] * y, axis=1)[:, sizes - 1]
    order = np.arange(degree + 1)
    inverse = np.linalg.inv(np.moveaxis(moments[order[:, None] + order], -1, 0))
    found = (inverse @ targets.T[:, :, None])[:, :, 0]  # (windows, coefficients)
    errors = spread * np.sqrt(inverse[:, 0, 0])
    low = np.maximum.accumulate(found[:, 0] - _AGREE * errors)
    high = np.minimum.accumulate(found[:, 0] + _AGREE * errors)
    apart = low > high
    at = int(np.argmax(apart)) - 1 if apart.any() else len(sizes) - 1
    slope = float(found[at, 1]) / WINDOWS[-1]
    return _Choice(float(found[at, 0]), slope, int(sizes[at]), float(errors[at]))


def _spread(x: Array, y: Array) -> float:
    """Estimate the ticks' jitter from second differences, which a changing tempo hardly moves."""
    steps = np.diff(x)
    second = np.diff(y, 2)[(steps[1:] == -1) & (steps[:-1] == -1)]
    # As if eight differences of the assumed spread had come first.
    sure = len(second) / (len(second) + 8.0)
    seen = 1.4826 * float(np.median(np.abs(second))) / 6**0.5 if len(second) else _PRIOR
    return max(_LEAST, sure * seen + (1 - sure) * _PRIOR)
