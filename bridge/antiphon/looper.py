"""The loop and its phrase: what is captured, varied, picked and kept, and what a pass plays.

What the next pass plays is decided at its first line: a variation that is not there by then
waits for the pass after it, and the present version is played again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from antiphon import commands as c
from antiphon import varying
from antiphon.dialogue import Moment
from antiphon.memory import Memory, Stretch, nearest_stretch
from antiphon.model import Varier
from antiphon.modes import base
from antiphon.music import Beats, Phrase, Seconds
from antiphon.passes import Passes
from antiphon.phrases import Phrases, Version
from antiphon.speech import SAME, Speech

_log = logging.getLogger(__name__)

SHORTEST: Final = Beats(0.25)
"""Shortest phrase."""

PASS, OFFER = 0, 1
"""What a seed is for; keeps the variations of passes and those on offer apart."""


class Looper:
    """Decides what the loop plays. Used by the engine's thread only.

    Parameters
    ----------
    think : callable
        Takes jobs for the worker; returns at once.
    speech : Speech
        Takes notes.
    memory : Memory
        What the player played lately.
    publish : callable
        Takes updates; returns at once.
    """

    def __init__(
        self,
        think: Callable[[varying.Job], None],
        speech: Speech,
        memory: Memory,
        publish: Callable[[c.Update], None],
    ) -> None:
        self._think, self._memory, self._publish = think, memory, publish
        self._phrases = Phrases(think)
        self._passes = Passes(speech, publish, self._choose, self._ask)
        self._stretch: Stretch | None = None  # will be the phrase once its end has come
        self._capturing: c.Capture | None = None  # who asked for it
        self._picked: Version | None = None  # and not yet taken up by the mode
        self._held = False  # what was picked is not varied
        self._ready: Version | None = None  # made for the next pass
        self._asked: int | None = None  # the request for it
        self._equipped = False
        self._cues = self._offers = 0

    @property
    def length(self) -> Beats:
        """Length of the phrase; 0 where there is none."""
        take = self._phrases.take
        return Beats(0.0) if take is None else take.length

    def version(self, index: int) -> Version | c.Refusal:
        """Return the phrase (0) or a variation on offer, or why that cannot be."""
        return self._phrases.pick(index)

    # -- what is asked -----------------------------------------------------------------------

    def obey(self, command: c.PhraseCommand, now: Moment) -> c.Refusal | None:
        """Carry out a command, or say why not."""
        match command:
            case c.Capture():
                return self._capture(command, now)
            case c.Vary():
                return self._offer(command, now)
            case c.Pick():
                picked = self._phrases.pick(command.index)
                if isinstance(picked, c.Refusal):
                    return picked
                self._picked = picked
                return None
            case c.Keep():
                return self._keep(now)
            case c.Undo():
                if not self._phrases.undo():
                    return c.Refusal.NOT_NOW
                self._renew(now)
                return None
            case c.TakePhrase():
                return self._take(command, now)

    def carry_out(self, action: base.LoopAction, now: Moment) -> None:
        """Do what the mode asks for."""
        match action:
            case base.Capture():
                self._await(Stretch(action.start, action.end))
            case base.Loop():
                self._begin(action.start, now)
            case base.Retake():
                self._retake(now)
            case base.Switch():
                self._switch(now)
            case base.Forgo():
                self.forgo()

    def recite(self, start: Beats) -> None:
        """Play what was picked once, from a bar line on."""
        if (version := self._picked or self._phrases.itself) is not None:
            self._passes.begin(version, start, once=True)
        self._picked = None

    def stop(self) -> None:
        """Play no more; the phrase stays."""
        self._passes.stop()
        self._ready = self._asked = None

    # -- the phrase --------------------------------------------------------------------------

    def _capture(self, command: c.Capture, now: Moment) -> c.Refusal | None:
        longest, beats = base.MOST_BARS * now.tempo.meter.bar, command.beats
        if not SHORTEST <= beats <= longest + SAME:
            return c.Refusal.OUT_OF_RANGE
        self._await(nearest_stretch(now.tempo, now.beat, beats), command)
        return None

    def _take(self, command: c.TakePhrase, now: Moment) -> c.Refusal | None:
        longest = base.MOST_BARS * now.tempo.meter.bar
        if not (command.notes and SHORTEST <= command.length <= longest + SAME):
            return c.Refusal.OUT_OF_RANGE
        self.forgo()
        phrase = Phrase(command.notes, now.tempo.bpm, now.tempo.meter)
        self._phrases.capture(phrase, command.length)
        self._renew(now)
        return None

    def _await(self, stretch: Stretch, command: c.Capture | None = None) -> None:
        self._stretch, self._capturing = stretch, command

    def _retake(self, now: Moment) -> None:
        """Capture the phrase's length anew, or vary afresh if nothing was played in it."""
        stretch = nearest_stretch(now.tempo, now.beat, self.length)
        if self._memory.untaken(stretch):
            self._await(stretch)
            return
        self._held = False
        self._cues += 1
        self._refresh(now)

    def forgo(self) -> None:
        """What was to be the phrase is not wanted any more, or has lost its place."""
        if self._stretch is not None and self._capturing is not None:
            self._refuse(self._capturing)
        self._stretch = None

    def settle(self, now: Moment) -> bool | None:
        """Take the phrase whose end has come; tell whether it has notes. None: there is none."""
        stretch = self._stretch
        if stretch is None or now.beat < stretch.end - base.EARLY:
            return None
        self._stretch = None
        notes = self._memory.take(stretch)
        if notes:
            phrase = Phrase(notes, now.tempo.bpm, now.tempo.meter)
            self._phrases.capture(phrase, stretch.length)
            self._renew(now)
        elif self._capturing is not None:
            self._refuse(self._capturing)
        return bool(notes)

    def _keep(self, now: Moment) -> c.Refusal | None:
        take = self._phrases.take
        if take is None:
            return c.Refusal.NOT_NOW
        self._passes.take_back(now)
        version = self._passes.next or self._passes.version
        if version is None or version.take.capture != take.capture:
            return None  # what plays is of another phrase, and about to go
        if version.notes != take.phrase.notes:
            self._phrases.keep(version)
        if (kept := self._phrases.itself) is not None:
            self._passes.rename(kept)
        self._changed(now)
        return None

    def _renew(self, now: Moment) -> None:
        """Play another phrase from the next line on."""
        if self._passes.looping:
            self._passes.take_back(now)
            self._passes.next = self._phrases.itself
        elif not self._passes.reciting:
            self._passes.version = self._phrases.itself
        self._changed(now)

    def _changed(self, now: Moment) -> None:
        """Tell of the new phrase, and vary that one."""
        self._held, self._picked = False, None
        if (take := self._phrases.take) is not None:
            self._publish(c.PhraseTaken(take.length, len(take.phrase)))
        self._refresh(now)

    # -- variations --------------------------------------------------------------------------

    def equip(self, varier: Varier, now: Moment) -> None:
        """Vary with these networks from now on."""
        self._think(varying.Equip(varier))
        self._equipped = True
        self._refresh(now)

    def hear(self, reply: varying.Reply) -> None:
        """Take what the worker has made, or could not make."""
        match reply:
            case varying.Made(purpose=varying.Purpose.PASS):
                if reply.request == self._asked:
                    self._asked = None
                    self._ready = self._phrases.version(reply.variation)
            case varying.Made():
                if (offer := self._phrases.made(reply)) is not None:
                    told = c.Varied(reply.index + 1, offer.distance, len(offer.notes))
                    self._publish(told)
            case varying.NotMade():
                # Nothing more is asked for the passes until something about them changes.
                if reply.request == self._asked:
                    _log.warning("the loop is not varied: %s", reply.reason)
                elif (command := self._phrases.failed(reply)) is not None:
                    _log.warning("no variations: %s", reply.reason)
                    self._refuse(command)

    def turned(self, name: str, now: Moment) -> None:
        """A parameter of the variations was changed; other than freezing, that lets a pick go."""
        if name != "vary/freeze":
            self._held = False
        elif now.variance.frozen:
            self._passes.take_back(now)
        self._refresh(now)

    def reseed(self, now: Moment) -> None:
        """Begin the row of variations again."""
        self._passes.recount()
        self._cues = self._offers = 0
        self._refresh(now)

    def _offer(self, command: c.Vary, now: Moment) -> c.Refusal | None:
        if not (self._phrases.take and self._equipped):
            return c.Refusal.NOT_NOW
        self._offers += 1
        self._phrases.offer(command, now.variance.keep, (now.seed, OFFER, self._offers))
        return None

    def _refresh(self, now: Moment) -> None:
        """Vary the next pass anew, because what it depends on has changed."""
        self._ready = self._asked = None
        self._ask(now)

    def _ask(self, now: Moment) -> None:
        """Ask for the next pass's variation, unless it is asked for, there, or not wanted."""
        how = now.variance
        wanted = self._passes.looping and how.amount and not (how.frozen or self._held)
        if wanted and self._equipped and self._asked is None and self._ready is None:
            seed = (now.seed, PASS, self._passes.count, self._cues)
            self._asked = self._phrases.ask(how, seed)

    # -- playing -----------------------------------------------------------------------------

    def next_time(self, now: Moment) -> Seconds | None:
        """Return when :meth:`advance` or :meth:`settle` next has something to do."""
        times = [self._passes.next_time(now)]
        if self._stretch is not None:
            times.append(now.tempo.time_at(Beats(self._stretch.end - base.EARLY)))
        return min((time for time in times if time is not None), default=None)

    def advance(self, now: Moment) -> None:
        """Hand on what is due soon."""
        self._passes.advance(now)

    def _begin(self, start: Beats, now: Moment) -> None:
        """Loop from a bar line on: the phrase itself first, unless something is held."""
        phrase, last, picked = self._phrases.itself, self._passes.version, self._picked
        if phrase is None:
            return
        version = phrase
        if last is not None and (self._held or now.variance.frozen) and last.take == phrase.take:
            version = last
        if picked is not None:
            version, self._picked, self._held = picked, None, picked.index != 0
        self._cues = 0
        self._passes.begin(version, start)
        self._refresh(now)

    def _switch(self, now: Moment) -> None:
        """Play what was picked from the next line on; after the phrase itself, passes vary."""
        if self._picked is None or not self._passes.looping:
            return
        self._passes.take_back(now)
        self._passes.next, self._picked = self._picked, None
        self._held = self._passes.next.index != 0
        self._refresh(now)

    def _choose(self, last: Version, now: Moment) -> Version:
        """Return what the pass that begins now plays."""
        if self._held or now.variance.frozen:
            return last
        if not now.variance.amount:
            return self._phrases.itself or last
        ready, self._ready = self._ready, None
        return ready or last

    def _refuse(self, command: c.Command) -> None:
        self._publish(c.Refused(c.Refusal.NOT_NOW, command.address, command.client))
