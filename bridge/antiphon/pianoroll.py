"""Pictures of music: a call and its answer as a piano roll in SVG.

Two colours that stay apart for colour-blind eyes (blue and vermilion), named in the picture as
well, so that nothing is told by colour alone. Velocity is the depth of the fill; the outline
keeps soft notes readable. The picture draws its own paper, so that it looks the same on light
and on dark pages. Drums get a lane for each instrument, with its name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Voice, pitch_name

INK, MUTED, PAPER, EDGE = "#22262b", "#65625a", "#fcfbf7", "#d8d3c6"
SHADED, BEAT_LINE, BAR_LINE, OCTAVE = "#f4f1e9", "#e9e5da", "#c4beb0", "#d5d0c3"
BLUE, VERMILION = "#1767a6", "#c4491a"
COLOURS: Final = {
    "call": BLUE,
    "answer": VERMILION,
    "phrase": BLUE,
    "variation": VERMILION,
    "groove": VERMILION,
    "blend": VERMILION,
    "kept": BLUE,
    "new": VERMILION,
}
"""Colours of the parts by their names; 5.7 and 4.8 to 1 against the paper."""

FONT: Final = "system-ui,-apple-system,'Segoe UI','Helvetica Neue',Arial,'DejaVu Sans',sans-serif"
BLACK_KEYS: Final = frozenset({1, 3, 6, 8, 10})
MARGIN, STRIP, ROW, LANE = 28.0, 54.0, 9.0, 17.0
MIN_ROWS: Final = 18
DRUM_STRIP: Final = 104.0
BOLD: Final = 11.5
"""Width of a letter of the title, more or less."""

_KIT: Final = """
49 Crash, 57 Crash 2, 55 Splash, 52 China, 51 Ride, 59 Ride 2, 53 Ride bell, 46 Open hat,
42 Closed hat, 44 Pedal hat, 26 Hat edge open, 22 Hat edge, 50 High tom, 48 High mid tom,
47 Low mid tom, 45 Low tom, 43 High floor tom, 41 Low floor tom, 58 Floor tom rim,
56 Cowbell, 54 Tambourine, 39 Clap, 37 Side stick, 40 Snare rim, 38 Snare, 36 Kick,
35 Kick 2
"""

DRUMS: Final = {int(k): name for k, name in (one.strip().split(" ", 1) for one in _KIT.split(","))}
"""Drums of General MIDI (and the rims of electronic kits) from the top of the kit down."""


def is_drum(note: Note) -> bool:
    """Tell whether a note is percussion."""
    return note.voice is Voice.DRUMS or note.channel == DRUM_CHANNEL


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where the grid stands on the page, in pixels, and what it spans, in beats."""

    left: float
    top: float
    scale: float
    start: float
    stop: float
    bar: float

    def x(self, beat: float) -> float:
        """Return the place of a beat."""
        return self.left + (min(max(beat, self.start), self.stop) - self.start) * self.scale

    @property
    def right(self) -> float:
        """The right edge."""
        return self.x(self.stop)


def draw(
    call: Iterable[Note],
    answer: Iterable[Note] = (),
    *,
    meter: Meter | None = None,
    title: str = "",
    subtitle: str = "",
    span: tuple[Beats, Beats] | None = None,
    first_bar: int = 1,
    names: tuple[str, str] = ("call", "answer"),
) -> str:
    """Draw a piano roll.

    Parameters
    ----------
    call, answer : iterable of Note
        What the player and the partner played, in beats counted from a bar line.
    meter : Meter, optional
        Where bar lines fall; 4/4 if not given.
    title, subtitle : str
        Words above the roll.
    span : (Beats, Beats), optional
        What to show; by default whole bars from the first note to the last.
    first_bar : int
        Number of the bar that begins at beat 0.
    names : (str, str)
        What the two parts are called: two of :data:`COLOURS`.

    Returns
    -------
    str
        An SVG document.
    """
    parts = {names[0]: sorted(call), names[1]: sorted(answer)}
    every = [note for notes in parts.values() for note in notes]
    bar = float((meter or Meter()).bar)
    if span is None:
        low = min((n.start for n in every), default=0.0)
        high = max((n.end for n in every), default=bar)
        start = math.floor(low / bar + 1e-6) * bar
        stop = max(math.ceil(high / bar - 0.02), start / bar + 1) * bar
    else:
        start, stop = float(span[0]), float(span[1])
        parts = {k: [n for n in v if n.end > start and n.start < stop] for k, v in parts.items()}
        every = [note for notes in parts.values() for note in notes]
    pitched = [n for n in every if not is_drum(n)]
    drums = [n for n in every if is_drum(n)]
    left = MARGIN + (DRUM_STRIP if drums else STRIP)
    scale = min(max(1040 / (stop - start), 10.0), 110.0)
    head = 50.0 + (20 if subtitle else 0)
    frame = _Frame(left, head + 44, scale, start, stop, bar)
    body: list[str] = []
    bottom = frame.top
    if pitched or not drums:
        bottom = _pitched(body, frame, {k: _without_drums(v) for k, v in parts.items()})
    if drums:
        lower = _Frame(left, bottom + (14 if pitched else 0), scale, start, stop, bar)
        bottom = _drums(body, lower, {k: [n for n in v if is_drum(n)] for k, v in parts.items()})
    _bars(body, frame, bottom, first_bar)
    _turns(body, frame, parts)
    width, height = max(frame.right + MARGIN, 520.0), bottom + MARGIN
    _words(body, title, subtitle, parts, width)
    name = escape(title or "Piano roll")
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="t d" '
            f'font-family="{FONT}" font-size="11" fill="{INK}">',
            f'<title id="t">{name}</title>',
            f'<desc id="d">{_description(parts)}</desc>',
            f'<rect x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="10" '
            f'fill="{PAPER}" stroke="{EDGE}"/>',
            *body,
            "</svg>\n",
        )
    )


def save(path: str | Path, svg: str) -> None:
    """Write a picture where `path` says."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(svg, encoding="utf-8")


def _without_drums(notes: Iterable[Note]) -> list[Note]:
    return [note for note in notes if not is_drum(note)]


def _description(parts: dict[str, list[Note]]) -> str:
    """Say in words what the picture shows."""
    counts = (f"{len(notes)} notes of the {part}" for part, notes in parts.items() if notes)
    return "Piano roll: " + (" and ".join(counts) or "no notes")


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1.0) -> str:
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="{width:g}"/>'
    )


def _shade(colour: str, depth: float) -> str:
    """Return the colour at a depth of 0 (paper) to 1; opaque, so that no grid shines through."""
    full, paper = (bytes.fromhex(code[1:]) for code in (colour, PAPER))
    mixed = (round(p + (f - p) * depth) for f, p in zip(full, paper, strict=True))
    return "#" + bytes(mixed).hex()


def _box(x: float, y: float, width: float, height: float, rest: str) -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" {rest}/>'


def _label(x: float, y: float, text: str, rest: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {rest}>{escape(text)}</text>'


def _grid(body: list[str], frame: _Frame, bottom: float) -> None:
    """Draw beat and bar lines, and the frame round them."""
    beats = math.ceil(frame.start - 1e-9)
    places = [(float(b), False) for b in range(beats, math.floor(frame.stop) + 1)]
    first = math.ceil(frame.start / frame.bar - 1e-9)
    last = math.floor(frame.stop / frame.bar + 1e-9)
    places += [(index * frame.bar, True) for index in range(first, last + 1)]
    for beat, is_bar in places:
        if is_bar or (beat % frame.bar and frame.scale >= 14):
            x, colour = frame.x(beat), BAR_LINE if is_bar else BEAT_LINE
            body.append(_line(x, frame.top, x, bottom, colour, 1.2 if is_bar else 1.0))
    rest = f'fill="none" stroke="{BAR_LINE}" stroke-width="1.2"'
    body.append(_box(frame.left, frame.top, frame.right - frame.left, bottom - frame.top, rest))


def _notes(
    body: list[str], frame: _Frame, part: str, notes: Sequence[Note], rows: dict[int, float]
) -> None:
    """Draw the notes of one part; `rows` gives the top of each pitch's row."""
    colour, drums = COLOURS[part], any(map(is_drum, notes))
    height = (LANE - 5) if drums else ROW - 1
    body.append(f'<g stroke="{colour}" stroke-width="1">')
    for note in notes:
        x, y = frame.x(note.start), rows[note.pitch] + (2.5 if drums else 0.5)
        # a stroke on the drums has no length worth showing: a block of at most a sixteenth
        end = min(float(note.end), note.start + 0.22) if drums else note.end
        width = max(frame.x(end) - x - 1.2, 2.5)
        where = f"beat {note.start:g}, velocity {note.velocity}"
        name = DRUMS.get(note.pitch, pitch_name(note.pitch)) if drums else pitch_name(note.pitch)
        fill = _shade(colour, 0.28 + 0.72 * min(note.velocity / 115, 1.0))
        body.append(
            f'<rect x="{x + 0.6:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
            f'rx="2" fill="{fill}"><title>{part}: {name}, {where}</title></rect>'
        )
    body.append("</g>")


def _pitched(body: list[str], frame: _Frame, parts: dict[str, list[Note]]) -> float:
    """Draw the keys, rows and notes of pitched music; return where it ends below."""
    pitches = [n.pitch for notes in parts.values() for n in notes] or [60]
    low, high = max(min(pitches) - 2, 0), min(max(pitches) + 2, 127)
    while high - low + 1 < MIN_ROWS:
        low, high = max(low - 1, 0), min(high + 1, 127)
    rows = {pitch: frame.top + (high - pitch) * ROW for pitch in range(low, high + 1)}
    bottom, strip = frame.top + len(rows) * ROW, frame.left - 30
    for pitch, y in rows.items():
        if pitch % 12 in BLACK_KEYS:
            body.append(_box(frame.left, y, frame.right - frame.left, ROW, f'fill="{SHADED}"'))
    keys = [_box(strip, frame.top, 30, bottom - frame.top, f'fill="#fff" stroke="{BAR_LINE}"')]
    for pitch, y in rows.items():
        degree = pitch % 12
        if degree in BLACK_KEYS:
            keys.append(_line(strip + 18, y + ROW / 2, strip + 30, y + ROW / 2, "#d5d0c3"))
            keys.append(_box(strip, y + 0.5, 18, ROW - 1, 'fill="#3a3d42" rx="1"'))
        if degree in (0, 5) and y + ROW < bottom - 0.1:  # no black key below C and F
            keys.append(_line(strip, y + ROW, strip + 30, y + ROW, "#d5d0c3"))
        if degree == 0:
            if y + ROW < bottom - 0.1:
                body.append(_line(frame.left, y + ROW, frame.right, y + ROW, OCTAVE))
            rest = f'text-anchor="end" fill="{MUTED}" font-size="10.5"'
            keys.append(_label(strip - 6, y + ROW - 0.8, pitch_name(pitch), rest))
    _grid(body, frame, bottom)
    body += keys
    for part, notes in parts.items():
        if notes:
            _notes(body, frame, part, notes, rows)
    return bottom


def _drums(body: list[str], frame: _Frame, parts: dict[str, list[Note]]) -> float:
    """Draw named lanes and the strokes on them; return where they end below."""
    order = {pitch: place for place, pitch in enumerate(DRUMS)}
    used = {n.pitch for notes in parts.values() for n in notes}
    lanes = sorted(used, key=lambda pitch: (order.get(pitch, -1), -pitch))
    rows = {pitch: frame.top + place * LANE for place, pitch in enumerate(lanes)}
    bottom = frame.top + len(lanes) * LANE
    for place, (pitch, y) in enumerate(rows.items()):
        if place % 2:
            body.append(_box(frame.left, y, frame.right - frame.left, LANE, f'fill="{SHADED}"'))
        name = DRUMS.get(pitch, pitch_name(pitch))
        rest = f'text-anchor="end" fill="{INK}" font-size="10.5"'
        body.append(_label(frame.left - 8, y + LANE / 2 + 3.7, name, rest))
    _grid(body, frame, bottom)
    for part, notes in parts.items():
        if notes:
            _notes(body, frame, part, notes, rows)
    return bottom


def _bars(body: list[str], frame: _Frame, bottom: float, first_bar: int) -> None:
    """Number the bars above the roll, as many as there is room for."""
    first = math.ceil(frame.start / frame.bar - 1e-9)
    last = math.ceil(frame.stop / frame.bar - 1e-9)
    step = next(s for s in (1, 2, 4, 8, 16, 32, 64, 10**9) if s * frame.bar * frame.scale >= 28)
    for index in range(first, last):
        if (index - first) % step == 0:
            place = frame.x(index * frame.bar) + 4
            rest = f'fill="{MUTED}" font-size="10.5"'
            body.append(_label(place, frame.top - 6, str(index + first_bar), rest))


def _turns(body: list[str], frame: _Frame, parts: dict[str, list[Note]]) -> None:
    """Draw a ribbon above the bars for each turn, with the name of the part."""
    order = sorted(
        (float(n.start), float(n.end), part) for part, notes in parts.items() for n in notes
    )
    turns: list[tuple[float, float, str]] = []
    for start, end, part in order:
        if turns and turns[-1][2] == part:
            turns[-1] = (turns[-1][0], max(turns[-1][1], end), part)
        else:
            turns.append((start, end, part))
    if len(turns) * 2 > frame.stop - frame.start:  # they play together: no turns to show
        return
    y = frame.top - 23
    for start, end, part in turns:
        x, colour = frame.x(start), COLOURS[part]
        width = max(frame.x(end) - x, 3.0)
        body.append(_box(x, y, width, 3, f'rx="1.5" fill="{colour}"'))
        if width > 44:
            rest = f'fill="{colour}" font-size="11.5" font-weight="600"'
            body.append(_label(x, y - 5, part, rest))


def _words(
    body: list[str], title: str, subtitle: str, parts: dict[str, list[Note]], width: float
) -> None:
    """Write title, subtitle and legend."""
    drawn = [part for part in parts if parts[part]]
    legend = sum(72 + 6.4 * len(part) for part in drawn)
    room = int((width - 2 * MARGIN - legend) / BOLD)
    y = 24.0
    if title:
        y += 17
        short = title if len(title) <= room else title[: max(room - 1, 1)].rstrip() + "…"
        body.append(_label(MARGIN, y, short, 'font-size="18" font-weight="600"'))
    if subtitle:
        y += 20
        body.append(_label(MARGIN, y, subtitle, f'fill="{MUTED}" font-size="12.5"'))
    x = width - MARGIN
    for part in reversed(drawn):
        x -= 8 + 6.4 * len(part)
        body.append(_label(x, 41, part, 'font-size="12"'))
        for place, depth in enumerate((0.45, 0.7, 1.0)):  # soft to loud
            colour = COLOURS[part]
            rest = f'rx="2" fill="{_shade(colour, depth)}" stroke="{colour}"'
            body.append(_box(x - 47 + place * 14, 32.5, 11, 8, rest))
        x -= 64
