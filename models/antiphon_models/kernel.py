"""The compiled part of a player's step, and how it is found.

``kernels/step.c`` is plain C that needs nothing around it; ``tools/build_kernels.py`` compiles
it for every platform that Antiphon runs on, and the results (10 to 50 KB each) come with the
package, so that playing needs no compiler. Where none fits (another platform, a processor
without AVX2) or one does not give the right results, :func:`load_kernel` returns None and numpy
does the work.

Needs only numpy.
"""

from __future__ import annotations

import ctypes
import platform
import sys
from collections.abc import Sequence
from ctypes import c_char, c_float, c_int32, c_void_p
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Int8Array = npt.NDArray[np.int8]

KERNELS: Final = Path(__file__).parent / "kernels"

LANES: Final = 8
"""Vectors have a multiple of this many places."""

_COLUMNS, _ROWS = 32, 4  # as in step.c
_LEVELS: Final = 127

_SYSTEMS: Final = {"linux": "linux", "darwin": "macos", "win32": "windows"}
_MACHINES: Final = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
_SUFFIXES: Final = {"linux": ".so", "macos": ".dylib", "windows": ".dll"}


def kernel_path(system: str, machine: str) -> Path | None:
    """Return the file of the kernel for a ``sys.platform`` and ``platform.machine()``."""
    named, processor = _SYSTEMS.get(system), _MACHINES.get(machine.lower())
    if named is None or processor is None:
        return None
    return KERNELS / f"step-{named}-{processor}{_SUFFIXES[named]}"


class _Linear(ctypes.Structure):
    _fields_ = (
        ("rows", c_int32),
        ("cols", c_int32),
        ("weights", c_void_p),
        ("scales", c_void_p),
        ("bias", c_void_p),
        ("rounded", c_void_p),
        ("most", c_int32),
    )


def round_rows(weight: FloatArray) -> tuple[Int8Array, FloatArray]:
    """Round a matrix (rows, cols) to integers -127..127 and one scale (rows,) for each row."""
    scales = np.abs(weight).max(axis=1) / np.float32(_LEVELS)
    scales[scales == 0] = 1
    return np.rint(weight / scales[:, None]).astype(np.int8), scales


class Linear:
    """A matrix and a bias as the kernel takes them.

    Parameters
    ----------
    weight : ndarray
        (rows, cols), float32; the columns are a multiple of LANES.
    bias : ndarray
        (rows,), float32.

    Attributes
    ----------
    rows : int
        Rows with those that were added to fill up.
    bias : ndarray
        (rows,); what is written into it counts from the next product on.
    pointer : c_void_p
        What the kernel's functions take.
    """

    def __init__(self, weight: FloatArray, bias: FloatArray) -> None:
        rows, cols = weight.shape
        if cols % LANES:
            raise ValueError(f"columns must be a multiple of {LANES}, got {cols}")
        self.rows, wide = _fill(rows, _ROWS), _fill(cols, _COLUMNS)
        numbers, scales = round_rows(weight)
        padded = np.zeros((self.rows, wide), np.int8)
        padded[:rows, :cols] = numbers
        self._weights = _pack(padded)
        self._scales, self.bias = (np.zeros(self.rows, np.float32) for _ in range(2))
        self._scales[:rows], self.bias[:rows] = scales, bias
        self._rounded = np.zeros(wide, np.int16)
        most = min((2**31 - 1) // (2 * _LEVELS + 1) // wide, 2**15 - 1)
        arrays = (self._weights, self._scales, self.bias, self._rounded)
        self._struct = _Linear(self.rows, cols, *(address(a) for a in arrays), most)
        self.pointer = c_void_p(ctypes.addressof(self._struct))


class _Tables(ctypes.Structure):
    _fields_ = (
        ("rows", c_void_p),
        ("starts", c_void_p),
        ("ids", c_void_p),
        ("count", c_int32),
        ("width", c_int32),
    )


class Tables:
    """Tables of vectors, of each of which a row is summed, as the kernel takes them.

    Parameters
    ----------
    tables : sequence of ndarray
        (rows, width) each, float32.
    width : int
        Length of a vector, a multiple of LANES.

    Attributes
    ----------
    ids : ctypes array
        The rows that are meant, one for each table; the kernel refuses those that are not there.
    pointer : c_void_p
        What the kernel's functions take.
    """

    def __init__(self, tables: Sequence[FloatArray], width: int) -> None:
        count = len(tables)
        self._rows = np.concatenate([*tables, np.zeros((1, width), np.float32)])
        self._starts = (c_int32 * (count + 1))(*accumulate(map(len, tables), initial=0))
        self.ids = (c_int32 * count)()
        starts, ids = ctypes.addressof(self._starts), ctypes.addressof(self.ids)
        self._struct = _Tables(address(self._rows), starts, ids, count, width)
        self.pointer = c_void_p(ctypes.addressof(self._struct))


class Kernel:
    """The functions of a kernel; ``step.c`` says what each does.

    They are short, so they keep Python's lock: letting go of it would cost more, and a thread
    that wants it back has to wait.

    Raises
    ------
    OSError, AttributeError
        If the file is no library, or lacks a function.
    """

    def __init__(self, path: Path) -> None:
        library = ctypes.PyDLL(str(path))
        pointer, number, real = c_void_p, c_int32, c_float

        def function(name: str, *types: Any, result: Any = None) -> Any:
            found = getattr(library, f"antiphon_{name}")
            found.argtypes, found.restype = types, result
            return found

        self.usable = function("usable", result=number)
        self.embed = function("embed", pointer, pointer, pointer, result=number)
        self.lstm = function("lstm", pointer, real, pointer, pointer, pointer)
        self.recur = function("recur", pointer, pointer, real, pointer, pointer, pointer)
        self.trunk = function("trunk", pointer, real, pointer, pointer, pointer)
        self.linear = function("linear", pointer, pointer, pointer)
        self.head = function("head", *[pointer] * 5, result=number)
        self.draw = function(
            "draw", pointer, pointer, number, real, real, real, pointer, result=number
        )


@cache
def load_kernel() -> Kernel | None:
    """Return the kernel for this machine, or None where numpy has to do."""
    path = kernel_path(sys.platform, platform.machine())
    if path is None or not path.is_file():
        return None
    try:
        kernel = Kernel(path)
    except (OSError, AttributeError):  # not for this system after all, or forbidden by it
        return None
    return kernel if kernel.usable() and is_right(kernel) else None


def is_right(kernel: Kernel) -> bool:
    """Tell whether a kernel multiplies, normalises, bends and draws as numpy does."""
    random = np.random.default_rng(0)

    def normal(*shape: int) -> FloatArray:
        return random.normal(0, 1, shape).astype(np.float32)

    width, classes = 40, 11
    x, memory, room = normal(width), normal(3, width), np.empty(4 * width, np.float32)
    entry, (_, hidden, cell) = (x - x.mean()) / x.std(), memory
    matrix, rounded, bias = _matrix(normal(4 * width, 2 * width), normal(4 * width))
    gates = rounded @ np.concatenate([entry, hidden]) + bias
    write, forget, show = (np.tanh(gates[: 3 * width]) * 0.5 + 0.5).reshape(3, width)
    cell = forget * cell + write * np.tanh(gates[3 * width :])
    out = show * np.tanh(cell)
    expected = np.concatenate([x + out, entry, out, cell])
    kernel.lstm(matrix.pointer, 0.0, *map(address, (x, memory, room)))
    if not np.allclose(np.concatenate([x, memory.ravel()]), expected, atol=2e-3, rtol=0):
        return False

    x, state = normal(width), normal(width)
    entry = (x - x.mean()) / x.std()
    enter, rounded, bias = _matrix(normal(3 * width, width), normal(3 * width))
    update, candidate, show = (rounded @ entry + bias).reshape(3, width)
    kept = state + (np.tanh(update) * 0.5 + 0.5) * (candidate - state)
    leave, rounded, bias = _matrix(normal(width, width), normal(width))
    out = rounded @ (kept * show * (1 + np.tanh(show))) + bias
    expected = np.concatenate([x + out, kept])
    kernel.recur(enter.pointer, leave.pointer, 0.0, *map(address, (x, state, room)))
    if not np.allclose(np.concatenate([x, state]), expected, atol=2e-2, rtol=1e-3):
        return False

    logits = 2 * normal(classes)
    chances = np.cumsum(np.exp(logits.astype(np.float64)))
    for uniform in (0.0, 0.2, 0.5, 0.8, 0.999):
        index = int(np.searchsorted(chances, uniform * chances[-1], side="right"))
        if kernel.draw(address(logits), None, classes, uniform, 1, 0, address(room)) != index:
            return False
    return True


def _matrix(weight: FloatArray, bias: FloatArray) -> tuple[Linear, FloatArray, FloatArray]:
    """Return a matrix for the kernel, and what it is after rounding."""
    numbers, scales = round_rows(weight)
    return Linear(weight, bias), numbers * scales[:, None], bias


def address(array: npt.NDArray[Any]) -> int:
    """Return where a C-contiguous array's first element lies; the array has to outlive it."""
    if array.flags.writeable:  # a third of the time of the way below
        return ctypes.addressof(c_char.from_buffer(array.data))
    return int(array.ctypes.data)


def _pack(numbers: Int8Array) -> npt.NDArray[np.uint8]:
    """Lay out int8 numbers (rows, cols) as the kernel reads them, on a cache line's start.

    Four rows by turns, 32 columns of each; of these the first 16, plus 128, are the low bytes of
    16-bit words, the last 16 the high bytes.
    """
    rows, cols = numbers.shape
    parts = numbers.reshape(rows // _ROWS, _ROWS, cols // _COLUMNS, 2, _COLUMNS // 2)
    room = np.empty(numbers.size + 63, np.uint8)
    start = -address(room) % 64
    packed = room[start : start + numbers.size].reshape(rows // _ROWS, -1, _ROWS, _COLUMNS // 2, 2)
    packed[:] = parts.transpose(0, 2, 1, 4, 3).view(np.uint8)
    packed[..., 0] += 128
    return packed


def _fill(count: int, of: int) -> int:
    return -(-count // of) * of
