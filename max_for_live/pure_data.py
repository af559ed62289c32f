"""Builds ``antiphon.pd`` and ``antiphon-help.pd``, Pure Data's client for Antiphon.

Its subpatches talk over names that begin with ``$0-``, so that instances are kept apart:

===================  =======================================================================
``out``              bytes for the daemon, sent while it is there
``send``             bytes for the daemon, sent at once
``port``             the reply port
``gate``             1 while ``out`` is sent
``connected``        1 when the daemon has answered, 0 when it is lost
``heard``            what the daemon says, without ``/antiphon``
``note``             pitch, velocity and channel for the first outlet
``status``           a message for the second outlet
``face-NAME``        a value for a face: from the panel, or from the message ``set``
``told-NAME``        a value for a face: from the daemon, or saved with the patch around
``show-NAME``        ``set VALUE``: what the panel shows
``now-NAME``         the value of a face that something here depends on
``do-NAME``          a button of the panel
``saving``           the name and value of a face, while the patch around is saved
``dump``             every face shows its value and sends it; ``dump-mode`` follows
``silence``          ends what the partner sounds, and forgets what he was about to play
``release``          ends what ``thru`` sounds
===================  =======================================================================
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pd_messages
import pd_sound
import pd_values
import pd_wire
from pd_canvas import Canvas
from pd_help import help_patch
from pd_panel import Panel, panel_size

HERE: Final = Path(__file__).parent


def patch() -> str:
    """Return the text of ``antiphon.pd``."""
    c = Canvas()
    Panel(c)
    width, height = panel_size()
    c.graph(width, height)
    y = height + 30
    notes, said = c.box(20, y, "inlet"), c.sub(20, y + 30, pd_messages.messages())
    c.cord(notes, said)
    # Pd numbers outlets by their place from left to right.
    sound, played = c.sub(120, y + 30, pd_sound.sound()), c.box(120, y + 60, "outlet")
    c.cord(sound, played)
    status, told = c.box(220, y + 30, "r $0-status"), c.box(220, y + 60, "outlet")
    c.cord(status, told)
    parts = (
        pd_wire.wire(),
        pd_wire.heard(),
        pd_values.faces(),
        pd_values.mode(),
        pd_values.words(),
        pd_values.saving(),
    )
    for place, part in enumerate(parts):
        c.sub(340 + 80 * place, y + 30, part)
    return c.text()


def files() -> dict[Path, bytes]:
    """Return the files that are built here, with their contents."""
    texts = {"antiphon.pd": patch(), "antiphon-help.pd": help_patch().text()}
    return {HERE / name: text.encode() for name, text in texts.items()}


def main() -> None:
    """Write the files."""
    for path, data in files().items():
        path.write_bytes(data)


if __name__ == "__main__":
    main()
