"""What ``antiphon.pd`` does: its subpatches, which talk over names that begin with ``$0-``.

The names, each private to one instance of the patch:

===================  =======================================================================
``out``              bytes for the daemon, sent while it is there
``send``             bytes for the daemon, sent at once
``port``             the reply port
``connected``        1 when the daemon has answered, 0 when it is lost
``heard``            what the daemon says, without ``/antiphon``
``status``           a message for the second outlet
``face-NAME``        a value for a face: from the panel, or from the message ``set``
``told-NAME``        a value for a face: from the daemon, or saved with the patch around
``show-NAME``        ``set VALUE``: what the panel shows
``now-NAME``         the value of a face that something here depends on
``do-NAME``          a button of the panel
``gate``               1 while ``out`` may be sent
``dump``             every face shows its value and sends it; ``dump-mode`` follows
``silence``          ends what the partner sounds, and forgets what he was about to play
``release``          ends what ``thru`` sounds
===================  =======================================================================
"""

from __future__ import annotations

from typing import Final

from pd_canvas import Canvas
from faces import MODES, STATUS, Face
from pd_faces import ALL, DAEMON_KEEPS, OWN, SENT

RECEIVE_PORT: Final = 7402
DAEMON_PORT: Final = 7401
HELLO_EVERY: Final = 2000
"""Milliseconds from one hello, or ping, to the next."""

LOST_AFTER: Final = 5000
"""Milliseconds without a pong until the daemon counts as lost."""

SOUNDING: Final = 16 * 128
"""Channels times pitches: the length of the ledger of what sounds."""

_WORDS: Final = (
    "list", "cc", "clock", "set", "get", "mode", "turn", "capture", "vary", "pick", "generate",
    "keep", "undo", "clip", "panic", "close",
)
"""Messages that the inlet takes, besides the names of the patch's own faces; notes are lists."""

PORT: Final = f"list prepend {RECEIVE_PORT}"
"""Puts the reply port before a message's arguments."""


def wire() -> Canvas:
    """Return the sockets, and the exchange of hello, ping and pong."""
    c = Canvas("wire")
    # A creation argument that is missing reads as 0.
    c.chains(f"""
        loadbang -> load: t b b b
        @load.2 -> f $1 -> given: sel 0 -> {RECEIVE_PORT}( -> port: t f f -> listen $1 127.0.0.1( -> netreceive -u -b -> oscparse -> list trim -> route antiphon -> s $0-heard
        @given.1 -> @port
        @port.1 -> s $0-port
        @load.1 -> f $2 -> daemon: sel 0 -> {DAEMON_PORT}( -> open: connect 127.0.0.1 $1( -> send: netsend -u -b
        @daemon.1 -> @open
        r $0-send -> @send
        r $0-out -> there: spigot -> s $0-send
        r $0-gate -> @there.1
        @load.0 -> 1( -> beat: metro {HELLO_EVERY} -> is: f -> away: sel 0 -> s $0-hello
        r $0-connected -> @is.1
        r $0-hello -> hello: t b b -> own: f {RECEIVE_PORT} -> 1 $1 1( -> oscformat antiphon hello -> s $0-send
        @hello.1 -> 1( -> @due.1
        @away.1 -> b -> ping: f {RECEIVE_PORT} -> oscformat antiphon ping -> s $0-send
        r $0-port -> @own.1
        r $0-port -> @ping.1
        r $0-pong -> pong: t b b b -> due: f 0 -> sel 1 -> now: t b b b -> s $0-dump-mode
        @now.1 -> s $0-dump
        @now.2 -> 0( -> @due.1
        @pong.1 -> 1( -> is_there: change -> tell: t f f -> connected $1( -> s $0-status
        @tell.1 -> s $0-connected
        @pong.2 -> delay {LOST_AFTER} -> lost: t b b -> 0( -> @is_there
        @lost.1 -> s $0-silence
        r $0-close -> close: t b b b b -> stop: 0( -> @beat
        @stop -> @is_there
        @close.1 -> bye: f {RECEIVE_PORT} -> oscformat antiphon bye -> s $0-send
        r $0-port -> @bye.1
        @close.2 -> s $0-silence
        @close.3 -> s $0-release
    """)
    return c


def heard() -> Canvas:
    """Return what becomes of the daemon's messages."""
    c = Canvas("heard")
    c.chains("""
        r $0-heard -> what: route pong play panic state beat phrase variation error clip param -> s $0-pong
        @what.1 -> s $0-play
        @what.2 -> s $0-silence
        @what.3 -> state: t f f -> state $1( -> s $0-status
        @state.1 -> s $0-state
        @what.4 -> beat $1 $2 $3( -> s $0-status
        @what.5 -> phrase $1 $2( -> s $0-status
        @what.6 -> variation $1 $2 $3( -> s $0-status
        @what.7 -> code: route 4 -> ping: route /antiphon/ping -> s $0-hello
        @ping.1 -> list prepend error 4 -> told: list trim -> s $0-status
        @code.1 -> list prepend error -> @told
        @what.8 -> list prepend clip -> @told
    """)
    # An address comes as its words: turn/silence as two.
    names = [*SENT, *DAEMON_KEEPS]
    words = list(dict.fromkeys(name.partition("/")[0] for name in names))
    c.chains(f"@what.9 -> param: route {' '.join(words)}")
    for place, word in enumerate(words):
        ends = [name.partition("/")[2] for name in names if name.partition("/")[0] == word]
        if ends != [""]:
            c.chains(f"@param.{place} -> {word}: route {' '.join(ends)}")
        for outlet, end in enumerate(ends):
            source, name = (f"{word}.{outlet}", f"{word}/{end}") if end else (f"param.{place}", word)
            if name in DAEMON_KEEPS:
                c.chains(f"@{source} -> param {name} $1( -> s $0-status")
            else:
                c.chains(f"""
                    @{source} -> value{place}_{outlet}: t f f -> param {name} $1( -> s $0-status
                    @value{place}_{outlet}.1 -> s $0-told-{name}
                """)
    return c


def messages() -> Canvas:
    """Return what becomes of notes and messages at the inlet, and of the buttons."""
    c = Canvas("messages")
    words = [*_WORDS, *(key for key in OWN if key != "mode")]
    what = {word: f"@what.{place}" for place, word in enumerate(words)}
    c.chains(f"""
        inlet -> list trim -> what: route {" ".join(words)}
        @what.{len(words)} -> list prepend error 1 -> list trim -> s $0-status
        {what["list"]} -> list append 1 -> note: unpack 0 0 0 -> played: pack 0 0 0 -> both: t a a -> heard: unpack 0 0 0 -> told: pack 0 0 0 -> note_port: {PORT} -> oscformat antiphon note -> s $0-out
        @note.1 -> @played.1
        @note.2 -> - 1 -> mod 16 -> + 1 -> @played.2
        @both.1 -> s $0-played
        @heard.1 -> @told.1
        @heard.2 -> drums: expr if($f2, 10, $f1) -> @told.2
        r $0-now-drums -> @drums.1
        r $0-port -> @note_port.1
        {what["cc"]} -> list append 1 -> cc: unpack 0 0 0 -> moved: pack 0 0 0 -> cc_port: {PORT} -> oscformat antiphon cc -> s $0-out
        @cc.1 -> @moved.1
        @cc.2 -> - 1 -> mod 16 -> + 1 -> @moved.2
        r $0-port -> @cc_port.1
        {what["clock"]} -> clock_port: {PORT} -> oscformat antiphon clock -> s $0-out
        r $0-port -> @clock_port.1
        {what["turn"]} -> turn: list -> oscformat antiphon turn -> s $0-out
        r $0-do-end-turn -> @turn
        {what["capture"]} -> capture: route bang -> length: f {OWN["capture-length"].initial} -> beats: list -> oscformat antiphon capture -> s $0-out
        @capture.1 -> @beats
        r $0-do-capture -> @length
        r $0-now-capture-length -> @length.1
        {what["vary"]} -> vary: route bang float list -> bare: b -> count: f {OWN["variations"].initial} -> some: pack 4 {SENT["vary/amount"].initial} -> far: list -> oscformat antiphon vary -> s $0-out
        @vary.1 -> @some
        @vary.2 -> @far
        r $0-do-vary -> @bare
        r $0-now-variations -> @count.1
        r $0-now-vary/amount -> @some.1
        {what["panic"]} -> panic: t b b b -> list -> oscformat antiphon panic -> s $0-out
        r $0-do-panic -> @panic
        @panic.1 -> s $0-silence
        @panic.2 -> s $0-release
        {what["keep"]} -> keep: b -> oscformat antiphon keep -> s $0-out
        r $0-do-keep -> @keep
        {what["undo"]} -> undo: b -> oscformat antiphon undo -> s $0-out
        r $0-do-undo -> @undo
        {what["close"]} -> s $0-close
        {what["clip"]} -> clip: route get begin note end -> list -> oscformat antiphon clip get -> s $0-out
        @clip.1 -> list -> oscformat antiphon clip begin -> s $0-out
        @clip.2 -> list -> oscformat antiphon clip note -> s $0-out
        @clip.3 -> list -> oscformat antiphon clip end -> s $0-out
    """)
    for word in ("get", "pick", "generate"):
        c.chains(f"{what[word]} -> list -> oscformat antiphon {word} -> s $0-out")
    for key in OWN:
        if key != "mode":
            c.chains(f"{what[key]} -> s $0-face-{key}")
    _set(c, what["set"])
    _mode_words(c, what["mode"])
    return c


def _set(c: Canvas, source: str) -> None:
    """Add the message ``set``: faces take it, other names are the daemon's to take or refuse."""
    c.chains(f"{source} -> set: route {' '.join(SENT)}")
    for place, name in enumerate(SENT):
        c.chains(f"@set.{place} -> s $0-face-{name}")
    c.chains(f"""
        @set.{len(SENT)} -> other: t a a -> value: list split 1
        @value.1 -> other_port: {PORT} -> format: oscformat -> s $0-out
        @other.1 -> list split 1 -> set antiphon param $1( -> @format
        r $0-port -> @other_port.1
    """)


def _mode_words(c: Canvas, source: str) -> None:
    """Add the message ``mode``, which takes a name or a public index."""
    words = " ".join(label.lower() for label, _ in MODES)
    numbers = " ".join(str(index) for _, index in MODES)
    last = len(MODES) + 1
    c.chains(f"""
        {source} -> mode: route off {words} float -> off: b -> 0( -> s $0-face-on
        @mode.{last} -> by_index: sel 0 {numbers}
        @by_index -> @off
        @mode.{last + 1} -> unknown: list -> oscformat antiphon mode -> s $0-out
        @by_index.{last} -> @unknown
    """)
    for place in range(len(MODES)):
        c.chains(f"""
            @mode.{place + 1} -> chosen{place}: t b b -> {place}( -> s $0-face-mode
            @by_index.{place + 1} -> @chosen{place}
            @chosen{place}.1 -> 1( -> s $0-told-on
        """)


def faces() -> Canvas:
    """Return the values of the faces, and what is done with them."""
    c = Canvas("faces")
    stored = {key: face for key, face in ALL.items() if key not in ("on", "mode")}
    for place, (key, face) in enumerate(stored.items()):
        _store(c, place, key, face)
        if face.param:
            words = key.replace("/", " ")
            c.chains(f"""
                @out{place} -> port{place}: {PORT} -> oscformat antiphon param {words} -> s $0-out
                r $0-port -> @port{place}.1
            """)
    return c


def _store(c: Canvas, place: int, key: str, face: Face) -> None:
    """Add the value of a face: set by the panel or a message, told by the daemon, dumped."""
    whole = "+ 0.5 -> i -> " if face.whole or face.choices else ""
    c.chains(f"""
        r $0-face-{key} -> {whole}clip {face.low:g} {face.high:.9g} -> new{place}: t b f -> value{place}: f {face.initial:.9g} -> out{place}: t f f f f
        @new{place}.1 -> @value{place}.1
        @out{place}.1 -> s $0-now-{key}
        @out{place}.2 -> list prepend {key} -> s $0-saving
        @out{place}.3 -> set $1( -> s $0-show-{key}
        r $0-told-{key} -> told{place}: t f f f -> set $1( -> s $0-show-{key}
        @told{place}.1 -> s $0-now-{key}
        @told{place}.2 -> @value{place}.1
        r $0-dump -> @value{place}
    """)


def mode() -> Canvas:
    """Return the switch and the mode, which are one message to the daemon."""
    c = Canvas("mode")
    c.chains(f"""
        r $0-face-mode -> i -> clip 0 {len(MODES) - 1} -> new: t b f -> go: t b b -> on: f 1 -> switch: t f f f f -> off: sel 0 -> 0( -> send: list -> oscformat antiphon mode -> s $0-out
        r $0-face-on -> != 0 -> switched: t b f -> @go
        r $0-dump-mode -> @go
        @switched.1 -> @on.1
        @off.1 -> b -> index: f {MODES[0][1]} -> @send
        @switch.1 -> s $0-now-on
        @switch.2 -> list prepend on -> s $0-saving
        @switch.3 -> set $1( -> s $0-show-on
        @go.1 -> mode: f 0 -> chosen: t f f f -> public: sel {' '.join(map(str, range(len(MODES))))}
        @new.1 -> @mode.1
        @chosen.1 -> list prepend mode -> s $0-saving
        @chosen.2 -> set $1( -> s $0-show-mode
        r $0-told-mode -> @mode.1
        r $0-told-on -> @on.1
    """)
    for place, (_, index) in enumerate(MODES):
        c.chains(f"@public.{place} -> {index}( -> @index.1")
    return c


def sound() -> Canvas:
    """Return what the first outlet plays: the partner's notes in time, and ``thru``.

    A ledger holds who sounds each key (channel and pitch): 0 nobody, -1 ``thru``, else the number
    of the partner's note. So no note ends another one, and none is left behind.
    """
    c = Canvas("sound")
    c.chains(f"""
        array define $0-sounding {SOUNDING}
        r $0-note -> outlet
        strike: t a a a -> $1 $2 $3( -> s $0-note
        @strike.2 -> expr ($f3-1)*128+$f1 -> key: t f f f -> tabread $0-sounding -> taken: sel 0
        @key.1 -> @held.1
        @key.2 -> @write.1
        @taken.1 -> b -> held: f -> @end
        @strike.1 -> $4( -> write: tabwrite $0-sounding
        end: t f b f -> off: t f f -> mod 128 -> pitch: pack 0 0 0 -> s $0-note
        @off.1 -> div 128 -> + 1 -> @pitch.2
        @end.1 -> 0( -> clear: tabwrite $0-sounding
        @end.2 -> @clear.1
    """)
    _partner(c)
    _thru(c)
    c.chains(f"""
        r $0-silence -> silence: t b b b -> sweep: t b b -> {SOUNDING}( -> until -> next: f -> at: t f f f -> tabread $0-sounding -> sign: * 1 -> > 0 -> sel 1 -> found: f -> @end
        @sweep.1 -> 0( -> @next.1
        @at.1 -> @found.1
        @at.2 -> + 1 -> @next.1
        @silence.1 -> 1( -> @sign.1
        @silence.2 -> clear( -> forget: t a a -> @ahead
        @forget.1 -> @until_off
        r $0-release -> release: t b b -> @sweep
        @release.1 -> -1( -> @sign.1
    """)
    return c


def _partner(c: Canvas) -> None:
    """Add the partner's notes: each after its delay, its note-off after its duration."""
    c.chains("""
        r $0-play -> ours: spigot 1 -> $1 $2 $5 $3 $4( -> ahead: pipe 0 0 0 0 0 -> owned: pack 0 0 0 0 0 -> due: t a a -> when: expr ($f3-1)*128+$f1; $f4; $f5 -> length: pack 0 0 0 -> until_off: pipe 0 0 0 -> over: t f f -> tabread $0-sounding -> same: == 0 -> sel 1 -> again: f -> @end
        @ahead.1 -> @owned.1
        @ahead.3 -> lasting: t b f -> count: f 0 -> expr $f1%1000000+1 -> number: t f f -> @owned.3
        @lasting.1 -> @owned.4
        @number.1 -> @count.1
        @ahead.2 -> @owned.2
        @due.1 -> @strike
        @when.1 -> @length.1
        @when.2 -> @length.2
        @until_off.1 -> @same.1
        @over.1 -> @again.1
        r $0-now-on -> switch: t f f -> @ours.1
        @switch.1 -> sel 0 -> s $0-silence
    """)


def _thru(c: Canvas) -> None:
    """Add what is played in, passed on: an off only where its on was."""
    c.chains("""
        r $0-played -> note: unpack 0 0 0 -> clip 0 127 -> inside: pack 0 0 0 -> kind: t a a a -> offs: spigot -> expr ($f3-1)*128+$f1 -> lifted: t f f -> tabread $0-sounding -> < 0 -> sel 1 -> its: f -> @end
        @note.1 -> clip 0 127 -> @inside.1
        @note.2 -> @inside.2
        @kind.1 -> ons: spigot -> through: spigot 1 -> $1 $2 $3 -1( -> @strike
        @kind.2 -> velocity: unpack 0 0
        @velocity.1 -> struck: t f f -> == 0 -> @offs.1
        @struck.1 -> > 0 -> @ons.1
        @lifted.1 -> @its.1
        r $0-now-thru -> passes: t f f -> @through.1
        @passes.1 -> sel 0 -> s $0-release
    """)


def words() -> Canvas:
    """Return the words that the panel shows: the state, and the names of choices."""
    c = Canvas("words")
    # STATUS: no daemon, then one for each public code of a state.
    states = [word.replace(" ", "-") for word in STATUS]
    c.chains(f"""
        r $0-state -> state: sel {' '.join(map(str, range(len(states) - 1)))}
        loadbang -> away: symbol {states[0]}( -> s $0-show-state
        r $0-connected -> sel 0 -> @away
    """)
    for code, text in enumerate(states[1:]):
        c.chains(f"@state.{code} -> symbol {text}( -> s $0-show-state")
    for key, face in ALL.items():
        if len(face.choices) > 2:
            name = key.replace("/", "_").replace("-", "_")
            places = " ".join(map(str, range(len(face.choices))))
            c.chains(f"r $0-show-{key} -> route set -> {name}: sel {places}")
            for place, choice in enumerate(face.choices):
                word = choice.replace(" ", "-")
                c.chains(f"@{name}.{place} -> symbol {word}( -> s $0-show-name-{key}")
    return c


def saving() -> Canvas:
    """Return what is saved with the patch around, and the faces' values at the beginning."""
    c = Canvas("saving")
    c.chains(f"""
        loadbang -> begin: t b b -> s $0-dump-mode
        @begin.1 -> s $0-dump
        saved: savestate -> list trim -> which: route {' '.join(ALL)}
        @saved.1 -> save: t b b b b b -> there: f -> s $0-gate
        r $0-connected -> known: t f f -> s $0-gate
        @known.1 -> @there.1
        @save.1 -> 0( -> @open.1
        r $0-saving -> open: spigot -> @saved
        @save.2 -> s $0-dump-mode
        @save.3 -> s $0-dump
        @save.4 -> quiet: t b b -> 0( -> s $0-gate
        @quiet.1 -> 1( -> @open.1
    """)
    for place, key in enumerate(ALL):
        c.chains(f"@which.{place} -> s $0-told-{key}")
    return c
