"""Endless training streams: pieces one after another, chosen, varied and cut into chunks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from antiphon.music import Voice
from antiphon_models.conditions import SIZES, find_conditions
from antiphon_models.data.storage import lenders_of, lengths_of
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    COLUMNS,
    DURATION_MASKED,
    Piece,
    is_performed,
    ticks_to_bin,
    velocity_to_bin,
)
from antiphon_models.motif import motif_columns

Rows = npt.NDArray[np.int16]
"""Event rows, (events, columns): see ``antiphon_models.events.COLUMNS``."""

N_COLUMNS: Final = len(COLUMNS)
_SHIFT, _VOICE, _PITCH, _VELOCITY, _DURATION_IN, _BEAT, _BAR, _STYLE, _BEGIN, _DURATION = range(10)
_MOTIF = slice(10, 18)
_CONDITIONS = slice(18, N_COLUMNS)


@dataclass(frozen=True)
class StreamConfig:
    """How pieces are chosen and varied.

    Attributes
    ----------
    temper : float
        Sets are seen in proportion to their notes to this power: 1 is natural, 0 equal.
    longest : int
        Notes after which a piece is left.
    enter : float
        Share of pieces that are entered at a random note instead of at their start.
    restart : float
        Chance, for each stream and chunk, to leave the piece and begin from a fresh state.
    transpose : int
        Largest transposition in semitones, up or down; drums stay.
    velocity : int
        Largest change of all velocities, up or down.
    borrow : float
        Share of pieces without dynamics of their own (scores) that get those of a performance,
        note by note: so that flat music is answered flatly, and any music played with a human
        touch in kind. Exact scores would teach that whatever is on the grid is flat.
    stretch : (float, float)
        Range of the tempo factor in free time.
    no_phase, no_bar, no_style : float
        Share of pieces without any phase, without the phase in the bar, without the style.
    mask_none, mask_all : float
        Share of pieces with all durations shown and with none; the others alternate.
    mask_span : (int, int)
        Notes in a span of shown or hidden durations.
    unasked, unknown : float
        Share of pieces of which no condition is told, and chance of each in the others.
    """

    temper: float = 0.2
    longest: int = 2000
    enter: float = 0.25
    restart: float = 0.03
    transpose: int = 6
    velocity: int = 10
    borrow: float = 0.6
    stretch: tuple[float, float] = (0.75, 1.33)
    no_phase: float = 0.25
    no_bar: float = 0.10
    no_style: float = 0.20
    mask_none: float = 0.5
    mask_all: float = 0.2
    mask_span: tuple[int, int] = (8, 64)
    unasked: float = 0.3
    unknown: float = 0.4


def piece_rows(piece: Piece, style: int, held: bool = False) -> Rows:
    """Write a piece as event rows, the beginning first, nothing varied.

    Parameters
    ----------
    piece : Piece
        Any piece.
    style : int
        0 for unknown, else 1 + the index of the style.
    held : bool
        Hide all durations, as those of notes that are still held.

    Returns
    -------
    ndarray of int16
        (1 + notes, columns).
    """
    rows = np.zeros((len(piece) + 1, N_COLUMNS), np.int16)
    rows[:, _STYLE] = style
    rows[0, _BEGIN] = 1
    rows[1:, _SHIFT] = ticks_to_bin(piece.shift)
    rows[1:, _VOICE] = piece.voice
    rows[1:, _PITCH] = piece.pitch
    rows[1:, _VELOCITY] = velocity_to_bin(piece.velocity)
    rows[1:, _BEAT] = piece.beat_phase
    rows[1:, _BAR] = piece.bar_phase
    duration = ticks_to_bin(np.maximum(piece.duration, 1))
    rows[1:, _DURATION_IN] = DURATION_MASKED if held else duration
    rows[1:, _DURATION] = duration
    return remember(rows)


def remember(rows: Rows) -> Rows:
    """Fill in what the piece's own past leads one to expect of each note."""
    rows[1:, _MOTIF] = motif_columns(*rows[1:, :5].astype(np.int64).T)
    return rows


class EventStreams:
    """Streams of events read side by side.

    Each stream has random numbers of its own, so that what it reads depends neither on how many
    there are nor on which process reads it. Pieces are read when they are drawn.

    Parameters
    ----------
    pieces : mapping of str to sequence of Piece
        Style -> pieces, best as :func:`antiphon_models.data.storage.open_dataset` opens them.
    styles : sequence of str
        Styles by their index; pieces of other styles are shown as unknown.
    streams, chunk : int
        Streams side by side, in all processes together, and events in a chunk.
    seed : int
        Everything random follows from it.
    config : StreamConfig
        How pieces are chosen and varied.
    share : (int, int)
        Which process this is, of how many: it reads its share of the streams.
    """

    def __init__(
        self,
        pieces: Mapping[str, Sequence[Piece]],
        styles: Sequence[str],
        streams: int,
        chunk: int,
        seed: int,
        config: StreamConfig | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.config = config or StreamConfig()
        self.chunk = chunk
        self._sets = [
            (1 + styles.index(style) if style in styles else 0, found)
            for style, found in sorted(pieces.items())
            if len(found)
        ]
        lenders = [np.flatnonzero(lenders_of(found)) for _, found in self._sets]
        self._lenders = np.concatenate(
            [np.stack([np.full_like(which, i), which], 1) for i, which in enumerate(lenders)]
        )  # (pieces, 2): set and index of the pieces whose dynamics are lent
        longest = self.config.longest
        lengths = [lengths_of(found) for _, found in self._sets]
        # Long pieces are cut, so they are drawn more often: every note is equally likely.
        visits = [np.maximum(length / longest, 1.0) for length in lengths]
        self._in_set = [np.cumsum(v) / v.sum() for v in visits]
        notes = np.array([length.sum() for length in lengths], np.float64)
        a_visit = notes / np.array([v.sum() for v in visits])
        chance = notes**self.config.temper / a_visit
        self._of_set = np.cumsum(chance) / chance.sum()
        rank, world = share
        mine = range(rank * streams // world, (rank + 1) * streams // world)
        seeds = [np.random.SeedSequence(seed, spawn_key=(index,)) for index in mine]
        self._random = [np.random.default_rng(one) for one in seeds]
        self._buffers: list[Rows] = [self._next_piece(random) for random in self._random]

    def __len__(self) -> int:
        """Return how many streams this process reads."""
        return len(self._buffers)

    def next_chunk(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Return the next events of all streams of this process.

        Returns
        -------
        rows : ndarray of int64
            (chunk + 1, streams, columns). The last row is the first of the next chunk: events
            ``rows[:-1]`` are heard and ``rows[1:]`` are what follows.
        fresh : ndarray of bool
            (streams,): the stream begins anew, its state must be zeros.
        """
        chunk, streams = self.chunk, len(self._buffers)
        rows = np.empty((chunk + 1, streams, N_COLUMNS), np.int64)
        fresh = np.zeros(streams, np.bool_)
        for index, random in enumerate(self._random):
            fresh[index] = random.random() < self.config.restart
            if fresh[index]:
                self._buffers[index] = self._next_piece(random)
            parts, have = [self._buffers[index]], len(self._buffers[index])
            while have < chunk + 1:
                parts.append(self._next_piece(random))
                have += len(parts[-1])
            buffer = np.concatenate(parts) if len(parts) > 1 else parts[0]
            rows[:, index] = buffer[: chunk + 1]
            self._buffers[index] = buffer[chunk:]
        return rows, fresh

    def state(self) -> dict[str, Any]:
        """Return what :meth:`restore` needs: plain values and arrays."""
        return {
            "random": json.dumps([random.bit_generator.state for random in self._random]),
            "buffers": [b.copy() for b in self._buffers],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a :meth:`state` of streams of the same data, count and config."""
        for random, found in zip(self._random, json.loads(state["random"]), strict=True):
            random.bit_generator.state = found
        self._buffers = [np.array(b, np.int16) for b in state["buffers"]]

    def _next_piece(self, random: np.random.Generator) -> Rows:
        config = self.config
        which = _draw(self._of_set, random.random())
        style, pieces = self._sets[which]
        piece = pieces[_draw(self._in_set[which], random.random())]
        start = 0
        if len(piece) > config.longest or random.random() < config.enter:
            start = int(random.integers(0, max(len(piece) - min(config.longest, 64), 1)))
            if random.random() < 0.2:
                start = 0
        return self.vary(piece.select(slice(start, start + config.longest)), style, random)

    def vary(self, piece: Piece, style: int, random: np.random.Generator) -> Rows:
        """Write a piece as event rows, varied and masked as the config says.

        Returns
        -------
        ndarray of int16
            (1 + notes, columns): the beginning, then the notes in their order.
        """
        config = self.config
        shift, duration = piece.shift, piece.duration
        if not piece.metered:
            low, high = np.log(config.stretch)
            factor = float(np.exp(random.uniform(low, high)))
            # Onsets are rounded, not shifts, so that errors do not add up.
            onset = np.rint((piece.onset - piece.onset[0]) * factor).astype(np.int64)
            shift = np.diff(onset, prepend=0)
            duration = np.rint(duration * factor).astype(np.int64)
        rows = np.zeros((len(piece) + 1, N_COLUMNS), np.int16)
        rows[0, _BEGIN] = 1
        rows[:, _STYLE] = 0 if random.random() < config.no_style else style
        rows[1:, _SHIFT] = ticks_to_bin(shift)
        rows[1:, _VOICE] = piece.voice
        rows[1:, _PITCH] = self._transpose(piece, random)
        change = int(random.integers(-config.velocity, config.velocity + 1))
        velocity = self._dynamics_of(piece, random)
        rows[1:, _VELOCITY] = velocity_to_bin(np.clip(velocity + change, 1, 127))
        masks = random.random()
        rows[1:, _BEAT] = BEAT_PHASE_UNKNOWN if masks < config.no_phase else piece.beat_phase
        no_bar = masks < config.no_phase + config.no_bar
        rows[1:, _BAR] = BAR_PHASE_UNKNOWN if no_bar else piece.bar_phase
        bins = ticks_to_bin(np.maximum(duration, 1))
        rows[1:, _DURATION] = bins
        rows[1:, _DURATION_IN] = np.where(self._held(len(piece), random), DURATION_MASKED, bins)
        told = random.random(len(SIZES)) >= config.unknown
        if random.random() >= config.unasked:
            onset = np.cumsum(shift)
            heard = np.clip(velocity + change, 1, 127)
            bpm = piece.bpm if piece.metered else None
            pitch = rows[1:, _PITCH].astype(np.int64)
            found = find_conditions(onset, piece.voice, pitch, heard, duration, bpm)
            rows[1:, _CONDITIONS] = found * told
        return remember(rows)

    def _dynamics_of(self, piece: Piece, random: np.random.Generator) -> npt.NDArray[np.int64]:
        """Return the velocities that a piece is heard with: its own, or a performance's."""
        lenders = self._lenders
        if not len(lenders) or is_performed(piece) or random.random() >= self.config.borrow:
            return piece.velocity
        which, index = lenders[int(random.integers(len(lenders)))].tolist()
        lent: npt.NDArray[np.int64] = self._sets[which][1][index].velocity
        start = int(random.integers(len(lent)))
        return lent.take(np.arange(start, start + len(piece)), mode="wrap")

    def _transpose(self, piece: Piece, random: np.random.Generator) -> npt.NDArray[np.int64]:
        pitched = piece.voice != Voice.DRUMS
        if not pitched.any():
            return piece.pitch
        low = -min(self.config.transpose, int(piece.pitch[pitched].min()))
        high = min(self.config.transpose, 127 - int(piece.pitch[pitched].max()))
        by = int(random.integers(low, high + 1))
        return np.where(pitched, piece.pitch + by, piece.pitch)

    def _held(self, notes: int, random: np.random.Generator) -> npt.NDArray[np.bool_]:
        """Draw which durations are hidden, as they are for notes that the player still holds."""
        config = self.config
        draw = random.random()
        if draw < config.mask_none:
            return np.zeros(notes, np.bool_)
        if draw < config.mask_none + config.mask_all:
            return np.ones(notes, np.bool_)
        low, high = config.mask_span
        spans = random.integers(low, high + 1, notes // low + 1)
        hidden = (np.arange(len(spans)) + int(random.integers(2))) % 2 == 1
        return np.repeat(hidden, spans)[:notes]


def _draw(cumulative: npt.NDArray[np.float64], at: float) -> int:
    """Return the index that a point in 0..1 falls on; rounding may end just below 1."""
    return min(int(np.searchsorted(cumulative, at, side="right")), len(cumulative) - 1)
