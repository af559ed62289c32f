"""A network stand-in that uses the sustain pedal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from antiphon.model import Controls, Event, Window
from antiphon.music import Pedal
from stage import ScalePlayer


class PianoPlayer(ScalePlayer):
    """A scale that is pedalled when it is asked for: down, and changed on every other note."""

    def sample(self, window: Window, controls: Controls, random: Any) -> Event:
        """Give the scale's next note a pedal."""
        event = super().sample(window, controls, random)
        pedal = Pedal.CHANGED if event.onset // self.step % 2 else Pedal.DOWN
        return replace(event, pedal=pedal) if controls.pedal else event
