"""``antiphon blend``: two phrases in, a folder with the way from one to the other out."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

from antiphon import smf
from antiphon.daemon import load_varier
from antiphon.errors import PhraseError, UsageError
from antiphon.excerpt import Excerpt, excerpt, repeated
from antiphon.midifile import read_midi
from antiphon.out_folder import check_folder
from antiphon.parts import Parts
from antiphon.song import MidiSong
from antiphon.vary_file import MOST_FILES, add_phrase_arguments, file_names, save


def add_blend_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon blend``."""
    add = parser.add_argument
    add("first", type=Path, metavar="A.mid", help="where it begins; tempo and tracks are its own")
    add("last", type=Path, metavar="B.mid", help="where it ends")
    add("output", type=Path, metavar="OUT_DIR", help="where 01.mid, 02.mid, ... and index.json go")
    add("--steps", type=int, default=5, help="how many, A and B among them: 2..99 (default 5)")
    add_phrase_arguments(parser)


def run_blend(args: argparse.Namespace) -> int:
    """Morph from one file to another.

    Raises
    ------
    AntiphonError
        If a file, an option or a checkpoint cannot be used, or the folder cannot be written;
        nothing is written then.
    """
    if not 2 <= args.steps <= MOST_FILES:
        raise UsageError(f"--steps takes 2..{MOST_FILES}", f"found {args.steps}", "correct it")
    first, last = _matched(args.first, args.last, args.bars)
    check_folder(args.output, file_names(args.steps, args.picture), [args.first, args.last])
    parts = Parts(first.song, args.reading, last.song)
    varier = load_varier(args.gan)
    steps = varier.blend(parts.phrase, parts.guest, first.length, args.steps)
    song = _in_ticks_of_both(first.song, last.song)
    songs = [replace(song, tracks=parts.tracks(step.notes)) for step in steps]
    head = {"input": args.first.name, "to": args.last.name, "steps": args.steps}
    save(args, head, first, varier, parts.phrase, [*zip(songs, steps, strict=True)], {})
    return 0


def _matched(first: Path, last: Path, bars: str | None) -> tuple[Excerpt, Excerpt]:
    """Read two phrases, and repeat the shorter one to the length of the longer one."""
    one, other = (excerpt(read_midi(path, every_track=True), bars) for path in (first, last))
    meters = one.song.meter, other.song.meter
    if meters[0] != meters[1]:
        found = f"{first} is in {meters[0]}, {last} in {meters[1]}"
        raise PhraseError("two phrases in one meter are needed", found, "choose another")
    length = max(one.length, other.length)
    return repeated(one, length), repeated(other, length)


def _in_ticks_of_both(song: MidiSong, other: MidiSong) -> MidiSong:
    """Return a song counted so finely that the notes of both fall on ticks, if a file can be."""
    division = math.lcm(song.division, other.division)
    if division > smf.MAX_DIVISION:
        return song
    return replace(song, division=division, length=max(song.length, other.length))
