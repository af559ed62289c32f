"""Damages the shipped patches, one cord or one attribute at a time, and sees that it is noticed.

    python tests/device/mutation.py [FILE]

prints every damage with the check that caught it, and ends with status 1 if one was not caught. A
cord's removal is tried on the promises that used the cord, the quickest first; an attribute's on
the static checks, and then on all promises.
"""

from __future__ import annotations

import copy
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

if __name__ == "__main__":  # pytest has these paths from pyproject.toml
    ROOT = Path(__file__).parents[2]
    for folder in ("bridge", "models", "max_for_live", "tests/support", "tests/device"):
        sys.path.insert(0, str(ROOT / folder))

from test_static import CHECKS

from device_stand import AMXD, Stand, shipped
from maxpatch import PatchError
from maxpatch.graph import Cord
from promises import PROMISES, Make, Promise

Json = dict[str, Any]


class Damage(NamedTuple):
    """One damage: what is missing, and how to make it."""

    what: str
    make: Callable[[Json], None]
    cord: Cord | None = None


class Found(NamedTuple):
    """A damage and what noticed it; `by` is empty if nothing did."""

    what: str
    by: str
    why: str


class Used(NamedTuple):
    """What a promise took on the whole patch."""

    name: str
    seconds: float
    cords: set[Cord]


def _named(box: Json) -> str:
    return str(box.get("varname") or box.get("text") or box["maxclass"])


def cords(patcher: Json) -> Iterator[Damage]:
    """Yield the removal of each cord."""
    names = {entry["box"]["id"]: _named(entry["box"]) for entry in patcher["boxes"]}
    for place, entry in enumerate(patcher["lines"]):
        (source, outlet), (destination, inlet) = (
            entry["patchline"][end] for end in ("source", "destination")
        )
        what = f"cord [{names[source]}]:{outlet} -> [{names[destination]}]:{inlet}"
        cord = Cord(source, outlet, destination, inlet)
        yield Damage(what, lambda it, n=place: it["lines"].pop(n), cord)  # type: ignore[misc]


LAYOUT = frozenset(("id", "maxclass", "numinlets", "numoutlets", "patching_rect"))
"""Keys of a box that are no attributes: without them there is no box."""


def attributes(patcher: Json) -> Iterator[Damage]:
    """Yield the removal of each attribute of each parameter's box."""
    for place, entry in enumerate(patcher["boxes"]):
        box = entry["box"]
        valueof = box.get("saved_attribute_attributes", {}).get("valueof", {})
        if not box.get("parameter_enable"):
            continue
        for key in valueof:

            def forget(it: Json, n: int = place, key: str = key) -> None:
                del it["boxes"][n]["box"]["saved_attribute_attributes"]["valueof"][key]

            yield Damage(f"{_named(box)}: {key}", forget)
        for key in box.keys() - LAYOUT:

            def remove(it: Json, n: int = place, key: str = key) -> None:
                del it["boxes"][n]["box"][key]

            yield Damage(f"{_named(box)}: {key} of the box", remove)


def uses(patcher: Json) -> list[Used]:
    """Keep every promise with the whole patch, and note the cords that it uses."""
    found = []
    for name, keep in PROMISES.items():
        used: set[Cord] = set()

        def make(used: set[Cord] = used, **how: Any) -> Stand:
            stand = Stand(patcher, **how)
            stand.patch.watch = used.add
            return stand

        began = time.perf_counter()
        keep(make)
        found.append(Used(name, time.perf_counter() - began, used))
    return sorted(found, key=lambda it: it.seconds)


def broken(check: Callable[[], None]) -> str:
    """Run a check; return why it failed, or an empty text."""
    try:
        check()
    except (AssertionError, PatchError, LookupError, TypeError, ValueError) as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return ""


def notice(damage: Damage, patcher: Json, used: Sequence[Used], static: bool) -> Found:
    """Make a damage and return what notices it first."""
    damaged = copy.deepcopy(patcher)
    damage.make(damaged)
    if static:
        for check in CHECKS:
            if why := broken(lambda c=check: c(damaged)):  # type: ignore[misc]
                return Found(damage.what, check.__name__, why)

    def make(**how: Any) -> Stand:
        return Stand(damaged, **how)

    for promise in used:
        if damage.cord is None or damage.cord in promise.cords:
            keep: Promise = PROMISES[promise.name]
            if why := broken(lambda k=keep: k(make)):  # type: ignore[misc]
                return Found(damage.what, promise.name, why)
    return Found(damage.what, "", "")


def survey(patcher: Json) -> Iterator[Found]:
    """Make every damage in turn."""
    used = uses(patcher)
    for damage in cords(patcher):
        yield notice(damage, patcher, used, static=False)
    for damage in attributes(patcher):
        yield notice(damage, patcher, used, static=True)


def main(words: Sequence[str]) -> int:
    """Print what noticed each damage; return the exit status."""
    path = Path(words[0]) if words else AMXD
    began = time.perf_counter()
    tried: list[Found] = []
    for found in survey(shipped(path)):
        tried.append(found)
        print(f"{'ok ' if found.by else 'NOT'} {found.what}  {found.by or 'noticed by nothing'}")
    noticed = sum(1 for found in tried if found.by)
    spent = time.perf_counter() - began
    print(f"{noticed} of {len(tried)} damages noticed in {spent:.0f} s: {path.name}")
    return 0 if noticed == len(tried) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

__all__ = ["Make", "attributes", "cords", "survey"]
