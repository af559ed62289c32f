"""A script without what only people need: comments, indentation, blanks between signs.

It is meant for the scripts of this folder: they have no regular expressions, and nothing in them
begins with a slash but comments and divisions.
"""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      (?P<comment> //[^\n]* )
    | (?P<space> [ \n]+ )
    | (?P<text> "[^"\n]*" )
    | (?P<word> [\w$.]+ )
    | (?P<sign> [^\s\w"] )
    """,
    re.VERBOSE,
)


_TWO_VARS: Final = re.compile(r"(?:(?<=[\n;{}])|^)(var [^;{}]*);var ")
"""A declaration that follows another; neither is part of an ``if`` or ``for``."""

_CONSTANT: Final = re.compile(r"^var ([A-Z][A-Z_]*) = (-?[\d.]+);.*\n", re.MULTILINE)


def tight(script: str) -> bytes:
    """Return a script that does the same in fewer bytes.

    Constants that are numbers stand where they are used, and declarations are joined. A line's end
    is kept, unless a sign before or after it says whether the statement is over.

    Raises
    ------
    ValueError
        If there is something that this function does not know.
    """
    constants = dict(_CONSTANT.findall(script))
    script = _CONSTANT.sub("", script)
    out, before, gap, place = "", "", "", 0
    for token in _TOKEN.finditer(script):
        if token.start() != place:
            raise ValueError(
                f"expected a script of this folder, got {script[place : place + 20]!r}"
            )
        place = token.end()
        kind, now = token.lastgroup, constants.get(token[0], token[0])
        if kind == "comment":
            continue
        if kind == "space":
            gap = "\n" if "\n" in gap + now else " "
            continue
        if gap == "\n" and before not in ("", *"{;,([") and now not in ("}", "]", ")"):
            out += gap
        elif gap and _joins(before, now):
            out += " "
        out, before, gap = out + now, now, ""
    if place != len(script):
        raise ValueError(f"expected a script of this folder, got {script[place : place + 20]!r}")
    joined = 1
    while joined:
        out, joined = _TWO_VARS.subn(r"\1,", out)
    return f"{out}\n".encode()


def _joins(before: str, now: str) -> bool:
    """Whether two tokens would become others without a blank between them."""
    words = re.compile(r"[\w$.]")
    both = words.match(before[-1:]) and words.match(now)
    return bool(both) or before[-1:] == now[:1] in ("+", "-")
