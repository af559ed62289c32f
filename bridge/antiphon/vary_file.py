"""``antiphon vary``: a phrase or a groove in, a folder of variations out."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from antiphon import pianoroll
from antiphon.daemon import load_varier
from antiphon.errors import UsageError
from antiphon.excerpt import Excerpt, excerpt
from antiphon.midifile import encode_song, read_midi
from antiphon.model import Keep, Variation, Varier
from antiphon.music import DRUM_CHANNEL, Beats, Note, Phrase, Voice
from antiphon.out_folder import INDEX, check_folder, encode_index, write_folder
from antiphon.parts import Parts
from antiphon.song import MidiSong, MidiTrack

TOOLS: Final[dict[str, float | None]] = {"vary": 0.3, "humanise": 1.0, "groove": None}
"""The tools, with the amount each takes if none is given; a groove takes none at all."""

MOST_FILES: Final = 99
MOST_SEED: Final = 2**31 - 1


def add_phrase_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options that ``vary`` and ``blend`` share."""
    add = parser.add_argument
    reading = ("auto", "drums", "pitched")
    add("--as", dest="reading", choices=reading, default="auto", help="auto: channel 10 is drums")
    add("--bars", metavar="FIRST-LAST", help="which bars, such as 5-8; 8 at most")
    add("--gan", action="append", default=[], metavar="CKPT", help="checkpoint (repeatable)")
    add("--picture", action="store_true", help="draw each as a piano roll too (SVG)")
    add("--json", action="store_true", help="print one JSON object")


def add_vary_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options of ``antiphon vary``."""
    add = parser.add_argument
    add("input", type=Path, metavar="IN.mid", help="the phrase or groove")
    add("output", type=Path, metavar="OUT_DIR", help="where 01.mid, 02.mid, ... and index.json go")
    add("--count", type=int, default=8, help="how many: 1..99 (default 8)")
    add("--amount", type=float, help="0..1: 0 is the phrase itself (default 0.3; humanise: 1)")
    add("--seed", type=int, default=0, help="same seed, same music")
    add("--keep", choices=[k.name.lower() for k in Keep], default="nothing", help="what stays")
    add("--tool", choices=tuple(TOOLS), default="vary", help="groove: make drums to the phrase")
    add_phrase_arguments(parser)


def run_vary(args: argparse.Namespace) -> int:
    """Vary a file.

    Raises
    ------
    AntiphonError
        If the file, an option or a checkpoint cannot be used, or the folder cannot be written;
        nothing is written then.
    """
    amount = _checked(args)
    part = excerpt(read_midi(args.input, every_track=True), args.bars)
    check_folder(args.output, file_names(args.count, args.picture), [args.input])
    parts = Parts(part.song, args.reading)
    varier = load_varier(args.gan)
    slices = _made(varier, args, parts.phrase, part.length, amount)
    made = [variation for variation in slices if variation is not None]
    if args.tool == "groove":
        songs = [_drums_only(part.song, variation.notes) for variation in made]
    else:
        songs = [replace(part.song, tracks=parts.tracks(each.notes)) for each in made]
    facts = {"seed": args.seed, "amount": amount}
    head = {"input": args.input.name, "tool": args.tool, **facts, "keep": args.keep}
    save(args, head, part, varier, parts.phrase, [*zip(songs, made, strict=True)], facts)
    return 0


def _checked(args: argparse.Namespace) -> float | None:
    """Check the options that argparse does not, and return the amount."""
    amount: float | None = TOOLS[args.tool] if args.amount is None else args.amount
    if not 1 <= args.count <= MOST_FILES:
        raise UsageError(f"--count takes 1..{MOST_FILES}", f"found {args.count}", "correct it")
    if not 0 <= args.seed <= MOST_SEED:
        raise UsageError(f"--seed takes 0..{MOST_SEED}", f"found {args.seed}", "correct it")
    if args.tool == "groove" and args.amount is not None:
        raise UsageError(
            "--tool groove takes no --amount", f"found {args.amount:g}", "leave it out"
        )
    if args.tool != "vary" and args.keep != "nothing":
        raise UsageError("--keep goes with --tool vary", f"found {args.tool}", "leave it out")
    if amount is not None and not 0 <= amount <= 1:
        raise UsageError("--amount takes 0..1", f"found {args.amount:g}", "correct it")
    return amount


def _made(
    varier: Varier, args: argparse.Namespace, phrase: Phrase, length: Beats, amount: float | None
) -> Iterator[Variation | None]:
    """Ask the networks for what the tool does."""
    seed = (args.seed,)
    if amount is None:
        return varier.groove(phrase, length, args.count, seed)
    if args.tool == "humanise":
        return varier.humanise(phrase, length, amount, args.count, seed)
    keep = Keep[args.keep.upper()]
    return varier.variations(phrase, length, amount, args.count, seed, keep)


def _drums_only(song: MidiSong, notes: Iterable[Note]) -> MidiSong:
    """Return a song of drums alone, in the song's tempo and meter."""
    drums = (replace(note, channel=DRUM_CHANNEL) for note in notes if note.voice is Voice.DRUMS)
    return replace(song, tracks=(MidiTrack("Drums", tuple(sorted(drums))),))


# -- shared with ``blend`` -------------------------------------------------------------------


def file_names(count: int, picture: bool) -> list[str]:
    """Return the names of the files of a run, but for the index."""
    ends = ("mid", "svg") if picture else ("mid",)
    return [f"{number:02}.{end}" for number in range(1, count + 1) for end in ends]


def save(
    args: argparse.Namespace,
    head: dict[str, Any],
    part: Excerpt,
    varier: Varier,
    phrase: Phrase,
    made: Sequence[tuple[MidiSong, Variation]],
    facts: dict[str, Any],
) -> None:
    """Write what was made with its index, and tell of it.

    Parameters
    ----------
    args : argparse.Namespace
        ``command``, ``output``, ``picture`` and ``json``.
    head : dict
        What the index says first.
    part, varier, phrase
        What was varied, and by whom.
    made : sequence of (MidiSong, Variation)
        What to write, and what it was made of.
    facts : dict
        What the index says of each file, besides its distance and the number of its notes.
    """
    files: dict[str, bytes] = {}
    rows: list[dict[str, Any]] = []
    for number, (song, variation) in enumerate(made, 1):
        name = f"{number:02}.mid"
        files[name] = encode_song(song)
        rows.append({"file": name, **facts, "distance": round(float(variation.distance), 4)})
        rows[-1]["notes"] = len(variation.notes)
        if args.picture:
            rows[-1]["picture"] = f"{number:02}.svg"
            kind = head.get("tool", args.command)
            files[f"{number:02}.svg"] = _picture(part, phrase, variation, kind, rows[-1])
    about = {
        "bars": [part.first, part.last],
        "bpm": round(part.song.bpm, 3),
        "meter": str(part.song.meter),
        "checkpoints": list(varier.names),
    }
    index = encode_index({"command": args.command, **head, **about, "files": rows})
    write_folder(args.output, {**files, INDEX: index})
    if args.json:
        print(index.decode(), end="")
        return
    for row in rows:
        print(f"{args.output / row['file']}: distance {row['distance']:.2f}, {row['notes']} notes")


def _picture(
    part: Excerpt, phrase: Phrase, variation: Variation, kind: str, row: dict[str, Any]
) -> bytes:
    """Draw a phrase and, beside it, what became of it; drums made to a phrase go below it."""
    pitched = not any(note.voice is Voice.DRUMS for note in phrase)
    shift = Beats(0.0) if kind == "groove" and pitched else part.length
    facts = (
        f"{key} {row[key]:g}" for key in ("amount", "seed", "distance") if row.get(key) is not None
    )
    drawing = pianoroll.draw(
        map(_drawn, phrase),
        [_drawn(note.shifted(shift)) for note in variation.notes],
        meter=part.song.meter,
        title=f"{part.song.path.stem}, {Path(row['file']).stem}",
        subtitle=", ".join(facts),
        span=(Beats(0.0), Beats(shift + part.length)),
        names=("phrase", kind if kind in pianoroll.COLOURS else "variation"),
    )
    return drawing.encode()


def _drawn(note: Note) -> Note:
    """Return a note on a channel that says of it what its voice does."""
    return replace(note, channel=DRUM_CHANNEL if note.voice is Voice.DRUMS else 1)
