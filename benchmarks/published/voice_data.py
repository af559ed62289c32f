"""The JSB chorales in sixteenths as rows of four voices.

The file is ``Jsb16thSeparated.json`` of the data sets that Coconet (Huang et al. 2017) made known:
split -> pieces -> frames -> MIDI numbers of soprano, alto, tenor and bass, -1 for a rest. Pieces
stand in their own keys. A piece becomes rows (:mod:`published.streams`) with the columns

``0 .. 3``    each voice's pitch: 0 for a rest, 1 + its distance from the lowest pitch otherwise
``4 .. 7``    for how many frames each has had it
``8 .. 11``   the pitches that followed the last time it went as it goes now (the *echo*)
``12``        frames since the beginning
``13``        how many frames have gone as they did then, as a bucket of ECHO_BUCKETS
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from antiphon.errors import DataError
from published.poly_data import ECHO_BUCKETS as ECHO_BUCKETS
from published.poly_data import echoes
from published.streams import Rows

NAME: Final = "Jsb16thSeparated.json"
SPLITS: Final = {"train": "train", "validation": "valid", "test": "test"}
VOICES: Final = ("soprano", "alto", "tenor", "bass")
COLUMNS: Final = 14
SHIFT: Final = 6
"""Semitones by which training pieces are transposed, at most."""

Pitches = npt.NDArray[np.int64]


@dataclass(frozen=True)
class VoiceSet:
    """The data set as rows.

    Attributes
    ----------
    rows : dict
        Split -> pieces, (1 + frames, COLUMNS) each.
    pitches : int
        How many pitches there are, rests not counted.
    ranges : array
        (2, 4): lowest and highest pitch of each voice in the training music, as in the rows.
    """

    rows: dict[str, list[Rows]]
    pitches: int
    ranges: Pitches


def load_voices(folder: Path) -> dict[str, list[Pitches]]:
    """Read the chorales: split -> pieces, (frames, 4) of MIDI numbers each, -1 for a rest.

    Raises
    ------
    DataError
        If the file is missing, broken or without the splits.
    """
    path = folder / "jsb" / NAME
    path = path if path.is_file() else folder / NAME
    expected, remedy = f"expected chorales of four voices at {path}", "copy the data again"
    try:
        data = json.loads(path.read_text())
        found = {
            split: [np.array(piece, np.int64) for piece in data[key]]
            for split, key in SPLITS.items()
        }
    except OSError as error:
        raise DataError(expected, f"found {error.strerror}", remedy) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(expected, f"found a broken file ({error})", remedy) from error
    if any(not pieces or any(p.shape[1:] != (4,) for p in pieces) for pieces in found.values()):
        raise DataError(expected, "found other ones", remedy)
    return found


def make_voice_set(voices: dict[str, list[Pitches]]) -> VoiceSet:
    """Make rows of the chorales."""
    train = np.concatenate(voices["train"])
    low, high = int(train[train >= 0].min()), int(train.max())
    for split, pieces in voices.items():
        if any((p > high).any() or ((p >= 0) & (p < low)).any() for p in pieces):
            raise DataError(
                f"expected pitches from {low} to {high}, as in training, in {split}",
                "found others",
                "copy the data again",
            )
    index = np.where(train < 0, 0, train - low + 1)
    lowest = [int(voice[voice > 0].min()) for voice in index.T]
    return VoiceSet(
        {split: [voice_rows(p, low) for p in pieces] for split, pieces in voices.items()},
        high - low + 1,
        np.array([lowest, index.max(0)]),
    )


def voice_rows(piece: Pitches, low: int) -> Rows:
    """Return the rows of a piece whose lowest possible pitch is `low`."""
    rows = np.zeros((len(piece) + 1, COLUMNS), np.int64)
    pitches = np.where(piece < 0, 0, piece - low + 1)
    then, length = echoes(pitches)
    rows[1:, :4] = pitches
    for at in range(1, len(rows)):
        rows[at, 4:8] = np.where(
            (rows[at, :4] == rows[at - 1, :4]) & (at > 1), rows[at - 1, 4:8], 0
        )
        rows[at, 4:8] += 1
    rows[1:, 8:12] = then
    rows[:, 12] = np.arange(len(rows))
    rows[1:, 13] = np.where(length > 0, 1 + np.log2(np.maximum(length, 1)), 0)
    return rows


def transpose(rows: Rows, ranges: Pitches, random: np.random.Generator) -> Rows:
    """Transpose a piece by up to SHIFT semitones, each voice within its range."""
    pitches = rows[1:, :4]
    lowest = np.where(pitches > 0, pitches, 10**6).min(0)
    down = max(-SHIFT, int((ranges[0] - lowest).max()))
    up = min(SHIFT, int((ranges[1] - pitches.max(0)).min()))
    shift = int(random.integers(min(down, 0), max(up, 0) + 1))
    moved = rows.copy()
    for columns in (slice(0, 4), slice(8, 12)):
        part = moved[:, columns]
        part[part > 0] += shift
    return moved
