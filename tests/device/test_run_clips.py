"""Clips all the way: buttons of the shipped device, its own script in node, a small Live set."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from antiphon.osc.codec import Argument
from daemon_process import Antiphon
from device_stand import CLIPS, Stand, script_of, shipped_script
from max_js import MaxJs
from needs_node import NEEDS_NODE
from real_stand import RealStand

pytestmark = NEEDS_NODE

NOTES = [(60, 0.0, 0.5, 90), (64, 1.0, 0.25, 80), (67, 2.5, 1.5, 70)]
"""Pitch, start, duration and velocity."""

LIVE_SET = {
    "scenes": 4,
    "detail_clip": [1, 0],
    "tracks": [
        {"devices": [{"me": True}], "clips": [{"length": 4, "notes": []}]},
        {
            "clips": [
                {
                    "length": 4,
                    "notes": [
                        {"pitch": pitch, "start_time": start, "duration": length, "velocity": v}
                        for pitch, start, length, v in NOTES
                    ],
                }
            ]
        },
    ],
}
"""The device's own track, and one whose clip is selected."""


@pytest.fixture
def script() -> Iterator[MaxJs]:
    """Run the script that is frozen into the device."""
    running = MaxJs(shipped_script(CLIPS), LIVE_SET)
    yield running
    running.close()


def answer(stand: Stand, index: int) -> None:
    """Let the daemon send a clip, twelve beats long with the notes of `NOTES`."""
    stand.daemon.tell(stand.port, "clip/begin", index, 12.0, len(NOTES))
    for place, (pitch, start, length, velocity) in enumerate(NOTES):
        stand.daemon.tell(stand.port, "clip/note", index, place, pitch, start, length, velocity)
    stand.daemon.tell(stand.port, "clip/end", index)


def own_clips(script: MaxJs) -> list[dict[str, Any] | None]:
    """Return the clips of the device's track, by scene."""
    clips: list[dict[str, Any] | None] = script.dump()["tracks"][0]["clips"]
    return clips


def test_an_answer_is_written_into_a_new_clip(script: MaxJs) -> None:
    """Write Clip asks for the last answer and puts it into an empty slot of its own track."""
    stand = Stand().connect()
    stand.clips.run(script)
    said = stand.said(lambda: stand.device.press("Write Clip"))
    assert said == [("clip/get", (-1,))]
    assert stand.device.value("Clip Status") == 1
    answer(stand, -1)
    stand.run(10)
    assert stand.device.value("Clip Status") == 2
    _, written, *_ = own_clips(script)
    assert written is not None
    assert written["length"] == 12
    assert [note["pitch"] for note in written["notes"]] == [60, 64, 67]


def test_the_selected_clip_becomes_the_phrase(script: MaxJs) -> None:
    """Read Clip sends the notes of the clip that is shown, and says when they were taken."""
    stand = Stand(stored={"Drums": 1}).connect()
    stand.clips.run(script)
    stand.device.move("Drums", 0)
    stand.device.move("Drums", 1)
    stand.run(0)
    stand.daemon.clear()
    stand.device.press("Read Clip")
    stand.run(50)
    told: list[tuple[str, tuple[Argument, ...]]] = [
        (it.address.removeprefix("/antiphon/clip/"), it.arguments) for it in stand.daemon.heard
    ]
    assert told[0] == ("begin", (0, 4.0, len(NOTES), 10))
    assert [arguments[2] for name, arguments in told if name == "note"] == [60, 64, 67]
    assert told[-1] == ("end", (0,))
    assert stand.daemon.refused == []
    stand.tell("phrase", 4.0, len(NOTES))
    stand.run(10)
    assert stand.device.value("Clip Status") == 3


def test_lost_notes_are_asked_for_again(script: MaxJs) -> None:
    """A clip with gaps is asked for again, and in the end it is written or given up."""
    stand = Stand().connect()
    stand.clips.run(script)
    chance = random.Random(3)
    stand.network.fate = lambda data, _: () if chance.random() < 0.3 else (0.0,)
    stand.device.press("Write Clip")
    for _ in range(40):
        if stand.daemon.got("clip/get"):
            stand.daemon.clear()
            answer(stand, -1)
        stand.run(200)
    assert stand.device.value("Clip Status") in (2, 6, 11)


def test_variations_of_the_real_daemon_come_into_clips(script: MaxJs, tmp_path: Path) -> None:
    """The selected clip becomes the phrase of a daemon that really runs, and comes back."""
    daemon = Antiphon(tmp_path, "--backend", "none")
    try:
        with RealStand() as stand:
            device = stand.add(daemon.osc[1], {"Clip": 1.0})
            script_of(device.patch, CLIPS).run(script)
            assert stand.time.until(lambda: device.value("Status") in (1, 2), 20_000)
            stand.time.run(700)
            device.press("Read Clip")
            assert stand.time.until(lambda: device.value("Clip Status") == 3, 20_000)
            device.press("Write Clip")
            assert stand.time.until(lambda: device.value("Clip Status") == 2, 20_000)
            _, written, *_ = own_clips(script)
            assert written is not None
            assert [note["pitch"] for note in written["notes"]] == [60, 64, 67]
    finally:
        daemon.kill()
