"""The port process: keeps time while the brain thinks.

Run as ``python -m antiphon.ports.process OPTIONS`` with commands on stdin and events on stdout
(:mod:`antiphon.ports.link`). It shares nothing with the brain but these two pipes, and takes
the end of its stdin for the brain's death: then it silences everything and ends.

================  ==========================================  =================================
thread            waits for                                   must not
================  ==========================================  =================================
MIDI input        nothing: stamps, passes through, puts       log, wait, think
output            its next event, then spins briefly          parse, log
link in           the pipe from the brain                     touch MIDI but through the output
link out          its queue, the pipe to the brain            touch MIDI
watch (Linux)     the death of the brain                      anything else
main              the first reason to end                     anything before that
================  ==========================================  =================================
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Final

from antiphon.errors import AntiphonError
from antiphon.music import Seconds
from antiphon.output import Output, Written
from antiphon.ports import link
from antiphon.ports.base import Backend, PortOptions
from antiphon.ports.choose import open_backend
from antiphon.ports.feedback import Feedback
from antiphon.ports.inward import Inward
from antiphon.timebase import MonotonicClock

SPIN: Final = 0.0003
"""Seconds before an event from which the output thread spins: waking takes about that long."""

QUEUE_LIMIT: Final = 65_536
"""Events that may wait for the brain; more are counted and lost."""

_LONGEST: Final = 3600.0  # the system cannot wait for any time however far off
_FLUSH: Final = 0.02  # JACK takes what was written at its next period
_PATIENCE: Final = 0.5  # closing takes 50 ms; cut short it can upset a JACK server
_PRIORITY: Final = 4  # above everything ordinary, below JACK's threads at their lowest


class Child:
    """Everything the port process holds, and its threads."""

    def __init__(self, options: PortOptions, commands: int, events: int, realtime: bool) -> None:
        self._commands, self._events = commands, events
        self._clock = MonotonicClock()
        self._outbox: SimpleQueue[link.Event] = SimpleQueue()
        self._ends: SimpleQueue[int] = SimpleQueue()  # exit status; the first one counts
        self._wake = threading.Event()
        self._closing = False
        self._lost = self._refused = 0
        self._backend: Backend = open_backend(options)
        self._feedback = Feedback()
        self._output = Output(
            self._clock,
            self._backend.sinks,
            late=Seconds(options.late),
            report=self._tell,
            sent=self._feedback.sent,
            wake=self._wake.set,
            written=options.written,
        )
        self._inward = Inward(self._clock, self._output, self._feedback, self._tell)
        self._tell(
            link.Opened(
                self._backend.name,
                tuple(self._backend.inputs),
                tuple(self._backend.outputs),
                tuple(self._backend.warnings),
                realtime,
            )
        )

    def run(self) -> None:
        """Start the threads, wait for a reason to end, silence everything."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: self._ends.put(0))
        self._backend.start(self._inward)
        for work in (self._play, self._link_out, self._link_in, self._watch):
            threading.Thread(
                target=self._guard, args=(work,), name=work.__name__, daemon=True
            ).start()
        gc.collect()
        gc.freeze()
        gc.disable()  # nothing here makes cycles; a collection would make notes late
        self._shutdown(self._ends.get())

    def _guard(self, work: Callable[[], None]) -> None:
        """Run a thread; should it fail, which is a bug, silence everything rather than hang on."""
        try:
            work()
        except Exception:
            traceback.print_exc()
            self._ends.put(1)

    def _shutdown(self, status: int) -> None:
        self._closing = True
        self._output.close()
        self._wake.set()
        if hasattr(signal, "setitimer"):
            # A back end whose server has gone may wait for it with the interpreter lock held: only
            # the system can end us then.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
        time.sleep(_FLUSH)
        self._backend.close()
        # The other threads wait in system calls; there is nothing left that needs them to end.
        os._exit(status)

    def _tell(self, event: link.Event) -> None:
        """Queue an event for the brain. Any thread, also under the output's lock; never waits."""
        if isinstance(event, Written) and len(event.message) > 3:
            return  # system exclusive has no record
        if self._outbox.qsize() < QUEUE_LIMIT:
            self._outbox.put(event)
        else:
            self._lost += 1

    def _play(self) -> None:
        """Send what is due. Output thread; must not parse, log or wait for anything else."""
        now, output, wake = self._clock.now, self._output, self._wake
        while not self._closing:
            due = output.poll(now())
            if due is None:
                wake.wait()
                wake.clear()
            elif due - now() > SPIN:
                wake.wait(min(due - now() - SPIN, _LONGEST))
                wake.clear()
            else:
                while now() < due and not wake.is_set():
                    pass
                wake.clear()

    def _link_in(self) -> None:
        """Carry out the brain's commands. Link-in thread; may wait for the pipe only."""
        decoder = link.Decoder()
        try:
            while data := os.read(self._commands, 65_536):
                for command in decoder.feed(data):
                    self._obey(command)
            self._ends.put(0)
        except (OSError, link.LinkError):
            self._ends.put(1)

    def _obey(self, command: link.Record) -> None:
        try:
            match command:
                case link.Play(note_id, on, off, channel, pitch, velocity, pedal):
                    self._output.play(note_id, on, off, channel, pitch, velocity, pedal)
                case link.Release(note_id, at):
                    self._output.release(note_id, at)
                case link.Stop(at):
                    self._output.stop(at)
                case link.Lift(at):
                    self._output.lift(at)
                case link.Send(message, at):
                    self._output.send(message, at)
                case link.Panic():
                    self._output.panic()
                case link.Configure(thru, channel_in):
                    self._inward.passing, self._inward.channel = thru, channel_in
                case link.Inject(message):
                    self._inward(message)
                case link.Ping(number):
                    self._tell(self._stats(number))
                case link.Close():
                    self._ends.put(0)
                case _:
                    self._refused += 1
        except ValueError:
            self._refused += 1

    def _stats(self, number: int) -> link.Stats:
        counts = self._output.counts
        return link.Stats(
            number=number,
            sounded=counts.sounded,
            late=counts.late,
            held=counts.held,
            errors=self._output.errors,
            echoes=self._feedback.echoes,
            lost=self._lost,
            refused=self._refused,
        )

    def _link_out(self) -> None:
        """Tell the brain. Link-out thread; may wait for its queue and the pipe."""
        with contextlib.suppress(OSError):  # the link-in thread notices the brain's death
            while True:
                parts = [link.encode(self._outbox.get())]
                while len(parts) < 256 and not self._outbox.empty():
                    parts.append(link.encode(self._outbox.get()))
                _write_all(self._events, b"".join(parts))

    def _watch(self) -> None:
        """Notice the brain's death even if a child of its own keeps our stdin open (Linux)."""
        if not hasattr(os, "pidfd_open"):
            return
        with contextlib.suppress(OSError):
            brain = os.pidfd_open(os.getppid())
            select.select([brain], [], [])
            self._ends.put(0)


def main() -> None:
    """Open the ports, serve the brain, end."""
    commands, events = _take_pipes()
    realtime = ask_for_priority()
    sys.setswitchinterval(0.0001)
    try:
        child = Child(PortOptions.from_text(sys.argv[1]), commands, events, realtime)
    except AntiphonError as error:
        _write_all(events, link.encode(link.Failed(error.expected, error.found, error.remedy)))
        sys.exit(2)
    child.run()


def _take_pipes() -> tuple[int, int]:
    """Keep the two pipes to ourselves: what is printed goes to stderr, C libraries' noise nowhere.

    Returns
    -------
    tuple of int
        File descriptors to read commands from and to write events to.
    """
    commands, events, errors = os.dup(0), os.dup(1), os.dup(2)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    sys.stdout = sys.stderr = os.fdopen(errors, "w", buffering=1)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(commands, os.O_BINARY)
        msvcrt.setmode(events, os.O_BINARY)
    return commands, events


def ask_for_priority() -> bool:
    """Ask the system to run us ahead of ordinary work; do without where it says no.

    The whole process asks, before its threads start and inherit it: the interpreter lock in an
    ordinary thread that is not scheduled would hold up the output thread.
    """
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.winmm.timeBeginPeriod(1)  # waits are 15 ms coarse otherwise
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_PRIORITY))
    except (AttributeError, OSError):
        return False
    return True


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


if __name__ == "__main__":
    main()
