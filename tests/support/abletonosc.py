"""A stand-in for Ableton Live with AbletonOSC, written from AbletonOSC's README.

:class:`Script` is Live and the script without a socket, on any clock; :class:`Live` runs it on a
thread behind real UDP. It is strict: an address that the README does not have is an error, and so
is a call that Live would refuse.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

TICK = 0.1
"""Seconds between two looks at the socket."""

FRAME = 0.06
"""Seconds between two looks of Live's at what has changed: notices are late by so much."""

LARGEST = 9216
"""Bytes of the largest datagram that macOS sends unless told otherwise."""

NoteRow = tuple[int, float, float, float, bool]
"""Pitch, start, duration, velocity, muted."""


@dataclass
class Clip:
    """A clip of the session."""

    loop_start: float = 0.0
    loop_end: float = 4.0
    notes: list[NoteRow] = field(default_factory=list)
    name: str = ""
    is_midi_clip: bool = True

    @property
    def length(self) -> float:
        """Length of the loop."""
        return self.loop_end - self.loop_start

    def between(self, low: int, pitches: int, start: float, span: float) -> list[NoteRow]:
        """Return the notes in a range of pitches and onsets, by pitch and then by time."""
        inside = (n for n in self.notes if 0 <= n[0] - low < pitches and 0 <= n[1] - start < span)
        return sorted(inside)

    def add(self, row: NoteRow) -> None:
        """Add a note; an earlier one of its pitch that overlaps it is cut or replaced."""
        pitch, start, duration, velocity, muted = row
        if not (type(pitch) is int and 0 <= pitch <= 127 and duration > 0 and 0 < velocity < 128):
            raise ValueError(f"not a note: {row}")
        kept = []
        for other in self.notes:
            if other[0] == pitch and other[1] <= start < other[1] + other[2]:
                other = (*other[:2], start - other[1], *other[3:])
            if other[2] > 0:
                kept.append(other)
        self.notes = [*kept, (pitch, start, duration, velocity, bool(muted))]


@dataclass
class Track:
    """A track and its slots, one a scene."""

    slots: list[Clip | None]
    has_midi_input: bool = True


class Song:
    """The transport: where it is at any time, with ramps of tempo and the arrangement's loop."""

    def __init__(self, now: float, tempo: float = 120.0) -> None:
        self.tempo, self.is_playing = tempo, False
        self.signature_numerator, self.signature_denominator = 4, 4
        self.loop, self.loop_start, self.loop_length = False, 0.0, 16.0
        self._now, self._beat = now, 0.0
        self._ramp: tuple[float, float] | None = None  # when it ends, beats a minute a second

    @property
    def beat(self) -> float:
        """Where the music is, in quarter notes."""
        return self._beat

    @beat.setter
    def beat(self, value: float) -> None:
        self._beat = value

    def ramp(self, tempo: float, seconds: float) -> None:
        """Go to a tempo evenly."""
        self._ramp = (self._now + seconds, (tempo - self.tempo) / seconds)

    def move_to(self, now: float) -> None:
        """Let time go by."""
        while self._now < now:
            until, rate = now, 0.0
            if self._ramp is not None:
                end, rate = self._ramp
                until = min(now, end)
                self._ramp = None if end <= now else self._ramp
            seconds, was = until - self._now, self.tempo
            self.tempo = min(999.0, max(20.0, was + rate * seconds))  # as far as Live goes
            if self.is_playing:
                before, self._beat = self._beat, self._beat + (was + self.tempo) / 2 * seconds / 60
                end = self.loop_start + self.loop_length
                if self.loop and before < end <= self._beat:
                    self._beat -= self.loop_length
            self._now = until


class Script:
    """Live with AbletonOSC in it, without a socket.

    Parameters
    ----------
    now : float
        The time.
    tracks : list of Track
        The session; all tracks have as many slots.
    tick, frame : float
        Seconds between two looks at the socket, and at what has changed.
    """

    SONG = ("current_song_time", "is_playing", "loop", "loop_length", "loop_start")
    SONG += ("signature_denominator", "signature_numerator", "tempo")
    CLIP = ("is_midi_clip", "length", "loop_end", "loop_start", "name")

    def __init__(
        self, now: float, tracks: list[Track], tick: float = TICK, frame: float = FRAME
    ) -> None:
        self.song, self.tracks = Song(now), tracks
        self.selected: tuple[int, int] | None = (0, 0)
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self._tick, self._frame, self._chance = tick, frame, random.Random(1)
        self._next_tick, self._next_frame = now + tick, now + frame
        self._shown_beat = 0.0
        self._inbox: list[bytes] = []
        self._outbox: list[bytes] = []
        self.listening: dict[str, Any] = {}
        self._handlers = self._table()
        self._send("/live/startup")

    def reload(self) -> None:
        """Start the script anew: listeners are gone."""
        self.listening.clear()
        self._inbox.clear()
        self._send("/live/startup")

    # -- time --------------------------------------------------------------------------------

    def next_time(self) -> float:
        """Return when something happens next."""
        return min(self._next_tick, self._next_frame)

    def receive(self, datagram: bytes) -> None:
        """Take a datagram, to be looked at with the next tick."""
        self._inbox.append(datagram)

    def advance(self, now: float) -> list[bytes]:
        """Let time go by; return what is sent, all of it at `now`."""
        self.song.move_to(now)
        if now >= self._next_frame:
            self._next_frame = now + self._frame * self._chance.uniform(0.8, 1.2)
            self._notice()
        if now >= self._next_tick:
            self._next_tick = now + self._tick * self._chance.uniform(0.9, 1.1)
            self._look()
        sent, self._outbox = self._outbox, []
        return sent

    def _notice(self) -> None:
        """See what has changed, and tell who listens."""
        before, self._shown_beat = self._shown_beat, self.song.beat
        if "beat" in self.listening and (
            self._shown_beat < before or int(self._shown_beat) > int(before)
        ):
            self._send("/live/song/get/beat", int(self._shown_beat))
        for name, told in list(self.listening.items()):
            if name != "beat" and (value := self._song(name)) != told:
                self.listening[name] = value
                self._send(f"/live/song/get/{name}", value)

    def _look(self) -> None:
        """Carry out what came in, until something fails; the rest waits."""
        while self._inbox:
            message = OscMessage(self._inbox.pop(0))
            self.asked.append((message.address, tuple(message.params)))
            handler = self._handlers.get(message.address)
            if handler is None:
                self._send("/live/error", f"Unknown OSC address: {message.address}")
                continue
            try:
                values = handler(*message.params)
                if values is not None:
                    self._send(message.address, *values)
            except Exception as error:
                self._send("/live/error", f"Error handling OSC message: {error}")
                return

    def _send(self, address: str, *values: Any) -> None:
        builder = OscMessageBuilder(address)
        for value in values:
            builder.add_arg(value)
        datagram = builder.build().dgram
        if len(datagram) > LARGEST:
            raise OSError("[Errno 40] Message too long")
        self._outbox.append(datagram)

    # -- what it knows -----------------------------------------------------------------------

    def _table(self) -> dict[str, Callable[..., tuple[Any, ...] | None]]:
        table: dict[str, Callable[..., tuple[Any, ...] | None]] = {
            "/live/song/start_listen/beat": lambda: self.listening.update(beat=None),
            "/live/song/get/num_scenes": lambda: (len(self.tracks[0].slots),),
            "/live/song/create_scene": self._create_scene,
            "/live/view/get/selected_clip": self._selected_clip,
            "/live/view/get/selected_scene": lambda: (self.selected[1] if self.selected else 0,),
            "/live/track/get/has_midi_input": lambda t: (t, self.tracks[t].has_midi_input),
            "/live/clip_slot/get/has_clip": lambda t, s: (t, s, bool(self.tracks[t].slots[s])),
            "/live/clip_slot/create_clip": self._create_clip,
            "/live/clip/get/notes": self._get_notes,
            "/live/clip/add/notes": self._add_notes,
            "/live/clip/set/name": lambda t, s, name: setattr(self._clip(t, s), "name", name),
            "/live/api/show_message": lambda text: None,
            "/live/application/get/version": lambda: (12, 1),
        }
        for name in self.SONG:
            table[f"/live/song/get/{name}"] = lambda name=name: (self._song(name),)
            table[f"/live/song/start_listen/{name}"] = lambda name=name: self._listen(name)
        for name in self.CLIP:
            table[f"/live/clip/get/{name}"] = lambda t, s, name=name: (
                *(t, s),
                getattr(self._clip(t, s), name),
            )
        return table

    def _song(self, name: str) -> Any:
        return self._shown_beat if name == "current_song_time" else getattr(self.song, name)

    def _listen(self, name: str) -> None:
        self.listening[name] = self._song(name)
        self._send(f"/live/song/get/{name}", self.listening[name])

    def _selected_clip(self) -> tuple[int, int]:
        if self.selected is None:
            raise ValueError("<Track.Track object> is not in list")
        return self.selected

    def _clip(self, track: int, scene: int) -> Clip:
        clip = self.tracks[track].slots[scene]
        if clip is None:
            raise AttributeError("'NoneType' object has no attribute 'clip'")
        return clip

    def _create_scene(self, index: int) -> None:
        for track in self.tracks:
            track.slots.insert(len(track.slots) if index == -1 else index, None)

    def _create_clip(self, track: int, scene: int, length: float) -> None:
        on = self.tracks[track]
        if not on.has_midi_input or on.slots[scene] is not None or length <= 0:
            raise RuntimeError("A clip cannot be made here")
        on.slots[scene] = Clip(0.0, length)

    def _get_notes(self, track: int, scene: int, *window: float) -> tuple[Any, ...]:
        low, pitches, start, span = window or (0, 127, -8192, 16384)
        rows = self._clip(track, scene).between(int(low), int(pitches), start, span)
        return (track, scene, *(value for row in rows for value in row))

    def _add_notes(self, track: int, scene: int, *values: Any) -> None:
        clip = self._clip(track, scene)
        for place in range(0, len(values), 5):
            pitch, start, duration, velocity, muted = values[place : place + 5]
            clip.add((pitch, start, duration, velocity, muted))


class Live:
    """A :class:`Script` behind real UDP, on a thread of its own.

    Parameters
    ----------
    tracks : list of Track
        The session.
    loss : float
        Share of the datagrams that are lost, each way.
    reply_port : int
        Where replies go; it must be known before, as it is 11001 for the real one.
    """

    def __init__(
        self, tracks: list[Track], reply_port: int, *, loss: float = 0.0, tick: float = TICK
    ) -> None:
        self.lock = threading.RLock()
        self._tracks, self._tick, self._reply = tracks, tick, ("127.0.0.1", reply_port)
        self._loss, self._chance = loss, random.Random(0)
        self.script = Script(time.perf_counter(), tracks, tick)
        self._stop = threading.Event()
        self.port = 0
        self.start()

    def start(self) -> None:
        """Open Live; a set that was open before has forgotten its listeners."""
        self._stop.clear()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))
        self.port = self._socket.getsockname()[1]
        with self.lock:
            self.script.reload()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Close Live."""
        self._stop.set()
        self._thread.join(5)
        self._socket.close()

    def beat(self) -> float:
        """Return where the music is now."""
        with self.lock:
            self.script.song.move_to(time.perf_counter())
            return self.script.song.beat

    def _run(self) -> None:
        while not self._stop.is_set():
            with self.lock:
                wait = self.script.next_time() - time.perf_counter()
            self._socket.settimeout(max(0.001, wait))
            try:
                datagram = self._socket.recv(65535)
            except TimeoutError:
                datagram = b""
            with self.lock:
                if datagram and not self._lost():
                    self.script.receive(datagram)
                for reply in self.script.advance(time.perf_counter()):
                    if not self._lost():
                        self._socket.sendto(reply, self._reply)

    def _lost(self) -> bool:
        return self._chance.random() < self._loss
