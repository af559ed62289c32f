"""Checkpoints: one ``.safetensors`` file with the weights and everything said about them.

The metadata holds strings: ``format`` (version), ``kind`` (player, dic, gan), ``config`` (JSON)
and ``info`` (JSON: data names and licences, metrics, git revision, seed, command, notes
seen). Nothing is ever unpickled. Needs only numpy, so that playing does not load torch.

A player's checkpoint also knows long passages of the music it was trained on, so as not to play
them: :mod:`antiphon_models.passages`.

Weights are in half precision, or in eight bits: a matrix of whole numbers beside which another
array, named :data:`SCALE` besides, holds what the numbers of each row are multiplied by.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from platformdirs import user_data_dir
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from antiphon.errors import CheckpointError

FORMATS: Final = ("1", "2")
"""Versions that can be read: in 1 all is in half precision, in 2 some may be in eight bits."""

SCALE: Final = "/scale"
PASSAGES: Final = "passages"
"""What the array is called that is no weight."""

KINDS: Final = ("player", "dic", "gan")
SUFFIX: Final = ".safetensors"

SHIPPED: Final = Path(__file__).parent / "checkpoints"
"""The checkpoints that come with the package."""


@dataclass(frozen=True)
class CheckpointHeader:
    """What a checkpoint says about itself.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        player, dic or gan.
    config : dict
        Size of the network, as its config class writes it.
    info : dict
        Data, licences, metrics, revision, seed, command, notes seen.
    """

    path: Path
    kind: str
    config: dict[str, Any]
    info: dict[str, Any]


@dataclass(frozen=True)
class Packed:
    """A matrix in eight bits.

    Attributes
    ----------
    numbers : ndarray
        (rows, columns), int8.
    scales : ndarray
        (rows,), float32: what the numbers of each row are multiplied by.
    """

    numbers: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Checkpoint(CheckpointHeader):
    """A checkpoint with what it holds.

    Attributes
    ----------
    weights : dict
        Name -> float32 array.
    passages : ndarray or None
        (bytes,), uint8: of the training music, as :func:`antiphon_models.passages.learn_passages`
        returns them.
    """

    weights: dict[str, npt.NDArray[np.float32]]
    passages: npt.NDArray[np.uint8] | None = None


def save_checkpoint(
    path: Path,
    kind: str,
    config: Mapping[str, Any],
    weights: Mapping[str, npt.NDArray[np.float32] | Packed],
    info: Mapping[str, Any],
    passages: npt.NDArray[np.uint8] | None = None,
) -> None:
    """Write a checkpoint; an existing one is replaced only once the new one is complete.

    Parameters
    ----------
    path : Path
        Where to; folders are made.
    kind : str
        One of KINDS.
    config, info : mapping
        JSON values.
    weights : mapping
        Name -> array. Stored in half precision, which takes half the room and costs nothing
        that an evaluation shows; or what was packed by :mod:`antiphon_models.pack`, as it is.
    passages : ndarray, optional
        As in :class:`Checkpoint`.

    Raises
    ------
    CheckpointError
        If the file cannot be written.
    """
    packed = any(isinstance(weight, Packed) for weight in weights.values())
    kept: dict[str, npt.NDArray[Any]] = {}
    for name, weight in weights.items():
        if isinstance(weight, Packed):
            kept[name] = np.ascontiguousarray(weight.numbers)
            kept[name + SCALE] = np.ascontiguousarray(weight.scales)
        else:
            vector = packed and weight.ndim == 1  # few, and no longer as they were trained
            kept[name] = np.array(weight, np.float32 if vector else np.float16, order="C")
    if passages is not None:
        kept[PASSAGES] = passages
    metadata = {
        "format": FORMATS[packed],
        "kind": kind,
        "config": json.dumps(config),
        "info": json.dumps(info, ensure_ascii=False),
    }
    temporary = path.with_name(path.name + ".tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(kept, temporary, metadata)
        temporary.chmod(0o644)  # made for the owner alone, but others may play it too
        temporary.replace(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"expected to write a checkpoint to {path}", f"found {error}", "choose another folder"
        ) from error


def read_header(path: Path, kind: str | None = None) -> CheckpointHeader:
    """Read what a checkpoint says about itself, without its weights.

    Raises
    ------
    CheckpointError
        As :func:`load_checkpoint`.
    """
    return _read(path, kind, weights=False)


def load_checkpoint(path: Path, kind: str | None = None) -> Checkpoint:
    """Read a checkpoint.

    Parameters
    ----------
    path : Path
        The file.
    kind : str, optional
        Which kind it must be; any if not given.

    Raises
    ------
    CheckpointError
        If it is missing, broken, of an unknown format version or of another kind.
    """
    return _read(path, kind, weights=True)


def _read(path: Path, kind: str | None, *, weights: bool) -> Checkpoint:
    wanted = f"expected a checkpoint at {path}"
    remedy = "copy or train it again"
    if not path.is_file():
        raise CheckpointError(wanted, "found no such file", "see 'antiphon models'")
    arrays: dict[str, npt.NDArray[np.float32]] = {}
    passages: npt.NDArray[np.uint8] | None = None
    try:
        with safe_open(path, framework="np") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") in FORMATS and weights:
                for name in file.keys():  # noqa: SIM118, not a mapping
                    if name == PASSAGES:
                        passages = file.get_tensor(name)
                    else:
                        arrays[name] = file.get_tensor(name).astype(np.float32)
        for name in [name for name in arrays if name.endswith(SCALE)]:
            arrays[name.removesuffix(SCALE)] *= arrays.pop(name)[:, None]
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, IndexError) as error:
        raise CheckpointError(wanted, f"found a broken file ({error})", remedy) from error
    version = metadata.get("format", "none")
    if version not in FORMATS:
        raise CheckpointError(
            f"expected a checkpoint of format {' or '.join(FORMATS)} at {path}",
            f"found format {version}",
            "update Antiphon, or train it again",
        )
    found = metadata.get("kind", "none")
    if found not in KINDS or (kind is not None and found != kind):
        raise CheckpointError(
            f"expected a {kind or 'known'} checkpoint at {path}",
            f"found one of kind {found}",
            "choose another file, see 'antiphon models'",
        )
    try:
        config, info = json.loads(metadata["config"]), json.loads(metadata["info"])
        if not (isinstance(config, dict) and isinstance(info, dict)):
            raise ValueError("no tables")
    except (KeyError, ValueError) as error:
        raise CheckpointError(wanted, f"found broken metadata ({error})", remedy) from error
    if passages is not None and not (passages.dtype == np.uint8 and passages.ndim == 1):
        raise CheckpointError(wanted, f"found {PASSAGES} that are no row of bytes", remedy)
    return Checkpoint(path, found, config, info, arrays, passages)


def user_checkpoints() -> Path:
    """Return the folder where the user's own checkpoints lie."""
    return Path(user_data_dir("antiphon")) / "checkpoints"


def find_checkpoints() -> list[CheckpointHeader | CheckpointError]:
    """Read the headers of the shipped checkpoints, then of the user's, each sorted by name.

    A file that cannot be used is listed by its error.
    """
    found: list[CheckpointHeader | CheckpointError] = []
    for folder in (SHIPPED, user_checkpoints()):
        for path in sorted(folder.glob(f"*{SUFFIX}")):
            try:
                found.append(read_header(path))
            except CheckpointError as error:
                found.append(error)
    return found


def git_revision() -> str:
    """Return the commit that this code was run from, or "unknown"."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip() or "unknown"
