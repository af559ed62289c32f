"""Data sets on disk: what is written is read, piece by piece, without taking memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from antiphon.errors import DataError
from antiphon_models.data.storage import (
    NOTE,
    StoredPieces,
    lengths_of,
    open_dataset,
    open_pieces,
    write_manifest,
    write_pieces,
)
from antiphon_models.data.stream import EventStreams
from antiphon_models.events import Piece
from small_music import make_piece

FIELDS = ("onset", "voice", "pitch", "velocity", "duration", "beat_phase", "bar_phase", "micro")


def test_pieces_come_back_one_by_one(tmp_path: Path) -> None:
    """Every field of every piece comes back, by index and by slice, and lengths without reading."""
    pieces = [make_piece(seed, bars=1 + seed) for seed in range(4)]
    write_pieces(tmp_path / "train.npz", iter(pieces))
    found = open_pieces(tmp_path / "train.npz", "songs")
    assert isinstance(found, StoredPieces)
    assert lengths_of(found).tolist() == [len(piece) for piece in pieces]
    for one, other in zip(found, pieces, strict=True):
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert (one.name, one.style, one.bpm) == (other.name, "songs", other.bpm)
    assert [piece.name for piece in found[-2:]] == ["2.mid", "3.mid"]
    assert found[-1].name == "3.mid"
    with pytest.raises(IndexError):
        found[4]


def test_a_truncated_file_of_notes_is_refused(tmp_path: Path) -> None:
    """Notes that are too few for the table are refused, and the way to mend it is named."""
    write_pieces(tmp_path / "train.npz", [make_piece(0)])
    notes = tmp_path / "train.notes"
    notes.write_bytes(notes.read_bytes()[:-1])
    with pytest.raises(DataError, match="antiphon prepare"):
        open_pieces(tmp_path / "train.npz", "songs")


def test_streams_leave_a_large_set_on_disk(tmp_path: Path) -> None:
    """Streams of a set of a million notes take a small part of the memory that it would."""

    def endless() -> Iterator[Piece]:
        piece = make_piece(0, bars=64)
        for _ in range(1_000_000 // len(piece)):
            yield piece

    (tmp_path / "songs").mkdir()
    write_pieces(tmp_path / "songs" / "train.npz", endless())
    write_manifest(tmp_path, {"sets": {"songs": {"splits": {"train": {}}}}})
    tracemalloc.start()
    try:
        pieces = open_dataset(tmp_path, "train")
        streams = EventStreams(pieces, ("songs",), 8, 128, seed=0)
        for _ in range(20):
            streams.next_chunk()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    notes = int(lengths_of(pieces["songs"]).sum())
    assert notes > 900_000
    assert peak < notes * NOTE.itemsize / 4


def test_pedals_come_back_and_older_sets_know_none(tmp_path: Path) -> None:
    """A piece's pedals are stored; of a set of the format before, which had none, none is known."""
    piece = make_piece(0)
    pedal = np.arange(len(piece)) % 4
    write_pieces(tmp_path / "train.npz", [replace(piece, pedal=pedal), piece])
    first, second = open_pieces(tmp_path / "train.npz", "songs")
    np.testing.assert_array_equal(first.pedal, pedal)
    assert second.pedal is None

    older = np.dtype([(name, NOTE[name]) for name in NOTE.names if name != "pedal"])
    records = np.fromfile(tmp_path / "train.notes", NOTE)
    np.array(records[[*older.names]], older).tofile(tmp_path / "train.notes")
    with np.load(tmp_path / "train.npz") as file:
        table = {name: file[name] for name in file.files if name != "format"}
    np.savez_compressed(tmp_path / "train.npz", **table)
    for found in open_pieces(tmp_path / "train.npz", "songs"):
        assert found.pedal is None
        np.testing.assert_array_equal(found.onset, piece.onset)
        np.testing.assert_array_equal(found.micro, piece.micro)
