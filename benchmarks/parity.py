"""Compare the network that is played with the one that was trained, on a prepared data set.

python benchmarks/parity.py DATA [--checkpoint NAME_OR_PATH] [--notes N]

The first notes of the first pieces of every set's validation split are read three times: with
the weights of the checkpoint and numpy, with the rounded weights and numpy, with the rounded
weights and the compiled kernel. Nats are those of a note, all five fields together.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.data.storage import open_dataset
from antiphon_models.data.stream import piece_rows
from antiphon_models.events import COLUMN, FIELDS
from antiphon_models.kernel import load_kernel
from antiphon_models.motif import TRUSTS
from antiphon_models.network import INPUTS, NumpyNetwork
from antiphon_models.network_kernel import KernelNetwork
from antiphon_models.rounding import round_weights
from antiphon_models.runtime import EXPECTED, checkpoint_path, use_one_thread

PIECES = 4


def read(network: Any, rows: Any) -> tuple[Any, list[float]]:
    """Return the logits of all notes, in one row, and the nats of each note."""
    logits, nats = [], []
    for row, following in zip(rows[:-1].tolist(), rows[1:].tolist(), strict=True):
        if row[COLUMN["begin"]]:
            network.clear()
            network.read(None)
        else:
            network.read(row[: len(INPUTS)])
        if following[COLUMN["begin"]]:
            continue
        known = {j: following[COLUMN[j]] for j in (*FIELDS, "beat_phase", "bar_phase", *EXPECTED)}
        total, trust = 0.0, known["trust"]
        for index, field in enumerate(FIELDS):
            as_expected = all(known[j] == known[f"motif_{j}"] for j in FIELDS[:index])
            known["trust"] = trust + TRUSTS * as_expected
            scores = network.score(field, known).astype(np.float64)
            logits.append(scores)
            total += float(np.logaddexp.reduce(scores) - scores[known[field]])
        nats.append(total)
    return np.concatenate(logits), nats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path, help="folder made by antiphon prepare")
    parser.add_argument("--checkpoint", default="player")
    parser.add_argument("--notes", type=int, default=1000, help="notes of each set")
    args = parser.parse_args()
    found = load_checkpoint(checkpoint_path(args.checkpoint), "player")
    use_one_thread()
    config, rounded = found.config, round_weights(found.config, found.weights)
    networks: dict[str, Any] = {
        "trained": NumpyNetwork(config, found.weights),
        "numpy": NumpyNetwork(config, rounded),
    }
    kernel = load_kernel()
    if kernel is not None:
        networks["kernel"] = KernelNetwork(kernel, config, rounded)
    print(f"{'set':<12}{'played with':<13}{'notes':>6}{'nats':>9}{'change':>9}", end="")
    print(f"{'logit max':>11}{'rms':>8}{'  max against numpy':>19}")
    for style, pieces in open_dataset(args.data, "validation").items():
        known = style in config["styles"]
        index = 1 + config["styles"].index(style) if known else 0
        some = [pieces[i] for i in range(min(PIECES, len(pieces)))]
        rows = np.concatenate([piece_rows(p, index)[: args.notes // PIECES + 1] for p in some])
        results = {}
        for name, network in networks.items():
            network.set_style(found.weights["embed.style"][index])
            results[name] = read(network, rows)
        trained, first = results["trained"]
        for name, (logits, nats) in results.items():
            off, plain = np.abs(logits - trained), np.abs(logits - results["numpy"][0])
            print(
                f"{style:<12}{name:<13}{len(nats):>6}{np.mean(nats):>9.4f}"
                f"{np.mean(nats) - np.mean(first):>+9.4f}{off.max():>11.4f}"
                f"{np.sqrt(np.mean(off**2)):>8.4f}{plain.max():>19.5f}"
            )


if __name__ == "__main__":
    main()
