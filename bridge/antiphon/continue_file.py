"""``antiphon continue``: a MIDI file in, the same file with more music out."""

from __future__ import annotations

import argparse
import importlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from antiphon import midi, pianoroll
from antiphon.config import parse_settings
from antiphon.daemon import load_player
from antiphon.errors import UsageError
from antiphon.midifile import MidiSong, MidiTrack, read_midi, write_midi
from antiphon.model import Controls
from antiphon.music import Beats, Note, Scale, is_down
from antiphon.params import defaults, pedals
from antiphon.pedal_file import pedal_moves, pedalled_notes
from antiphon.pedalling import pedal_messages

CONTINUE = "antiphon_models.continuation:continue_phrase"
"""The code that does it, as an import string: the bridge does not import the models."""

LATELY: Final = 64
"""Last notes of the file that are asked whether they were pedalled."""


def add_continue_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon continue``."""
    add = parser.add_argument
    add("input", type=Path, metavar="IN.mid", help="what to continue")
    add("output", type=Path, metavar="OUT.mid", help="where the whole goes")
    add("--bars", type=int, default=8, help="bars to add (default 8)")
    add("--temperature", type=float, default=1.0, help="0.1..2 (default 1)")
    add("--seed", type=int, default=0, help="same seed, same music")
    add("--style", action="append", default=[], metavar="NAME[=WEIGHT]", help="several make a mix")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="key, scale, density, ...")
    add("--player", metavar="CKPT", help="checkpoint: a name of 'antiphon models', or a file")
    add("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    add("--picture", type=Path, metavar="FILE.svg", help="draw both as a piano roll")
    add("--json", action="store_true", help="print one JSON object")


def run_continue(args: argparse.Namespace) -> int:
    """Continue a file.

    Raises
    ------
    AntiphonError
        If the file, an option or the checkpoint cannot be used; nothing is written then.
    """
    if not 1 <= args.bars <= 1024:
        raise UsageError("--bars takes 1..1024", f"found {args.bars}", "correct it")
    song = read_midi(args.input)
    heard = pedalled_notes(song)
    pedalled = any(is_down(note.pedal) for note in heard[-LATELY:])
    settings = [f"temperature={args.temperature}", f"seed={args.seed}", *args.set]
    controls = _controls(settings, song.bpm, pedalled)
    player = load_player(args.player, args.device)
    player.set_style(_style(args.style, player.info.styles))
    module, _, function = CONTINUE.partition(":")
    added: list[Note] = getattr(importlib.import_module(module), function)(
        player, heard, song.bpm, song.meter, args.bars, controls, args.seed
    )
    _write(args.output, song, added)
    if args.picture is not None:
        picture = pianoroll.draw(heard, added, meter=song.meter, title=args.input.stem)
        pianoroll.save(args.picture, picture)
    if args.json:
        print(json.dumps({"heard": len(heard), "added": len(added), "bars": args.bars}))
    else:
        print(f"{args.output}: {len(heard)} notes heard, {len(added)} added in {args.bars} bars")
    return 0


def _controls(pairs: list[str], bpm: float, pedalled: bool) -> Controls:
    """Make controls of the parameters that matter to a file, which was pedalled or not."""
    values = {**defaults(), **parse_settings(pairs)}
    return Controls(
        temperature=values["temperature"],
        density=values["density"],
        low=int(values["register/low"]),
        high=int(values["register/high"]),
        key=int(values["key"]),
        scale=Scale(int(values["scale"])),
        polyphony=int(values["polyphony"]),
        velocity=values["velocity"],
        chord=values["chord"],
        guidance=values["guidance"],
        bpm=bpm,
        pedal=pedals(values["pedal"], pedalled),
    )


def _style(words: list[str], known: tuple[str, ...]) -> list[tuple[str, float]]:
    mix = []
    for word in words:
        name, _, weight = word.partition("=")
        try:
            mix.append((name, float(weight or 1)))
        except ValueError:
            mix.append((name, math.nan))
        if not 0 < mix[-1][1] <= 10:
            wanted = "--style takes NAME or NAME=WEIGHT, a weight above 0, at most 10"
            raise UsageError(wanted, f"found {word!r}", "correct it")
        if name not in known:
            raise UsageError(
                f"--style is one of {', '.join(known) or 'none'}", f"found {name!r}", "correct it"
            )
    return mix


def _write(path: Path, song: MidiSong, added: list[Note]) -> None:
    """Write the file's own tracks, each with what was added on its channel, and the pedals."""
    tracks, others, left = [], [], list(added)
    start = min((note.start for note in added), default=song.length)
    bpm = next(mark.bpm for mark in reversed(song.tempos) if mark.beat <= start)
    for track in song.tracks:
        channels = {note.channel for note in track.notes}
        mine = [note for note in left if note.channel in channels]
        left = [note for note in left if note.channel not in channels]
        tracks.append((track.name, [*track.notes, *mine]))
        others.append([*_own_pedal(track, start), *pedal_messages(mine, bpm)])
    if left:
        tracks.append(("Antiphon", left))
        others.append(pedal_messages(left, bpm))
    write_midi(path, tracks, bpm=song.tempos, meter=song.meters, others=others)


def _own_pedal(track: MidiTrack, end: Beats) -> Iterator[tuple[Beats, bytes]]:
    """Yield the pedal of a track as the file has it; up at `end`, where the continuation begins."""
    down: set[int] = set()
    for beat, message in pedal_moves(track.others):
        if beat < end:
            yield beat, message
            down.add(midi.channel(message))
            if not message[2]:
                down.discard(midi.channel(message))
    for channel in sorted(down):
        yield end, midi.control(channel, midi.SUSTAIN, 0)
