"""What the engine tells of itself when it changes: its status, and the beat."""

from __future__ import annotations

from collections.abc import Callable

from antiphon import commands as c
from antiphon.music import Beats
from antiphon.timebase import Tempo


class Bulletin:
    """Tells what has changed, and nothing twice. Used by the engine's thread only.

    Parameters
    ----------
    mode : Mode
        The first mode.
    publish : callable
        Takes updates; returns at once.
    """

    def __init__(self, mode: c.Mode, publish: Callable[[c.Update], None]) -> None:
        self._publish = publish
        self._status = c.Status(mode=mode)
        self._model = ""
        self._beat: Beats | None = None

    def model(self, name: str) -> None:
        """A network is in use; told with the next status."""
        self._model = name

    def status(self, state: c.State, mode: c.Mode, playing: bool) -> None:
        """Tell the status if it has changed."""
        ready = bool(self._model)
        status = c.Status(state if ready else c.State.LOADING, mode, self._model, ready, playing)
        if status != self._status:
            self._status = status
            self._publish(status)

    def jumped(self) -> None:
        """The beat may have gone back: the next one counts as new."""
        self._beat = None

    def beat(self, beat: Beats, tempo: Tempo) -> bool:
        """Tell each new beat; return whether it begins a bar."""
        bar, place = tempo.bar_and_beat(beat)
        whole = Beats(float(int(place)))
        here = Beats(beat - (place - whole))
        if self._beat is not None and here < self._beat + 0.5:
            return False
        self._beat = here
        self._publish(c.Beat(bar, whole, tempo.bpm, tempo.meter))
        return not whole
