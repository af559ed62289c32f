"""A small device whose layout has no fault: every class that a device shows, in two groups."""

from __future__ import annotations

from typing import Any

ENUM = 2


def box(kind: str, *rect: float, **values: Any) -> dict[str, Any]:
    """Return a box in presentation, whose id is its place or its text."""
    name = str(values.get("varname") or values.get("text") or f"{kind} {rect[0]} {rect[1]}")
    return {
        "id": name,
        "maxclass": kind,
        "presentation": 1,
        "presentation_rect": list(rect),
    } | values


def parameter(kind: str, name: str, order: int, *rect: float, **told: Any) -> dict[str, Any]:
    """Return a box that is a parameter; what begins with ``parameter_`` goes into its value."""
    value = {
        "parameter_longname": name,
        "parameter_shortname": name,
        "parameter_order": order,
        "parameter_type": 0,
        "parameter_mmin": 0.0,
        "parameter_mmax": 1.0,
        "parameter_initial": [0.5],
        "parameter_invisible": 0,
        "parameter_unitstyle": 1,
    }
    value |= {key: told.pop(key) for key in list(told) if key.startswith("parameter_")}
    if "parameter_enum" in value:
        value |= {"parameter_type": ENUM, "parameter_initial": [0]}
    return box(
        kind,
        *rect,
        varname=name,
        parameter_enable=1,
        annotation=f"What {name} does.",
        annotation_name=name,
        saved_attribute_attributes={"valueof": value},
        **told,
    )


def patcher() -> dict[str, Any]:
    """Return the JSON of the device's patcher."""
    choices = ["Off", "Follow", "On"]
    boxes = [
        box("live.comment", 8, 6, 100, 14, text="Play", fontface=1),
        parameter("live.dial", "Density", 1, 8, 24, 48, 48),
        parameter(
            "live.dial",
            "Low",
            2,
            60,
            24,
            48,
            48,
            parameter_unitstyle=8,
            parameter_type=1,
            parameter_mmax=127.0,
        ),
        parameter(
            "live.dial",
            "Silence",
            3,
            112,
            24,
            48,
            48,
            parameter_unitstyle=9,
            parameter_units="%.2f bt",
            parameter_mmax=16.0,
        ),
        box("live.comment", 8, 78, 48, 14, text="Voices"),
        parameter(
            "live.numbox",
            "Voices",
            4,
            60,
            78,
            48,
            15,
            parameter_type=1,
            parameter_mmin=1.0,
            parameter_mmax=8.0,
            parameter_initial=[8],
            parameter_unitstyle=0,
        ),
        box("live.comment", 8, 98, 48, 14, text="Pedal"),
        parameter("live.menu", "Pedal", 5, 60, 98, 60, 15, parameter_enum=choices),
        box("panel", 4, 4, 160, 137, background=1),
        box("live.comment", 172, 6, 100, 14, text="State", fontface=1),
        parameter(
            "live.tab",
            "Mode",
            6,
            172,
            24,
            104,
            45,
            spacing_x=0,
            spacing_y=0,
            num_lines_presentation=3,
            parameter_enum=["Respond", "Loop", "Solo"],
        ),
        parameter(
            "live.text",
            "Thru",
            7,
            172,
            74,
            50,
            15,
            text="Thru",
            texton="Thru",
            parameter_enum=["Off", "On"],
            mode=1,
        ),
        parameter("live.toggle", "On", 8, 226, 74, 15, 15, parameter_enum=["Off", "On"]),
        box("live.comment", 243, 74, 30, 14, text="On"),
        box(
            "live.text",
            172,
            94,
            50,
            15,
            varname="Panic",
            text="Panic",
            mode=0,
            annotation="Ends every note.",
            annotation_name="Panic",
        ),
        box("live.line", 172, 114, 104, 1),
        parameter(
            "live.menu",
            "Status",
            9,
            172,
            120,
            104,
            15,
            parameter_enum=["No Daemon"],
            parameter_invisible=2,
            ignoreclick=1,
            appearance=1,
        ),
        box("panel", 168, 4, 112, 137, background=1),
        box("kslider", 4, 145, 276, 20, offset=36, range=61, ignoreclick=1),
        box("newobj", 0, 0, 50, 22, text="midiin", presentation=0),
    ]
    return {
        "boxes": [{"box": one} for one in boxes],
        "lines": [],
        "devicewidth": 284.0,
        "rect": [0.0, 0.0, 640.0, 480.0],
    }
