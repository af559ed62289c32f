"""A folder of results with an index: all of its files are written, or none, and none is lost.

What a command wrote is listed in the folder's ``index.json``. Only that is written over.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from antiphon import __version__
from antiphon.errors import AntiphonError, MidiFileError

INDEX: Final = "index.json"


def encode_index(content: Mapping[str, Any]) -> bytes:
    """Return an index; its ``files`` name the files written (``file``, and perhaps ``picture``)."""
    whole = {"antiphon": __version__, **content}
    return (json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def check_folder(folder: Path, names: Collection[str], inputs: Sequence[Path]) -> None:
    """Make sure that writing into a folder would neither lose nor mix up anything.

    Parameters
    ----------
    folder : Path
        May not exist yet.
    names : collection of str
        The files to be written, but for the index.
    inputs : sequence of Path
        Files that must stay.

    Raises
    ------
    MidiFileError
        If a file would be lost that is not of an earlier run, or an earlier run's would be left
        among those of this one.
    """
    try:
        if not folder.exists():
            return
        if not folder.is_dir():
            raise _refusal(f"{folder} is a file", "name a folder")
        present = {path.name for path in folder.iterdir()}
        listed = _listed(folder) if INDEX in present else set()
        if listed is None:
            raise _refusal(f"{folder} has an index.json of another program", "name another folder")
        for path in inputs:
            if any(n in present and (folder / n).samefile(path) for n in names):
                raise _refusal(f"{path} would be written over", "name another folder")
        lost = sorted(present & set(names) - listed)
        if lost:
            found = f"{folder} has {_some(lost)}, which no index.json there lists"
            raise _refusal(found, "name another folder")
        stale = sorted(present & listed - set(names))
        if stale:
            found = (
                f"{folder} has {_some(stale)} of an earlier run, which this one would not replace"
            )
            raise _refusal(found, "remove the folder, or name another")
    except OSError as error:
        raise _unwritable(folder, error) from None


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, in their order; if one cannot be written, leave the folder as it was.

    Raises
    ------
    MidiFileError
        If one cannot be written.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    scratch = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=folder, prefix=".antiphon-"))
        for name, data in files.items():
            with (scratch / name).open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        _move(scratch, folder, list(files))
    except BaseException as error:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        for path in made:
            with suppress(OSError):  # it was not made, or somebody has put something there
                path.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from None
        raise
    shutil.rmtree(scratch, ignore_errors=True)


def _move(scratch: Path, folder: Path, names: Sequence[str]) -> None:
    """Move files into place, or put back those that were there before."""
    old, moved = scratch / "old", list[str]()
    old.mkdir()
    try:
        for name in names:
            if (folder / name).exists():
                (folder / name).rename(old / name)
            (scratch / name).rename(folder / name)
            moved.append(name)
    except BaseException:
        for name in moved:
            (folder / name).unlink()
        for path in old.iterdir():
            path.rename(folder / path.name)
        raise


def _listed(folder: Path) -> set[str] | None:
    """Return the files that the folder's index names; None if the index is not ours."""
    try:
        index = json.loads((folder / INDEX).read_bytes())
        if "antiphon" not in index:
            return None
        rows = index["files"]
        names = {str(row[key]) for row in rows for key in ("file", "picture") if key in row}
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return names - {INDEX}


def _some(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def _refusal(found: str, remedy: str) -> AntiphonError:
    return MidiFileError("a new folder, or one of an earlier run, is needed", found, remedy)


def _unwritable(folder: Path, error: OSError) -> AntiphonError:
    reason = error.strerror or str(error)
    return MidiFileError(
        "a folder to write MIDI files into is needed",
        f"{folder} cannot be written ({reason})",
        "choose another folder",
    )
