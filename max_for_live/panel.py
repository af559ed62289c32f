"""Where everything stands in presentation: groups, labels, faces, displays."""

from __future__ import annotations

from typing import Any, Final

from faces import BUTTONS, BY_NAME
from patcher import Box, Patcher

WIDTH: Final = 870

Rect = tuple[int, int, int, int]
"""Left, top, width and height, in pixels."""

GROUPS: Final[dict[str, Rect]] = {
    "Antiphon": (4, 4, 108, 121),
    "Play": (116, 4, 206, 121),
    "Harmony": (326, 4, 112, 121),
    "Time": (442, 4, 178, 121),
    "Vary": (624, 4, 126, 121),
    "Clips": (754, 4, 112, 69),
    "Setup": (754, 76, 112, 49),
    "Status": (4, 129, 360, 38),
}
"""Panels by their title."""

KEYS: Final = {
    "Call": ("You", (368, 129, 247, 38), (416, 131, 196, 34), (0.247, 0.608, 0.863, 1)),
    "Answer": ("Partner", (619, 129, 247, 38), (667, 131, 196, 34), (0.941, 0.498, 0.271, 1)),
}
"""Keyboards that show what is played: title, panel, place, colour of a key that is down."""

FACES: Final[dict[str, Rect]] = {
    "On": (8, 22, 46, 16),
    "Thru": (8, 41, 46, 16),
    "Drums": (8, 60, 46, 16),
    "Mode": (58, 22, 50, 54),
    "Temperature": (120, 21, 48, 48),
    "Density": (170, 21, 48, 48),
    "Length": (220, 21, 48, 48),
    "Velocity": (270, 21, 48, 48),
    "Register Low": (120, 73, 48, 48),
    "Register High": (170, 73, 48, 48),
    "Polyphony": (220, 73, 48, 48),
    "Guidance": (270, 73, 48, 48),
    "Chord": (330, 21, 48, 48),
    "Key": (384, 34, 50, 15),
    "Scale": (330, 83, 104, 15),
    "Pedal": (366, 103, 68, 15),
    "Quantize": (446, 21, 48, 48),
    "Swing": (496, 21, 48, 48),
    "Turn Silence": (446, 73, 48, 48),
    "Turn Bars": (496, 73, 48, 48),
    "Turn Quantize": (548, 34, 68, 15),
    "Seed": (548, 86, 68, 15),
    "Vary Amount": (628, 21, 48, 48),
    "Vary Keep": (680, 34, 66, 15),
    "Vary Freeze": (731, 54, 15, 15),
    "Capture Length": (662, 73, 30, 15),
    "Variations": (662, 90, 30, 15),
    "Clip": (786, 21, 76, 15),
    "Clip Status": (786, 55, 76, 15),
    "Receive Port": (784, 91, 36, 15),
    "Instance": (840, 91, 22, 15),
    "Daemon Port": (804, 108, 58, 15),
    "Status": (8, 146, 352, 15),
}

BUTTON_RECTS: Final[dict[str, Rect]] = {
    "End Turn": (8, 82, 100, 18),
    "Panic": (8, 104, 100, 17),
    "Capture": (696, 73, 50, 15),
    "Vary": (696, 90, 50, 15),
    "Keep": (628, 107, 58, 15),
    "Undo": (690, 107, 56, 15),
    "Read Clip": (758, 38, 50, 15),
    "Write Clip": (812, 38, 50, 15),
}

CAPTIONS: Final = {"Read Clip": "Read", "Write Clip": "Write"}
"""What stands on a button, where it is not its name."""

LABELS: Final[dict[str, Rect]] = {
    "Key": (384, 22, 50, 12),
    "Scale": (330, 70, 104, 12),
    "Pedal": (330, 104, 34, 12),
    "Answer On": (548, 22, 68, 12),
    "Seed": (548, 74, 68, 12),
    "Keep": (680, 22, 66, 12),
    "Freeze": (680, 55, 48, 12),
    "Beats": (628, 74, 33, 12),
    "Count": (628, 91, 33, 12),
    "Clip": (758, 22, 26, 12),
    "State": (758, 56, 28, 12),
    "Port": (758, 92, 25, 12),
    "No": (822, 92, 17, 12),
    "Daemon": (758, 109, 44, 12),
}

ROWS: Final = {"Mode": len(BY_NAME["Mode"].choices), "Status": 1}
"""Rows of tabs."""


def build(p: Patcher, without: frozenset[str] = frozenset()) -> dict[str, Box]:
    """Put everything that is seen into a patcher, and return the boxes by name.

    Parameters
    ----------
    p : Patcher
        To be added to.
    without : set of str
        Titles of groups to leave out.
    """
    p.section("faces")
    boxes: dict[str, Box] = {}
    for name, rect in FACES.items():
        face = BY_NAME[name]
        if face.group in without:
            continue
        looks: dict[str, Any] = _shown(rect)
        if face.look == "live.text":
            looks |= {"mode": 1, "text": face.short, "texton": face.short}
        if face.look == "live.tab":
            looks |= {"num_lines_presentation": ROWS[name], "spacing_x": 1.0, "spacing_y": 2.0}
        if name in ("Status", "Clip Status"):
            looks["ignoreclick"] = 1
        boxes[name] = p.parameter(face, **looks)
    for name, rect in BUTTON_RECTS.items():
        group, info = BUTTONS[name]
        if group not in without:
            boxes[name] = p.add(
                "live.text",
                CAPTIONS.get(name, name),
                varname=name,
                annotation_name=name,
                annotation=info,
                mode=0,
                parameter_enable=0,
                **_shown(rect),
            )
    for name, (title, panel, rect, color) in KEYS.items():
        boxes[name] = p.add(
            "kslider",
            varname=name,
            annotation_name=title,
            annotation=f"The notes that are {'heard' if name == 'Call' else 'played'} now.",
            hkeycolor=list(color),
            ignoreclick=1,
            mode=1,
            offset=36,
            range=48,
            parameter_enable=0,
            **_shown(rect),
        )
        _label(p, title, (panel[0] + 4, panel[1] + 3, 42, 12))
    p.section("labels and panels")
    for text, rect in LABELS.items():
        if not any(_within(rect, GROUPS[title]) for title in without):
            _label(p, text, rect)
    panels = {title: rect for title, rect in GROUPS.items() if title not in without}
    for title, rect in panels.items():
        _label(p, title, (rect[0] + 4, rect[1] + 2, rect[2] - 8, 12), fontface=1)
    for rect in (*panels.values(), *(panel for _, panel, _, _ in KEYS.values())):
        p.add(
            "panel",
            background=1,
            border=1,
            rounded=0,
            saved_attribute_attributes={
                "bgfillcolor": {"expression": "themecolor.live_surface_bg"},
                "bordercolor": {"expression": "themecolor.live_contrast_frame"},
            },
            **_shown(rect),
        )
    return boxes


def _label(p: Patcher, text: str, rect: Rect, **looks: Any) -> None:
    p.add("live.comment", text, **looks, **_shown(rect))


def _shown(rect: Rect) -> dict[str, Any]:
    return {"presentation": 1, "presentation_rect": list(rect)}


def _within(inner: Rect, outer: Rect) -> bool:
    return outer[0] <= inner[0] < outer[0] + outer[2] and outer[1] <= inner[1] < outer[1] + outer[3]
