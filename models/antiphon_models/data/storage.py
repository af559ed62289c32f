"""How a data set lies on disk, so that it need not fit into memory.

``<style>/<split>.notes`` holds the notes of all pieces, one record of :data:`NOTE` after another;
``<style>/<split>.npz`` says where each piece begins and what it is called; ``manifest.json``
vouches for both. No pickles.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt

from antiphon.errors import DataError
from antiphon.music import Voice
from antiphon_models.events import IntArray, Piece, is_performed

FORMAT: Final = 3
READABLE: Final = (1, 2, 3)
"""Format 1 had all notes in the compressed ``.npz``; such sets are read as a whole. Formats 1 and 2
say nothing of the pedal."""

MANIFEST: Final = "manifest.json"

NOTE: Final = np.dtype(
    [
        ("onset", "<i4"),
        ("duration", "<i4"),
        ("voice", "u1"),
        ("pitch", "u1"),
        ("velocity", "u1"),
        ("beat_phase", "u1"),
        ("bar_phase", "u1"),
        ("micro", "i1"),
        ("pedal", "u1"),
    ]
)
"""A note on disk: 15 bytes. The fields are those of :class:`antiphon_models.events.Piece`."""

_SECOND: Final = np.dtype([(name, NOTE[name]) for name in NOTE.names or () if name != "pedal"])
"""A note in format 2."""

_REMEDY: Final = "prepare the data again with 'antiphon prepare'"

_OPTIONAL: Final = ("micro", "pedal")
_COLUMNS: Final = tuple(name for name in NOTE.names or () if name not in _OPTIONAL)


def write_pieces(path: Path, pieces: Iterable[Piece]) -> None:
    """Write the pieces of one style and split, one after another.

    Parameters
    ----------
    path : Path
        Of the ``.npz``; the notes lie beside it.
    pieces : iterable of Piece
        Each is forgotten once it is written.
    """
    notes, temporary = path.with_suffix(".notes"), path.with_suffix(".tmp.notes")
    lengths: list[int] = []
    table: dict[str, list[Any]] = {name: [] for name in ("names", "metered", "bpm", "lends")}
    with temporary.open("wb") as file:
        for piece in pieces:
            records = np.zeros(len(piece), NOTE)
            for name in _COLUMNS:
                records[name] = getattr(piece, name)
            for name in _OPTIONAL:
                if (column := getattr(piece, name)) is not None:
                    records[name] = column
            records.tofile(file)
            lengths.append(len(piece))
            table["names"].append(_printable(piece.name))
            table["metered"].append(piece.metered)
            table["bpm"].append(np.float32(piece.bpm))
            table["lends"].append(lends_dynamics(piece))
    temporary.replace(notes)
    starts = np.cumsum([0, *lengths], dtype=np.int64)
    temporary = path.with_suffix(".tmp.npz")
    arrays: dict[str, Any] = {name: np.array(found) for name, found in table.items()}
    np.savez_compressed(temporary, starts=starts, format=np.array(FORMAT), **arrays)
    temporary.replace(path)


def lends_dynamics(piece: Piece) -> bool:
    """Tell whether a piece has a player's dynamics that pitched music can borrow."""
    return is_performed(piece) and not bool((piece.voice == Voice.DRUMS).any())


class StoredPieces(Sequence[Piece]):
    """The pieces of one style and split on disk; a piece is read when it is asked for.

    Each reading maps the notes of its piece alone and lets them go again, so that a set takes
    no more memory than its table: some dozens of bytes a piece.

    Attributes
    ----------
    lengths : ndarray of int64
        Notes of each piece.
    lends : ndarray of bool
        :func:`lends_dynamics` of each piece.
    """

    def __init__(self, path: Path, style: str, table: dict[str, Any]) -> None:
        self._notes, self._style = path.with_suffix(".notes"), style
        self._starts: IntArray = table["starts"]
        self._names, self._metered, self._bpm = table["names"], table["metered"], table["bpm"]
        self.lends: npt.NDArray[np.bool_] = table["lends"]
        self.lengths: IntArray = np.diff(self._starts)
        self._record = NOTE if int(table.get("format", 2)) >= 3 else _SECOND
        size, wanted = self._notes.stat().st_size, int(self._starts[-1]) * self._record.itemsize
        if size != wanted:
            raise ValueError(f"{self._notes.name} has {size} bytes instead of {wanted}")

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, index: int) -> Piece: ...
    @overload
    def __getitem__(self, index: slice) -> list[Piece]: ...
    def __getitem__(self, index: int | slice) -> Piece | list[Piece]:
        """Read a piece, or some."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        first, count = int(self._starts[index]), int(self.lengths[index])
        record = self._record
        records = np.zeros(0, record)
        if count:
            offset = first * record.itemsize
            records = np.memmap(self._notes, record, "r", offset=offset, shape=(count,))
        columns = {name: records[name].astype(np.int64) for name in record.names or ()}
        if not columns.get("pedal", np.zeros(0)).any():
            columns.pop("pedal", None)
        return Piece(
            **columns,
            name=str(self._names[index]),
            style=self._style,
            metered=bool(self._metered[index]),
            bpm=float(self._bpm[index]),
        )


def lengths_of(pieces: Sequence[Piece]) -> IntArray:
    """Return the notes of each piece, without reading stored ones."""
    if isinstance(pieces, StoredPieces):
        return pieces.lengths
    return np.array([len(piece) for piece in pieces], np.int64)


def lenders_of(pieces: Sequence[Piece]) -> npt.NDArray[np.bool_]:
    """Return :func:`lends_dynamics` of each piece, without reading stored ones."""
    if isinstance(pieces, StoredPieces):
        return pieces.lends
    return np.array([lends_dynamics(piece) for piece in pieces], np.bool_)


def open_pieces(path: Path, style: str) -> Sequence[Piece]:
    """Open what :func:`write_pieces` wrote; the notes stay on disk.

    Raises
    ------
    DataError
        If a file is missing or broken.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            table = {name: file[name] for name in file.files}
        if "onset" in table:
            return list(_first_format(table, style))
        return StoredPieces(path, style, table)
    except Exception as error:  # zip, header and array errors are many; the file is at fault
        found = f"found {type(error).__name__}: {error}"
        raise DataError(f"expected prepared notes at {path}", found, _REMEDY) from error


def read_pieces(path: Path, style: str) -> list[Piece]:
    """Read what :func:`write_pieces` wrote, all of it.

    Raises
    ------
    DataError
        If a file is missing or broken.
    """
    return list(open_pieces(path, style))


def open_dataset(directory: Path, split: str) -> dict[str, Sequence[Piece]]:
    """Open one split of a prepared data set; the notes stay on disk.

    Returns
    -------
    dict
        Style -> pieces, sorted by style; sets without the split are left out.

    Raises
    ------
    DataError
        If there is no such split, or the set is missing or broken.
    """
    found = {
        style: open_pieces(directory / style / f"{split}.npz", style)
        for style, entry in sorted(read_manifest(directory)["sets"].items())
        if split in entry["splits"]
    }
    if not any(map(len, found.values())):
        raise DataError(
            f"expected a {split} split with notes in {directory}", "found none", _REMEDY
        )
    return found


def _first_format(table: dict[str, Any], style: str) -> Iterator[Piece]:
    columns = {name: table[name].astype(np.int64) for name in _COLUMNS}
    names = table["names"]
    if "micro" in table:  # the earliest sets have neither
        columns["micro"] = table["micro"].astype(np.int64)
    tempos = table.get("bpm", np.full(len(names), 120.0))
    starts = table["starts"]
    for index, (a, b) in enumerate(pairwise(starts)):
        yield Piece(
            **{key: column[a:b] for key, column in columns.items()},
            name=str(names[index]),
            style=style,
            metered=bool(table["metered"][index]),
            bpm=float(tempos[index]),
        )


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
    if version not in READABLE or not isinstance(manifest.get("sets"), dict):
        expected = f"expected a data set of format {FORMAT} at {path}"
        raise DataError(expected, f"found {version}", _REMEDY)
    return dict(manifest)


def _printable(name: str) -> str:
    """Replace what a file name may hold and UTF-8 may not."""
    return name.encode("utf-8", "replace").decode()
