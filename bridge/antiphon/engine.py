"""The engine: sole owner of what changes while Antiphon plays. It decides and never waits.

Everything reaches it through one bounded inbox: what is heard, what is asked, what the worker
has drawn. It runs the mode, keeps the parameters, and publishes updates. Only
:meth:`Engine.submit` may be called from other threads.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from antiphon import commands as c
from antiphon import midi, params, thinking, varying, worker
from antiphon.answers import LastAnswer
from antiphon.bulletin import Bulletin
from antiphon.dialogue import Dialogue, Moment
from antiphon.ears import Ears, Release, Strike
from antiphon.learn import TURN, Bound, Learning
from antiphon.looper import Looper
from antiphon.modes import RULES, base
from antiphon.music import Beats, Seconds
from antiphon.repertoire import Equipped, Loaded, NotLoaded, Repertoire
from antiphon.settings import SIXTEENTH, Settings
from antiphon.speech import NoteOutput, Speech
from antiphon.sync import base as sync
from antiphon.sync.internal import InternalClock
from antiphon.sync.midi_clock import MidiClock
from antiphon.sync.osc_transport import OscTransport
from antiphon.timebase import Clock

_log = logging.getLogger(__name__)

INBOX: Final = 4096
"""Messages that may wait; more are refused, and whoever sent them is told."""

LEAD: Final = Seconds(0.025)
"""An answer starts no sooner than this after it was asked for."""

IDLE_WAIT: Final = Seconds(0.05)
"""The engine looks at the clock at least this often."""

REPLANNED: Final = frozenset(
    {"key", "scale", "register/low", "register/high", "polyphony", "pedal"}
)
"""Parameters whose change is heard at once: what was planned is planned anew."""

VARIANCE: Final = frozenset({"vary/amount", "vary/keep", "vary/freeze"})
"""Parameters whose change is heard in the loop's next pass."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """The output silenced itself (its ports went away); nothing sounds any more."""


Message = (
    c.Heard
    | c.Transport
    | c.Command
    | thinking.Planned
    | worker.Failed
    | varying.Made
    | varying.NotMade
    | Equipped
    | Loaded
    | NotLoaded
    | Silenced
)


class Engine:
    """Decides what is played.

    Parameters
    ----------
    clock : Clock
        The time.
    output : NoteOutput
        Where notes go.
    think : callable
        Takes jobs for the worker; returns at once.
    source : SyncSource
        Says where the beat is.
    publish : callable
        Takes every update; returns at once.
    mode : Mode
        The first mode.
    settings : dict, optional
        Values of parameters that differ from their defaults.
    bindings : dict, optional
        Controller number -> what it drives, as in :class:`antiphon.learn.Learning`.
    load : callable, optional
        Starts loading the checkpoint that a command names, to be answered by :class:`Loaded`
        or :class:`NotLoaded`.
    """

    def __init__(
        self,
        clock: Clock,
        output: NoteOutput,
        think: Callable[[thinking.Job | varying.Job], None],
        source: sync.SyncSource,
        publish: Callable[[c.Update], None],
        *,
        mode: c.Mode = c.Mode.RESPOND,
        settings: dict[str, float] | None = None,
        bindings: dict[int, str] | None = None,
        load: Callable[[c.LoadModel], None] = lambda command: None,
    ) -> None:
        self._clock, self._output, self._source = clock, output, source
        self._tell, self._load = publish, load
        self._answer = LastAnswer()
        self._settings = Settings(settings)
        self._mode = mode
        self._rules, self._state = RULES[mode]
        self._ears = Ears()
        self._speech = Speech(output)
        self._dialogue = Dialogue(think, self._speech)
        self._looper = Looper(think, self._speech, self._ears.memory, self._publish)
        self._learning = Learning(bindings or {})
        self._repertoire = Repertoire(think)
        self._bulletin = Bulletin(mode, self._publish)
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()

    # -- any thread --------------------------------------------------------------------------

    def submit(self, message: Message) -> bool:
        """Put a message in the inbox; False when it is full. Any thread, never blocks."""
        if self._inbox.qsize() >= INBOX:
            return False
        self._inbox.put(message)
        return True

    # -- the engine's thread -----------------------------------------------------------------

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. A fault ends the answer under way, not the night."""
        self.begin()
        while not stop.is_set():
            try:
                self.work()
            except Exception:
                _log.exception("the engine stumbled; what sounds is ended and it goes on")
                self._output.stop(self._clock.now())
                self._restart_mode()

    def begin(self) -> None:
        """Set everything up; called once, before :meth:`work`."""
        self._output.configure(bool(self._settings["thru"]))
        self._dialogue.begin(self._moment())
        self._tell_status()

    def work(self) -> None:
        """Wait for the next message or the next thing to do, and do it."""
        wait = max(0.0, self.next_time() - self._clock.now())
        try:
            self.handle(self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait())
            while True:
                self.handle(self._inbox.get_nowait())
        except queue.Empty:
            pass
        self.advance()

    def next_time(self) -> Seconds:
        """Return the time at which :meth:`advance` next has something to do."""
        now = self._moment()
        times = [Seconds(now.time + IDLE_WAIT)]
        dues = (self._speech.next_time(now.tempo, now.feel), self._looper.next_time(now))
        times += [due for due in dues if due is not None]
        deadline: Beats | None = self._rules.deadline(self._state, self._now(now))
        if deadline is not None:
            times.append(now.tempo.time_at(deadline))
        return min(times)

    def advance(self) -> None:
        """Do what the time asks for."""
        self._follow(self._source.update(self._clock.now()))
        now = self._moment()
        self._ears.memory.follow(now.tempo)
        self._step(base.TimePassed(), now)
        if (taken := self._looper.settle(now)) is not None:
            self._step(base.Captured() if taken else base.Missed(), now)
        self._looper.advance(now)
        for sent in self._speech.speak(now.time, now.tempo, now.feel):
            self._publish(c.Played(sent.note, sent.on, sent.off, sent.number))
            for number in sent.cut:
                self._publish(c.Shortened(number, sent.on))
        self._dialogue.look_ahead(now)
        self._tell_beat(now)

    def handle(self, message: Message) -> None:
        """Take one message of the inbox."""
        match message:
            case c.Heard():
                self._hear(message)
            case c.Transport():
                if isinstance(self._source, OscTransport):
                    self._follow(self._source.feed(message))
            case thinking.Planned():
                self._dialogue.take(message)
            case worker.Failed():
                self._tell_status()
            case varying.Made() | varying.NotMade():
                self._looper.hear(message)
            case Equipped():
                self._looper.equip(message.varier, self._moment())
            case Loaded():
                self._loaded(message)
            case NotLoaded():
                self._refuse(message.command, message.refusal)
            case Silenced():
                self._ears.forget(self._moment().beat)
                self._restart_mode()
            case c.Command():
                self._obey(message)

    # -- hearing -----------------------------------------------------------------------------

    def _hear(self, heard: c.Heard) -> None:
        kind = midi.kind(heard.message)
        if kind >= midi.SYSEX:
            if isinstance(self._source, MidiClock):
                self._follow(self._source.feed(heard.time, heard.message))
        elif kind == midi.CONTROL:
            self._control(heard)
        elif kind in (midi.NOTE_ON, midi.NOTE_OFF):
            if kind == midi.NOTE_ON and isinstance(self._state, base.Idle):
                self._wait_for_player(heard.time)
            beat = self._source.tempo.beat_at(heard.time)
            channel = self._settings.whole("channel/in")
            self._note(self._ears.hear(heard.message, beat, heard.time, channel), beat)

    def _note(self, event: Strike | Release | None, beat: Beats) -> None:
        now = self._moment()
        match event:
            case Strike():
                self._step(base.KeyDown(event.key), now)
                self._dialogue.hear(event, beat, now)
                channel, pitch = event.key
                self._publish(c.HeardNote(beat, pitch, event.velocity, channel))
            case Release():
                self._step(base.KeyUp(event.key), now)
                channel, pitch = event.key
                length = max(0.0, beat - event.start) or 1e-3
                told = c.HeardNote(event.start, pitch, event.velocity, channel, length, event.pedal)
                self._publish(told)

    def _wait_for_player(self, time: Seconds) -> None:
        """Let a silent clock wait: the first note of a turn is beat one of a bar.

        Nothing ticks aloud then, so the player sets the beat. That is the internal clock, and a
        DAW's while it stands still; a clock that runs is never moved.
        """
        turns = self._mode is c.Mode.RESPOND or self._nothing_to_loop()
        if turns and (
            isinstance(self._source, InternalClock)
            or (isinstance(self._source, OscTransport) and not self._source.playing)
        ):
            tempo = self._source.tempo
            just_before = Beats(tempo.beat_at(time) - SIXTEENTH)  # a little late is on the line
            self._source.relocate(time, tempo.next_line(just_before, None))
            self._ears.memory.moved(self._source.tempo, time)
            self._bulletin.jumped()

    def _control(self, heard: c.Heard) -> None:
        controller, value = heard.message[1:3]
        moved = self._learning.move(controller, value)
        if isinstance(moved, Bound):
            self._publish(c.Learned(moved.name, moved.controller))
        elif moved is not None and moved.name == TURN:
            self._step(base.TurnCue(), self._moment())
        elif moved is not None and moved.name in c.SWITCHES:
            self._publish(c.Cued(moved.name))
        elif moved is not None:
            turned = params.BY_NAME[moved.name].from_cc(moved.value)
            self._obey(c.SetParam(name=moved.name, value=turned))
        elif controller == midi.SUSTAIN and not self._learning.drives(controller):
            channel = self._settings.whole("channel/in")
            pedal = self._ears.pedal(heard.message, heard.time, channel)
            if pedal is not None:
                self._dialogue.pedal(pedal)

    # -- deciding ----------------------------------------------------------------------------

    def _moment(self) -> Moment:
        time, tempo = self._clock.now(), self._source.tempo
        ears = self._ears
        controls = self._settings.controls(ears.voices(), tempo.bpm, ears.pedalled())
        feel, seed = self._settings.feel(), self._settings.whole("seed")
        variance = self._settings.variance()
        return Moment(time, tempo.beat_at(time), tempo, controls, feel, seed, variance)

    def _now(self, now: Moment) -> base.Now:
        phrase, playing = self._looper.length, self._source.playing
        return self._settings.now(now.beat, now.tempo, LEAD, phrase, playing=playing)

    def _step(self, event: base.Event, now: Moment) -> None:
        """Run the mode by one event and carry out what it asks for."""
        was = self._state
        self._state, actions = self._rules.step(was, event, self._now(now))
        for action in actions:
            self._carry_out(action, now)
        if type(self._state) is not type(was):
            self._tell_status()

    def _carry_out(self, action: base.Action, now: Moment) -> None:
        match action:
            case base.Answer():
                self._looper.stop()
                self._dialogue.answer(action.start, action.length, now)
                length = Beats(0.0) if action.length is None else action.length
                self._publish(c.TurnEnded(now.beat, action.start, length))
            case base.Recite():
                self._halt(action.start, now)
                self._looper.recite(action.start)
                self._publish(c.TurnEnded(now.beat, action.start, action.length))
            case base.Halt():
                self._halt(action.at, now)
            case _:
                self._looper.carry_out(action, now)

    def _halt(self, at: Beats, now: Moment) -> None:
        """End what plays, whoever plays it."""
        self._dialogue.halt(at, now)
        self._looper.stop()
        self._publish(c.Stopped(now.time_of(at)))

    def _restart_mode(self) -> None:
        """Begin the mode anew; everything was silenced, or ends already."""
        self._dialogue.forget()
        self._looper.stop()
        self._rules, self._state = RULES[self._mode]
        self._tell_status()

    def _follow(self, changes: Iterable[sync.Change]) -> None:
        """React to what the sync source noticed."""
        for change in changes:
            now = self._moment()
            if isinstance(change, sync.Halted | sync.Lost | sync.Relocated | sync.Started):
                self._looper.forgo()
                self._ears.memory.moved(now.tempo, now.time)
                self._step(base.Relocated(), now)
                self._dialogue.relocated(now)
                self._bulletin.jumped()
            elif isinstance(change, sync.MeterChanged):
                self._looper.forgo()
                self._step(base.Relocated(), now)
                self._dialogue.begin(now)
            self._tell_status()

    # -- obeying -----------------------------------------------------------------------------

    def _obey(self, command: c.Command) -> None:
        now = self._moment()
        match command:
            case c.SetMode():
                self._change_mode(command.mode, now)
            case c.SetParam(name="bpm") if not isinstance(self._source, InternalClock):
                self._refuse(command, c.Refusal.NOT_NOW)  # somebody else keeps the tempo
            case c.SetParam():
                self._set(command)
            case c.GetParam():
                value = self._settings[command.name]
                self._publish(c.ParamValue(command.name, value, command.client))
            case c.EndTurn() if self._mode is c.Mode.OFF or self._nothing_to_loop():
                self._refuse(command, c.Refusal.NOT_NOW)
            case c.EndTurn():
                self._step(base.TurnCue(), now)
            case c.StopAnswer():
                self._step(base.StopCue(), now)
            case c.Capture() | c.Vary() | c.Pick() | c.Keep() | c.Undo() | c.TakePhrase():
                self._phrase(command, now)
            case c.ReadClip() | c.WriteClip():
                self._refuse(command, c.Refusal.NOT_NOW)  # we do not speak with Live
            case c.GiveClip():
                self._give_clip(command, now)
            case c.Generate() if self._mode is c.Mode.LOOP:
                self._refuse(command, c.Refusal.NOT_NOW)
            case c.Generate():
                self._step(base.GenerateCue(command.beats), now)
            case c.SetStyle():
                if not self._repertoire.mix(command.name, command.weight):
                    self._refuse(command, c.Refusal.NO_SUCH_NAME)
            case c.LoadModel():
                self._load(command)
            case c.Learn():
                self._learning.want(command.name)
            case c.Panic():
                self._output.panic()
                self._dialogue.forget()
                self._looper.stop()
                self._ears.forget(now.beat)
                self._step(base.StopCue(), now)
                self._publish(c.Panicked())

    def _phrase(self, command: c.PhraseCommand, now: Moment) -> None:
        refusal = self._looper.obey(command, now)
        if refusal is not None:
            self._refuse(command, refusal)
        elif isinstance(command, c.Pick):
            self._step(base.PickCue(self._looper.length), now)
        elif isinstance(command, c.TakePhrase):
            self._step(base.Captured(), now)

    def _give_clip(self, command: c.GiveClip, now: Moment) -> None:
        if command.index == c.LAST_ANSWER:
            length, notes = self._answer.clip(now.tempo.meter)
        else:
            version = self._looper.version(command.index)
            if isinstance(version, c.Refusal):
                self._refuse(command, version)
                return
            length, notes = version.take.length, version.notes
        if notes:
            self._publish(c.Clip(command.index, length, notes, command.client))
        else:
            self._refuse(command, c.Refusal.NOT_NOW)

    def _nothing_to_loop(self) -> bool:
        idle = isinstance(self._state, base.Idle)
        return self._mode is c.Mode.LOOP and idle and not self._looper.length

    def _change_mode(self, mode: c.Mode, now: Moment) -> None:
        self._halt(self._now(now).release_line(), now)
        self._mode = mode
        self._restart_mode()

    def _set(self, command: c.SetParam) -> None:
        name, value = command.name, command.value
        self._settings[name] = value
        if name == "thru":
            self._output.configure(bool(value))
        elif name == "bpm" and isinstance(self._source, InternalClock):
            self._follow(self._source.set_bpm(self._clock.now(), value))
        elif name == "seed":
            self._dialogue.reseed()
            self._looper.reseed(self._moment())
        elif name in VARIANCE:
            self._looper.turned(name, self._moment())
        elif name in REPLANNED:
            self._dialogue.revise(self._moment())
        self._publish(c.ParamValue(name, value, by=command.client))

    def _loaded(self, loaded: Loaded) -> None:
        if loaded.first:
            self._repertoire.begin(loaded.player)
            self._bulletin.model(loaded.player.info.name)
            self._tell_status()
        else:
            self._repertoire.offer(loaded.player)

    def _refuse(self, command: c.Command, refusal: c.Refusal) -> None:
        self._publish(c.Refused(refusal, command.address, command.client))

    # -- telling -----------------------------------------------------------------------------

    def _publish(self, update: c.Update) -> None:
        self._answer.follow(update)
        self._tell(update)

    def _tell_status(self) -> None:
        state = base.public_state(self._state)
        self._bulletin.status(state, self._mode, self._source.playing)

    def _tell_beat(self, now: Moment) -> None:
        """Tell of each new beat; on a bar line, swap in the network that waits for it."""
        new_bar = self._bulletin.beat(now.beat, now.tempo)
        if new_bar and (name := self._repertoire.swap()) is not None:
            self._bulletin.model(name)
            self._tell_status()
