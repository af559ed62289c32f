"""The container of the shipped device, read by a parser of its own, written from the format."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

import amxd
import device
import manual
import plain
from tight import tight

FOLDER = Path(__file__).resolve().parents[2] / "max_for_live"
DEVICE = (FOLDER / "Antiphon.amxd").read_bytes()
MOST = 50_000
"""Bytes a device may have."""


def little(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield chunks with little-endian sizes that leave their header out."""
    while data:
        size = int.from_bytes(data[4:8], "little")
        assert len(data) >= 8 + size
        yield data[:4].decode(), data[8 : 8 + size]
        data = data[8 + size :]


def big(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield chunks with big-endian sizes that count their header."""
    while data:
        size = int.from_bytes(data[4:8], "big")
        assert 8 <= size <= len(data)
        yield data[:4].decode(), data[8:size]
        data = data[size:]


def files(archive: bytes) -> list[tuple[str, str, int, bytes]]:
    """Return name, type, flag and bytes of each file of a frozen device."""
    assert archive[:4] == b"mx@c"
    assert int.from_bytes(archive[4:8], "big") == 16
    footer = int.from_bytes(archive[8:16], "big")
    ((name, directory),) = big(archive[footer:])
    assert name == "dlst"
    found, place = [], 16
    for entry, record in big(directory):
        assert entry == "dire"
        fields = dict(big(record))
        assert list(fields) == ["type", "fnam", "sz32", "of32", "vers", "flag", "mdat"]
        assert len(fields["fnam"]) % 4 == 0
        number = {key: int.from_bytes(fields[key], "big") for key in ("sz32", "of32", "flag")}
        assert number["of32"] == place, "files stand back to back"
        place += number["sz32"]
        data = archive[number["of32"] : place]
        told = fields["fnam"].split(b"\0")[0].decode(), fields["type"].decode()
        found.append((*told, number["flag"], data))
    assert place == footer
    return found


def test_it_is_a_frozen_midi_effect_that_holds_all_it_needs() -> None:
    """Kind, state and files of the shipped device are what Live expects of a released one."""
    chunks = list(little(DEVICE))
    assert [name for name, _ in chunks] == ["ampf", "meta", "ptch"]
    assert chunks[0][1] == b"mmmm"
    assert chunks[1][1] == struct.pack("<I", 7)
    first, *others = files(chunks[2][1])
    assert first[:3] == ("Antiphon.amxd", "JSON", 17)
    assert [it[:3] for it in others] == [("link.js", "TEXT", 0), ("clips.js", "TEXT", 0)]
    assert first[3].endswith(b"}\n\0")


def test_its_json_is_valid_and_says_what_kind_of_device_it_is() -> None:
    """Max refuses a device whose project does not name its kind."""
    (_, _, _, text), *_ = files(dict(little(DEVICE))["ptch"])
    told = json.loads(text.rstrip(b"\0"))
    assert told == amxd.patcher(DEVICE)
    assert told["patcher"]["project"]["amxdtype"] == 1835887981


def test_it_is_small() -> None:
    """The whole device, its script included, stays small."""
    assert len(DEVICE) < MOST


def tokens(script: str) -> list[str]:
    """Return what a script consists of: numbers for their names, all declarations as one."""
    found = re.findall(r'//.*|"[^"\n]*"|[\w$]+|[^\s\w]', script)
    text = " ".join(token for token in found if not token.startswith("//"))
    for name, value in re.findall(r"\bvar ([A-Z_]+) = (-? ?\d+(?: \. \d+)?) ;", text):
        text = text.replace(f"var {name} = {value} ; ", "")
        text = re.sub(rf"\b{name}\b", value, text)
    text = text.replace("; var ", ", ")
    for place, name in enumerate(re.findall(r"(?:var|,) ([A-Z_]+) =", text)):
        text = re.sub(rf"\b{name}\b", "ABCDEFGH"[place], text)
    return text.split()


@pytest.mark.parametrize("name", ["link.js", "clips.js"])
def test_its_scripts_are_those_beside_it(name: str) -> None:
    """Nothing but comments, blanks and names of numbers is missing from the scripts inside."""
    inside = {title: data for title, _, _, data in files(dict(little(DEVICE))["ptch"])}
    beside = (FOLDER / name).read_text(encoding="utf-8")
    assert tokens(inside[name].decode()) == tokens(beside)
    assert inside[name] == tight(beside)


def test_building_again_gives_the_same_bytes() -> None:
    """What is committed is what the generator makes."""
    assert device.device() == DEVICE
    assert device.device() == DEVICE


def test_the_other_built_files_are_what_the_generator_makes() -> None:
    """The patcher for Max, its help and the README's table are built again as they are."""
    for path, data in plain.files().items():
        assert path.read_bytes() == data
    assert manual.README.read_text(encoding="utf-8") == manual.written()


def test_reading_and_writing_changes_nothing() -> None:
    """A device goes through reader and writer byte for byte, frozen or not."""
    assert amxd.pack(amxd.unpack(DEVICE)) == DEVICE
    plain = amxd.Device(b"aaaa", amxd.UNFROZEN, (amxd.Entry("", b"JSON", b"{}\n\0", 17),))
    assert amxd.unpack(amxd.pack(plain)) == plain


def test_every_cut_is_noticed() -> None:
    """A device that is cut off anywhere is refused, in one line that says so."""
    for size in [*range(64), *range(64, len(DEVICE), 997), *range(len(DEVICE) - 300, len(DEVICE))]:
        with pytest.raises(ValueError, match="expected"):
            amxd.unpack(DEVICE[:size])


@pytest.mark.parametrize("place", [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 47])
def test_every_wrong_byte_of_the_frame_is_noticed(place: int) -> None:
    """Names and sizes of the container are checked, not believed."""
    broken = bytearray(DEVICE)
    broken[place] ^= 0x15
    with pytest.raises(ValueError, match="expected"):
        amxd.unpack(bytes(broken))


@pytest.mark.parametrize("name", [b"type", b"fnam", b"sz32", b"of32", b"vers", b"flag", b"mdat"])
def test_every_field_of_the_directory_is_needed(name: bytes) -> None:
    """A directory that lacks a field is refused."""
    with pytest.raises(ValueError, match="expected"):
        amxd.unpack(DEVICE.replace(name, b"none"))


def test_other_json_is_no_patcher() -> None:
    """What holds no patcher is refused."""
    other = amxd.Device(b"mmmm", amxd.UNFROZEN, (amxd.Entry("", b"JSON", b"[]\n\0", 17),))
    with pytest.raises(ValueError, match="patcher"):
        amxd.patcher(amxd.pack(other))


@pytest.mark.parametrize(
    ("script", "short"),
    [
        ("var A_B = -1; // why\nx = 2 - A_B;\n", "x=2- -1;\n"),
        ("x = y++ + +z;\n", "x=y++ + +z;\n"),
        ("var a = 1;\nvar b = 2;\nvar c = 3;\n", "var a=1,b=2,c=3;\n"),
        ("if (x) {\n    var a = 1;\n}\nvar b;\n", "if(x){var a=1;}var b;\n"),
        ('f("// no, A_B  ", 1.50); // yes\n', 'f("// no, A_B  ",1.50);\n'),
        ('var LONG = "x";\nreturn LONG.LENGTH;\n', 'var A="x";return A.LENGTH;\n'),
        ("a = b in c;\n", "a=b in c;\n"),
    ],
)
def test_a_script_is_made_tight_and_stays_the_same(script: str, short: str) -> None:
    """Comments, blanks and constants go; what would then be read differently keeps a blank."""
    assert tight(script) == short.encode()


def test_a_script_that_cannot_be_made_tight_is_refused() -> None:
    """A text without an end would be cut wrongly, so that it is an error."""
    with pytest.raises(ValueError, match="expected a script"):
        tight('x = "no end;\n')
