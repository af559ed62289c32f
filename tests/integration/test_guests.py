"""Devices that share a daemon: each has a partner of its own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from antiphon.midifile import read_midi
from daemon_process import Antiphon
from device_client import DeviceClient

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

SCALE = (60, 62, 64, 65, 67, 69, 71, 72)
SOON = {"turn/silence": 0.5, "turn/quantize": 1.0, "length": 2.0}
"""Settings with which an answer does not keep a test waiting."""


@pytest.fixture(scope="module")
def antiphon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Antiphon]:
    """Start a daemon without MIDI that records."""
    folder: Path = tmp_path_factory.mktemp("guests")
    words = [f"--set={name}={value}" for name, value in SOON.items()]
    daemon = Antiphon(folder, "--backend", "none", "--bpm", "180", "--record", str(folder), *words)
    yield daemon
    daemon.kill()


@pytest.fixture
def device(antiphon: Antiphon) -> Iterator[Callable[[], DeviceClient]]:
    """Make devices, and close them."""
    made: list[DeviceClient] = []

    def make() -> DeviceClient:
        made.append(DeviceClient(antiphon.osc))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_two_devices_do_not_hear_each_other(device: Callable[[], DeviceClient]) -> None:
    """Each is answered alone, in its own register and key; the other hears nothing of it."""
    low, high = device(), device()
    for each, bounds in ((low, (36, 59)), (high, (72, 95))):
        each.ready()
        each.send("param/scale", each.port, 1)
        each.send("param/register/low", each.port, bounds[0])
        each.send("param/register/high", each.port, bounds[1])
    low.play(SCALE)
    low.until(lambda: low.named("play"))
    assert high.named("play") == []
    high.play(SCALE)
    high.until(lambda: high.named("play"))
    assert all(36 <= pitch <= 59 for pitch, *_ in low.named("play"))
    assert all(72 <= pitch <= 95 for pitch, *_ in high.named("play"))
    assert ("param/register/low", (36.0,)) not in high.told


def test_what_a_device_says_without_its_port_is_meant_for_its_own_partner(
    device: Callable[[], DeviceClient],
) -> None:
    """Mode, turn and panic are told apart by the socket they come from."""
    one, other = device(), device()
    one.ready()
    other.ready()
    one.send("mode", "solo")
    one.send("generate", 2.0)
    one.until(lambda: one.named("play"))
    one.send("panic")
    one.until(lambda: one.named("panic"))
    assert other.named("play") == other.named("panic") == []


def test_a_client_without_its_own_partner_hears_nothing_of_a_device(
    device: Callable[[], DeviceClient],
) -> None:
    """Whoever never names a port with what it plays shares the daemon's own partner."""
    watching, playing = device(), device()
    watching.hello()
    playing.ready()
    playing.play(SCALE[:4])
    playing.until(lambda: playing.named("play"))
    assert watching.named("play") == []


def test_a_clip_becomes_the_phrase_and_its_variations_come_back_as_clips(
    device: Callable[[], DeviceClient],
) -> None:
    """What is sent note by note can be asked for again, note for note, and varied."""
    one = device()
    one.ready()
    notes = [(n, 60 + n, n * 0.5, 0.4, 80 + n) for n in range(8)]
    one.send("clip/begin", 7, 4.0, len(notes))
    for row in notes[:-1]:
        one.send("clip/note", 7, *row)
    one.send("clip/end", 7)
    one.until(lambda: one.named("error"))
    assert one.named("error")[-1] == (4, "/antiphon/clip/end")
    one.send("clip/note", 7, *notes[-1])
    one.send("clip/end", 7)
    one.until(lambda: one.named("phrase"))
    assert one.named("phrase")[-1] == (4.0, 8)
    one.send("clip/get", 0)
    one.until(lambda: one.named("clip/end"))
    assert one.named("clip/begin") == [(0, 4.0, 8)]
    back = [(n, p, s, pytest.approx(d), v) for _, n, p, s, d, v in one.named("clip/note")]
    assert back == notes

    one.until(lambda: _varied(one))
    one.send("clip/get", 2)
    one.until(lambda: (2,) in one.named("clip/end"))
    assert (
        len([1 for row in one.named("clip/note") if row[0] == 2]) == one.named("clip/begin")[-1][2]
    )


def _varied(device: DeviceClient) -> bool:
    """Ask for two variations, again if the networks for them were not there yet."""
    refused = device.named("error").count((4, "/antiphon/vary"))
    if device.named("variation") == [] and refused == device.asked:
        device.send("vary", 2, 0.5)
        device.asked += 1
    return len(device.named("variation")) == 2


def test_a_devices_session_is_recorded_under_its_own_name(
    antiphon: Antiphon, device: Callable[[], DeviceClient]
) -> None:
    """With --record each device's music is a file of its own, named by its port."""
    one = device()
    one.ready()
    one.play(SCALE[:4])
    one.until(lambda: one.named("play"))
    one.send("bye", one.port)
    recorded = antiphon.folder
    one.until(lambda: list(recorded.glob(f"antiphon-*-{one.port}.mid")))
    (path,) = recorded.glob(f"antiphon-*-{one.port}.mid")
    assert [note.pitch for note in read_midi(path).tracks[0].notes][:4] == list(SCALE[:4])


def test_a_device_that_left_can_come_back(device: Callable[[], DeviceClient]) -> None:
    """After a goodbye its partner is gone, and the next hello finds a new one as it began."""
    one = device()
    one.ready()
    one.send("param/density", one.port, 0.9)
    one.send("get", "density")
    one.until(lambda: one.named("param/density") == [(pytest.approx(0.9),)])
    one.send("bye", one.port)
    one.told.clear()
    one.ready()
    one.send("get", "density")
    one.until(lambda: one.named("param/density"))
    assert one.named("param/density") == [(0.5,)]
