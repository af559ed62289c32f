"""The exceptions of Antiphon.

::

    AntiphonError                 something the user can act on; one line; exit status 2
    ├── UsageError                wrong options or arguments
    ├── PortError                 a MIDI port or back end that cannot be used
    ├── SocketError               an address that cannot be bound
    ├── MidiFileError             a MIDI file that cannot be read or written
    ├── PhraseError               notes that cannot be varied
    ├── DataError                 a data set that is missing, empty or of the wrong kind
    └── CheckpointError           a checkpoint that is missing, broken or of the wrong kind

Every message says what was expected, what was found and what to do, in one line. Anything
that is not an :class:`AntiphonError` is a bug of ours and ends with exit status 1.
"""

from __future__ import annotations


class AntiphonError(Exception):
    """Base of every error whose message is meant for the user.

    Parameters
    ----------
    expected, found, remedy : str
        The three parts of the message, without closing full stops.
    """

    def __init__(self, expected: str, found: str, remedy: str) -> None:
        self.expected, self.found, self.remedy = expected, found, remedy
        super().__init__(f"{expected}; {found}; {remedy}".replace("\n", " "))


class UsageError(AntiphonError):
    """Options or arguments that cannot be used."""


class PortError(AntiphonError):
    """A MIDI back end or port that cannot be used."""


class SocketError(AntiphonError):
    """An address that cannot be bound."""


class MidiFileError(AntiphonError):
    """A MIDI file that cannot be read or written."""


class PhraseError(AntiphonError):
    """A phrase that cannot be varied: no notes, too long, a meter or drums that do not fit."""


class DataError(AntiphonError):
    """A data set that is missing, empty or of the wrong kind."""


class CheckpointError(AntiphonError):
    """A checkpoint that is missing, broken, of an unknown version or of the wrong kind."""
