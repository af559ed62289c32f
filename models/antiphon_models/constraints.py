"""What the partner's own notes, and the controls, leave open to the next note.

Only the partner's *own* notes bind the next one (:class:`Own`); what the player does is
theirs. A window, register and scale are always kept. Density, polyphony and pitches that
still sound are kept too, unless the window leaves no onset at which they could be: then the
window wins, because the caller needs a note there. Time goes forward: a window is taken to
end at or after the last own onset.

Needs only numpy.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from antiphon.model import Controls, Event, Window
from antiphon.music import TICKS_PER_BEAT, Scale, Voice
from antiphon_models.events import BIN_TICKS, PITCHES, Piece

Mask: TypeAlias = npt.NDArray[np.float32]
"""Added to logits: 0 where a class is open, minus infinity where it is closed."""

MOST_ONSETS: Final = 16
"""Onsets in a beat at density 1."""

GENERAL_MIDI: Final[dict[int, int]] = {22: 42, 26: 46, 52: 57, 55: 49, 58: 43}
"""Edges and rims that electronic kits send, and so drummers' recordings hold, at pitches where
General MIDI has nothing or another instrument -> the same cymbal or drum in General MIDI.
Source: the drum mapping on the page of the Groove MIDI Dataset (Roland TD-11)."""

_DRUMS: Final = np.array([GENERAL_MIDI.get(pitch, pitch) for pitch in range(PITCHES)])

_BIN_TICKS: Final[list[int]] = BIN_TICKS.tolist()


class OwnNote(NamedTuple):
    """A note of the partner's own, in ticks."""

    onset: int
    pitch: int
    end: int
    drum: bool


@dataclass(frozen=True, slots=True)
class Own:
    """The partner's own notes, as far as they bind the next one.

    Attributes
    ----------
    onsets : tuple of int
        The latest different onsets, ascending, in ticks; no more than MOST_ONSETS.
    notes : tuple of OwnNote
        Those that still sound at the latest onset.
    """

    onsets: tuple[int, ...] = ()
    notes: tuple[OwnNote, ...] = ()

    def heard(self, event: Event) -> Own:
        """Return the notes after one more; a duration that is not known counts as one tick."""
        onset = int(event.onset)
        end = onset + max(event.duration or 1, 1)
        note = OwnNote(onset, event.pitch, end, event.voice is Voice.DRUMS)
        onsets = self.onsets
        if onset not in onsets:
            onsets = tuple(sorted((*onsets, onset))[-MOST_ONSETS:])
        return Own(onsets, (*(n for n in self.notes if n.end > onset), note))


@dataclass(frozen=True, slots=True)
class Onsets:
    """The onsets open to the next note.

    Attributes
    ----------
    first, stop : int
        Shift bins ``first <= bin < stop`` are open.
    chord : bool
        Whether bin 0 is open besides.
    forced : int or None
        The onset in ticks where no bin is open.
    """

    first: int = 0
    stop: int = 0
    chord: bool = False
    forced: int | None = None


def in_general_midi(piece: Piece) -> Piece:
    """Return a piece with its drums as the player plays them: by the General MIDI map."""
    drums = piece.voice == Voice.DRUMS
    return replace(piece, pitch=np.where(drums, _DRUMS[piece.pitch], piece.pitch))


def closed(classes: int) -> Mask:
    """Return a mask (classes,) that leaves nothing open."""
    return np.full(classes, -np.inf, np.float32)


def is_open(mask: Mask) -> bool:
    """Tell whether a mask leaves anything open."""
    return bool(mask[mask.argmax()] == 0)


@lru_cache(maxsize=256)
def pitch_mask(low: int, high: int, key: int, scale: Scale) -> Mask:
    """Return the mask (128,) of register and scale; something is always open.

    A register without a pitch of the scale is widened to the nearest one.
    """
    low, high = sorted((min(max(low, 0), PITCHES - 1), min(max(high, 0), PITCHES - 1)))
    classes = scale.pitch_classes(key)
    in_scale = np.array([pitch % 12 in classes for pitch in range(PITCHES)])
    pitch = np.arange(PITCHES)
    outside = np.maximum(np.maximum(low - pitch, pitch - high), 0)
    mask = closed(PITCHES)
    mask[in_scale & (outside == outside[in_scale].min())] = 0
    mask.flags.writeable = False
    return mask


@lru_cache(maxsize=256)
def _open_count(low: int, high: int, key: int, scale: Scale) -> int:
    """Return how many pitches :func:`pitch_mask` leaves open; never 0."""
    return int(np.count_nonzero(pitch_mask(low, high, key, scale) == 0))


def most_onsets(density: float) -> int:
    """Return how many different onsets any beat may have."""
    return min(max(1, round(MOST_ONSETS * density)), MOST_ONSETS)


def open_onsets(own: Own, last: int | None, window: Window, controls: Controls) -> Onsets:
    """Find the onsets at which the next note may fall.

    Parameters
    ----------
    own : Own
        The partner's own notes.
    last : int or None
        Onset in ticks that shifts are counted from; None before the first note, which falls
        on the window's start, because the network has nothing to count from.
    window, controls
        As asked.
    """
    earliest, latest = max(window.earliest, 0), max(window.latest, 0)
    if last is None:
        return Onsets(forced=earliest)
    free = _pitch_free_from(own, controls)
    start = max(earliest, free)  # from here on a new onset is allowed
    chord_at = None
    if own.onsets:
        newest, most = own.onsets[-1], most_onsets(controls.density)
        struck = sum(note.onset == newest for note in own.notes)
        room = struck < min(max(controls.polyphony, 1), PITCHES)
        if room and max(earliest, free) <= newest <= latest:
            chord_at = newest
        start = max(start, newest + 1)
        if len(own.onsets) >= most:
            start = max(start, own.onsets[-most] + TICKS_PER_BEAT)
    first = bisect_left(_BIN_TICKS, start - last)
    stop = bisect_right(_BIN_TICKS, latest - last)
    chord = chord_at == last
    if first < stop or chord:
        return Onsets(first, max(first, stop), chord)
    if start <= latest:
        return Onsets(forced=min(max(start, last), latest))
    return Onsets(forced=latest if chord_at is None else chord_at)


def _pitch_free_from(own: Own, controls: Controls) -> int:
    """Return the first tick at which some voice has a pitch that does not sound."""
    asked = (controls.low, controls.high, controls.key, controls.scale)
    if Voice.DRUMS in controls.voices or len(own.notes) < _open_count(*asked):
        return 0
    mask = pitch_mask(*asked)
    ends: dict[int, int] = {}
    for note in own.notes:
        if not note.drum and mask[note.pitch] == 0:
            ends[note.pitch] = max(note.end, ends.get(note.pitch, 0))
    return min(ends.values()) if len(ends) == _open_count(*asked) else 0


def open_pitches(own: Own, onset: int, controls: Controls) -> tuple[Mask, Mask]:
    """Return the masks (128,) of pitched voices and of drums at an onset.

    A drum is closed if what it is played as (:data:`GENERAL_MIDI`) is struck there already.
    """
    pitched = pitch_mask(controls.low, controls.high, controls.key, controls.scale).copy()
    drums = np.zeros(PITCHES, np.float32)
    for note in own.notes:
        if note.drum:
            if note.onset == onset:
                drums[note.pitch] = -np.inf
        elif note.end > onset:
            pitched[note.pitch] = -np.inf
    return pitched, drums[_DRUMS]
