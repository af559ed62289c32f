"""Builds everything in this folder that is built: ``make device``, or ``python device.py``.

``Antiphon.amxd`` is a frozen MIDI effect that holds its scripts too, so that one file is enough.
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
from patcher import Patcher, bank, needed
from tight import tight
from wire import CLIPS, SCRIPT, Wire

HERE: Final = Path(__file__).parent
DEVICE: Final = HERE / "Antiphon.amxd"
CLIPS_SCRIPT: Final = "clips.js"
SCRIPTS: Final = (SCRIPT, CLIPS_SCRIPT)


def device() -> bytes:
    """Return the device's file."""
    entries = (
        amxd.Entry(DEVICE.name, b"JSON", patcher() + amxd.END, amxd.IS_DEVICE),
        *(amxd.Entry(name, b"TEXT", tight((HERE / name).read_text("utf-8"))) for name in SCRIPTS),
    )
    return amxd.pack(amxd.Device(amxd.MIDI_EFFECT, amxd.FROZEN, entries))


def patcher() -> bytes:
    """Return the JSON of the device's patcher, as short as it can be."""
    p = Patcher(compact=True)
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
    clips = p.script(f"js {CLIPS_SCRIPT}", 2)
    p.cord(wire.script, clips, CLIPS)
    p.cord(clips, wire.link, 0, 1)
    p.cord(clips, faces["Clip Status"], 1)
    p.shorten()
    return p.json(**_frame()).replace(b"\n", b"")


def _frame() -> dict[str, Any]:
    """Return what a device's patcher tells of itself."""
    code = {name: {"kind": "javascript", "local": 1} for name in SCRIPTS}
    return {
        "rect": [60, 80, 1200, 760],
        "openrect": [0, 0, panel.WIDTH, 169],
        "openinpresentation": 1,
        "default_fontsize": 10.0,
        "default_fontname": "Arial",
        "devicewidth": panel.WIDTH,
        "description": "Antiphon, a partner that answers what you play.",
        "parameters": {"parameterbanks": bank("Antiphon", BANK)},
        "dependency_cache": [needed(name) for name in SCRIPTS],
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
            "contents": {"patchers": {}, "code": code},
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
    }


def main() -> None:
    """Write every built file."""
    DEVICE.write_bytes(device())
    for path, data in {**plain.files(), **pure_data.files()}.items():
        path.write_bytes(data)
    manual.README.write_text(manual.written(), encoding="utf-8")


if __name__ == "__main__":
    main()
