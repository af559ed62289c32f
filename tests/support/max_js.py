"""Max's ``js`` object with a small Live set behind it: scripts that run in one process of node."""

from __future__ import annotations

import atexit
import itertools
import json
import select
import subprocess
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HOST = Path(__file__).with_name("max_js.js")
DEADLINE = 20.0

Atoms = list[Any]
Sent = tuple[float, Any, Atoms]


class ScriptError(AssertionError):
    """The script did what Max or Live would refuse, or failed."""


class _Node:
    """The process of node in which all scripts run; it starts with the first of them."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.left: list[int] = []
        """Objects that nobody has any more."""

    def write(self, request: dict[str, Any]) -> None:
        """Send one line."""
        if self._process is None:
            self._process = subprocess.Popen(
                ["node", str(HOST)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            atexit.register(self.close)
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()

    def read(self) -> dict[str, Any]:
        """Return the next line; an answer that does not come ends the process."""
        assert self._process is not None
        assert self._process.stdout is not None
        # Each request has one answer, so that nothing waits in the buffer unseen.
        readable, _, _ = select.select([self._process.stdout], [], [], DEADLINE)
        line = self._process.stdout.readline() if readable else b""
        if not line:
            self._process.kill()
            self.close()
            raise ScriptError("no answer from node")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()
        self._process = None
        atexit.unregister(self.close)


_node = _Node()
_count = itertools.count(1)


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
    arguments : sequence
        What stands behind the file's name in the box.
    boxes : sequence of str
        Scripting names of the boxes around it.
    live : bool
        Whether there is ``LiveAPI`` at all.

    Attributes
    ----------
    next : float or None
        When the next task is due, in ms.
    inlets, outlets : int
        How many the script says that it has.
    sends : callable, optional
        Called with what the script sends, while it sends it: the time, where it goes (an outlet's
        number, or the scripting name of a box) and the atoms. Without it `send` and `advance`
        return what came out.
    """

    def __init__(
        self,
        script: Path,
        live_set: dict[str, Any] | None = None,
        ready: bool = True,
        *,
        arguments: Sequence[str | float] = (),
        boxes: Sequence[str] = (),
        live: bool = True,
    ) -> None:
        self.now = 0.0
        self.next: float | None = None
        self.inlets = self.outlets = 1
        self.sends: Callable[[float, int | str, Atoms], None] | None = None
        self._out: list[Sent] = []
        self._id = next(_count)
        weakref.finalize(self, _node.left.append, self._id)
        dropped, _node.left[:] = [*_node.left], []
        self.request(
            file=str(script),
            arguments=[*arguments],
            boxes=[*boxes],
            live=live,
            dropped=dropped,
        )
        if live:
            self.request(set=live_set or {}, ready=ready)

    def request(self, **request: Any) -> dict[str, Any]:
        """Send one request of max_js.js and return its answer."""
        _node.write({"of": self._id, **request})
        failed: Exception | None = None
        while "error" not in (answer := _node.read()):
            try:
                self._sent(answer)
            except Exception as error:  # raised when the script has come to its end
                failed = failed or error
            _node.write({"done": True})
        if failed:
            raise failed
        if answer["error"]:
            raise ScriptError(answer["error"])
        if answer["posted"]:
            raise ScriptError(f"printed: {answer['posted']}")
        self.next, self.inlets = answer["next"], answer["inlets"]
        self.outlets = answer["outlets"]
        return answer

    def _sent(self, told: dict[str, Any]) -> None:
        to = told.get("outlet", told.get("box"))
        if self.sends is not None:
            self.sends(told["at"], to, told["atoms"])
        else:
            self._out.append((told["at"], to, told["atoms"]))

    def send(self, *message: str | float, late: bool = False) -> list[Sent]:
        """Send a message to the inlet and return what comes out: ms, outlet and atoms."""
        self.request(now=self.now, late=late, message=list(message))
        return self._taken()

    def advance(self, until: float, late: bool = False) -> list[Sent]:
        """Move the clock to `until` ms and return what comes out on the way.

        What is due happens at its own time, or all of it at the end if Max is `late`.
        """
        self.now = until
        self.request(now=until, late=late)
        return self._taken()

    def _taken(self) -> list[Sent]:
        out, self._out = self._out, []
        return out

    def dump(self) -> dict[str, Any]:
        """Return the set: how many scenes, and each track's clips by scene (None is empty)."""
        answer: dict[str, Any] = self.request(dump=True)["set"]
        return answer

    def deleted(self) -> None:
        """Be told that the object goes."""
        self.request(deleted=True)

    def close(self) -> None:
        """Be no more; nothing that it had planned happens."""
        self.next = None
