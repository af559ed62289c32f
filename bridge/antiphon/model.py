"""What the bridge asks of a network. Torch-free: implementations live in ``antiphon_models``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from antiphon.music import Meter, Scale, Ticks, Voice


@dataclass(frozen=True, slots=True)
class Event:
    """One note as the networks see it, placed in ticks (48 a beat) from a bar line at 0.

    Attributes
    ----------
    onset : Ticks
        Absolute position; never negative.
    pitch, velocity : int
        As in MIDI.
    voice : Voice
        The part it belongs to.
    duration : Ticks or None
        None while the key is still down (fed at note-on, length unknown).
    """

    onset: Ticks
    pitch: int
    velocity: int
    voice: Voice
    duration: Ticks | None = None


@dataclass(frozen=True, slots=True)
class Controls:
    """How the player is asked to play. Register, scale, polyphony and voices are kept exactly.

    Attributes
    ----------
    temperature : float
        Divides the logits of every head.
    density : float
        0..1; at most ``max(1, round(16 * density))`` onsets in any beat, and a tilt towards
        shorter (above 0.5) or longer (below) gaps.
    low, high : int
        Register, both ends included (pitched voices).
    key, scale
        Pitched voices keep to the scale.
    polyphony : int
        Most notes struck at one onset (the caller cuts notes held over).
    voices : tuple of Voice
        The voices the answer may use.
    """

    temperature: float = 1.0
    density: float = 0.5
    low: int = 0
    high: int = 127
    key: int = 0
    scale: Scale = Scale.CHROMATIC
    polyphony: int = 8
    voices: tuple[Voice, ...] = (Voice.MELODY, Voice.KEYS)


@dataclass(frozen=True, slots=True)
class Window:
    """Where the next note may fall.

    Attributes
    ----------
    earliest, latest : Ticks
        Range of the onset, both included. Equal ends fix the onset.
    end : Ticks or None
        No note sounds past this; None for no limit.
    """

    earliest: Ticks
    latest: Ticks
    end: Ticks | None = None


@dataclass(frozen=True, slots=True)
class PlayerInfo:
    """What a loaded player tells about itself."""

    name: str
    styles: tuple[str, ...] = ()
    device: str = "cpu"
    metadata: dict[str, str] = field(default_factory=dict)


class Player(Protocol):
    """A recurrent network that is fed notes and draws the next one.

    All methods run on the inference worker's thread, never on one that keeps time.
    """

    @property
    def info(self) -> PlayerInfo:
        """Name, styles, device."""
        ...

    def begin(self, meter: Meter, *, metered: bool = True) -> None:
        """Forget everything; ticks are counted from a bar line of `meter` from now on.

        `metered` False tells the network that the beat means nothing (free playing).
        """
        ...

    def set_style(self, mix: Sequence[tuple[str, float]]) -> None:
        """Play in a mix of styles (name, weight) from the next note on; empty is no style.

        Raises
        ------
        ValueError
            If a name is not one of ``info.styles``.
        """
        ...

    def feed(self, event: Event) -> None:
        """Hear one note, the player's or its own; an onset before the last counts as with it."""
        ...

    def sample(self, window: Window, controls: Controls, random: Any) -> Event:
        """Draw the next note inside the window without feeding it.

        Parameters
        ----------
        window : Window
            Bounds of onset and end. The network is not asked whether to stop; callers look at
            the onset it prefers by giving a `latest` beyond their end.
        controls : Controls
            Constraints, exact by construction.
        random : numpy.random.Generator
            The only source of chance: same state, same arguments, same note.
        """
        ...

    def snapshot(self) -> object:
        """Return the whole state, cheap (a few KB) and immutable."""
        ...

    def restore(self, snapshot: object) -> None:
        """Go back to a snapshot of this player."""
        ...
