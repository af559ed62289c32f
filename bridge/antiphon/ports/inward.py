"""The way in: what happens to one incoming message, on the MIDI back end's thread."""

from __future__ import annotations

from collections.abc import Callable

from antiphon import midi
from antiphon.commands import Heard
from antiphon.lanes import Key
from antiphon.output import Output
from antiphon.ports.feedback import Feedback
from antiphon.timebase import Clock


class Inward:
    """Stamps a message, cuts feedback, passes it through and tells the brain.

    What the player does (channel messages, system exclusive) passes through; what a sequencer
    says (clock, start, stop, song position) goes to the brain only, for passing it on would
    send a DAW its own clock. System exclusive goes through only.

    Parameters
    ----------
    clock : Clock
        Stamps what comes in.
    output : Output
        Where it passes through.
    feedback : Feedback
        Knows our own messages.
    tell : callable
        Takes what the brain is to hear; must not block.
    """

    def __init__(
        self, clock: Clock, output: Output, feedback: Feedback, tell: Callable[[Heard], None]
    ) -> None:
        self._clock = clock
        self._output = output
        self._feedback = feedback
        self._tell = tell
        self._down: set[Key] = set()  # keys the brain has heard go down
        self.passing = True
        """Whether the player passes through (``thru``)."""
        self.channel = 0
        """The channel listened to; 0 is all (``channel/in``)."""

    def __call__(self, message: bytes) -> None:
        """Take one message. Runs on the MIDI back end's thread; must not wait or log.

        Another thread may change the settings between two messages: what began under the old
        ones still ends, here and in the output's ledger.
        """
        now = self._clock.now()
        if not _is_sound(message) or message[0] == midi.ACTIVE_SENSING:
            return
        if self._feedback.is_echo(now, message):
            return
        if message[0] == midi.SYSEX:
            if self.passing:
                self._output.thru(message)
        elif message[0] > midi.SYSEX:
            self._tell(Heard(now, message))
        else:
            wanted = self.channel in (0, midi.channel(message))
            self._output.thru(message, self.passing and wanted)
            if self._is_heard(message, wanted):
                self._tell(Heard(now, message))

    def _is_heard(self, message: bytes, wanted: bool) -> bool:
        """Tell whether the brain is to hear it: all that is wanted, and the end of what was."""
        kind = midi.kind(message)
        if kind not in (midi.NOTE_ON, midi.NOTE_OFF):
            return wanted
        key = (midi.channel(message), message[1])
        if kind == midi.NOTE_ON:
            if wanted:
                self._down.add(key)
            return wanted
        ends = key in self._down
        self._down.discard(key)
        return wanted or ends


def _is_sound(message: bytes) -> bool:
    """Tell whether a message is well formed; of a long one look at the ends only."""
    if message[:1] == b"\xf0":
        return message[-1:] == b"\xf7"
    return midi.is_complete(message)
