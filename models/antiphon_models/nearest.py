"""``antiphon nearest``: which training music is most like a phrase, by the DIC.

Answers "where does this come from?": of a phrase that was played, or of a variation that came
out. Needs only numpy.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon.errors import CheckpointError, DataError, UsageError
from antiphon.music import Voice
from antiphon_models.checkpoint import load_checkpoint
from antiphon_models.codec import Codec, load_codec
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.prepare import load_dataset
from antiphon_models.data.windows import Bars, make_batch, read_bars
from antiphon_models.events import Piece
from antiphon_models.rolls import FloatArray, IntArray, Kind, distance
from antiphon_models.runtime import checkpoint_path, use_one_thread

BATCH: Final = 256


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A window of the data set.

    Attributes
    ----------
    piece : str
        ``set/path`` of the piece.
    bar : int
        Its first bar, counted from 1.
    distance : float
        In the latent space, root mean square over its dimensions.
    edit_distance : float
        0 (the same hits) to 1 (none in common).
    """

    piece: str
    bar: int
    distance: float
    edit_distance: float


def add_nearest_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``antiphon nearest``."""
    add = parser.add_argument
    add("input", type=Path, metavar="IN.mid", help="the phrase: two bars of it are looked for")
    add("--data", type=Path, required=True, metavar="DIR", help="data set, or folder of MIDI files")
    add("--split", default="train", choices=("train", "validation", "test"))
    add("--count", type=int, default=5, help="how many (default 5), one of each piece")
    add("--bar", type=int, default=1, help="first of the two bars (default 1)")
    add("--as", dest="kind", choices=("auto", "drums", "pitched"), default="auto")
    add("--dic", metavar="CKPT", help="DIC (default: the shipped one)")
    add("--json", action="store_true", help="print one JSON object")


def run_nearest(args: argparse.Namespace) -> int:
    """Run ``antiphon nearest``; returns the exit status.

    Raises
    ------
    AntiphonError
        For anything that the user can mend.
    """
    if args.count < 1 or args.bar < 1:
        raise UsageError("expected --count and --bar of 1 or more", "found less", "correct it")
    piece = read_midi(args.input)
    kind = _kind(piece, args.kind)
    query = read_bars({"query": [piece]}, kind)
    windows = query.windows()
    at = np.flatnonzero(query.number[windows] == args.bar - 1)
    if not len(at):
        have = ", ".join(str(n + 1) for n in query.number[windows][:12])
        raise UsageError(
            f"expected two bars with {kind} notes from bar {args.bar} on in {args.input}",
            f"found such pairs from bar {have or 'none'}",
            "choose one with --bar",
        )
    use_one_thread()
    path = checkpoint_path(args.dic or f"dic-{kind}")
    codec = load_codec(load_checkpoint(path, "dic"))
    if codec.kind != kind:
        raise CheckpointError(
            f"expected a DIC for {kind} notes at {path}",
            f"found one for {codec.kind}",
            "choose another with --dic, or say with --as what the notes are",
        )
    print(f"reading {args.data}", file=sys.stderr, flush=True)
    bars = read_bars(load_dataset(args.data, args.split), kind)
    found = find_nearest(codec, query, int(windows[at[0]]), bars, args.count)
    if not found:
        raise DataError(
            f"expected {kind} music with bars of {query.length[windows[at[0]]]:g} beats "
            f"in {args.data}",
            "found none",
            "look in another data set",
        )
    if args.json:
        rows: list[dict[str, Any]] = [
            {
                "piece": n.piece,
                "bar": n.bar,
                "distance": round(n.distance, 4),
                "edit_distance": round(n.edit_distance, 4),
            }
            for n in found
        ]
        print(json.dumps({"kind": kind, "bar": args.bar, "nearest": rows}))
        return 0
    for n in found:
        print(f"{n.distance:7.3f}  {n.edit_distance:5.2f}  {n.piece}, bar {n.bar}")
    return 0


def _kind(piece: Piece, asked: str) -> Kind:
    if asked == "drums":
        return "drums"
    if asked == "pitched":
        return "pitched"
    drums = float((piece.voice == Voice.DRUMS).mean())
    return "drums" if drums > 0.5 else "pitched"


def find_nearest(codec: Codec, query: Bars, window: int, bars: Bars, count: int) -> list[Neighbour]:
    """Find the windows of a data set that are nearest to one window.

    Parameters
    ----------
    codec : Codec
        Of the kind of both.
    query, window
        The bars of the phrase, and the first of its two bars.
    bars : Bars
        The data set; windows of another number of beats are left out.
    count : int
        Most that are returned, at most one of each piece.
    """
    own = make_batch(query, np.array([window]))
    wanted, hits = _codes(codec, query, np.array([window]))[0], own.roll[..., 0]
    windows = bars.windows()
    windows = windows[bars.length[windows] == query.length[window]]
    best: dict[int, tuple[float, int]] = {}
    for some, codes in _batches(codec, bars, windows):
        apart = np.sqrt(((codes - wanted) ** 2).mean(-1))
        for first, value in zip(some.tolist(), apart.tolist(), strict=True):
            piece = int(bars.piece[first])
            if value < best.get(piece, (np.inf, 0))[0]:
                best[piece] = value, first
    chosen = sorted(best.values())[:count]
    return [
        Neighbour(
            bars.names[bars.piece[first]],
            int(bars.number[first]) + 1,
            value,
            float(distance(make_batch(bars, np.array([first])).roll[..., 0], hits)[0]),
        )
        for value, first in chosen
    ]


def _batches(codec: Codec, bars: Bars, windows: IntArray) -> Iterator[tuple[IntArray, FloatArray]]:
    for at in range(0, len(windows), BATCH):
        some = windows[at : at + BATCH]
        yield some, _codes(codec, bars, some)


def _codes(codec: Codec, bars: Bars, windows: IntArray) -> FloatArray:
    """Return one vector a window: its content beat by beat, and its style as often."""
    batch = make_batch(bars, windows)
    code = codec.encode(batch.roll, batch.position)
    style = np.repeat(code.style, max(code.content[0].size // (4 * code.style.shape[-1]), 1), -1)
    return np.concatenate([code.content.reshape(len(windows), -1), style], -1)
