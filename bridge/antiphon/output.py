"""Scheduler and note ledger: the only writer of MIDI.

Everything that leaves Antiphon leaves through :class:`Output`: the partner's notes at their
time, the player's messages at once. It books every note-on it hands to a port and owes that
port exactly one note-off from then on, whatever happens. Time and ports are injected, so that
all of it can be tested without either.
"""

from __future__ import annotations

import heapq
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Literal

from antiphon import midi
from antiphon.feet import Feet
from antiphon.lanes import Key, Lanes, Sent, Sink
from antiphon.music import Pedal, Seconds
from antiphon.timebase import Clock

LATE: Final = Seconds(0.030)
"""A note later than this at its turn is dropped whole."""

_OFF, _MESSAGE, _ON = 0, 1, 2  # what goes first of what falls on one moment
_PLAYER: Final = "player"


class Reason(IntEnum):
    """Why a note of the partner did not sound."""

    LATE = 0
    """It was too late at its turn."""
    HELD = 1
    """The player holds its key."""


@dataclass(frozen=True, slots=True)
class Sounded:
    """A note of the partner was handed to the ports `lateness` seconds after its time."""

    id: int
    lateness: Seconds


@dataclass(frozen=True, slots=True)
class Dropped:
    """A note of the partner was dropped whole."""

    id: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Written:
    """A message was handed to the ports."""

    time: Seconds
    message: bytes


Report = Sounded | Dropped | Written


@dataclass(slots=True)
class Counts:
    """What has happened since the start."""

    sounded: int = 0
    late: int = 0
    held: int = 0


class _Note:
    """One note of the partner, from its plan to its note-off."""

    __slots__ = ("id", "key", "message", "off", "on", "pedal", "state")

    def __init__(
        self, note_id: int, on: Seconds, off: Seconds, key: Key, velocity: int, pedal: Pedal
    ) -> None:
        self.id, self.on, self.off, self.key, self.pedal = note_id, on, off, key, pedal
        self.message = midi.note_on(*key, velocity)  # made early: its turn has no time to lose
        self.state: Literal["planned", "sounding", "done"] = "planned"


@dataclass(frozen=True, slots=True)
class _Foot:
    """A move of the partner's foot: the pedal of a channel down, or all of them up (None)."""

    presses: int | None


class Output:
    """Plays notes at their time, passes the player through, and owes every note its end.

    Every method may be called from any thread; one lock is held while messages are handed to
    the ports and for nothing else.

    Parameters
    ----------
    clock : Clock
        Tells how late a note is.
    sinks : sequence of Sink
        One for each port; all get the same messages.
    late : Seconds
        A note later than this at its turn is dropped whole.
    report : callable, optional
        Gets a :data:`Report` under the lock, in order; must not block or call back.
    sent : Sent, optional
        Told under the lock of each message before a port gets it; must not block or call back.
    wake : callable, optional
        Called outside the lock when :meth:`poll` may be due earlier than it last said.
    written : bool
        Whether to report :class:`Written` too.
    """

    def __init__(
        self,
        clock: Clock,
        sinks: Sequence[Sink],
        *,
        late: Seconds = LATE,
        report: Callable[[Report], None] | None = None,
        sent: Sent | None = None,
        wake: Callable[[], None] | None = None,
        written: bool = False,
    ) -> None:
        self._clock = clock
        self._late = late
        self._report = report or _ignore
        self._wake = wake or _nothing
        tell = (lambda time, message: self._report(Written(time, message))) if written else None
        self._lanes = Lanes(clock, sinks, sent, tell)
        self._lock = threading.Lock()
        self._heap: list[tuple[float, int, int, int, _Note | _Foot | bytes]] = []
        self._serial = 0  # makes every heap entry distinct
        self._notes: dict[int, _Note] = {}  # planned and sounding, by id
        self._ledger: dict[Key, _Note | Literal["player"]] = {}  # who sounds what
        self._feet = Feet(self._emit)
        self._channels: set[int] = set()
        self._closed = False
        self.counts = Counts()

    @property
    def errors(self) -> int:
        """Messages that a port refused."""
        return self._lanes.errors

    # -- the partner ---------------------------------------------------------------------------

    def play(
        self,
        note_id: int,
        on: Seconds,
        off: Seconds,
        channel: int,
        pitch: int,
        velocity: int,
        pedal: Pedal = Pedal.UNKNOWN,
    ) -> None:
        """Plan one note, its beginning and its end together, and what the pedal does for it.

        The foot moves if the note sounds, and not otherwise: up at its onset, down again
        :data:`antiphon.pedalling.PRESS` behind it or just before the next onset.

        Parameters
        ----------
        note_id : int
            Names the note to :meth:`release` and in reports; free again once it has ended.
        on, off : Seconds
            On the clock; `off` after `on`.
        channel, pitch, velocity : int
            1..16, 0..127, 1..127.
        pedal : Pedal
            How the sustain pedal stands for the note; a note of unknown pedal has it up.

        Raises
        ------
        ValueError
            If a value is out of range or the id is in use.
        """
        if not (math.isfinite(on) and math.isfinite(off) and on < off):
            raise ValueError(f"a note must begin before it ends, got {on} to {off}")
        if not (1 <= channel <= 16 and 0 <= pitch <= 127 and 1 <= velocity <= 127):
            raise ValueError(f"note out of range: channel {channel}, {pitch}, {velocity}")
        with self._lock:
            if self._closed:
                return
            if note_id in self._notes:
                raise ValueError(f"note {note_id} is planned or sounding already")
            note = _Note(note_id, on, off, (channel, pitch), velocity, pedal)
            self._notes[note_id] = note
            self._push(on, _ON, note_id, note)
        self._wake()

    def lift(self, at: Seconds) -> None:
        """Lift the pedals at `at` that the partner holds down then, or is about to press."""
        if not math.isfinite(at):
            raise ValueError(f"a lift needs a time, got {at}")
        with self._lock:
            self._push(at, _MESSAGE, 0, _Foot(None))
        self._wake()

    def release(self, note_id: int, at: Seconds) -> None:
        """End a note at `at` if that is earlier; a note that begins no sooner is taken back."""
        if not math.isfinite(at):
            raise ValueError(f"a release needs a time, got {at}")
        with self._lock:
            note = self._notes.get(note_id)
            if note is None:
                return
            if note.state == "planned" and note.on >= at:
                self._forget(note)
            else:
                self._shorten(note, at)
        self._wake()

    def stop(self, at: Seconds) -> None:
        """Take back every note that has not sounded; those that sound end at `at` or earlier.

        So do the pedals that the partner holds down.
        """
        if not math.isfinite(at):
            raise ValueError(f"a stop needs a time, got {at}")
        with self._lock:
            self._take_back()
            for note in self._notes.values():
                self._shorten(note, at)
            self._push(at, _MESSAGE, 0, _Foot(None))
        self._wake()

    def send(self, message: bytes, at: Seconds) -> None:
        """Send a message that is not a note (controller, programme, bend) at a time.

        Raises
        ------
        ValueError
            If it is no complete message, or a note, which only :meth:`play` may make.
        """
        if not math.isfinite(at) or not midi.is_complete(message):
            raise ValueError(f"not a message with a time: {message.hex()} at {at}")
        if midi.kind(message) in (midi.NOTE_ON, midi.NOTE_OFF):
            raise ValueError("a note needs its end: use play")
        with self._lock:
            if not self._closed:
                self._push(at, _MESSAGE, 0, message)
        self._wake()

    # -- everybody -----------------------------------------------------------------------------

    def panic(self) -> None:
        """Silence everything now, lift the pedals, forget every plan; then go on working."""
        with self._lock:
            self._silence()
            for channel in sorted(self._channels):
                self._emit(midi.control(channel, midi.SUSTAIN, 0))
                self._emit(midi.control(channel, midi.ALL_NOTES_OFF, 0))
        self._wake()

    def close(self) -> None:
        """End what sounds, lift the pedals that are down, and take nothing more.

        Note-offs that a port refuses are still offered again by :meth:`poll`.
        """
        with self._lock:
            self._closed = True
            self._silence()
        self._wake()

    def thru(self, message: bytes, passing: bool = True) -> None:
        """Pass a message of the player through at once.

        Parameters
        ----------
        message : bytes
            One complete message.
        passing : bool
            When false, only what ends something that was passed before goes out: the note-off
            of a key, the lift of a pedal.
        """
        kind = midi.kind(message)
        with self._lock:
            if self._closed:
                return
            if kind == midi.NOTE_ON:
                if passing:
                    self._player_strikes((midi.channel(message), message[1]), message)
            elif kind == midi.NOTE_OFF:
                key = (midi.channel(message), message[1])
                if self._ledger.get(key) == _PLAYER:
                    del self._ledger[key]
                    self._lanes.off(key, message, True)
            elif passing or self._feet.lifts(message):
                self._emit(message, thru=True)
            owing = self._lanes.retry_at is not None
        if owing:
            self._wake()

    def poll(self, now: Seconds) -> Seconds | None:
        """Send all that is due at `now` and return when to call again; None: nothing is planned."""
        with self._lock:
            if self._lanes.retry_at is not None and now >= self._lanes.retry_at:
                self._lanes.settle()
            while self._heap and self._heap[0][0] <= now:
                due, rank, _, _, item = heapq.heappop(self._heap)
                if isinstance(item, bytes):
                    self._emit(item)
                elif isinstance(item, _Foot):
                    if item.presses is None:
                        self._feet.lift()
                    else:
                        self._feet.press(item.presses, due)
                elif rank == _ON and item.state == "planned":
                    self._begin(item, now)
                elif rank == _OFF and item.state == "sounding":
                    self._end(item)
            times = [self._heap[0][0]] if self._heap else []
            if self._lanes.retry_at is not None:
                times.append(self._lanes.retry_at)
        return Seconds(min(times)) if times else None

    def sounding(self) -> frozenset[Key]:
        """Return the keys that sound on any port."""
        with self._lock:
            return self._lanes.sounding()

    # -- under the lock ------------------------------------------------------------------------

    def _push(self, time: float, rank: int, note_id: int, item: _Note | _Foot | bytes) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (time, rank, note_id, self._serial, item))

    def _begin(self, note: _Note, now: Seconds) -> None:
        """Strike a note whose turn has come, unless it is too late or its key is held."""
        owner = self._ledger.get(note.key)
        if now - note.on > self._late:
            return self._drop(note, Reason.LATE)
        if owner == _PLAYER:
            return self._drop(note, Reason.HELD)
        if isinstance(owner, _Note):
            self._end(owner)
        note.state = "sounding"
        self._ledger[note.key] = note
        self._push(note.off, _OFF, note.id, note)
        press_at = self._feet.step(note.key[0], note.on, note.pedal)
        if press_at is not None:
            self._push(press_at, _MESSAGE, 0, _Foot(note.key[0]))
        self._emit_on(note.key, note.message)
        self.counts.sounded += 1
        self._report(Sounded(note.id, Seconds(self._clock.now() - note.on)))
        return None

    def _end(self, note: _Note) -> None:
        self._forget(note)
        del self._ledger[note.key]
        self._lanes.off(note.key, midi.note_off(*note.key), False)

    def _forget(self, note: _Note) -> None:
        """Take a note out; its entries in the heap are passed over when they come up."""
        note.state = "done"
        del self._notes[note.id]

    def _drop(self, note: _Note, reason: Reason) -> None:
        self._forget(note)
        if reason is Reason.LATE:
            self.counts.late += 1
        else:
            self.counts.held += 1
        self._report(Dropped(note.id, reason))

    def _shorten(self, note: _Note, at: Seconds) -> None:
        if at < note.off:
            note.off = at
            self._push(at, _OFF, note.id, note)

    def _take_back(self) -> None:
        for note in [n for n in self._notes.values() if n.state == "planned"]:
            self._forget(note)
        self._heap = [
            entry
            for entry in self._heap
            if not isinstance(entry[4], _Note)
            or (entry[1] == _OFF and entry[4].state == "sounding")
        ]
        heapq.heapify(self._heap)
        self._feet.rest()

    def _silence(self) -> None:
        self._take_back()
        self._heap.clear()
        for key, owner in list(self._ledger.items()):
            if isinstance(owner, _Note):
                self._end(owner)
            else:
                del self._ledger[key]
                self._lanes.off(key, midi.note_off(*key), False)
        self._feet.lift_all()

    def _player_strikes(self, key: Key, message: bytes) -> None:
        owner = self._ledger.get(key)
        if isinstance(owner, _Note):
            self._end(owner)  # its planned off goes with it
        elif owner == _PLAYER:
            self._lanes.off(key, midi.note_off(*key), True)
        self._ledger[key] = _PLAYER
        self._emit_on(key, message, thru=True)

    def _emit_on(self, key: Key, message: bytes, *, thru: bool = False) -> None:
        self._channels.add(key[0])
        self._lanes.on(key, message, thru)

    def _emit(self, message: bytes, *, thru: bool = False) -> None:
        if message[0] < midi.SYSEX:
            self._channels.add(midi.channel(message))
        self._feet.book(message, thru)
        self._lanes.message(message, thru)


def _ignore(report: Report) -> None:
    """Take a report and do nothing."""


def _nothing() -> None:
    """Do nothing."""
