"""What a MIDI back end is, how it is asked for, and how its ports are named."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from antiphon.errors import PortError
from antiphon.lanes import Sink
from antiphon.output import LATE

IN_NAME: Final = "Antiphon In"
OUT_NAME: Final = "Antiphon Out"

Hear = Callable[[bytes], None]
"""Takes one incoming message, on the back end's own thread."""


@dataclass(frozen=True, slots=True)
class PortOptions:
    """How the ports are to be opened.

    Attributes
    ----------
    backend : str
        ``auto``, ``alsa``, ``coremidi``, ``winmm``, ``jack``, ``memory`` or ``none``.
    inputs, outputs : tuple of str
        Existing ports to connect to besides the virtual ones; part of a name is enough.
    virtual : bool
        Whether to open ``Antiphon In`` and ``Antiphon Out``.
    late : float
        Seconds after which a late note is dropped whole.
    written : bool
        Whether every message that goes out is reported.
    """

    backend: str = "auto"
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    virtual: bool = True
    late: float = float(LATE)
    written: bool = False

    def to_text(self) -> str:
        """Return the options as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> PortOptions:
        """Read what :meth:`to_text` wrote."""
        fields: dict[str, Any] = json.loads(text)
        for name in ("inputs", "outputs"):
            fields[name] = tuple(fields[name])
        return cls(**fields)


class Backend(ABC):
    """Open ports of one kind.

    Attributes
    ----------
    name : str
        As in ``--backend``.
    inputs, outputs : list of str
        Names of the open ports.
    sinks : list of Sink
        One for each output.
    warnings : list of str
        One line each, for the user.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.sinks: list[Sink] = []
        self.warnings: list[str] = []

    @abstractmethod
    def start(self, hear: Hear) -> None:
        """Hand every incoming message to `hear` from now on."""

    @abstractmethod
    def close(self) -> None:
        """Close the ports after what was written has gone out; `hear` is called no more."""


def plain_name(port: str) -> str:
    """Strip what a back end puts round a port's own name.

    ALSA says ``client:port 128:0``, JACK ``client:port``, the others just ``port``.
    """
    return re.sub(r" \d+:\d+$", "", port).rpartition(":")[2]


def free_names(taken: Iterable[str]) -> tuple[str, str]:
    """Return names for the virtual input and output, with the lowest suffix free for both."""
    names = {plain_name(port) for port in taken}
    number = 1
    while True:
        suffix = "" if number == 1 else f" {number}"
        if not names & {IN_NAME + suffix, OUT_NAME + suffix}:
            return IN_NAME + suffix, OUT_NAME + suffix
        number += 1


def find_port(wanted: str, existing: Sequence[str], what: str) -> int:
    """Return the index of the port that `wanted` names.

    Parameters
    ----------
    wanted : str
        The name or a part of it, in any case; the whole name wins over a part.
    existing : sequence of str
        The ports there are.
    what : str
        ``input`` or ``output``, for the message.

    Raises
    ------
    PortError
        If there is none.
    """
    low = wanted.lower()
    whole = [i for i, p in enumerate(existing) if low in (p.lower(), plain_name(p).lower())]
    partly = [i for i, p in enumerate(existing) if low in p.lower()]
    for index in whole + partly:
        return index
    there = ", ".join(f"'{port}'" for port in existing) or "none"
    raise PortError(
        f"expected an {what} port whose name contains '{wanted}'",
        f"{what} ports found: {there}",
        "plug it in, or name one of those ('antiphon ports' lists them)",
    )
