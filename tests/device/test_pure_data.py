"""Pure Data's client: built from the table of faces, and run headless beside a real daemon."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import faces
import pure_data
from antiphon import params
from daemon_process import Antiphon
from pd_process import DEVICES, Pd, Stand, start, until

pytestmark = [
    pytest.mark.skipif(shutil.which("pd") is None, reason="pd not installed"),
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
]

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
MAJOR = {0, 2, 4, 5, 7, 9, 11}
SOON = ("set turn/silence 0.5", "set turn/quantize 1", "set length 2")
"""Settings with which an answer does not keep a test waiting."""

ELSEWHERE = {
    *("Clip", "Clip Status", "Read Clip", "Write Clip"),
    *("Receive Port", "Instance", "Daemon Port", "Status"),
}
"""Faces and buttons for Live's clips, what are creation arguments in Pd, and a word there."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Callable[..., Antiphon]]:
    """Start daemons without MIDI, and end those that the test leaves."""
    started: list[Antiphon] = []

    def make(*words: str) -> Antiphon:
        started.append(Antiphon(tmp_path, "--backend", "none", "--bpm", "180", *words))
        return started[-1]

    yield make
    for each in started:
        each.kill()


@pytest.fixture
def pd(tmp_path: Path) -> Iterator[Callable[..., Pd]]:
    """Start Pd with an instance for each daemon's port, and end it."""
    started: list[Pd] = []

    def make(*ports: int) -> Pd:
        started.append(Pd(tmp_path, *ports))
        return started[-1]

    yield make
    for each in started:
        each.end()


@pytest.fixture
def stand() -> Iterator[Stand]:
    """Stand in the daemon's place."""
    stand = Stand()
    yield stand
    stand.close()


def ready(pd: Pd, instance: int = 0, *settings: str) -> None:
    """Wait until an instance's own partner can play, with these settings."""
    until(lambda: "connected 1" in pd.said(instance))
    for setting in settings:
        pd.send(setting, instance)
    pd.send("get seed", instance)
    until(lambda: any(line.startswith("param seed") for line in pd.said(instance)))
    until(lambda: "state 0" in pd.said(instance))


# -- the files -------------------------------------------------------------------------------


def test_building_again_gives_the_same_bytes() -> None:
    """What the generator writes is what the repository has."""
    for path, data in pure_data.files().items():
        assert path.read_bytes() == data, f"build {path.name} again: make device"


def shown(patch: str, kinds: tuple[str, ...], prefix: str) -> set[str]:
    """Return what the boxes of some kinds on a panel send to, read from the patch's text."""
    names: set[str] = set()
    for record in re.split(r"(?<!\\);\n", patch):
        words = record.split()
        kind = words[4:5] if words[:2] == ["#X", "obj"] else words[1:2]
        if kind and kind[0] in kinds:
            names |= {word[len(prefix) :] for word in words if word.startswith(prefix)}
    return names


def test_every_face_of_the_table_is_in_the_patch_and_the_other_way_round() -> None:
    """Parameters by their own name, the device's faces and buttons by theirs, none besides."""
    table = {
        face.param or face.name.lower().replace(" ", "-")
        for face in faces.FACES
        if face.name not in ELSEWHERE
    }
    buttons = {name.lower().replace(" ", "-") for name in set(faces.BUTTONS) - ELSEWHERE}
    patch = pure_data.patch()
    assert shown(patch, ("tgl", "hsl", "hradio", "floatatom"), "\\$0-face-") == table
    assert shown(patch, ("bng",), "\\$0-do-") == buttons
    assert set(params.BY_NAME) - set(faces.WITHOUT) <= table


@pytest.mark.parametrize("name", ["antiphon.pd", "antiphon-help.pd"])
def test_the_files_open_without_a_complaint(name: str, tmp_path: Path) -> None:
    """Pd makes every box and every cord, and prints nothing when a file is opened."""
    printed = tmp_path / "printed"
    done = tmp_path / "done.pd"
    done.write_text(
        "#N canvas 0 0 100 100 12;\n#X obj 10 10 loadbang;\n#X obj 10 40 print OPENED;\n"
        "#X connect 0 0 1 0;\n"
    )
    with printed.open("wb") as out:
        process = start(done, out, "-open", str(DEVICES / name))
        try:
            until(lambda: "OPENED" in printed.read_text())
        finally:
            process.kill()
            process.wait(5)
    assert printed.read_text() == "OPENED: bang\n"


# -- with a daemon ---------------------------------------------------------------------------


def test_a_phrase_is_answered_in_key_and_every_note_ends(
    daemon: Callable[..., Antiphon], pd: Callable[..., Pd]
) -> None:
    """What is played in comes out at once, then the answer, in the scale set on the panel."""
    peer = pd(daemon().osc[1])
    ready(peer, 0, *SOON, "set scale 1", "set register/low 48")
    peer.play(SCALE)
    until(lambda: "state 2" in peer.said())
    until(lambda: peer.said()[-1:] and len(peer.notes()) > 2 * len(SCALE) + 4)
    until(lambda: not peer.hanging())
    notes = peer.notes()
    assert [n.pitch for n in notes[: 2 * len(SCALE)] if n.velocity] == list(SCALE)
    answer = notes[2 * len(SCALE) :]
    assert {n.pitch % 12 for n in answer} <= MAJOR
    assert min(n.pitch for n in answer) >= 48


def test_a_daemon_that_comes_back_is_told_everything_again(
    daemon: Callable[..., Antiphon], pd: Callable[..., Pd]
) -> None:
    """Killed without warning and started again, it has the panel's values within 5 s."""
    first = daemon()
    port = first.osc[1]
    peer = pd(port)
    ready(peer, 0, "set temperature 0.7", "set scale 5", "mode loop")
    first.kill()
    daemon("--osc", f"127.0.0.1:{port}")
    before = len(peer.said())

    def restored() -> bool:
        for name in ("temperature", "scale"):
            peer.send(f"get {name}")
        return {"param temperature 0.7", "param scale 5"} <= set(peer.said()[before:])

    until(restored, 5.0)


def test_panic_ends_what_sounds_and_what_was_to_come(
    daemon: Callable[..., Antiphon], pd: Callable[..., Pd]
) -> None:
    """After the message nothing sounds, and no note of the partner's comes behind it."""
    peer = pd(daemon().osc[1])
    ready(peer, 0, "mode solo")
    until(lambda: len(peer.notes()) > 4)
    peer.send("mode off")
    peer.send("panic")
    until(lambda: not peer.hanging())
    count = len(peer.notes())
    for _ in range(3):
        before = len(peer.said())
        peer.send("get seed")
        until(lambda: len(peer.said()) > before)  # noqa: B023
    assert len(peer.notes()) == count


def test_two_instances_do_not_hear_each_other(
    daemon: Callable[..., Antiphon], pd: Callable[..., Pd]
) -> None:
    """Each plays with a partner of its own, in its own register, with its own values."""
    port = daemon().osc[1]
    peer = pd(port, port)
    ready(peer, 0, *SOON, "thru 0", "set register/high 59")
    ready(peer, 1, *SOON, "thru 0", "set register/low 72")
    peer.play(SCALE, instance=0)
    until(lambda: len(peer.notes(0)) >= 6)
    assert peer.notes(1) == []
    peer.play(SCALE, instance=1)
    until(lambda: len(peer.notes(1)) >= 6)
    assert max(n.pitch for n in peer.notes(0)) <= 59
    assert min(n.pitch for n in peer.notes(1)) >= 72
    assert not any("register/high 59" in line for line in peer.said(1))
