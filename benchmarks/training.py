"""Time the steps of training a player on this machine, in float32 and in bfloat16.

python benchmarks/training.py [--presets small base] [--threads N] [--steps N] [--device cpu]
"""

from __future__ import annotations

import argparse
import os
import time
from typing import Any

import torch

from antiphon_models.player import COLUMNS, Player, count_weights
from antiphon_models.precision import autocast
from antiphon_models.train_player import PRESETS


def notes_per_second(preset: dict[str, Any], device: torch.device, bf16: bool, steps: int) -> float:
    """Time forward, backward and AdamW, the first step left out."""
    streams, chunk = preset["streams"], preset["chunk"]
    player = Player(preset["config"]).to(device)
    optimiser = torch.optim.AdamW(player.parameters(), lr=1e-4)
    rows = torch.zeros(chunk + 1, streams, len(COLUMNS), dtype=torch.int64, device=device)
    began = 0.0
    for step in range(steps + 1):
        if step == 1:
            wait(device)
            began = time.perf_counter()
        with autocast(device, bf16):
            loss, _ = player.loss(rows[:-1], rows[1:], player.fresh_state(streams))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(player.parameters(), 1.0)
        optimiser.step()
    wait(device)
    return steps * streams * chunk / (time.perf_counter() - began)


def wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--presets", nargs="+", default=["small"], choices=tuple(PRESETS))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=3, help="steps to time (default: 3)")
    parser.add_argument("--device", default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    device = torch.device(args.device)
    print(f"torch {torch.__version__}, {device}, {args.threads} threads")
    for name in args.presets:
        weights = count_weights(Player(PRESETS[name]["config"]))
        for precision in ("fp32", "bf16"):
            try:
                rate = notes_per_second(PRESETS[name], device, precision == "bf16", args.steps)
                found = f"{rate:,.0f} notes/s"
            except RuntimeError as error:
                found = str(error).splitlines()[0]
            print(f"{name:<6} {weights:>11,} weights  {precision}  {found}", flush=True)


if __name__ == "__main__":
    main()
