"""The sustain pedal, from what a foot does to what notes are given, and back.

:class:`PedalFollower` hears a pedal and says how it stands for each onset
(:class:`antiphon.music.Pedal`); :func:`pedal_messages` writes controllers that say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from antiphon import midi
from antiphon.music import PEDAL_AFTER, PEDAL_DOWN, Beats, Note, Pedal, Seconds, Voice, is_down

PRESS: Final = Seconds(0.06)
"""How long after the onset that it joins the partner presses the pedal, as pianists do: what
sounded before has died away by then."""


REST: Final = Beats(4.0)
"""In files a pedal does not sound on through a rest longer than this: nobody said when it came up,
but a turn was over."""


class PedalFollower:
    """Says how the pedal stands for each onset of somebody who plays.

    A move belongs to the last onset if it comes at most :data:`PEDAL_AFTER` behind it and ahead
    of the next one; later ones wait for the next. Times never go back. Channels share a pedal.

    Parameters
    ----------
    channels : iterable of int
        Channels that are known to have a pedal, which is up; others have one once it moves.
    """

    def __init__(self, channels: Iterable[int] = ()) -> None:
        self._feet = dict.fromkeys(channels, False)
        self._onset: Seconds | None = None
        self._before = self._now = False  # down at the onset before, and at this one
        self._lifted = self._late = False  # lifted for this onset, or already for the next one

    @property
    def down(self) -> bool:
        """Whether the pedal is down on any channel."""
        return any(self._feet.values())

    def strike(self, time: Seconds) -> Pedal:
        """Return how the pedal stands for a note struck at `time`, as far as is known by then."""
        if time != self._onset:
            self._onset, self._before = time, self._now
            self._lifted, self._late, self._now = self._late, False, self.down
        return self._state()

    def move(self, channel: int, value: int, time: Seconds) -> Pedal | None:
        """Take a value of the controller; return what it makes of the last onset, if anything."""
        was = self.down
        self._feet[channel] = value >= PEDAL_DOWN
        lifted = was and not self.down
        if self._onset is None or time > self._onset + PEDAL_AFTER:
            self._late |= lifted
            return None
        self._lifted |= lifted
        self._now = self.down
        return self._state()

    def lift(self) -> None:
        """Every pedal counts as up."""
        self._late |= self.down
        self._feet = dict.fromkeys(self._feet, False)

    def lifts(self, message: bytes) -> bool:
        """Tell whether a message of the pedal lifts one that is down."""
        pressed = self._feet.get(midi.channel(message), False)
        return pressed and message[2] < PEDAL_DOWN

    def _state(self) -> Pedal:
        if not self._feet:
            return Pedal.UNKNOWN
        if not self._now:
            return Pedal.UP
        return Pedal.CHANGED if self._before and self._lifted else Pedal.DOWN


def pedal_messages(notes: Iterable[Note], bpm: float) -> list[tuple[Beats, bytes]]:
    """Return the messages of the pedal that notes were given, in order.

    It is lifted at the onset of a note that has it up or changed, pressed :data:`PRESS` after an
    onset or just before the next one, and lifted at the end of the last note before a long rest.

    Parameters
    ----------
    notes : iterable of Note
        Of any channels; each has a pedal of its own.
    bpm : float
        Makes beats of :data:`PRESS`.
    """
    found: list[tuple[Beats, bytes]] = []
    channels: dict[int, list[Note]] = {}
    for note in sorted(notes):
        if note.voice is not Voice.DRUMS:
            channels.setdefault(note.channel, []).append(note)
    for channel, mine in channels.items():
        found += _moves(channel, mine, PRESS * bpm / 60)
    return sorted(found, key=lambda move: move[0])


def _moves(channel: int, notes: Sequence[Note], press: float) -> Iterator[tuple[Beats, bytes]]:
    """Yield the messages of one channel, whose notes are in order."""
    onsets = [list(chord) for _, chord in groupby(notes, lambda note: note.start)]
    lift, down = (midi.control(channel, midi.SUSTAIN, value) for value in (0, 127))
    down_now, until = False, Beats(0.0)
    for chord, follows in zip(onsets, [*onsets[1:], None], strict=True):
        start, pedal = chord[0].start, chord[0].pedal
        gap = REST if follows is None else follows[0].start - start
        until = max(until, *(note.end for note in chord))
        if down_now and pedal is not Pedal.DOWN:
            yield start, lift
            down_now = False
        if is_down(pedal) and not down_now:
            yield Beats(start + min(press, 0.9 * gap)), down
            down_now = True
        if down_now and (follows is None or follows[0].start - until > REST):
            yield max(until, Beats(start + 2 * press)), lift
            down_now = False
