"""Draw the pictures of docs/variation.md with the networks that ship.

    python tools/variation_pictures.py [docs/images]

The phrases are written here, so that anyone can draw them again: a tune, a rock beat, a half-time
shuffle, and a tune to blend the first one with. Blue notes are those of the phrase, vermilion
ones are new.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from antiphon import pianoroll
from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Phrase, Voice
from antiphon_models.variation import load_varier

LENGTH = Beats(8.0)
AMOUNTS = (0.0, 0.2, 0.5, 0.8)
STEPS = 5
SEED = (7,)

TUNE = """
0 60 92 .5, .5 64 76 .5, 1 67 84 1, 2 69 88 .5, 2.5 67 74 .5, 3 64 80 .5, 3.5 62 72 .5,
4 60 90 .75, 4.75 62 70 .25, 5 64 82 .5, 5.5 65 76 .5, 6 67 90 1.5, 7.5 62 72 .5
"""
OTHER = """
0 72 88 1, 1 71 80 .5, 1.5 69 78 .5, 2 67 86 1.5, 3.5 69 74 .5, 4 65 88 1, 5 64 80 .5,
5.5 65 74 .5, 6 62 84 1, 7 67 78 1
"""
ROCK = """
0 36 104, 0 42 84, .5 42 58, 1 38 110, 1 42 82, 1.5 42 60, 2 36 98, 2 42 84, 2.5 36 86, 2.5 42 62,
3 38 112, 3 42 80, 3.5 42 58, 3.75 38 34, 4 36 106, 4 42 86, 4.5 42 60, 5 38 110, 5 42 82,
5.5 42 58, 5.75 36 70, 6 42 84, 6.5 36 92, 6.5 42 60, 7 38 112, 7 42 80, 7.5 46 78
"""
SHUFFLE = """
0 36 106, 0 51 90, .667 51 54, 1 51 82, 1.333 38 30, 1.667 51 56, 2 38 112, 2 51 88, 2.667 51 54,
3 51 80, 3.333 38 32, 3.667 51 58, 3.667 36 80, 4 36 104, 4 51 90, 4.667 51 56, 5 51 84,
5.333 38 28, 5.667 51 54, 5.667 36 78, 6 38 112, 6 51 88, 6.667 51 56, 7 51 82, 7.333 38 36,
7.667 51 60
"""


def read(text: str, *, drums: bool = False) -> Phrase:
    """Read notes written as ``start pitch velocity [length]``."""
    notes = []
    for one in text.replace("\n", " ").split(","):
        start, pitch, velocity, *length = one.split()
        notes.append(
            Note(
                Beats(round(float(start) * 12) / 12),
                int(pitch),
                int(velocity),
                Beats(float(length[0]) if length else 0.2),
                DRUM_CHANNEL if drums else 1,
                Voice.DRUMS if drums else Voice.MELODY,
            )
        )
    return Phrase(tuple(notes), 100.0, Meter())


def split(notes: Iterable[Note], phrase: Phrase) -> tuple[list[Note], list[Note]]:
    """Part notes into those that the phrase has as well, a touch aside, and new ones."""
    kept: list[Note] = []
    new: list[Note] = []
    for note in notes:
        same = any(n.pitch == note.pitch and abs(n.start - note.start) < 0.12 for n in phrase)
        (kept if same else new).append(note)
    return kept, new


def draw(path: Path, title: str, subtitle: str, kept: Sequence[Note], new: Sequence[Note]) -> None:
    """Draw one picture."""
    picture = pianoroll.draw(
        kept,
        new,
        meter=Meter(),
        title=title,
        subtitle=subtitle,
        span=(Beats(0.0), LENGTH),
        names=("kept", "new"),
    )
    pianoroll.save(path, picture)
    print(path)


def main() -> None:
    """Draw everything."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    varier = load_varier()
    subjects = {
        "tune": read(TUNE),
        "rock": read(ROCK, drums=True),
        "shuffle": read(SHUFFLE, drums=True),
    }
    for name, phrase in subjects.items():
        for amount in AMOUNTS:
            (made,) = filter(None, varier.variations(phrase, LENGTH, amount, 1, SEED))
            subtitle = f"distance {made.distance:.2f}, {len(made.notes)} notes"
            path = folder / f"vary-{name}-{round(100 * amount):02d}.svg"
            draw(path, f"amount {amount:g}", subtitle, *split(made.notes, phrase))
    first, last = subjects["tune"], read(OTHER)
    for index, made in enumerate(varier.blend(first, last, LENGTH, STEPS)):
        subtitle = f"distance {made.distance:.2f} from the first"
        path = folder / f"blend-{index + 1}.svg"
        draw(path, f"step {index + 1} of {STEPS}", subtitle, *split(made.notes, first))


if __name__ == "__main__":
    main()
