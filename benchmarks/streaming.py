"""Measure what a data set takes of memory while a player is trained on it, and how fast it streams.

python benchmarks/streaming.py [--notes N] [--folder DIR]

A synthetic set of the size asked for is written piece by piece, then a process of its own opens
it and draws chunks. Printed are its peak resident memory over that of the same process with a
set of a few notes, beside what the set would take in memory.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from antiphon_models.data.storage import NOTE, open_dataset, write_manifest, write_pieces
from antiphon_models.data.stream import EventStreams
from antiphon_models.events import Piece, phases

PIECE = 2_000


def pieces(notes: int) -> Iterator[Piece]:
    random = np.random.default_rng(0)
    for index in range(max(notes // PIECE, 1)):
        onset = 12 * np.cumsum(random.integers(0, 4, PIECE))
        beat, bar = phases(onset, 192)
        yield Piece(
            onset=onset,
            voice=np.zeros(PIECE, np.int64),
            pitch=random.integers(40, 90, PIECE),
            velocity=random.integers(30, 110, PIECE),
            duration=np.full(PIECE, 12),
            beat_phase=beat,
            bar_phase=bar,
            name=str(index),
        ).sorted()


def write_set(folder: Path, notes: int) -> Path:
    (folder / "noise").mkdir(parents=True)
    write_pieces(folder / "noise" / "train.npz", pieces(notes))
    write_manifest(folder, {"sets": {"noise": {"splits": {"train": {}}}}})
    return folder


def peak_mb() -> float:
    """Return the peak resident memory of this process (Linux)."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


def stream(folder: Path, chunks: int) -> None:
    """Draw chunks of 64 streams, and print seconds to open, notes a second and peak memory."""
    began = time.perf_counter()
    streams = EventStreams(open_dataset(folder, "train"), ("noise",), 64, 128, seed=0)
    opened = time.perf_counter()
    for _ in range(chunks):
        streams.next_chunk()
    rate = chunks * 64 * 128 / (time.perf_counter() - opened)
    print(opened - began, rate, peak_mb())


def measure(folder: Path, chunks: int) -> list[float]:
    command = [sys.executable, __file__, "--folder", str(folder), "--chunks", str(chunks)]
    done = subprocess.run([*command, "--stream"], capture_output=True, text=True, check=True)
    return [float(word) for word in done.stdout.split()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--notes", type=int, default=50_000_000, help="default: 50 million")
    parser.add_argument("--chunks", type=int, default=300, help="chunks of 64 x 128 (default: 300)")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary one)")
    parser.add_argument("--stream", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.stream:
        stream(args.folder, args.chunks)
        return
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        small = measure(write_set(Path(folder) / "small", PIECE), args.chunks)
        large = write_set(Path(folder) / "large", args.notes)
        size = sum(path.stat().st_size for path in large.rglob("*") if path.is_file())
        opened, rate, peak = measure(large, args.chunks)
    print(f"{args.notes:,} notes, {size / 2**20:,.0f} MB on disk ({NOTE.itemsize} bytes a note)")
    print(f"in memory as arrays of int64: {args.notes * 64 / 2**20:,.0f} MB")
    print(
        f"peak resident memory: {peak:,.0f} MB, {peak - small[2]:,.0f} MB over a set of one piece"
    )
    print(f"opened in {opened:.2f} s; {rate:,.0f} events/s drawn on one core")


if __name__ == "__main__":
    main()
