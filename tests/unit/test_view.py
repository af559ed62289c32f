"""The terminal view."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest
from rich.console import Console

from antiphon.commands import (
    Beat,
    HeardNote,
    Looped,
    Mode,
    ParamValue,
    PhraseTaken,
    Played,
    Refusal,
    Refused,
    State,
    Stats,
    Status,
    Stopped,
    TurnEnded,
)
from antiphon.music import Beats, Note, Seconds
from antiphon.timebase import ManualClock
from antiphon.view import View

LISTENING = Status(State.LISTENING, Mode.RESPOND, "duo-1", True)
ANSWERING = Status(State.ANSWERING, Mode.RESPOND, "duo-1", True)


def _view(clock: ManualClock, width: int = 80, height: int = 24, **options: Any) -> View:
    console = Console(
        file=io.StringIO(), width=width, height=height, force_terminal=True, **options
    )
    return View(clock, console=console, ports="in Antiphon In")


def _text(view: View, width: int = 80, height: int = 23) -> list[str]:
    view.take()
    return ["".join(s.text for s in row) for row in view.rows(width, height)]


def _play(view: View, clock: ManualClock) -> None:
    """Play a call of one note and the start of an answer."""
    view.update(LISTENING)
    view.update(Beat(2, Beats(1.0), 120.0))
    view.update(HeardNote(Beats(9.0), 60, 80, 1))
    clock.advance(0.5)
    view.update(HeardNote(Beats(9.0), 60, 80, 1, 1.0))
    view.update(TurnEnded(Beats(10.0), Beats(12.0), Beats(8.0)))
    view.update(ANSWERING)
    on = clock.now() + 0.1
    view.update(Played(Note(Beats(12.0), 67), Seconds(on), Seconds(on + 0.5)))
    view.update(Stats(0.41, 0.63, 0.04, 1, 2, 3))


def test_the_picture_says_what_goes_on() -> None:
    """Beat, tempo, sync, state, mode, model, notes, timings and counts stand in the picture."""
    clock = ManualClock(100.0)
    view = _view(clock)
    _play(view, clock)
    clock.advance(0.2)
    text = "\n".join(_text(view))
    for word in ("3.2", "120.0 bpm", "internal", "answering", "respond", "duo-1", "C4", "G4"):
        assert word in text
    for word in ("0.41 / 0.63 ms", "0.04 ms", "late 1", "dropped 2", "refused 3", "Antiphon In"):
        assert word in text


@pytest.mark.parametrize(
    ("width", "height"), [(80, 23), (200, 60), (60, 15), (40, 10), (20, 5), (8, 2), (1, 1)]
)
def test_the_picture_fits_any_window(width: int, height: int) -> None:
    """No row is added beyond the window, and none of the drawing fails in a tiny one."""
    clock = ManualClock(100.0)
    view = _view(clock, width, height + 1)
    _play(view, clock)
    view.take()
    assert len(view.rows(width, height)) <= height
    view.console.print(view)
    printed = view.console.file.getvalue()  # type: ignore[attr-defined]
    assert len(printed.splitlines()) <= height


def test_notes_scroll_left_of_the_now_line_and_call_and_answer_differ() -> None:
    """Without colours the parts have signs of their own; what was heard moves left with time."""
    clock = ManualClock(100.0)
    view = _view(clock, no_color=True)
    _play(view, clock)
    clock.advance(0.3)
    early = next(row for row in _text(view) if "█" in row)
    assert any("▒" in row for row in _text(view))
    clock.advance(2.0)
    late = next(row for row in _text(view) if "█" in row)
    assert late.index("█") < early.index("█") < early.index("│")


def test_plain_ascii_will_do() -> None:
    """Where the terminal knows no Unicode, the picture is ASCII."""
    clock = ManualClock(100.0)
    view = _view(clock)
    _play(view, clock)
    view.take()
    rows = view.rows(80, 23, unicode=False)
    assert all(segment.text.isascii() for row in rows for segment in row)


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR set, no colour code is written."""
    monkeypatch.setenv("NO_COLOR", "1")
    clock = ManualClock(100.0)
    view = _view(clock, color_system="truecolor")
    _play(view, clock)
    view.take()
    view.console.print(view)
    printed = view.console.file.getvalue()  # type: ignore[attr-defined]
    assert "38;2" not in printed
    assert "48;2" not in printed


def test_a_note_taken_back_leaves_the_picture() -> None:
    """After a stop, what had not sounded is neither drawn nor named."""
    clock = ManualClock(100.0)
    view = _view(clock, no_color=True)
    _play(view, clock)
    view.update(Stopped(clock.now()))
    clock.advance(0.2)
    assert not any("▒" in row or "G4" in row for row in _text(view))


def test_lights_follow_the_ports() -> None:
    """The lamps are lit while notes go in or out, and go dark after."""
    clock = ManualClock(100.0)
    view = _view(clock)
    view.update(HeardNote(Beats(0.0), 60, 80, 1))
    assert "in ●   out ○" in _text(view)[1]
    view.update(HeardNote(Beats(0.0), 60, 80, 1, 1.0))
    view.update(Played(Note(Beats(0.0), 60), clock.now(), Seconds(clock.now() + 0.5)))
    clock.advance(0.3)
    assert "in ○   out ●" in _text(view)[1]
    clock.advance(1.0)
    assert "in ○   out ○" in _text(view)[1]


def test_plain_lines_tell_states_turns_and_warnings_only() -> None:
    """Without a terminal there is a line for each change of state and each turn, no more."""
    clock = ManualClock(100.0)
    view = _view(clock)
    _play(view, clock)
    for beat in range(50):
        view.update(Beat(3 + beat // 4, Beats(beat % 4), 120.0))
    assert view.take() == [
        "model duo-1",
        "listening",
        "answering bar 4, 8 beats",
        "warning: 1 notes late, 2 dropped so far",
    ]
    view.update(LISTENING)
    view.update(LISTENING)
    assert view.take() == ["listening"]


def test_the_loop_says_what_it_plays() -> None:
    """Length, pass, variation with its distance, and whether it is held, in the picture."""
    clock = ManualClock(100.0)
    view = _view(clock)
    view.update(Status(State.LOOPING, Mode.LOOP, "duo-1", True))
    for update, line in (
        (Looped(1, Beats(8.0), 2.0), "looping  2 bars  pass 1  as played"),
        (Looped(2, Beats(8.0), 2.0, None, 0.314), "looping  2 bars  pass 2  varied 0.31"),
        (Looped(3, Beats(4.0), 1.0, 5, 0.5), "looping  1 bar  pass 3  variation 5 0.50"),
        (ParamValue("vary/freeze", 1.0), "variation 5 0.50  frozen"),
        (Looped(4, Beats(6.0), 1.5), "looping  6 beats  pass 4  as played"),
    ):
        view.update(update)
        assert line in _text(view)[1]
    plain = _view(clock)
    plain.update(PhraseTaken(Beats(8.0), 5))
    assert plain.take() == ["phrase 8 beats, 5 notes"]


def test_warnings_do_not_flood() -> None:
    """Many refusals in a moment make one line, and late notes are told every ten seconds."""
    clock = ManualClock(100.0)
    view = _view(clock)
    for count in range(100):
        view.update(Refused(Refusal.UNKNOWN_ADDRESS, "/antiphon/nope"))
        view.update(Stats(dropped=count))
    assert view.take() == ["refused /antiphon/nope: unknown address"]


def test_where_there_is_no_terminal_lines_are_printed() -> None:
    """A view on a pipe writes lines and no control codes."""
    clock, done, out = ManualClock(100.0), threading.Event(), io.StringIO()
    view = View(clock, console=Console(file=out))
    assert view.plain
    _play(view, clock)
    done.set()
    view.run(done)
    assert out.getvalue().splitlines()[1] == "listening"
    assert "\x1b" not in out.getvalue()


def test_a_terminal_is_drawn_live() -> None:
    """On a terminal frames are drawn until the end, and the cursor comes back."""
    clock, done = ManualClock(100.0), threading.Event()
    view = _view(clock)
    _play(view, clock)
    threading.Timer(0.25, done.set).start()
    view.run(done)
    out = view.console.file.getvalue()  # type: ignore[attr-defined]
    assert "answering" in out
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")
    assert len(view.frame_ms) >= 2


def test_a_view_that_breaks_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault in the drawing, or a closed pipe, ends the view and not the music."""
    for plain in (True, False):
        clock, done = ManualClock(100.0), threading.Event()
        view = _view(clock)
        view.plain = plain
        monkeypatch.setattr(view, "take", lambda: 1 / 0)
        done.set()
        view.run(done)


def test_a_frame_is_cheap() -> None:
    """A full frame at 80 x 24 costs a few milliseconds of processor time, with room to spare."""
    clock, done = ManualClock(100.0), threading.Event()
    view = _view(clock, color_system="truecolor")
    _play(view, clock)
    for step in range(200):
        on = clock.now() - 8 + step / 25
        view.update(Played(Note(Beats(0.0), 40 + step % 40), Seconds(on), Seconds(on + 0.2)))
    threading.Timer(0.5, done.set).start()
    view.run(done)
    assert sorted(view.frame_ms)[len(view.frame_ms) // 2] < 15.0
