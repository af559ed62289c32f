"""Reading and writing Live's clips, against the stand-in on a clock moved by hand."""

from __future__ import annotations

import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abletonosc import Clip, Track
from antiphon import commands as c
from antiphon.live.notes import from_values, to_arguments
from antiphon.music import Beats, Note
from live_rehearsal import Rehearsal

ASKED = ("127.0.0.1", 7999)


def note(start: float, pitch: int = 60, duration: float = 0.5, velocity: int = 90) -> Note:
    """Return a note."""
    return Note(Beats(start), pitch, velocity, Beats(duration))


def rehearsal(*slots: Clip | None, **how: float) -> Rehearsal:
    """Return Live with a MIDI track of these slots, an audio track, and the link to it."""
    audio = Track([Clip(is_midi_clip=False), *[None] * (len(slots) - 1)], has_midi_input=False)
    made = Rehearsal([Track(list(slots)), audio], **how)  # type: ignore[arg-type]
    made.run(2)
    return made


def read(stage: Rehearsal, seconds: float = 10) -> None:
    """Have the selected clip read."""
    stage.link.obey(c.ReadClip(ASKED, "/antiphon/live/read"), stage.clock.now())
    stage.run(seconds, until=lambda: bool(stage.taken or stage.told))
    stage.run(0.5)


def shown(stage: Rehearsal) -> int:
    """Return how many lines Live was asked to show."""
    return sum(address == "/live/api/show_message" for address, _ in stage.script.asked)


def write(stage: Rehearsal, index: int, seconds: float = 60) -> None:
    """Have a clip written."""
    before = shown(stage)
    stage.link.obey(c.WriteClip(ASKED, "/antiphon/live/write", index), stage.clock.now())
    stage.run(seconds, until=lambda: shown(stage) > before or bool(stage.told))
    stage.run(0.5)


def offer(stage: Rehearsal, index: int, *notes: Note, length: float = 4.0) -> c.Clip:
    """Have the engine give a clip when it is asked for it."""
    stage.clips[index] = c.Clip(index, Beats(length), notes)
    return stage.clips[index]


def rows(clip: Clip | None) -> list[tuple[float, int, float, float]]:
    """Return a clip's notes as start, pitch, duration and velocity."""
    assert clip is not None
    return sorted((start, pitch, length, loud) for pitch, start, length, loud, _ in clip.notes)


# -- reading -------------------------------------------------------------------------------------


def test_the_loop_of_the_selected_clip_becomes_the_phrase() -> None:
    """What begins in the loop is taken from its start, cut at its end; muted notes are not."""
    clip = Clip(4.0, 12.0, name="Riff")
    clip.notes = [
        (60, 3.5, 1.0, 100.0, False),
        (62, 4.0, 0.5, 100.4, False),
        (127, 6.25, 1.0, 0.6, False),
        (64, 8.0, 1.0, 80.0, True),
        (65, 11.5, 2.0, 80.0, False),
        (67, 12.0, 1.0, 80.0, False),
    ]
    stage = rehearsal(None, clip)
    stage.script.selected = (0, 1)
    read(stage)
    (taken,) = stage.taken
    assert taken.length == 8
    assert taken.client == ASKED
    assert taken.notes == (note(0, 62, 0.5, 100), note(2.25, 127, 1, 1), note(7.5, 65, 0.5, 80))


def test_a_clip_that_fits_no_datagram_is_read_whole() -> None:
    """A clip with more notes than one reply can carry is asked for in parts."""
    clip = Clip(0.0, 16.0)
    clip.notes = [(40 + n % 40, n / 60, 0.1, 64.0, False) for n in range(900)]
    stage = rehearsal(clip)
    read(stage, 60)
    assert [len(taken.notes) for taken in stage.taken] == [900]


@pytest.mark.parametrize(
    ("slot", "clip", "says"),
    [
        ((0, 1), Clip(notes=[(60, 0.0, 1.0, 90.0, False)]), "is empty"),
        ((1, 0), Clip(), "is audio"),
        ((0, 0), Clip(notes=[(60, 5.0, 1.0, 90.0, False)]), "no notes in its loop"),
        ((0, 0), Clip(0.0, 33.0, notes=[(60, 0.0, 1.0, 90.0, False)]), "8.25 bars long"),
        ((0, 0), Clip(0.0, 0.2, notes=[(60, 0.0, 0.1, 90.0, False)]), "bars long"),
        ((0, 0), Clip(0, 32, [(n % 128, n / 40, 0.1, 9.0, False) for n in range(1100)]), "1100 n"),
        (None, Clip(), "no clip is selected"),
    ],
    ids=["empty slot", "audio", "no notes", "too long", "too short", "too many", "main track"],
)
def test_a_clip_that_can_be_no_phrase_is_refused(
    slot: tuple[int, int] | None, clip: Clip, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It says in one line why, in Live too, tells the client, and takes nothing."""
    stage = rehearsal(clip, None)
    stage.script.selected = slot
    read(stage, 60)
    assert stage.taken == []
    assert stage.told == [c.Refused(c.Refusal.NOT_NOW, "/antiphon/live/read", ASKED)]
    (line,) = [r.getMessage() for r in caplog.records if says in r.getMessage()]
    assert "\n" not in line
    assert any(says in str(a) for at, a in stage.script.asked if at == "/live/api/show_message")


def test_where_live_is_not_there_a_wish_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Asked to read while nothing answers, it says so within a few seconds."""
    stage = rehearsal(Clip())
    stage.up = False
    read(stage, 10)
    assert [type(update) for update in stage.told] == [c.Refused]
    assert "AbletonOSC does not answer" in caplog.text


# -- writing -------------------------------------------------------------------------------------


def test_an_answer_is_written_into_the_next_empty_slot() -> None:
    """It gets a name, its length and its notes, and what was there stays as it was."""
    there = Clip(0.0, 4.0, [(50, 0.0, 1.0, 90.0, False)], "Mine")
    stage = rehearsal(copy.deepcopy(there), copy.deepcopy(there), None, None)
    offer(stage, c.LAST_ANSWER, note(0), note(0.5, 64), note(3.5, 67, 2.0), length=4.0)
    write(stage, c.LAST_ANSWER)
    slots = stage.script.tracks[0].slots
    assert slots[:2] == [there, there]
    assert slots[3] is None
    assert slots[2] is not None
    assert (slots[2].name, slots[2].length) == ("Antiphon answer 1", 4.0)
    assert rows(slots[2]) == [(0, 60, 0.5, 90), (0.5, 64, 0.5, 90), (3.5, 67, 0.5, 90)]
    write(stage, c.LAST_ANSWER)
    assert slots[3] is not None
    assert slots[3].name == "Antiphon answer 2"


def test_all_variations_go_into_slots_of_their_own() -> None:
    """Each has its number and distance in its name; a track that is full gets new scenes."""
    stage = rehearsal(Clip(), None)
    for index, distance in ((1, 0.1234), (2, 0.31), (3, 0.5)):
        offer(stage, index, note(index / 4, 60 + index))
        stage.link.update(c.Varied(index, distance, 1), stage.clock.now())
    write(stage, 17)
    slots = stage.script.tracks[0].slots
    assert [slot and slot.name for slot in slots] == [
        "",
        "Antiphon var 1 (0.12)",
        "Antiphon var 2 (0.31)",
        "Antiphon var 3 (0.50)",
    ]
    assert [rows(slot)[0][:2] for slot in slots[1:]] == [(n / 4, 60 + n) for n in (1, 2, 3)]
    assert len(stage.script.tracks[1].slots) == 4


@pytest.mark.parametrize("seed", range(6))
def test_a_network_that_loses_every_fifth_datagram_writes_once(seed: int) -> None:
    """With a fifth of the datagrams lost each clip is written whole, and none twice."""
    stage = rehearsal(Clip(), None, None, loss=0.2, delay=0.02, seed=seed)
    for index in (1, 2):
        offer(stage, index, *(note(n / 8, 40 + n % 30, 0.1) for n in range(120)), length=16.0)
    write(stage, 17, 120)
    found = [slot for slot in stage.script.tracks[0].slots if slot and slot.name]
    assert [slot.name for slot in found] == ["Antiphon var 1 (0.00)", "Antiphon var 2 (0.00)"]
    assert [len(slot.notes) for slot in found] == [120, 120]
    assert stage.told == []


@pytest.mark.parametrize(("index", "says"), [(-1, "no answer"), (0, "no phrase"), (17, "no var")])
def test_nothing_to_write_is_said(index: int, says: str, caplog: pytest.LogCaptureFixture) -> None:
    """Where the engine has no such notes nothing is made, and the client is told."""
    stage = rehearsal(None)
    write(stage, index)
    assert stage.script.tracks[0].slots == [None]
    assert stage.told == [c.Refused(c.Refusal.NOT_NOW, "/antiphon/live/write", ASKED)]
    assert says in caplog.text


def test_where_an_audio_track_is_selected_it_writes_where_it_read() -> None:
    """Clips go to the track that the phrase came from; where none did, it says what to do."""
    clip = Clip(notes=[(60, 0.0, 1.0, 90.0, False)])
    stage = rehearsal(clip, None)
    offer(stage, 0, note(0))
    stage.script.selected = (1, 0)
    write(stage, 0)
    assert len(stage.told) == 1
    assert stage.script.tracks[0].slots[1] is None
    stage.told.clear()
    stage.script.selected = (0, 0)
    read(stage)
    for elsewhere in ((1, 0), None):
        stage.script.selected = elsewhere
        write(stage, 0)
    assert [slot and slot.name for slot in stage.script.tracks[0].slots] == [
        "",
        "Antiphon phrase 1",
        "Antiphon phrase 2",
    ]


def test_a_slot_that_somebody_fills_meanwhile_is_left_alone() -> None:
    """A clip that appears in the slot before ours is made gets no notes of ours."""
    stage = rehearsal(None, None)
    offer(stage, 0, note(0))
    theirs = Clip(0.0, 4.0, [(33, 1.0, 1.0, 90.0, False)])
    make = stage.script._handlers["/live/clip_slot/create_clip"]

    def quicker(track: int, scene: int, length: float) -> tuple[object, ...] | None:
        if scene == 0:
            stage.script.tracks[0].slots[0] = theirs
        return make(track, scene, length)

    stage.script._handlers["/live/clip_slot/create_clip"] = quicker
    write(stage, 0)
    assert rows(theirs) == [(1.0, 33, 1.0, 90.0)]
    assert theirs.name == ""
    assert rows(stage.script.tracks[0].slots[1]) == [(0, 60, 0.5, 90)]


def test_wishes_are_carried_out_in_order() -> None:
    """What is asked while a clip is being written waits for its turn."""
    stage = rehearsal(None, None)
    offer(stage, 0, note(0))
    offer(stage, c.LAST_ANSWER, note(1))
    stage.link.obey(c.WriteClip(index=0), stage.clock.now())
    stage.link.obey(c.WriteClip(index=-1), stage.clock.now())
    stage.run(10)
    assert [slot and slot.name for slot in stage.script.tracks[0].slots] == [
        "Antiphon phrase 1",
        "Antiphon answer 1",
    ]


def test_more_wishes_than_can_wait_are_refused() -> None:
    """The tenth wish at once is refused as busy, and the others are carried out."""
    stage = rehearsal(*[None] * 10)
    offer(stage, 0, note(0))
    for _ in range(10):
        stage.link.obey(c.WriteClip(ASKED, "/antiphon/live/write"), stage.clock.now())
    assert stage.told == [c.Refused(c.Refusal.BUSY, "/antiphon/live/write", ASKED)]
    stage.run(30)
    assert sum(slot is not None for slot in stage.script.tracks[0].slots) == 9


@pytest.mark.parametrize(
    ("mode", "varied", "name"),
    [
        (c.Mode.RESPOND, False, "Antiphon answer 1"),
        (c.Mode.LOOP, False, "Antiphon phrase 1"),
        (c.Mode.LOOP, True, "Antiphon var 1 (0.25)"),
    ],
)
def test_a_foot_switch_writes_what_the_mode_makes(mode: c.Mode, varied: bool, name: str) -> None:
    """Answers are written where it answers; in the loop its variations, or else the phrase."""
    stage = rehearsal(None)
    for index in (-1, 0, 1):
        offer(stage, index, note(0))
    now = stage.clock.now()
    stage.link.update(c.Status(mode=mode), now)
    if varied:
        stage.link.update(c.Varied(1, 0.25, 1), now)
    stage.link.update(c.Cued("write"), now)
    stage.run(10)
    (slot,) = stage.script.tracks[0].slots
    assert slot is not None
    assert slot.name == name


def test_a_foot_switch_reads() -> None:
    """The switch that was learnt for it reads the selected clip."""
    stage = rehearsal(Clip(notes=[(60, 0.0, 1.0, 90.0, False)]))
    stage.link.update(c.Cued("read"), stage.clock.now())
    stage.run(5)
    assert len(stage.taken) == 1


def test_an_error_of_somebody_else_does_no_harm() -> None:
    """An error that AbletonOSC tells for another reason does not end what is under way."""
    stage = rehearsal(Clip(notes=[(60, 0.0, 1.0, 90.0, False)]))
    stage.link.obey(c.ReadClip(), stage.clock.now())
    stage.script._send("/live/error", "Unknown OSC address: /live/nonsense")
    stage.run(5)
    assert len(stage.taken) == 1


# -- notes and arguments -------------------------------------------------------------------------

FLOATS = st.floats(0, 31.875, width=32, allow_subnormal=False)
NOTES = st.lists(
    st.builds(
        note, FLOATS, st.integers(0, 127), st.floats(1 / 64, 8, width=32), st.integers(1, 127)
    ),
    max_size=60,
)


@given(NOTES)
def test_what_is_written_is_what_is_read(notes: list[Note]) -> None:
    """Notes that do not overlap come back from Live as they were written."""
    length = Beats(32.0)
    arguments = to_arguments(notes, length)
    clip = Clip(0.0, 32.0)
    for values in arguments:
        clip.add(values)  # type: ignore[arg-type]
    flat = [value for row in clip.between(0, 128, 0.0, 32.0) for value in row]
    back = from_values(flat, Beats(0.0), length)
    assert len(back) == len(arguments)
    again = to_arguments(back, length)
    for row, other in zip(arguments, again, strict=True):
        assert row == pytest.approx(other, abs=1e-9)
    kept = {(n.pitch, n.start) for n in back}
    for one in notes:
        others = [o for o in notes if o.pitch == one.pitch and abs(o.start - one.start) < 0.01]
        assert len(others) > 1 or (one.pitch, one.start) in kept


@settings(max_examples=15, deadline=None)
@given(NOTES.filter(bool), st.sampled_from([1.0, 4.0, 7.5, 32.0]))
def test_a_clip_goes_to_live_and_back(notes: list[Note], length: float) -> None:
    """A clip that was written and is then read has the notes that were written."""
    stage = rehearsal(None)
    inside = [n for n in notes if n.start < length] or [note(0)]
    offer(stage, 0, *inside, length=length)
    write(stage, 0)
    stage.run(1)
    read(stage, 30)
    (taken,) = stage.taken
    wanted = to_arguments(inside, Beats(length))
    assert taken.length == length
    assert [(n.start, n.pitch, n.velocity) for n in taken.notes] == [
        (pytest.approx(start, abs=1e-5), pitch, loud) for pitch, start, _, loud, _ in wanted
    ]
    assert [n.duration for n in taken.notes] == pytest.approx(
        [float(duration or 0) for _, _, duration, *_ in wanted], abs=1e-5
    )
