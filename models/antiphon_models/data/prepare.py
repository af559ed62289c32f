"""Turns folders of MIDI files into data sets, and loads either.

A data set is a folder with one ``<style>/<split>.npz`` for every set and split, and a
``manifest.json`` that says what was kept, repaired and refused, and why.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from antiphon.errors import DataError
from antiphon_models.data.faults import describe
from antiphon_models.data.sources import (
    SPLITS,
    Progress,
    find_midi,
    read_all,
    require_midi,
)
from antiphon_models.data.splits import settle
from antiphon_models.data.storage import (
    MANIFEST,
    open_dataset,
    read_manifest,
    write_manifest,
    write_pieces,
)
from antiphon_models.events import Piece

__all__ = [
    "KNOWN_LICENCES",
    "MANIFEST",
    "SPLITS",
    "find_midi",
    "load_dataset",
    "prepare",
    "read_manifest",
]

KNOWN_LICENCES: Final = {
    "chopin": "CC BY 4.0, Fryderyk Chopin Institute (first editions)",
    "giantmidi": "CC BY 4.0, ByteDance (GiantMIDI-Piano)",
    "groove": "CC BY 4.0, Google LLC (Groove MIDI Dataset, Gillick et al. 2019)",
    "js_fakes": "CC BY 4.0, Omar Peracha (JS Fake Chorales)",
    "lead_sheets": "public domain, via OpenEWLD",
    "lieder": "CC0, OpenScore Lieder",
    "piano_rolls": "MIT, Stanford University piano rolls (pianolatron-data)",
    "pop909": "MIT, Music X Lab (POP909)",
}
"""Licence and credit of the sets that the shipped models are trained on, by folder."""


def prepare(
    src_dir: Path, out_dir: Path, progress: Progress | None = None, workers: int = 2
) -> dict[str, Any]:
    """Read every MIDI file below a folder into a data set.

    Of copies, in whatever key and tempo, train keeps one, and nothing that validation or test
    have; where no folders say the split, pieces that are alike go into one
    (:func:`antiphon_models.data.splits.settle`).

    Parameters
    ----------
    src_dir, out_dir : Path
        The tree of MIDI files and the folder to write; existing sets are overwritten.
    progress : callable, optional
        Told about every file.
    workers : int
        Processes that read files.

    Returns
    -------
    dict
        The manifest: ``sets`` (style -> licence and splits), ``repaired``, ``refused`` and
        ``doubles``, file by file.

    Raises
    ------
    DataError
        If no file could be read, or `out_dir` cannot be written.
    """
    sources = require_midi(src_dir)
    readings = list(read_all(sources, True, progress, workers))
    if all(reading.piece is None for reading in readings):
        raise DataError(
            f"expected MIDI files with notes below {src_dir}",
            f"all {len(readings)} were refused, the first because: {readings[0].refused}",
            "check the files",
        )
    sources, doubles = settle(sources, readings)
    dropped = {double.index for double in doubles if double.dropped}
    pieces: dict[tuple[str, str], list[Piece]] = {}
    for index, (source, reading) in enumerate(zip(sources, readings, strict=True)):
        if reading.piece is not None and index not in dropped:
            pieces.setdefault((source.style, source.split), []).append(reading.piece)
    sets = {
        style: {
            "licence": _licence(src_dir, style),
            "splits": {
                split: _summary(pieces[style, split])
                for split in SPLITS
                if (style, split) in pieces
            },
        }
        for style in sorted({style for style, _ in pieces})
    }
    manifest = {
        "sets": sets,
        "repaired": [
            {"file": str(source), "done": describe(reading.repairs), "counts": reading.repairs}
            for source, reading in zip(sources, readings, strict=True)
            if reading.repairs
        ],
        "refused": [
            {"file": str(source), "sort": reading.sort, "reason": reading.refused}
            for source, reading in zip(sources, readings, strict=True)
            if reading.refused
        ],
        "doubles": [
            {
                "file": str(sources[double.index]),
                "of": str(sources[double.of]),
                "how": double.how,
                "share": round(double.share, 3),
                "dropped": double.dropped,
            }
            for double in doubles
        ],
    }
    try:
        for (style, split), found in pieces.items():
            (out_dir / style).mkdir(parents=True, exist_ok=True)
            write_pieces(out_dir / style / f"{split}.npz", found)
        write_manifest(out_dir, manifest)
    except OSError as error:
        raise DataError(
            f"expected to write a data set to {out_dir}",
            f"found {error.strerror or error}",
            "choose another folder",
        ) from error
    return manifest


def load_dataset(
    directory: Path,
    split: str = "train",
    repair: bool = True,
    progress: Progress | None = None,
    workers: int = 2,
) -> dict[str, list[Piece]]:
    """Load one split of a data set, or of a tree of MIDI files.

    Parameters
    ----------
    directory : Path
        A folder that :func:`prepare` wrote, or one with MIDI files.
    split : str
        ``train``, ``validation`` or ``test``.
    repair : bool
        For MIDI files: whether to repair them. Evaluation does not, so that every note counts
        once. A prepared set is already repaired.
    progress, workers
        As in :func:`prepare`.

    Returns
    -------
    dict
        Style -> pieces, sorted by style; sets without the split are left out.

    Raises
    ------
    DataError
        If there is no data set, it is of an unknown format, broken, or has no such split.
    """
    if (directory / MANIFEST).is_file():
        return {style: list(pieces) for style, pieces in open_dataset(directory, split).items()}
    found: dict[str, list[Piece]] = {}
    sources = [s for s in require_midi(directory) if s.split == split]
    readings = read_all(sources, repair, progress, workers)
    for source, reading in zip(sources, readings, strict=True):
        if reading.piece is not None:
            found.setdefault(source.style, []).append(reading.piece)
    if not found:
        raise DataError(
            f"expected a {split} split with notes in {directory}",
            "found none",
            "prepare a folder of MIDI files with 'antiphon prepare'",
        )
    return dict(sorted(found.items()))


def _summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    return {
        "pieces": len(pieces),
        "notes": sum(map(len, pieces)),
        "names": [piece.name for piece in pieces],
    }


def _licence(src_dir: Path, style: str) -> str:
    """Return the licence of a known set, or the first line of a licence file."""
    if style in KNOWN_LICENCES:
        return KNOWN_LICENCES[style]
    for folder in (src_dir / style, src_dir):
        for name in ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE"):
            if (folder / name).is_file():
                lines = (folder / name).read_text(errors="replace").splitlines()
                return next((line.strip()[:200] for line in lines if line.strip()), "unknown")
    return "unknown"
