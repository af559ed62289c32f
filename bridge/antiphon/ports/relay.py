"""A bare relay between two MIDI ports: what passing a message through costs at the least.

Run as ``python -m antiphon.ports.relay BACKEND`` by :mod:`antiphon.ports.measure`, which times
thru against it. It says ``ready`` on stdout and ends with its stdin.
"""

from __future__ import annotations

import sys

import rtmidi

from antiphon.ports.native import APIS
from antiphon.ports.process import ask_for_priority

IN_NAME = "Antiphon bench in"
OUT_NAME = "Antiphon bench out"


def main() -> None:
    """Open the two ports and relay until stdin ends."""
    ask_for_priority()
    api = APIS[sys.argv[1]]
    source, target = rtmidi.MidiIn(api, name=IN_NAME), rtmidi.MidiOut(api, name=OUT_NAME)
    target.open_virtual_port(OUT_NAME)
    source.open_virtual_port(IN_NAME)
    source.set_callback(lambda event, data=None: target.send_message(event[0]))
    print("ready", flush=True)
    sys.stdin.read()
    source.cancel_callback()
    source.close_port()
    target.close_port()
    source.delete()
    target.delete()


if __name__ == "__main__":
    main()
