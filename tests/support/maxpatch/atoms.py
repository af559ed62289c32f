"""Atoms and messages, and how the text of a box is read.

Source: Max's user guide, "Messages" and "Arguments": a message is a selector and atoms; a number
alone is the message ``int`` or ``float``, several atoms that begin with a number are a ``list``,
and a symbol in front is itself the selector.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

Atom = int | float | str

_INT = re.compile(r"[-+]?\d+")
_FLOAT = re.compile(r"[-+]?(\d+\.\d*|\.\d+)([eE][-+]?\d+)?|[-+]?\d+[eE][-+]?\d+")


class PatchError(Exception):
    """A patch that Max would not run as meant: unknown class or message, bad cord, and so on."""


class Message(NamedTuple):
    """A selector and its arguments.

    Attributes
    ----------
    selector : str
        ``bang``, ``int``, ``float``, ``list``, or any other word.
    args : tuple of int, float or str
    """

    selector: str
    args: tuple[Atom, ...] = ()

    @property
    def atoms(self) -> tuple[Atom, ...]:
        """What would be typed to send it: without the words that Max adds by itself."""
        if self.selector in ("int", "float", "list"):
            return self.args
        return (self.selector, *self.args)

    def __str__(self) -> str:
        return " ".join(str(atom) for atom in self.atoms)


BANG = Message("bang")


def message(atoms: Iterable[Atom]) -> Message:
    """Make the message that Max makes of a row of atoms; nothing at all is a bang."""
    row = tuple(atoms)
    if not row:
        return BANG
    first = row[0]
    if isinstance(first, str):
        if first == "list":
            return message(row[1:])
        if first in ("int", "float") and len(row) == 2 and not isinstance(row[1], str):
            return number(int(row[1]) if first == "int" else float(row[1]))
        return Message(first, row[1:])
    return number(first) if len(row) == 1 else Message("list", row)


def number(value: float) -> Message:
    """Make the message of one number."""
    return Message("float" if isinstance(value, float) else "int", (value,))


def atom(word: str) -> Atom:
    """Read one word as Max does: a whole number, a number with a point, or a symbol."""
    if _INT.fullmatch(word):
        return int(word)
    if _FLOAT.fullmatch(word):
        return float(word)
    return word


@cache
def words(text: str) -> tuple[str, ...]:
    r"""Split the text of a box at white space; ``,`` and ``;`` stand alone unless escaped.

    Quotes join words into one symbol, and ``\`` takes the next sign as it is. What was quoted or
    escaped comes back with a leading NUL, so that it is never taken for a number or a separator.
    """
    found: list[str] = []
    now, quoted, plain = "", False, True
    signs = iter(text)

    def end() -> None:
        nonlocal now, plain
        if now or not plain:
            found.append(now if plain else "\0" + now)
        now, plain = "", True

    for sign in signs:
        if sign == "\\":
            now, plain = now + next(signs, ""), False
        elif sign == '"':
            quoted, plain = not quoted, False
        elif quoted or not (sign.isspace() or sign in ",;"):
            now += sign
        else:
            end()
            if sign in ",;":
                found.append(sign)
    end()
    return tuple(found)


def read_word(word: str) -> Atom:
    """Turn a word of :func:`words` into an atom."""
    return word[1:] if word.startswith("\0") else atom(word)


def arguments(text: str) -> tuple[str, list[Atom], dict[str, list[Atom]]]:
    """Read the text of an object box: its class, its arguments and its ``@attributes``.

    Raises
    ------
    PatchError
        If the box is empty.
    """
    row = words(text)
    if not row:
        raise PatchError("an object box without text")
    name, *rest = row
    args: list[Atom] = []
    attributes: dict[str, list[Atom]] = {}
    into = args
    for word in rest:
        if word.startswith("@"):
            into = attributes.setdefault(word[1:], [])
        else:
            into.append(read_word(word))
    return str(read_word(name)), args, attributes


def same(one: Atom, other: Atom) -> bool:
    """Whether ``select`` and ``route`` would take two atoms for the same."""
    return type(one) is type(other) and one == other


def check_numbers(atoms: Sequence[Atom], what: str) -> None:
    """Raise :class:`PatchError` if one of the atoms is a symbol."""
    if any(isinstance(item, str) for item in atoms):
        raise PatchError(f"{what} takes numbers, got {' '.join(map(str, atoms))}")
