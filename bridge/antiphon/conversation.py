"""One partner: an engine on a thread of its own, its seat at the worker, and its recorder."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from typing import Any

from antiphon import commands as c
from antiphon.engine import Engine, Silenced
from antiphon.errors import AntiphonError
from antiphon.model import Player, Varier
from antiphon.music import Pedal, Seconds
from antiphon.record import Recorder
from antiphon.repertoire import Equipped, Loaded, NotLoaded
from antiphon.speech import NoteOutput
from antiphon.sync.base import SyncSource
from antiphon.timebase import Clock
from antiphon.worker import Worker

_log = logging.getLogger("antiphon")


class Unheard:
    """An output without ports: who is told of the notes plays them."""

    def play(
        self,
        number: int,
        on: Seconds,
        off: Seconds,
        channel: int,
        pitch: int,
        velocity: int,
        pedal: Pedal,
    ) -> None:
        """Do nothing."""

    def lift(self, at: Seconds) -> None:
        """Do nothing."""

    def release(self, number: int, at: Seconds) -> None:
        """Do nothing."""

    def stop(self, at: Seconds) -> None:
        """Do nothing."""

    def panic(self) -> None:
        """Do nothing."""

    def configure(self, thru: bool) -> None:
        """Do nothing."""


class Conversation:
    """One partner and all that belongs to it alone.

    Parameters
    ----------
    clock : Clock
        The time.
    worker : Worker
        Where its network has a seat.
    output : NoteOutput
        Where its notes go.
    source : SyncSource
        Whose beat it follows.
    publish : callable
        Takes its updates; called on its threads, returns at once.
    recorder : Recorder
        Keeps its sessions.
    load : callable
        Loads a network by name; called on a thread of its own.
    mode : Mode
        The first mode.
    settings : dict
        Values of parameters that differ from their defaults.
    bindings : dict
        Controller number -> what it drives.
    """

    def __init__(
        self,
        clock: Clock,
        worker: Worker,
        output: NoteOutput,
        source: SyncSource,
        publish: Callable[[c.Update], None],
        recorder: Recorder,
        load: Callable[[str | None], Player],
        *,
        mode: c.Mode,
        settings: dict[str, float],
        bindings: dict[int, str],
    ) -> None:
        self.recorder = recorder
        self._load_player = load
        self._seat = worker.seat(self.tell)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._engine = Engine(
            clock,
            output,
            self._seat.submit,
            source,
            publish,
            mode=mode,
            settings=settings,
            bindings=bindings,
            load=self._load_beside,
        )

    def start(self) -> None:
        """Set the engine going; it hears already what its network will be told once it is there."""
        self._thread = beside("antiphon-engine", lambda: self._engine.run(self._stop))

    def begin(self, player: Player) -> None:
        """Play with a network from now on. Any thread."""
        self._seat.take(player)
        self.tell(Loaded(player, first=True))

    def equip(self, varier: Varier) -> None:
        """Vary with these networks from now on. Any thread."""
        self.tell(Equipped(varier))

    def submit(self, message: Any) -> bool:
        """Give the engine, or the recorder, something; False when it cannot take more."""
        if isinstance(message, c.Record):
            if message.on:
                self.recorder.start()
            else:
                self.recorder.stop()
            return True
        return self._engine.submit(message)

    def tell(self, message: Any) -> None:
        """Give the engine something of our own. Any thread."""
        if not self._engine.submit(message):
            _log.warning("the engine's inbox is full; something was lost")

    def stop(self) -> None:
        """Ask it to end. Any thread, returns at once."""
        self._stop.set()
        self._seat.leave()
        self.tell(Silenced())  # wakes the engine

    def join(self, timeout: float) -> None:
        """Wait for its end, and write what was recorded."""
        if self._thread is not None:
            self._thread.join(timeout)
        self.recorder.stop()

    def _load_beside(self, command: c.LoadModel) -> None:
        """Load a checkpoint beside the music; the engine swaps it in on a bar line."""

        def load() -> None:
            if re.fullmatch(r"[\w-]+", command.name) is None:  # a name, never a path
                self.tell(NotLoaded(command, c.Refusal.NOT_ALLOWED))
                return
            try:
                self.tell(Loaded(self._load_player(command.name)))
            except AntiphonError as error:
                _log.warning("%s", error)
                self.tell(NotLoaded(command, c.Refusal.NO_SUCH_NAME))

        beside("antiphon-load", load)


def beside(name: str, work: Callable[[], object]) -> threading.Thread:
    """Do work on a thread of its own, which does not keep the process alive."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread
