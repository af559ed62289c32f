"""How well a decoder obeys the named dimensions of the latent space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from antiphon_models import attributes
from antiphon_models.codec import HINTS, Cells, Code
from antiphon_models.contenders import to_rolls
from antiphon_models.idiom import Phrases
from antiphon_models.likeness import spearman
from antiphon_models.named import strike
from antiphon_models.rolls import FloatArray

if TYPE_CHECKING:
    import torch

    from antiphon_models.dic import DICConfig

ASKED: Final = np.linspace(-1.5, 1.5, 7, dtype=np.float32)
"""Values that are asked of a named dimension, in spreads from its mean."""


def turn_attributes(
    model: Any, config: DICConfig, phrases: Phrases, device: torch.device
) -> tuple[dict[str, float], dict[str, float], dict[str, FloatArray]]:
    """Ask for values of each named dimension, and measure what is decoded.

    Parameters
    ----------
    model, config
        The network; pitched hits are struck as :func:`antiphon_models.named.strike` does.
    phrases : Phrases
        Windows whose dimensions are turned, one at a time.
    device : torch.device
        Where the network is.

    Returns
    -------
    dict, dict, dict
        Name -> Spearman's correlation of asked and measured, within each window, averaged over
        the windows. The same where hits are wherever the decoder's probability is above its
        threshold. Name -> (windows, asked): what was measured, in spreads.
    """
    import torch

    position = torch.from_numpy(phrases.position).to(device)
    with torch.inference_mode():
        roll = torch.from_numpy(to_rolls(phrases)).to(device)
        hints = roll.new_zeros(*roll.shape[:2], HINTS)
        latent = model.encode(roll, position, hints)
        code = Code(latent.content.cpu().numpy(), latent.style.cpu().numpy())
    figures: dict[str, float] = {}
    alone: dict[str, float] = {}
    curves: dict[str, FloatArray] = {}
    for index, name in enumerate(attributes.NAMES):
        came, unaided = [], []
        for value in ASKED:
            style = code.style.copy()
            style[:, index] = value
            out = _decode(model, Code(code.content, style), phrases, device)
            hit = _above(out, config, phrases)
            unaided.append(_measure_hits(hit, out, phrases)[index])
            if config.kind == "pitched":
                asked = {name: config.means[index] + float(value) * config.scales[index]}
                hit = _struck(out, config, phrases, asked)
            came.append(_measure_hits(hit, out, phrases)[index])
        curve = np.stack(came, 1)  # (windows, asked)
        figures[name] = _obedience(curve)
        alone[name] = _obedience(np.stack(unaided, 1))
        curves[name] = (curve - config.means[index]) / config.scales[index]
    return figures, alone, curves


def _obedience(curve: FloatArray) -> float:
    return round(float(np.mean([spearman(ASKED, line) for line in curve])), 5)


def _decode(model: Any, code: Code, phrases: Phrases, device: torch.device) -> Cells:
    """Decode a latent, (windows, ...)."""
    import torch

    with torch.inference_mode():
        latent = (torch.from_numpy(part).to(device) for part in code)
        out = model.decode(*latent, torch.from_numpy(phrases.position).to(device))
    return Cells(*(part.cpu().numpy() for part in out))


def _above(out: Cells, config: DICConfig, phrases: Phrases) -> FloatArray:
    """Return the hits that a decoder means when left alone."""
    return ((out.hit > _level(config)) * phrases.valid[..., None]).astype(np.float32)


def _struck(
    out: Cells, config: DICConfig, phrases: Phrases, asked: Mapping[str, float]
) -> FloatArray:
    """Return the hits struck as it is asked for."""
    valid = phrases.valid > 0
    pairs = zip(out.hit, valid, strict=True)
    return np.stack([strike(logit, there, _level(config), asked) for logit, there in pairs])


def _level(config: DICConfig) -> float:
    return float(np.log(config.threshold / (1 - config.threshold)))


def _measure_hits(hit: FloatArray, out: Cells, phrases: Phrases) -> list[FloatArray]:
    """Return the named attributes of what was decoded."""
    return attributes.measure(hit, out.velocity, out.offset, phrases.beats)
