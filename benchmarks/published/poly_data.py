"""JSB, Nottingham, MuseData and Piano-midi as frames of 88 pitches, in their canonical splits.

The sets are those of Boulanger-Lewandowski et al. 2012; every piece is in C major or C minor.
A piece becomes rows (:mod:`published.streams`) with the columns

``0 .. P-1``     the pitches that sound in this frame, P of them: the range of the training set
``P .. 2P-1``    those that followed the last time it went as it goes now (the *echo*)
``2P .. 3P-1``   for how many frames each has sounded, or has been silent (below zero)
``3P``           frames since the beginning
``3P + 1``       how many frames have gone as they did then, as a bucket of ECHO_BUCKETS
``3P + 2``       how many notes sound outside of the range, which no network here predicts

The echo looks back within the piece itself only, and never at a frame to come.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.errors import DataError, UsageError
from published.mat import read_cells
from published.streams import Rows

SETS: Final = {
    "jsb": "JSB_Chorales.mat",
    "nottingham": "Nottingham.mat",
    "musedata": "MuseData.mat",
    "piano": "Piano_midi.mat",
}
SPLITS: Final = {"train": "traindata", "validation": "validdata", "test": "testdata"}
PITCHES: Final = 88
ECHO_LONGEST: Final = 32
ECHO_BUCKETS: Final = 7
"""No echo, then 1, 2-3, 4-7, 8-15, 16-31 and 32 frames or more."""

Frames = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PolySet:
    """A data set as rows.

    Attributes
    ----------
    rows : dict
        Split -> pieces, (1 + frames, 3P + 3) each.
    pitches : int
        P.
    marginal : array
        (P,): the share of the training frames in which each pitch sounds, smoothed.
    outside : float
        Nats a frame that the silence of the 88 - P pitches that never sound in training costs;
        a note there costs the logarithm of :attr:`odds` besides.
    odds : float
        Of silence against a note of a pitch that never sounds in training.
    """

    rows: dict[str, list[Rows]]
    pitches: int
    marginal: npt.NDArray[np.float64]
    outside: float
    odds: float

    def unheard(self, pieces: list[Rows], *, first: bool = True) -> float:
        """Return the nats a frame of the pitches out of range, with or without first frames."""
        notes = np.concatenate([piece[1 if first else 2 :, -1] for piece in pieces])
        return self.outside + float(notes.mean() * np.log(self.odds))


def load_frames(folder: Path, name: str) -> dict[str, list[Frames]]:
    """Read one of SETS.

    Parameters
    ----------
    folder : Path
        Holds the MAT-files, or a folder ``poly_music`` that does.
    name : str
        One of SETS.

    Returns
    -------
    dict
        Split -> pieces, (frames, 88) each.

    Raises
    ------
    DataError
        If the file is missing, broken or without the splits.
    """
    if name not in SETS:
        raise UsageError(f"expected sets among {', '.join(SETS)}", f"found {name!r}", "correct it")
    path = folder / "poly_music" / SETS[name]
    path = path if path.is_file() else folder / SETS[name]
    cells = read_cells(path)
    found = {split: cells.get(variable, []) for split, variable in SPLITS.items()}
    for split, pieces in found.items():
        if not pieces or any(piece.shape[1:] != (PITCHES,) for piece in pieces):
            raise DataError(
                f"expected frames of {PITCHES} pitches as {SPLITS[split]} in {path}",
                "found none, or others",
                "copy the data again",
            )
    return {split: [piece != 0 for piece in pieces] for split, pieces in found.items()}


def make_set(frames: dict[str, list[Frames]]) -> PolySet:
    """Make rows of frames."""
    heard = np.concatenate(frames["train"])  # (frames, 88)
    used = np.flatnonzero(heard.any(0))
    low, high = int(used[0]), int(used[-1]) + 1
    never = 0.5 / (len(heard) + 1)
    return PolySet(
        {split: [piece_rows(p, low, high) for p in pieces] for split, pieces in frames.items()},
        high - low,
        (heard[:, low:high].sum(0) + 0.5) / (len(heard) + 1),
        -float(np.log1p(-never)) * (PITCHES - high + low),
        (1 - never) / never,
    )


def piece_rows(frames: Frames, low: int, high: int) -> Rows:
    """Return the rows of a piece, with the pitches from `low` up to, not including, `high`."""
    pitches = high - low
    echo, length = echoes(frames)
    rows = np.zeros((len(frames) + 1, 3 * pitches + 3), np.int64)
    rows[1:, :pitches] = frames[:, low:high]
    rows[1:, pitches : 2 * pitches] = echo[:, low:high]
    rows[1:, 2 * pitches : 3 * pitches] = ages(frames[:, low:high])
    rows[:, 3 * pitches] = np.arange(len(rows))
    rows[1:, 3 * pitches + 1] = np.where(length > 0, 1 + np.log2(np.maximum(length, 1)), 0)
    rows[1:, 3 * pitches + 2] = frames.sum(1) - frames[:, low:high].sum(1)
    return rows


def ages(frames: Frames) -> npt.NDArray[np.int64]:
    """Return for how many frames each pitch has been on, or off (below zero), like `frames`."""
    found = np.zeros(frames.shape, np.int64)
    age = np.zeros(frames.shape[1], np.int64)
    before = np.zeros(frames.shape[1], bool)
    for at, now in enumerate(frames):
        age = np.where(now == before, age + 1, 1)
        found[at] = np.where(now, age, -age)
        before = now
    return found


def echoes(frames: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Find where the last frames occurred before, and what came after them then.

    Of all earlier places where the longest run of frames up to now occurred (ECHO_LONGEST at
    most), the latest counts.

    Returns
    -------
    array, array
        Of the shape of `frames`: what followed then, zeros if there was no such place; and
        (frames,): the run's length, 0 if there was none.
    """
    echo = np.zeros_like(frames)
    length = np.zeros(len(frames), np.int64)
    _, kinds = np.unique(frames, axis=0, return_inverse=True)
    runs = np.zeros(len(frames), np.int64)  # of the frames up to each earlier one
    for now in range(1, len(frames)):
        shifted = np.concatenate([[0], runs[: now - 1]])
        runs[:now] = np.where(kinds[:now] == kinds[now], np.minimum(shifted + 1, ECHO_LONGEST), 0)
        length[now] = runs[:now].max()
        if length[now]:
            then = now - 1 - int(np.argmax(runs[:now][::-1]))
            echo[now] = frames[then + 1]
    return echo, length
