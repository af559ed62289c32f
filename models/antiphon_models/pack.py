"""Store a player as it is played: eight bits a weight where that is what is played.

python -m antiphon_models.pack PLAYER OUT [--music DATA]

With the prepared data set that it was trained on, a player that does not know yet which passages
it is not to quote learns them (:mod:`antiphon_models.passages`); training does that by itself.

It plays the same notes as the one it is made of, and takes less room. Fine-tuning can begin from
either.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.errors import AntiphonError
from antiphon_models.checkpoint import Packed, load_checkpoint, save_checkpoint
from antiphon_models.data.storage import open_dataset
from antiphon_models.folding import Weights
from antiphon_models.network import check_weights
from antiphon_models.passages import learn_passages
from antiphon_models.rounding import round_weights, row_scales
from antiphon_models.runtime import checkpoint_path
from antiphon_models.sampling import FloatArray


def pack(config: Mapping[str, Any], weights: Weights) -> dict[str, FloatArray | Packed]:
    """Return the weights that are played, their matrices in eight bits.

    Parameters
    ----------
    config, weights : mapping
        As in a player's checkpoint.
    """
    packed: dict[str, FloatArray | Packed] = {**round_weights(config, weights)}
    for name, scales in row_scales(config, weights).items():
        numbers = np.rint(np.asarray(packed[name]) / scales[:, None])
        packed[name] = Packed(numbers.astype(np.int8), scales)
    return packed


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack a checkpoint; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("player", help="checkpoint: a name or a file")
    parser.add_argument("out", type=Path, help="file to write")
    parser.add_argument("--music", type=Path, help="prepared data set: learn its passages")
    args = parser.parse_args(arguments)
    try:
        found = load_checkpoint(checkpoint_path(args.player), "player")
        check_weights(found.config, found.weights, found.path.stem)
        weights = pack(found.config, found.weights)
        known = found.passages
        if args.music is not None:
            known = learn_passages(chain.from_iterable(open_dataset(args.music, "train").values()))
        save_checkpoint(args.out, "player", found.config, weights, found.info, known)
    except AntiphonError as error:
        print(error, file=sys.stderr)
        return 2
    sizes = [path.stat().st_size / 1e6 for path in (found.path, args.out)]
    print(f"{args.out}: {sizes[1]:.1f} MB, was {sizes[0]:.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
