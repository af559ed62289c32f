"""What the partner played last, and clips of it and of phrases."""

from __future__ import annotations

import pytest

from antiphon import commands as c
from antiphon.answers import KEPT, LastAnswer
from antiphon.music import Beats, Meter, Note, Seconds
from antiphon.repertoire import Equipped
from looping import TransposingVarier, looping, told
from stage import Stage

WHO = ("127.0.0.1", 9001)


def clip(stage: Stage, index: int) -> c.Clip | c.Refused:
    """Ask for a clip."""
    stage.tell(c.GiveClip(WHO, "/antiphon/clip/get", index))
    answer = stage.updates[-1]
    assert isinstance(answer, c.Clip | c.Refused)
    return answer


def test_the_last_answer_is_a_clip_from_its_line_to_its_end() -> None:
    """It has the notes that sounded, in beats from the line the answer began on."""
    stage = Stage(length=4)
    stage.scale(count=4)
    stage.until(8.0)
    (turn,) = told(stage, c.TurnEnded)
    given = clip(stage, c.LAST_ANSWER)
    assert isinstance(given, c.Clip)
    assert given.length == 4
    played = [p.note for p in told(stage, c.Played)]
    assert [n.pitch for n in given.notes] == [n.pitch for n in played]
    assert [n.start for n in given.notes] == [pytest.approx(n.start - turn.start) for n in played]


def test_notes_that_were_taken_back_are_not_in_the_clip() -> None:
    """Coming in over the answer ends it, and the clip is what was heard of it, in whole bars."""
    stage = Stage(length=16)
    stage.scale(count=4)
    stage.until(5.1)
    stage.tell(c.StopAnswer(WHO, "/antiphon/turn"))
    stage.until(9.0)
    given = clip(stage, c.LAST_ANSWER)
    assert isinstance(given, c.Clip)
    assert len(given.notes) == len(stage.heard)
    assert given.length % 4 == 0
    assert given.length < 16
    assert max(n.end for n in given.notes) <= given.length


def test_of_an_answer_without_end_the_last_eight_bars_are_kept() -> None:
    """A long solo gives a clip that can be looped."""
    stage = Stage(c.Mode.SOLO)
    stage.tell(c.EndTurn(WHO, "/antiphon/turn"))
    stage.until(40.0)
    given = clip(stage, c.LAST_ANSWER)
    assert isinstance(given, c.Clip)
    assert given.length == 32
    assert min(n.start for n in given.notes) < 1
    assert max(n.start for n in given.notes) < 32


def test_where_there_is_nothing_yet_a_clip_is_refused() -> None:
    """No answer, no phrase, no such variation: not now, or out of range."""
    stage = Stage()
    for index in (c.LAST_ANSWER, 0, 1):
        refused = clip(stage, index)
        assert isinstance(refused, c.Refused)
        assert refused.code is c.Refusal.NOT_NOW


def test_what_the_loop_plays_is_no_answer() -> None:
    """The clip of the last answer stays what it was while a loop plays."""
    stage = looping()
    stage.until(20.0)
    assert isinstance(clip(stage, c.LAST_ANSWER), c.Refused)
    phrase = clip(stage, 0)
    assert isinstance(phrase, c.Clip)
    assert len(phrase.notes) == 5


def test_a_clip_becomes_the_phrase_and_the_loop_plays_it() -> None:
    """Taken in mode loop, it plays from the next bar line, and can be varied and undone."""
    stage = Stage(c.Mode.LOOP)
    stage.tell(Equipped(TransposingVarier()))
    notes = tuple(Note(Beats(n), 60 + n, 90, Beats(0.5)) for n in range(4))
    stage.tell(c.TakePhrase(WHO, "/antiphon/clip/begin", notes, Beats(4.0)))
    assert told(stage, c.PhraseTaken) == [c.PhraseTaken(Beats(4.0), 4)]
    stage.until(4.1)
    assert [n.pitch for n in stage.heard][:4] == [60, 61, 62, 63]
    given = clip(stage, 0)
    assert isinstance(given, c.Clip)
    assert given.notes == notes


def test_a_clip_that_is_too_long_or_empty_is_refused() -> None:
    """Nine bars, or no notes, leave the phrase as it was."""
    stage = looping()
    for notes, length in ((), 4.0), ((Note(Beats(0.0), 60),), 36.0):
        stage.tell(c.TakePhrase(WHO, "/antiphon/clip/begin", notes, Beats(length)))
        refused = stage.updates[-1]
        assert isinstance(refused, c.Refused)
        assert refused.code is c.Refusal.OUT_OF_RANGE
    assert len(told(stage, c.PhraseTaken)) == 1


def test_a_night_long_solo_is_remembered_by_its_end_alone() -> None:
    """What is kept of an answer without end has a bound, and is what came last."""
    answer = LastAnswer()
    answer.follow(c.TurnEnded(Beats(0.0), Beats(0.0), Beats(0.0)))
    for number in range(5 * KEPT):
        note = Note(Beats(number / 64), 60, 80, Beats(1 / 32))
        answer.follow(c.Played(note, Seconds(number / 128), Seconds(number / 128 + 0.1), number))
    answer.follow(c.Shortened(1, Seconds(0.0)))  # long forgotten
    answer.follow(c.Shortened(5 * KEPT - 1, Seconds(0.0)))
    length, notes = answer.clip(Meter())
    assert length <= 32
    assert len(notes) == KEPT - 1
