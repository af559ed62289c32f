"""A folder of MIDI files as a data set to train on, with some of it held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon_models.data.prepare import prepare
from antiphon_models.data.sources import SPLITS, Progress
from antiphon_models.data.storage import (
    MANIFEST,
    read_manifest,
    read_pieces,
    write_manifest,
    write_pieces,
)
from antiphon_models.events import Piece

HELD_OUT: Final = 0.15
"""Share of each piece that is held out where there are few of them."""

FEW_PIECES: Final = 20
"""Of fewer pieces than this, single ones would not stand for the folder: bars are held out."""

BARS: Final = "the last bars of each piece"
"""How a manifest says so."""

FEWEST: Final = 8
"""Notes that either part of a cut piece must have."""


def as_dataset(data: Path, out: Path, progress: Progress | None = None) -> Path:
    """Return a prepared data set: the one given, or one made of a folder of MIDI files.

    Where folders named validation or test say what to hold out, that is done. Else one piece in
    ten is held out, as ``antiphon prepare`` does, and of a set of few pieces the last bars of
    each.

    Parameters
    ----------
    data : Path
        A data set, or a folder of MIDI files.
    out : Path
        Where to prepare; what was prepared there before is used again.
    progress : callable, optional
        Told about every file.

    Raises
    ------
    DataError
        If there is no music in it.
    """
    if (data / MANIFEST).is_file():
        return data
    if not (out / MANIFEST).is_file():
        prepare(data, out, progress)
        if not any(path.name in SPLITS and path.is_dir() for path in data.rglob("*")):
            hold_out_bars(out)
    return out


def hold_out_bars(directory: Path) -> None:
    """Hold out the last bars of every piece, in those sets of a data set that have few pieces."""
    manifest = read_manifest(directory)
    for style, entry in manifest["sets"].items():
        splits = entry["splits"]
        if sum(split["pieces"] for split in splits.values()) >= FEW_PIECES:
            continue
        paths = [directory / style / f"{split}.npz" for split in splits]
        pieces = [piece for path in paths for piece in read_pieces(path, style)]
        parts = [cut(piece) for piece in sorted(pieces, key=lambda piece: piece.name)]
        held = [end for _, end in parts if len(end)]
        if not held:
            continue
        for split, found in (("train", [start for start, _ in parts]), ("validation", held)):
            write_pieces(directory / style / f"{split}.npz", found)
            splits[split] = _summary(found)
        splits["validation"]["held_out"] = BARS
    write_manifest(directory, {k: v for k, v in manifest.items() if k != "format"})


def cut(piece: Piece, share: float = HELD_OUT) -> tuple[Piece, Piece]:
    """Cut a piece at the bar line after all but the last share of its notes.

    Returns
    -------
    Piece, Piece
        Start and end; the end is empty if the piece is too short to be cut.
    """
    at = int(len(piece) * (1 - share))
    if piece.metered:  # the first note of a bar: its phase is below that of the note before
        place = piece.bar_phase * 48 + piece.beat_phase
        lines = np.flatnonzero(np.diff(place, prepend=place[:1]) < 0)
        after = lines[lines >= at]
        at = int(after[0]) if len(after) else at
    if min(at, len(piece) - at) < FEWEST:
        return piece, piece.select(slice(0, 0))
    return piece.select(slice(None, at)), piece.select(slice(at, None))


def _summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    return {
        "pieces": len(pieces),
        "notes": sum(map(len, pieces)),
        "names": [piece.name for piece in pieces],
    }
