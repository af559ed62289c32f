"""Time one step of the player (draw a note, feed it) on this computer.

python benchmarks/step.py [--checkpoint NAME_OR_PATH | --width W --layers N] [--notes N] [--torch]

Also timed: a step with something asked of the network (guidance), and with a partner who pedals.
What computes takes turns, so that a machine that others use too is the same for all. Wall time
counts what other programs take, CPU time does not. The reference is a 2048 x 1024 float32
matrix-vector product of numpy; a machine of two quiet cores of an AMD EPYC took 0.17 ms for it.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import defaultdict

import numpy as np
from threadpoolctl import threadpool_info

from antiphon.model import Controls, Player
from antiphon.music import Voice
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.kernel import load_kernel
from antiphon_models.measure import (
    SHIPPED_SIZE,
    measure_memory,
    measure_reference,
    measure_step,
    random_weights,
)
from antiphon_models.network_kernel import fits_kernel
from antiphon_models.pedal import PREFIX
from antiphon_models.rounding import round_weights
from antiphon_models.runtime import KernelPlayer, NumpyPlayer, checkpoint_path, use_one_thread

ROUND = 100  # steps in a row
CLOCKS = {"wall": time.perf_counter, "cpu": time.thread_time}


def row(name: str, kind: str, seconds: list[float]) -> str:
    milliseconds = np.array(seconds) * 1e3
    cells = [f"{v:8.3f}" for v in np.percentile(milliseconds, (1, 10, 50, 99, 100))]
    return f"{name:<18} {kind:<5}" + "".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--checkpoint", help="a player (default: random weights)")
    parser.add_argument("--width", type=int, default=SHIPPED_SIZE["width"])
    parser.add_argument("--layers", type=int, default=SHIPPED_SIZE["layers"])
    parser.add_argument("--notes", type=int, default=2000, help="steps to time (default: 2000)")
    parser.add_argument("--torch", action="store_true", help="time torch on the CPU too")
    args = parser.parse_args()

    if args.checkpoint:
        found = load_checkpoint(checkpoint_path(args.checkpoint), "player")
        config, weights = found.config, found.weights
    else:
        config = {**SHIPPED_SIZE, "width": args.width, "layers": args.layers}
        weights = random_weights(config)
    weights = round_weights(config, weights)
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
        f"{size:,} weights; {args.notes} notes by turns of {ROUND}"
    )
    players: dict[str, Player] = {"numpy": NumpyPlayer(config, weights)}
    kernel = load_kernel()
    if kernel is None or not fits_kernel(config):
        print("no compiled kernel for this machine, or for this width")
    else:
        players["kernel"] = KernelPlayer(kernel, config, weights)
    if args.torch:
        import torch

        from antiphon_models.runtime_torch import TorchPlayer

        torch.set_num_threads(1)
        players[f"torch {torch.__version__}"] = TorchPlayer(config, weights)

    asking = {"": Controls()}
    if config.get("conditions"):
        asking[", asked"] = Controls(density=0.8, polyphony=3)
    if any(name.startswith(PREFIX) for name in weights):
        asking[", pedals"] = Controls(pedal=True, voices=(Voice.KEYS,))

    times: dict[tuple[str, str], list[float]] = defaultdict(list)
    for _ in range(max(args.notes // ROUND, 1)):
        for kind, clock in CLOCKS.items():
            for name, player in players.items():
                for how, controls in asking.items():
                    times[name + how, kind] += measure_step(player, ROUND, clock, controls)
            times["reference", kind] += measure_reference(ROUND // 5, clock)
    for name, player in players.items():
        times[f"{name}: snapshot", "wall"], times[f"{name}: restore", "wall"] = measure_memory(
            player, args.notes // 4
        )
    print(f"\n{'milliseconds':<24}      p1     p10     p50     p99     max")
    for (name, kind), seconds in sorted(times.items()):
        print(row(name, kind, seconds))


if __name__ == "__main__":
    main()
