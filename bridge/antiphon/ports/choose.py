"""Which MIDI back end is used: by name, or the first that works."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Final

from antiphon.errors import PortError, UsageError
from antiphon.ports.base import Backend, PortOptions
from antiphon.ports.memory import MemoryBackend, NoBackend

NAMES: Final = ("auto", "alsa", "coremidi", "winmm", "jack", "none")
"""The choices of ``--backend``; ``memory`` exists too, for tests and measuring."""


@dataclass(frozen=True, slots=True)
class Available:
    """One MIDI back end, as ``antiphon ports`` lists it.

    Attributes
    ----------
    name : str
        As in ``--backend``.
    usable : bool
        Whether it works here.
    reason : str
        Why not, and what to do; empty if it is usable.
    inputs, outputs : tuple of str
        The ports that exist (ours to hear, ours to play to).
    chosen : bool
        Whether ``auto`` takes it.
    """

    name: str
    usable: bool
    reason: str = ""
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    chosen: bool = False


def candidates() -> tuple[str, ...]:
    """Return the back ends ``auto`` tries, the platform's own first."""
    native = {"darwin": "coremidi", "win32": "winmm"}.get(sys.platform, "alsa")
    return (native,) if native == "winmm" else (native, "jack")


def open_backend(options: PortOptions) -> Backend:
    """Open the ports.

    Raises
    ------
    PortError
        If the back end named does not work here, or a port named is not there.
    UsageError
        If there is no back end of that name.
    """
    if options.backend == "memory":
        return MemoryBackend()
    if options.backend == "none":
        return NoBackend()
    if options.backend not in NAMES:
        raise UsageError(
            f"expected a back end out of {', '.join(NAMES)}",
            f"got '{options.backend}'",
            "choose one of them",
        )
    from antiphon.ports.native import NativeBackend, probe

    if options.backend != "auto":
        return NativeBackend(options.backend, options)
    failures = []
    for name in candidates():
        try:
            probe(name)
        except PortError as error:
            failures.append(f"{name}: {error.found} ({error.remedy})")
            continue
        return NativeBackend(name, options)
    if options.inputs or options.outputs:
        raise PortError(
            "expected MIDI to connect to the ports named",
            "no MIDI back end works: " + "; ".join(failures),
            "do what it says there, or leave out --input and --output",
        )
    return NoBackend("no MIDI, OSC only: " + "; ".join(failures))


def list_ports() -> tuple[Available, ...]:
    """Look at every back end of this platform, without opening a port of ours."""
    from antiphon.ports.native import probe

    found: list[Available] = []
    chosen = False
    for name in candidates():
        try:
            inputs, outputs = probe(name)
        except PortError as error:
            found.append(Available(name, False, f"{error.found}; {error.remedy}"))
            continue
        found.append(Available(name, True, "", inputs, outputs, not chosen))
        chosen = True
    found.append(Available("none", True, chosen=not chosen))
    return tuple(found)
