"""The OSC address table, row by row."""

from __future__ import annotations

import math

import pytest

from antiphon import commands, midi, params
from antiphon.commands import Refusal
from antiphon.music import Meter, Seconds
from antiphon.osc import addresses
from antiphon.osc.addresses import Context, RefusedError, Row
from antiphon.osc.codec import Argument

AT = Context(Seconds(5.0), ("127.0.0.1", 9), "/antiphon/x")


def build(address: str, *arguments: Argument) -> addresses.Request:
    """Read a message by the table."""
    row = addresses.row_of(address)
    _, values = row.read(arguments)
    return row.build(AT, values)


def good(field: addresses.Field) -> Argument:
    """Return a value that the field takes."""
    if isinstance(field, addresses.Text):
        return "temperature"
    return field.low


FORMS = [(row, form) for row in addresses.ROWS for form in row.forms]
NAMES = [f"{row.address} {len(form)}" for row, form in FORMS]


@pytest.mark.parametrize(("row", "form"), FORMS, ids=NAMES)
def test_every_form_takes_its_lowest_and_highest_values(
    row: Row, form: tuple[addresses.Field, ...]
) -> None:
    """Both ends of every range are accepted and become a request."""
    for end in ("low", "high"):
        values = [getattr(field, end, "temperature") for field in form]
        if row.address == "/antiphon/mode":
            values = [1]
        if row.address == "/antiphon/clock":
            values[2:4] = [4, 4]
        assert row.build(AT, row.read(tuple(values))[1]) is not None


@pytest.mark.parametrize(("row", "form"), FORMS, ids=NAMES)
def test_every_argument_is_checked_for_type_range_and_finiteness(
    row: Row, form: tuple[addresses.Field, ...]
) -> None:
    """A wrong type is code 2; what lies outside the range, NaN and infinities are code 3."""
    for place, field in enumerate(form):
        values = [good(other) for other in form]

        def code(bad: object, place: int = place, values: list[Argument] = values) -> Refusal:
            tried = (*values[:place], bad, *values[place + 1 :])
            with pytest.raises(RefusedError) as caught:
                row.read(tried)  # type: ignore[arg-type]
            return caught.value.code

        assert code(True) is Refusal.WRONG_ARGUMENTS
        if isinstance(field, addresses.Text):
            assert code(3) is Refusal.WRONG_ARGUMENTS
            assert code("x" * 65) is Refusal.OUT_OF_RANGE
            assert code("") is Refusal.OUT_OF_RANGE
            continue
        if not isinstance(field, addresses.WholeOrText):
            assert code("x") is Refusal.WRONG_ARGUMENTS
        for number in (field.low - 1, field.high + 1, math.nan, math.inf, -math.inf):
            assert code(number) is Refusal.OUT_OF_RANGE
        if not isinstance(field, addresses.Real):
            assert code(field.low + 0.5) is Refusal.WRONG_ARGUMENTS


@pytest.mark.parametrize("row", addresses.ROWS, ids=lambda row: str(row.address))
def test_arity_decides_about_the_reply_port(row: Row) -> None:
    """One more argument is the reply port where the row allows it, and an error elsewhere."""
    longest = max(row.forms, key=len)
    values = tuple(good(field) for field in longest)
    if row.reply_port:
        assert row.read((7402, *values))[0] == 7402
        assert row.read((7402.0, *values))[0] == 7402
        for wrong in (0, 65536, "a"):
            with pytest.raises(RefusedError):
                row.read((wrong, *values))
    for wrong_count in (("x",) * (len(longest) + 2), (1,) * 40):
        with pytest.raises(RefusedError) as caught:
            row.read(wrong_count)
        assert caught.value.code is Refusal.WRONG_ARGUMENTS


def test_notes_and_controllers_become_midi_bytes_stamped_with_the_time() -> None:
    """A note of velocity 0 is a note-off, and floats that are whole are taken as integers."""
    on = commands.Heard(AT.time, midi.note_on(2, 60, 90), AT.client)
    assert build("/antiphon/note", 60, 90.0, 2) == on
    off = build("/antiphon/note", 60, 0, 2)
    assert isinstance(off, commands.Heard)
    assert midi.kind(off.message) == midi.NOTE_OFF
    cc = build("/antiphon/cc", 64, 127, 16)
    assert cc == commands.Heard(AT.time, midi.control(16, 64, 127), AT.client)


def test_clock_becomes_a_transport_and_refuses_impossible_meters() -> None:
    """The denominator must be a power of two."""
    expected = commands.Transport(AT.time, 8.5, 97.5, Meter(6, 8), True)  # type: ignore[arg-type]
    assert build("/antiphon/clock", 8.5, 97.5, 6, 8, 1) == expected
    with pytest.raises(RefusedError) as caught:
        build("/antiphon/clock", 0, 120, 4, 3, 1)
    assert caught.value.code is Refusal.OUT_OF_RANGE


def test_mode_by_name_or_index_and_only_those_of_this_version() -> None:
    """Unknown names are code 5, modes of later versions 4, indices beyond the table 3."""
    assert build("/antiphon/mode", 4) == build("/antiphon/mode", "loop")
    for asked in ("respond", 1, 1.0):
        request = build("/antiphon/mode", asked)
        assert request == commands.SetMode(AT.client, AT.address, commands.Mode.RESPOND)
    for asked, code in (("jazz", 5), ("Respond", 5), ("duet", 4), (2, 4), (7, 3), (-1, 3)):
        with pytest.raises(RefusedError) as caught:
            build("/antiphon/mode", asked)
        assert caught.value.code == code


def test_names_are_looked_up_and_paths_are_not_allowed() -> None:
    """Parameters must exist, and models are named without any path."""
    assert isinstance(build("/antiphon/get", "register/low"), commands.GetParam)
    assert isinstance(build("/antiphon/learn", "turn"), commands.Learn)
    assert build("/antiphon/model", "jazz-2") == commands.LoadModel(*AT_COMMAND, "jazz-2")
    cases = (("get", "nope", 5), ("get", "turn", 5), ("learn", "nope", 5))
    paths = (("model", "../x", 6), ("model", "a/b", 6), ("model", "a\\b", 6), ("model", ".x", 6))
    for address, name, code in cases + paths:
        with pytest.raises(RefusedError) as caught:
            build(f"/antiphon/{address}", name)
        assert caught.value.code == code


AT_COMMAND = (AT.client, AT.address)


def test_the_rest_of_the_commands() -> None:
    """Each address makes its own command with its arguments."""
    assert build("/antiphon/turn") == commands.EndTurn(*AT_COMMAND)
    assert build("/antiphon/turn", 0) == commands.StopAnswer(*AT_COMMAND)
    assert build("/antiphon/generate", 4) == commands.Generate(*AT_COMMAND, 4.0)  # type: ignore[arg-type]
    assert build("/antiphon/style", "bach", 0.5) == commands.SetStyle(*AT_COMMAND, "bach", 0.5)
    assert build("/antiphon/record", 1) == commands.Record(*AT_COMMAND, True)
    assert build("/antiphon/panic") == commands.Panic(*AT_COMMAND)
    assert build("/antiphon/capture", 8) == commands.Capture(*AT_COMMAND, 8.0)  # type: ignore[arg-type]
    assert build("/antiphon/vary", 16, 0.5) == commands.Vary(*AT_COMMAND, 16, 0.5)
    assert build("/antiphon/pick", 0) == commands.Pick(*AT_COMMAND, 0)
    assert build("/antiphon/keep") == commands.Keep(*AT_COMMAND)
    assert build("/antiphon/undo") == commands.Undo(*AT_COMMAND)
    assert build("/antiphon/hello", 1, 7402) == addresses.Hello(0)
    assert build("/antiphon/hello", 1, 7402, 1.0) == addresses.Hello(1)
    assert build("/antiphon/ping", 7402) == addresses.Ping()
    assert build("/antiphon/bye", 7402) == addresses.Bye()


@pytest.mark.parametrize("param", params.TABLE, ids=lambda param: str(param.name))
def test_every_parameter_has_an_address_and_agrees_with_its_own_check(
    param: params.Param,
) -> None:
    """What the address takes, the parameter takes."""
    address = f"/antiphon/param/{param.name}"
    for value in (param.low, param.high, param.default):
        request = build(address, value)
        assert request == commands.SetParam(*AT_COMMAND, param.name, float(param.check(value)))


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("/antiphon/nope", 1),
        ("/antiphon", 1),
        ("/", 1),
        ("", 1),
        ("/antiphon/pong", 1),
        ("/antiphon/prompt", 1),
        ("/antiphon/param/nope", 5),
        *((f"/antiphon/pani{sign}", 6) for sign in "*?[]{}"),
        ("/*", 6),
    ],
)
def test_other_addresses_are_refused(address: str, code: int) -> None:
    """Unknown addresses are code 1, unknown parameters 5, wildcards 6."""
    with pytest.raises(RefusedError) as caught:
        addresses.row_of(address)
    assert caught.value.code == code
