"""The picture of a device: drawn from its file, whole, and the same every time."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import picture
from lettering import width, wrap
from presentation import Box, Presentation, presentation, read, written
from small_device import parameter, patcher

ROOT = Path(__file__).resolve().parents[2]
DEVICE = ROOT / "max_for_live" / "Antiphon.amxd"
SHOWN = {"Status": "Answering", "Call": "55 60 64", "Answer": "67 72 76"}  # as in the Makefile
SVG = "{http://www.w3.org/2000/svg}"


def seen(told: dict[str, Any] | None = None) -> Presentation:
    """Return what a device's patcher shows."""
    return presentation("Small", told or patcher(), device=True)


def words(drawn: str) -> list[str]:
    """Return every line of text in a picture."""
    return [str(one.text) for one in ElementTree.fromstring(drawn).iter(f"{SVG}text")]


def test_every_control_shows_its_initial_value() -> None:
    """Names, values with units, choices and labels stand in the picture."""
    told = words(picture.draw(seen()))
    assert set(told) >= {"Small", "Play", "Density", "0.50", "Low", "Silence", "0.50 bt", "Voices"}
    assert set(told) >= {"8", "Pedal", "Off", "Respond", "Loop", "Solo", "Thru", "Panic"}
    assert "midiin" not in told


def test_a_state_may_be_shown_instead() -> None:
    """A choice that is asked for by name is shown in place of the initial one."""
    drawn = picture.draw(seen(), {"Pedal": "Follow", "Density": "0.75"})
    assert {"Follow", "0.75"} <= set(words(drawn))
    assert "Off" not in words(drawn)


def test_the_picture_is_the_size_of_the_device() -> None:
    """It is as wide as the device and 169 pixels high, with Live's bar above and an edge around."""
    root = ElementTree.fromstring(picture.draw(seen()))
    assert root.get("viewBox") == f"0 0 286 {169 + picture.BAR + 2}"


def test_what_is_behind_is_drawn_first() -> None:
    """Panels in the background come before what stands on them, wherever the file has them."""
    drawn = picture.draw(seen())
    panel = re.search(r'<rect x="4" y="4" width="160"', drawn)
    assert panel is not None
    assert panel.start() < drawn.index(">Density<")


def test_text_without_room_is_cut_as_in_live() -> None:
    """What does not fit ends in dots instead of running into its neighbour."""
    told = patcher()
    told["boxes"][1]["box"]["saved_attribute_attributes"]["valueof"]["parameter_shortname"] = (
        "W" * 9
    )
    assert "WWWW…" in words(picture.draw(seen(told)))


@pytest.mark.parametrize(
    ("value", "told", "text"),
    [
        (0.5, {"parameter_unitstyle": 1}, "0.50"),
        (8, {"parameter_unitstyle": 0}, "8"),
        (60, {"parameter_unitstyle": 8}, "C3"),
        (0, {"parameter_unitstyle": 8}, "C-2"),
        (1, {"parameter_unitstyle": 9, "parameter_units": "%.1f x"}, "1.0 x"),
        (4, {"parameter_unitstyle": 9, "parameter_units": "bars", "parameter_type": 1}, "4 bars"),
        (50, {"parameter_unitstyle": 5}, "50.00 %"),
        (1, {"parameter_enum": ["Off", "On"]}, "On"),
    ],
)
def test_values_are_written_as_live_writes_them(
    value: float, told: dict[str, Any], text: str
) -> None:
    """Each unit style has its form, and a choice is its name."""
    values = parameter("live.numbox", "One", 1, 0, 0, 40, 15, **told)
    assert written(Box("live.numbox", 0, 0, 40, 15, values, 0), value) == text


def test_a_class_that_cannot_be_drawn_is_an_error() -> None:
    """Nothing is left out of a picture in silence."""
    told = patcher()
    told["boxes"][1]["box"]["maxclass"] = "live.gain~"
    with pytest.raises(ValueError, match=r"live\.gain~ “Density”"):
        picture.draw(seen(told))


def test_widths_are_those_of_helvetica() -> None:
    """A few words measure what the published metrics of Helvetica say, and lines break by them."""
    assert width("Temperature", 10) == pytest.approx(57.24)
    assert width("WWW", 10) > width("iiiiiiii", 10)
    assert wrap("one two three", 10, 40) == ["one two", "three"]
    assert wrap("longerthantheroom", 10, 10) == ["longerthantheroom"]


def test_the_command_draws_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`picture.py` writes well-formed SVG, and refuses what it cannot read in one line."""
    path, target = tmp_path / "Small.maxpat", tmp_path / "small.svg"
    path.write_text(json.dumps({"patcher": patcher()}))
    assert picture.main([str(path), str(target), "Pedal=On"]) == 0
    assert "On" in words(target.read_text(encoding="utf-8"))
    assert picture.main([str(path), str(target), "Pedal=Sometimes"]) == 2
    path.write_text("{}")
    assert picture.main([str(path), str(target)]) == 2
    assert picture.main([str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 3


def test_each_tab_of_a_help_file_is_seen(tmp_path: Path) -> None:
    """A help file shows its tabs, each as a patcher of its own; the first one is drawn."""
    path, target = tmp_path / "Small.maxhelp", tmp_path / "small.svg"
    tabs = [
        {
            "maxclass": "newobj",
            "text": f"p {name}",
            "patcher": {
                "showontab": 1,
                "rect": [0, 0, 200, 100],
                "boxes": [
                    {"box": {"maxclass": "comment", "patching_rect": [0, 0, 90, 20], "text": name}}
                ],
            },
        }
        for name in ("basic", "several")
    ]
    path.write_text(json.dumps({"patcher": {"boxes": [{"box": tab} for tab in tabs]}}))
    assert [shown.name for shown in read(path)] == ["Small basic", "Small several"]
    assert picture.main([str(path), str(target)]) == 0
    assert words(target.read_text(encoding="utf-8")) == ["basic"]


def test_the_picture_that_ships_is_the_device_that_ships() -> None:
    """Drawing the device again gives the very file of the README."""
    drawn = picture.draw(read(DEVICE)[0], SHOWN)
    assert drawn == (ROOT / "docs" / "images" / "device.svg").read_text(encoding="utf-8")
