"""Following Live's beat, against the stand-in on a clock moved by hand."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abletonosc import Track
from antiphon.music import Meter
from antiphon.sync.base import Halted, Lost, MeterChanged, Relocated, Started
from live_rehearsal import Rehearsal


def rehearsal(**how: float) -> Rehearsal:
    """Return a rehearsal with Live standing still and known to the link."""
    made = Rehearsal([Track([None] * 8)], **how)  # type: ignore[arg-type]
    made.run(2)
    return made


def kinds(stage: Rehearsal, since: float = 0.0) -> list[type]:
    """Return what sort of changes the engine noticed since a time."""
    return [type(change) for at, change in stage.changes if at >= since]


def worst(errors: list[float]) -> float:
    """Return the largest of errors of either sign."""
    return max(abs(error) for error in errors)


def test_a_start_is_followed() -> None:
    """Once Live plays the source starts, at Live's place, tempo and time signature."""
    stage = rehearsal()
    song = stage.script.song
    song.tempo, song.signature_numerator, song.signature_denominator = 97.5, 6, 8
    song.beat, song.is_playing = 21.25, True
    stage.run(3)
    assert stage.source.playing
    assert stage.source.tempo.meter == Meter(6, 8)
    assert worst(stage.run(10)) < 0.02
    assert kinds(stage).count(Started) == 1


@settings(max_examples=15, deadline=None)
@given(
    tempo=st.floats(60, 180),
    beat=st.floats(0, 500),
    frame=st.floats(0.001, 0.1),
    delay=st.floats(0, 0.02),
    seed=st.integers(0, 999),
)
def test_however_late_places_are_told_the_beat_is_near(
    tempo: float, beat: float, frame: float, delay: float, seed: int
) -> None:
    """With places stale by up to 100 ms the beat is within 45 ms after 5 s, and never jumps."""
    stage = rehearsal(frame=frame, delay=delay, seed=seed)
    song = stage.script.song
    song.tempo, song.beat, song.is_playing = tempo, beat, True
    stage.run(5)
    since = stage.clock.now()
    errors = stage.run(10)
    assert worst(errors) < 0.045
    assert Relocated not in kinds(stage, since)


@pytest.mark.parametrize("tempo", [60.0, 90.0, 150.0, 200.0])
def test_a_step_of_the_tempo_does_not_move_the_music(tempo: float) -> None:
    """When Live's tempo is set, the beat goes on without a jump and is right again soon."""
    stage = rehearsal()
    stage.script.song.is_playing = True
    stage.run(8)
    since = stage.clock.now()
    stage.script.song.tempo = tempo
    assert worst(stage.run(3)) < 0.15
    assert worst(stage.run(5)) < 0.045
    assert Relocated not in kinds(stage, since)
    assert stage.source.tempo.bpm == pytest.approx(tempo, rel=0.02)


@pytest.mark.parametrize("tempo", [70.0, 180.0])
def test_a_ramp_of_the_tempo_is_followed(tempo: float) -> None:
    """While Live's tempo changes evenly over 10 s the beat stays near and never jumps."""
    stage = rehearsal()
    stage.script.song.is_playing = True
    stage.run(8)
    since = stage.clock.now()
    stage.script.song.ramp(tempo, 10)
    assert worst(stage.run(14)) < 0.045
    assert Relocated not in kinds(stage, since)


def test_the_loop_of_the_arrangement_wraps_on_time() -> None:
    """Where the arrangement loops, the beat goes back at the loop's end, not a notice later."""
    stage = rehearsal()
    song = stage.script.song
    song.loop, song.loop_start, song.loop_length, song.beat = True, 4.0, 8.0, 2.0
    song.is_playing = True
    stage.run(4)
    errors = stage.run(20)
    wrapped = [e for e in errors if abs(e) > 1]
    assert len(wrapped) <= 5  # of 10 ms each, at the five wraps
    assert sum(isinstance(c, Relocated) for _, c in stage.changes[2:]) == 5


def test_a_loop_that_is_switched_off_lets_the_music_go_on() -> None:
    """The end of a loop that was just switched off is passed, with the beat right again soon."""
    stage = rehearsal()
    song = stage.script.song
    song.loop, song.loop_length, song.beat, song.is_playing = True, 8.0, 4.0, True
    stage.run(1.98)
    song.loop = False
    stage.run(3)
    assert song.beat > 12
    assert worst(stage.run(3)) < 0.045


@pytest.mark.parametrize("place", [0.0, 3.3, 15.9, 64.0])
def test_a_jump_is_followed(place: float) -> None:
    """When somebody moves Live's playhead, the beat jumps there in under half a second."""
    stage = rehearsal()
    song = stage.script.song
    song.beat, song.is_playing = 12.0, True
    stage.run(4)
    song.beat = place
    stage.run(0.5)
    assert worst(stage.run(1)) < 0.1
    assert worst(stage.run(3)) < 0.045


def test_a_stop_is_followed_and_the_next_start_too() -> None:
    """Live's stop halts the source, and it starts again where Live does."""
    stage = rehearsal()
    song = stage.script.song
    song.is_playing = True
    stage.run(3)
    song.is_playing = False
    stage.run(0.3)
    assert not stage.source.playing
    assert kinds(stage)[-1] is Halted
    song.beat, song.is_playing = 32.0, True
    stage.run(1)
    assert stage.source.playing
    assert worst(stage.run(3)) < 0.05
    assert Lost not in kinds(stage)


def test_what_changes_while_live_stands_still_is_known_at_the_start() -> None:
    """Tempo and time signature that were set while Live stood still hold from the first beat on."""
    stage = rehearsal()
    song = stage.script.song
    song.tempo, song.signature_numerator = 77.0, 3
    stage.run(1)
    assert MeterChanged(Meter(3, 4)) in [change for _, change in stage.changes]
    assert stage.source.tempo.bpm == pytest.approx(77.0)


def test_a_network_that_loses_every_fifth_datagram_is_followed() -> None:
    """With a fifth of the datagrams lost and 50 ms of jitter, start and stop are followed."""
    for seed in range(5):
        stage = rehearsal(loss=0.2, delay=0.05, seed=seed)
        song = stage.script.song
        song.tempo, song.is_playing = 140.0, True
        stage.run(6)
        assert worst(stage.run(6)) < 0.08
        song.is_playing = False
        assert stage.run(4, until=lambda stage=stage: not stage.source.playing)
        assert not stage.source.playing


def test_live_that_goes_and_comes_back_is_followed_again() -> None:
    """Live that is gone is lost within seconds; once it is back, and playing, it is followed."""
    stage = rehearsal()
    stage.script.song.is_playing = True
    stage.run(4)
    stage.up = False
    stage.run(5)
    assert stage.link.there is False
    assert not stage.source.playing
    stage.script.reload()
    stage.up = True
    stage.run(3)
    assert stage.link.there
    assert stage.source.playing
    assert worst(stage.run(3)) < 0.05


@pytest.mark.parametrize("told", [True, False])
def test_a_script_that_is_reloaded_is_listened_to_again(told: bool) -> None:
    """After AbletonOSC was reloaded, a change of tempo arrives, even if its word of it is lost."""
    stage = rehearsal()
    stage.script.song.is_playing = True
    stage.run(3)
    stage.script.reload()
    if not told:
        stage.script.advance(stage.clock.now())  # what it says goes nowhere
    stage.run(1.5)
    stage.script.song.tempo = 90.0
    stage.run(11)
    assert stage.source.tempo.bpm == pytest.approx(90, rel=0.02)
    assert "tempo" in stage.script.listening


def test_at_a_tempo_beyond_ours_the_beat_goes_on_alone() -> None:
    """At 999 bpm, which nothing here can play, Live is lost; at 120 it is followed again."""
    stage = rehearsal()
    stage.script.song.is_playing = True
    stage.run(3)
    stage.script.song.tempo = 999.0
    stage.run(4)
    assert not stage.source.playing
    assert kinds(stage)[-1] is Lost
    stage.script.song.tempo = 120.0
    stage.run(3)
    assert stage.source.playing
    assert worst(stage.run(3)) < 0.05


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("tempo"), st.floats(40, 240)),
        st.tuples(st.just("ramp"), st.floats(60, 200)),
        st.tuples(st.just("beat"), st.floats(0, 100)),
        st.tuples(st.just("is_playing"), st.booleans()),
        st.tuples(st.just("loop"), st.booleans()),
        st.tuples(st.just("loop_start"), st.floats(0, 32)),
        st.tuples(st.just("loop_length"), st.floats(1, 32)),
        st.tuples(st.just("signature_numerator"), st.integers(1, 12)),
        st.tuples(st.just("reload"), st.just(0)),
        st.tuples(st.just("wait"), st.floats(0, 6)),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None)
@given(actions=ACTIONS, loss=st.sampled_from([0.0, 0.1]), seed=st.integers(0, 999))
def test_whatever_somebody_does_with_the_transport_it_is_followed(
    actions: list[tuple[str, float]], loss: float, seed: int
) -> None:
    """Some seconds after any starts, stops, jumps, loops and tempos the beat is Live's."""
    stage = rehearsal(loss=loss, seed=seed)
    song = stage.script.song
    for what, value in actions:
        match what:
            case "wait":
                stage.run(value, every=1)
            case "ramp":
                song.ramp(value, 3)
            case "reload":
                stage.script.reload()
            case _:
                setattr(song, what, value)
        stage.run(0.2, every=1)
    song.is_playing = True
    stage.run(15, every=1)  # a ramp may still go on for 3 s, and listeners are set anew after 10
    errors = sorted(abs(error) for error in stage.run(8, every=0.03))
    assert stage.source.playing
    assert errors[int(len(errors) * 0.9)] < 0.06  # all but the moments of a loop's wraps
    assert stage.source.tempo.meter.numerator == song.signature_numerator
