"""What the modules of promises share: the list, comparing, and a device in the middle of things."""

from __future__ import annotations

import math
from collections.abc import Callable

from device_stand import Stand
from faces import FACES, Face
from maxpatch.atoms import Atom

Make = Callable[..., Stand]
Promise = Callable[[Make], None]

PROMISES: dict[str, Promise] = {}
"""By name, in the order in which their modules are read."""

TURNED = [face for face in FACES if face.param]
"""Faces of the daemon's parameters."""

DISTINCT = {60: 90, 64: 80, 67: 70}
"""A chord: velocities by pitch."""


LIVE_ONLY: set[str] = set()
"""Names of those that only the device for Live can keep."""


def promise(check: Promise) -> Promise:
    """Enter a promise into the list."""
    PROMISES[check.__name__] = check
    return check


def live_promise(check: Promise) -> Promise:
    """Enter a promise that needs Live."""
    LIVE_ONLY.add(check.__name__)
    return promise(check)


def same(got: object, expected: object, what: str) -> None:
    """Compare, and say both when they differ."""
    assert got == expected, f"{what}: expected {expected!r}, got {got!r}"


def close(got: Atom, expected: float, what: str) -> None:
    """Compare numbers as exactly as 32 bits can hold them."""
    near = not isinstance(got, str) and math.isclose(got, expected, rel_tol=1e-6, abs_tol=1e-9)
    assert near, f"{what}: expected {expected!r}, got {got!r}"


def times(stand: Stand, name: str) -> list[float]:
    """Return when messages with an address came to the daemon."""
    return [it.time for it in stand.daemon.heard if it.address == f"/antiphon/{name}"]


def names(said: list[tuple[str, tuple[Atom, ...]]]) -> list[str]:
    """Return the addresses of what was said."""
    return [name for name, _ in said]


def another(face: Face, part: float = 0.3) -> float:
    """Return a value of a face that is not its initial one."""
    value = face.low + (face.high - face.low) * part
    if face.whole or face.choices:
        value = float(round(value))
    return value if value != face.initial else face.low if face.low != value else face.high


def check_dump(stand: Stand, values: dict[str, float], mode: int) -> None:
    """Check that the clock, the mode and each parameter were told once, in that order."""
    told = [
        it for it in stand.daemon.heard if it.address not in ("/antiphon/hello", "/antiphon/ping")
    ]
    addresses = [it.address.removeprefix("/antiphon/") for it in told]
    same(addresses[:2], ["clock", "mode"], "what is told first")
    same(told[1].arguments, (mode,), "mode")
    same(sorted(addresses[2:]), sorted(f"param/{face.param}" for face in TURNED), "parameters")
    for it in told[2:]:
        port, value = it.arguments
        same(port, stand.port, "reply port")
        close(value, values[it.address.removeprefix("/antiphon/param/")], it.address)


def busy(make: Make, **world: float) -> Stand:
    """Return a stand with a note held through, one sounding, and one to come."""
    stand = make(**world).connect()
    stand.device.note(50, 90)
    stand.play(60, 90, 900, 0)
    stand.play(61, 90, 100, 60)
    stand.run(10)
    same(stand.device.sounding(), {(1, 50): 1, (1, 60): 1}, "what sounds")
    return stand


def ended(stand: Stand, thru_too: bool = False, after: float = 0.0) -> None:
    """Check that the partner's notes have ended and that none follows."""
    stand.run(after)
    left = {} if thru_too else {(1, 50): 1}
    same(dict(stand.device.sounding()), left, "what sounds")
    before = len(stand.patch.midi_out)
    stand.run(3000)
    same(len(stand.patch.midi_out), before, "bytes that follow")


def plays_again(stand: Stand) -> None:
    """Check that the next note of the partner comes."""
    before = len(stand.device.notes())
    stand.play(72, 77, 100, 20)
    stand.run(500)
    same(
        [(p, v) for _, p, v in stand.device.notes()[before:]], [(72, 77), (72, 0)], "the next note"
    )
