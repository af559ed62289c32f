"""What ``antiphon.pd`` sounds: the partner's notes in time, and what is played through it."""

from __future__ import annotations

from typing import Final

from pd_canvas import Canvas

SOUNDING: Final = 16 * 128
"""Channels times pitches: the length of the ledger of what sounds."""


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
        r $0-silence -> silence: t b b b -> sweep: t b b -> {SOUNDING}( -> until -> next: f
            -> at: t f f f -> tabread $0-sounding -> sign: * 1 -> > 0 -> sel 1 -> found: f
            -> @end
        @sweep.1 -> 0( -> @next.1
        @at.1 -> @found.1
        @at.2 -> + 1 -> @next.1
        @silence.1 -> 1( -> @sign.1
        @silence.2 -> clear( -> @ahead
        r $0-release -> release: t b b -> @sweep
        @release.1 -> -1( -> @sign.1
    """)
    return c


def _partner(c: Canvas) -> None:
    """Add the partner's notes: each after its delay, its note-off after its duration."""
    c.chains("""
        r $0-play -> ours: spigot 1 -> $1 $2 $5 $3 $4( -> ahead: pipe 0 0 0 0 0
            -> owned: pack 0 0 0 0 0 -> due: t a a -> when: expr ($f3-1)*128+$f1; $f4; $f5
            -> length: pack 0 0 0 -> until_off: pipe 0 0 0 -> over: t f f -> tabread $0-sounding
            -> same: == 0 -> sel 1 -> again: f -> @end
        @ahead.1 -> @owned.1
        @ahead.3 -> lasting: t b f -> count: f 0 -> expr $f1%1000000+1 -> number: t f f
            -> @owned.3
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
        r $0-played -> note: unpack 0 0 0 -> clip 0 127 -> inside: pack 0 0 0 -> kind: t a a a
            -> offs: spigot -> expr ($f3-1)*128+$f1 -> lifted: t f f -> tabread $0-sounding
            -> < 0 -> sel 1 -> its: f -> @end
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
