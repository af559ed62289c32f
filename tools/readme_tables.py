"""Write the tables of the README that the code knows better: parameters and modes.

``python tools/readme_tables.py`` puts them between their markers; with ``--check`` it only says
whether they are up to date (exit status 1 if not). A test does the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from antiphon.commands import AVAILABLE, Mode
from antiphon.params import TABLE, Param

README: Final = Path(__file__).resolve().parents[1] / "README.md"

MEASURES: Final = ("beats", "bars", "notes", "ms")
"""Units worth writing behind a number; a pitch or a channel says what it is by its name."""

MODE_HELP: Final = {
    Mode.OFF: "Nothing. What you play still passes through if `thru` is on.",
    Mode.RESPOND: "Call and response: it listens, then answers. Your turn ends by silence, by a "
    "number of bars, by a foot switch, or by OSC.",
    Mode.DUET: "Plays along while you play.",
    Mode.HARMONIZE: "Adds voices to each of your notes at once.",
    Mode.LOOP: "Repeats a phrase of yours in time, each pass varied by `vary/amount`, while you "
    "play over it. Your first turn becomes the phrase; a foot switch captures anew.",
    Mode.DRUMS: "A groove with your tempo and accents.",
    Mode.SOLO: "Plays by itself until you stop it.",
}


def mode_table() -> str:
    """Return the table of the modes that exist in this version."""
    rows = [f"| {mode.value} | `{mode.name.lower()}` | {MODE_HELP[mode]} |" for mode in AVAILABLE]
    return "\n".join(("| index | mode | what the partner does |", "| --- | --- | --- |", *rows))


def param_table() -> str:
    """Return the table of the parameters."""
    rows = [
        f"| `{p.name}` | {p.low:g} to {_number(p.high)} | {_default(p)} | {_help(p)} |"
        for p in TABLE
    ]
    head = ("| parameter | range | default | what it does |", "| --- | --- | --- | --- |")
    return "\n".join((*head, *rows))


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _default(param: Param) -> str:
    if param.choices:
        return f"{_number(param.default)} ({param.choices[int(param.default)]})"
    unit = f" {param.unit}" if param.unit in MEASURES else ""
    return f"{_number(param.default)}{unit}"


def _help(param: Param) -> str:
    if not param.choices:
        return param.help
    choices = ", ".join(f"{index} {name}" for index, name in enumerate(param.choices))
    return f"{param.help} ({choices})"


def updated(text: str) -> str:
    """Return the README's text with the tables put between their markers.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    for name, table in (("modes", mode_table()), ("parameters", param_table())):
        begin, end = f"<!-- {name}: made by tools/readme_tables.py -->", f"<!-- /{name} -->"
        if begin not in text or end not in text:
            raise ValueError(f"the README has no markers {begin} ... {end}")
        before, rest = text.split(begin, 1)
        text = f"{before}{begin}\n{table}\n{end}{rest.split(end, 1)[1]}"
    return text


def main() -> int:
    """Update the README, or check it."""
    old = README.read_text(encoding="utf-8")
    new = updated(old)
    if "--check" in sys.argv[1:]:
        return int(new != old)
    README.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
