"""clips.js as it ships against the real daemon, over UDP: clips go both ways and stay the same."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from daemon_process import Antiphon
from device_client import DeviceClient
from max_js import MaxJs
from needs_node import NEEDS_NODE

SCRIPT = Path(__file__).resolve().parents[2] / "max_for_live" / "clips.js"
ASKING, WRITTEN, READ, NOTHING = 1, 2, 3, 4
HEARD = {"clip/begin": "begin", "clip/note": "note", "clip/end": "end", "phrase": "phrase"}
HEARD |= {"variation": "varied", "error": "refused"}

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    NEEDS_NODE,
]

NOTES = [
    {"pitch": 60 + n, "start_time": n / 2, "duration": 0.375, "velocity": 80 + n} for n in range(8)
]


class Wire:
    """Carries messages between the script and the daemon, as the device's patch does."""

    def __init__(self, js: MaxJs, device: DeviceClient) -> None:
        self.js, self.device = js, device
        self.status: list[int] = []
        self._start = time.monotonic()
        self._told = len(device.told)

    def do(self, *message: str | float) -> int:
        """Send the script a message and carry what follows until it has ended."""
        self.status.clear()
        self._take(self.js.send(*message))

        def ended() -> bool:
            self._take(self.js.advance(1000 * (time.monotonic() - self._start)))
            while self._told < len(self.device.told):
                name, arguments = self.device.told[self._told]
                self._told += 1
                if name in HEARD:
                    self._take(self.js.send(HEARD[name], *arguments))  # type: ignore[arg-type]
            return self.status[-1] != ASKING

        self.device.until(ended)
        return self.status[-1]

    def _take(self, out: list[tuple[float, int, list[Any]]]) -> None:
        for _, outlet, (first, *rest) in out:
            if outlet == 1:
                self.status += rest
            else:
                self.device.send(str(first).removeprefix("/antiphon/"), *rest)


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    """Start a daemon, a device and the script in a set with one clip."""
    track = {"devices": [{"me": True}], "clips": {"0": {"length": 4, "notes": NOTES}}}
    daemon = Antiphon(tmp_path, "--backend", "none")
    device = DeviceClient(daemon.osc)
    js = MaxJs(SCRIPT, {"scenes": 2, "detail_clip": [0, 0], "tracks": [track]})
    try:
        device.ready()
        yield Wire(js, device)
    finally:
        js.close()
        device.close()
        daemon.kill()


def test_clips_go_to_the_daemon_and_come_back(wire: Wire) -> None:
    """A clip that is read and written again is the same, and its variations become clips."""
    assert wire.do("writeclip", 0) == NOTHING
    assert wire.do("readclip") == READ
    assert wire.device.named("phrase")[-1] == (4.0, 8)
    assert wire.do("writeclip", 1) == WRITTEN
    first, again = wire.js.dump()["tracks"][0]["clips"]
    assert again["name"] == "Antiphon Phrase"
    assert again["length"] == first["length"]
    for key in ("pitch", "start_time", "velocity", "duration"):
        told = [note[key] for note in again["notes"]]
        assert told == pytest.approx([note[key] for note in first["notes"]])

    def offered() -> bool:
        if wire.device.named("error").count((4, "/antiphon/vary")) == wire.device.asked:
            wire.device.send("vary", 3, 0.5)
            wire.device.asked += 1
        return len(wire.device.named("variation")) >= 3

    wire.device.until(offered)
    assert wire.do("writeclip", 2) == WRITTEN
    made = wire.js.dump()["tracks"][0]["clips"][2:]
    assert [clip["name"][:21] for clip in made] == [f"Antiphon Variation {n} " for n in (1, 2, 3)]
    counts = [notes for _, _, notes in wire.device.named("variation")]
    assert [len(clip["notes"]) for clip in made] == counts
