"""What the bridge asks of a network. Torch-free: implementations live in ``antiphon_models``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Protocol

from antiphon.music import Beats, Meter, Note, Pedal, Phrase, Scale, Ticks, Voice


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
    pedal : Pedal
        How the sustain pedal stands for it.
    """

    onset: Ticks
    pitch: int
    velocity: int
    voice: Voice
    duration: Ticks | None = None
    pedal: Pedal = Pedal.UNKNOWN


@dataclass(frozen=True, slots=True)
class Controls:
    """How the player is asked to play. Register, scale, polyphony and voices are kept exactly.

    A network that was trained on it is also told what is asked, so that it means it.

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
    velocity : float
        By how much what is drawn will be louder when it is sent. The caller scales it; the
        player only plays as one does who plays louder.
    chord : float
        0..1; how far to follow the harmony that is heard.
    guidance : float
        0..3; how strongly the network is held to what is asked: not at all at 0, as it was
        trained at 1.
    bpm : float or None
        The tempo; None where there is none.
    pedal : bool
        Whether pitched notes are given a pedal, by a player that has learnt it. The notes are the
        same with it and without.
    """

    temperature: float = 1.0
    density: float = 0.5
    low: int = 0
    high: int = 127
    key: int = 0
    scale: Scale = Scale.CHROMATIC
    polyphony: int = 8
    voices: tuple[Voice, ...] = (Voice.MELODY, Voice.KEYS)
    velocity: float = 1.0
    chord: float = 0.0
    guidance: float = 1.5
    bpm: float | None = None
    pedal: bool = False


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
    """What a loaded player tells about itself; `arithmetic` is what computes its steps."""

    name: str
    styles: tuple[str, ...] = ()
    device: str = "cpu"
    metadata: dict[str, str] = field(default_factory=dict)
    arithmetic: str = "numpy"


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

    def pedal(self, pedal: Pedal) -> None:
        """Say anew how the sustain pedal stands for the note that was fed last.

        A note is fed as its key goes down, and what the pedal does with it is known only after.
        """
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


class Keep(IntEnum):
    """What a variation leaves alone, by the public index of ``vary/keep``."""

    NOTHING = 0
    """Everything may change."""
    NOTES = 1
    """The pitches stay, in their order; the rhythm changes."""
    RHYTHM = 2
    """The onsets stay; the pitches (or the drums struck) change."""


@dataclass(frozen=True, slots=True)
class Variation:
    """One variation of a phrase.

    Attributes
    ----------
    notes : tuple of Note
        Sorted; in beats from the start of the phrase (a note played a little early may begin
        just before 0). Notes that were kept keep their channel.
    distance : float
        How far it is from the phrase, 0 (the same notes) to 1 (no note in common): the share
        of onsets on the grid that only one of the two has.
    """

    notes: tuple[Note, ...]
    distance: float


class Varier(Protocol):
    """The networks that vary a phrase: the GANs and the DIC, for drums and for pitched notes.

    All methods run on the inference worker's thread or in a command, never on a thread that
    keeps time. Notes with the voice DRUMS are varied as drums, all others as pitched notes.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """The checkpoints in use."""
        ...

    def check(self, phrase: Phrase, length: Beats) -> None:
        """Make sure that a phrase can be varied.

        Raises
        ------
        PhraseError
            If it has no notes, is not 1 to 8 bars long, is in a meter whose bars are not whole
            sixteenths, or its drums are none that the networks know.
        """
        ...

    def variations(
        self,
        phrase: Phrase,
        length: Beats,
        amount: float,
        count: int,
        seed: Sequence[int],
        keep: Keep = Keep.NOTHING,
    ) -> Iterator[Variation | None]:
        """Vary a phrase.

        Parameters
        ----------
        phrase : Phrase
            Its notes in beats, its first bar line at 0.
        length : Beats
            Its length; 1 to 8 bars.
        amount : float
            0 (the phrase itself, note for note) to 1.
        count : int
            How many.
        seed : sequence of int
            Same seed, same phrase, same variations.
        keep : Keep
            What stays.

        Returns
        -------
        iterator of Variation or None
            `count` variations, made when they are asked for. None is a pause in the work: no
            step takes much more than a millisecond, so that the caller can do something else
            in between. No two variations are the same if `amount` is above 0.

        Raises
        ------
        PhraseError
            As :meth:`check`, at the call.
        """
        ...

    def humanise(
        self, phrase: Phrase, length: Beats, amount: float, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Give a straight pattern the velocities and the microtiming of a player.

        Which notes there are does not change; `amount` 0 changes nothing, 1 plays them wholly
        as the network would.
        """
        ...

    def groove(
        self, phrase: Phrase, length: Beats, count: int, seed: Sequence[int]
    ) -> Iterator[Variation]:
        """Make drums to a phrase: its rhythm and accents drive a groove. Drums only come out."""
        ...

    def blend(self, first: Phrase, last: Phrase, length: Beats, steps: int) -> list[Variation]:
        """Morph from one phrase to another through the DIC's latent space.

        Returns
        -------
        list of Variation
            `steps` of them (at least 2): the first phrase itself, ..., the last one itself,
            each with its distance from the first.

        Raises
        ------
        PhraseError
            If one of them cannot be used, or their meters differ.
        """
        ...
