"""Baselines of the JSB chorales in sixteenths that need no network."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Final

import numpy as np
import numpy.typing as npt

from published.baselines import Figures, figures
from published.voice_data import Pitches

Array = npt.NDArray[np.float64]
REST: Final = -1
PHASE: Final = 16


def voice_baselines(voices: dict[str, list[Pitches]]) -> dict[str, Figures]:
    """Measure the baseline on the chorales.

    ``hold and bigram``: a voice holds its pitch as often as that voice does in training at that
    sixteenth of the bar, or moves to another as its pitches did there, each count one too high so
    that none is impossible.

    Parameters
    ----------
    voices : dict
        Split -> pieces, (frames, 4) of MIDI numbers each, -1 for a rest.
    """
    every = np.concatenate([piece for pieces in voices.values() for piece in pieces])
    low, high = int(every[every > REST].min()), int(every.max())
    kinds = high - low + 2  # with the rest
    moves: list[dict[int | None, Counter[int]]] = [defaultdict(Counter) for _ in range(4)]
    held = np.ones((4, PHASE, 2))
    for piece in voices["train"]:
        for voice, line in enumerate(piece.T.tolist()):
            before: int | None = None
            for at, pitch in enumerate(line):
                if before is not None:
                    held[voice, at % PHASE, int(pitch == before)] += 1
                if pitch != before:
                    moves[voice][before][pitch] += 1
                before = pitch

    def nats(piece: Pitches) -> Array:
        found = np.empty(piece.shape)
        for voice, line in enumerate(piece.T.tolist()):
            hold = held[voice, :, 1] / held[voice].sum(1)  # (PHASE,)
            before: int | None = None
            for at, pitch in enumerate(line):
                counts = moves[voice][before]
                others = kinds - (before is not None)
                moved = (counts[pitch] + 1) / (counts.total() + others)
                share = 0.0 if before is None else hold[at % PHASE]
                p = share if pitch == before else (1 - share) * moved
                found[at, voice] = -np.log(p)
                before = pitch
        mean: Array = found.mean(1)
        return mean

    return {
        "hold and bigram": figures(
            [nats(piece) for piece in voices["test"]],
            [nats(piece) for piece in voices["validation"]],
        )
    }
