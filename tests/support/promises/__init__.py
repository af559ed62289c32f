"""What a device of ours promises to do, in virtual time: one function for each promise.

Each takes a function that makes a :class:`device_stand.Stand`, and raises `AssertionError` (or
`PatchError`) when the promise is broken. ``test_run.py`` has them kept by the shipped device, and
``mutation.py`` broken by damaged copies of it, to see that every damage is noticed.
"""

from promises import clips, finding, partner, playing, ports, setting, song
from promises.common import LIVE_ONLY, PROMISES, Make, Promise

__all__ = [
    "LIVE_ONLY",
    "PROMISES",
    "Make",
    "Promise",
    "clips",
    "finding",
    "partner",
    "playing",
    "ports",
    "setting",
    "song",
]
