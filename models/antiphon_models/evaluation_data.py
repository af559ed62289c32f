"""What is evaluated: the notes of a data set or of a tree of MIDI files, every note once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from antiphon.errors import DataError
from antiphon_models.data.prepare import MANIFEST, SPLITS, find_midi, load_dataset, read_manifest
from antiphon_models.data.windows import Bars, read_bars
from antiphon_models.events import Piece
from antiphon_models.rolls import BoolArray, IntArray, Kind

Say = Callable[[str], None]

Examples = dict[str, Any]
"""What an evaluation keeps for the plots of its report, besides the figures."""

ALL = "all"


@dataclass(frozen=True)
class Evaluated:
    """Sets that are evaluated.

    Attributes
    ----------
    sets : dict
        Folder -> pieces.
    splits : dict
        Folder -> the split that they are of, or "all".
    trainable : bool
        Whether the data has a train split that is not evaluated.
    refused : int
        MIDI files that could not be read.
    """

    sets: dict[str, list[Piece]]
    splits: dict[str, str]
    trainable: bool
    refused: int = 0


@dataclass
class _Contents:
    """Splits of a folder -> files; an unsplit folder is spread over splits by its reader."""

    files: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    split: bool = True


def read_sets(directory: Path, split: str | None, say: Say) -> Evaluated:
    """Read what is to be evaluated, MIDI files without repair.

    Parameters
    ----------
    directory : Path
        A prepared data set; a tree ``<folder>/<split>/**.mid``; folders of MIDI files without
        splits, which are evaluated whole; or one folder of MIDI files, a set of its name.
    split : str or None
        A split, or "all". None takes validation if any folder has it, else test, else all.
    say : callable
        Told what is left out.

    Raises
    ------
    DataError
        If there is nothing to evaluate.
    """
    prepared = (directory / MANIFEST).is_file()
    contents = _prepared_contents(directory) if prepared else _midi_contents(directory)
    have = {name for found in contents.values() if found.split for name in found.files}
    chosen = split or next((name for name in ("validation", "test") if name in have), ALL)
    plan: dict[str, tuple[str, ...]] = {}
    for folder, found in contents.items():
        if chosen == ALL or not found.split:
            plan[folder] = tuple(found.files)
        elif chosen in found.files:
            plan[folder] = (chosen,)
        else:
            say(f"data: {folder} has no {chosen} split, left out")
    if not plan:
        raise DataError(
            f"expected a {chosen} split in {directory}",
            f"found {', '.join(sorted(have)) or 'none'}",
            "choose another with --split",
        )
    sets: dict[str, list[Piece]] = defaultdict(list)
    for name in SPLITS:
        wanted = [folder for folder, splits in plan.items() if name in splits]
        if not wanted:
            continue
        try:
            loaded = load_dataset(directory, name, repair=False)
        except DataError:  # files that cannot be read, and no others: told below
            continue
        for folder in wanted:
            sets[folder] += [piece for piece in loaded.get(folder, []) if len(piece)]
    sets = {folder: sets[folder] for folder in sorted(plan) if sets.get(folder)}
    planned = sum(contents[folder].files[name] for folder in plan for name in plan[folder])
    refused = planned - sum(map(len, sets.values()))
    if not sets:
        raise DataError(
            f"expected MIDI files with notes in {directory}",
            f"found {refused} without, or that cannot be read",
            "check the files with 'antiphon prepare'",
        )
    if refused:
        say(f"data: {refused} files could not be read")
    splits = {f: chosen if contents[f].split else ALL for f in sets}
    trainable = "train" in have and chosen not in ("train", ALL)
    return Evaluated(sets, splits, trainable, refused)


def read_training(
    directory: Path, found: Evaluated, other: Path | None, say: Say
) -> tuple[dict[str, list[Piece]], str | None]:
    """Read what the baselines are trained on.

    Returns
    -------
    dict, str or None
        Folder -> pieces, and the folder that they come from; nothing if there is no train split.
    """
    source = other if other is not None else directory if found.trainable else None
    if source is None:
        return {}, None
    say(f"baselines: reading {source}")
    training = load_dataset(source, "train", repair=False)
    if other is None:  # of an unsplit folder beside split ones, everything is evaluated
        training = {f: p for f, p in training.items() if found.splits.get(f) != ALL}
    return training, str(source)


def cut_sets(found: Evaluated, kind: Kind, say: Say) -> dict[str, Bars]:
    """Cut the sets into bars; those without music of a kind, or without a beat, are left out.

    Raises
    ------
    DataError
        If that leaves nothing.
    """
    sets = {}
    for folder, pieces in found.sets.items():
        try:
            bars = read_bars({folder: pieces}, kind)
        except DataError:
            say(f"data: {folder} has no {kind} notes on a beat, left out")
            continue
        if len(bars.windows()):
            sets[folder] = bars
        else:
            say(f"data: {folder} has no two bars of {kind} notes in a row, left out")
    if not sets:
        raise DataError(
            f"expected {kind} music with a beat",
            f"found none in {', '.join(found.sets)}",
            "choose another --checkpoint or --data",
        )
    return sets


def choose_windows(bars: Bars, most: int, seed: int) -> IntArray:
    """Choose windows at random: every other bar begins one, or every bar where those are few."""
    windows = bars.windows(hop=2)
    if len(windows) < most:
        windows = bars.windows()
    if len(windows) > most:
        chosen = np.random.default_rng(seed).choice(len(windows), most, replace=False)
        windows = windows[np.sort(chosen)]
    return windows


def cut_in_half(piece: IntArray, seed: int) -> BoolArray:
    """Cut windows into two halves of about equal size, those of one piece staying together.

    Parameters
    ----------
    piece : ndarray
        (windows,): the piece that each is of. A single piece is cut in its middle.
    seed : int
        Chooses the pieces.
    """
    names, index, sizes = np.unique(piece, return_inverse=True, return_counts=True)
    if len(names) == 1:
        return np.arange(len(piece)) < len(piece) // 2
    order = np.random.default_rng(seed).permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order]
    mine = np.zeros(len(names), np.bool_)
    mine[order] = before + sizes[order] / 2 <= len(piece) / 2
    mine[order[0]], mine[order[-1]] = True, False
    return np.asarray(mine[index.ravel()], np.bool_)


def _prepared_contents(directory: Path) -> dict[str, _Contents]:
    contents = {}
    for folder, entry in read_manifest(directory)["sets"].items():
        files = {split: int(found["pieces"]) for split, found in entry["splits"].items()}
        contents[folder] = _Contents(files)
    return contents


def _midi_contents(directory: Path) -> dict[str, _Contents]:
    sources = find_midi(directory) if directory.is_dir() else []
    if not sources:
        raise DataError(
            f"expected a data set or a folder with MIDI files at {directory}",
            "found no .mid file" if directory.is_dir() else "found no such folder",
            "give the folder that holds your MIDI files",
        )
    contents: dict[str, _Contents] = defaultdict(_Contents)
    for source in sources:
        parts = source.path.relative_to(directory).parts
        contents[source.style].files[source.split] += 1
        if not any(part in SPLITS for part in parts[:-1][:2]):
            contents[source.style].split = False
    return dict(contents)
