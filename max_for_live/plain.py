"""The patcher for plain Max, and its help file.

``Antiphon.maxpat`` is an abstraction: raw MIDI comes in by its inlet; what passes and what the
partner plays leave by two outlets. Its arguments are the receive port and the daemon's port.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import panel
from faces import BANK
from patcher import Patcher, bank, needed
from wire import SCRIPT, Wire

HERE: Final = Path(__file__).parent
PATCHER: Final = HERE / "Antiphon.maxpat"
HELP: Final = HERE / "Antiphon.maxhelp"
HEIGHT: Final = 169

DIGEST: Final = "A partner that answers what you play"
DESCRIPTION: Final = (
    "Tells the Antiphon daemon what you play, and plays what it answers. "
    "Start antiphon play on the same computer first."
)
ENDS: Final = (
    ("inlet", "raw MIDI of what you play, as from midiin"),
    ("outlet", "raw MIDI that passes (Thru), for midiout"),
    ("outlet", "raw MIDI of the partner, for midiout"),
)
"""The abstraction's inlet and outlets, with what Max says of them."""


def files() -> dict[Path, bytes]:
    """Return what is built here."""
    return {PATCHER: patcher(), HELP: help_file()}


def patcher() -> bytes:
    """Return the abstraction's file."""
    p = Patcher()
    faces = panel.build(p, clips=False)
    p.section("ends and arguments")
    source, thru, out = (
        p.add(kind, comment=comment, index=max(1, place))
        for place, (kind, comment) in enumerate(ENDS)
    )
    # Max promises no order in loading: initial values come first, then arguments, then the start.
    loaded, given, ready = p.new("patcherargs 7402 7401"), p.new("deferlow"), p.new("t b l")
    ports = p.new("unpack 7402 7401")
    p.chain(loaded, given, ready)
    p.cord(ready, ports, 1)
    p.cord(ports, faces["Receive Port"])
    p.cord(ports, faces["Daemon Port"], 1)
    Wire(p, faces, source, thru, out, ready)
    return p.json(
        **_window(panel.WIDTH, HEIGHT),
        openrect=[0, 0, panel.WIDTH, HEIGHT],
        openinpresentation=1,
        **_about(),
        parameters={"parameterbanks": bank("Antiphon", BANK)},
        dependency_cache=[needed(SCRIPT)],
        autosave=0,
    )


def help_file() -> bytes:
    """Return the help file, with a tab for a first try and one for several partners."""
    top = Patcher()
    for name, build in (("basic", _basic), ("several", _several)):
        tab = Patcher()
        build(tab)
        inner = tab.tree(**_window(920, 520), showontab=1)
        top.patcher(name, inner)
    return top.json(
        **_window(920, 560),
        **_about(),
        dependency_cache=[needed(PATCHER.name, "JSON"), needed(SCRIPT)],
        autosave=0,
    )


def _basic(p: Patcher) -> None:
    _title(p, "Antiphon", DIGEST)
    _text(p, 70, DESCRIPTION)
    source = p.new("midiin", at=(20, 110))
    _beside(p, 110, "double-click: the port of your keyboard")
    partner = _partner(p, 150, 7402, 7401)
    thru = p.new("midiout", at=(20, 340))
    out = p.new("midiout", at=(120, 340))
    _beside(p, 340, "double-click: the ports of your instruments (left: you, right: the partner)")
    p.cord(source, partner)
    p.cord(partner, thru)
    p.cord(partner, out, 1)
    _text(p, 390, "Play a phrase and stop: after a beat of silence the answer comes.")
    _text(
        p, 412, "Start the transport (Global Transport window) and the partner follows its tempo."
    )
    _text(p, 434, "Arguments: receive port (7402), port of the daemon (7401).")
    _text(p, 456, "Status shows what the daemon does; No Daemon means: start antiphon play.")


def _several(p: Patcher) -> None:
    _title(p, "Several partners", "Each hears only what is played into it")
    _text(p, 70, "Each needs a receive port of its own, as its first argument.")
    for place, port in enumerate((7412, 7413)):
        top = 100 + 210 * place
        source = p.new("midiin", at=(20, top))
        partner = _partner(p, top + 30, port, 7401, height=129)
        out = p.new("midiout", at=(20, top + 170))
        p.cord(source, partner)
        p.cord(partner, out, 1)


def _partner(p: Patcher, top: int, receive: int, daemon: int, height: int = HEIGHT) -> Any:
    return p.add(
        "bpatcher",
        at=(20, top, panel.WIDTH, height),
        name=PATCHER.name,
        args=[receive, daemon],
        viewvisibility=1,
    )


def _title(p: Patcher, title: str, digest: str) -> None:
    p.add("comment", title, at=(20, 14, 600, 30), fontsize=24.0, fontface=1)
    p.add("comment", digest, at=(20, 44, 600, 22), fontsize=13.0)


def _text(p: Patcher, top: int, text: str) -> None:
    p.add("comment", text, at=(20, top, 860, 20))


def _beside(p: Patcher, top: int, text: str) -> None:
    p.add("comment", text, at=(220, top, 660, 20))


def _window(width: int, height: int) -> dict[str, Any]:
    return {
        "rect": [60, 80, width, height],
        "default_fontsize": 12.0,
        "default_fontname": "Arial",
        "gridsize": [15, 15],
    }


def _about() -> dict[str, Any]:
    return {"description": DESCRIPTION, "digest": DIGEST, "tags": "MIDI OSC improvisation"}
