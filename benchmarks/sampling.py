"""What is never drawn, and what that changes: cuts of rare pitches and onsets, and of quotations.

python benchmarks/sampling.py DATA [--pitch SHARE ...] [--shift SHARE ...] [--quote] [--seed N]

For each pair of shares (see `RARE_PITCH` and `RARE_SHIFT` in antiphon_models.sampling) a player
goes on with lines of every set of held-out music and once for long, as in `antiphon evaluate
player --report`, and a row tells how like music that was. With --quote nothing keeps it from
passages of its training music, with --loop nothing from going round and round, which at a low
--temperature of the long runs it is more prone to. DATA is a prepared data set; a row takes a
minute.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from unittest.mock import patch

import numpy as np

from antiphon.model import Controls
from antiphon_models import sampling
from antiphon_models.data.storage import open_dataset
from antiphon_models.evaluate_playing import FEWEST, continue_prompts
from antiphon_models.generation import stability
from antiphon_models.generation.compare import compare_set, find_copies
from antiphon_models.generation.continuations import run_on
from antiphon_models.generation.prompts import choose_prompts
from antiphon_models.generation.telling import JUDGES, tell_apart
from antiphon_models.motif import Motifs
from antiphon_models.passages import Passages
from antiphon_models.runtime import load_player

COLUMNS = ("pitch", "shift", "overlap", *JUDGES)
COLUMNS += ("copied p95", "longest", "pitch in", "rhythm in", "loops")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="folder made by antiphon prepare")
    parser.add_argument("--checkpoint", default="player")
    parser.add_argument("--pitch", type=float, nargs="+", default=[sampling.RARE_PITCH])
    parser.add_argument("--shift", type=float, nargs="+", default=[sampling.RARE_SHIFT])
    parser.add_argument("--quote", action="store_true", help="do not avoid known passages")
    parser.add_argument("--loop", action="store_true", help="do not break loops off")
    parser.add_argument("--temperature", type=float, default=1.0, help="of the long runs")
    parser.add_argument("--continuations", type=int, default=120, help="lines of each set, at most")
    parser.add_argument("--notes", type=int, default=10_000, help="notes of a long run")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    player = load_player(args.checkpoint, "cpu")
    if args.quote:
        player.avoid(Passages(np.zeros(0, np.uint8)))
    if args.loop:
        Motifs.closes_loop = lambda *_: False  # type: ignore[method-assign]
    controls = Controls(temperature=args.temperature)
    held_out = {style: list(p) for style, p in open_dataset(args.data, "validation").items()}
    chosen = {s: choose_prompts(p, args.continuations, args.seed) for s, p in held_out.items()}
    chosen = {style: prompts for style, prompts in chosen.items() if len(prompts) >= FEWEST}
    music = {style: stability.Music(held_out[style], args.notes) for style in chosen}
    library = [piece for p in open_dataset(args.data, "train").values() for piece in p]
    print("".join(f"{column:>11}" for column in COLUMNS))
    for pitch, shift in zip(args.pitch, args.shift, strict=True):
        with patch.multiple(sampling, RARE_PITCH=pitch, RARE_SHIFT=shift):
            made, inside, loops = {}, [], []
            for style, prompts in chosen.items():
                made[style] = continue_prompts(prompts, style, {"player": player}, args.seed)
                played = run_on(player, prompts[0], style, args.notes, args.seed, controls)
                if loop := stability.find_loops(stability.symbols(played)).longest:
                    loops.append(f"{style} {loop}")
                trace = stability.trace_entropy(played)
                bands = music[style].bands.items()
                inside.append([stability.inside(trace[name], band) for name, band in bands])
        areas = [compare_set(each)["overlap"]["player"]["mean"] for each in made.values()]
        told = tell_apart(made, args.seed)[1]
        copied = find_copies(made, library)[1]["player"]
        figures = (np.mean(areas), *(told[judge]["player"]["accuracy"] for judge in JUDGES))
        row = [f"{pitch:.3f}", f"{shift:.3f}", *(f"{figure:.4f}" for figure in figures)]
        row += [f"{copied['p95']:.0f}", f"{copied['longest']:.0f}"]
        row += [f"{share:.3f}" for share in np.mean(inside, 0)]
        print("".join(f"{cell:>11}" for cell in row), " ", ", ".join(loops), flush=True)


if __name__ == "__main__":
    main()
