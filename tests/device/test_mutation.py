"""Every damage to a shipped patch is noticed by some check."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutation import report, survey

from device_stand import AMXD, MAXPAT, shipped
from needs_node import NEEDS_NODE

pytestmark = NEEDS_NODE


@pytest.mark.timeout(300)
@pytest.mark.parametrize("path", [AMXD, MAXPAT], ids=lambda path: path.name)
def test_every_damage_is_noticed(path: Path) -> None:
    """Each cord and each attribute of a parameter matters: taken away, it is missed.

    ``pytest -s`` or ``python tests/device/mutation.py`` lists what missed it.
    """
    found = list(survey(shipped(path)))
    print("\n" + "\n".join(report(found)))
    assert [it.what for it in found if not it.by] == []
