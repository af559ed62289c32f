"""Values: music, tempo, MIDI bytes, parameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon import midi, params
from antiphon.music import (
    Beats,
    Meter,
    Note,
    Phrase,
    Scale,
    Seconds,
    Voice,
    in_key,
    pitch_name,
    to_beats,
    to_ticks,
)
from antiphon.timebase import ManualClock, Tempo

finite = st.floats(-1e4, 1e4)
bpms = st.floats(20, 400)


@given(bpms, finite, finite, finite)
def test_tempo_maps_there_and_back(bpm: float, time: float, beat: float, at: float) -> None:
    """A beat turned into a time and back is the same beat."""
    tempo = Tempo(bpm, Seconds(time), Beats(beat))
    assert tempo.beat_at(tempo.time_at(Beats(at))) == pytest.approx(at, abs=1e-6)


@given(bpms, bpms, finite)
def test_a_tempo_change_does_not_move_the_beat(before: float, after: float, now: float) -> None:
    """The beat is the same on both sides of a tempo change."""
    tempo = Tempo(before)
    changed = tempo.changed(Seconds(now), after)
    assert changed.beat_at(Seconds(now)) == pytest.approx(tempo.beat_at(Seconds(now)))


@given(finite, st.sampled_from([0.25, 0.5, 1.0, None]), st.sampled_from([3, 4, 5, 7]))
def test_the_next_line_is_on_the_grid_and_not_behind(
    beat: float, grid: float | None, top: int
) -> None:
    """The next grid line is a whole number of spacings from the bar line, at most one away."""
    tempo = Tempo(meter=Meter(top, 4), bar_line=Beats(1.5))
    line = tempo.next_line(Beats(beat), None if grid is None else Beats(grid))
    spacing = top if grid is None else grid
    assert -1e-4 <= line - beat < spacing + 1e-4
    assert (line - 1.5) / spacing == pytest.approx(round((line - 1.5) / spacing), abs=1e-6)


def test_bars_are_counted_in_their_meter() -> None:
    """Beat 7 of 6/8 is the second beat of the third bar."""
    assert Tempo(meter=Meter(6, 8)).bar_and_beat(Beats(7)) == (2, 1)


@pytest.mark.parametrize("bpm", [0.0, 19.9, 400.1, float("nan"), float("inf")])
def test_an_impossible_tempo_is_refused(bpm: float) -> None:
    """A tempo outside 20..400 is no tempo."""
    with pytest.raises(ValueError, match="bpm"):
        Tempo(bpm)


def test_a_manual_clock_moves_only_ahead() -> None:
    """Time does not go back."""
    clock = ManualClock(1.0)
    clock.move_to(0.5)
    assert clock.now() == 1.0
    with pytest.raises(ValueError, match="go back"):
        clock.advance(-1)


@given(st.integers(0, 100_000))
def test_ticks_go_there_and_back(ticks: int) -> None:
    """A tick in beats is the same tick again."""
    assert to_ticks(to_beats(ticks)) == ticks


def test_every_scale_has_its_degrees() -> None:
    """Each scale begins on its key note and ascends within the octave."""
    for scale in Scale:
        assert scale.degrees[0] == 0
        assert list(scale.degrees) == sorted(set(scale.degrees))
    assert Scale.MAJOR.pitch_classes(7) == {7, 9, 11, 0, 2, 4, 6}


def test_drums_do_not_count_for_the_key() -> None:
    """Only pitched notes are in or out of key."""
    notes = [Note(Beats(0), 61, voice=Voice.DRUMS), Note(Beats(0), 60), Note(Beats(1), 61)]
    assert in_key(notes, 0, Scale.MAJOR) == 0.5


def test_a_phrase_is_sorted_and_knows_its_end() -> None:
    """Notes come in order of onset, chords upwards."""
    phrase = Phrase((Note(Beats(1), 60), Note(Beats(0), 64), Note(Beats(0), 60)))
    assert [n.pitch for n in phrase] == [60, 64, 60]
    assert phrase.end == 2
    assert phrase.shifted(Beats(1)).between(Beats(1), Beats(2)).end == 2


@pytest.mark.parametrize(
    "fields", [{"pitch": 128}, {"velocity": 0}, {"channel": 0}, {"duration": 0}, {"start": 1e999}]
)
def test_an_impossible_note_is_refused(fields: dict[str, float]) -> None:
    """A note outside MIDI's ranges cannot be made."""
    with pytest.raises(ValueError, match="must be"):
        Note(**{"start": 0.0, "pitch": 60, **fields})  # type: ignore[arg-type]


def test_middle_c_is_c4() -> None:
    """Pitches are named as Live and most DAWs' manuals do, with 60 as C4."""
    assert pitch_name(60) == "C4"
    assert pitch_name(61) == "C#4"


@given(st.binary(min_size=1, max_size=4))
def test_complete_messages_have_the_length_of_their_status(message: bytes) -> None:
    """What passes as complete has its table's length and clean data bytes."""
    if midi.is_complete(message) and message[0] != midi.SYSEX:
        status = message[0] if message[0] >= 0xF0 else message[0] & 0xF0
        assert midi.LENGTHS[status] == len(message)
        assert all(byte < 128 for byte in message[1:])


def test_a_note_on_without_velocity_is_a_note_off() -> None:
    """Running keyboards send velocity 0 for off."""
    assert midi.kind(bytes((0x91, 60, 0))) == midi.NOTE_OFF
    assert midi.channel(bytes((0x91, 60, 0))) == 2


@pytest.mark.parametrize("param", params.TABLE, ids=lambda p: p.name)
def test_every_parameter_takes_its_range_and_nothing_else(param: params.Param) -> None:
    """Ends and default can be set, values beyond and NaN cannot, a CC runs over the range."""
    for value in (param.low, param.high, param.default):
        assert param.check(value) == value
    for value in (param.low - 1, param.high + 1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=param.name):
            param.check(value)
    assert param.from_cc(0) == param.low
    assert param.from_cc(127) == param.high
    assert not param.choices or len(param.choices) == param.high - param.low + 1
