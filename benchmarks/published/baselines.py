"""What needs no network: marginals, held notes, and copying what followed before.

``marginal``  each pitch as often as it sounds in the training music.
``held``      each pitch as often as there, given whether it sounded a frame ago.
``copied``    held, and also given what followed in the training music where it went as now for the
              longest time (:class:`NGram`, the most frequent continuation), and how long that was.
              How far that can be trusted is counted on the validation split (36 numbers a set).
``n-gram``    whole frames given up to ORDER frames before, blended from order to order (Witten and
              Bell 1991), down to ``held``; counted in the training music, or there and in the piece
              so far.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from published.poly_data import PITCHES, Frames

Array = npt.NDArray[np.float64]
Figures = tuple[float, float, float]
"""Nats a frame on test, on test without first frames, and on validation."""

ORDER: Final = 8
PRIOR: Final = 50
"""Frames that a pitch's marginal counts for beside what was counted."""


class NGram:
    """Which frame came after which frames."""

    def __init__(self) -> None:
        self._next: dict[tuple[bytes, ...], Counter[bytes]] = defaultdict(Counter)
        self._total: Counter[tuple[bytes, ...]] = Counter()
        self._likeliest: dict[tuple[bytes, ...], bytes] = {}

    def count(self, keys: Sequence[bytes], at: int) -> None:
        """Count the frame at a place of a piece, in all its contexts."""
        for order in range(min(at, ORDER) + 1):
            context = tuple(keys[at - order : at])
            self._next[context][keys[at]] += 1
            self._total[context] += 1

    def blend(self, p: float, context: tuple[bytes, ...], key: bytes) -> float:
        """Return the probability of a frame after others, given that of the order below."""
        if context not in self._next:
            return p
        found = self._next[context]
        return (found[key] + len(found) * p) / (self._total[context] + len(found))

    def likeliest(self, keys: Sequence[bytes], at: int) -> tuple[int, bytes | None]:
        """Return the order of the longest context that is known, and what mostly followed."""
        for order in range(min(at, ORDER), 0, -1):
            context = tuple(keys[at - order : at])
            if context in self._next:
                if context not in self._likeliest:
                    self._likeliest[context] = self._next[context].most_common(1)[0][0]
                return order, self._likeliest[context]
        return 0, None


class Baselines:
    """All baselines of a data set.

    Parameters
    ----------
    frames : dict
        Split -> pieces, (frames, 88) each.
    """

    def __init__(self, frames: dict[str, list[Frames]]) -> None:
        self._frames = frames
        heard = np.concatenate(frames["train"])
        self._marginal = (heard.sum(0) + 0.5) / (len(heard) + 1)  # (88,)
        before = np.concatenate([np.zeros((1, PITCHES), bool), heard[:-1]])
        self._held = np.stack([self._given(before == on, heard) for on in (False, True)])
        self._ngram = NGram()
        for piece in frames["train"]:
            keys = _keys(piece)
            for at in range(len(keys)):
                self._ngram.count(keys, at)
        self._trust = self._count_trust(frames["validation"])

    def _given(self, where: Frames, heard: Frames) -> Array:
        counted = (heard & where).sum(0) + PRIOR * self._marginal
        share: Array = counted / (where.sum(0) + PRIOR)
        return share

    def measure(self) -> dict[str, dict[str, Figures]]:
        """Return head -> baseline -> figures."""
        score = {
            "independent": {
                "marginal": self._nats_marginal,
                "held": self._nats_held,
                "held, copied from training": self._nats_copied,
            },
            "joint": {
                f"n-gram of frames, to order {ORDER}": lambda p: self._nats_ngram(p, False),
                "the same, and of the piece so far": lambda p: self._nats_ngram(p, True),
            },
        }
        return {
            head: {
                name: figures(*([nats(p) for p in self._frames[s]] for s in ("test", "validation")))
                for name, nats in baselines.items()
            }
            for head, baselines in score.items()
        }

    def _nats_marginal(self, piece: Frames) -> Array:
        return _nats(piece, np.broadcast_to(self._marginal, piece.shape))

    def _nats_held(self, piece: Frames) -> Array:
        return _nats(piece, self._held_at(piece))

    def _held_at(self, piece: Frames) -> Array:
        before = np.concatenate([np.zeros((1, PITCHES), bool), piece[:-1]])
        held: Array = np.where(before, self._held[1], self._held[0])
        return held

    def _nats_copied(self, piece: Frames) -> Array:
        odds = np.log(self._held_at(piece) / (1 - self._held_at(piece)))
        return _nats(piece, 1 / (1 + np.exp(-odds - self._trust[self._copied(piece)])))

    def _copied(self, piece: Frames) -> tuple[npt.NDArray[np.int64], ...]:
        """Return the index of each pitch's trust: (order, sounded before, copied), (frames, 88)."""
        keys = _keys(piece)
        order, copied = np.zeros(len(piece), np.int64), np.zeros_like(piece)
        for at in range(len(piece)):
            order[at], key = self._ngram.likeliest(keys, at)
            if key is not None:
                copied[at] = np.unpackbits(np.frombuffer(key, np.uint8))[:PITCHES]
        before = np.concatenate([np.zeros((1, PITCHES), bool), piece[:-1]])
        every = np.broadcast_to(order[:, None], piece.shape)
        return every, before.astype(np.int64), copied.astype(np.int64)

    def _count_trust(self, pieces: list[Frames]) -> Array:
        """Return what a copy adds to the log odds of `held`: (ORDER + 1, 2, 2)."""
        counts = np.zeros((ORDER + 1, 2, 2, 2))  # the last: silent, sounds
        expected = np.zeros((ORDER + 1, 2, 2))
        for piece in pieces:
            index = self._copied(piece)
            np.add.at(counts, (*index, piece.astype(np.int64)), 1)
            np.add.at(expected, index, self._held_at(piece))
        total = counts.sum(-1) + 1
        real, held = (counts[..., 1] + 0.5) / total, (expected + 0.5) / total
        trust: Array = np.log(real / (1 - real)) - np.log(held / (1 - held))
        trust[0] = 0
        return trust

    def _nats_ngram(self, piece: Frames, adapt: bool) -> Array:
        keys, own = _keys(piece), NGram()
        held = np.exp(-self._nats_held(piece))
        nats = np.empty(len(piece))
        for at, key in enumerate(keys):
            p = held[at]
            for order in range(min(at, ORDER) + 1):
                context = tuple(keys[at - order : at])
                p = self._ngram.blend(p, context, key)
                if adapt:
                    p = own.blend(p, context, key)
            nats[at] = -np.log(p)
            if adapt:
                own.count(keys, at)
        return nats


def _keys(piece: Frames) -> list[bytes]:
    return [row.tobytes() for row in np.packbits(piece, axis=1)]


def _nats(piece: Frames, probability: Array) -> Array:
    """Return nats a frame of independent pitches: (frames,)."""
    nats: Array = -np.log(np.where(piece, probability, 1 - probability)).sum(1)
    return nats


def figures(test: list[Array], validation: list[Array]) -> Figures:
    """Return the means of nats a frame, of pieces of the test and the validation split."""
    return (
        float(np.concatenate(test).mean()),
        float(np.concatenate([nats[1:] for nats in test]).mean()),
        float(np.concatenate(validation).mean()),
    )
