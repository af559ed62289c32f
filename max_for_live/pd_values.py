"""The values of the faces of ``antiphon.pd``: shown, sent, told, saved."""

from __future__ import annotations

from faces import MODES, STATUS, Face
from pd_canvas import Canvas
from pd_faces import ALL
from pd_wire import PORT


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
        r $0-face-{key} -> {whole}clip {face.low:g} {face.high:.9g} -> new{place}: t b f
            -> value{place}: f {face.initial:.9g} -> out{place}: t f f f f
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
        r $0-face-mode -> i -> clip 0 {len(MODES) - 1} -> new: t b f -> go: t b b -> on: f 1
            -> switch: t f f f f -> off: sel 0 -> 0( -> send: list -> oscformat antiphon mode
            -> s $0-out
        r $0-face-on -> != 0 -> switched: t b f -> @go
        r $0-dump-mode -> @go
        @switched.1 -> @on.1
        @off.1 -> b -> index: f {MODES[0][1]} -> @send
        @switch.1 -> s $0-now-on
        @switch.2 -> list prepend on -> s $0-saving
        @switch.3 -> set $1( -> s $0-show-on
        @go.1 -> mode: f 0 -> chosen: t f f f
            -> public: sel {" ".join(map(str, range(len(MODES))))}
        @new.1 -> @mode.1
        @chosen.1 -> list prepend mode -> s $0-saving
        @chosen.2 -> set $1( -> s $0-show-mode
        r $0-told-mode -> @mode.1
        r $0-told-on -> @on.1
    """)
    for place, (_, index) in enumerate(MODES):
        c.chains(f"@public.{place} -> {index}( -> @index.1")
    return c


def words() -> Canvas:
    """Return the words that the panel shows: the state, and the names of choices."""
    c = Canvas("words")
    # STATUS: no daemon, then one for each public code of a state.
    states = [word.replace(" ", "-") for word in STATUS]
    c.chains(f"""
        r $0-state -> state: sel {" ".join(map(str, range(len(states) - 1)))}
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
        saved: savestate -> list trim -> which: route {" ".join(ALL)}
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
