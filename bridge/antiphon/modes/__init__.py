"""Modes: what the partner does with what it hears. One file a mode, pure functions only."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Final

from antiphon.commands import Mode
from antiphon.modes import base, loop, off, respond, solo

RULES: Final[dict[Mode, tuple[ModuleType, Any]]] = {
    Mode.OFF: (off, base.Idle()),
    Mode.RESPOND: (respond, base.Idle()),
    Mode.LOOP: (loop, loop.Waiting()),
    Mode.SOLO: (solo, solo.Due()),
}
"""Each mode's functions and its first state."""
