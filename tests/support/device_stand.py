"""A device of ours on a test stand: in memory and virtual time, with a scripted daemon."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from max_js import MaxJs
from maxpatch import Clock, Device, Memory, Patch, Transport, read
from maxpatch.atoms import Atom
from maxpatch.device import contents
from maxpatch.objects.script import Script
from maxpatch.patch import Scripts
from scripted_daemon import PORT, ScriptedDaemon

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "max_for_live"
AMXD = FOLDER / "Antiphon.amxd"
MAXPAT = FOLDER / "Antiphon.maxpat"

RECEIVE = 7402
"""The reply port of a device as it comes."""


LINK, CLIPS = "link.js", "clips.js"


@cache
def shipped_script(name: str) -> Path:
    """Return a file with a script as it stands in the frozen device."""
    folder = Path(tempfile.mkdtemp(prefix="antiphon-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / name
    path.write_bytes(contents(AMXD)[name])
    return path


def scripts(plain: bool, link: Path | None = None) -> Scripts:
    """Return what starts the scripts of a patcher: the link always, clips when a test does it.

    A device runs those that are frozen into it, the plain patcher the one beside it; or `link`.
    """

    def start(name: str, arguments: Sequence[Atom], boxes: Sequence[str]) -> MaxJs | None:
        if name != LINK:
            return None
        path = link or (FOLDER / name if plain else shipped_script(name))
        return MaxJs(path, arguments=arguments, boxes=boxes, live=False)

    return start


@cache
def _shipped(path: Path) -> str:
    return json.dumps(read(path))


def shipped(path: Path = AMXD) -> dict[str, Any]:
    """Return the patcher of a file that we ship, to do with as one likes."""
    patcher: dict[str, Any] = json.loads(_shipped(path))
    return patcher


def is_plain(patcher: dict[str, Any]) -> bool:
    """Whether it is the patcher for plain Max, whose bytes come by an inlet."""
    return any(entry["box"]["maxclass"] == "inlet" for entry in patcher["boxes"])


class Stand:
    """A device, the song's transport, and a daemon.

    Parameters
    ----------
    patcher : dict, optional
        A patcher; by default the shipped device's.
    stored : mapping, optional
        Values of a saved set, by long names.
    backwards, last_first : bool
        Ways in which Max or Live could differ; a device does not notice.
    beside : Stand, optional
        Share the world (clock, network, song, daemon) with another device.
    link : Path, optional
        Runs in the place of ``link.js``.

    Attributes
    ----------
    plain : bool
        Whether it is the patcher for plain Max: bytes come and go by inlet and outlets, there are
        no clips, and its ports are arguments.
    """

    def __init__(
        self,
        patcher: dict[str, Any] | None = None,
        *,
        stored: Mapping[str, float] | None = None,
        backwards: bool = False,
        last_first: bool = False,
        beside: Stand | None = None,
        link: Path | None = None,
    ) -> None:
        self.clock = beside.clock if beside else Clock()
        self.network = beside.network if beside else Memory(self.clock)
        self.song = beside.song if beside else Transport(self.clock)
        self.daemon = beside.daemon if beside else ScriptedDaemon(self.clock, self.network)
        patcher = shipped() if patcher is None else patcher
        stored = stored or {}
        self.plain = is_plain(patcher)
        ports = int(stored.get("Receive Port", RECEIVE)), int(stored.get("Daemon Port", PORT))
        if self.plain:
            stored = {name: value for name, value in stored.items() if "Port" not in name}
        self.patch = Patch(
            patcher,
            clock=self.clock,
            network=self.network,
            transport=self.song,
            backwards=backwards,
            scripts=scripts(self.plain, link),
            live=not self.plain,
            arguments=ports if self.plain else (),
            number=2 if beside else 1,
        )
        self.device = Device(self.patch, stored=stored, last_first=last_first)

    # -- ways to begin -----------------------------------------------------------------------

    def load(self) -> Stand:
        """Put the device on its track."""
        self.device.load()
        return self

    def connect(self) -> Stand:
        """Put the device on its track and let it find the daemon; forget what was said."""
        self.load()
        self.run(100)
        assert self.port in self.daemon.clients, "the device did not say hello"
        self.daemon.clear()
        return self

    # -- the world ---------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """The reply port that the device should have."""
        value = self.device.value
        return int(value("Receive Port") + value("Instance"))

    def run(self, milliseconds: float) -> None:
        """Let time go by."""
        self.clock.advance(milliseconds)

    def play(self, pitch: int, velocity: int = 90, duration: int = 200, delay: int = 60) -> None:
        """Let the daemon send a note, and let it arrive."""
        self.daemon.play(self.port, pitch, velocity, duration, delay)
        self.run(0)

    def tell(self, name: str, *arguments: Atom) -> None:
        """Let the daemon send a message, and let it arrive."""
        self.daemon.tell(self.port, name, *arguments)
        self.run(0)

    def said(self, what: Callable[[], None]) -> list[tuple[str, tuple[Atom, ...]]]:
        """Return what the device sends while something is done."""
        self.daemon.clear()
        what()
        self.run(0)
        return [(it.address.removeprefix("/antiphon/"), it.arguments) for it in self.daemon.heard]

    @property
    def clips(self) -> Script:
        """The object ``js clips.js``."""
        return script_of(self.patch, CLIPS)

    def by_varname(self, name: str) -> Any:
        """Return the object with a scripting name."""
        (found,) = [
            made for made in self.patch.objects.values() if made.box.json.get("varname") == name
        ]
        return found

    def silent(self) -> bool:
        """Whether nothing sounds that came out of the device."""
        return not self.device.sounding()


def script_of(patch: Patch, name: str) -> Script:
    """Return the ``js`` with that file."""
    (found,) = [it for it in patch.find(Script) if isinstance(it, Script) and it.args[0] == name]
    return found


__all__ = [
    "AMXD",
    "CLIPS",
    "FOLDER",
    "LINK",
    "MAXPAT",
    "PORT",
    "RECEIVE",
    "Stand",
    "is_plain",
    "script_of",
    "scripts",
    "shipped",
    "shipped_script",
]
