"""Builds ``antiphon.pd`` and its help, Pure Data's client for Antiphon."""

from __future__ import annotations

from pathlib import Path

import pd_core
from pd_canvas import Canvas


def patch() -> str:
    """Return the text of ``antiphon.pd``."""
    c = Canvas(width=720, height=420)
    notes = c.box(20, 320, "inlet")
    said = c.sub(20, 350, pd_core.messages())
    c.cord(notes, said)
    sound = c.sub(120, 350, pd_core.sound())
    c.cord(sound, c.box(120, 380, "outlet"))
    out = c.box(320, 360, "r $0-status")
    c.cord(out, c.box(320, 380, "outlet"))
    for inner in (pd_core.wire(), pd_core.heard(), pd_core.faces(), pd_core.mode(), pd_core.status(), pd_core.saving()):
        c.sub(220, 350, inner)
    return c.text()


def main() -> None:
    """Write the files beside this one."""
    Path(__file__).with_name("antiphon.pd").write_text(patch(), encoding="utf-8")


if __name__ == "__main__":
    main()
