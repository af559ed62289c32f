"""Back ends without a device: in memory, and none at all."""

from __future__ import annotations

from antiphon.ports.base import IN_NAME, OUT_NAME, Backend, Hear


class MemoryBackend(Backend):
    """Takes every message and keeps none; input comes as :class:`antiphon.ports.link.Inject`.

    For tests, the demonstration and measuring: what goes out is seen through
    :class:`antiphon.output.Written`.
    """

    def __init__(self) -> None:
        super().__init__("memory")
        self.inputs.append(IN_NAME)
        self.outputs.append(OUT_NAME)
        self.sinks.append(self._take)

    def start(self, hear: Hear) -> None:
        """Do nothing: no device calls."""

    def close(self) -> None:
        """Do nothing."""

    @staticmethod
    def _take(message: bytes) -> None:
        """Take a message."""


class NoBackend(Backend):
    """No MIDI: the partner is reached over OSC alone."""

    def __init__(self, *warnings: str) -> None:
        super().__init__("none")
        self.warnings.extend(warnings)

    def start(self, hear: Hear) -> None:
        """Do nothing: nothing comes in."""

    def close(self) -> None:
        """Do nothing."""
