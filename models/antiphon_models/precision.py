"""Whether a network is trained in bfloat16: where that is faster on this machine, by a trial.

Weights, their averages and the optimiser stay in float32; bfloat16 is what autocast computes
forward and backward passes in. CPUs with AVX-512 BF16 or AMX have instructions for it; others run
it slowly, and an LSTM not at all.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor

from antiphon.errors import UsageError

NAMES: Final = ("auto", "fp32", "bf16")

FASTER: Final = 1.1
"""How many times as fast bfloat16 must be to be chosen."""

Trial = Callable[[], Tensor]
"""Computes a loss of the network's usual shape, without touching what training goes on from."""


def autocast(device: torch.device, bf16: bool) -> torch.autocast:
    """Return the context to compute a loss in."""
    return torch.autocast(device.type, torch.bfloat16, enabled=bf16)


def choose_bf16(wanted: str, trial: Trial | None, device: torch.device) -> tuple[bool, str]:
    """Decide whether to train in bfloat16.

    Parameters
    ----------
    wanted : str
        One of NAMES; "auto" compares both, on CPUs and CUDA.
    trial : callable or None
        What to time; None for a network that is trained in float32 only.
    device : torch.device
        Where it runs.

    Returns
    -------
    bool, str
        The decision, and the reason in a few words.

    Raises
    ------
    UsageError
        If bfloat16 is wanted and cannot be had.
    """
    if wanted == "fp32" or (wanted == "auto" and (trial is None or device.type == "mps")):
        return False, "fp32"
    if trial is None:
        raise UsageError(
            "expected a network that trains in bf16",
            "found one in fp32 only",
            "use --precision fp32",
        )
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        try:
            fast = _seconds(trial, device, bf16=True)
        except RuntimeError as error:
            if wanted == "bf16":
                raise UsageError(
                    "expected a processor that trains in bf16",
                    f"found one that does not ({str(error).splitlines()[0]})",
                    "use --precision auto",
                ) from error
            return False, "fp32, no bf16 here"
        if wanted == "bf16":
            return True, "bf16"
        gain = _seconds(trial, device, bf16=False) / max(fast, 1e-9)
    return gain >= FASTER, f"{'bf16' if gain >= FASTER else 'fp32'}, bf16 is {gain:.1f} x as fast"


def _seconds(trial: Trial, device: torch.device, bf16: bool) -> float:
    """Time forward and backward, the best of two after one to warm up."""
    found = []
    for _ in range(3):
        began = time.perf_counter()
        with autocast(device, bf16):
            loss = trial()
        loss.backward()  # type: ignore[no-untyped-call]
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        found.append(time.perf_counter() - began)
    return min(found[1:])
