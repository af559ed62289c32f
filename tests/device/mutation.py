"""Damages the shipped patches and their script, a piece at a time, and sees that it is noticed.

    python tests/device/mutation.py [FILE ...]

prints every damage with the check that caught it, and ends with status 1 if one was not caught. A
cord's removal is tried on the promises that used the cord, the quickest first; that of an
attribute of a parameter, or of an entry of the table that ``link.js`` is told in its box, on the
static checks, and then on all promises; that of a statement of ``link.js`` on all promises.
"""

from __future__ import annotations

import copy
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":  # pytest has these paths from pyproject.toml
    ROOT = Path(__file__).parents[2]
    for folder in ("bridge", "models", "max_for_live", "tests/support", "tests/device"):
        sys.path.insert(0, str(ROOT / folder))

from test_static import CHECKS

from device_stand import AMXD, FOLDER, LINK, MAXPAT, Stand, shipped
from maxpatch import PatchError
from maxpatch.graph import Cord
from promises import LIVE_ONLY, PROMISES

Json = dict[str, Any]


class Damage(NamedTuple):
    """One damage: what is missing, and the patcher, or the script, without it."""

    what: str
    make: Callable[[], Json]
    cord: Cord | None = None
    link: Path | None = None


class Found(NamedTuple):
    """A damage and what noticed it; `by` is empty if nothing did."""

    what: str
    by: str
    why: str


class Trial:
    """A promise, and how it has done so far.

    Attributes
    ----------
    cords : set of Cord
        Those that it uses on the whole patch: no other's removal can change what it sees.
    """

    def __init__(self, name: str, patcher: Json) -> None:
        self.name, self._keep = name, PROMISES[name]
        self.cords: set[Cord] = set()
        self._tried = self._caught = 0
        began = time.perf_counter()
        self._keep(lambda **how: self._watched(patcher, **how))
        self._seconds = time.perf_counter() - began

    def _watched(self, patcher: Json, **how: Any) -> Stand:
        stand = Stand(patcher, **how)
        stand.patch.watch = self.cords.add
        return stand

    @property
    def promising(self) -> float:
        """Catches to be expected in a second."""
        return (self._caught + 1) / (self._tried + 2) / self._seconds

    def catches(self, damaged: Json, link: Path | None) -> str:
        """Return why the promise is broken, or an empty text."""
        why = broken(lambda: self._keep(lambda **how: Stand(damaged, link=link, **how)))
        self._tried += 1
        self._caught += bool(why)
        return why


def _named(box: Json) -> str:
    return str(box.get("varname") or box.get("text") or box["maxclass"])


def cords(patcher: Json) -> Iterator[Damage]:
    """Yield the removal of each cord."""
    names = {entry["box"]["id"]: _named(entry["box"]) for entry in patcher["boxes"]}
    lines = patcher["lines"]
    for place, entry in enumerate(lines):
        (source, outlet), (destination, inlet) = (
            entry["patchline"][end] for end in ("source", "destination")
        )
        what = f"cord [{names[source]}]:{outlet} -> [{names[destination]}]:{inlet}"
        left = [*lines[:place], *lines[place + 1 :]]
        cord = Cord(source, outlet, destination, inlet)
        yield Damage(what, lambda left=left: {**patcher, "lines": left}, cord)  # type: ignore[misc]


LAYOUT = frozenset(("id", "maxclass", "patching_rect"))
"""Keys of a box that are no attributes: without them there is no box."""


def attributes(patcher: Json) -> Iterator[Damage]:
    """Yield the removal of each attribute of each parameter's box."""
    for place, entry in enumerate(patcher["boxes"]):
        box = entry["box"]
        if not box.get("parameter_enable"):
            continue
        for key in box["saved_attribute_attributes"]["valueof"]:
            yield Damage(f"{_named(box)}: {key}", partial(_without, patcher, place, key, True))
        for key in sorted(box.keys() - LAYOUT):
            what = f"{_named(box)}: {key} of the box"
            yield Damage(what, partial(_without, patcher, place, key, False))


def entries(patcher: Json) -> Iterator[Damage]:
    """Yield the removal of each entry of the table that the link is told in its box."""
    for place, entry in enumerate(patcher["boxes"]):
        name, _, words = str(entry["box"].get("text", "")).partition(".js ")
        if name != "js link":
            continue
        told = words.split()
        for at, word in enumerate(told):
            left = " ".join((*told[:at], *told[at + 1 :]))
            box = {**entry["box"], "text": f"{name}.js {left}"}
            row = [*patcher["boxes"]]
            row[place] = {"box": box}
            yield Damage(f"link.js: {word}", lambda row=row: {**patcher, "boxes": row})  # type: ignore[misc]


def _without(patcher: Json, place: int, key: str, of_parameter: bool) -> Json:
    damaged = {**patcher, "boxes": [*patcher["boxes"]]}
    entry = damaged["boxes"][place] = copy.deepcopy(patcher["boxes"][place])
    box = entry["box"]
    del (box["saved_attribute_attributes"]["valueof"] if of_parameter else box)[key]
    return damaged


def statements(patcher: Json, folder: Path) -> Iterator[Damage]:
    """Yield the removal of each statement in a function of ``link.js`` that does something."""
    lines = (FOLDER / LINK).read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines):
        words = line.split("//")[0].strip()
        if line[:1] != " " or not words.endswith(";") or re.fullmatch(r"var \w+;", words):
            continue
        # Alone behind a condition, a statement leaves an empty one.
        left = [*lines[:place], ";" if lines[place - 1].endswith(")") else "", *lines[place + 1 :]]
        path = folder / f"{place}.js"
        path.write_text("\n".join(left), encoding="utf-8")
        yield Damage(f"{LINK}:{place + 1}: {words}", lambda: patcher, link=path)


def broken(check: Callable[[], None]) -> str:
    """Run a check; return why it failed, or an empty text."""
    try:
        check()
    except (AssertionError, PatchError, LookupError, TypeError, ValueError) as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return ""


def notice(damage: Damage, trials: list[Trial]) -> Found:
    """Make a damage and return what notices it first."""
    damaged = damage.make()
    if damage.cord is None and damage.link is None:
        for check in CHECKS:
            if why := broken(lambda c=check: c(damaged)):  # type: ignore[misc]
                return Found(damage.what, check.__name__, why)
    for trial in sorted(trials, key=lambda it: it.promising, reverse=True):
        if damage.cord is not None and damage.cord not in trial.cords:
            continue
        if why := trial.catches(damaged, damage.link):
            return Found(damage.what, trial.name, why)
    return Found(damage.what, "", "")


def survey(patcher: Json) -> Iterator[Found]:
    """Make every damage in turn, to a patch that keeps all its promises when it is whole.

    Both patches have the same script: it is damaged for the device, which uses all of it.
    """
    for check in CHECKS:
        check(patcher)
    plain = Stand(patcher).plain
    names = [name for name in PROMISES if not (plain and name in LIVE_ONLY)]
    trials = [Trial(name, patcher) for name in names]
    with tempfile.TemporaryDirectory() as folder:
        of_script = () if plain else statements(patcher, Path(folder))
        for damage in (*cords(patcher), *attributes(patcher), *entries(patcher), *of_script):
            yield notice(damage, trials)


def report(found: Sequence[Found]) -> Iterator[str]:
    """Yield a line for each damage, and how many were noticed."""
    for it in found:
        yield f"{'ok ' if it.by else 'NOT'} {it.what}  {it.by or 'noticed by nothing'}"
    yield f"{sum(1 for it in found if it.by)} of {len(found)} damages noticed"


def main(words: Sequence[str]) -> int:
    """Print what noticed each damage; return the exit status."""
    status = 0
    for path in [Path(word) for word in words] or [AMXD, MAXPAT]:
        began = time.perf_counter()
        found = list(survey(shipped(path)))
        print(f"{path.name}:")
        print("\n".join(report(found)) + f" in {time.perf_counter() - began:.0f} s")
        status |= any(not it.by for it in found)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
