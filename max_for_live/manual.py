"""The table of controls in the README of this folder, from the table of faces."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from faces import AUTOMATED, BUTTONS, FACES, HIDDEN, NOTES, UNIT_MIDI, Face

README: Final = Path(__file__).parent / "README.md"
BEGIN: Final = "<!-- controls: made by make device -->"
END: Final = "<!-- /controls -->"


def table() -> str:
    """Return the table of everything that can be touched, group by group."""
    groups = dict.fromkeys(face.group for face in FACES if face.visibility != HIDDEN)
    rows = [
        "| group | control | range | at first | what it does |",
        "| --- | --- | --- | --- | --- |",
    ]
    for group in groups:
        for face in FACES:
            if face.group == group and face.visibility != HIDDEN:
                saved = (
                    "" if face.visibility == AUTOMATED else " Saved with the set, not automated."
                )
                name = face.name if face.name == face.short else f"{face.name} ({face.short})"
                first = shown(face, face.initial)
                rows.append(f"| {group} | {name} | {span(face)} | {first} | {face.help}{saved} |")
        rows += [
            f"| {group} | *{name}* | | | {info} |"
            for name, (place, info) in BUTTONS.items()
            if place == group
        ]
    return "\n".join(rows)


def span(face: Face) -> str:
    """Return the range of a parameter, for people."""
    if len(face.choices) in (2, 3):
        return ", ".join(face.choices)
    low, high = shown(face, face.low), shown(face, face.high)
    return f"{low.partition(' ')[0]} to {high}" if face.units else f"{low} to {high}"


def shown(face: Face, value: float) -> str:
    """Return a value of a parameter as Live shows it, or nearly."""
    if face.choices:
        return face.choices[int(value)]
    if face.unit == UNIT_MIDI:
        return f"{NOTES[int(value) % 12]}{int(value) // 12 - 2}"
    unit = face.units.partition(" ")[2].replace("bt", "beats")
    number = f"{value:.0f}" if value == int(value) else f"{value:g}"
    return f"{number} {unit.removesuffix('s') if value == 1 else unit}".rstrip()


def written() -> str:
    """Return the README with the table as it should be."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"
