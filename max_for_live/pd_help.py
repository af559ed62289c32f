"""What ``antiphon-help.pd`` shows: the patch in use, every message, and the reference."""

from __future__ import annotations

from typing import Final

from antiphon.params import BY_NAME
from pd_canvas import Canvas
from pd_faces import DAEMON_KEEPS, SENT
from pd_panel import panel_size
from pd_wire import DAEMON_PORT, RECEIVE_PORT

WIDTH: Final = 920
BODY: Final = 450
"""Where the patch itself stands."""

MESSAGES: Final = (
    ("turn(", "your turn is over"),
    ("mode respond(", "or loop, solo, off, or an index"),
    ("set temperature 0.8(", "a parameter, and the panel follows"),
    ("get temperature(", "asks for it: param temperature 0.8"),
    ("capture 8(", "the last 8 beats are the phrase"),
    ("vary 4 0.5(", "four variations of it, this far away"),
    ("pick 1(", "play one of them from the next bar on"),
    ("keep(", "what plays becomes the phrase"),
    ("undo(", "back to the phrase before"),
    ("generate 16(", "play 16 beats from the next grid line"),
    ("clip get 0(", "the phrase, note by note"),
    ("on 0(", "the partner is silent until on 1"),
    ("thru 0(", "what you play is not passed on"),
    ("panic(", "silences everything at once"),
    ("close(", "goodbye: before you delete it"),
)
"""Messages with what they do, as the help shows them."""

REFERENCE: Final = (
    (
        "INLET",
        (
            (
                "PITCH VELOCITY [CHANNEL]",
                "a note: velocity 0 ends it, the channel is 1 if left out",
            ),
            ("cc NUMBER VALUE [CHANNEL]", "a controller, 64 is the sustain pedal"),
            (
                "clock BEAT BPM NUM DEN 0|1",
                "the transport, beats in quarter notes, 1 while it plays",
            ),
            ("mode NAME", "off, respond, loop, solo, or a public index"),
            ("set NAME VALUE", "a parameter (see the list beside)"),
            ("get NAME", "asks for a parameter"),
            ("turn", "your turn is over (turn 0: stop answering)"),
            ("capture [BEATS]", "what was just played is the phrase"),
            ("vary [COUNT [AMOUNT]]", "variations of the phrase: the panel has what is left out"),
            ("pick INDEX", "play a variation (0 is the phrase)"),
            ("keep, undo", "what plays becomes the phrase, back to the one before"),
            ("generate BEATS", "play from the next grid line"),
            (
                "clip get|begin|note|end ...",
                "notes of clips both ways, as the OSC messages of that name",
            ),
            ("on, thru, drums 0|1", "the panel's switches"),
            ("variations, capture-length N", "the panel's numbers"),
            ("panic", "silences everything at once"),
            ("close", "ends what sounds and says goodbye (Pd tells no patch that it closes)"),
        ),
    ),
    (
        "OUTLETS",
        (
            ("PITCH VELOCITY CHANNEL", "first: notes, each note-on with its note-off"),
            ("connected 0|1", "second: whether the daemon answers (0 after 5 s without it)"),
            ("state CODE", "0 idle, 1 listening, 2 answering, 3 looping, 4 loading"),
            ("beat BAR BEAT BPM", "at each beat"),
            ("param NAME VALUE", "a parameter changed, or was asked for"),
            ("phrase BEATS NOTES", "there is a new phrase"),
            ("variation INDEX DIST NOTES", "a variation is on offer"),
            ("clip begin|note|end ...", "notes of a clip that was asked for"),
            ("error CODE ADDRESS", "what was refused (error 1 MESSAGE: not known here)"),
        ),
    ),
    (
        "ARGUMENTS",
        (
            (
                "1: port",
                f"where this patch hears the daemon (default {RECEIVE_PORT}), "
                "each instance its own",
            ),
            ("2: port", f"where the daemon listens (default {DAEMON_PORT})"),
        ),
    ),
)

META: Final = (
    ("KEYWORDS", "control MIDI network OSC music generation"),
    ("LICENSE", "MIT"),
    ("DESCRIPTION", "a live partner that continues and varies what you play"),
    ("INLET_0", "list cc clock set get mode turn capture vary pick keep undo generate clip panic"),
    ("OUTLET_0", "list"),
    ("OUTLET_1", "connected state beat param phrase variation clip error"),
    ("ARGUMENT", "float float"),
    ("AUTHOR", "the Antiphon maintainers"),
    ("HELP_PATCH_AUTHORS", "the Antiphon maintainers"),
)


def help_patch() -> Canvas:
    """Return ``antiphon-help.pd``."""
    c = Canvas("", WIDTH, 860)
    bar = f"#X obj 0 0 cnv 15 {WIDTH} 40 empty empty antiphon 20 20 2 22 #c4dcdc #000000 0;"
    c.raw(bar)
    c.comment(170, 12, "- a partner who hears what you play and answers in time", 70)
    c.comment(
        20,
        48,
        "Start the partner itself with: antiphon play. This patch is its client: it speaks with it "
        "by OSC on this machine, and tells it again what the panel shows whenever it comes back.",
        120,
    )
    body = c.box(20, BODY, f"antiphon {RECEIVE_PORT} {DAEMON_PORT}")
    half = (len(MESSAGES) + 1) // 2
    for column in range(2):
        x, y = 20 + 450 * column, 96
        said = c.box(x, y + 26 * half, "s $0-message")
        for message, meaning in MESSAGES[half * column : half * (column + 1)]:
            c.cord(c.box(x, y, message), said)
            c.comment(x + 160, y, meaning, 40)
            y += 26
    c.cord(c.box(470, BODY - 30, "r $0-message"), body)
    _played(c, body)
    _told(c, body, BODY + panel_size()[1] + 14)
    return c


def _played(c: Canvas, body: int) -> None:
    """Add what goes in: notes, controllers, a clock."""
    y = 96 + 26 * ((len(MESSAGES) + 1) // 2) + 40
    note = c.box(20, y, "notein")
    notes = c.box(20, y + 26, "pack 0 0 1")
    for port in range(3):
        c.cord(note, notes, port, port)
    c.cord(notes, body)
    c.comment(100, y, "notes: pitch velocity channel", 16)
    control = c.box(250, y, "ctlin")
    values = c.box(250, y + 26, "pack 0 0 1")
    for port in range(3):
        c.cord(control, values, port, port)
    message = c.box(250, y + 52, "cc $2 $1 $3(")
    c.cord(values, message)
    c.cord(message, body)
    c.comment(340, y, "controllers: cc CONTROLLER VALUE CHANNEL", 20)
    c.cord(c.sub(520, y + 26, _clock()), body)
    c.comment(600, y, "a metronome that the partner follows instead of his own: open it", 38)


def _told(c: Canvas, body: int, y: int) -> None:
    """Add what comes out: notes, and what the partner says."""
    c.cord(body, c.box(20, y + 26, "noteout"))
    c.comment(20, y + 52, "notes: pitch velocity channel", 16)
    route = c.box(250, y, "route connected state beat")
    c.cord(body, route, 1)
    for place, (name, digits) in enumerate((("connected", 3), ("state", 3))):
        shown = c.raw(f"#X floatatom {250 + 80 * place} {y + 30} {digits} 0 0 0 - - - 12;")
        c.cord(route, shown, place)
        c.comment(250 + 80 * place, y + 52, name)
    c.cord(route, c.raw(f"#X listbox {410} {y + 30} 14 0 0 0 - - - 12;"), 2)
    c.comment(410, y + 52, "bar beat bpm")
    c.cord(route, c.box(550, y + 30, "print antiphon"), 3)
    c.comment(550, y + 52, "the rest goes to the console", 30)
    c.sub(20, y + 100, _reference())
    c.comment(120, y + 100, "inlet, outlets and arguments", 40)
    c.sub(340, y + 100, _parameters())
    c.comment(450, y + 100, "names and ranges for set and get", 40)
    c.comment(20, y + 130, "see also:")
    for place, other in enumerate(("notein", "noteout", "netsend", "oscformat", "savestate")):
        c.box(100 + 80 * place, y + 130, other)
    c.sub(820, y + 130, _meta())


def _clock() -> Canvas:
    """Return a metronome: where the music is, every sixteenth."""
    c = Canvas("clock")
    c.chains("""
        inlet -> t b
        start: 1( -> on: t f b -> beat: metro 125 -> count: f 0 -> now: t f f
            -> / 4 -> clock $1 120 4 4 1( -> said: outlet
        @now.1 -> + 1 -> @count.1
        @on.1 -> 0( -> @count.1
        stop: 0( -> halt: t b f -> clock 0 120 4 4 0( -> @said
        @halt.1 -> @beat
    """)
    return c


def _reference() -> Canvas:
    """Return the inlet, the outlets and the arguments, as Pd's help files tell them."""
    c = Canvas("reference", 700, 100)
    y = 10
    for title, rows in REFERENCE:
        c.raw(f"#X obj 10 {y} cnv 3 680 3 empty empty {title} 8 12 0 13 #202020 #000000 0;")
        y += 26
        for name, meaning in rows:
            c.comment(30, y, name, 30)
            c.comment(250, y, meaning, 60)
            y += 22 * (1 + len(meaning) // 60)
        y += 8
    c.grow(700, y)
    return c


def _parameters() -> Canvas:
    """Return the parameters' names, ranges and meanings."""
    c = Canvas("parameters", 800, 100)
    rows = [(name, f"{face.low:g}..{face.high:.9g}") for name, face in SENT.items()]
    rows += [(name, "no face") for name in DAEMON_KEEPS]
    for place, (name, span) in enumerate(rows):
        y = 20 + 22 * place
        c.comment(20, y, name, 16)
        c.comment(150, y, span, 18)
        # Pd ends a line of a comment at a semicolon.
        c.comment(290, y, BY_NAME[name].help.replace(";", ","), 84)
    c.grow(900, 40 + 22 * len(rows))
    return c


def _meta() -> Canvas:
    """Return what browsers of help files read."""
    c = Canvas("META", 500, 200)
    for place, (name, text) in enumerate(META):
        c.comment(12, 12 + 24 * place, f"{name} {text}", 70)
    return c
