"""What can be wrong with a MIDI file, and what is done about it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from antiphon.errors import MidiFileError

Repairs = Counter[str]
"""How often each of :data:`REPAIRS` was done."""

REPAIRS: Final = {
    "unclosed": "closed {n} notes that had no end",
    "stuck": "shortened {n} stuck notes",
    "doubled": "joined {n} doubled notes",
    "overlapping": "cut {n} notes where they were struck again",
    "silent": "left out {n} silent or empty parts",
    "drums": "took {n} parts on other channels for drums",
    "pitched": "took {n} parts on channel 10 for pitched ones",
    "off_beat": "took the time for free: the notes do not keep to the beats",
}
"""Sorts of repairs, with what is said of them."""

REFUSALS: Final = {
    "not MIDI": "is no Standard MIDI File, or broken inside",
    "cut short": "ends before its tracks do",
    "no notes": "holds no notes",
    "silent": "holds no note that sounds",
    "beats": "has a beat_midi.txt that cannot be used",
    "type": "is of a type or a time format that cannot be placed on beats",
    "too large": "is larger, or longer, than music is",
}
"""Sorts of refusals, with what is said of the file."""


class RefusedFileError(MidiFileError):
    """A MIDI file that cannot be used.

    Parameters
    ----------
    sort : str
        One of :data:`REFUSALS`.
    expected, found, remedy : str
        As for every error.
    """

    def __init__(self, sort: str, expected: str, found: str, remedy: str) -> None:
        super().__init__(expected, found, remedy)
        self.sort = sort

    def __reduce__(self) -> tuple[type[RefusedFileError], tuple[str, str, str, str]]:
        return type(self), (self.sort, self.expected, self.found, self.remedy)


def describe(repairs: Repairs) -> list[str]:
    """Say what was repaired, in a fixed order."""
    return [text.format(n=repairs[sort]) for sort, text in REPAIRS.items() if repairs[sort]]
