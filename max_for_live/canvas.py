"""Shapes and letters of a picture in SVG, and Live's colours.

The colours are those of Live's theme Mid Light, as far as they are known.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Final

from lettering import width
from presentation import ENUM, Box, entries, initial

SURFACE, GROUP, EDGE, FIELD, TEXT = "#a5a5a5", "#b3b3b3", "#6b6b6b", "#949494", "#070707"
ON, RANGE, TRACK, SCREEN, SCREEN_TEXT = "#ffad56", "#0c9ccb", "#6b6b6b", "#1e1e1e", "#ffb85f"
TITLE, DESKTOP = "#c2c2c2", "#6e6e6e"

THEME: Final = {
    "live_surface_bg": SURFACE,
    "live_surface_frame": GROUP,
    "live_control_bg": FIELD,
    "live_control_fg": TEXT,
    "live_control_fg_on": TEXT,
    "live_control_fg_off": TEXT,
    "live_control_fg_zombie": "#5c5c5c",
    "live_control_selection": ON,
    "live_control_selection_alt": "#03c3d5",
    "live_control_selection_variant": "#03c3d5",
    "live_contrast_frame": EDGE,
    "live_lcd_bg": SCREEN,
    "live_lcd_frame": "#5e5e5e",
    "live_lcd_title": "#d0d0d0",
    "live_lcd_control_fg": SCREEN_TEXT,
    "live_lcd_control_fg_alt": "#03c3d5",
    "live_record": "#ff5a52",
    "live_meter_bg": "#3c3c3c",
}
"""Live's named colours, in the theme Mid Light."""

FONT: Final = "'Ableton Sans','Helvetica Neue',Helvetica,Arial,'Liberation Sans',sans-serif"


def number(value: float | str) -> str:
    """Return a number as SVG has it, to the hundredth; text as it is."""
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")


def color(box: Box, name: str, default: str) -> str:
    """Return a colour of a box for SVG, in Live's theme Mid Light."""
    told = box.color(name)
    if isinstance(told, str):
        return THEME.get(told, default)
    if told is None:
        return default
    red, green, blue = (round(255 * part) for part in told[:3])
    alpha = told[3] if len(told) > 3 else 1
    return (
        f"rgba({red},{green},{blue},{alpha:g})" if alpha < 1 else f"#{red:02x}{green:02x}{blue:02x}"
    )


class Canvas:
    """The shapes of a picture, in order."""

    def __init__(self, shown: Mapping[str, str]) -> None:
        self.shapes: list[str] = []
        self.shown = shown

    def add(self, tag: str, **attributes: float | str) -> None:
        """Add a shape; underscores in names stand for hyphens."""
        told = " ".join(
            f'{name.replace("_", "-")}="{number(value)}"' for name, value in attributes.items()
        )
        self.shapes.append(f"<{tag} {told}/>")

    def rect(self, box: Box, fill: str, stroke: str = "", radius: float = 0) -> None:
        """Fill a box, with a border of one pixel inside its edge."""
        inset = 0.5 if stroke else 0
        self.add(
            "rect",
            x=box.x + inset,
            y=box.y + inset,
            width=box.width - 2 * inset,
            height=box.height - 2 * inset,
            rx=radius,
            fill=fill,
            stroke=stroke or "none",
        )

    def text(
        self,
        text: str,
        x: float,
        middle: float,
        size: float,
        *,
        fill: str = TEXT,
        anchor: str = "middle",
        room: float = math.inf,
        bold: bool = False,
    ) -> None:
        """Write a line, its middle at a height; cut short, as Live does, where room is lacking."""
        if width(text, size, bold=bold) > room:
            while text and width(text + "…", size, bold=bold) > room:
                text = text[:-1]
            text = text.rstrip() + "…"
        if not text.strip():
            return
        self.shapes.append(
            f'<text x="{number(x)}" y="{number(middle + 0.36 * size)}" '
            f'font-size="{number(size)}" fill="{fill}" text-anchor="{anchor}"'
            + (' font-weight="bold"' if bold else "")
            + f' textLength="{width(text, size, bold=bold):.1f}"'
            + f' lengthAdjust="spacingAndGlyphs">{escape(text, quote=False)}</text>'
        )

    def value(self, box: Box) -> float:
        """Return the value to show of a control."""
        chosen = self.shown.get(box.label)
        if chosen is None:
            return initial(box)
        if box.parameter.get("parameter_type") == ENUM:
            return float(entries(box).index(chosen))
        return float(chosen)
