"""Time one step of the player (draw a note, feed it) on this computer.

python benchmarks/step.py [--checkpoint NAME_OR_PATH] [--notes N]
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from importlib.util import find_spec

import numpy as np
from threadpoolctl import threadpool_info

from antiphon.model import Player
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.measure import SHIPPED_SIZE, measure_step, random_weights
from antiphon_models.runtime import NumpyPlayer, checkpoint_path, use_one_thread


def report(name: str, player: Player, notes: int) -> None:
    for unit, clock in (("wall", time.perf_counter), ("cpu", time.thread_time)):
        step = np.sort(measure_step(player, notes, clock)) * 1e3
        p50, p99 = np.percentile(step, (50, 99))
        print(f"{name:<16} {unit:<4} p50 {p50:6.3f}   p99 {p99:6.3f}   max {step[-1]:6.3f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", help="a player (default: random weights, shipped size)")
    parser.add_argument("--notes", type=int, default=2000, help="steps to time (default: 2000)")
    args = parser.parse_args()

    config, weights = SHIPPED_SIZE, random_weights(SHIPPED_SIZE)
    if args.checkpoint:
        found = load_checkpoint(checkpoint_path(args.checkpoint), "player")
        config, weights = found.config, found.weights
    use_one_thread()

    size = sum(weight.size for weight in weights.values())
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, device cpu")
    print(f"Python {platform.python_version()}, numpy {np.__version__}")
    for library in threadpool_info():
        if library["user_api"] == "blas":
            print(
                f"BLAS {library['internal_api']} {library['version']} "
                f"({library.get('architecture', '?')}), {library['num_threads']} thread"
            )
    print(
        f"width {config['width']}, {config['layers']} layers, head width {config['head_width']}, "
        f"{size:,} weights; {args.notes} notes"
    )
    report("numpy", NumpyPlayer(config, weights), args.notes)
    if find_spec("torch") is not None:
        import torch

        from antiphon_models.runtime_torch import TorchPlayer

        torch.set_num_threads(1)
        report(f"torch {torch.__version__}", TorchPlayer(config, weights), args.notes)


if __name__ == "__main__":
    main()
