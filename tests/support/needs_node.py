"""The mark of tests that run scripts for Max, and so all devices: they run in node."""

from __future__ import annotations

import shutil

import pytest

NEEDS_NODE = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
