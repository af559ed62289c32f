"""The session recorder: what both played, kept as a Standard MIDI File that survives a crash.

The engine's thread only puts updates on a queue (:meth:`Recorder.update`). A thread of the
recorder's own turns them into music (:class:`antiphon.session.Session`) and rewrites the file
whole after each turn and every few seconds, so that whatever happens to the process, what was
played up to then is on disk.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final, TypeAlias

from antiphon.commands import Beat, ParamValue, Status, TurnEnded, Update
from antiphon.errors import MidiFileError
from antiphon.music import Meter, Seconds
from antiphon.session import Session
from antiphon.timebase import Clock

log = logging.getLogger(__name__)

EVERY: Final = Seconds(3.0)
"""Longest that what was played waits to be written."""

SHARE: Final = 30
"""Writing takes at most one part in so many of the time: long sessions are written less often."""

Queue: TypeAlias = "queue.SimpleQueue[tuple[Update | None, Seconds]]"


class Recorder:
    """Records sessions into a folder, a file each time it is started.

    Parameters
    ----------
    directory : Path
        Where sessions go; made when needed.
    clock : Clock
        The clock of the engine's updates.
    meter : Meter, optional
        Meter until the beat shows another.
    seed : int
        Seed at the start; changes told before the first note count.
    wall : callable
        The wall clock, for the file's name only.
    every : Seconds
        Longest that what was played waits to be written.
    suffix : str
        Ends the names of files; tells recorders of one folder apart.
    """

    def __init__(
        self,
        directory: str | Path,
        clock: Clock,
        *,
        meter: Meter | None = None,
        seed: int = 0,
        wall: Callable[[], datetime] = datetime.now,
        every: Seconds = EVERY,
        suffix: str = "",
    ) -> None:
        self.directory = Path(directory)
        self._suffix = suffix
        self.path: Path | None = None
        """The file of the session that runs, or ran last."""
        self._clock, self._meter, self._seed = clock, meter, seed
        self._wall, self._every = wall, every
        self._model, self._complained = "", False
        self._queue: Queue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def recording(self) -> bool:
        """Whether a session is being recorded."""
        return self._thread is not None

    def start(self) -> Path:
        """Begin a session and return the path its file will have once something is played.

        Raises
        ------
        MidiFileError
            If the folder cannot be made.
        """
        if self._thread is not None and self.path is not None:
            return self.path
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise MidiFileError(
                "a folder for sessions is needed",
                f"{self.directory} cannot be made ({error.strerror or error})",
                "name another with --record",
            ) from None
        stem = f"antiphon-{self._wall():%Y-%m-%d-%H%M%S}{self._suffix}"
        path, count = self.directory / f"{stem}.mid", 1
        while path.exists() or path == self.path:
            count += 1
            path = self.directory / f"{stem}-{count}.mid"
        session = Session(self._meter, self._model, self._seed)
        self.path, self._queue = path, queue.SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, args=(session, self._queue, path), name="recorder", daemon=True
        )
        self._thread.start()
        return path

    def update(self, update: Update) -> None:
        """Take an update. Called on the engine's thread: stores it and never waits."""
        if isinstance(update, Status):
            self._model = update.model
        elif isinstance(update, ParamValue) and update.name == "seed":
            self._seed = int(update.value)
        if self._thread is not None:
            self._queue.put((update, self._clock.now()))

    def stop(self) -> Path | None:
        """End the session, write the rest, and return its file (None if nothing was played)."""
        thread, self._thread = self._thread, None
        if thread is None or self.path is None:
            return None
        self._queue.put((None, self._clock.now()))
        thread.join(timeout=5.0)
        return self.path if self.path.exists() else None

    def _work(self, session: Session, updates: Queue, path: Path) -> None:
        """Run the recorder's thread: collect, and write when a turn ended or it is time."""
        rested = self._clock.now()
        due, dirty = Seconds(rested + self._every), False
        update: Update | None
        while True:
            try:
                update, now = updates.get(timeout=min(self._every, 0.5))
            except queue.Empty:
                turn_ended, now = False, self._clock.now()
            else:
                if update is None:
                    self._write(session, path, now)
                    return
                self._apply(session, update, now)
                dirty |= not isinstance(update, Beat)
                turn_ended = isinstance(update, TurnEnded)
            if dirty and (now >= due or (turn_ended and now >= rested)):
                began = self._clock.now()
                self._write(session, path, began)
                rest = (self._clock.now() - began) * SHARE
                dirty = False
                rested, due = Seconds(began + rest), Seconds(began + max(self._every, rest))

    def _apply(self, session: Session, update: Update, now: Seconds) -> None:
        """Take in one update; a fault of ours must cost a note, not the session."""
        try:
            session.apply(update, now)
        except Exception:
            log.exception("the recorder could not take in %s", update)

    def _write(self, session: Session, path: Path, now: Seconds) -> None:
        """Write, and never let trouble with the disk end the recording."""
        try:
            session.write(path, now)
        except MidiFileError as error:
            if not self._complained:  # once is enough: this comes round every few seconds
                log.warning("session not saved: %s", error)
            self._complained = True
        except Exception:
            log.exception("the recorder could not write %s", path)
        else:
            self._complained = False
