"""The conversation with AbletonOSC: whether it is there, what it tells, what is asked of it.

No socket and no thread: :class:`antiphon.live.client.LiveClient` has those.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from antiphon import commands
from antiphon.live import clips
from antiphon.live.asking import Errand, Errands
from antiphon.live.beat import LOOP, Follower
from antiphon.live.wire import ERROR, STARTUP, Message, Slot, Where, number
from antiphon.music import Beats, Meter, Note, Seconds

_log = logging.getLogger(__name__)

GONE: Final = Seconds(3.0)
"""Nothing of AbletonOSC for this long, though it is asked every second: it is not there."""

PROBE: Final = Seconds(1.0)
"""How often it is asked whether it plays, and how fast."""

PLACE: Final = Seconds(0.25)
"""How often it is asked where the music is, while it plays."""

SOON: Final = Seconds(0.1)
"""How often that is asked where the music has just begun or jumped, or has a new tempo."""

REPORT: Final = Seconds(0.1)
"""How often the engine is told where the music is, while it plays."""

LISTEN: Final = Seconds(10.0)
"""How often listeners are set anew: that of a script that was reloaded may be lost."""

ALL_VARIATIONS: Final = commands.MOST_VARIATIONS + 1
"""The index that writes every variation on offer."""

_GIVEN: Final = "live"
"""The address of our own wishes, by which the engine's refusal is told from others."""

_SONG: Final = "/live/song/get/"
_HEARD: Final = ("tempo", "signature_numerator", "signature_denominator", *LOOP, "is_playing")
"""What changes of are told; whether it plays comes last, once the rest is known."""


class Link:
    """Follows Live and edits its clips. Used by one thread only.

    Parameters
    ----------
    where : Where
        Where AbletonOSC is, for what is said about it.
    send : callable
        Sends a message to it.
    submit : callable
        Puts something into the engine's inbox; returns at once.
    publish : callable
        Tells OSC clients and the view.
    now : Seconds
        The time.
    follow : bool
        Whether the engine follows Live's beat.
    """

    def __init__(
        self,
        where: Where,
        send: Callable[[Message], None],
        submit: Callable[[Any], object],
        publish: Callable[[commands.Update], None],
        now: Seconds,
        *,
        follow: bool = True,
    ) -> None:
        self._where, self._send = where, send
        self._submit, self._publish = submit, publish
        self._follow = follow
        self._follower = Follower()
        self._errands = Errands(self._send, self._give, self._done)
        self.there: bool | None = None
        """Whether AbletonOSC answers; None before that is known."""
        self._heard = now
        self._probe = self._place = self._report = self._listen = now
        self._asked: int | None = None  # the clip that the engine was asked for
        self._distances: dict[int, float] = {}
        self._answers = self._phrases = 0
        self._track: int | None = None  # that the phrase was read from
        self._looping = False

    # -- time --------------------------------------------------------------------------------

    def next_time(self) -> Seconds:
        """Return when :meth:`advance` next has something to do."""
        wraps, errand = self._follower.wraps(), self._errands.next_time()
        times = [self._probe, wraps, errand]
        if self._follower.playing:
            times += [self._place, self._report]
        return min(time for time in times if time is not None)

    def advance(self, now: Seconds) -> None:
        """Do what the time asks for."""
        if self.there is not False and now - self._heard > GONE:
            self._lost()
        self._tell(self._follower.wrap(now))
        if now >= self._probe:
            self._probe = Seconds(now + PROBE)
            self._ask("is_playing", "tempo")
            if self.there and (now >= self._listen or not self._follower.knowing):
                self._set_listeners(now)
        if self._follower.playing and now >= self._place:
            self._ask_place(now)
        if self._follower.playing and now >= self._report:
            self._report = Seconds(now + REPORT)
            self._tell(self._follower.told(now))
        self._errands.advance(now)

    # -- what comes in -----------------------------------------------------------------------

    def hear(self, message: Message, now: Seconds) -> None:
        """Take a message of AbletonOSC's."""
        self._heard = now
        if message.address == STARTUP or not self.there:
            self._found(now)
        if message.address == ERROR:
            text = str(message.arguments[0]) if message.arguments else ""
            _log.debug("AbletonOSC: %s", text)
            self._errands.fail(text, now)
            return
        if message.address.startswith(_SONG):
            self._song(message.address.removeprefix(_SONG), message, now)
        self._errands.hear(message, now)

    def _song(self, name: str, message: Message, now: Seconds) -> None:
        value, follower = number(message.arguments), self._follower
        if value is None:
            return
        match name:
            case "tempo":
                self._tell(follower.tempo(now, value))
                if follower.playing and follower.fresh:
                    self._place = min(self._place, Seconds(now + SOON))
            case "signature_numerator" | "signature_denominator":
                part = name.removeprefix("signature_")
                self._tell(follower.signature(now, part, int(value)))
            case "is_playing":
                began = bool(value) and not follower.playing
                self._tell(follower.transport(now, bool(value)))
                if began:
                    self._ask_place(now)
            case "current_song_time":
                self._tell(follower.place(now, Beats(value)))
            case "beat":
                told = follower.beat(now, int(value))
                self._tell(told)
                if told is None and follower.playing:
                    self._ask_place(now)
            case _ if name in LOOP:
                follower.looping(name, value)

    # -- whether it is there -----------------------------------------------------------------

    def _found(self, now: Seconds) -> None:
        if not self.there:
            _log.info("Live is there: AbletonOSC answers at %s", self._where)
        self.there = True
        self._follower = Follower()
        self._set_listeners(now)

    def _lost(self) -> None:
        self.there = False
        self._follower = Follower()
        _log.warning(
            "Live is not there: nothing answers at %s; start Live and choose AbletonOSC under "
            "Link, Tempo & MIDI (it is looked for every second)",
            self._where,
        )

    def _set_listeners(self, now: Seconds) -> None:
        self._listen = Seconds(now + LISTEN)
        for name in (*_HEARD, "beat"):
            self._send(Message(f"/live/song/start_listen/{name}"))

    def _ask(self, *names: str) -> None:
        for name in names:
            self._send(Message(_SONG + name))

    def _ask_place(self, now: Seconds) -> None:
        self._place = Seconds(now + (SOON if self._follower.fresh else PLACE))
        self._ask("current_song_time")

    def _tell(self, transport: commands.Transport | None) -> None:
        if transport is not None and self._follow:
            self._submit(transport)

    # -- clips -------------------------------------------------------------------------------

    def obey(self, command: commands.ReadClip | commands.WriteClip, now: Seconds) -> None:
        """Read the selected clip, or write one."""
        work = (
            clips.read(self._meter, partial(self._take, command))
            if isinstance(command, commands.ReadClip)
            else clips.write(command.index, self._name, self._track)
        )
        if not self._errands.add(Errand(work, command), now):
            refused = commands.Refused(commands.Refusal.BUSY, command.address, command.client)
            self._publish(refused)

    def update(self, update: commands.Update, now: Seconds) -> None:
        """Take what the engine tells."""
        match update:
            case commands.Clip() if update.index == self._asked:
                self._asked = None
                self._errands.given(update, now)
            case commands.Refused() if update.address == _GIVEN and self._asked is not None:
                self._asked = None
                self._errands.given(None, now)
            case commands.PhraseTaken():
                self._distances = {}
            case commands.Varied():
                self._distances[update.index] = update.distance
            case commands.Status():
                self._looping = update.mode is commands.Mode.LOOP
            case commands.Cued():
                self._cued(update.name, now)

    def _cued(self, name: str, now: Seconds) -> None:
        """A controller that was learnt for it went down."""
        if name == "read":
            self.obey(commands.ReadClip(), now)
        elif name == "write":
            loop = ALL_VARIATIONS if self._distances else 0
            self.obey(commands.WriteClip(index=loop if self._looping else -1), now)

    def _give(self, index: int) -> None:
        self._asked = index
        self._submit(commands.GiveClip(address=_GIVEN, index=index))

    def _take(self, asked: commands.Command, slot: Slot, notes: list[Note], length: Beats) -> None:
        self._track = slot.track
        phrase = tuple(sorted(notes))
        self._submit(commands.TakePhrase(asked.client, asked.address, phrase, length))

    def _meter(self) -> Meter:
        return self._follower.meter or Meter()

    def _name(self, index: int) -> str:
        if index == -1:
            self._answers += 1
            return f"Antiphon answer {self._answers}"
        if index == 0:
            self._phrases += 1
            return f"Antiphon phrase {self._phrases}"
        return f"Antiphon var {index} ({self._distances.get(index, 0.0):.2f})"

    def _done(self, errand: Errand, line: str, well: bool) -> None:
        """Tell what became of an errand: here, in Live, and to whom it was for."""
        _log.log(logging.INFO if well else logging.WARNING, "Live: %s", line)
        self._send(Message("/live/api/show_message", (f"Antiphon: {line}",)))
        if not well:
            command = errand.command
            code = commands.Refusal.NOT_NOW
            self._publish(commands.Refused(code, command.address, command.client))
