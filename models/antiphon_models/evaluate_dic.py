"""Evaluates a DIC: reconstruction, humanising, named dimensions, and the dense form beside it.

Importable without torch; it is loaded when evaluation starts.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from antiphon.errors import CheckpointError
from antiphon_models.checkpoint import load_checkpoint, read_header
from antiphon_models.codec import LONGEST, Codec, load_codec
from antiphon_models.contenders import CHUNK, read_phrases
from antiphon_models.data.windows import Bars, Batch, make_batch
from antiphon_models.evaluation_data import Evaluated, Examples, Say, choose_windows, cut_sets
from antiphon_models.likeness import histogram_kl
from antiphon_models.obedience import turn_attributes
from antiphon_models.rolls import SIXTEENTH, FloatArray, IntArray

if TYPE_CHECKING:
    import torch

    from antiphon_models.dic import DIC, DenseDIC, DICConfig

ATTRIBUTE_WINDOWS: Final = 256
"""Windows of a set whose named dimensions are turned."""

VELOCITY_EDGES: Final = np.linspace(0, 128, 33)
"""Bins of velocities: 32 of four units."""

TIMING_EDGES: Final = np.linspace(-0.5, 0.5, 41)
"""Bins of offsets: 40 of a fortieth of a sixteenth."""


def evaluate_dic(
    args: argparse.Namespace, checkpoint: Path, found: Evaluated, say: Say
) -> tuple[dict[str, Any], Examples]:
    """Measure a DIC, and the dense one beside it, on every set that has its kind of music.

    Parameters
    ----------
    args : argparse.Namespace
        Of the command.
    checkpoint : Path
        The DIC's file.
    found : Evaluated
        What it is measured on.
    say : callable
        Told what is left out, and how far it is.
    """
    from antiphon_models.train import choose_device
    from antiphon_models.train_dic import load_dic

    device = choose_device(args.device)
    model, config = load_dic(checkpoint)
    model.to(device)
    codec = load_codec(load_checkpoint(checkpoint, "dic")) if config.form == "conv" else None
    sets = cut_sets(found, config.kind, say)
    baseline = None if args.no_baselines else _choose_baseline(args.baseline, config.kind, say)
    result: dict[str, Any] = {
        "kind": "dic",
        "music": config.kind,
        "checkpoint": str(checkpoint),
        "baseline_checkpoint": None if baseline is None else str(baseline),
        "device": str(device),
        "data": str(args.data),
        "sets": {},
    }
    if found.refused:
        result["refused_files"] = found.refused
    dense = None if baseline is None else load_dic(baseline)
    examples: Examples = {}
    for name, bars in sets.items():
        windows = choose_windows(bars, args.windows, args.seed)
        figures = {
            "split": found.splits[name],
            "windows": len(windows),
            **_measure(model, config, codec, bars, windows, device, args.seed, examples, name),
        }
        if dense is not None:
            dense[0].to(device)
            figures["baseline"] = reconstruct_figures(*dense, bars, windows, device)[0]
        result["sets"][name] = figures
        say(f"dic: {name}, {len(windows):,} windows")
    return result, examples


def _choose_baseline(wanted: str | None, kind: str, say: Say) -> Path | None:
    """Return the checkpoint of the dense DIC; None, and a word about it, if there is none."""
    from antiphon_models.evaluate import choose_checkpoint

    try:
        path = choose_checkpoint(wanted or f"dic-{kind}-dense", "dic")
    except CheckpointError:
        if wanted is not None:
            raise
        say(
            f"baseline: no checkpoint dic-{kind}-dense, left out; train one with 'antiphon train "
            f"dic --preset {kind}-dense' and name it with --baseline"
        )
        return None
    found = read_header(path, "dic").config.get("kind")
    if found != kind:
        raise CheckpointError(
            f"expected a DIC for {kind} in {path}", f"found one for {found}", "choose another"
        )
    return path


def _measure(
    model: DIC | DenseDIC,
    config: DICConfig,
    codec: Codec | None,
    bars: Bars,
    windows: IntArray,
    device: torch.device,
    seed: int,
    examples: Examples,
    name: str,
) -> dict[str, Any]:
    """Return the figures of one set, and keep examples of it."""
    figures, out, batch = reconstruct_figures(model, config, bars, windows, device)
    kept: dict[str, Any] = {"truth": batch.roll[:3, ..., 0], "hit": out["hit"][:3]}
    examples[name] = kept
    if codec is None:
        return figures
    some = windows[np.linspace(0, len(windows) - 1, ATTRIBUTE_WINDOWS).astype(int)]
    phrases = read_phrases(bars, np.unique(some))
    struck, alone, kept["attributes"] = turn_attributes(model, config, phrases, device)
    figures |= {"attributes": struck, "attributes_alone": alone}
    straight = windows[bars.length[windows] == 4]
    if config.kind == "drums" and len(straight):
        figures["humanise"], kept["humanise"] = humanise_figures(
            codec, make_batch(bars, straight), seed
        )
    return figures


def reconstruct_figures(
    model: DIC | DenseDIC,
    config: DICConfig,
    bars: Bars,
    windows: IntArray,
    device: torch.device,
) -> tuple[dict[str, Any], Mapping[str, Any], Batch]:
    """Encode and decode windows, and say how much came back.

    ``hit_f1`` is over all hits of all windows (a hit is a drum, or a pitch, at a step), and
    ``onset_f1`` the same number. Errors are means over the true hits: velocity in MIDI units,
    timing in milliseconds at each window's tempo, duration in sixteenths.
    """
    from antiphon_models.train_dic import f1, reconstruct

    model.to(device)
    out, batch = reconstruct(model, bars, windows, device)
    score = f1(out, config.threshold)
    figures = {
        "hit_f1": _round(score),
        "onset_f1": _round(score),
        "velocity_mae": _round(127 * mean_error(out["velocity"], batch.roll[..., 1], batch)),
        "timing_mae_ms": _round(timing_error(out["offset"], batch)),
    }
    if config.kind == "pitched":
        long = np.exp2(np.clip(out["duration"], 0, 1) * LONGEST) - 1
        figures["duration_mae"] = _round(mean_error(long, batch.duration, batch))
    return figures, out, batch


def mean_error(guess: FloatArray, truth: FloatArray, batch: Batch) -> float:
    """Return the mean absolute error over the true hits."""
    hit = batch.roll[..., 0] > 0
    return float(np.abs(guess - truth)[hit].mean()) if hit.any() else 0.0


def timing_error(offset: FloatArray, batch: Batch) -> float:
    """Return the mean absolute error of offsets over the true hits, in milliseconds."""
    ms = SIXTEENTH * 60_000 / batch.bpm[:, None, None, None]
    return mean_error(offset * ms, batch.roll[..., 2] * ms, batch)


def humanise_figures(
    codec: Codec, batch: Batch, seed: int
) -> tuple[dict[str, float], dict[str, FloatArray]]:
    """Let the network play flat windows as a player would, and compare that with what was played.

    It is :meth:`antiphon_models.codec.Codec.humanise`, as users have it. Divergences are of the
    distribution over all real hits from that over all humanised ones, in nats, smoothed by one
    count a bin (bins as in VELOCITY_EDGES, TIMING_EDGES).

    Returns
    -------
    dict, dict
        Figures, and the series ``real_`` and ``made_velocity`` and ``_offset``, (hits,) each.
    """
    random = np.random.default_rng(seed)
    parts = []
    for at in range(0, len(batch.roll), CHUNK):
        some = slice(at, at + CHUNK)
        parts.append(codec.humanise(batch.roll[some], batch.position[some], random))
    velocity, offset = (np.concatenate(part) for part in zip(*parts, strict=True))
    hit = batch.roll[..., 0] > 0
    real = {"velocity": 127 * batch.roll[..., 1][hit], "offset": batch.roll[..., 2][hit]}
    made = {"velocity": 127 * velocity[hit], "offset": offset[hit]}
    figures = {
        "windows": len(batch.roll),
        "timing_mae_ms": _round(timing_error(offset, batch)),
        "timing_kl": _round(histogram_kl(real["offset"], made["offset"], TIMING_EDGES)),
        "velocity_mae": _round(float(np.abs(real["velocity"] - made["velocity"]).mean())),
        "velocity_kl": _round(histogram_kl(real["velocity"], made["velocity"], VELOCITY_EDGES)),
    }
    series = {f"real_{name}": values for name, values in real.items()}
    return figures, {**series, **{f"made_{name}": values for name, values in made.items()}}


def _round(value: float) -> float:
    return round(value, 5)
