"""From datagrams to commands and from updates to datagrams, without a socket or a thread."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from antiphon import commands
from antiphon.commands import Client, Refusal
from antiphon.music import Seconds
from antiphon.osc import addresses, clips, codec
from antiphon.osc.clients import Limiter, Registry
from antiphon.osc.codec import Argument
from antiphon.osc.fields import MAX_STRING, RefusedError
from antiphon.timebase import Clock

Asked = commands.Command | commands.Heard | commands.Transport
"""What an engine takes from clients."""

Submit = Callable[[Asked], bool]
"""Puts a value into the engine's inbox without waiting; False when it is full."""

Send = Callable[[bytes, Client], None]
Later = Callable[[float, Callable[[], None]], object]

MAX_AHEAD: Final = 10.0
"""Seconds that a bundle may lie in the future."""

MAX_PENDING: Final = 1000
"""Most messages that wait for their time."""


class Guests(Protocol):
    """Partners for clients that have one of their own. Called on the OSC thread; must not block."""

    def submit(self, guest: Client, asked: Asked) -> bool:
        """Give a guest's partner something; the first time it is made. False when it is full."""
        ...

    def leave(self, guest: Client) -> None:
        """End a guest's partner; there may be none."""
        ...


@dataclass(slots=True)
class _Partner:
    """What was told of a partner."""

    status: commands.Status = commands.Status()
    sounding_until: Seconds = Seconds(float("-inf"))


class Dispatch:
    """Carries out what comes in and tells clients what goes on; used by one thread only.

    A client that asked for notes and names its reply port with what it plays, as a device on a
    track does, is a guest: it gets a partner of its own. All others share one.

    Parameters
    ----------
    submit : Submit
        Where commands go.
    send : callable
        Sends a datagram to a client, or drops it; must not block.
    later : callable
        Calls a function after some seconds, on the same thread.
    clock : Clock
        The engine's time scale.
    wall : callable
        Seconds since 1970, used for nothing but time tags.
    guests : Guests, optional
        Makes partners for guests; without it there are none.
    """

    def __init__(
        self,
        submit: Submit,
        send: Send,
        later: Later,
        clock: Clock,
        wall: Callable[[], float],
        guests: Guests | None = None,
    ) -> None:
        self._submit, self._send, self._later = submit, send, later
        self._clock, self._wall = clock, wall
        self._guests = guests
        self._clients = Registry(clock, self._left)
        self._errors = Limiter(clock)
        self._clips = clips.ClipsIn()
        self._partners: defaultdict[Client | None, _Partner] = defaultdict(_Partner)
        self.own_port = 0
        self.pending = 0
        self.refused = 0

    @property
    def clients(self) -> Registry:
        """The registry of clients."""
        return self._clients

    # -- in ----------------------------------------------------------------------------------

    def receive(self, datagram: bytes, source: Client) -> None:
        """Take one datagram. Called on the OSC thread; must not block; never raises on content."""
        # A known sender that sends nonsense is still there.
        self._clients.touch(self._clients.reply_to(source))
        for message in codec.decode(datagram):
            if message.problem is not None:
                self._refuse(message.problem, message.address, source)
            else:
                self._take(message, source)

    def _take(self, message: codec.Incoming, source: Client) -> None:
        address, arguments = message.address, message.arguments
        client = self._clients.reply_to(source)
        try:
            row = addresses.row_of(address)
            client = self._announced(row, arguments, source) or client
            port, values = row.read(arguments)
            ahead = self._ahead(message.due)
            at = Seconds(self._clock.now() + ahead)
            request = row.build(addresses.Context(at, client, address), values)
        except RefusedError as refused:
            self._refuse(refused.code, address, client)
            return
        if port is not None:
            self._clients.touch(client)
            if self._guests is not None:
                self._clients.invite(client)
        if ahead <= 0:
            self._carry_out(request, address, client, source)
        elif self.pending >= MAX_PENDING:
            self._refuse(Refusal.BUSY, address, client)
        else:
            self.pending += 1
            self._later(ahead, partial(self._due, request, address, client, source))

    def _announced(
        self, row: addresses.Row, arguments: tuple[Argument, ...], source: Client
    ) -> Client | None:
        """Find the reply port in a message, even in one that will be refused for the rest."""
        for form in row.forms:
            extra = len(arguments) - len(form)
            places = [place for place, field in enumerate(form) if field is addresses.PORT]
            place = 0 if extra == 1 and row.reply_port else places[0] if places else None
            if place is not None and extra in (0, 1) and place < len(arguments):
                try:
                    return self._clients.reply_to(source, addresses.PORT.read(arguments[place]))
                except RefusedError:
                    return None
        return None

    def _ahead(self, due: float) -> float:
        """Turn a time tag into seconds from now: the only place where wall time is used."""
        if due == codec.WALL_IMMEDIATE:
            return 0.0
        ahead = due - self._wall()
        if ahead > MAX_AHEAD:
            raise RefusedError(Refusal.OUT_OF_RANGE)
        return max(0.0, ahead)

    def _due(
        self, request: addresses.Request, address: str, client: Client, source: Client
    ) -> None:
        self.pending -= 1
        self._carry_out(request, address, client, source)

    def _carry_out(
        self, request: addresses.Request, address: str, client: Client, source: Client
    ) -> None:
        if isinstance(request, addresses.Hello):
            if client[1] == self.own_port:
                # Our own panic would come back as a command, for ever.
                self._refuse(Refusal.NOT_ALLOWED, address, client)
                return
            if not self._clients.add(client, source, wants_notes=bool(request.wants)):
                self._refuse(Refusal.BUSY, address, client)
                return
            self._pong(client)
            self._tell([client], "state", int(self._partner_of(client).status.state))
        elif isinstance(request, addresses.Ping):
            self._pong(client)
            self._clients.touch(client)
            if client not in self._clients:
                # We are there, but do not know it (any more): it should say hello again.
                self._refuse(Refusal.NOT_NOW, address, client)
        elif isinstance(request, addresses.Bye):
            self._clients.remove(client)
        elif isinstance(request, clips.ClipPart):
            made = self._clips.take(request, client)
            if isinstance(made, Refusal):
                self._refuse(made, address, client)
            elif made is not None:
                self._ask(made, address, client)
        else:
            self._ask(request, address, client)

    def _ask(self, asked: Asked, address: str, client: Client) -> None:
        """Give something to the client's partner."""
        if self._guests is not None and self._clients.is_guest(client):
            taken = self._guests.submit(client, asked)
        else:
            taken = self._submit(asked)
        if not taken:
            self._refuse(Refusal.BUSY, address, client)

    def _left(self, guest: Client) -> None:
        self._partners.pop(guest, None)
        if self._guests is not None:
            self._guests.leave(guest)

    def _partner_of(self, client: Client) -> _Partner:
        return self._partners[client if self._clients.is_guest(client) else None]

    def _pong(self, client: Client) -> None:
        status = self._partner_of(client).status
        self._tell([client], "pong", addresses.PROTOCOL, int(status.model_ready), int(status.mode))

    def _refuse(self, code: Refusal, address: str, client: Client) -> None:
        self.refused += 1
        if address not in addresses.TOLD and self._errors.allow(client):
            self._tell([client], "error", int(code), _shown(address))

    # -- out ---------------------------------------------------------------------------------

    def tell(self, update: commands.Update, guest: Client | None = None) -> None:
        """Send an update to the clients it concerns. Called on the OSC thread; must not block.

        Parameters
        ----------
        update : Update
            What a partner tells.
        guest : Client, optional
            Whose partner; left out for the one that all others share.
        """
        if guest is not None and not self._clients.is_guest(guest):
            return  # it has left
        everyone = self._clients.hosted() if guest is None else [guest]
        partner = self._partners[guest]
        if isinstance(update, commands.Status):
            partner.status = update
            self._tell(everyone, "state", int(update.state))
        elif isinstance(update, commands.Beat):
            self._tell(everyone, "beat", int(update.bar), float(update.beat), float(update.bpm))
        elif isinstance(update, commands.Stats):
            self._tell_stats(self._clients.all(), update)
        elif isinstance(update, commands.Played):
            partner.sounding_until = max(partner.sounding_until, update.off)
            self._tell_played(update, self._players(guest))
        elif isinstance(update, commands.Stopped):
            # Clients hold notes up to 100 ms ahead, and no message takes one back. Panic does,
            # at the price of ending what sounds a little early; a wrong note would be worse.
            if partner.sounding_until > self._clock.now():
                self._silence(partner, self._players(guest))
        elif isinstance(update, commands.Panicked):
            self._silence(partner, everyone)
        elif isinstance(update, commands.PhraseTaken):
            self._tell(everyone, "phrase", float(update.length), update.notes)
        elif isinstance(update, commands.Varied):
            self._tell(everyone, "variation", update.index, float(update.distance), update.notes)
        elif isinstance(update, commands.ParamValue):
            to = everyone if update.client is None else [update.client]
            if guest is not None and update.by == guest:
                to = []  # its own automation would take the echo for a hand on the knob
            self._tell(to, f"param/{update.name}", float(update.value))
        elif isinstance(update, commands.Clip) and update.client is not None:
            self._send_clip(clips.messages(update), update.client)
        elif isinstance(update, commands.Refused) and update.client is not None:
            self._tell([update.client], "error", int(update.code), _shown(update.address))

    def _players(self, guest: Client | None) -> list[Client]:
        """Return those who play a partner's notes."""
        return self._clients.hosted(notes_only=True) if guest is None else [guest]

    def _silence(self, partner: _Partner, to: list[Client]) -> None:
        partner.sounding_until = Seconds(float("-inf"))
        self._tell(to, "panic")

    def _send_clip(
        self, bursts: Iterator[list[tuple[str, tuple[Argument, ...]]]], to: Client
    ) -> None:
        """Send a burst now and the others after pauses."""
        for name, arguments in next(bursts, []):
            self._tell([to], name, *arguments)
            if name == "clip/end":
                return
        self._later(clips.PAUSE, partial(self._send_clip, bursts, to))

    def _tell_played(self, update: commands.Played, to: list[Client]) -> None:
        duration = max(1, round((update.off - update.on) * 1000))
        delay = max(0, round((update.on - self._clock.now()) * 1000))
        note = update.note
        self._tell(to, "play", note.pitch, note.velocity, duration, delay, note.channel)

    def _tell_stats(self, to: list[Client], stats: commands.Stats) -> None:
        timings = (float(stats.step_ms_p50), float(stats.step_ms_p99), float(stats.late_ms_p99))
        counts = (stats.late_notes, stats.dropped, stats.refused + self.refused)
        self._tell(to, "stats", *timings, *counts)

    def _tell(self, to: list[Client], name: str, *arguments: Argument) -> None:
        if to:
            datagram = codec.encode(addresses.PREFIX + name, *arguments)
            for client in to:
                self._send(datagram, client)


def _shown(address: str) -> str:
    """Shorten an address to what may be sent back: printable ASCII, 64 characters."""
    kept = address[:MAX_STRING]
    return "".join(sign if " " < sign < "\x7f" else "?" for sign in kept)
