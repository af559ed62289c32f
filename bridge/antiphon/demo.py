"""``antiphon play --demo``: a tune is played to the daemon, and what it answers is kept.

The whole daemon runs in real time, port process included; only the ports are in memory. The
tune is the theme of the last movement of Beethoven's ninth symphony (1824, public domain),
two bars at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from antiphon import commands as c
from antiphon import midi, pianoroll
from antiphon.midifile import read_midi
from antiphon.music import Beats, Meter, Scale
from antiphon.ports.base import PortOptions

if TYPE_CHECKING:
    from antiphon.daemon import Daemon, Face

BPM: Final = 112.0

CALLS: Final = (
    "E4 E4 F4 G4 G4 F4 E4 D4",
    "C4 C4 D4 E4 E4. D4, D4:",
    "E4 E4 F4 G4 G4 F4 E4 D4",
    "C4 C4 D4 E4 D4. C4, C4:",
)
"""Two bars each: a quarter note, ``.`` a dotted one, ``,`` an eighth, ``:`` a half."""

LENGTHS: Final = {".": 1.5, ",": 0.5, ":": 2.0}

DEMO_OPTIONS: Final[dict[str, Any]] = {
    "ports": PortOptions(backend="memory"),
    "sync": "internal",
    "meter": Meter(),
    "mode": c.Mode.RESPOND,
    "settings": {
        "bpm": BPM,
        "key": 0.0,
        "scale": float(Scale.MAJOR),
        "turn/bars": 2.0,
        "length": 8.0,
        "temperature": 0.9,
        "seed": 1.0,
    },
    "bindings": {},
    "keep_bindings": False,
}
"""What the demo changes of the options asked for, the seed if none was."""


def demo_options(settings: Mapping[str, float]) -> dict[str, Any]:
    """Return what the demo changes; of the settings asked for it keeps the seed."""
    seed = {name: value for name, value in settings.items() if name == "seed"}
    return {**DEMO_OPTIONS, "settings": {**DEMO_OPTIONS["settings"], **seed}}


PATIENCE: Final = 30.0
"""Seconds after which an answer that has not ended is not waited for."""


def parse(call: str) -> list[tuple[Beats, int, Beats]]:
    """Read a call: (onset, pitch, length) of each note, in beats."""
    notes, at = [], 0.0
    names = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    for word in call.split():
        length = LENGTHS.get(word[-1], 1.0)
        pitch = names[word[0]] + 12 * (int(word[1]) + 1)
        notes.append((Beats(at), pitch, Beats(length)))
        at += length
    return notes


class Demo:
    """Plays the tune to a daemon that records, and draws the session."""

    def __init__(self) -> None:
        self._turned, self._idle = threading.Event(), threading.Event()

    def watch(self, face: Face) -> _Watching:
        """Return the face with the demo listening in, to know when an answer is over."""
        return _Watching(face, self._turned, self._idle)

    def play(self, daemon: Daemon) -> None:
        """Play call after call, then end the daemon. Runs on a thread of its own."""
        for number, call in enumerate(CALLS):
            self._turned.clear()
            self._perform(daemon, call, accent=8 * (number % 2))
            if not self._turned.wait(PATIENCE) or daemon.stopping.is_set():
                break
            self._idle.clear()
            self._idle.wait(PATIENCE)
        daemon.submit(c.Record(on=False))
        if not daemon.stopping.is_set():
            self._keep(daemon)
            daemon.stop()

    def _perform(self, daemon: Daemon, call: str, accent: int) -> None:
        """Play one call in time, a little louder on the beat of a bar."""
        began, beat = time.perf_counter(), 60.0 / BPM
        for onset, pitch, length in parse(call):
            velocity = 76 + accent + (10 if onset % 4 == 0 else 0) + (pitch - 60)
            if daemon.stopping.wait(max(0.0, began + onset * beat - time.perf_counter())):
                return
            daemon.inject(midi.note_on(1, pitch, velocity))
            end = began + (onset + 0.9 * length) * beat
            daemon.stopping.wait(max(0.0, end - time.perf_counter()))
            daemon.inject(midi.note_off(1, pitch))

    def _keep(self, daemon: Daemon) -> None:
        """Draw the session beside its file."""
        path = daemon.session_path
        if path is None or not path.exists():
            return
        song = read_midi(path)
        picture = path.with_suffix(".svg")
        pianoroll.save(
            picture,
            pianoroll.draw(
                song.phrase("Player"),
                song.phrase("Antiphon"),
                meter=song.meter,
                title="Call and answer",
                subtitle=f"{daemon.model} answers the theme of Beethoven's ninth, two bars each",
            ),
        )
        daemon.last_words.append(f"kept {path} and {picture}")


class _Watching:
    """A face that passes everything on, and sets events at turns and rests."""

    def __init__(self, face: Face, turned: threading.Event, idle: threading.Event) -> None:
        self._face, self._turned, self._idle = face, turned, idle
        self.ports = ""

    def update(self, update: c.Update) -> None:
        """Take an update; any thread, returns at once."""
        self._face.update(update)
        if isinstance(update, c.TurnEnded):
            self._turned.set()
        elif isinstance(update, c.Status) and update.state is c.State.IDLE:
            self._idle.set()

    def run(self, until: threading.Event) -> None:
        """Show until the event is set."""
        self._face.ports = self.ports
        self._face.run(until)
