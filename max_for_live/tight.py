"""A script without what only people need: comments, blanks, long names of constants.

It is meant for the scripts of this folder: every statement in them ends with ``;`` or ``}``,
nothing begins with a slash but comments and divisions, and names in capitals are constants.
"""

from __future__ import annotations

import re
import string
from typing import Final

_TOKEN: Final = re.compile(
    r"""(?P<left_out> \s+ | //.*) | (?P<kept> "[^"\n]*" | [\w$]+ | \+\+ | -- | [^\s\w"])""",
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"^var ([A-Z_]+) = (-?[\d.]+);.*\n", re.MULTILINE)
_CONSTANT: Final = re.compile(r"^var ([A-Z_]+) = ", re.MULTILINE)
_TWO_VARS: Final = re.compile(r"(?:(?<=[;{}])|^)(var [^;{}]*);var ")
"""A declaration that follows another; neither is part of an ``if`` or ``for``."""


def tight(script: str) -> bytes:
    """Return a script that does the same in fewer bytes.

    Constants that are numbers stand where they are used, others have a name of one letter, and
    declarations are joined.

    Raises
    ------
    ValueError
        If there is something that this function does not know.
    """
    short = dict(_NUMBER.findall(script))
    script = _NUMBER.sub("", script)
    short |= dict(zip(_CONSTANT.findall(script), string.ascii_uppercase, strict=False))
    out, place = "", 0
    for token in _TOKEN.finditer(script):
        if token.start() != place:
            break
        place = token.end()
        if token["kept"]:
            now = short.get(token[0], token[0])
            out += " " + now if _joins(out[-1:], now[0]) else now
    if place != len(script):
        raise ValueError(f"expected a script of this folder, got {script[place : place + 20]!r}")
    joined = 1
    while joined:
        out, joined = _TWO_VARS.subn(r"\1,", out)
    return f"{out}\n".encode()


def _joins(before: str, now: str) -> bool:
    """Whether two tokens would become another one without a blank between them."""
    return bool(re.match(r"[\w$]{2}|--|\+\+", before + now))
