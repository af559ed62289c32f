"""Piano rolls as pictures and as text."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from antiphon.music import Beats, Meter, Note, Voice
from antiphon.pianoroll import BAR_LINE, COLOURS, DRUMS, PAPER, draw, save
from antiphon.textroll import ANSWER, CALL, Bar, Compass, half_blocks, lines, raster

SVG = "{http://www.w3.org/2000/svg}"
CALLED = [Note(Beats(i * 1.0), 60 + 2 * i, 40 + 20 * i, Beats(0.9)) for i in range(4)]
ANSWERED = [note.shifted(Beats(4.0)) for note in reversed(CALLED)]
GROOVE = [Note(Beats(i * 0.5), (36, 42)[i % 2], 90, Beats(0.1), 10, Voice.DRUMS) for i in range(8)]


def _notes(svg: str, part: str) -> list[ElementTree.Element]:
    """Return the rectangles of a part's notes; they carry their names as titles."""
    boxes = ElementTree.fromstring(svg).iter(f"{SVG}rect")
    titled = ((box, box.find(f"{SVG}title")) for box in boxes)
    return [box for box, title in titled if title is not None and part in (title.text or "")]


def _texts(svg: str) -> list[str]:
    return [text.text or "" for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def _luminance(colour: str) -> float:
    parts = [value / 255 for value in bytes.fromhex(colour[1:])]
    line = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]


def test_each_note_is_a_box_in_the_colour_of_its_part() -> None:
    """Call and answer have a box a note, outlined in two colours, right of one another in time."""
    svg = draw(CALLED, ANSWERED)
    call, answer = _notes(svg, "call:"), _notes(svg, "answer:")
    assert (len(call), len(answer)) == (4, 4)
    assert max(float(b.get("x", 0)) for b in call) < min(float(b.get("x", 0)) for b in answer)
    assert COLOURS["call"] in svg
    assert COLOURS["answer"] in svg


def test_louder_is_deeper() -> None:
    """A louder note is filled darker."""
    fills = [_luminance(box.get("fill", "")) for box in _notes(draw(CALLED), "call:")]
    assert fills == sorted(fills, reverse=True)
    assert fills[0] > fills[-1]


@pytest.mark.parametrize("part", ["call", "answer"])
def test_colours_can_be_told_from_the_paper(part: str) -> None:
    """Both colours have a contrast of at least 4.5 to 1 against the paper, so words in them too."""
    contrast = (_luminance(PAPER) + 0.05) / (_luminance(COLOURS[part]) + 0.05)
    assert contrast >= 4.5


def test_bars_turns_and_octaves_are_labelled() -> None:
    """The picture names bars, turns, octaves, title and parts in words, not by colour alone."""
    texts = _texts(draw(CALLED, ANSWERED, title="A & B", subtitle="in <C>"))
    assert {"1", "2", "C4", "A & B", "in <C>"} <= set(texts)
    assert texts.count("call") == texts.count("answer") == 2


def test_bar_lines_follow_the_meter() -> None:
    """Three bars of 3/4 have four bar lines."""
    notes = [Note(Beats(i * 1.0), 60, 80, Beats(1.0)) for i in range(9)]
    root = ElementTree.fromstring(draw(notes, meter=Meter(3, 4)))
    assert sum(line.get("stroke") == BAR_LINE for line in root.iter(f"{SVG}line")) == 4


def test_drums_have_named_lanes() -> None:
    """Drums are drawn in lanes with the names of the instruments, beside pitched music."""
    texts = _texts(draw(CALLED, GROOVE))
    assert {"Kick", "Closed hat", "C4"} <= set(texts)
    assert set(DRUMS) >= set(range(35, 60))


def test_a_long_title_ends_before_the_legend() -> None:
    """What does not fit is left out; screen readers are told the whole name."""
    picture = draw(CALLED, ANSWERED, title="a" * 300)
    shown = next(text for text in _texts(picture) if text.startswith("aaa"))
    assert shown.endswith("a…")
    assert len(shown) < 100
    assert "a" * 300 in picture


def test_nothing_at_all_can_be_drawn() -> None:
    """A picture of no notes is a picture still."""
    ElementTree.fromstring(draw([]))


def test_a_picture_is_saved_into_a_new_folder(tmp_path: Path) -> None:
    """Saving makes the folder and writes a well-formed document."""
    save(tmp_path / "new" / "a.svg", draw(CALLED, ANSWERED))
    ElementTree.parse(tmp_path / "new" / "a.svg")


def test_text_roll_puts_high_notes_on_top() -> None:
    """In the text roll time runs right, pitch upwards, and the parts have signs of their own."""
    grid = raster([Bar(0, 2, 48, CALL), Bar(2, 4, 50, ANSWER)], Compass(48, 1), 5, 3)
    assert lines(grid, unicode=False) == ["  == ", "     ", "##   "]
    assert lines(grid) == ["  ▒▒ ", "     ", "██   "]


def test_repeated_notes_can_be_counted() -> None:
    """A note struck again at once leaves a gap before it; a short one fills a column."""
    bars = [Bar(0, 3, 60, CALL), Bar(3, 6, 60, CALL), Bar(7.2, 7.3, 60, CALL)]
    assert lines(raster(bars, Compass(60, 1), 9, 1), unicode=False) == ["## ### # "]


def test_notes_outside_the_roll_are_cut_off() -> None:
    """What lies outside in time or pitch is left out and does no harm."""
    bars = [Bar(-5, 1, 60, CALL), Bar(4, 99, 60, CALL), Bar(0, 5, 10, CALL), Bar(9, 12, 60, CALL)]
    assert lines(raster(bars, Compass(60, 1), 5, 1), unicode=False) == ["#   #"]


def test_half_blocks_hold_two_rows() -> None:
    """Each character shows both its rows; where the parts meet it has two colours."""
    runs = half_blocks(bytearray((0, 1, 0, 1, 1)), bytearray((0, 0, 2, 2, 1)))
    assert runs == [
        (" ", 0, 0),
        ("▀", CALL, 0),
        ("▄", ANSWER, 0),
        ("▀", CALL, ANSWER),
        ("█", CALL, 0),
    ]


def test_the_compass_stays_while_the_music_fits() -> None:
    """The roll does not move while every pitch fits, and widens its rows when none can."""
    compass = Compass(48, 1).fitted([50, 60], 24)
    assert compass == Compass(48, 1)
    moved = compass.fitted([70, 80], 24)
    assert moved.low <= 70 < 80 < moved.low + 24
    wide = moved.fitted([20, 100], 24)
    assert wide.step == 4
    assert wide.low <= 20 < 100 < wide.low + 24 * wide.step
