"""What becomes of notes and messages at the inlet of ``antiphon.pd``, and of its buttons."""

from __future__ import annotations

from typing import Final

from faces import MODES
from pd_canvas import Canvas
from pd_faces import OWN, SENT
from pd_wire import PORT

_WORDS: Final = (
    "list",
    "cc",
    "clock",
    "set",
    "get",
    "mode",
    "turn",
    "capture",
    "vary",
    "pick",
    "generate",
    "keep",
    "undo",
    "clip",
    "panic",
    "close",
)
"""Messages that the inlet takes, besides the names of the patch's own faces; notes are lists."""


def messages() -> Canvas:
    """Return what becomes of notes and messages at the inlet, and of the buttons."""
    c = Canvas("messages")
    words = [*_WORDS, *(key for key in OWN if key != "mode")]
    what = {word: f"@what.{place}" for place, word in enumerate(words)}
    c.chains(f"""
        inlet -> list trim -> what: route {" ".join(words)}
        @what.{len(words)} -> list prepend error 1 -> list trim -> s $0-status
        {what["list"]} -> list append 1 -> note: unpack 0 0 0 -> played: pack 0 0 0
            -> both: t a a -> heard: unpack 0 0 0 -> told: pack 0 0 0 -> note_port: {PORT}
            -> oscformat antiphon note -> s $0-out
        @note.1 -> @played.1
        @note.2 -> - 1 -> mod 16 -> + 1 -> @played.2
        @both.1 -> s $0-played
        @heard.1 -> @told.1
        @heard.2 -> drums: expr if($f2, 10, $f1) -> @told.2
        r $0-now-drums -> @drums.1
        r $0-port -> @note_port.1
        {what["cc"]} -> list append 1 -> cc: unpack 0 0 0 -> moved: pack 0 0 0
            -> cc_port: {PORT} -> oscformat antiphon cc -> s $0-out
        @cc.1 -> @moved.1
        @cc.2 -> - 1 -> mod 16 -> + 1 -> @moved.2
        r $0-port -> @cc_port.1
        {what["clock"]} -> clock_port: {PORT} -> oscformat antiphon clock -> s $0-out
        r $0-port -> @clock_port.1
        {what["turn"]} -> turn: list -> oscformat antiphon turn -> s $0-out
        r $0-do-end-turn -> @turn
        {what["capture"]} -> capture: route bang -> length: f {OWN["capture-length"].initial}
            -> beats: list -> oscformat antiphon capture -> s $0-out
        @capture.1 -> @beats
        r $0-do-capture -> @length
        r $0-now-capture-length -> @length.1
        {what["vary"]} -> vary: route bang float list -> bare: b
            -> count: f {OWN["variations"].initial}
            -> some: pack 4 {SENT["vary/amount"].initial} -> far: list
            -> oscformat antiphon vary -> s $0-out
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
        {what["clip"]} -> clip: route get begin note end -> list -> oscformat antiphon clip get
            -> s $0-out
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
