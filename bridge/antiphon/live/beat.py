"""Where Live's music is, from what AbletonOSC tells late.

Live's tempo is exact; its place is told with delays of up to 100 ms, each another, and more over
a network. A place can be told late, never early. So of the places told over the last seconds,
each carried on at the tempos since, the one furthest ahead is the truest: the upper envelope. A
mean would be late by the mean delay, and unsteady by its spread.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from antiphon.commands import Transport
from antiphon.music import Beats, Meter, Seconds
from antiphon.timebase import MAX_BPM, MIN_BPM, Tempo

WINDOW: Final = 4.0
"""Seconds for which a place counts: long enough that one of them came with little delay, short
enough that the sound card's clock does not run away from ours."""

LATE: Final = 0.15
"""Seconds by which a place may be late and still be a place on the way: AbletonOSC's 100 ms, and
half as much again for the network and for Live being busy."""

NOTICE: Final = 0.05
"""Seconds by which a change of tempo is likely told late."""

SILENCE: Final = Seconds(1.0)
"""No place for this long: Live may have gone, and we tell nothing more."""

AHEAD: Final = Beats(0.25)
"""Further ahead than this, the music jumped: nothing is told early."""

STEP: Final = Beats(0.05)
"""Most that the place told is corrected by at once; more would count as a jump
(:data:`antiphon.sync.osc_transport.JUMP`)."""

ENOUGH: Final = 12
"""Places after which one of them is likely to have come with little delay."""

LOOP: Final = ("loop", "loop_start", "loop_length")
"""What Live tells of the arrangement's loop."""

_BACK: Final = 1e-3
"""Beats by which a place must lie before the last one to be a jump back: 32-bit floats round."""


class Follower:
    """Turns what Live tells into what :class:`antiphon.sync.osc_transport.OscTransport` follows.

    Its methods take the time of arrival and what was told, and return the transport as now
    believed, or None while too little is known or nothing is new.
    """

    def __init__(self) -> None:
        self._bpm: float | None = None
        self._signature: dict[str, int] = {}
        self._loop: dict[str, float] = {}
        self.playing: bool | None = None
        """Whether Live plays; None while it has not said."""
        self._phase = Tempo()
        self._places: deque[tuple[Seconds, float]] = deque()  # arrival, beats ahead of the phase
        self._taken = 0  # places since a jump or a new tempo
        self._shown = 0.0  # beats that the place told is ahead of the phase
        self._last: Beats | None = None  # the place told last
        self._placed = Seconds(0.0)  # when
        self._strange: float | None = None  # how far off the last place was that did not fit

    @property
    def meter(self) -> Meter | None:
        """Live's time signature, once known."""
        try:
            return Meter(self._signature["numerator"], self._signature["denominator"])
        except (KeyError, ValueError):
            return None

    @property
    def knowing(self) -> bool:
        """Whether Live has told everything that it tells when it changes."""
        told = self._bpm, self.playing, self.meter
        return None not in told and len(self._loop) == len(LOOP)

    @property
    def fresh(self) -> bool:
        """Whether few places were told since a jump or a new tempo: more would help much."""
        return self._taken < ENOUGH

    # -- what Live tells ---------------------------------------------------------------------

    def tempo(self, now: Seconds, bpm: float) -> Transport | None:
        """Take the tempo; at one that we cannot play at (Live goes to 999) it is not followed."""
        if bpm == self._bpm:
            return None
        if not MIN_BPM <= bpm <= MAX_BPM:
            self._bpm = None
            return None
        slower = 0.0 if self._bpm is None else max(0.0, self._bpm - bpm)
        self._bpm, self._taken = bpm, 0
        self._phase = self._phase.changed(now, bpm)
        # It may have been slower for a while: what was told before promises that much less.
        less = slower / 60 * NOTICE
        self._places = deque((time, ahead - less) for time, ahead in self._places)
        return self._halted(now)

    def signature(self, now: Seconds, part: str, value: int) -> Transport | None:
        """Take the ``numerator`` or the ``denominator`` of the time signature."""
        if self._signature.get(part) == value:
            return None
        self._signature[part] = value
        return self._halted(now)

    def looping(self, part: str, value: float) -> None:
        """Take one of :data:`LOOP`, times in beats."""
        self._loop[part] = value

    def transport(self, now: Seconds, playing: bool) -> Transport | None:
        """Take whether Live plays; where from is told by the next place."""
        if playing == self.playing:
            return None
        self.playing, self._last = playing, None if playing else self._last
        return self._halted(now)

    def place(self, now: Seconds, beat: Beats) -> Transport | None:
        """Take the exact place in the music."""
        last, self._last, self._placed = self._last, beat, now
        if not self.playing or self._bpm is None:
            return None
        if last is None:
            return self._jumped(now, beat)
        off = self._folded(beat, beat - self._told_at(now))
        if -self._late <= off <= AHEAD:
            return self._take(now, off)
        if -4 * self._late < off < 0 and beat >= last - _BACK:
            # Once is a message that got stuck; twice the same is a small jump back.
            again = self._strange is not None and abs(off - self._strange) < self._late
            self._strange = off
            return self._jumped(now, beat) if again else None
        return self._jumped(now, beat)

    def beat(self, now: Seconds, whole: int) -> Transport | None:
        """Take a whole beat that was passed not long ago; None if it must be asked about.

        Such a beat tells less than a place does: at a jump back it is only the beat that the
        place lies in.
        """
        if not self.playing or self._last is None or self._bpm is None:
            return None
        off = whole - self._told_at(now)
        if not -self._late <= off <= AHEAD:
            return None
        self._last = Beats(max(self._last, whole))
        return self._take(now, off)

    def told(self, now: Seconds) -> Transport | None:
        """Return where the music is now; None unless Live plays and was heard lately."""
        if not self.playing or self._last is None or now > self._placed + SILENCE:
            return None
        return self._told(now)

    # -- the arrangement's loop --------------------------------------------------------------

    def wraps(self) -> Seconds | None:
        """Return when the music comes to the end of the arrangement's loop, if it does."""
        loop = self._bounds
        if not self.playing or self._last is None or loop is None or self._last >= loop[1]:
            return None
        return self._phase.time_at(Beats(loop[1] - self._shown))

    def wrap(self, now: Seconds) -> Transport | None:
        """Go back to the loop's start if its end has come; nobody tells that in time."""
        loop, end = self._bounds, self.wraps()
        if loop is None or end is None or now < end:
            return None
        start, stop = loop
        beat = Beats(self._phase.beat - (stop - start))
        self._phase = self._phase.relocated(self._phase.time, beat)
        self._last = start
        return self._told(now)

    @property
    def _bounds(self) -> tuple[Beats, Beats] | None:
        start, length = self._loop.get("loop_start"), self._loop.get("loop_length")
        if not self._loop.get("loop") or start is None or not length or length <= 0:
            return None
        return Beats(start), Beats(start + length)

    # -- what we make of it ------------------------------------------------------------------

    @property
    def _late(self) -> float:
        """Beats that go by while a message is late."""
        return LATE * self._phase.bpm / 60

    def _told_at(self, now: Seconds) -> Beats:
        """Return the place that we tell at a time."""
        return Beats(self._phase.beat_at(now) + self._shown)

    def _take(self, now: Seconds, off: float) -> Transport | None:
        """Take a place that is `off` beats ahead of what we tell."""
        self._strange = None
        self._taken += 1
        self._places.append((now, self._shown + off))
        while self._places[0][0] < now - WINDOW:
            self._places.popleft()
        best = max(ahead for _, ahead in self._places)
        self._shown += min(STEP, max(-STEP, best - self._shown))
        return self._told(now)

    def _jumped(self, now: Seconds, beat: float) -> Transport | None:
        """Go on from a place, with nothing known of its delay."""
        assert self._bpm is not None
        self._phase = Tempo(self._bpm, now, Beats(beat))
        self._shown, self._strange, self._taken = 0.0, None, 1
        self._places = deque([(now, 0.0)])
        return self._told(now)

    def _folded(self, beat: Beats, off: float) -> float:
        """Return how far ahead a place is when the arrangement's loop is left out of account."""
        loop = self._bounds
        if loop is None or -self._late <= off <= AHEAD:
            return off
        start, end = loop
        length = end - start
        if -self._late <= off + length <= AHEAD:  # it has wrapped, and we have not
            self._phase = self._phase.relocated(self._phase.time, Beats(self._phase.beat - length))
            return off + length
        if beat < end and -self._late <= off - length <= AHEAD:  # told before it wrapped
            return off - length
        return off

    def _halted(self, now: Seconds) -> Transport | None:
        """Tell of a transport that stands still; one that runs is told of with its places."""
        if self.playing is not False or self._bpm is None or (meter := self.meter) is None:
            return None
        return Transport(now, self._last or Beats(0.0), self._bpm, meter, playing=False)

    def _told(self, now: Seconds) -> Transport | None:
        if self._bpm is None or (meter := self.meter) is None:
            return None
        return Transport(now, self._told_at(now), self._bpm, meter, playing=True)
