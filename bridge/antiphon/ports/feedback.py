"""Recognises our own output coming back in, as when a DAW monitors what it records.

An incoming message is an echo when it is identical to one that went out a moment ago; each
message that went out accounts for one echo. The note-off of a note-on that was an echo is one
too, whatever form it comes back in.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Final

from antiphon import midi
from antiphon.music import Seconds

PARTNER_WINDOW: Final = 0.100
THRU_WINDOW: Final = 0.040  # short: a player may well repeat a message
LIMIT: Final = 1024

_Fingerprint = bytes | int


class _Sent:
    """A message that went out and may come back until `until`."""

    __slots__ = ("fingerprint", "pending", "until")

    def __init__(self, fingerprint: _Fingerprint, until: float) -> None:
        self.fingerprint, self.until, self.pending = fingerprint, until, True


class Feedback:
    """Remembers what went out, at most :data:`LIMIT` messages, and swallows its echoes.

    Called by whichever thread writes (:meth:`sent`) and by the MIDI input callbacks
    (:meth:`is_echo`); both take constant time under a lock of their own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._order: deque[_Sent] = deque()
        self._waiting: dict[_Fingerprint, deque[_Sent]] = {}
        self._echoing: set[bytes] = set()  # keys whose note-on was an echo, note-off to come
        self._held: set[bytes] = set()  # keys the player truly holds
        self.echoes = 0
        """How many messages were swallowed."""

    def sent(self, time: Seconds, message: bytes, thru: bool) -> None:
        """Remember a message just before it goes out."""
        entry = _Sent(_fingerprint(message), time + (THRU_WINDOW if thru else PARTNER_WINDOW))
        with self._lock:
            self._order.append(entry)
            self._waiting.setdefault(entry.fingerprint, deque()).append(entry)
            while len(self._order) > LIMIT or self._order[0].until < time:
                self._discard(self._order.popleft())

    def is_echo(self, time: Seconds, message: bytes) -> bool:
        """Tell whether an incoming message is our own and is to be swallowed."""
        kind = midi.kind(message)
        with self._lock:
            if kind == midi.NOTE_OFF:
                echo = self._is_echoed_off(time, message)
            else:
                echo = self._take(time, _fingerprint(message))
                if kind == midi.NOTE_ON:
                    (self._echoing if echo else self._held).add(_key(message))
            self.echoes += echo
        return echo

    def _is_echoed_off(self, time: Seconds, message: bytes) -> bool:
        # An off without an echoed on is never ours: swallowing it could hang the player's note.
        key = _key(message)
        if key in self._echoing and (
            self._take(time, _fingerprint(message)) or key not in self._held
        ):
            self._echoing.discard(key)
            return True
        self._held.discard(key)
        return False

    def _take(self, time: Seconds, fingerprint: _Fingerprint) -> bool:
        """Use up the oldest message of this look that may still come back."""
        waiting = self._waiting.get(fingerprint)
        if waiting is None:
            return False
        found = False
        while waiting and not found:
            entry = waiting.popleft()
            entry.pending = False
            found = entry.until >= time
        if not waiting:
            del self._waiting[fingerprint]
        return found

    def _discard(self, entry: _Sent) -> None:
        """Forget the oldest message; what still waits of its look begins with it."""
        if entry.pending:
            waiting = self._waiting[entry.fingerprint]
            waiting.popleft()
            if not waiting:
                del self._waiting[entry.fingerprint]


def _fingerprint(message: bytes) -> _Fingerprint:
    """Stand for a message; a long one by its hash, so that memory stays bounded."""
    return message if len(message) <= 3 else hash(message)


def _key(message: bytes) -> bytes:
    return bytes((message[0] & 0x0F, message[1]))
