"""Time a step of Notochord and of Antiphon in one run: feed a note, draw the next.

python benchmarks/peer_notochord.py [--environment DIR] [--width W | --checkpoint NAME_OR_PATH]

Notochord (Victor Shepardson and others, https://pypi.org/project/notochord) is installed into an
environment of its own, by default in a temporary folder; on Linux its torch takes 7 GB there.
With --environment the folder is kept and used again. Notochord has its default size (GRU, two
layers of 1024, 17.7 million weights) and random weights, because its checkpoint is a download of
its own; that changes what it plays and not how long it takes. Both have one thread, and take
turns in short rounds, so that whatever else runs on the machine meets both.

One step of Notochord is one event. It tells a note's beginning and its end as two events, so a
note takes it two steps; one of Antiphon's steps is a whole note. The ratio is of steps.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.measure import SHIPPED_SIZE, measure_reference, measure_step, random_weights
from antiphon_models.rounding import round_weights
from antiphon_models.runtime import checkpoint_path, make_player, use_one_thread
from peer_environment import VERSION, install, variables

ROUND = 25  # steps in a row

# Runs in the other environment: a line with a number of steps comes in, their seconds go out.
PEER = """
import json, sys, time
import torch
from notochord.model import Notochord
torch.set_num_threads(1)
torch.manual_seed(0)
model = Notochord().eval()
model.reset()
weights = sum(p.numel() for p in model.parameters())
print(json.dumps({"weights": weights, "torch": torch.__version__}), flush=True)
for line in sys.stdin:
    seconds = []
    for _ in range(int(line)):
        began = time.perf_counter()
        event = model.query()
        model.feed(event["inst"], event["pitch"], event["time"], event["vel"])
        seconds.append(time.perf_counter() - began)
    model.reset()
    print(json.dumps(seconds), flush=True)
"""


class Peer:
    """Notochord in a process of its own."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [str(python), "-c", PEER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=variables(threads=1),
        )
        self.about: dict[str, Any] = self._answer()

    def measure(self, steps: int) -> list[float]:
        """Return the seconds of each step."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()
        found: list[float] = self._answer()
        return found

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("Notochord ended; what it said is above")
        return json.loads(line)


def row(name: str, seconds: list[float]) -> str:
    milliseconds = np.array(seconds) * 1e3
    cells = [f"{v:9.3f}" for v in np.percentile(milliseconds, (1, 10, 50, 99, 100))]
    return f"{name:<12}" + "".join(cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--environment", type=Path, help="folder of Notochord's environment; kept")
    parser.add_argument("--pip", nargs="*", default=[], help="more arguments for pip install")
    parser.add_argument("--checkpoint", default="player", help="Antiphon's (default: player)")
    parser.add_argument("--width", type=int, help="random weights of this width instead")
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()

    if args.width:
        config = {**SHIPPED_SIZE, "width": args.width}
        weights = random_weights(config)
    else:
        found = load_checkpoint(checkpoint_path(args.checkpoint), "player")
        config, weights = found.config, found.weights
    use_one_thread()
    player = make_player(config, round_weights(config, weights))

    with tempfile.TemporaryDirectory() as temporary:
        peer = Peer(install(args.environment or Path(temporary), args.pip))
        times: dict[str, list[float]] = {"Notochord": [], "Antiphon": [], "reference": []}
        peer.measure(ROUND)  # warm up, as measure_step does by itself
        for _ in range(args.rounds):
            times["Notochord"] += peer.measure(ROUND)
            times["Antiphon"] += measure_step(player, ROUND)
            times["reference"] += measure_reference(ROUND)
        peer.close()

    mine = sum(weight.size for weight in weights.values())
    print(
        f"Notochord {VERSION}: {peer.about['weights']:,} random weights, "
        f"torch {peer.about['torch']}, one thread\n"
        f"Antiphon: {mine:,} weights, width {config['width']}, "
        f"{player.info.arithmetic}, one thread\n"
        f"{args.rounds} rounds by turns of {ROUND} steps\n\n"
        f"milliseconds       p1      p10      p50      p99      max"
    )
    for name, seconds in times.items():
        print(row(name, seconds))
    for percent in (1, 10, 50, 99):
        theirs, ours = (np.percentile(times[n], percent) for n in ("Notochord", "Antiphon"))
        print(f"ratio at p{percent}: {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
