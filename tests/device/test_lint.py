"""Faults of a layout: each kind is found, and the devices that ship have none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import amxd
import lint
from presentation import Presentation, presentation, read
from small_device import box, parameter, patcher

FOLDER = Path(__file__).resolve().parents[2] / "max_for_live"
SHIPPED = [FOLDER / f"Antiphon.{ending}" for ending in ("amxd", "maxpat", "maxhelp")]
SHIFTS = (lint.outside, lint.overlaps, lint.tight, lint.unlabelled, lint.crooked, lint.stepping)
SHIFTS += (lint.displaced, lint.uneven)

Boxes = dict[str, dict[str, Any]]


def seen(told: dict[str, Any]) -> Presentation:
    """Return what a device's patcher shows."""
    return presentation("Small", told, device=True)


def move(box: dict[str, Any], **by: float) -> None:
    """Move or stretch a box by pixels: x, y, w, h."""
    place = {"x": 0, "y": 1, "w": 2, "h": 3}
    for edge, pixels in by.items():
        box["presentation_rect"][place[edge]] += pixels


def value(box: dict[str, Any]) -> dict[str, Any]:
    """Return what is saved of a parameter."""
    told: dict[str, Any] = box["saved_attribute_attributes"]["valueof"]
    return told


def front(box: dict[str, Any]) -> None:
    """Take a panel out of the background; `broken` puts it first in the file, which is in front."""
    box["background"] = 0


def name(box: dict[str, Any], text: str) -> None:
    """Give a dial another name."""
    value(box)["parameter_shortname"] = text


def unit(box: dict[str, Any], text: str) -> None:
    """Give a number a unit of its own."""
    value(box).update(parameter_unitstyle=9, parameter_units=text)


def choice(box: dict[str, Any], text: str) -> None:
    """Give a menu one more choice."""
    value(box)["parameter_enum"].append(text)


def swap(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Exchange the places of two parameters in Live's list."""
    a, b = value(one), value(other)
    a["parameter_order"], b["parameter_order"] = b["parameter_order"], a["parameter_order"]


BREAK: dict[str, tuple[str, Callable[[Boxes], object]]] = {
    "class nobody draws": ("cannot draw", lambda b: b["Thru"].update(maxclass="live.gain~")),
    "below the device": ("leaves the", lambda b: move(b["kslider 4 145"], y=5)),
    "right of the device": ("leaves the", lambda b: move(b["kslider 4 145"], w=9)),
    "left of the device": ("leaves the", lambda b: move(b["panel 4 4"], x=-5, w=5)),
    "half a pixel": ("whole pixels", lambda b: move(b["Density"], x=0.5)),
    "two controls": ("overlaps", lambda b: move(b["Density"], x=10)),
    "label on a control": ("overlaps", lambda b: move(b["Voices"], x=-20, w=20)),
    "half off its panel": ("overlaps", lambda b: move(b["panel 4 4"], w=-10)),
    "panel in front": ("hides", lambda b: front(b["panel 4 4"])),
    "no panel around": ("in no group", lambda b: b["panel 4 4"].update(presentation=0)),
    "at the edge": ("edge of its group", lambda b: move(b["Density"], x=-3)),
    "no title": ("without a title", lambda b: b["Play"].update(presentation=0)),
    "dial's name": ("pixels wide", lambda b: name(b["Low"], "Lowest note")),
    "dial's value": ("pixels wide", lambda b: unit(b["Silence"], "%.3f beats")),
    "low dial": ("too low", lambda b: move(b["Density"], h=-4)),
    "number's unit": ("pixels wide", lambda b: unit(b["Voices"], "notes at once")),
    "menu's choice": ("pixels wide", lambda b: choice(b["Pedal"], "Sustained")),
    "tab's choice": ("pixels wide", lambda b: b["Mode"].update(num_lines_presentation=1)),
    "low tabs": ("letters of", lambda b: move(b["Mode"], h=-20)),
    "button's text": ("pixels wide", lambda b: b["Panic"].update(text="All notes off")),
    "toggle's other text": ("pixels wide", lambda b: b["Thru"].update(texton="Passing on")),
    "label": ("pixels wide", lambda b: b["Pedal label"].update(text="Sustaining")),
    "lines of a label": ("lines do not", lambda b: b["Pedal label"].update(text="Pedal on foot")),
    "small letters": ("too small to read", lambda b: b["Pedal"].update(fontsize=7.0)),
    "low control": ("hard to hit", lambda b: move(b["Voices"], h=-3)),
    "narrow control": ("hard to hit", lambda b: move(b["On"], w=-4)),
    "no Info Text": ("no Info Text", lambda b: b["Panic"].pop("annotation")),
    "no title of Info Text": ("has no title", lambda b: b["Low"].pop("annotation_name")),
    "no label": ("no label", lambda b: b["Voices label"].update(presentation=0)),
    "far label": ("no label", lambda b: move(b["Pedal label"], w=-12, y=6)),
    "nameless dial": ("no label", lambda b: b["Silence"].update(showname=0)),
    "nameless button": ("no label", lambda b: b["Panic"].update(text="")),
    "same place twice": ("has the place", lambda b: value(b["Low"]).update(parameter_order=1)),
    "row in disorder": ("reads before", lambda b: swap(b["Density"], b["Low"])),
    "column in disorder": ("reads before", lambda b: swap(b["Voices"], b["Pedal"])),
    "groups in disorder": ("reads before", lambda b: swap(b["Density"], b["Mode"])),
    "left edge": ("out of line", lambda b: move(b["Panic"], x=2)),
    "upper edge": ("off the height", lambda b: move(b["Silence"], y=3)),
    "label beside a dial": ("off the line", lambda b: b["Silence"].update(
        maxclass="live.comment", text="beats", presentation_rect=[112, 22, 48, 14])),
    "label beside a number": ("off the line", lambda b: move(b["Voices label"], y=-2)),
    "title elsewhere": ("where titles of groups stand", lambda b: move(b["Play"], x=2)),
    "gap": ("from its neighbour", lambda b: move(b["Low"], x=1)),
}  # fmt: skip


def broken(fault: str) -> Presentation:
    """Return the small device with one fault."""
    told = patcher()
    boxes: Boxes = {}
    for entry in told["boxes"]:
        one = entry["box"]
        label = one["maxclass"] == "live.comment" and one["text"] in ("Voices", "Pedal", "On")
        boxes[f"{one['id']} label" if label else one["id"]] = one
    BREAK[fault][1](boxes)
    told["boxes"].sort(key=lambda entry: entry["box"].get("background") != 0)
    return seen(told)


def test_a_good_layout_has_no_fault() -> None:
    """The small device shows every class, and nothing is said of it."""
    assert lint.faults(seen(patcher())) == []


@pytest.mark.parametrize("fault", BREAK)
def test_each_fault_is_found(fault: str) -> None:
    """One fault put into the good layout is told, in a line of its own that names a box."""
    found = lint.faults(broken(fault))
    assert any(BREAK[fault][0] in line for line in found), found
    assert all(": " in line and "\n" not in line for line in found)


def test_every_check_finds_something() -> None:
    """No check is idle: each one finds a fault in at least one of the broken layouts."""
    idle = {check.__name__ for check in lint.CHECKS}
    for fault in BREAK:
        idle -= {check.__name__ for check in lint.CHECKS if list(check(broken(fault)))}
    assert idle == set()


def test_hidden_parameters_and_what_is_not_shown_have_no_place_in_the_order() -> None:
    """Only automatable parameters are asked for a place in Live's list."""
    told = patcher()
    hidden = parameter("live.text", "Undo", 1, 226, 94, 50, 15, text="Undo", mode=0,
                       parameter_enum=["Off", "On"], parameter_invisible=2)  # fmt: skip
    told["boxes"] += [{"box": hidden}, {"box": box("comment", 0, 0, 9, 9, presentation=0)}]
    assert lint.faults(seen(told)) == []


def test_the_command_tells_the_faults(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`lint.py` prints one line a fault and ends with 2, or prints nothing and ends with 0."""
    path = tmp_path / "Small.maxpat"
    told = patcher()
    told["rect"][2:] = [284.0, 169.0]
    path.write_text(json.dumps({"patcher": told}))
    assert lint.main([str(path)]) == 0
    assert capsys.readouterr() == ("", "")
    told["boxes"][1]["box"]["presentation_rect"][0] = 8.5
    path.write_text(json.dumps({"patcher": told}))
    assert lint.main([str(path)]) == 2
    assert "Small.maxpat: live.dial “Density”: not on whole pixels" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{}", "[1]", "ampf"])
def test_files_that_are_neither_are_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no device and no patcher is told in one line, with exit status 2."""
    path = tmp_path / "file"
    path.write_text(text)
    assert lint.main([str(path)]) == 2
    assert lint.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_small_shifts_of_the_device_are_seen() -> None:
    """Of all boxes of the shipped device, moved 2 pixels right or down, 9 of 10 are told of."""
    told = amxd.patcher(SHIPPED[0].read_bytes())["patcher"]
    shifts = seen = 0
    for entry in told["boxes"]:
        if not entry["box"].get("presentation"):
            continue
        for edge in "xy":
            move(entry["box"], **{edge: 2})
            shown = presentation("Antiphon", told, device=True)
            seen += any(True for check in SHIFTS for _ in check(shown))
            shifts += 1
            move(entry["box"], **{edge: -2})
    print(f"{seen} of {shifts} shifts by 2 pixels are seen")
    assert seen >= 0.9 * shifts


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_what_ships_has_no_fault(path: Path) -> None:
    """The layout of the device, of the patcher and of its help, as they ship, is without fault."""
    assert [lint.faults(shown) for shown in read(path)] == [[]] * len(read(path))
