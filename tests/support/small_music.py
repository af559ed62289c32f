"""Small data sets of drums and melodies whose phrases come back varied."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from antiphon.music import Voice
from antiphon_models.data.storage import write_manifest, write_pieces
from antiphon_models.events import Piece, phases


def make_piece(seed: int, bars: int = 8, beats: int = 4) -> Piece:
    """Make a piece with drums and a melody; every bar is the first with some notes changed."""
    random = np.random.default_rng(seed)
    steps = 4 * beats
    base = random.random((2, steps)) < 0.4
    base[:, 0] = True
    rows = []
    for bar in range(bars):
        now = base ^ (random.random(base.shape) < 0.1)
        now[:, 0] = True
        for part, step in np.argwhere(now).tolist():
            pitch = (36, 38, 42)[step % 3] if part == 0 else 60 + (step * 5) % 12
            micro = int(random.integers(-9, 10))
            loud = int(random.integers(40, 120))
            voice = int(Voice.DRUMS if part == 0 else Voice.MELODY)
            rows.append((12 * (bar * steps + step), voice, pitch, loud, 12, micro))
    onset, voice, pitch, velocity, duration, micro = np.array(rows, np.int64).T
    beat, in_bar = phases(onset, 48 * beats)
    piece = Piece(
        onset, voice, pitch, velocity, duration, beat, in_bar, f"{seed}.mid", micro=micro, bpm=100.0
    )
    return piece.sorted()


def write_music(
    folder: Path, style: str = "songs", bars: int = 8, beats: int = 4, only: str = ""
) -> Path:
    """Write a data set of three pieces to train with and two to validate; drums alone if asked."""
    splits = {"train": range(3), "validation": range(3, 5)}
    (folder / style).mkdir(parents=True, exist_ok=True)
    for split, seeds in splits.items():
        pieces = [make_piece(seed, bars, beats) for seed in seeds]
        if only == "drums":
            pieces = [piece.select(piece.voice == Voice.DRUMS) for piece in pieces]
        write_pieces(folder / style / f"{split}.npz", pieces)
    sets = {style: {"licence": "CC0", "splits": {s: {} for s in splits}}}
    write_manifest(folder, {"sets": sets})
    return folder
