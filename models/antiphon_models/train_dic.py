"""How the DIC is trained: its presets, batches, losses and validation."""

from __future__ import annotations

import argparse
import ast
import contextlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon_models import attributes
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.data.prepare import load_dataset
from antiphon_models.data.windows import WINDOW, Bars, Batch, make_batch, read_bars
from antiphon_models.dic import (
    DIC,
    HINTS,
    LONGEST,
    NAMED,
    Decoded,
    DenseDIC,
    DICConfig,
    Latent,
    make_dic,
)
from antiphon_models.parallel import Ranks
from antiphon_models.recipe import choose_preset
from antiphon_models.rolls import SLOTS, IntArray, Kind
from antiphon_models.run_folder import Figures
from antiphon_models.runtime import checkpoint_path
from antiphon_models.train_player import describe_data

PRESETS: Final = {
    "drums": {"config": DICConfig(), "batch": 64, "learning_rate": 1.5e-3},
    "pitched": {
        "config": DICConfig(kind="pitched", width=192, content=64, style=24),
        "batch": 32,
        "learning_rate": 1.5e-3,
    },
    "drums-dense": {
        "config": DICConfig(form="dense", width=256, style=64),
        "batch": 128,
        "learning_rate": 1.5e-3,
    },
    "pitched-dense": {
        "config": DICConfig(kind="pitched", form="dense", width=128, style=64),
        "batch": 128,
        "learning_rate": 1.5e-3,
    },
    "tiny-drums": {
        "config": DICConfig(width=16, blocks=1, content=4, style=8),
        "batch": 8,
        "learning_rate": 5e-3,
    },
    "tiny-pitched": {
        "config": DICConfig(kind="pitched", width=16, blocks=1, content=4, style=8),
        "batch": 8,
        "learning_rate": 5e-3,
    },
}

FLAT: Final = 0.5
"""Share of windows that are shown without velocities and microtiming."""

DROPPED: Final = 0.05
"""Share of the hits of flat drum windows that are not shown, so that the touch is learnt from
patterns at large and not by heart."""

TAPPED: Final = 0.15
"""Share of drum windows of which only the rhythm is shown."""

ALONE: Final = 0.4
"""Share of pitched windows of which one voice alone is taken."""

TRANSPOSE: Final = 6
"""Largest transposition in semitones, up or down."""

VALIDATION_WINDOWS: Final = 384
"""Windows of each set that are looked at during training."""

TOUCH_WINDOWS: Final = 1024
TOUCH_LEVELS: Final = 33
"""Training windows, and quantiles, of :attr:`antiphon_models.dic.DICConfig.touch`."""

ASKED: Final = (0.12, 0.36, 0.14, 0.12, 0.12, 0.14)
"""How often each named dimension is asked for another value, in the order of their names."""

CONTROL: Final[dict[Kind, tuple[float, float]]] = {"drums": (3.0, 2.0), "pitched": (1.5, 1.0)}
"""Weight of the decoder's obedience to the named dimensions, and how softly a hit answers to it:
of the many cells of a pitched roll only those that are in doubt may be moved."""

CONTROL_STEPS: Final = (500, 1500)
"""Steps between which that weight grows: who cannot yet repeat a phrase must not vary it."""

KL_WEIGHT: Final = 0.01
FREE_NATS: Final = 0.05


class DICRecipe:
    """The DIC's recipe for :class:`antiphon_models.loop.Loop`."""

    kind = "dic"
    weight_decay = 0.01
    warm_up = 100
    by_note = False
    trial = None
    tunes = False
    steps = 0

    def __init__(self, args: argparse.Namespace, device: torch.device, ranks: Ranks) -> None:
        preset = choose_preset(PRESETS, args.preset, "drums")
        self.device, self.ranks = device, ranks
        config: DICConfig = preset["config"]
        if args.dropout is not None:
            config = replace(config, dropout=args.dropout)
        pieces = load_dataset(args.data, "train")
        self._bars = read_bars(pieces, config.kind)
        self._data = describe_data(args.data, with_kind(pieces, self._bars))
        self._windows = self._bars.windows()
        if not len(self._windows):
            raise DataError(
                f"expected {config.kind} music of two bars and more in {args.data}",
                "found none",
                "put more music into it",
            )
        self._held_out = held_out(args.data, config.kind, self._data)
        self._random = np.random.default_rng(args.seed)
        self._config = replace(config, **self._measure())
        self._model: DIC | DenseDIC = make_dic(self._config, WINDOW)
        if args.init is not None:
            path = checkpoint_path(args.init)
            self._model, self._config = load_dic(path)
            require_form(path, self._config, config)
        self.model: nn.Module = self._model.to(device)
        self.learning_rate: float = args.lr or preset["learning_rate"]
        self._batch = whole_batch(args.batch or preset["batch"], ranks)
        self._mine = ranks.mine(self._batch)
        self._step = 0
        self._means = torch.tensor(self._config.means, device=device)
        self._scales = torch.tensor(self._config.scales, device=device)
        weights = sum(p.numel() for p in self.model.parameters())
        ranks.say(
            f"dic: {weights:,} weights, {len(self._windows):,} windows of {config.kind}, "
            f"{self._batch} a step on {device}"
        )

    def _measure(self) -> dict[str, Any]:
        """Return mean and spread of the named attributes in the training music."""
        some = self._random.choice(self._windows, min(2048, len(self._windows)), replace=False)
        batch = make_batch(self._bars, some)
        found = np.stack(measured(batch), -1)  # (windows, NAMED)
        scales = np.maximum(found.std(0), 1e-3)
        return {
            "means": tuple(np.round(found.mean(0), 5).tolist()),
            "scales": tuple(np.round(scales, 5).tolist()),
        }

    def loss(self) -> tuple[Tensor, int]:
        """Draw the next windows; return their loss and the notes in them."""
        batch = self._draw()
        shown, hints, target = self._show(batch)
        position = torch.from_numpy(batch.position).to(self.device)
        decoded, latent = self._model(shown, position, hints)
        self._step += 1
        loss = reconstruction(decoded, target, batch, self.device)
        if isinstance(self._model, DIC) and latent is not None:
            plain = hints[:, 0, -1] == 0  # a tapped rhythm does not tell what the drums are
            loss = loss + self._tie(latent, target, batch, plain)
            loss = loss + self._control(self._model, latent, position, batch)
        return loss, int(batch.roll[..., 0].sum())

    def _draw(self) -> Batch:
        """Draw this process's share of the windows: all draw alike, and each takes its own."""
        mine = self._mine
        first = self._random.choice(self._windows, self._batch)[mine]
        if self._config.kind == "drums":
            return make_batch(self._bars, first)
        shift = self._random.integers(-TRANSPOSE, TRANSPOSE + 1, self._batch)[mine]
        voices = self._random.integers(0, 3, self._batch)
        voices[self._random.random(self._batch) > ALONE] = -1
        return make_batch(self._bars, first, transpose=shift, voices=voices[mine])

    def _show(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the encoder is shown, the hints to it, and the whole roll."""
        target = torch.from_numpy(batch.roll).to(self.device)
        draw = self._random.random(self._batch)[self._mine]
        tapped = (draw < TAPPED) & (self._config.kind == "drums")
        flat = (draw >= TAPPED) & (draw < TAPPED + FLAT)
        roll, hints = show(target, torch.from_numpy(flat), torch.from_numpy(tapped))
        if self._config.kind == "drums":
            shown = self._random.random((int(flat.sum()), *roll.shape[1:4])) >= DROPPED
            roll[flat] *= torch.from_numpy(shown).to(self.device)[..., None]
        return roll, hints, target

    def _tie(self, latent: Latent, target: Tensor, batch: Batch, plain: Tensor) -> Tensor:
        """Tie the named dimensions to what is measured, and keep the latent space compact."""
        beats = torch.from_numpy(batch.beats).to(self.device)
        found = attributes.measure(target[..., 0], target[..., 1], target[..., 2], beats)
        truth = (torch.stack(found, -1) - self._means) / self._scales
        named = latent.style[:, :NAMED]
        tie = (functional.smooth_l1_loss(named, truth, reduction="none").sum(-1) * plain).mean()
        content = divergence(latent.content, latent.content_log_var)
        style = divergence(latent.style[:, NAMED:], latent.style_log_var[:, NAMED:])
        free = (content.sum((1, 2)) + style.sum(-1)).mean()
        return 0.5 * tie + KL_WEIGHT * free / 10

    def _control(self, model: DIC, latent: Latent, position: Tensor, batch: Batch) -> Tensor:
        """Ask the decoder for another value of one named dimension, and compare what comes.

        What comes is measured from hits, as a listener would: hard forwards, soft backwards.
        """
        count, mine = self._batch, self._mine
        which = torch.from_numpy(self._random.choice(NAMED, count, p=ASKED)[mine]).to(self.device)
        asked = torch.from_numpy(self._random.uniform(-2, 2, count)[mine].astype(np.float32))
        asked = asked.to(self.device)
        style = latent.style.detach().scatter(1, which[:, None], asked[:, None])
        out = model.decode(latent.content.detach(), style, position)
        valid = torch.from_numpy(batch.valid).to(self.device)[..., None]
        beats = torch.from_numpy(batch.beats).to(self.device)
        weight, softness = CONTROL[self._config.kind]
        soft = (out.hit / softness).sigmoid() * valid
        hard = (out.hit > 0) * valid
        hit = hard + soft - soft.detach()
        found = attributes.measure(hit, out.velocity, out.offset, beats)
        came = ((torch.stack(found, -1) - self._means) / self._scales).gather(1, which[:, None])
        apart = functional.smooth_l1_loss(came[:, 0], asked, reduction="none")
        counts = hard.sum((1, 2, 3)) > 1  # there is nothing to measure in silence
        first, last = CONTROL_STEPS
        weight *= min(max((self._step - first) / (last - first), 0.0), 1.0)
        return weight * (apart * counts).mean()

    @torch.inference_mode()
    def validate(self, model: nn.Module) -> Figures:
        """Measure reconstruction on held-out windows; the threshold is chosen on the way."""
        figures: Figures = {}
        outs, found = {}, {}
        for style, bars in self._held_out.items():
            windows = bars.windows(hop=2)
            if not len(windows):
                continue
            some = windows[np.linspace(0, len(windows) - 1, VALIDATION_WINDOWS).astype(int)]
            found[style] = np.unique(some)
            outs[style] = reconstruct(self._model, bars, found[style], self.device)
        levels = np.linspace(0.2, 0.7, 11)
        scores = [np.mean([f1(o, level) for o, _ in outs.values()]) for level in levels]
        level = float(levels[int(np.argmax(scores))])
        self._config = replace(self._config, threshold=round(level, 3), touch=self._touch())
        for style, (out, batch) in outs.items():
            figures[style, "hit_f1"] = f1(out, level)
            figures[style, "velocity_mae"] = 127 * _mae(out["velocity"], batch.roll[..., 1], batch)
            figures[style, "offset_mae"] = _mae(out["offset"], batch.roll[..., 2], batch)
            flat, _ = reconstruct(
                self._model, self._held_out[style], found[style], self.device, True
            )
            figures[style, "flat_offset_mae"] = _mae(flat["offset"], batch.roll[..., 2], batch)
        mean = {
            w: np.mean([v for (_, k), v in figures.items() if k == w])
            for w in ("hit_f1", "velocity_mae", "offset_mae")
        }
        score = (1 - mean["hit_f1"]) + mean["velocity_mae"] / 127 + mean["offset_mae"]
        figures["all", "score"] = float(score)
        return figures

    def _touch(self) -> tuple[tuple[float, ...], ...]:
        """Return the quantiles of velocities and offsets, decoded and played."""
        some = np.linspace(0, len(self._windows) - 1, TOUCH_WINDOWS).astype(int)
        windows = self._windows[np.unique(some)]
        out, batch = reconstruct(self._model, self._bars, windows, self.device, flat=True)
        hit = batch.roll[..., 0] > 0
        pairs = ((out["velocity"], batch.roll[..., 1]), (out["offset"], batch.roll[..., 2]))
        levels = np.linspace(0, 1, TOUCH_LEVELS)
        rows = [np.quantile(values[hit], levels) for pair in pairs for values in pair]
        return tuple(tuple(np.round(row.astype(np.float64), 4).tolist()) for row in rows)

    def config(self) -> dict[str, Any]:
        """Return the network's config as JSON values."""
        return {**self._config.to_dict(), "beats": WINDOW}

    def adopt(self, config: Mapping[str, Any]) -> None:
        """Take over the threshold and the touch that a validation chose."""
        found = DICConfig.from_dict(dict(config))
        self._config = replace(self._config, threshold=found.threshold, touch=found.touch)

    def same_run(self, config: Mapping[str, Any]) -> bool:
        """Whether a stored config is of this run; what is measured may differ."""
        measured_anew = {"threshold": 0, "touch": 0}
        return {**_listed(self.config()), **measured_anew} == {**_listed(config), **measured_anew}

    def info(self) -> dict[str, Any]:
        """Return what the checkpoint says about its data."""
        return {
            "data": self._data,
            "weights": sum(p.numel() for p in self.model.parameters()),
            "windows": len(self._windows),
        }

    def passages(self) -> None:
        """Return nothing: cells on a grid are not passages of notes."""

    def state(self) -> dict[str, Any]:
        """Return the state of the random numbers that choose windows, and the steps done."""
        return {"random": repr(self._random.bit_generator.state), "step": self._step}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._random.bit_generator.state = ast.literal_eval(state["random"])
        self._step = state["step"]


def whole_batch(batch: int, ranks: Ranks) -> int:
    """Return a batch of windows that all processes can share evenly.

    Raises
    ------
    UsageError
        If they cannot.
    """
    if batch % ranks.world:
        raise UsageError(
            f"expected a --batch that {ranks.world} processes can share",
            f"found {batch}",
            f"make it a multiple of {ranks.world}",
        )
    return batch


def show(target: Tensor, flat: Tensor, tapped: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the encoder is shown of rolls, and the hints that tell it so.

    Parameters
    ----------
    target : Tensor
        (windows, beats, SLOTS, rows, channels).
    flat, tapped : Tensor of bool
        (windows,): without velocities and offsets; as nothing but a rhythm.

    Returns
    -------
    roll, hints : Tensor
        As :meth:`DIC.encode` takes them.
    """
    roll = target.clone()
    roll[flat, ..., 1:3] = 0.0
    hints = target.new_zeros(*target.shape[:2], HINTS)
    hit, accent = target[..., 0].amax(-1), target[..., 1].amax(-1)  # (windows, beats, SLOTS)
    rhythm = torch.cat([hit, accent], -1)
    hints[..., : 2 * SLOTS] = rhythm * tapped[:, None, None]
    hints[flat, :, -2] = 1.0
    hints[tapped, :, -1] = 1.0
    roll[tapped] = 0.0
    return roll, hints


def reconstruction(decoded: Decoded, target: Tensor, batch: Batch, device: torch.device) -> Tensor:
    """Return the loss of a reconstruction: what it costs a window, over ten.

    Hits by cross entropy, velocities and offsets and durations by their absolute errors where
    there is a hit (offsets as the time that they are heard as), and the errors to expect by the
    likelihood of those made.
    """
    hit = target[..., 0]
    valid = torch.from_numpy(batch.valid).to(device)[..., None]
    hits = functional.binary_cross_entropy_with_logits(decoded.hit, hit, reduction="none")
    total = (hits * valid).sum((1, 2, 3))
    velocity = (decoded.velocity - target[..., 1]).abs()
    offset = (decoded.offset - target[..., 2]).abs()
    time = torch.from_numpy(120 / batch.bpm).to(device, target.dtype)[:, None, None, None]
    total = total + (hit * (6 * velocity + 6 * time * offset)).sum((1, 2, 3))
    if target.shape[-1] > 3:
        truth = torch.from_numpy(batch.duration).to(device)
        error = (decoded.duration - torch.log2(1 + truth) / LONGEST).abs()
        total = total + (hit * 2 * error).sum((1, 2, 3))
    errors = torch.stack([velocity, offset], -1).detach() * hit[..., None]
    count = hit.sum(-1)[..., None]  # (windows, beats, SLOTS, 1)
    spread = decoded.spread.clamp(-6.0, 1.0)
    likelihood = count * spread + errors.sum(3) * (-spread).exp()
    total = total + 0.1 * likelihood.sum((1, 2, 3))
    return total.mean() / 10


def divergence(mean: Tensor, log_var: Tensor) -> Tensor:
    """Return the KL divergence from a unit normal, in nats a dimension, the first ones free."""
    nats = 0.5 * (mean**2 + log_var.exp() - 1 - log_var)
    return nats.clamp_min(FREE_NATS)


def measured(batch: Batch) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """Return the named attributes of windows."""
    roll = batch.roll
    return attributes.measure(roll[..., 0], roll[..., 1], roll[..., 2], batch.beats)


@torch.inference_mode()
def reconstruct(
    model: DIC | DenseDIC, bars: Bars, windows: IntArray, device: torch.device, flat: bool = False
) -> tuple[dict[str, Any], Batch]:
    """Encode and decode windows.

    Returns
    -------
    dict, Batch
        ``hit`` (probabilities), ``truth``, ``velocity``, ``offset``, ``duration`` and
        ``spread`` as arrays, and the windows themselves.
    """
    model.eval()
    batch = make_batch(bars, windows)
    parts: dict[str, list[Any]] = {}
    for at in range(0, len(windows), 256):
        target = torch.from_numpy(batch.roll[at : at + 256]).to(device)
        position = torch.from_numpy(batch.position[at : at + 256]).to(device)
        every = torch.full((len(target),), flat)
        roll, hints = show(target, every, torch.zeros_like(every))
        decoded, _ = model(roll, position, hints)
        valid = torch.from_numpy(batch.valid[at : at + 256]).to(device)[..., None]
        found = {**decoded._asdict(), "hit": decoded.hit.sigmoid() * valid}
        for name, value in found.items():
            parts.setdefault(name, []).append(value.cpu().numpy())
    out = {name: np.concatenate(values) for name, values in parts.items()}
    return {**out, "truth": batch.roll[..., 0]}, batch


def f1(out: Mapping[str, Any], threshold: float) -> float:
    """Return the F1 of hits whose probability is above a threshold, over all windows."""
    guess = out["hit"] > threshold
    both = float((guess * out["truth"]).sum())
    return 2 * both / max(float(guess.sum() + out["truth"].sum()), 1.0)


def _listed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with lists for tuples, as JSON and stored runs have them."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in config.items()}


def _mae(guess: Any, truth: Any, batch: Batch) -> float:
    hit = batch.roll[..., 0]
    return float((np.abs(guess - truth) * hit).sum() / max(hit.sum(), 1))


def with_kind(pieces: Mapping[str, Any], bars: Bars) -> dict[str, Any]:
    """Return the sets that bars come from."""
    styles = {name.split("/", 1)[0] for name in bars.names}
    return {style: found for style, found in pieces.items() if style in styles}


def held_out(data: Path, kind: Kind, styles: Collection[str]) -> dict[str, Bars]:
    """Read the validation split of some sets, those that have notes of a kind.

    Raises
    ------
    DataError
        If there is none.
    """
    found = {}
    for style, pieces in load_dataset(data, "validation").items():
        if style in styles:
            with contextlib.suppress(DataError):
                found[style] = read_bars({style: pieces}, kind)
    if not any(len(bars.windows(hop=2)) for bars in found.values()):
        raise DataError(
            f"expected {kind} music with a beat in the validation split of {data}",
            "found none",
            "put more music into it",
        )
    return found


def require_form(path: Path, found: DICConfig, wanted: DICConfig) -> None:
    """Make sure that weights to start from are of the kind and the form that is trained.

    Raises
    ------
    CheckpointError
        If they are not.
    """
    if (found.kind, found.form) != (wanted.kind, wanted.form):
        raise CheckpointError(
            f"expected weights for {wanted.kind} of the form {wanted.form} in {path}",
            f"found some for {found.kind} of the form {found.form}",
            "choose another --init, or another --preset",
        )


def load_dic(path: Path) -> tuple[DIC | DenseDIC, DICConfig]:
    """Load a DIC's checkpoint into the network.

    Raises
    ------
    CheckpointError
        If it is missing, broken or not a DIC's.
    """
    found = load_checkpoint(path, "dic")
    try:
        config = DICConfig.from_dict(found.config)
        model = make_dic(config, int(found.config["beats"]))
        model.load_state_dict({name: torch.from_numpy(w) for name, w in found.weights.items()})
    except (RuntimeError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"expected a DIC's weights in {path}",
            "found others: " + str(error).split("\n")[-1].strip(),
            "copy or train it again",
        ) from error
    return model.eval(), config
