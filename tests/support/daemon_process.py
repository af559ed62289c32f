"""``antiphon play`` as a process, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path


class Antiphon:
    """``antiphon play`` in a process of its own."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "antiphon", "play", "--osc", "127.0.0.1:0", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )
        assert self.process.stdout is not None
        self.ready = self.process.stdout.readline()
        self.took = time.perf_counter() - self.began

    @property
    def osc(self) -> tuple[str, int]:
        """Where it hears OSC."""
        host, port = re.search(r"osc (\S+):(\d+)", self.ready).groups()  # type: ignore[union-attr]
        return host, int(port)

    def end(self, how: int = signal.SIGTERM) -> tuple[int, float]:
        """Signal it; return its exit status and the seconds it took."""
        began = time.perf_counter()
        self.process.send_signal(how)
        try:
            status = self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return status, time.perf_counter() - began

    def kill(self) -> None:
        """End it whatever it does, and collect it."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=5)
