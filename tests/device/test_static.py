"""What can be said of the shipped patchers without running them.

Each function in `CHECKS` takes a patcher's JSON and fails if one of its promises is broken; the
mutation tests use them too. What is expected is computed here from the daemon's tables, not
taken from the generator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import amxd
from antiphon import params
from antiphon.commands import Mode
from antiphon.osc import addresses

FOLDER = Path(__file__).resolve().parents[2] / "max_for_live"

Json = dict[str, Any]

ARITY: Final = {
    # Measured in files that Max saved, or counted in Max's reference pages.
    "midiin": (1, 1),
    "midiout": (1, 0),
    "midiparse": (1, 8),
    "midiformat": (7, 2),
    "midiflush": (1, 1),
    "makenote": (3, 2),
    "transport": (2, 9),
    "metro": (2, 1),
    "change": (1, 3),
    "&&": (2, 1),
    "/": (2, 1),
    "udpsend": (1, 0),
    "udpreceive": (1, 1),
    "freebang": (0, 1),
    "patcherargs": (1, 2),
    "deferlow": (1, 1),
    "live.thisdevice": (1, 3),
    "inlet": (0, 1),
    "outlet": (1, 0),
    "message": (2, 1),
    "comment": (1, 0),
    "panel": (1, 0),
    "kslider": (2, 2),
    "live.comment": (1, 0),
    "live.dial": (1, 2),
    "live.numbox": (1, 2),
    "live.text": (1, 2),
    "live.toggle": (1, 1),
    "live.menu": (1, 3),
    "live.tab": (1, 3),
    "bpatcher": (1, 2),
}
BY_ARGUMENTS: Final[dict[str, Callable[[list[str]], tuple[int, int]]]] = {
    "t": lambda words: (1, len(words)),
    "route": lambda words: (len(words) + 1, len(words) + 1),
    "sel": lambda words: (len(words) + 1, len(words) + 1),
    "pack": lambda words: (len(words), 1),
    "unpack": lambda words: (1, len(words)),
    "pipe": lambda words: (len(words), len(words) - 1),
    "funnel": lambda words: (int(words[0]), 1),
    "gate": lambda words: (2, int(words[0]) if words else 1),
    "js": lambda words: SCRIPTS[words[0]](words),
}
SCRIPTS: Final[dict[str, Callable[[list[str]], tuple[int, int]]]] = {
    "link.js": lambda words: (1, 8),
    "clips.js": lambda words: (1, 2),
}

NOT_SHOWN: Final = {
    "/antiphon/beat": "Live shows its own, which Antiphon follows",
    "/antiphon/stats": "a musician has the stage page for figures",
}
"""What the daemon tells and the device lets go by, with the reason."""

NAMED: Final = {
    "temperature": ("live.dial", "Temp", 1, None),
    "density": ("live.dial", "Density", 1, None),
    "length": ("live.dial", "Length", 9, "%.1f beats"),
    "velocity": ("live.dial", "Velocity", 9, "%.2f x"),
    "register/low": ("live.dial", "Lowest", 8, None),
    "register/high": ("live.dial", "Highest", 8, None),
    "polyphony": ("live.dial", "Voices", 0, None),
    "guidance": ("live.dial", "Guidance", 1, None),
    "chord": ("live.dial", "Chord", 1, None),
    "key": ("live.menu", "Key", 0, None),
    "scale": ("live.menu", "Scale", 0, None),
    "pedal": ("live.menu", "Pedal", 0, None),
    "quantize": ("live.dial", "Quantize", 1, None),
    "swing": ("live.dial", "Swing", 1, None),
    "turn/silence": ("live.dial", "Silence", 9, "%.2f bt"),
    "turn/bars": ("live.dial", "Bars", 0, None),
    "turn/quantize": ("live.menu", "Answer On", 0, None),
    "seed": ("live.numbox", "Seed", 0, None),
    "vary/amount": ("live.dial", "Amount", 1, None),
    "vary/keep": ("live.menu", "Keep", 0, None),
    "vary/freeze": ("live.toggle", "Freeze", 0, None),
}
"""Of each parameter of the daemon: class, short name, unit style and unit."""

CLIP_STATES: Final = [
    *("Ready", "Asking...", "Written", "Read", "Nothing", "No Clip", "Incomplete", "No Live"),
    *("Too Long", "Audio Clip", "No Slot", "No Reply"),
]
AUTOMATED, STORED, HIDDEN = 0, 1, 2
OWN: Final = {
    "On": ("live.text", ["Off", "On"], 1, AUTOMATED),
    "Thru": ("live.text", ["Off", "On"], 1, AUTOMATED),
    "Drums": ("live.text", ["Off", "On"], 0, AUTOMATED),
    "Mode": ("live.tab", ["Respond", "Loop", "Solo"], 0, AUTOMATED),
    "Variations": ("live.numbox", (1, 16), 4, AUTOMATED),
    "Capture Length": ("live.numbox", (1, 32), 8, AUTOMATED),
    "Clip": ("live.menu", ["Answer", "Phrase", "Variations"], 0, AUTOMATED),
    "Clip Status": ("live.menu", CLIP_STATES, 0, HIDDEN),
    "Receive Port": ("live.numbox", (1024, 65535), 7402, STORED),
    "Instance": ("live.numbox", (0, 15), 0, STORED),
    "Daemon Port": ("live.numbox", (1024, 65535), 7401, STORED),
    "Status": (
        "live.tab",
        ["No Daemon", "Connected", "Listening", "Answering", "Looping", "Loading"],
        0,
        HIDDEN,
    ),
}
"""Parameters of the device's own: class, choices or range, initial value, visibility."""

SHORT: Final = {
    "Variations": "Count",
    "Capture Length": "Beats",
    "Clip Status": "State",
    "Receive Port": "Port",
    "Instance": "No",
    "Daemon Port": "Daemon",
}
"""Short names of the device's own parameters, where they are not the long ones."""

LIVE_ONLY: Final = {"Clip", "Clip Status", "Read Clip", "Write Clip"}
"""What plain Max has not: there are no clips in it."""

BUTTONS: Final = {
    "turn": "End Turn",
    "panic": "Panic",
    "capture": "Capture",
    "vary": "Vary",
    "keep": "Keep",
    "undo": "Undo",
    "read": "Read Clip",
    "write": "Write Clip",
}
"""Buttons by what the script calls them."""

HEARD: Final = (
    *("Mode", "Drums", "Variations", "Capture Length", "Clip"),
    *("Receive Port", "Instance", "Daemon Port"),
)
"""The device's own parameters that the script hears."""

DISPLAYS: Final = {"Status", "Clip Status"}


def heard_by(words: list[str]) -> list[str]:
    """Return what ``js link.js`` is told that the inlets of the funnel before it are."""
    return [word for word in words[1:] if not word.isdigit()]


def is_device(patcher: Json) -> bool:
    """Tell the device in Live from the patcher for Max."""
    return "project" in patcher


def boxes(patcher: Json) -> list[Json]:
    """Return the boxes."""
    return [entry["box"] for entry in patcher["boxes"]]


def parameters(patcher: Json) -> dict[str, Json]:
    """Return the boxes of parameters by their long name."""
    found = [box for box in boxes(patcher) if box.get("parameter_enable")]
    named = {
        box["saved_attribute_attributes"]["valueof"]["parameter_longname"]: box for box in found
    }
    assert len(named) == len(found), "long names are unique"
    return named


def expected(patcher: Json) -> dict[str, tuple[str, str, Json]]:
    """Return class, help and what Live is told of every parameter, all but the order."""
    told: dict[str, tuple[str, str, Json]] = {}
    for name, (look, short, unit, units) in NAMED.items():
        param = params.BY_NAME[name]
        choices = [choice.title() for choice in param.choices]
        if name == "key":
            choices = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
        long_name = name.replace("/", " ").title()
        high = min(param.high, 2**24 - 1)
        value = numbers(choices or (param.low, high), param.default, param.whole)
        value |= {"parameter_longname": long_name, "parameter_shortname": short}
        if not choices:
            value["parameter_unitstyle"] = unit
        if units:
            value["parameter_units"] = units
        told[long_name] = look, param.help, value
    for name, (look, span, initial, visibility) in OWN.items():
        value = numbers(span, initial, True)
        value |= {"parameter_longname": name, "parameter_shortname": SHORT.get(name, name)}
        if not isinstance(span, list):
            value["parameter_unitstyle"] = 0
        if visibility:
            value["parameter_invisible"] = visibility
        told[name] = look, "", value
    return {n: told[n] for n in told if is_device(patcher) or n not in LIVE_ONLY}


def numbers(span: list[str] | tuple[float, float], initial: float, whole: bool) -> Json:
    """Return type, range and initial value of a parameter."""
    value: Json = {"parameter_initial_enable": 1, "parameter_initial": [initial]}
    if isinstance(span, list):
        return value | {
            "parameter_type": 2,
            "parameter_enum": span,
            "parameter_mmax": len(span) - 1,
        }
    low, high = span
    kind = 1 if whole and high <= 255 else 0
    lowest = {"parameter_mmin": low} if low else {}  # it is 0 if nothing is said
    return value | lowest | {"parameter_type": kind, "parameter_mmax": high}


# -- the checks ------------------------------------------------------------------------------


def ids_are_unique(patcher: Json) -> None:
    """Every box has an id of its own."""
    ids = [box["id"] for box in boxes(patcher)]
    assert len(set(ids)) == len(ids)


def ends(box: Json) -> tuple[int, int]:
    """Return the numbers of inlets and outlets that Max gives a box."""
    kind = box["maxclass"]
    name, *words = box["text"].split() if kind == "newobj" else [kind]
    plain = words[: next((n for n, w in enumerate(words) if w.startswith("@")), len(words))]
    return BY_ARGUMENTS[name](plain) if name in BY_ARGUMENTS else ARITY[name]


def every_object_is_known(patcher: Json) -> None:
    """Every object is of a known class; only a script's box says how many outlets it has."""
    for box in boxes(patcher):
        if box["maxclass"] == "newobj" and box["text"].startswith("js "):
            assert (1, box["numoutlets"]) == ends(box), box
        elif "patcher" not in box:
            assert ends(box)
            assert not {"numinlets", "numoutlets"} & set(box), box


def cords_go_from_outlets_to_inlets(patcher: Json) -> None:
    """Every cord joins an outlet that exists with an inlet that exists, and only once."""
    known = {box["id"]: box for box in boxes(patcher)}
    seen = set()
    for entry in patcher["lines"]:
        (source, outlet), (target, inlet) = (
            entry["patchline"][end] for end in ("source", "destination")
        )
        assert 0 <= outlet < ends(known[source])[1]
        assert 0 <= inlet < ends(known[target])[0]
        seen.add((source, outlet, target, inlet))
    assert len(seen) == len(patcher["lines"])


def every_object_is_connected(patcher: Json) -> None:
    """Nothing but what is only looked at stands without a cord, and Status, which a script sets."""
    joined = {
        entry["patchline"][end][0]
        for entry in patcher["lines"]
        for end in ("source", "destination")
    }
    loose = [box for box in boxes(patcher) if box["id"] not in joined]
    named = {box["varname"] for box in loose if "varname" in box}
    scripted = any(str(box.get("text")).startswith("js link.js") for box in boxes(patcher))
    assert named == ({"Status"} if scripted else set())
    others = {box["maxclass"] for box in loose if "varname" not in box}
    assert others <= {"comment", "live.comment", "panel"}


def presentation_is_in_whole_pixels(patcher: Json) -> None:
    """All that is shown stands on whole pixels, inside the height that Live shows."""
    width = patcher["devicewidth"] if is_device(patcher) else patcher["openrect"][2]
    for box in boxes(patcher):
        if box.get("presentation"):
            left, top, wide, high = box["presentation_rect"]
            assert all(isinstance(edge, int) for edge in (left, top, wide, high))
            assert left >= 0
            assert top >= 0
            assert wide > 0
            assert high > 0
            assert left + wide <= width
            assert top + high <= 169
        else:
            assert box["maxclass"] in ("newobj", "message", "comment", "inlet", "outlet")
            assert "presentation_rect" not in box
    assert patcher["openinpresentation"] == 1


def parameters_are_what_they_should_be(patcher: Json) -> None:
    """Every attribute of every parameter has the value that follows from the daemon's table."""
    found, wanted = parameters(patcher), expected(patcher)
    assert set(found) == set(wanted)
    for place, (name, box) in enumerate(found.items()):
        look, info, value = wanted[name]
        saved = dict(box["saved_attribute_attributes"])
        assert saved.pop("valueof") == value | {"parameter_order": place}, name
        assert not saved
        extra = {"presentation_rect", "patching_rect", "id", "saved_attribute_attributes"}
        assert extra <= set(box)
        others = {key: box[key] for key in box if key not in extra}
        assert info in ("", others["annotation"])
        assert re.fullmatch(r"[A-Z].{10,}\.", others.pop("annotation"))
        assert others == {
            "maxclass": look,
            "varname": name,
            "annotation_name": name,
            "parameter_enable": 1,
            "presentation": 1,
        } | looks(look, name, value)


def looks(look: str, name: str, value: Json) -> Json:
    """Return the attributes that a class of its own has."""
    told: Json = {"ignoreclick": 1} if name in DISPLAYS else {}
    if look == "live.text":
        told |= {"mode": 1, "text": name, "texton": name}
    if look == "live.tab":
        rows = 1 if name == "Status" else len(value["parameter_enum"])
        told |= {"num_lines_presentation": rows, "spacing_x": 1.0, "spacing_y": 2.0}
    return told


def buttons_are_no_parameters(patcher: Json) -> None:
    """Every button is there, with help, and Live has nothing to store or to undo of it."""
    found = {box["varname"]: box for box in boxes(patcher) if box.get("mode") == 0}
    assert set(found) == {n for n in BUTTONS.values() if is_device(patcher) or n not in LIVE_ONLY}
    for name, box in found.items():
        assert box["maxclass"] == "live.text"
        assert box["parameter_enable"] == 0
        assert box["annotation_name"] == name
        assert box["text"] in name
        assert re.fullmatch(r"[A-Z].{10,}\.", box["annotation"])


def keyboards_are_only_looked_at(patcher: Json) -> None:
    """Both keyboards show several notes at once and take no clicks."""
    found = [box for box in boxes(patcher) if box["maxclass"] == "kslider"]
    assert [box["varname"] for box in found] == ["Call", "Answer"]
    for box in found:
        assert (box["mode"], box["ignoreclick"], box["offset"], box["range"]) == (1, 1, 36, 48)


def the_bank_of_push_names_what_is_there(patcher: Json) -> None:
    """The patcher's own list of parameters is the bank of eight."""
    assert list(patcher["parameters"]) == ["parameterbanks"]
    banks = patcher["parameters"]["parameterbanks"]
    assert list(banks) == ["0"]
    assert (banks["0"]["index"], banks["0"]["name"]) == (0, "Antiphon")
    names = banks["0"]["parameters"]
    assert names == [
        "Mode",
        "Temperature",
        "Density",
        "Length",
        "Register Low",
        "Register High",
        "Velocity",
        "Vary Amount",
    ]
    assert set(names) <= set(parameters(patcher))


def the_script_hears_every_face(patcher: Json) -> None:
    """The link hears all parameters of the daemon, each from its face, and the device's own."""
    (link,) = [box for box in boxes(patcher) if box.get("text", "").startswith("js link.js ")]
    words = link["text"].split()[1:]
    assert [int(word) for word in words if word.isdigit()] == [
        int(Mode[name.upper()]) for name in OWN["Mode"][1]
    ]
    inlets = dict.fromkeys(heard_by(words))
    assert len(inlets) == len(heard_by(words))
    known = {box["id"]: box for box in boxes(patcher)}
    (funnel,) = [box for box in boxes(patcher) if box.get("text") == f"funnel {len(inlets)}"]
    for entry in patcher["lines"]:
        (source, outlet), (target, inlet) = (
            entry["patchline"][end] for end in ("source", "destination")
        )
        if target == funnel["id"]:
            name = list(inlets)[inlet]
            assert (outlet, inlets[name]) == (0, None)
            inlets[name] = known[source].get("varname", known[source].get("text"))
    faces = {name: name.replace("/", " ").title() for name in NAMED}
    faces |= {name.lower().replace(" ", "/"): name for name in HEARD}
    faces |= BUTTONS | {"active": "&& 1"}
    assert inlets == {
        name: face for name, face in faces.items() if is_device(patcher) or face not in LIVE_ONLY
    }


def addresses_are_the_daemons(patcher: Json) -> None:
    """Every address in the patcher is one of the daemon's, and all that it tells is taken."""
    texts = [box.get("text", "") for box in boxes(patcher)]
    named = {word for text in texts for word in text.split() if word[0] == "/"} - {"/"}
    told = set(addresses.TOLD) | {"/antiphon/panic"}
    told |= {f"/antiphon/clip/{part}" for part in ("begin", "note", "end")}
    assert named <= told | set(addresses.TABLE)
    script = (FOLDER / "link.js").read_text(encoding="utf-8")
    taken = "".join(re.findall(r"^var (?:FOR_CLIPS|HEARD) = (.*?);", script, re.M | re.S))
    heard = {f"/antiphon/{name}" for name in re.findall(r'([a-z/]+)"?: ', taken)}
    assert heard <= told
    assert told - set(NOT_SHOWN) <= named | heard | {"/antiphon/param"}


def nothing_is_shared_or_printed(patcher: Json) -> None:
    """One socket, no names that another device could hear, nothing that prints or starts early."""
    names = [box["text"].split()[0] for box in boxes(patcher) if box["maxclass"] == "newobj"]
    assert names.count("udpreceive") == names.count("udpsend") == 1
    early = {"loadbang", "loadmess", "print", "defer", "node.script", "plugsync~"}
    assert not early & set(names)
    assert names.count("deferlow") == (1 if is_device(patcher) else 2)
    shared = {"s", "r", "send", "receive", "v", "value", "pv", "coll", "table", "dict", "buffer~"}
    for box in boxes(patcher):
        name, *words = box.get("text", "").split() or [""]
        if name in shared and box["maxclass"] == "newobj":
            assert words
            assert words[0].startswith("---")
        assert box["maxclass"] != "message" or ";" not in box["text"]


def live_gets_what_it_asks_for(patcher: Json) -> None:
    """Kind, size and dependency are what Live and Max read of a device."""
    if is_device(patcher):
        assert patcher["project"]["amxdtype"] == int.from_bytes(b"mmmm", "big")
        assert patcher["openrect"] == [0, 0, patcher["devicewidth"], 169]
        assert [entry["name"] for entry in patcher["dependency_cache"]] == ["link.js", "clips.js"]
    assert patcher["fileversion"] == 1
    assert patcher["appversion"]["major"] == 8


CHECKS: Final[tuple[Callable[[Json], None], ...]] = (
    ids_are_unique,
    every_object_is_known,
    cords_go_from_outlets_to_inlets,
    every_object_is_connected,
    presentation_is_in_whole_pixels,
    parameters_are_what_they_should_be,
    buttons_are_no_parameters,
    keyboards_are_only_looked_at,
    the_bank_of_push_names_what_is_there,
    the_script_hears_every_face,
    addresses_are_the_daemons,
    nothing_is_shared_or_printed,
    live_gets_what_it_asks_for,
)


def shipped(name: str) -> Json:
    """Return the patcher in a file of the folder."""
    data = (FOLDER / name).read_bytes()
    told = amxd.patcher(data) if name.endswith("amxd") else json.loads(data)
    patcher: Json = told["patcher"]
    return patcher


@pytest.mark.parametrize("name", ["Antiphon.amxd", "Antiphon.maxpat"])
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_shipped_patchers(check: Callable[[Json], None], name: str) -> None:
    """What ships keeps every promise that can be checked without running it."""
    check(shipped(name))


def test_the_help_file_follows_maxs_conventions() -> None:
    """It is named like the abstraction, its tabs show it in use, each with a port of its own."""
    told = shipped("Antiphon.maxhelp")
    tabs = [box["patcher"] for box in boxes(told)]
    assert [box["text"] for box in boxes(told)] == ["p basic", "p several"]
    assert told["digest"] == shipped("Antiphon.maxpat")["digest"]
    ports = []
    for tab in tabs:
        assert tab["showontab"] == 1
        ids_are_unique(tab)
        every_object_is_known(tab)
        cords_go_from_outlets_to_inlets(tab)
        every_object_is_connected(tab)
        for box in boxes(tab):
            if box["maxclass"] == "bpatcher":
                assert box["name"] == "Antiphon.maxpat"
                ports.append(box["args"][0])
    assert len(ports) == len(set(ports)) == 3
    assert ports[0] == OWN["Receive Port"][2]


def test_the_abstraction_takes_its_ports_as_arguments() -> None:
    """In Max the ports are arguments, with the device's initial values as defaults."""
    texts = [box.get("text", "") for box in boxes(shipped("Antiphon.maxpat"))]
    assert "patcherargs 7402 7401" in texts
    kinds = [box["maxclass"] for box in boxes(shipped("Antiphon.maxpat"))]
    assert (kinds.count("inlet"), kinds.count("outlet")) == (1, 2)
