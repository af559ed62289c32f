"""How a note's pedal is best measured, and what is left of a pianist's pedal when it is played.

``python benchmarks/pedal.py MIDI_DIR...`` reads how the pedal stands for each note of files that
were played with one, at several distances behind the onsets, writes the messages that the partner
would play for it, and compares: the share of the time in which the pedal is as it was, and how
often it goes down, of how often it did.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from antiphon.music import PEDAL_AFTER, Beats, Note, Pedal
from antiphon.pedalling import pedal_messages
from antiphon_models.data.parts import read_parts
from antiphon_models.data.pedals import PedalMoves, pedal_states
from antiphon_models.data.tempo import TempoMap

AFTER = (0.0, 0.03, 0.05, 0.07, 0.1, 0.13, PEDAL_AFTER, 0.2, 0.25, 0.35)
"""Seconds that are tried."""

STEP = 0.01
"""Seconds between the moments that are compared."""

Floats = npt.NDArray[np.float64]


def stands(moments: Floats, seconds: Floats, down: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return whether the pedal is down at some moments."""
    before = np.concatenate([[False], down])
    return np.asarray(before[np.searchsorted(seconds, moments, "right")])


def compare(path: Path) -> list[tuple[float, float]] | None:
    """Return agreement and presses left, for each distance; None for a file without a pedal."""
    midi = mido.MidiFile(path, clip=True)
    tempo = TempoMap(midi)
    moves = PedalMoves(midi, tempo)
    parts = [part for part in read_parts(midi) if part.channel in moves.channels and not part.drums]
    ticks = np.array(sorted({row[0] for part in parts for row in part.rows}), np.float64)
    if len(ticks) < 2 or not moves.down.any():
        return None
    onsets = tempo.seconds(ticks)
    moments = np.arange(onsets[0], onsets[-1], STEP)
    truly = stands(moments, moves.seconds, moves.down)
    presses = np.count_nonzero(np.diff(moves.down, prepend=False) & moves.down)
    found = []
    for after in AFTER:
        states = pedal_states(onsets, moves.seconds, moves.down, after)
        # At 60 bpm a beat is a second.
        notes = [
            Note(Beats(at), 60, duration=Beats(0.01), pedal=Pedal(state))
            for at, state in zip(onsets.tolist(), states.tolist(), strict=True)
        ]
        played = pedal_messages(notes, 60.0)
        when = np.array([beat for beat, _ in played], np.float64)
        down = np.array([message[2] > 0 for _, message in played], np.bool_)
        same = stands(moments, when, down) == truly
        found.append((float(same.mean()), float(down.sum() / presses)))
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, metavar="MIDI_DIR")
    parser.add_argument("--files", type=int, default=20, help="of each folder (default 20)")
    args = parser.parse_args(argv)
    print("| s behind the onset | " + " | ".join(f"{after:g}" for after in AFTER) + " |")
    print("| :-- " + "| --: " * len(AFTER) + "|")
    for folder in args.folders:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".mid", ".midi"))
        which = np.unique(np.linspace(0, len(paths) - 1, args.files).astype(int)) if paths else []
        found = [one for index in which if (one := compare(paths[index])) is not None]
        if not found:
            print(f"| {folder.name}: no pedal |")
            continue
        for name, column in (("as it was", 0), ("presses", 1)):
            means = np.mean([[pair[column] for pair in one] for one in found], 0)
            print(f"| {folder.name}, {name} | " + " | ".join(f"{m:.3f}" for m in means) + " |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
