"""Back ends of the system, through python-rtmidi: ALSA, Core MIDI, WinMM, JACK."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import rtmidi

from antiphon.errors import PortError
from antiphon.ports.base import Backend, Hear, PortOptions, find_port, free_names

APIS: Final[dict[str, int]] = {
    "alsa": rtmidi.API_LINUX_ALSA,
    "coremidi": rtmidi.API_MACOSX_CORE,
    "winmm": rtmidi.API_WINDOWS_MM,
    "jack": rtmidi.API_UNIX_JACK,
}
REMEDIES: Final[dict[str, str]] = {
    "alsa": "load the kernel module snd-seq ('modprobe snd-seq'), or start JACK",
    "coremidi": "restart the MIDI server in Audio MIDI Setup",
    "winmm": "install a MIDI device or a loop port such as loopMIDI",
    "jack": "start a JACK server, for example 'jackd -d dummy', or PipeWire's JACK service",
}


@contextmanager
def quiet() -> Iterator[None]:
    """Send what C libraries write to stderr nowhere, and keep JACK from starting a server."""
    os.environ["JACK_NO_START_SERVER"] = "1"
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


def probe(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the ports one can hear and play to on a back end.

    Raises
    ------
    PortError
        If the back end cannot be used.
    """
    with quiet():
        source, target = _client(name, rtmidi.MidiIn), _client(name, rtmidi.MidiOut)
        try:
            return tuple(source.get_ports()), tuple(target.get_ports())
        finally:
            source.delete()
            target.delete()


class NativeBackend(Backend):
    """Virtual ports and connections to existing ones, on one back end of the system.

    Raises
    ------
    PortError
        If the back end cannot be used, or a port that was named is not there.
    """

    def __init__(self, name: str, options: PortOptions) -> None:
        super().__init__(name)
        self._sources: list[Any] = []
        self._targets: list[Any] = []
        with quiet():
            self._open(options)

    def start(self, hear: Hear) -> None:
        """Hand every incoming message to `hear`, on the back end's own thread.

        Active sensing is left out; system exclusive and MIDI clock come too.
        """

        def callback(event: tuple[list[int], float], data: object = None) -> None:
            """Run on the back end's thread; must not wait, log or raise."""
            hear(bytes(event[0]))

        for source in self._sources:
            source.ignore_types(sysex=False, timing=False, active_sense=True)
            source.set_callback(callback)

    def close(self) -> None:
        """Close every port; closing one waits until the system has taken what was written."""
        for target in self._targets:
            target.close_port()
        for source in self._sources:
            source.cancel_callback()
            source.close_port()

    def _open(self, options: PortOptions) -> None:
        source, target = _client(self.name, rtmidi.MidiIn), _client(self.name, rtmidi.MidiOut)
        heard, played = source.get_ports(), target.get_ports()
        source.delete()
        target.delete()
        wanted_in = [heard[find_port(name, heard, "input")] for name in options.inputs]
        wanted_out = [played[find_port(name, played, "output")] for name in options.outputs]
        in_name, out_name = free_names([*heard, *played])
        if options.virtual and self.name == "winmm":
            self.warnings.append(
                "Windows has no virtual MIDI ports; name existing ones with --input and --output"
                " (loopMIDI makes some)"
            )
        elif options.virtual:
            self._open_source(in_name, None)
            self._open_target(out_name, None)
        for port in dict.fromkeys(wanted_in):
            self._open_source(in_name, port)
        for port in dict.fromkeys(wanted_out):
            self._open_target(out_name, port)

    def _open_source(self, own: str, port: str | None) -> None:
        source = _client(self.name, rtmidi.MidiIn, own)
        self._sources.append(_connect(source, own, port, "input"))
        self.inputs.append(port or own)

    def _open_target(self, own: str, port: str | None) -> None:
        target = _client(self.name, rtmidi.MidiOut, own)
        self._targets.append(_connect(target, own, port, "output"))
        self.outputs.append(port or own)
        self.sinks.append(target.send_message)


def _client(name: str, kind: Any, own: str = "Antiphon") -> Any:
    """Open a client of a back end; JACK names it after its port, the others after us.

    JACK renames the second client of a name, so that one name for all would be misleading.
    """
    if APIS[name] not in rtmidi.get_compiled_api():
        raise PortError(
            f"expected MIDI back end '{name}' in python-rtmidi",
            "it was built without it",
            "choose another with --backend",
        )
    try:
        return kind(APIS[name], name=own if name == "jack" else "Antiphon")
    except (rtmidi.RtMidiError, OSError) as error:
        raise PortError(
            f"expected MIDI back end '{name}' to work",
            str(error).strip(" .") or "it does not start",
            REMEDIES[name],
        ) from error


def _connect(client: Any, own: str, port: str | None, what: str) -> Any:
    """Open a client as a virtual port, or connected to an existing one."""
    try:
        if port is None:
            client.open_virtual_port(own)
        else:
            # Looked up again: opening ports of our own may have moved the numbers.
            client.open_port(find_port(port, client.get_ports(), what), name=own)
    except (rtmidi.RtMidiError, NotImplementedError, OSError) as error:
        raise PortError(
            f"expected to open {what} port '{port or own}'",
            str(error).strip(" .") or "the system refused",
            "close what else uses it, or choose another port",
        ) from error
    return client
