"""The kinds of OSC arguments, each with its range and the reading of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from antiphon.commands import Refusal
from antiphon.osc.codec import Argument

MAX_STRING: Final = 64


class RefusedError(Exception):
    """A message that is not carried out."""

    def __init__(self, code: Refusal) -> None:
        self.code = code
        super().__init__(code.name)


@dataclass(frozen=True, slots=True)
class Whole:
    """An argument that is a whole number, both ends included."""

    name: str
    low: int
    high: int

    def read(self, value: Argument) -> int:
        """Return the number, a float being taken when it is integral."""
        number = _number(value)
        if not math.isfinite(number):
            raise RefusedError(Refusal.OUT_OF_RANGE)
        if number != int(number):
            raise RefusedError(Refusal.WRONG_ARGUMENTS)
        if not self.low <= number <= self.high:
            raise RefusedError(Refusal.OUT_OF_RANGE)
        return int(number)


@dataclass(frozen=True, slots=True)
class Real:
    """An argument that is a number, both ends included."""

    name: str
    low: float
    high: float

    def read(self, value: Argument) -> float:
        """Return the number; NaN and infinities are out of range."""
        number = _number(value)
        if not (math.isfinite(number) and self.low <= number <= self.high):
            raise RefusedError(Refusal.OUT_OF_RANGE)
        return float(number)


@dataclass(frozen=True, slots=True)
class Text:
    """An argument that is a short string."""

    name: str

    def read(self, value: Argument) -> str:
        """Return the string."""
        if not isinstance(value, str):
            raise RefusedError(Refusal.WRONG_ARGUMENTS)
        if not 0 < len(value) <= MAX_STRING:
            raise RefusedError(Refusal.OUT_OF_RANGE)
        return value


@dataclass(frozen=True, slots=True)
class WholeOrText:
    """An argument that is an index or the name it stands for."""

    name: str
    low: int
    high: int

    def read(self, value: Argument) -> int | str:
        """Return the index or the name."""
        if isinstance(value, str):
            return Text(self.name).read(value)
        return Whole(self.name, self.low, self.high).read(value)


Field = Whole | Real | Text | WholeOrText
Value = int | float | str


def _number(value: Argument) -> int | float:
    # A bool is an int to Python; the codec makes none, but a caller might.
    if isinstance(value, (str, bool)):
        raise RefusedError(Refusal.WRONG_ARGUMENTS)
    return value
