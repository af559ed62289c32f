"""How each class of Max's and Live's controls looks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from canvas import (
    EDGE,
    FIELD,
    GROUP,
    ON,
    RANGE,
    SCREEN,
    SCREEN_TEXT,
    TEXT,
    TRACK,
    Canvas,
    color,
)
from lettering import LINE, wrap
from presentation import Box, bounds, entries, written

NAME: Final = 7
"""From the top of a dial to the middle of its name, in pixels."""


def _point(x: float, y: float, radius: float, turn: float) -> tuple[float, float]:
    """Return a point on a dial, 0 at its lower left, 1 at its lower right."""
    angle = math.radians(225 - 270 * turn)
    return x + radius * math.cos(angle), y - radius * math.sin(angle)


def _arc(
    canvas: Canvas, x: float, y: float, radius: float, start: float, end: float, ink: str
) -> None:
    (x0, y0), (x1, y1) = _point(x, y, radius, start), _point(x, y, radius, end)
    large = int(270 * abs(end - start) > 180)
    sweep = int(end > start)
    path = f"M{x0:.2f} {y0:.2f}A{radius} {radius} 0 {large} {sweep} {x1:.2f} {y1:.2f}"
    canvas.add("path", d=path, fill="none", stroke=ink, stroke_width=3)


def _dial(canvas: Canvas, box: Box) -> None:
    value = canvas.value(box)
    low, high = bounds(box)
    turn = (value - low) / (high - low) if high > low else 0.0
    turn **= 1 / float(box.parameter.get("parameter_exponent", 1.0))
    x, radius = box.x + box.width / 2, 10.0
    y = box.y + (26 if box.values.get("showname", 1) else 12)
    if box.values.get("showname", 1):
        name = str(box.parameter.get("parameter_shortname", ""))
        canvas.text(
            name, x, box.y + NAME, box.size, room=box.width, fill=color(box, "textcolor", TEXT)
        )
    _arc(canvas, x, y, radius, 0, 1, TRACK)
    zero = -low / (high - low) if low < 0 < high else 0.0  # a bipolar dial fills from its middle
    if abs(turn - zero) > 0.005:
        _arc(canvas, x, y, radius, zero, turn, color(box, "activedialcolor", RANGE))
    (x0, y0), (x1, y1) = _point(x, y, 2, turn), _point(x, y, radius + 1.5, turn)
    canvas.add("line", x1=x0, y1=y0, x2=x1, y2=y1, stroke=TEXT, stroke_width=2)
    if box.values.get("shownumber", 1):
        canvas.text(written(box, value), x, y + 17, box.size, room=box.width)


def _numbox(canvas: Canvas, box: Box) -> None:
    screen = box.values.get("appearance") == 4
    canvas.rect(box, color(box, "activebgcolor", SCREEN if screen else FIELD), EDGE)
    if box.values.get("appearance") in (2, 3):
        low, high = bounds(box)
        part = (canvas.value(box) - low) / (high - low) * (box.width - 2)
        canvas.add("rect", x=box.x + 1, y=box.y + 1, width=part, height=box.height - 2, fill=ON)
    text = written(box, canvas.value(box))
    ink = color(box, "textcolor", SCREEN_TEXT if screen else TEXT)
    canvas.text(text, *_middle(box), box.size, room=box.width - 4, fill=ink)


def _middle(box: Box) -> tuple[float, float]:
    return box.x + box.width / 2, box.y + box.height / 2


def _menu(canvas: Canvas, box: Box) -> None:
    screen = box.values.get("appearance") == 1
    named = entries(box)
    parameter = bool(box.parameter.get("parameter_enum"))
    chosen = int(canvas.value(box)) if parameter else 0
    chosen_text = canvas.shown.get(
        str(box.values.get("varname", "")), named[chosen] if named else ""
    )
    canvas.rect(box, color(box, "bgcolor", SCREEN if screen else FIELD), EDGE)
    ink = color(box, "textcolor", SCREEN_TEXT if screen else TEXT)
    y = box.y + box.height / 2
    arrow = not (box.values.get("ignoreclick") or box.values.get("arrow", 1) == 0)
    room = box.width - (16 if arrow else 6)
    canvas.text(chosen_text, box.x + 5, y, box.size, anchor="start", room=room, fill=ink)
    if arrow:
        x = box.right - 9
        canvas.add("path", d=f"M{x} {y - 1.5}h6l-3 4z", fill=ink)


def cells(box: Box) -> list[tuple[str, Box]]:
    """Return the tabs of a live.tab with their places."""
    named = entries(box)
    rows = max(1, int(box.values.get("num_lines_presentation") or 1))
    columns = max(1, math.ceil(len(named) / rows))
    gap_x = float(box.values.get("spacing_x", 4.0))
    gap_y = float(box.values.get("spacing_y", 4.0))
    wide = (box.width - gap_x * (columns - 1)) / columns
    high = (box.height - gap_y * (rows - 1)) / rows
    return [
        (
            name,
            Box(
                box.kind,
                box.x + n % columns * (wide + gap_x),
                box.y + n // columns * (high + gap_y),
                wide,
                high,
                box.values,
                box.depth,
            ),
        )
        for n, name in enumerate(named)
    ]


def _tab(canvas: Canvas, box: Box) -> None:
    chosen = int(canvas.value(box))
    for n, (name, cell) in enumerate(cells(box)):
        on = n == chosen
        fill = color(box, "activebgoncolor", ON) if on else color(box, "activebgcolor", FIELD)
        canvas.rect(cell, fill, EDGE)
        ink = color(box, "textoncolor", TEXT) if on else color(box, "textcolor", TEXT)
        canvas.text(name, *_middle(cell), box.size, room=cell.width - 2, fill=ink)


def _text(canvas: Canvas, box: Box) -> None:
    toggles = box.values.get("mode", 1) == 1
    on = toggles and canvas.value(box) > 0
    fill = color(box, "activebgoncolor", ON) if on else color(box, "activebgcolor", FIELD)
    canvas.rect(box, fill, EDGE, 2 if box.values.get("rounded") else 0)
    text = str(box.values.get("texton" if on else "text", box.values.get("text", "")))
    ink = color(box, "activetextoncolor" if on else "activetextcolor", TEXT)
    canvas.text(text, *_middle(box), box.size, room=box.width - 2, fill=ink)


def _toggle(canvas: Canvas, box: Box) -> None:
    on = bool(box.parameter) and canvas.value(box) > 0
    fill = color(box, "activebgoncolor", ON) if on else color(box, "activebgcolor", FIELD)
    canvas.rect(box, fill, EDGE)


def _button(canvas: Canvas, box: Box) -> None:
    x, y = _middle(box)
    radius = min(box.width, box.height) / 2 - 0.5
    canvas.add("circle", cx=x, cy=y, r=radius, fill=color(box, "bgcolor", FIELD), stroke=EDGE)


def _comment(canvas: Canvas, box: Box) -> None:
    ink = color(box, "textcolor", TEXT)
    side = int(box.values.get("textjustification", 0))
    anchor, x = (
        ("start", box.x + 2),
        ("middle", box.x + box.width / 2),
        ("end", box.right - 2),
    )[side]
    lines = wrap(str(box.values.get("text", "")), box.size, box.width - 4)
    high = LINE * box.size
    top = box.y + (box.height - high * len(lines)) / 2 if len(lines) == 1 else box.y + 1
    for n, line in enumerate(lines):
        canvas.text(
            line,
            x,
            top + (n + 0.5) * high,
            box.size,
            anchor=anchor,
            room=box.width,
            bold=box.bold,
            fill=ink,
        )


def _panel(canvas: Canvas, box: Box) -> None:
    border = float(box.values.get("border", 0))
    edge = color(box, "bordercolor", EDGE) if border else ""
    canvas.rect(box, color(box, "bgcolor", GROUP), edge, float(box.values.get("rounded", 8)) / 2)


def _line(canvas: Canvas, box: Box) -> None:
    ink = color(box, "linecolor", EDGE)
    thick = float(box.values.get("border", 1))
    if box.height > box.width:
        canvas.add("rect", x=box.x, y=box.y, width=thick, height=box.height, fill=ink)
    else:
        canvas.add("rect", x=box.x, y=box.y, width=box.width, height=thick, fill=ink)


def _keys(canvas: Canvas, box: Box) -> None:
    low, count = int(box.values.get("offset", 36)), int(box.values.get("range", 61))
    down = {int(pitch) for pitch in canvas.shown.get(box.label, "").split()}
    held = color(box, "hkeycolor", ON)
    dark, light = color(box, "blackkeycolor", "#2a2a2a"), color(box, "whitekeycolor", "#e4e4e4")
    white = [n for n in range(low, low + count) if n % 12 not in (1, 3, 6, 8, 10)]
    wide = (box.width - 1) / len(white)
    canvas.rect(box, dark)
    for n, pitch in enumerate(white):
        canvas.add(
            "rect",
            x=box.x + 1 + n * wide,
            y=box.y + 1,
            width=wide - 1,
            height=box.height - 2,
            fill=held if pitch in down else light,
        )
    for n, pitch in enumerate(white[:-1]):
        if pitch + 1 not in white:
            canvas.add(
                "rect",
                x=box.x + 0.5 + (n + 0.7) * wide,
                y=box.y,
                width=0.6 * wide,
                height=0.62 * box.height,
                fill=held if pitch + 1 in down else dark,
            )


def _object(canvas: Canvas, box: Box) -> None:
    """Draw a box of Max that shows text: an object, a message, a number."""
    number = box.kind in ("number", "flonum")
    text = str(box.values.get("text", "0" if box.kind == "number" else "0." if number else ""))
    canvas.rect(box, color(box, "bgcolor", FIELD), EDGE, 3)
    ink = color(box, "textcolor", TEXT)
    y = box.y + box.height / 2
    canvas.text(text, box.x + 5, y, box.size, anchor="start", fill=ink, room=box.width - 6)


def _inner(canvas: Canvas, box: Box) -> None:
    """Draw the frame of a patcher that is shown within another, and its name."""
    canvas.rect(box, GROUP, EDGE)
    canvas.text(str(box.values.get("name", "")), *_middle(box), box.size, room=box.width - 6)


DRAW: Final[dict[str, Callable[[Canvas, Box], None]]] = {
    "live.dial": _dial,
    "live.numbox": _numbox,
    "live.menu": _menu,
    "live.tab": _tab,
    "live.text": _text,
    "live.toggle": _toggle,
    "live.button": _button,
    "live.comment": _comment,
    "live.line": _line,
    "panel": _panel,
    "kslider": _keys,
    "comment": _comment,
    "umenu": _menu,
    "textbutton": _text,
    "toggle": _toggle,
    "button": _button,
    "message": _object,
    "newobj": _object,
    "bpatcher": _inner,
    "number": _object,
    "flonum": _object,
}
"""How each class is drawn."""
