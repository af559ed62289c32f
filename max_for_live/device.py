"""Builds everything in this folder that is built: ``make device``, or ``python device.py``.

``Antiphon.amxd`` is a frozen MIDI effect that holds ``clips.js`` too, so that one file is enough.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import amxd
import manual
import panel
import plain
import pure_data
from faces import BANK
from patcher import Patcher, bank
from wire import HEARD, Wire

HERE: Final = Path(__file__).parent
DEVICE: Final = HERE / "Antiphon.amxd"
SCRIPT: Final = "clips.js"

CLIP_MESSAGES: Final = {
    "/antiphon/error": "refused",
    "/antiphon/phrase": "phrase",
    "/antiphon/variation": "varied",
    "/antiphon/clip/begin": "begin",
    "/antiphon/clip/note": "note",
    "/antiphon/clip/end": "end",
}
"""What ``clips.js`` calls what Antiphon tells."""


def device() -> bytes:
    """Return the device's file."""
    entries = (
        amxd.Entry(DEVICE.name, b"JSON", patcher() + amxd.END, amxd.IS_DEVICE),
        amxd.Entry(SCRIPT, b"TEXT", _script()),
    )
    return amxd.pack(amxd.Device(amxd.MIDI_EFFECT, amxd.FROZEN, entries))


def patcher() -> bytes:
    """Return the JSON of the device's patcher, as short as it can be."""
    p = Patcher(titles=False)
    faces = panel.build(p)
    p.section("MIDI")
    this = p.new("live.thisdevice")
    wire = Wire(p, faces, p.new("midiin"), p.new("midiout"), p.new("midiout"), this)
    # Live turns a device off without telling its objects: the notes it holds end here.
    p.section("device on or off")
    turned, off = p.new("t b i"), p.new("sel 0")
    p.cord(this, turned, 1)
    p.cord(turned, wire.active, 1, 1)
    p.cord(turned, wire.active)
    p.cord(this, off, 1)
    p.cord(off, wire.thru)
    p.section("clips")
    script = p.new(f"js {SCRIPT}")
    for address, name in CLIP_MESSAGES.items():
        told = p.new(f"prepend {name}")
        p.cord(wire.heard, told, HEARD.index(address))
        p.cord(told, script)
    read, channel = p.message("read"), p.new("prepend channel")
    p.chain(faces["Read Clip"], read, script)
    p.chain(wire.channel, channel, script)
    pressed, what, write = p.new("t b"), p.new("i"), p.new("prepend write")
    p.cord(faces["Clip"], what, 0, 1)
    p.chain(faces["Write Clip"], pressed, what, write, script)
    p.cord(script, wire.link, 0, 1)
    status = p.new("route status")
    p.cord(script, status, 1)
    p.cord(status, faces["Clip Status"])
    return p.json(**_frame(p)).replace(b"\n", b"")


def _frame(p: Patcher) -> dict[str, Any]:
    """Return what a device's patcher tells of itself."""
    return {
        "rect": [60, 80, 1200, 760],
        "openrect": [0, 0, panel.WIDTH, 169],
        "openinpresentation": 1,
        "default_fontsize": 10.0,
        "default_fontname": "Arial",
        "gridsize": [8, 8],
        "boxanimatetime": 200,
        "devicewidth": panel.WIDTH,
        "description": "Antiphon, a partner that answers what you play.",
        "parameters": {**p.parameters, "parameterbanks": bank("Antiphon", BANK)},
        "dependency_cache": [
            {
                "name": SCRIPT,
                "bootpath": "~",
                "patcherrelativepath": ".",
                "type": "TEXT",
                "implicit": 1,
            }
        ],
        "latency": 0,
        "project": {
            "version": 1,
            "creationdate": amxd.SAVED,
            "modificationdate": amxd.SAVED,
            "viewrect": [0, 0, 300, 500],
            "autoorganize": 1,
            "hideprojectwindow": 1,
            "showdependencies": 1,
            "autolocalize": 0,
            "contents": {"patchers": {}, "code": {SCRIPT: {"kind": "javascript", "local": 1}}},
            "layout": {},
            "searchpath": {},
            "detailsvisible": 0,
            "amxdtype": int.from_bytes(amxd.MIDI_EFFECT, "big"),
            "readonly": 0,
            "devpathtype": 0,
            "devpath": ".",
            "sortmode": 0,
            "viewmode": 0,
        },
        "autosave": 0,
    }


def _script() -> bytes:
    """Return ``clips.js`` without indentation and lines of comment: a device is to stay small."""
    lines = map(str.strip, (HERE / SCRIPT).read_text(encoding="utf-8").splitlines())
    kept = [line for line in lines if line and not line.startswith("//")]
    return ("\n".join(kept) + "\n").encode()


def main() -> None:
    """Write every built file."""
    DEVICE.write_bytes(device())
    for path, data in {**plain.files(), **pure_data.files()}.items():
        path.write_bytes(data)
    manual.README.write_text(manual.written(), encoding="utf-8")


if __name__ == "__main__":
    main()
