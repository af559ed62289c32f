"""How a data set lies on disk: ``<style>/<split>.npz`` and a ``manifest.json``, no pickles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from antiphon.errors import DataError
from antiphon_models.events import Piece

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"

_REMEDY: Final = "prepare the data again with 'antiphon prepare'"

_COLUMNS: Final = {
    "onset": np.int32,
    "voice": np.uint8,
    "pitch": np.uint8,
    "velocity": np.uint8,
    "duration": np.int32,
    "beat_phase": np.uint8,
    "bar_phase": np.uint8,
}


def write_pieces(path: Path, pieces: Sequence[Piece]) -> None:
    """Write the pieces of one style and split."""
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(p, name) for p in pieces]).astype(kind)
        for name, kind in _COLUMNS.items()
    }
    columns["starts"] = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    columns["names"] = np.array([_printable(p.name) for p in pieces])
    columns["metered"] = np.array([p.metered for p in pieces])
    columns["bpm"] = np.array([p.bpm for p in pieces], np.float32)
    none = [np.zeros(len(p), np.int64) for p in pieces]
    micro = [n if p.micro is None else p.micro for p, n in zip(pieces, none, strict=True)]
    columns["micro"] = np.concatenate(micro).astype(np.int8)
    temporary = path.with_suffix(".tmp.npz")
    np.savez_compressed(temporary, **columns)
    temporary.replace(path)


def read_pieces(path: Path, style: str) -> list[Piece]:
    """Read what :func:`write_pieces` wrote.

    Raises
    ------
    DataError
        If the file is missing or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            columns = {name: file[name].astype(np.int64) for name in _COLUMNS}
            starts, names, metered = file["starts"], file["names"], file["metered"]
            if "micro" in file:  # sets prepared by earlier versions have neither
                columns["micro"] = file["micro"].astype(np.int64)
            tempos = file["bpm"] if "bpm" in file else np.full(len(names), 120.0)
        return [
            Piece(
                **{key: column[a:b] for key, column in columns.items()},
                name=str(name),
                style=style,
                metered=bool(beats),
                bpm=float(bpm),
            )
            for a, b, name, beats, bpm in zip(
                starts[:-1], starts[1:], names, metered, tempos, strict=True
            )
        ]
    except Exception as error:  # zip, header and array errors are many; the file is at fault
        found = f"found {type(error).__name__}: {error}"
        raise DataError(f"expected prepared notes at {path}", found, _REMEDY) from error


def write_manifest(directory: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest of a data set; comes last, so that it vouches for the rest."""
    text = json.dumps({"format": FORMAT, **manifest}, indent=1, ensure_ascii=False)
    path = directory / MANIFEST
    path.write_text(text + "\n", encoding="utf-8", errors="replace")


def read_manifest(directory: Path) -> dict[str, Any]:
    """Read and check the manifest of a data set.

    Raises
    ------
    DataError
        If it is missing, not JSON, or of an unknown format.
    """
    path = directory / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        expected = f"expected a data set's manifest at {path}"
        raise DataError(expected, f"found {error}", _REMEDY) from error
    version = manifest.get("format") if isinstance(manifest, dict) else "no table"
    if version != FORMAT or not isinstance(manifest.get("sets"), dict):
        expected = f"expected a data set of format {FORMAT} at {path}"
        raise DataError(expected, f"found {version}", _REMEDY)
    return dict(manifest)


def _printable(name: str) -> str:
    """Replace what a file name may hold and UTF-8 may not."""
    return name.encode("utf-8", "replace").decode()
