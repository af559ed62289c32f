"""The shipped device, run in memory and virtual time."""

from __future__ import annotations

from functools import partial

import pytest

from device_stand import Stand
from promises import PROMISES

WAYS = {
    "as Max does it": {},
    "cords of one outlet in the opposite order": {"backwards": True},
    "parameters recalled in the opposite order": {"last_first": True},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROMISES)
def test_the_device(name: str, way: str) -> None:
    """The shipped device does what is promised, in every way in which Max or Live may differ."""
    PROMISES[name](partial(Stand, **WAYS[way]))
