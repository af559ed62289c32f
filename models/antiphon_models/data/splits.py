"""Keeps music that is alike out of two splits, and copies out of training."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from antiphon_models.data.duplicates import Alike, How, find_alike
from antiphon_models.data.fingerprint import Fingerprint
from antiphon_models.data.sources import SPLITS, Reading, Source


@dataclass(frozen=True)
class Double:
    """A piece that is like another one.

    Attributes
    ----------
    index, of : int
        The piece, and the one that it is like.
    how, share
        As in :class:`antiphon_models.data.duplicates.Alike`.
    dropped : bool
        Whether the piece is left out for it.
    """

    index: int
    of: int
    how: How
    share: float
    dropped: bool


def settle(
    sources: Sequence[Source], readings: Sequence[Reading]
) -> tuple[list[Source], list[Double]]:
    """Decide where pieces that are alike go.

    Where the folders did not say the split, pieces that are alike go into one. Of copies train
    keeps the longest, and it keeps nothing that is a copy of, or related to, what validation or
    test have. Validation and test keep theirs.

    Parameters
    ----------
    sources, readings
        The files and what became of them.

    Returns
    -------
    list of Source
        The files with the splits that they go to.
    list of Double
        Each piece that is left out, once, and the other pieces that are alike.
    """
    settled = list(sources)
    there = [i for i, reading in enumerate(readings) if reading.print is not None]
    if any(sources[i].loose for i in there):
        settled = _rejoin(settled, _alike(there, readings))
    notes = [0 if r.piece is None else len(r.piece) for r in readings]
    there.sort(key=lambda i: (-SPLITS.index(settled[i].split), -notes[i], i))
    return settled, _judge(settled, _alike(there, readings), there)


def _alike(order: Sequence[int], readings: Sequence[Reading]) -> list[Alike]:
    """Find the pairs that are alike; indices are those of the files, `order` says which first."""
    prints: list[Fingerprint] = [p for i in order if (p := readings[i].print) is not None]
    return [
        replace(pair, first=order[pair.first], second=order[pair.second])
        for pair in find_alike(prints)
    ]


def _rejoin(sources: list[Source], pairs: Iterable[Alike]) -> list[Source]:
    """Put loose pieces that are alike into one split; train takes what validation loses.

    A set keeps something to validate: its smallest group goes there if nothing else is left. If
    all of a set is alike, its split stays as it was.
    """
    root = list(range(len(sources)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    for pair in pairs:
        one, other = sources[pair.first], sources[pair.second]
        if one.loose and other.loose and one.style == other.style:
            a, b = sorted((find(pair.first), find(pair.second)))
            root[b] = a
    sets: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, source in enumerate(sources):
        if source.loose:
            sets[source.style][find(index)].append(index)
    moved = list(sources)
    for groups in sets.values():
        if len(groups) == 1:
            continue
        held_out = [g for g in groups.values() if all(sources[i].split != "train" for i in g)]
        held_out = held_out or [min(groups.values(), key=len)]
        for group in groups.values():
            split = "validation" if group in held_out else "train"
            for index in group:
                moved[index] = replace(sources[index], split=split)
    return moved


def _judge(sources: Sequence[Source], pairs: list[Alike], order: Sequence[int]) -> list[Double]:
    """Decide what is left out, the pieces of each pair being in order of preference."""
    partners: dict[int, list[Alike]] = defaultdict(list)
    for pair in pairs:
        partners[pair.second].append(pair)
    gone: dict[int, Double] = {}
    alike: list[Double] = []
    for index in order:
        stay: list[Double] = []
        for pair in sorted(partners[index], key=lambda p: -p.share):
            double = Double(index, pair.first, pair.how, pair.share, False)
            if pair.first in gone:
                if pair.how == "exact":  # whatever spoke against the original speaks against this
                    gone.setdefault(index, replace(gone[pair.first], index=index))
                continue
            stay.append(double)
            copied = pair.how != "related" or sources[pair.first].split != "train"
            if sources[index].split == "train" and copied and not _one_song(sources, pair):
                gone.setdefault(index, replace(double, dropped=True))
        alike += [gone[index]] if index in gone else stay
    return sorted(alike, key=lambda d: (d.index, d.of))


def _one_song(sources: Sequence[Source], pair: Alike) -> bool:
    """Whether two loose pieces are in two splits because all of their set is alike."""
    one, other = sources[pair.first], sources[pair.second]
    apart = one.split != other.split and one.style == other.style
    return pair.how != "exact" and apart and one.loose and other.loose
