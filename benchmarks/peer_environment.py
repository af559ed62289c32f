"""The environment that Notochord lives in, apart from this project's."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

VERSION = "0.8.0"
"""Of Notochord (Victor Shepardson and others, https://pypi.org/project/notochord)."""


def install(folder: Path, pip: list[str]) -> Path:
    """Make the environment if it is not there; return its Python."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(folder, with_pip=True)
    test = [str(python), "-c", "import notochord"]
    if subprocess.run(test, capture_output=True, check=False).returncode:
        print(f"installing notochord {VERSION} into {folder}", file=sys.stderr)
        command = [str(python), "-m", "pip", "install", "--quiet", f"notochord=={VERSION}", *pip]
        subprocess.run(command, check=True)
    return python


def variables(threads: int) -> dict[str, str]:
    """Return the environment variables of a process there, which keeps to some threads."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    # The tree of this project is none of its business.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, **dict.fromkeys(names, str(threads))}
