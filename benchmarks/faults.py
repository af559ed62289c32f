"""Measure how often 'antiphon prepare' finds faults that are there, and sees some that are not.

python benchmarks/faults.py DIR [--every N]

DIR holds folders of healthy MIDI files. What is found in them as they are is a false alarm (but
for folders of music without a beat); then each file is damaged, or copied with changes, and what
is found is a fault found.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import mido
import numpy as np

from antiphon.errors import AntiphonError
from antiphon.music import Voice
from antiphon_models.data.duplicates import COPY, SAME_WORK, find_alike
from antiphon_models.data.faults import Repairs
from antiphon_models.data.fingerprint import Fingerprint, fingerprint
from antiphon_models.data.kit import is_misplaced_kit, is_misplaced_melody
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.parts import read_parts
from antiphon_models.data.repair import repair
from antiphon_models.data.sources import find_midi
from antiphon_models.data.tempo import follows_beats
from antiphon_models.events import IntArray, Piece

LONG = 256
"""Onsets of the files whose time is damaged."""

NOTES = 16
"""Notes of the parts that are put on a wrong channel."""


def drift(beats: np.ndarray) -> np.ndarray:
    """Leave the click in the middle, a little too slow."""
    half = beats[len(beats) // 2]
    return np.where(beats < half, beats, half + (beats - half) * 1.0371)


def rubato(beats: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Let the tempo wander, by a few percent from bar to bar."""
    knots = np.arange(beats[0], beats[-1] + 8, 4)
    rate = np.exp(np.cumsum(random.normal(0, 0.04, len(knots))))
    return np.interp(beats, knots, np.cumsum(4 * rate))


def edited(piece: Piece, share: float, random: np.random.Generator) -> Piece:
    """Copy a piece to another key, tempo and dynamics, a share of its notes changed or left out."""
    drums = piece.voice == Voice.DRUMS
    shift, tempo = int(random.integers(-6, 7)), float(random.uniform(0.5, 2))
    change = random.random(len(piece))
    pitch = piece.pitch + np.where(drums, 0, shift + (change < share / 2))
    exact = (piece.onset + (0 if piece.micro is None else piece.micro / 20)) * tempo
    onset = np.rint(exact).astype(np.int64)
    copy = replace(
        piece,
        onset=onset,
        micro=np.rint((exact - onset) * 20).astype(np.int64),
        pitch=np.clip(pitch, 0, 127),
        velocity=random.integers(30, 100, len(piece)),
    )
    return copy.select((change < share / 2) | (change >= share)).sorted()


def check_time(path: Path, seen: Counter[str], random: np.random.Generator) -> None:
    """Count whether a file keeps to its beats, and whether it is missed when it no longer does."""
    midi = mido.MidiFile(path, clip=True)
    parts = read_parts(midi)
    beats = np.unique([row[0] for part in parts for row in part.rows]) / midi.ticks_per_beat
    on_beat = follows_beats(beats)
    seen["off beat"] += not on_beat
    seen["files"] += 1
    if on_beat and len(beats) >= LONG:
        seen["long"] += 1
        seen["drift"] += not follows_beats(drift(beats))
        seen["rubato"] += not follows_beats(rubato(beats, random))
    for part in parts:
        pitch: IntArray = np.array([row[2] for row in part.rows], np.int64)
        if len(pitch) < NOTES:
            continue
        kind = "drums" if part.drums else "pitched"
        alarm, other = (
            (is_misplaced_melody, is_misplaced_kit)
            if part.drums
            else (is_misplaced_kit, is_misplaced_melody)
        )
        seen[kind] += 1
        seen[f"{kind} alarm"] += alarm(pitch, part.name)
        seen[f"{kind} found"] += other(pitch, "")


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--every", type=int, default=5, help="take one file of so many (default 5)")
    args = parser.parse_args()
    random = np.random.default_rng(0)
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    prints: dict[str, list[Fingerprint]] = defaultdict(list)
    for source in find_midi(args.directory)[:: args.every]:
        try:
            check_time(source.path, seen[source.style], random)
            piece = repair(read_midi(source.path), Repairs())
        except AntiphonError as error:
            print(error)
            continue
        own = fingerprint(piece)
        prints[source.style].append(own)
        if min(len(own.rhythm), len(own.line) or len(own.rhythm)) < 12:
            seen[source.style]["short"] += 1
            continue
        seen[source.style]["copied"] += 1
        for share in (0.02, 0.05):
            found = find_alike([own, fingerprint(edited(piece, share, random))])
            seen[source.style][f"near {share:.0%}"] += any(a.how != "related" for a in found)
            seen[source.style][f"any {share:.0%}"] += bool(found)
    print(f"\none file of {args.every}; thresholds: copy {COPY}, same work {SAME_WORK}")
    print("\nno beat        as it is     drift found  rubato found")
    for style, n in seen.items():
        tail = f"{n['drift']:>6}/{n['long']:<6}{n['rubato']:>6}/{n['long']}" if n["long"] else ""
        print(f"{style:<14}{n['off beat']:>4}/{n['files']:<6}{tail}")
    print("\nchannels       alarms: kit seen   tune seen     moved: kit found   tune found")
    for style, n in seen.items():
        print(
            f"{style:<14}{n['pitched alarm']:>9}/{n['pitched']:<6}{n['drums alarm']:>9}/"
            f"{n['drums']:<6}{n['drums found']:>14}/{n['drums']:<6}"
            f"{n['pitched found']:>6}/{n['pitched']}"
        )
    print("\ncopies         edited 2 %: found (as a copy)   5 %: found (as a copy)   too short")
    for style, n in seen.items():
        cells = [f"{n[f'any {e}']:>6} ({n[f'near {e}']})/{n['copied']:<8}" for e in ("2%", "5%")]
        print(f"{style:<14}{''.join(cells)}{n['short']:>6}")
    everything = [(style, one) for style, found in prints.items() for one in found]
    pairs = Counter(
        (everything[a.first][0], everything[a.second][0], a.how)
        for a in find_alike([one for _, one in everything])
    )
    print(f"\nalike among {len(everything):,} pieces: {dict(pairs) or 'none'}")


if __name__ == "__main__":
    main()
