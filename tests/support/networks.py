"""Small networks that know nothing: their weights are random, their promises must hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from antiphon_models.checkpoint import save_checkpoint
from antiphon_models.codec import Codec
from antiphon_models.dic import DIC, DICConfig
from antiphon_models.editor import Editor
from antiphon_models.gan import GAN, GANConfig
from antiphon_models.rolls import Kind
from antiphon_models.variation import NetworkVarier


def _stir(model: torch.nn.Module, seed: int) -> None:
    """Give every weight a random part, those too that start at 0."""
    chance = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=chance))


def dic_config(kind: Kind, **more: Any) -> DICConfig:
    """Return the size of a tiny DIC."""
    touch = ((0.0, 0.5, 1.0), (0.1, 0.5, 0.9), (-0.5, 0.0, 0.5), (-0.4, 0.0, 0.4))
    return DICConfig(
        **{"kind": kind, "width": 12, "content": 5, "style": 8, "touch": touch, **more}
    )


def make_dic(kind: Kind, seed: int = 0) -> DIC:
    """Make a tiny DIC."""
    torch.manual_seed(seed)
    model = DIC(dic_config(kind)).eval()
    _stir(model, seed)
    return model


def make_gan(kind: Kind, seed: int = 0, **more: Any) -> GAN:
    """Make a tiny GAN."""
    torch.manual_seed(seed)
    config = GANConfig(**{"dic": dic_config(kind), "width": 12, "noise": 3, **more})
    model = GAN(config).eval()
    _stir(model, seed)
    return model


def weights_of(model: torch.nn.Module) -> dict[str, Any]:
    """Return the weights of a network as arrays."""
    return {name: weight.detach().numpy() for name, weight in model.state_dict().items()}


def to_codec(model: DIC) -> Codec:
    """Return the codec of a DIC."""
    return Codec(model.config.to_dict(), weights_of(model))


def to_editor(model: GAN) -> Editor:
    """Return the editor of a GAN."""
    name = f"tiny-{model.config.dic.kind}"
    return Editor(model.config.to_dict(), weights_of(model), name)


def make_varier(*kinds: Kind, seed: int = 0) -> NetworkVarier:
    """Return a varier with networks of some kinds, drums and pitched if none is named."""
    wanted: tuple[Kind, ...] = kinds or ("drums", "pitched")
    return NetworkVarier([to_editor(make_gan(kind, seed)) for kind in wanted])


def save_network(path: Path, model: DIC | GAN) -> Path:
    """Write the checkpoint of a network."""
    config: dict[str, Any] = model.config.to_dict()
    if isinstance(model, DIC):
        config = {**config, "beats": 8}
    save_checkpoint(path, "dic" if isinstance(model, DIC) else "gan", config, weights_of(model), {})
    return path


def random_rolls(
    kind: Kind, windows: int, seed: int, beats: int = 8
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return rolls and durations (as the DIC's) of random windows of 4/4."""
    random = np.random.default_rng(seed)
    rows = 9 if kind == "drums" else 88
    shape = (windows, beats, 4, rows)
    hit = random.random(shape) < (0.2 if kind == "drums" else 0.02)
    velocity, offset = random.random(shape), random.uniform(-0.5, 0.5, shape)
    parts = [hit, velocity * hit, offset * hit]
    if kind == "pitched":
        parts.append((random.random(shape) < 0.05) & ~hit)
    duration = random.random(shape) * hit
    return np.stack(parts, -1).astype(np.float32), duration.astype(np.float32)
