"""A file as Max or Live opens it: reading, loading, and the hands on it."""

from __future__ import annotations

import json
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from maxpatch.atoms import PatchError
from maxpatch.objects.midi import CONTROL, NOTE_OFF, NOTE_ON, Assembler
from maxpatch.objects.parameters import LiveText, Parameter, ThisDevice, by_name
from maxpatch.patch import Patch


def read(path: Path) -> dict[str, Any]:
    """Return the patcher in a ``.maxpat``, ``.maxhelp`` or ``.amxd`` file."""
    main, *_ = contents(path).values()
    patcher: dict[str, Any] = json.loads(main.rstrip(b"\0\n"))["patcher"]
    return patcher


def contents(path: Path) -> dict[str, bytes]:
    """Return the files in a file by their names, the patcher's first.

    Written from the description of the container (little-endian chunks; a big-endian archive in a
    frozen device), and shared with no code of the device's generator.

    Raises
    ------
    PatchError
        If a chunk or the archive's directory is missing.
    """
    data = path.read_bytes()
    if data[:4] != b"ampf":
        return {path.name: data}
    data = _chunk(data, b"ptch")
    if data[:4] != b"mx@c":
        return {path.name: data}
    (footer,) = struct.unpack_from(">Q", data, 8)
    name, size = struct.unpack_from(">4sI", data, footer)
    if name != b"dlst":
        raise PatchError("an archive without a directory")
    files = {}
    for _, entry in _fields(data[footer + 8 : footer + size]):
        field = dict(_fields(entry))
        (length,), (offset,) = (struct.unpack(">I", field[key]) for key in (b"sz32", b"of32"))
        title = field[b"fnam"].rstrip(b"\0").decode()
        files[title] = data[offset : offset + length]
    return files


def _chunk(data: bytes, wanted: bytes) -> bytes:
    at = 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        if name == wanted:
            return data[at + 8 : at + 8 + size]
        at += 8 + size
    raise PatchError(f"no chunk {wanted!r}")


def _fields(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the payload of fields whose size counts their header."""
    at = 0
    while at + 8 <= len(data):
        name, size = struct.unpack_from(">4sI", data, at)
        yield name, data[at + 8 : at + size]
        at += size


class Device:
    """A patch with Live's part: parameters recalled at the start, and hands that move them.

    Parameters
    ----------
    patch : Patch
    stored : mapping, optional
        What a saved set holds, by long names.
    last_first : bool
        Recall the parameters, and load the objects, in the opposite order of the file's: none is
        promised.
    """

    def __init__(
        self,
        patch: Patch,
        stored: Mapping[str, float] | None = None,
        last_first: bool = False,
    ) -> None:
        self.patch, self.clock = patch, patch.clock
        self.parameters = by_name(
            [made for made in patch.objects.values() if isinstance(made, Parameter)]
        )
        self.stored = dict(stored or {})
        self._last_first = last_first
        self._this = patch.find(ThisDevice)

    # -- Live's part -------------------------------------------------------------------------

    def load(self) -> None:
        """Open the patch, recall the parameters, and say that the device is there."""
        early = self.patch.live or self._last_first
        if early:
            self.patch.load(self._last_first)
        parameters = [(name, it) for name, it in self.parameters.items() if it.enabled]
        for name, parameter in reversed(parameters) if self._last_first else parameters:
            parameter.recall(self.stored.get(name))
        if not early:
            self.patch.load()
        self.ready()

    def ready(self) -> None:
        """Say that the device is there, as Live does again when a preset is loaded."""
        if self.patch.live:
            for this in self._this:
                assert isinstance(this, ThisDevice)
                this.ready()
        self.clock.advance(0)

    def enable(self, on: bool) -> None:
        """Turn the device on or off in its title bar."""
        for this in self._this:
            assert isinstance(this, ThisDevice)
            this.enabled(on)
        self.clock.advance(0)

    def close(self) -> None:
        """Take the device off its track."""
        self.patch.close()
        self.clock.advance(0)

    # -- hands -------------------------------------------------------------------------------

    def value(self, name: str) -> float:
        """Return what a parameter shows."""
        return self.parameters[name].value

    def move(self, name: str, value: float) -> None:
        """Move a parameter."""
        self.parameters[name].move(value)
        self.clock.advance(0)

    def press(self, name: str, by_automation: bool = False) -> None:
        """Press a button with the mouse, or by a controller that sends 1 and then 0."""
        button = self.parameters[name]
        assert isinstance(button, LiveText)
        if by_automation:
            button.move(1)
            button.move(0)
        else:
            button.click()
        self.clock.advance(0)

    # -- MIDI --------------------------------------------------------------------------------

    def note(self, pitch: int, velocity: int, channel: int = 1) -> None:
        """Play a note into the device; velocity 0 is a note-off."""
        status = NOTE_ON if velocity else NOTE_OFF
        self.patch.midi_in(status + channel - 1, pitch, velocity)
        self.clock.advance(0)

    def control(self, controller: int, value: int, channel: int = 1) -> None:
        """Move a controller."""
        self.patch.midi_in(CONTROL + channel - 1, controller, value)
        self.clock.advance(0)

    def heard(self) -> list[tuple[float, int, int, tuple[int, ...]]]:
        """Return what came out: ms, kind, channel 1..16 and data of each MIDI message."""
        streams: dict[str, Assembler] = {}
        found = []
        for time, box, byte in self.patch.midi_out:
            if whole := streams.setdefault(box, Assembler()).feed(byte):
                found.append((time, *whole))
        return found

    def notes(self) -> list[tuple[float, int, int]]:
        """Return the notes that came out: ms, pitch, and velocity (0 a note-off)."""
        return [
            (time, data[0], data[1] if kind == NOTE_ON else 0)
            for time, kind, _, data in self.heard()
            if kind in (NOTE_ON, NOTE_OFF)
        ]

    def sounding(self) -> Counter[tuple[int, int]]:
        """Count note-ons without their note-offs, by channel and pitch."""
        count: Counter[tuple[int, int]] = Counter()
        for _, kind, channel, data in self.heard():
            if kind == NOTE_ON and data[1]:
                count[channel, data[0]] += 1
            elif kind in (NOTE_ON, NOTE_OFF) and count[channel, data[0]]:
                count[channel, data[0]] -= 1
        return +count

    def run(self, milliseconds: float) -> None:
        """Let time go by."""
        self.clock.advance(milliseconds)
