"""Where everything stands in presentation: groups, labels, faces, displays."""

from __future__ import annotations

from typing import Any, Final

from faces import BUTTONS, BY_NAME, Face
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
    "Clips": (754, 4, 112, 66),
    "Setup": (754, 74, 112, 51),
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
    "Capture Length": (662, 72, 30, 15),
    "Variations": (662, 89, 30, 15),
    "Clip": (786, 20, 76, 15),
    "Clip Status": (786, 52, 76, 15),
    "Receive Port": (784, 91, 36, 15),
    "Instance": (840, 91, 22, 15),
    "Daemon Port": (804, 107, 58, 15),
    "Status": (8, 146, 352, 15),
}

BUTTON_RECTS: Final[dict[str, Rect]] = {
    "End Turn": (8, 82, 100, 18),
    "Panic": (8, 104, 100, 17),
    "Capture": (696, 72, 50, 15),
    "Vary": (696, 89, 50, 15),
    "Keep": (628, 106, 58, 15),
    "Undo": (690, 106, 56, 15),
    "Read Clip": (758, 36, 50, 15),
    "Write Clip": (812, 36, 50, 15),
}

CAPTIONS: Final = {"Read Clip": "Read", "Write Clip": "Write"}
"""What stands on a button, where it is not its name."""

LABELS: Final[dict[str, Rect]] = {
    "Key": (384, 22, 50, 12),
    "Scale": (330, 70, 104, 12),
    "Pedal": (330, 104, 34, 12),
    "Turn Quantize": (548, 22, 68, 12),
    "Seed": (548, 74, 68, 12),
    "Vary Keep": (680, 22, 66, 12),
    "Vary Freeze": (680, 55, 48, 12),
    "Capture Length": (628, 73, 33, 12),
    "Variations": (628, 90, 33, 12),
    "Clip": (758, 21, 26, 12),
    "Clip Status": (758, 53, 28, 12),
    "Receive Port": (758, 92, 25, 12),
    "Instance": (822, 92, 17, 12),
    "Daemon Port": (758, 108, 45, 12),
}
"""Places of the names of faces that do not show their own."""

ROWS: Final = {"Mode": len(BY_NAME["Mode"].choices), "Status": 1}
"""Rows of tabs."""

DISPLAYS: Final = ("Status", "Clip Status")
"""Faces that are only looked at."""


def build(p: Patcher, clips: bool = True) -> dict[str, Box]:
    """Put everything that is seen into a patcher, and return the boxes by name.

    Parameters
    ----------
    p : Patcher
        To be added to.
    clips : bool
        Whether there are clips; without them what stands below moves up.
    """
    groups = {title: rect for title, rect in GROUPS.items() if clips or title != "Clips"}
    p.section("faces")
    boxes = {
        name: _face(p, BY_NAME[name], _place(rect, clips))
        for name, rect in FACES.items()
        if BY_NAME[name].group in groups
    }
    for name, rect in BUTTON_RECTS.items():
        if BUTTONS[name][0] in groups:
            boxes[name] = _button(p, name, rect)
    for name in KEYS:
        boxes[name] = _keyboard(p, name)
    p.section("labels and panels")
    for name, rect in LABELS.items():
        if name in boxes:
            _label(p, BY_NAME[name].short, _place(rect, clips))
    for title, rect in groups.items():
        left, top, width, _ = _place(rect, clips)
        _label(p, title, (left + 4, top + 2, width - 8, 12), fontface=1)
    for rect in (*groups.values(), *(panel for _, panel, _, _ in KEYS.values())):
        _panel(p, _place(rect, clips))
    return boxes


def _face(p: Patcher, face: Face, rect: Rect) -> Box:
    looks: dict[str, Any] = {}
    if face.look == "live.text":
        looks = {"mode": 1, "text": face.short, "texton": face.short}
    if face.look == "live.tab":
        looks = {"num_lines_presentation": ROWS[face.name], "spacing_x": 1.0, "spacing_y": 2.0}
    if face.name in DISPLAYS:
        looks["ignoreclick"] = 1
    return p.parameter(face, **looks, **_shown(rect))


def _button(p: Patcher, name: str, rect: Rect) -> Box:
    return p.add(
        "live.text",
        CAPTIONS.get(name, name),
        varname=name,
        annotation_name=name,
        annotation=BUTTONS[name][1],
        mode=0,
        parameter_enable=0,
        **_shown(rect),
    )


def _keyboard(p: Patcher, name: str) -> Box:
    title, panel, rect, color = KEYS[name]
    _label(p, title, (panel[0] + 4, panel[1] + 2, 42, 12))
    return p.add(
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


def _panel(p: Patcher, rect: Rect) -> None:
    colors = {"bgfillcolor": "live_surface_bg", "bordercolor": "live_contrast_frame"}
    p.add(
        "panel",
        background=1,
        border=1,
        rounded=0,
        saved_attribute_attributes={
            name: {"expression": f"themecolor.{color}"} for name, color in colors.items()
        },
        **_shown(rect),
    )


def _label(p: Patcher, text: str, rect: Rect, **looks: Any) -> None:
    p.add("live.comment", text, **looks, **_shown(rect))


def _shown(rect: Rect) -> dict[str, Any]:
    return {"presentation": 1, "presentation_rect": list(rect)}


def _place(rect: Rect, clips: bool) -> Rect:
    """Return where something stands: Setup is at the top where there are no clips."""
    if clips or not _within(rect, GROUPS["Setup"]):
        return rect
    left, top, width, height = rect
    return left, top - GROUPS["Setup"][1] + GROUPS["Clips"][1], width, height


def _within(inner: Rect, outer: Rect) -> bool:
    return outer[0] <= inner[0] < outer[0] + outer[2] and outer[1] <= inner[1] < outer[1] + outer[3]
