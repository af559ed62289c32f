"""Overlapped area and KL divergence of distances within a set and between two sets.

Source: Yang and Lerch 2020. Needs only numpy.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from antiphon_models.likeness import distances

Array = npt.NDArray[np.float64]

CELLS: Final = 2048
"""Cells that densities are computed in."""

TAIL: Final = 4.0
"""Bandwidths beyond the outermost values that belong to the densities."""

_FLOOR: Final = 1e-12


class Overlap(NamedTuple):
    """How alike two distributions are.

    `area`: of the overlap of their densities, 0 (nothing in common) to 1 (the same); `kl`: KL
    divergence of the first from the second in nats.
    """

    area: float
    kl: float


def compare_sets(real: Array, made: Array) -> Overlap:
    """Compare the distances within a real set with those from it to a made set.

    Parameters
    ----------
    real, made : ndarray
        (n, size), (m, size): one feature of each excerpt; two of the real ones at least.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if len(real) < 2 or not len(made):
        raise ValueError(f"expected two real excerpts and a made one, got {len(real)}, {len(made)}")
    within = distances(real, real)[np.triu_indices(len(real), 1)]
    return compare_values(within, distances(real, made).ravel())


def compare_values(a: npt.ArrayLike, b: npt.ArrayLike) -> Overlap:
    """Compare the densities of two lists of values, (n,) and (m,), estimated with a kernel.

    The kernel is Gaussian, its bandwidth by Scott's rule. Unlike in the authors' program the
    tails beyond the outermost values count, so that equal lists have an area of 1, and both
    densities are compared at the same places.
    """
    one, two = np.asarray(a, np.float64), np.asarray(b, np.float64)
    together = np.concatenate([one, two])
    whole = float(np.ptp(together))
    if whole <= CELLS * float(np.spacing(np.abs(together).max())):  # too near for any cell
        return Overlap(1.0, 0.0)
    widths = [max(_scott(values), 1e-3 * whole) for values in (one, two)]
    reach = TAIL * max(widths)
    low = min(one.min(), two.min()) - reach
    high = max(one.max(), two.max()) + reach
    p, q = (
        _density(v, w, low, high) for v, w in zip((one, two), widths, strict=True)
    )  # each sums to 1
    area = float(np.minimum(p, q).sum())
    kl = float((p * np.log(np.maximum(p, _FLOOR) / np.maximum(q, _FLOOR))).sum())
    return Overlap(min(area, 1.0), max(kl, 0.0))


def _scott(values: Array) -> float:
    return float(values.std(ddof=1)) * len(values) ** -0.2 if len(values) > 1 else 0.0


def _density(values: Array, width: float, low: float, high: float) -> Array:
    """Return the share of the smoothed values in each cell, (CELLS,)."""
    counts = np.histogram(values, CELLS, (low, high))[0] / len(values)
    cell = (high - low) / CELLS
    reach = int(np.ceil(TAIL * width / cell))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * cell / width) ** 2)
    smooth = np.convolve(counts, kernel / kernel.sum())[reach : reach + CELLS]
    return np.asarray(smooth / smooth.sum(), np.float64)
