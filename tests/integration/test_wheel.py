"""The package as users get it: a wheel, away from the source tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_wheel_has_all_that_playing_needs(tmp_path: Path) -> None:
    """A wheel built from the tree, run from elsewhere, finds the shipped checkpoint."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True, cwd=ROOT)
    (wheel,) = tmp_path.glob("antiphon-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names}
    assert not [name for name in names if name.startswith(("tests", "benchmarks", "tools"))]
    done = subprocess.run(
        [sys.executable, "-m", "antiphon", "models", "--json"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": str(tmp_path / "installed"),
            "XDG_DATA_HOME": str(tmp_path),
        },
    )
    shipped = {Path(model["path"]).parents[2] for model in json.loads(done.stdout)["checkpoints"]}
    assert shipped == {tmp_path / "installed"}
