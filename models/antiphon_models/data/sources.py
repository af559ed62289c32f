"""Finds the MIDI files of a tree, with their set and split, and reads them side by side."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from antiphon.errors import DataError
from antiphon_models.data.faults import RefusedFileError, Repairs
from antiphon_models.data.fingerprint import Fingerprint, fingerprint
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.repair import repair
from antiphon_models.events import Piece

SPLITS: Final = ("train", "validation", "test")

Progress = Callable[[int, int, str], None]
"""Called with files done, files in all, and the file's name."""

_FEW: Final = 32
"""Fewer files than this are read faster by one process."""


@dataclass(frozen=True)
class Source:
    """A MIDI file and its place in a data set; loose if its folder did not say the split."""

    path: Path
    style: str
    split: str
    name: str
    loose: bool = False

    def __str__(self) -> str:
        return f"{self.style}/{self.split}/{self.name}"


@dataclass(frozen=True)
class Reading:
    """What became of a MIDI file.

    Attributes
    ----------
    piece, print : Piece, Fingerprint or None
        The notes and their fingerprint; None if the file was refused. Without repair there is
        no fingerprint.
    repairs : Counter
        How often each sort of fault was repaired.
    refused, sort : str
        Why the file was refused, in a line and by sort, or empty.
    """

    piece: Piece | None = None
    print: Fingerprint | None = None
    repairs: Repairs = field(default_factory=Repairs)
    refused: str = ""
    sort: str = ""


def find_midi(directory: Path) -> list[Source]:
    """List the MIDI files of a tree, sorted.

    ``<style>/<split>/**`` is kept as it is. Where there are no folders named train,
    validation or test, a hash of the path puts one file in ten into validation, and at
    least one of two or more.
    """
    sources: list[Source] = []
    loose: dict[str, list[Source]] = defaultdict(list)
    for path in sorted(p for p in directory.rglob("*") if p.suffix.lower() in (".mid", ".midi")):
        parts = path.relative_to(directory).parts
        if len(parts) > 1 and parts[0] in SPLITS:
            style, split, name = directory.resolve().name, parts[0], "/".join(parts[1:])
        elif len(parts) > 2 and parts[1] in SPLITS:
            style, split, name = parts[0], parts[1], "/".join(parts[2:])
        else:
            style = parts[0] if len(parts) > 1 else directory.resolve().name
            name = "/".join(parts[1:]) or parts[0]
            loose[style].append(Source(path, style, "", name))
            continue
        sources.append(Source(path, style, split, name))
    for found in loose.values():
        sources += _split_by_hash(found)
    return sorted(sources, key=lambda source: source.path)


def require_midi(directory: Path) -> list[Source]:
    """List the MIDI files of a tree as :func:`find_midi`, at least one.

    Raises
    ------
    DataError
        If there is no such folder, or no MIDI file in it.
    """
    sources = find_midi(directory) if directory.is_dir() else []
    if not sources:
        raise DataError(
            f"expected a folder with MIDI files at {directory}",
            "found no .mid file" if directory.is_dir() else "found no such folder",
            "give the folder that holds your MIDI files",
        )
    return sources


def read_all(
    sources: Sequence[Source], mend: bool, progress: Progress | None = None, workers: int = 2
) -> Iterator[Reading]:
    """Read files in order.

    Parameters
    ----------
    sources : sequence of Source
        What to read.
    mend : bool
        Whether to repair the pieces and compute their fingerprints.
    progress : callable, optional
        Told about every file.
    workers : int
        Processes to read with, at most one a processor.
    """
    jobs = [(source, mend) for source in sources]
    workers = min(workers, os.cpu_count() or 1)
    if workers < 2 or len(jobs) < _FEW:
        yield from _counted(map(_read_one, jobs), sources, progress)
        return
    # Threads of the parent (torch, MIDI) do not survive a fork: start fresh processes.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from _counted(pool.map(_read_one, jobs, chunksize=8), sources, progress)


def _split_by_hash(found: Sequence[Source]) -> list[Source]:
    digests = [hashlib.sha256(os.fsencode(s.name)).digest() for s in found]
    chosen = {d for d in digests if d[0] < 26}
    if len(found) > 1:
        chosen.add(min(digests))
        chosen.discard(max(digests))
    return [
        Source(s.path, s.style, "validation" if digest in chosen else "train", s.name, True)
        for s, digest in zip(found, digests, strict=True)
    ]


def _read_one(job: tuple[Source, bool]) -> Reading:
    source, mend = job
    repairs = Repairs()
    try:
        piece = read_midi(source.path, source.style, source.name, repairs if mend else None)
    except RefusedFileError as error:
        return Reading(refused=str(error), sort=error.sort)
    if not mend:
        return Reading(piece)
    piece = repair(piece, repairs)
    return Reading(piece, fingerprint(piece), +repairs)


def _counted(
    readings: Iterator[Reading], sources: Sequence[Source], progress: Progress | None
) -> Iterator[Reading]:
    for done, (reading, source) in enumerate(zip(readings, sources, strict=True), 1):
        if progress is not None:
            progress(done, len(sources), str(source))
        yield reading
