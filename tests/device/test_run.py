"""The shipped patches, run in memory and virtual time."""

from __future__ import annotations

from functools import partial

import pytest

from device_stand import AMXD, MAXPAT, Stand, shipped
from needs_node import NEEDS_NODE
from promises import LIVE_ONLY, PROMISES

pytestmark = NEEDS_NODE

WAYS = {
    "as Max does it": {},
    "cords of one outlet in the opposite order": {"backwards": True},
    "parameters recalled in the opposite order": {"last_first": True},
}
CASES = [
    pytest.param(path, name, way, id=f"{path.name}-{name}-{way}")
    for path in (AMXD, MAXPAT)
    for name in PROMISES
    for way in WAYS
    if path == AMXD or name not in LIVE_ONLY
]


@pytest.mark.parametrize(("path", "name", "way"), CASES)
def test_a_shipped_patch(path: object, name: str, way: str) -> None:
    """The shipped patches do what is promised, in every way in which Max or Live may differ."""
    PROMISES[name](partial(Stand, shipped(path), **WAYS[way]))
