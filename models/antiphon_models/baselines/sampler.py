"""The n-gram as a network that plays: the baseline beside everything that a player generates.

It is the part of :class:`~antiphon_models.baselines.ngram.NgramBaseline` that training was
counted for, one note at a time. What is drawn from it passes through the same constraints as
what is drawn from the player, because :class:`~antiphon_models.runtime.RecurrentPlayer` plays both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from antiphon.model import PlayerInfo
from antiphon.music import TICKS_PER_BEAT, Voice
from antiphon_models.baselines import Baselines
from antiphon_models.baselines.corpus import NOTHING
from antiphon_models.baselines.counts import Probabilities, Table, hash_row
from antiphon_models.baselines.views import NO_INTERVAL, REFERENCE
from antiphon_models.conditions import Told
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    FIELD_SIZES,
    PITCHES,
)
from antiphon_models.runtime import RecurrentPlayer
from antiphon_models.sampling import FloatArray, draw

PAST: Final = 5
"""Notes that the longest context looks back."""

_SMALLEST: Final = np.float32(1e-12)


class _Heard(NamedTuple):
    """A note that was heard, its values in bins; NOTHING before the first."""

    shift: int = NOTHING
    voice: int = NOTHING
    pitch: int = NOTHING
    velocity: int = NOTHING
    duration: int = NOTHING
    beat_phase: int = NOTHING
    struck: int = NOTHING


_EMPTY: Final = (_Heard(),) * PAST


class NgramNetwork:
    """Implements :class:`antiphon_models.network.Network` with counts instead of weights."""

    draw = staticmethod(draw)

    def __init__(self, baselines: Baselines) -> None:
        self._ngram = baselines.ngram
        self._style = NOTHING
        self._past: tuple[_Heard, ...] = _EMPTY

    def set_style(self, vector: FloatArray) -> None:
        """Play in the style with the largest share; the first entry stands for none."""
        self._style = int(vector.argmax()) - 1

    def ask(self, told: Told, plain: Told, guidance: float) -> None:
        """Do nothing: what was counted knows no conditions."""

    def output(self) -> FloatArray:
        """Return nothing: counts have no state that a head could read."""
        return np.zeros(0, np.float32)

    def clear(self) -> None:
        """Forget everything."""
        self._past = _EMPTY

    def memory(self) -> Any:
        """Return what is remembered."""
        return self._past

    def recall(self, memory: Any) -> None:
        """Go back to what :meth:`memory` returned."""
        self._past = memory

    def read(self, ids: Sequence[int] | None) -> None:
        """Take a note, or None for a beginning."""
        if ids is None:
            self._past = _EMPTY
            return
        shift, voice, pitch, velocity, duration, beat_phase, _ = ids
        last = self._past[0]
        together = shift == 0 and last.pitch != NOTHING
        struck = last.struck + 1 if together else 0
        new = _Heard(shift, voice, pitch, velocity, duration, beat_phase, struck)
        self._past = (new, *self._past[: PAST - 1])

    def score(self, field: str, known: Mapping[str, int]) -> FloatArray:
        """Return the logarithms of the probabilities of a field's values, (classes,)."""
        p = self._pitch(known) if field == "pitch" else self._field(field, known)
        return np.log(np.maximum(p, _SMALLEST))

    def _field(self, field: str, known: Mapping[str, int]) -> Probabilities:
        p = np.full(FIELD_SIZES[field], 1 / FIELD_SIZES[field], np.float32)
        contexts = self._field_contexts(field, known)
        for table, context in zip(self._ngram.fields.get(field, []), contexts, strict=False):
            _put_on(p, table, hash_row(*context), 0)
        return p

    def _field_contexts(self, field: str, known: Mapping[str, int]) -> list[tuple[int, ...]]:
        """Return the columns of each order, as ``views.field_views`` has them for many notes."""
        last, before = self._past[:2]
        first = int(last.pitch == NOTHING)
        begin = (self._style, first)
        if field == "shift":
            new = (last.struck, last.duration)
            return [
                (first,),
                begin,
                (*begin, last.struck, last.shift),
                (*begin, *new),
                (*begin, *new, last.beat_phase),
            ]
        voice, chord, shift = known.get("voice", NOTHING), self._chord(known), known["shift"]
        if field == "voice":
            return [
                (first,),
                begin,
                (*begin, last.voice, chord),
                (*begin, last.voice, before.voice, chord, shift),
            ]
        here = (*begin, voice, known["pitch"] if voice == Voice.DRUMS else NOTHING)
        if field == "velocity":
            return [
                (voice,),
                here,
                (*here, last.velocity),
                (*here, chord, last.velocity, before.velocity),
                (*here, _sixteenth(known), last.velocity),
            ]
        lengths = (last.duration, before.duration)
        return [(voice,), here, (*here, last.duration), (*here, chord, *lengths, shift)]

    def _pitch(self, known: Mapping[str, int]) -> Probabilities:
        if not self._ngram.tables:
            return np.full(PITCHES, 1 / PITCHES, np.float32)
        here = (known["voice"], self._chord(known))
        past = [note.pitch for note in self._past]
        pitches = [here, (self._style, *here), *((*here, *past[:n]) for n in range(1, 5))]
        drum = past[0] if known["voice"] == Voice.DRUMS else NOTHING
        steps = [NO_INTERVAL if h == NOTHING else h - past[0] for h in past[1:]]
        begin = (*here, self._past[0].voice, drum)
        intervals = [(self._style, *begin), *((*begin, *steps[:n]) for n in range(1, 5))]
        offset = (REFERENCE if past[0] == NOTHING else past[0]) - (PITCHES - 1)
        bucket = hash_row(2, self._style, *here)
        weights = self._ngram.trained_mixture.weights_of(bucket)
        mixed = np.zeros(PITCHES, np.float32)
        looks = {"pitches": (pitches, 0), "intervals": (intervals, offset)}
        for weight, (name, (contexts, lift)) in zip(weights, looks.items(), strict=True):
            p = np.full(PITCHES, 1 / PITCHES, np.float32)
            for table, context in zip(self._ngram.tables[name], contexts, strict=True):
                _put_on(p, table, hash_row(*context), lift)
            mixed += np.float32(weight / p.sum()) * p
        return mixed

    def _chord(self, known: Mapping[str, int]) -> int:
        return 2 if self._past[0].pitch == NOTHING else int(known["shift"] == 0)


def _sixteenth(known: Mapping[str, int]) -> int:
    beat, bar = known["beat_phase"], known["bar_phase"]
    if beat == BEAT_PHASE_UNKNOWN or bar == BAR_PHASE_UNKNOWN:
        return NOTHING
    return (bar * TICKS_PER_BEAT + beat + 6) // 12


def _put_on(p: Probabilities, table: Table, context: int, offset: int) -> None:
    """Put one context of an order on top of the shorter ones, in place."""
    at = int(table.contexts.searchsorted(np.uint64(context)))
    if at == len(table.contexts) or table.contexts[at] != context:
        return
    p *= table.shorter[at]
    entries = slice(table.starts[at], table.starts[at + 1])
    place = table.symbols[entries].astype(np.int64) + offset
    within = (place >= 0) & (place < len(p))  # an interval may lead off the keyboard
    p[place[within]] += table.values[entries][within]


def ngram_player(baselines: Baselines) -> RecurrentPlayer:
    """Return the n-gram as a player that knows the styles it was counted in."""
    info = PlayerInfo("ngram", tuple(baselines.styles))
    styles = np.eye(1 + len(baselines.styles), dtype=np.float32)
    return RecurrentPlayer(NgramNetwork(baselines), info, styles)
