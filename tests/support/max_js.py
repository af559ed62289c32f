"""Max's ``js`` object with a small Live set behind it: a process of node that runs a script."""

from __future__ import annotations

import json
import select
import subprocess
from pathlib import Path
from typing import Any

STUB = Path(__file__).with_name("live_api.js")
DEADLINE = 20.0


class ScriptError(AssertionError):
    """The script did what Max or Live would refuse, or failed."""


class MaxJs:
    """One ``js`` object.

    Parameters
    ----------
    script : Path
        The file that it runs.
    live_set : dict, optional
        The set behind it: ``scenes`` (how many), ``scene_limit``, ``full`` (no clip can be made),
        ``selected_scene``,
        ``detail_clip`` (a track and a scene, or a clip), and ``tracks``, each with ``kind``
        ("midi", "audio" or "group"), ``frozen``, ``playing``, ``devices`` (``{"me": True}`` is the
        script's own, ``{"chains": [[...]]}`` a rack) and ``clips`` by scene.
    ready : bool
        Whether ``live.thisdevice`` has spoken.

    Attributes
    ----------
    next : float or None
        When the next task is due, in ms.
    """

    def __init__(
        self, script: Path, live_set: dict[str, Any] | None = None, ready: bool = True
    ) -> None:
        self.now = 0.0
        self.next: float | None = None
        self._process = subprocess.Popen(
            ["node", str(STUB), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.request(set=live_set or {}, ready=ready)

    def request(self, **request: Any) -> dict[str, Any]:
        """Send one request of live_api.js and return its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        readable, _, _ = select.select([self._process.stdout], [], [], DEADLINE)
        line = self._process.stdout.readline() if readable else ""
        if not line:
            raise ScriptError(f"no answer to {request}")
        answer: dict[str, Any] = json.loads(line)
        self.next = answer["next"]
        if answer["error"]:
            raise ScriptError(answer["error"])
        if answer["posted"]:
            raise ScriptError(f"printed: {answer['posted']}")
        return answer

    def send(self, *message: str | float) -> list[tuple[float, int, list[Any]]]:
        """Send a message to the inlet and return what comes out: ms, outlet and atoms."""
        return _out(self.request(now=self.now, message=list(message)))

    def advance(self, until: float) -> list[tuple[float, int, list[Any]]]:
        """Move the clock to `until` ms and return what comes out on the way."""
        self.now = until
        return _out(self.request(now=until))

    def dump(self) -> dict[str, Any]:
        """Return the set: how many scenes, and each track's clips by scene (None is empty)."""
        answer: dict[str, Any] = self.request(dump=True)["set"]
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()


def _out(answer: dict[str, Any]) -> list[tuple[float, int, list[Any]]]:
    return [(ms, outlet, atoms) for ms, outlet, atoms in answer["out"]]
