"""A device of ours in real time, on real UDP, beside a daemon that really runs."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from device_stand import is_plain, scripts, shipped
from maxpatch import Clock, Device, Patch, Transport, Udp
from maxpatch.realtime import RealTime


def free_port() -> int:
    """Return a UDP port that nothing has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


class RealStand:
    """Devices on real UDP, all in one real time; a context manager that takes them off again.

    Attributes
    ----------
    time : RealTime
        Runs them.
    song : Transport
        What their transport follows.
    devices : list of Device
    """

    def __init__(self) -> None:
        self.clock = Clock()
        self.network = Udp(self.clock)
        self.song = Transport(self.clock)
        self.time = RealTime(self.clock, self.network)
        self.devices: list[Device] = []

    def __enter__(self) -> RealStand:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for device in self.devices:
            device.close()
        self.network.close()

    def add(
        self,
        daemon_port: int,
        stored: Mapping[str, float] | None = None,
        patcher: dict[str, Any] | None = None,
    ) -> Device:
        """Put a device on a track, with a free receive port and the daemon's port."""
        patcher = shipped() if patcher is None else patcher
        plain = is_plain(patcher)
        ports = {"Receive Port": free_port(), "Daemon Port": daemon_port}
        patch = Patch(
            patcher,
            clock=self.clock,
            network=self.network,
            transport=self.song,
            scripts=scripts(plain),
            live=not plain,
            arguments=tuple(ports.values()) if plain else (),
            number=len(self.devices) + 1,
        )
        device = Device(patch, stored={**ports, **(stored or {})})
        device.load()
        self.devices.append(device)
        return device

    def play_phrase(self, device: Device, pitches: tuple[int, ...] = (60, 62, 64, 67)) -> None:
        """Play notes of a sixteenth at 120 bpm, one after the other."""
        for pitch in pitches:
            device.note(pitch, 90)
            self.time.run(110)
            device.note(pitch, 0)
            self.time.run(15)
