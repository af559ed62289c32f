"""Reads what the MAT-files of level 5 hold that the benchmark's data need: cells of matrices.

The format is described in MathWorks' "MAT-File Format", chapter 1: a header of 128 bytes, then
elements of a tag (type, size) and a body padded to 8 bytes, each variable deflated by itself.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.errors import DataError

Matrix = npt.NDArray[Any]

HEADER: Final = 128
MATRIX, COMPRESSED = 14, 15
NUMBERS: Final = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"}
CELL: Final = 1


def read_cells(path: Path) -> dict[str, list[Matrix]]:
    """Read the cell arrays of a file.

    Parameters
    ----------
    path : Path
        A MAT-file of level 5, little-endian.

    Returns
    -------
    dict
        Name -> the cells' matrices in order. Variables that are no cell arrays are left out.

    Raises
    ------
    DataError
        If the file is missing, or not of that form.
    """
    expected, remedy = f"expected a MAT-file of level 5 at {path}", "copy the data again"
    try:
        data = path.read_bytes()
        if data[126:128] != b"IM":
            raise ValueError("another format")
        found = {}
        for kind, body in _elements(data[HEADER:]):
            if kind == COMPRESSED:
                kind, body = next(_elements(zlib.decompress(body)))
            name, value = _variable(body) if kind == MATRIX else ("", None)
            if isinstance(value, list):
                found[name] = value
    except OSError as error:
        raise DataError(expected, f"found {error.strerror}", remedy) from error
    except (ValueError, KeyError, struct.error, zlib.error, StopIteration) as error:
        raise DataError(expected, f"found a broken file ({error})", remedy) from error
    return found


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each element."""
    at = 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        if kind >> 16:  # a short element: size and type in one word, the body in the next
            yield kind & 0xFFFF, data[at + 4 : at + 4 + (kind >> 16)]
            at += 8
            continue
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + (size if kind == COMPRESSED else -(-size // 8) * 8)


def _variable(body: bytes) -> tuple[str, Matrix | list[Matrix]]:
    """Return the name and value of a matrix element."""
    (_, flags), (_, sizes), (_, name), *parts = _elements(body)
    shape = np.frombuffer(sizes, "<i4")
    if flags[0] == CELL:
        cells = [_variable(part)[1] for _, part in parts]
        return name.decode("ascii"), [cell for cell in cells if not isinstance(cell, list)]
    kind, values = parts[0]
    return name.decode("ascii"), np.frombuffer(values, NUMBERS[kind]).reshape(shape, order="F")
