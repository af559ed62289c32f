"""Builds ``antiphon.pd`` and its help, Pure Data's client for Antiphon."""

from __future__ import annotations

from pathlib import Path

import pd_core
from pd_canvas import Canvas
from pd_help import help_patch
from pd_panel import Panel, panel_size


def patch() -> str:
    """Return the text of ``antiphon.pd``."""
    c = Canvas()
    Panel(c)
    width, height = panel_size()
    y = height + 30
    notes = c.box(20, y, "inlet")
    said = c.sub(20, y + 30, pd_core.messages())
    c.cord(notes, said)
    sound = c.sub(120, y + 30, pd_core.sound())
    c.cord(sound, c.box(120, y + 60, "outlet"))
    status = c.box(220, y + 30, "r $0-status")
    c.cord(status, c.box(220, y + 60, "outlet"))
    inner = (pd_core.wire, pd_core.heard, pd_core.faces, pd_core.mode, pd_core.words, pd_core.saving)
    for place, make in enumerate(inner):
        c.sub(340 + 80 * place, y + 30, make())
    c.graph(width, height)
    return c.text()


def files() -> dict[str, str]:
    """Return the files by name."""
    return {"antiphon.pd": patch(), "antiphon-help.pd": help_patch().text()}


def main() -> None:
    """Write the files beside this one."""
    for name, text in files().items():
        Path(__file__).with_name(name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
