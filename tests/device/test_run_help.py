"""The help file for plain Max, opened with what it refers to."""

from __future__ import annotations

import pytest

from device_stand import FOLDER, scripts
from maxpatch import Clock, Memory, Patch, Transport, read
from maxpatch.objects.parameters import Parameter
from needs_node import NEEDS_NODE
from scripted_daemon import ScriptedDaemon

pytestmark = NEEDS_NODE

PORTS = (7402, 7412, 7413)


@pytest.mark.parametrize("last_first", [False, True])
def test_the_help_file_works_as_it_stands(last_first: bool) -> None:
    """Each partner in the help file has a port of its own, hears the keyboard, and plays out."""
    clock = Clock()
    network = Memory(clock)
    daemon = ScriptedDaemon(clock, network)
    patch = Patch(
        read(FOLDER / "Antiphon.maxhelp"),
        clock=clock,
        network=network,
        transport=Transport(clock),
        folder=FOLDER,
        scripts=scripts(plain=True),
        live=False,
    )
    for made in patch.objects.values():
        if isinstance(made, Parameter) and made.enabled:
            made.recall(None)
    patch.load(last_first)
    clock.advance(100)
    assert daemon.clients == set(PORTS)
    daemon.clear()
    patch.midi_in(0x90, 60, 100)
    clock.advance(1)
    assert sorted(daemon.got("note")) == [(port, 60, 100, 1) for port in PORTS]
    for port in PORTS:
        patch.midi_out.clear()
        daemon.play(port, 72, 90, 100, 20)
        clock.advance(500)
        assert [byte for _, _, byte in patch.midi_out] == [0x90, 72, 90, 0x90, 72, 0]
    assert daemon.refused == []
    assert patch.printed == []
