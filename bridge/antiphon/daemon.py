"""The daemon: puts the parts together, keeps them running, takes them down in order."""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

from antiphon import commands as c
from antiphon import config, params
from antiphon.conversation import Conversation, Unheard
from antiphon.engine import Silenced
from antiphon.errors import AntiphonError, PortError
from antiphon.guests import Guests
from antiphon.live.client import LiveClient
from antiphon.live.wire import Where
from antiphon.model import Player, Varier
from antiphon.music import Meter, Seconds
from antiphon.osc.server import OscServer
from antiphon.output import Dropped, Reason, Sounded
from antiphon.ports.base import PortOptions
from antiphon.ports.client import Ended, PortProcess, Told
from antiphon.record import Recorder
from antiphon.speech import NoteOutput
from antiphon.stats import StatsKeeper
from antiphon.sync.base import SyncSource
from antiphon.sync.internal import InternalClock
from antiphon.sync.midi_clock import MidiClock
from antiphon.sync.osc_transport import OscTransport
from antiphon.timebase import SWITCH_INTERVAL, Clock, MonotonicClock
from antiphon.worker import Worker

LOADER: Final = "antiphon_models.runtime:load_player"
"""Where networks come from, as an import string: the bridge does not import the models."""

VARIER: Final = "antiphon_models.variation:load_varier"
"""Where the networks that vary come from."""

DEFAULT: Final = "player"
"""The checkpoint that ships."""

RESTARTS: Final = 3
"""Times that a port process that died is started again."""

STATS_EVERY: Final = 1.0

_log = logging.getLogger("antiphon")


@dataclass(frozen=True, slots=True)
class Options:
    """What ``antiphon play`` was asked for."""

    ports: PortOptions = field(default_factory=PortOptions)
    osc: tuple[str, int] = ("127.0.0.1", 7401)
    live: Where | None = None
    sync: str = "internal"
    meter: Meter = field(default_factory=Meter)
    mode: c.Mode = c.Mode.RESPOND
    player: str | None = None
    gan: tuple[str, ...] = ()
    device: str = "auto"
    settings: dict[str, float] = field(default_factory=dict)
    bindings: dict[int, str] = field(default_factory=dict)
    record: Path | None = None
    keep_bindings: bool = True


class Face(Protocol):
    """What shows the daemon to a person: the terminal view, or plain lines."""

    ports: str

    def update(self, update: c.Update) -> None:
        """Take an update; any thread, returns at once."""
        ...

    def run(self, until: threading.Event) -> None:
        """Show until the event is set; on the main thread."""
        ...


def load_player(name: str | None, device: str) -> Player:
    """Load a network by name or path; None is the default one.

    Raises
    ------
    CheckpointError
        If there is none of that name, or it cannot be used.
    """
    player: Player = _imported(LOADER)(name or DEFAULT, device)
    return player


def load_varier(names: Sequence[str] = ()) -> Varier:
    """Load the networks that vary, by names or paths of GANs; those that ship if there are none.

    Raises
    ------
    CheckpointError
        If there is none of a name, or it cannot be used.
    """
    varier: Varier = _imported(VARIER)(names)
    return varier


def _imported(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


class Daemon:
    """One running Antiphon.

    Parameters
    ----------
    options : Options
        What was asked for.
    face : Face
        Shows it to a person.
    clock : Clock, optional
        The time.
    quiet : bool
        Whether to keep the line ``ready`` to oneself.
    """

    def __init__(
        self, options: Options, face: Face, clock: Clock | None = None, *, quiet: bool = False
    ) -> None:
        self._options, self._face, self._quiet = options, face, quiet
        self._clock = clock or MonotonicClock()
        self._stop = threading.Event()
        self._status = 0
        self._loading: queue.SimpleQueue[Player | Exception] = queue.SimpleQueue()
        self._updates: queue.SimpleQueue[tuple[c.Update, c.Client | None] | None] = (
            queue.SimpleQueue()
        )
        self._bindings = dict(options.bindings)
        self._threads: list[threading.Thread] = []
        self._worker = Worker()
        self._ports = PortProcess(options.ports, self._from_ports)
        self._guests = Guests(self._receive, self._load_first, self._count_guests)
        self._osc = OscServer(*options.osc, self.submit, self._clock, guests=self._guests)
        self._stats = StatsKeeper(self._worker.step_seconds, lambda: self._osc.refused)
        self._settings = {**params.defaults(), **options.settings}
        self._bpm = self._settings["bpm"]
        self._own = self._converse(
            self._ports, self._sync_source(), self.publish, self._recorder_for("")
        )
        self._live = self._live_client(options)
        self._model = self._where = ""
        self.last_words: list[str] = []
        """Lines to print once the view is gone."""

    # -- its life, on the main thread ----------------------------------------------------------

    def run(self, while_playing: Callable[[Daemon], None] | None = None) -> int:
        """Start, play until told to stop, and take everything down.

        Parameters
        ----------
        while_playing : callable, optional
            Runs on a thread of its own once the daemon is ready.

        Returns
        -------
        int
            The exit status.

        Raises
        ------
        AntiphonError
            If a part cannot be started; what was started is taken down first.
        """
        with self._signals():
            try:
                self.startup()
                if while_playing is not None:
                    self._thread("antiphon-guest", lambda: while_playing(self))
                self.main_loop()
            finally:
                self.shutdown()
        for line in self.last_words:
            print(line, flush=True)
        return self._status

    def startup(self) -> None:
        """Open sockets and ports, load the network, set the engine going."""
        sys.setswitchinterval(SWITCH_INTERVAL)
        self._worker.start()
        self._thread("antiphon-load", self._load_own)
        self._osc.start()
        if self._live is not None:
            self._live.start()
        opened = self._ports.open()
        for warning in opened.warnings:
            _log.warning(warning)
        if self._options.record is not None:
            self._own.recorder.start()
        self._thread("antiphon-tell", self._announce)
        self._own.start()
        player = self._loading.get()
        if isinstance(player, Exception):
            raise player
        self._own.begin(player)
        self._thread("antiphon-stats", self._sum_up)
        ends = [f'in "{name}"' for name in opened.inputs]
        ends += [f'out "{name}"' for name in opened.outputs]
        where = f"{' '.join(ends)} ({opened.backend})" if ends else "no MIDI"
        host, port = self._osc.address
        self._where = f"{where}  osc {host}:{port}"
        self._face.ports = self._where
        sync = self._options.sync
        tempo = f"{self._bpm:g} bpm" if sync == "internal" else f"{sync} clock"
        self._model = player.info.name
        mode = self._options.mode.name.lower()
        if not self._quiet:
            print(f"ready  {self._where}  {mode}  {tempo}  {self._model}", flush=True)
        self._thread("antiphon-load-varier", self._load_varier)

    def main_loop(self) -> None:
        """Show what goes on until something asks to stop."""
        self._face.run(self._stop)
        self._stop.wait()

    def shutdown(self) -> None:
        """Take down in order: what comes in, what thinks, what sounds. Under 2 s."""
        self._stop.set()
        self._osc.stop(0.5)
        if self._live is not None:
            self._live.stop(0.3)
        self._worker.stop(0.3)
        self._own.stop()
        self._guests.stop()
        self._updates.put(None)
        for thread in self._threads:
            thread.join(0.3)
        self._ports.close(0.5)
        self._own.join(0.3)

    def stop(self, status: int = 0) -> None:
        """Ask the daemon to end. Any thread."""
        self._status = status
        self._stop.set()

    @property
    def session_path(self) -> Path | None:
        """The session file that is or was last recorded."""
        return self._own.recorder.path

    @property
    def model(self) -> str:
        """Name of the network that was loaded first."""
        return self._model

    @property
    def osc_address(self) -> tuple[str, int]:
        """Where OSC is heard."""
        return self._osc.address

    @property
    def stopping(self) -> threading.Event:
        """Set once the daemon is to end."""
        return self._stop

    # -- between the parts, any thread -----------------------------------------------------------

    def submit(self, message: Any) -> bool:
        """Give the partner that all share something; False when it cannot take more."""
        if self._live is not None and isinstance(message, c.ReadClip | c.WriteClip):
            self._live.tell(message)
            return True
        if isinstance(message, c.Transport) and self._options.sync == "live":
            return True  # Live's beat is followed, and nobody else's
        return self._own.submit(message)

    def now(self) -> Seconds:
        """Return the time on the daemon's clock."""
        return self._clock.now()

    def inject(self, message: bytes) -> None:
        """Let a MIDI message come in as if it had been played."""
        self._ports.inject(message)

    def publish(self, update: c.Update, guest: c.Client | None = None) -> None:
        """Hand an update to everything that listens; any thread, returns at once."""
        self._updates.put((update, guest))

    def _announce(self) -> None:
        """Tell those who listen. A thread of its own: waking others would hold up the engine."""
        while (told := self._updates.get()) is not None:
            update, guest = told
            self._osc.publish(update, guest)
            if guest is None:
                if self._live is not None:
                    self._live.tell(update)
                self._face.update(update)
                self._own.recorder.update(update)
                if isinstance(update, c.Learned):
                    self._learned(update)

    def _from_ports(self, told: Told) -> None:
        """Sort what the port process says. Link thread; must not wait."""
        match told:
            case c.Heard():
                self._own.submit(told)
            case Sounded():
                self._stats.sounded(told.lateness)
            case Dropped():
                self._stats.dropped(told.reason is Reason.LATE)
                self.publish(c.Shortened(told.id, Seconds(-math.inf)))
            case Ended(expected=False):
                _log.warning("the port process ended (status %d); starting it again", told.status)
                self._own.tell(Silenced())
                self._thread("antiphon-restart", self._restart_ports)

    def _restart_ports(self) -> None:
        for _ in range(RESTARTS):
            if self._stop.is_set():
                return
            with contextlib.suppress(PortError):
                self._ports.restart()
                return
        _log.error("the port process could not be started again")
        self.stop(1)

    # -- partners --------------------------------------------------------------------------------

    def _converse(
        self,
        output: NoteOutput,
        source: SyncSource,
        publish: Callable[[c.Update], None],
        recorder: Recorder,
    ) -> Conversation:
        """Make a partner."""
        options = self._options
        return Conversation(
            self._clock,
            self._worker,
            output,
            source,
            publish,
            recorder,
            lambda name: load_player(name, options.device),
            mode=options.mode,
            settings=options.settings,
            bindings=options.bindings,
        )

    def _receive(self, guest: c.Client) -> Conversation:
        """Make a guest's partner, which follows the beat that the guest tells. OSC thread."""
        source = OscTransport(self._clock.now(), self._bpm, self._options.meter)
        recorder = self._recorder_for(f"-{guest[1]}")
        if self._options.record is not None:
            recorder.start()

        def publish(update: c.Update) -> None:
            recorder.update(update)
            self.publish(update, guest)

        return self._converse(Unheard(), source, publish, recorder)

    def _recorder_for(self, suffix: str) -> Recorder:
        options = self._options
        folder, seed = options.record or Path.cwd(), int(self._settings["seed"])
        return Recorder(folder, self._clock, meter=options.meter, seed=seed, suffix=suffix)

    def _count_guests(self, count: int) -> None:
        """Show how many there are."""
        devices = {0: "", 1: "  1 device"}.get(count, f"  {count} devices")
        self._face.ports = self._where + devices

    def _load_first(self) -> Player:
        return load_player(self._options.player, self._options.device)

    def _load_own(self) -> None:
        """Load the network that we begin with, beside everything else that starts."""
        try:
            self._loading.put(self._load_first())
        except Exception as error:  # there is nothing to play with: startup raises it
            self._loading.put(error)

    def _load_varier(self) -> None:
        """Load the networks that vary, after all that playing needs; without them it plays on."""
        try:
            varier = load_varier(self._options.gan)
        except AntiphonError as error:
            _log.warning("no variations: %s", error)
        except Exception as error:  # a broken installation must not end the music
            _log.warning("no variations: %s: %s", type(error).__name__, error)
        else:
            self._own.equip(varier)
            self._guests.equip(varier)

    def _learned(self, update: c.Learned) -> None:
        self._bindings = {k: v for k, v in self._bindings.items() if v != update.name}
        self._bindings[update.controller] = update.name
        if self._options.keep_bindings:
            bindings = dict(self._bindings)
            self._thread("antiphon-save", lambda: config.save_bindings(bindings))

    def _sum_up(self) -> None:
        """Publish the statistics every second."""
        while not self._stop.wait(STATS_EVERY):
            self.publish(self._stats.stats())

    def _live_client(self, options: Options) -> LiveClient | None:
        """Return what speaks with Live, which is with the partner that all share."""
        if options.live is None:
            return None
        follow = options.sync == "live"
        return LiveClient(options.live, self._own.submit, self.publish, self._clock, follow=follow)

    def _sync_source(self) -> SyncSource:
        now, bpm, meter = self._clock.now(), self._bpm, self._options.meter
        match self._options.sync:
            case "midi":
                return MidiClock(now, bpm, meter)
            case "osc" | "live":
                return OscTransport(now, bpm, meter)
        return InternalClock(now, bpm, meter)

    def _thread(self, name: str, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """First Ctrl-C or SIGTERM ends cleanly, a second one at once."""

        def caught(number: int, frame: object) -> None:
            if self._stop.is_set():
                os._exit(128 + number)
            self.stop(130 if number == signal.SIGINT else 0)

        before = {n: signal.signal(n, caught) for n in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
