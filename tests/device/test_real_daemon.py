"""The shipped device, run in real time beside a daemon that really runs, over real UDP.

These tests wait for another program, with deadlines. What they say of time is in
``benchmarks/device_delay.py``.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon_process import Antiphon
from device_stand import MAXPAT, shipped
from maxpatch import Device, osc
from needs_node import NEEDS_NODE
from real_stand import RealStand

pytestmark = NEEDS_NODE

QUICK = {"Turn Silence": 0.5, "Turn Quantize": 2, "Length": 4.0, "Thru": 0.0}
"""Settings with which an answer comes soon; Thru is off, so that what comes out is the partner."""

PATIENCE = 20_000
"""Milliseconds for the daemon's next move, on a busy machine."""


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Antiphon]:
    """Start a daemon without MIDI, and end it."""
    started = start(tmp_path)
    yield started
    started.kill()


def start(folder: Path, port: int = 0) -> Antiphon:
    """Start a daemon on a port, and wait until it is ready."""
    words = ("--osc", f"127.0.0.1:{port}") if port else ()
    started = Antiphon(folder, "--backend", "none", *words)
    assert "ready" in started.ready
    return started


def played(device: Device) -> list[tuple[float, int]]:
    """Return the notes of the partner: ms and pitch."""
    return [(time, pitch) for time, pitch, velocity in device.notes() if velocity]


def idle(device: Device) -> bool:
    """Whether the partner is there, and does nothing but listen."""
    return device.value("Status") in (1, 2)


def settle(stand: RealStand) -> None:
    """Wait until each device has a partner of its own, with its networks loaded."""
    assert stand.time.until(lambda: all(idle(it) for it in stand.devices), PATIENCE)
    stand.time.run(500)  # the partner's own first state comes after the pong's
    assert stand.time.until(lambda: all(idle(it) for it in stand.devices), PATIENCE)


@pytest.mark.parametrize("patcher", [None, MAXPAT], ids=["amxd", "maxpat"])
def test_a_phrase_is_answered(daemon: Antiphon, patcher: Path | None) -> None:
    """What is played into the device comes back as an answer, every note with its end."""
    with RealStand() as stand:
        device = stand.add(daemon.osc[1], QUICK, patcher and shipped(patcher))
        settle(stand)
        stand.play_phrase(device)
        assert stand.time.until(lambda: len(played(device)) >= 3, PATIENCE)
        assert stand.time.until(lambda: idle(device) and not device.sounding(), PATIENCE)
        assert device.patch.printed == []


def test_the_answer_lies_on_the_song(daemon: Antiphon) -> None:
    """With Live's transport running the answer begins on a beat of the song, and ends with it."""
    with RealStand() as stand:
        stand.song.set(bpm=100.0)
        settings = {**QUICK, "Turn Quantize": 3, "Quantize": 1.0, "Length": 16.0}
        device = stand.add(daemon.osc[1], settings)
        settle(stand)
        stand.song.set(playing=True, beat=0.0)
        began = stand.clock.now
        stand.time.run(700)
        stand.play_phrase(device)
        assert stand.time.until(lambda: len(played(device)) >= 4, PATIENCE)
        sixteenths = [(time - began) * 100 / 60_000 * 4 for time, _ in played(device)]
        off = [abs(it - round(it)) for it in sixteenths]
        assert sorted(off)[len(off) // 2] < 0.2, f"onsets lie at the sixteenths {sixteenths}"
        stand.song.set(playing=False)
        assert stand.time.until(lambda: not device.sounding(), 1000)


def test_a_killed_daemon_comes_back(tmp_path: Path) -> None:
    """After ``kill -9`` and a new start on the same port, hello and parameters come by themselves,
    within the 5 s of the device's own clock, and there are answers again.
    """
    first = start(tmp_path)
    port = first.osc[1]
    with RealStand() as stand:
        device = stand.add(port, {**QUICK, "Density": 0.75})
        settle(stand)
        first.end(signal.SIGKILL)
        second = start(tmp_path, port)
        try:
            said: list[tuple[float, str, tuple[object, ...]]] = []

            def note(data: bytes, _to: tuple[str, int]) -> tuple[float]:
                said.append((stand.clock.now, *osc.decode(data)))
                return (0.0,)

            stand.network.fate = note
            density = "/antiphon/param/density"
            assert stand.time.until(lambda: density in [it[1] for it in said], PATIENCE)
            restored = next(it for it in said if it[1] == density)
            assert restored[2][1] == 0.75
            assert restored[0] - said[0][0] <= 5000
            settle(stand)
            stand.play_phrase(device)
            assert stand.time.until(lambda: len(played(device)) >= 2, PATIENCE)
        finally:
            second.kill()


def test_a_bad_network_hangs_nothing(daemon: Antiphon) -> None:
    """With a fifth of all packets lost both ways there are answers, and no note hangs."""
    chance = random.Random(5)
    with RealStand() as stand:
        device = stand.add(daemon.osc[1], QUICK)
        settle(stand)
        stand.network.fate = lambda *_: () if chance.random() < 0.2 else (0.0,)
        stand.network.lost = lambda _: chance.random() < 0.2
        for _ in range(2):
            stand.time.run(3000)  # what was played before is over
            before = len(played(device))
            deadline = stand.time.now() + 3 * PATIENCE
            while len(played(device)) == before and stand.time.now() < deadline:
                stand.play_phrase(device)  # a lost note-off holds a turn open: end it by hand
                device.press("End Turn")
                stand.time.until(lambda b=before: len(played(device)) > b, 2500)  # type: ignore[misc]
            assert len(played(device)) > before
        assert stand.time.until(lambda: not device.sounding(), PATIENCE)


def test_two_devices_do_not_hear_each_other(daemon: Antiphon) -> None:
    """Each device has a partner of its own: what one plays and sets, the other never hears of."""
    with RealStand() as stand:
        one = stand.add(daemon.osc[1], QUICK)
        two = stand.add(daemon.osc[1], {**QUICK, "Temperature": 0.5})
        settle(stand)
        stand.play_phrase(one)
        assert stand.time.until(lambda: len(played(one)) >= 3, PATIENCE)
        one.move("Temperature", 1.5)
        assert stand.time.until(lambda: idle(one), PATIENCE)
        assert two.notes() == []
        assert (two.value("Temperature"), two.value("Status")) == (0.5, 1)
        before = played(one)
        stand.play_phrase(two)
        assert stand.time.until(lambda: len(played(two)) >= 3, PATIENCE)
        assert stand.time.until(lambda: idle(two), PATIENCE)
        assert played(one) == before
        assert one.value("Temperature") == 1.5
