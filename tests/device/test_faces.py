"""The table of faces against the daemon's table of parameters, both ways."""

from __future__ import annotations

import manual
from antiphon import params
from antiphon.commands import AVAILABLE, Mode, State
from antiphon.osc import addresses
from faces import (
    AUTOMATED,
    BANK,
    BUTTONS,
    BY_NAME,
    BY_PARAM,
    CLIP_STATUS,
    EXACT,
    FACES,
    FLOAT,
    HIDDEN,
    INT,
    MODES,
    MOST_INT,
    NOTES,
    STATUS,
    UNIT_INT,
    WITHOUT,
)

SHIPPED_MODES = ("Respond", "Loop", "Solo")
"""Entries of Mode in versions that were released, in order."""


def test_every_parameter_has_a_face_or_a_reason() -> None:
    """Every parameter of the daemon has exactly one face, or a reason for having none."""
    faced = [face.param for face in FACES if face.param]
    assert sorted([*faced, *WITHOUT]) == sorted(params.BY_NAME)
    assert len(BY_PARAM) == len(faced)
    assert all(len(reason) > 10 for reason in WITHOUT.values())


def test_faces_say_what_the_daemon_says() -> None:
    """Range, initial value, choices and help of a face are the daemon's."""
    for name, face in BY_PARAM.items():
        told = params.BY_NAME[name]
        assert face.name == name.replace("/", " ").title()
        assert (face.low, face.high) == (told.low, min(told.high, 2**24 - 1))
        assert (face.initial, face.help) == (told.default, told.help)
        assert face.whole == told.whole
        if told.choices:
            assert face.choices == tuple(choice.title() for choice in told.choices)
        elif name != "key":
            assert not face.choices
        assert face.visibility == AUTOMATED


def test_the_daemon_takes_a_whole_number_for_every_parameter() -> None:
    """A script sends 1.0 as the int 1: it is the same value for every parameter with a face."""
    for name, face in BY_PARAM.items():
        row = addresses.row_of(f"{addresses.PREFIX}param/{name}")
        values = {float(int(face.low) + (int(face.low) < face.low)), float(int(face.high))}
        for value in values:
            assert row.read((7402, int(value))) == row.read((7402, value)) == (7402, (value,))


def test_the_key_is_chosen_by_name() -> None:
    """The one choice that the daemon counts from C is named like the notes it stands for."""
    told = params.BY_NAME["key"]
    assert BY_PARAM["key"].choices == NOTES
    assert len(NOTES) == told.high - told.low + 1


def test_the_seed_alone_is_cut() -> None:
    """No range but the seed's is too large for what Live can hold exactly."""
    assert [face.param for face in BY_PARAM.values() if face.high == EXACT] == ["seed"]
    assert float(EXACT) == EXACT


def test_types_hold_their_ranges() -> None:
    """Choices count from 0, and an int that a byte cannot hold is a float that shows as one."""
    for face in FACES:
        if face.choices:
            assert (face.low, face.high) == (0, len(face.choices) - 1)
        if face.type == INT:
            assert face.low >= 0
            assert face.high <= MOST_INT
        if face.type == FLOAT and face.whole:
            assert face.unit == UNIT_INT
        assert face.low <= face.initial <= face.high


def test_names_are_unique_and_in_title_case() -> None:
    """Live recalls sets by the long name, so there is one of each, capitalised like Live's."""
    names = [face.name for face in FACES] + [name for name in BUTTONS if name not in ("Keep",)]
    assert len(set(names)) == len(names)
    assert all(name == name.title() for name in names)


def test_modes_are_appended_only() -> None:
    """Saved sets hold the place of a mode in the row, so those that were shipped keep theirs."""
    names = tuple(name for name, _ in MODES)
    assert names[: len(SHIPPED_MODES)] == SHIPPED_MODES
    assert BY_NAME["Mode"].choices == names
    assert {index for _, index in MODES} == {int(mode) for mode in AVAILABLE if mode}
    assert all(Mode(index).name.title() == name for name, index in MODES)


def test_status_has_an_entry_for_every_state() -> None:
    """Whatever state the daemon tells, the place behind "no daemon" shows it."""
    assert len(STATUS) == len(State) + 1
    shown = {State.IDLE: "Connected"}
    for state in State:
        assert STATUS[state + 1] == shown.get(state, state.name.title())
    assert len(CLIP_STATUS) == 12


def test_the_bank_holds_eight_that_can_be_automated() -> None:
    """Push shows eight parameters, each of which a knob can turn."""
    assert len(BANK) == len(set(BANK)) == 8
    assert all(BY_NAME[name].visibility == AUTOMATED for name in BANK)


def test_everything_has_help() -> None:
    """Every face and every button has a sentence of help."""
    for text in [face.help for face in FACES] + [text for _, text in BUTTONS.values()]:
        assert text[0].isupper()
        assert text.endswith(".")


def test_the_buttons_are_commands_of_the_daemon() -> None:
    """What a button is called, the daemon has an address for."""
    for name, address in (("End Turn", "turn"), *((n, n.lower()) for n in BUTTONS)):
        if "Clip" not in name and " " not in name:
            assert addresses.PREFIX + address in addresses.TABLE


def test_the_readme_has_every_control_once() -> None:
    """The table of controls names each face and each button that can be touched, in one row."""
    rows = [row.split("|")[2].strip() for row in manual.table().splitlines()[2:]]
    touched = [face for face in FACES if face.visibility != HIDDEN]
    wanted = [f.name if f.name == f.short else f"{f.name} ({f.short})" for f in touched]
    wanted += [f"*{name}*" for name in BUTTONS]
    assert sorted(rows) == sorted(wanted)
    assert manual.table() in manual.README.read_text(encoding="utf-8")
