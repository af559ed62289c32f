"""The wire of ``antiphon.pd``: its sockets, and what becomes of what the daemon says."""

from __future__ import annotations

from typing import Final

from pd_canvas import Canvas
from pd_faces import DAEMON_KEEPS, SENT

RECEIVE_PORT: Final = 7402
DAEMON_PORT: Final = 7401
HELLO_EVERY: Final = 2000
"""Milliseconds from one hello, or ping, to the next."""

LOST_AFTER: Final = 5000
"""Milliseconds without a pong until the daemon counts as lost."""

PORT: Final = f"list prepend {RECEIVE_PORT}"
"""Puts the reply port before a message's arguments."""


def wire() -> Canvas:
    """Return the sockets, and the exchange of hello, ping and pong."""
    c = Canvas("wire")
    # A creation argument that is missing reads as 0.
    c.chains(f"""
        loadbang -> load: t b b b
        @load.2 -> f $1 -> given: sel 0 -> {RECEIVE_PORT}( -> port: t f f
            -> listen $1 127.0.0.1( -> netreceive -u -b -> oscparse -> list trim
            -> route antiphon -> s $0-heard
        @given.1 -> @port
        @port.1 -> s $0-port
        @load.1 -> f $2 -> daemon: sel 0 -> {DAEMON_PORT}( -> open: connect 127.0.0.1 $1(
            -> send: netsend -u -b
        @daemon.1 -> @open
        r $0-send -> @send
        r $0-out -> there: spigot -> s $0-send
        r $0-gate -> @there.1
        @load.0 -> 1( -> beat: metro {HELLO_EVERY} -> is: f -> away: sel 0 -> s $0-hello
        r $0-connected -> @is.1
        r $0-hello -> hello: t b b -> own: f {RECEIVE_PORT} -> 1 $1 1(
            -> oscformat antiphon hello -> s $0-send
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
        r $0-heard -> what: route pong play panic state beat phrase variation error clip param
            -> s $0-pong
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
            source, name = (
                (f"{word}.{outlet}", f"{word}/{end}") if end else (f"param.{place}", word)
            )
            if name in DAEMON_KEEPS:
                c.chains(f"@{source} -> param {name} $1( -> s $0-status")
            else:
                c.chains(f"""
                    @{source} -> value{place}_{outlet}: t f f -> param {name} $1( -> s $0-status
                    @value{place}_{outlet}.1 -> s $0-told-{name}
                """)
    return c
