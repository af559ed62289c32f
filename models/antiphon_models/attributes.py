"""The named dimensions of the latent space: what a musician would say of a phrase.

Each is measured from a roll, be it of hits or of their probabilities, in the same words for
numpy arrays and torch tensors, so that a network can be taught to obey them.
"""

from __future__ import annotations

from typing import Any, Final

from antiphon_models.rolls import SLOTS

NAMES: Final = ("density", "syncopation", "register", "velocity", "swing", "polyphony")
"""Named dimensions in the order in which the latent space has them."""


def _some(count: Any) -> Any:
    """Return a count to divide by: where there is nothing, one, so that slopes stay gentle."""
    return count + (count < 0.5)


def measure(hit: Any, velocity: Any, offset: Any, beats: Any) -> list[Any]:
    """Measure the named attributes of rolls.

    Parameters
    ----------
    hit, velocity, offset : ndarray or Tensor
        (windows, beats, SLOTS, rows): hits or their probabilities 0..1; velocity 0..1 and
        offset in sixteenths of each cell.
    beats : ndarray or Tensor
        (windows,): beats that each window has.

    Returns
    -------
    list
        Of (windows,), in the order of NAMES:

        density
            hits a beat;
        syncopation
            share of hits off the eighths (and, for half, off the beats) after which the same
            drum or pitch is silent on the next stronger slot (Longuet-Higgins and Lee 1984,
            for each instrument alone as in Witek et al. 2014, with two levels of metre);
        register
            mean row of the hits;
        velocity
            mean velocity of the hits, 0..1;
        swing
            how much later, in sixteenths, the second and fourth slots are played than the
            first and third;
        polyphony
            hits at an onset.
    """
    count = hit.sum((1, 2, 3))
    total = _some(count)
    onset = 1 - (1 - hit).prod(-1)  # (windows, beats, SLOTS)
    onsets = _some(onset.sum((1, 2)))
    flat = hit.reshape(len(hit), -1, hit.shape[-1])  # (windows, slots, rows)
    weak = flat[:, 1:-1:2] * (1 - flat[:, 2::2])
    middle = flat[:, 2:-2:4] * (1 - flat[:, 4::4])
    syncopation = (weak.sum((1, 2)) + 0.5 * middle.sum((1, 2))) / total
    row = 0 * hit[0, 0, 0] + 1
    row = row.cumsum(-1) - 1  # (rows,), whatever library it is of
    register = (hit * row).sum((1, 2, 3)) / total
    strong, off = hit[:, :, 0::2], hit[:, :, 1::2]
    late = (off * offset[:, :, 1::2]).sum((1, 2, 3)) / _some(off.sum((1, 2, 3)))
    early = (strong * offset[:, :, 0::2]).sum((1, 2, 3)) / _some(strong.sum((1, 2, 3)))
    loud = (hit * velocity).sum((1, 2, 3)) / total
    return [count / beats, syncopation, register, loud, late - early, total / onsets]


assert SLOTS == 4  # the slices above count on it
