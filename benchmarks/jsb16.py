"""The player's core with voice heads on the JSB chorales in sixteenths.

Prints the published figures beside ours, in nats a voice token: the mean over the four voices of
every frame, the first one too (it is predicted from nothing); padding does not count. The best
weights of a run are chosen on the validation split, and measured once on the test split. Training
pieces are transposed. A run that was stopped goes on where it was.

    python benchmarks/jsb16.py DATA [--minutes 12] [--core lstm]

DATA holds Jsb16thSeparated.json, of the data that came with Coconet (Huang et al. 2017).
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch

from antiphon.errors import AntiphonError
from antiphon_models.player import count_weights
from published.figures import show_jsb16
from published.recipe import FramesRecipe, add_training_arguments, measure, train_or_resume
from published.streams import ChunkStreams
from published.voice_baselines import voice_baselines
from published.voice_data import load_voices, make_voice_set, transpose
from published.voice_network import VoiceConfig, VoiceNetwork


def main() -> int:
    """Run the benchmark."""
    args = _arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    try:
        return run(args)
    except AntiphonError as error:
        print(f"jsb16: {error}", file=sys.stderr)
        return 2


def run(args: argparse.Namespace) -> int:
    """Train and print the table; return the exit status."""
    voices = load_voices(args.data)
    data = make_voice_set(voices)
    config = VoiceConfig(
        data.pitches, args.width, args.layers, args.head_width, args.dropout, args.core, args.echo
    )
    torch.manual_seed(args.seed)
    network = VoiceNetwork(config)
    streams = ChunkStreams(
        data.rows["train"],
        args.streams,
        args.chunk,
        args.seed,
        lambda rows, random: transpose(rows, data.ranges, random),
    )
    recipe = FramesRecipe(network, streams, data.rows["validation"], args)
    echo = "" if args.echo else "-no-echo"
    tag = f"jsb16-{args.core}-{args.layers}x{args.width}-{args.head_width}{echo}"
    tag += f"-drop{args.dropout}-seed{args.seed}"
    print(f"{tag}: {count_weights(network):,} weights, {config}", flush=True)
    began = time.monotonic(), time.process_time()
    if status := train_or_resume(recipe, args, args.out / tag):
        return status
    wall, cpu = (time.monotonic() - began[0]) / 60, (time.process_time() - began[1]) / 60
    test, validation = (measure(network, data.rows[split]) for split in ("test", "validation"))
    show_jsb16(
        {
            **voice_baselines(voices),
            f"this: {tag}": (
                sum(every for every, _ in test.values()),
                sum(later for _, later in test.values()),
                sum(every for every, _ in validation.values()),
            ),
        }
    )
    each = ", ".join(f"{voice} {4 * every:.3f}" for voice, (every, _) in test.items())
    print(f"  nats a token of each voice on test: {each}")
    print(
        f"  {count_weights(network):,} weights, trained {wall:.1f} minutes, CPU {cpu:.1f}",
        flush=True,
    )
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("data", type=Path, metavar="DATA", help="folder of the file, or of jsb/")
    add("--width", type=int, default=256, help="width of the core (default: 256)")
    add("--head-width", type=int, default=128, help="width of each head (default: 128)")
    add("--dropout", type=float, default=0.3, help="variational dropout (default: 0.3)")
    add("--streams", type=int, default=16, help="pieces at once (default: 16)")
    add("--chunk", type=int, default=64, help="frames of each piece a step (default: 64)")
    add("--lr", type=float, default=3e-3, help="highest learning rate (default: 3e-3)")
    add_training_arguments(parser, minutes=12.0)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
