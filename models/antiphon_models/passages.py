"""Keeps a player from quoting: no long passage of the music it was trained on, in any key.

Passages are the same as :mod:`antiphon_models.generation.copying` measures it: notes in the same
order with the same intervals between them, the same distances of their onsets in sixteenths, and
the same voices; of drums, which have no key, the same drums. A checkpoint holds fingerprints of
its training music (:func:`fingerprint`), pieces as they are and their melodies alone, chosen such
that no passage of more than :data:`LONGEST` notes is without one ("winnowing": Schleimer,
Wilkerson and Aiken, 2003), in a Bloom filter, which needs 13 bits for each and takes now and then
a passage for a known one that is not.

Needs only numpy.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from antiphon.model import Event
from antiphon.music import Voice
from antiphon_models.constraints import in_general_midi
from antiphon_models.events import PITCHES, SIXTEENTH, VOICES, IntArray, Piece, sixteenths

Filter: TypeAlias = npt.NDArray[np.uint8]
"""(bytes,): the bits of a Bloom filter, the lowest of each byte first."""

Fingerprints: TypeAlias = npt.NDArray[np.uint64]

LONGEST_GAP: Final = 63
"""Sixteenths; longer gaps count as this."""

TOKENS: Final = 2 * PITCHES * (LONGEST_GAP + 1) * VOICES
"""Different tokens: what a note can be to the one before it."""

WINDOW: Final = 12
"""Tokens of a fingerprint. Shorter ones would be turns of phrase that belong to everyone."""

SPREAD: Final = 8
"""Of so many fingerprints in a row at least one is kept."""

LONGEST: Final = WINDOW + SPREAD - 1
"""Notes of the longest passage that may be as in the training music."""

BITS: Final = 13
"""Of the filter for a fingerprint. With :data:`PROBES` it errs twice in 1000 times."""

PROBES: Final = 9

MELODIES: Final = (Voice.MELODY, Voice.SECOND)
"""Voices that are known alone, too. Of accompaniments alone little would be anyone's own."""

_BASE: Final = 0x9E3779B97F4A7C15
_MIX: Final = 0xD6E8FEB86659FD93
_WORD: Final = (1 << 64) - 1


def token(step: int, gap: int, voice: int) -> int:
    """Return what tells a note from the one before it.

    Parameters
    ----------
    step : int
        Of a drum its pitch by the General MIDI map, else PITCHES and the interval in semitones.
    gap : int
        Sixteenths between the onsets.
    voice : int
        The note's :class:`antiphon.music.Voice`.
    """
    return (step * (LONGEST_GAP + 1) + min(max(gap, 0), LONGEST_GAP)) * VOICES + voice


def tokens(notes: Piece) -> IntArray:
    """Return the :func:`token` of each note but the first, (notes - 1,)."""
    notes = in_general_midi(notes)
    gap = np.clip(np.diff(sixteenths(notes.onset)), 0, LONGEST_GAP)
    drum = notes.voice[1:] == Voice.DRUMS
    step = np.where(drum, notes.pitch[1:], np.diff(notes.pitch) + PITCHES)
    found: IntArray = (step * (LONGEST_GAP + 1) + gap) * VOICES + notes.voice[1:]
    return found


def fingerprint(window: Iterable[int]) -> int:
    """Return a number of 64 bits for WINDOW tokens, the same as :func:`fingerprints` does."""
    found = 0
    for each in window:
        found = (found * _BASE + each + 1) & _WORD
    for _ in range(2):
        found = (found ^ found >> 32) * _MIX & _WORD
    return found ^ found >> 32


def fingerprints(told: IntArray) -> Fingerprints:
    """Return the fingerprint of every WINDOW tokens in a row, (tokens - WINDOW + 1,) or none."""
    count = max(len(told) - WINDOW + 1, 0)
    word = told.astype(np.uint64) + np.uint64(1)
    found = np.zeros(count, np.uint64)
    for place in range(WINDOW):
        found = found * np.uint64(_BASE) + word[place : place + count]
    for _ in range(2):
        found = (found ^ found >> np.uint64(32)) * np.uint64(_MIX)
    return found ^ found >> np.uint64(32)


def winnow(found: Fingerprints) -> Fingerprints:
    """Return the least of any SPREAD fingerprints in a row, each once, ascending."""
    if len(found) < SPREAD:
        return found[:0]  # shorter than what is refused
    return np.unique(sliding_window_view(found, SPREAD).min(1))


def learn_passages(pieces: Iterable[Piece]) -> Filter:
    """Return the filter of some music.

    Parameters
    ----------
    pieces : iterable of Piece
        Sorted pieces. About two bytes a note are needed besides the filter.
    """
    kept = []
    for piece in pieces:
        kept.append(winnow(fingerprints(tokens(piece))))
        parts = (piece.voice == voice for voice in MELODIES)
        kept += [winnow(fingerprints(tokens(piece.select(part)))) for part in parts if part.any()]
    known = np.unique(np.concatenate([np.zeros(0, np.uint64), *kept]))
    bits = np.zeros(-(-len(known) * BITS // 8) * 8, np.bool_)
    first, step = known & np.uint64(0xFFFFFFFF), known >> np.uint64(32) | np.uint64(1)
    for probe in range(PROBES):
        bits[(first + np.uint64(probe) * step) % np.uint64(max(len(bits), 1))] = True
    return np.packbits(bits, bitorder="little")


class Passages:
    """The passages of some music, to be asked for one by one.

    Parameters
    ----------
    bits : ndarray
        As :func:`learn_passages` returns it.
    """

    def __init__(self, bits: Filter) -> None:
        self._bytes, self._size = bits.tobytes(), 8 * len(bits)

    def __contains__(self, found: int) -> bool:
        """Tell whether a fingerprint is known; twice in 1000 times wrongly so."""
        if not self._size:
            return False
        first, step = found & 0xFFFFFFFF, found >> 32 | 1
        for probe in range(PROBES):
            at = (first + probe * step) % self._size
            if not self._bytes[at >> 3] >> (at & 7) & 1:
                return False
        return True


@dataclass(frozen=True, slots=True)
class Line:
    """The notes that a player played last, as far as passages are made of them.

    Attributes
    ----------
    tokens : tuple of int
        Of the latest notes, WINDOW - 1 at most.
    onset, pitch : int
        Sixteenth and pitch of the last note; -1 before the first.
    """

    tokens: tuple[int, ...] = ()
    onset: int = -1
    pitch: int = -1

    def after(self, event: Event) -> Line:
        """Return the line with one more note."""
        at, pitch = (int(event.onset) + SIXTEENTH // 2) // SIXTEENTH, event.pitch
        if self.pitch < 0:
            return Line((), at, pitch)
        told = self._token(at, event.voice, pitch)
        return Line((*self.tokens, told)[1 - WINDOW :], at, pitch)

    def quotes(self, passages: Passages, onset: int, voice: Voice, pitch: int) -> bool:
        """Tell whether a next note would end a passage that is known.

        Parameters
        ----------
        passages : Passages
            What is known.
        onset : int
            Ticks.
        voice : Voice
            Whose note it is.
        pitch : int
            MIDI pitch, of a drum by the General MIDI map.
        """
        if len(self.tokens) < WINDOW - 1:
            return False
        at = (onset + SIXTEENTH // 2) // SIXTEENTH
        return fingerprint((*self.tokens, self._token(at, voice, pitch))) in passages

    def _token(self, at: int, voice: Voice, pitch: int) -> int:
        step = pitch if voice is Voice.DRUMS else pitch - self.pitch + PITCHES
        return token(step, at - self.onset, voice)
