"""The loop on stage: what is captured, varied, picked and kept, and when it is heard."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from antiphon import commands as c
from antiphon import midi
from antiphon.memory import Stretch
from antiphon.model import Keep
from antiphon.music import Beats, Meter, Seconds
from antiphon.repertoire import Equipped
from antiphon.sync.base import MeterChanged
from antiphon.sync.internal import InternalClock
from antiphon.sync.midi_clock import MidiClock
from antiphon.timebase import ManualClock
from looping import (
    BEAT,
    RIFF,
    TransposingVarier,
    expected,
    looping,
    onsets,
    play,
    refusals,
    step,
    told,
)
from stage import Stage

WHO = ("127.0.0.1", 9001)


def capture(stage: Stage, beats: float) -> None:
    """Capture, as a client would."""
    stage.tell(c.Capture(WHO, "/antiphon/capture", Beats(beats)))


def moved(seed: int, passes: int, amount: float = 0.3) -> int:
    """Return by how much the variation is moved that is asked for after so many passes."""
    return step(0, amount, (seed, 0, passes, 0))


# -- what is captured ------------------------------------------------------------------------


def test_a_phrase_is_what_was_played_from_bar_line_to_bar_line() -> None:
    """The nearest bar line ends it, and starts, lengths and velocities are as they were played."""
    stage = looping()
    (taken,) = told(stage, c.PhraseTaken)
    assert taken == c.PhraseTaken(Beats(8.0), 5)
    phrase = stage.engine._looper._phrases.take.phrase
    assert [(n.start, n.pitch, n.duration) for n in phrase] == [
        (pytest.approx(start), pitch, pytest.approx(length)) for start, pitch, length in RIFF
    ]
    assert {n.velocity for n in phrase} == {90}


def test_a_capture_before_the_line_waits_for_it_and_takes_late_notes_in() -> None:
    """Asked a beat early, it is done when the line comes, with what was played until then."""
    stage = Stage(mode=c.Mode.OFF)
    play(stage, ((0.0, 60, 0.5),))
    stage.until(11 * BEAT)
    capture(stage, 4)
    assert not told(stage, c.PhraseTaken)
    play(stage, ((3.5, 62, 0.25), (3.9, 64, 0.3)))
    stage.until(12.5 * BEAT)
    assert told(stage, c.PhraseTaken) == [c.PhraseTaken(Beats(4.0), 2)]


def test_an_early_downbeat_belongs_to_its_bar_and_the_next_one_does_not() -> None:
    """What is struck half a sixteenth before a bar line or later belongs behind it."""
    stage = Stage(mode=c.Mode.OFF)
    play(stage, ((-0.1, 60, 0.4), (2.0, 62, 0.4), (3.9, 64, 0.4)))
    stage.until(13 * BEAT)
    capture(stage, 4)
    phrase = stage.engine._looper._phrases.take.phrase
    assert [(n.pitch, n.start) for n in phrase] == [(60, pytest.approx(-0.1)), (62, 2.0)]


def test_keys_that_are_held_last_to_the_end() -> None:
    """A key still down, and one let go later, sound to the end of the phrase and no longer."""
    stage = Stage(mode=c.Mode.OFF)
    stage.until(9 * BEAT)
    stage.message(0x90, 60, 90)
    stage.until(12.5 * BEAT)
    capture(stage, 4)
    (note,) = stage.engine._looper._phrases.take.phrase
    assert (note.start, note.end) == (pytest.approx(1.0), pytest.approx(4.0))


def test_beats_that_are_no_whole_bars_end_on_the_nearest_beat() -> None:
    """Three beats of 4/4 end on a beat line."""
    stage = Stage(mode=c.Mode.OFF)
    play(stage, ((0.0, 60, 0.5), (1.0, 62, 0.5), (2.0, 64, 0.5)))
    stage.until(11.3 * BEAT)
    capture(stage, 3)
    phrase = stage.engine._looper._phrases.take.phrase
    assert [n.start for n in phrase] == pytest.approx([0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("beats", "code"), [(8.0, 4), (33.0, 3), (32.5, 3), (0.2, 3), (math.nan, 3)]
)
def test_what_cannot_be_captured_is_refused(beats: float, code: int) -> None:
    """Silence is code 4; more than eight bars or less than a sixteenth code 3."""
    stage = Stage(mode=c.Mode.OFF)
    stage.until(20.2)
    capture(stage, beats)
    assert told(stage, c.Refused) == [c.Refused(c.Refusal(code), "/antiphon/capture", WHO)]


def test_without_a_phrase_or_the_networks_nothing_is_varied() -> None:
    """Vary, pick, keep and undo are code 4 before there is a phrase, vary before the networks."""
    stage = Stage(mode=c.Mode.OFF)
    for command in (c.Vary(count=2), c.Pick(index=1), c.Keep(), c.Undo()):
        stage.tell(command)
    assert refusals(stage) == [c.Refusal.NOT_NOW] * 4
    play(stage)
    capture(stage, 8)
    stage.tell(c.Vary(count=2, amount=0.5))
    stage.tell(c.Undo())
    assert refusals(stage) == [c.Refusal.NOT_NOW] * 6


def test_the_music_may_jump_between_playing_and_capturing() -> None:
    """A first note that moves the silent clock does not tear apart what was played before it."""
    stage = Stage(mode=c.Mode.RESPOND, length=1)
    play(stage, ((0.0, 60, 0.5), (1.0, 62, 0.5)), at=1.0)
    stage.until(8 * BEAT)
    now = stage.source.tempo.beat_at(stage.clock.now())
    memory = stage.engine._ears.memory
    assert [n.pitch for n in memory.between(Stretch(Beats(now - 8), Beats(now)))] == [60, 62]
    before = memory.between(Stretch(Beats(now - 8), Beats(now)))
    stage.source.relocate(stage.clock.now(), Beats(now + 13.5))
    memory.moved(stage.source.tempo, stage.clock.now())
    after = memory.between(Stretch(Beats(now + 5.5), Beats(now + 13.5)))
    assert [n.start for n in after] == pytest.approx([n.start for n in before])


# -- the loop --------------------------------------------------------------------------------


def test_at_amount_0_every_pass_is_the_phrase_exactly() -> None:
    """Four passes in time, with the microtiming and the lengths they were played with."""
    stage = looping(vary__amount=0)
    stage.until(51.5 * BEAT)
    assert stage.state is c.State.LOOPING
    assert onsets(stage.heard) == expected(4)
    for note in stage.heard[:5]:
        (length,) = (length for _, pitch, length in RIFF if pitch == note.pitch)
        assert note.off - note.on == pytest.approx(length * BEAT)
    assert {n.velocity for n in stage.heard} == {90}


def test_notes_are_handed_over_a_tenth_of_a_second_ahead_with_numbers_that_grow() -> None:
    """Loop notes go the way of all others."""
    stage = looping(vary__amount=0)
    play_ = stage.output.play
    leads: list[float] = []

    def watched(number: int, on: Seconds, *rest: Any) -> None:
        leads.append(on - stage.clock.now())
        play_(number, on, *rest)

    stage.output.play = watched  # type: ignore[method-assign]
    stage.until(36 * BEAT)
    assert leads == pytest.approx([0.1] * len(leads), abs=1e-3)
    numbers = [u.number for u in told(stage, c.Played)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == len(stage.output.notes)


def test_each_pass_is_a_variation_of_the_phrase_and_the_first_is_the_phrase() -> None:
    """Pass after pass is another variation, each of the phrase and none of the one before."""
    stage = looping(vary__amount=0.3, seed=4, vary__keep=2)
    stage.until(51.5 * BEAT)
    by = (0, moved(4, 0), moved(4, 2), moved(4, 3))
    assert onsets(stage.heard) == expected(4, by)
    assert len(set(by)) > 2
    asked = stage.varying._varier.requests  # type: ignore[union-attr]
    assert {(amount, count, keep) for _, amount, count, keep in asked} == {(0.3, 1, Keep.RHYTHM)}
    phrase = stage.engine._looper._phrases.take.phrase
    assert all(given == phrase for given, *_ in asked)
    passes = told(stage, c.Looped)
    assert [(p.number, p.index, p.distance) for p in passes] == [
        (1, 0, 0.0),
        (2, None, 0.3),
        (3, None, 0.3),
        (4, None, 0.3),
    ]


def test_the_seed_begins_the_row_of_variations_again() -> None:
    """The same seed set anew gives the same passes."""
    first, second = looping(seed=7), looping(seed=7)
    for stage in (first, second):
        stage.until(60 * BEAT)
    assert first.heard == second.heard
    other = looping(seed=8)
    other.until(60 * BEAT)
    assert onsets(other.heard) != onsets(first.heard)


def test_a_variation_that_is_late_is_played_on_the_next_pass_and_never_half() -> None:
    """What is not there for its bar line waits; meanwhile the present version repeats."""
    stage = looping(vary__amount=0.3, slow=True)
    stage.until(29.0 * BEAT)  # the second pass has begun
    stage.vary()
    stage.until(43.5 * BEAT)
    by = moved(0, 0)
    assert onsets(stage.heard) == expected(3, (0, 0, by))
    assert told(stage, c.Looped)[1].index == 0


def test_freeze_holds_what_plays_and_lets_go() -> None:
    """While frozen no new variation is heard; afterwards the passes change again."""
    stage = looping(vary__amount=0.3)
    stage.until(29 * BEAT)
    stage.tell(c.SetParam(name="vary/freeze", value=1.0))
    stage.until(53 * BEAT)
    frozen = moved(0, 0)
    assert onsets(stage.heard)[:20] == expected(4, (0, frozen, frozen, frozen))
    assert told(stage, c.Looped)[-1].frozen
    stage.tell(c.SetParam(name="vary/freeze", value=0.0))
    stage.until(75.5 * BEAT)
    passes = [u.index for u in told(stage, c.Looped)]
    assert passes == [0, None, None, None, None, None, None]
    last = [pitch for on, pitch in onsets(stage.heard) if 47.5 < on < 55]
    assert last != [pitch + frozen for _, pitch, _ in RIFF]


def test_amount_0_goes_back_to_the_phrase_on_the_next_pass() -> None:
    """Turning the knob to nothing is heard from the next pass on."""
    stage = looping(vary__amount=0.3)
    stage.until(29 * BEAT)
    stage.tell(c.SetParam(name="vary/amount", value=0.0))
    stage.until(43.5 * BEAT)
    assert onsets(stage.heard) == expected(3, (0, moved(0, 0), 0))


def test_a_knob_turned_late_in_the_pass_still_counts_for_the_next() -> None:
    """A variation made for the old amount is not played."""
    stage = looping(vary__amount=0.3)
    stage.until(27 * BEAT)
    stage.tell(c.SetParam(name="vary/amount", value=0.7))
    stage.until(35.5 * BEAT)
    assert told(stage, c.Looped)[-1].distance == pytest.approx(0.7)


def test_without_the_networks_the_loop_repeats_the_phrase() -> None:
    """Networks that never come keep nothing waiting; when they come, the passes are varied."""
    stage = Stage(mode=c.Mode.LOOP, vary__amount=0.5)
    play(stage, at=4.0)
    stage.until(40 * BEAT)
    assert {u.index for u in told(stage, c.Looped)} == {0}
    stage.tell(Equipped(TransposingVarier()))
    stage.until(60 * BEAT)
    assert told(stage, c.Looped)[-1].index is None


def test_a_phrase_that_cannot_be_varied_repeats_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The music goes on, the log has one line, and who asked for variations is told."""
    stage = Stage(mode=c.Mode.OFF, vary__amount=0.5)
    stage.tell(Equipped(TransposingVarier()))
    play(stage, ((0.0, 60, 0.5), (1.0, 62, 0.5), (2.0, 64, 0.5)))
    stage.until(11.1 * BEAT)
    capture(stage, 3)
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(30 * BEAT)
    assert [p for _, p in onsets(stage.heard, 12.0)][:6] == [60, 62, 64, 60, 62, 64]
    assert len(caplog.messages) == 1
    stage.tell(c.Vary(WHO, "/antiphon/vary", 2, 0.5))
    assert told(stage, c.Refused) == [c.Refused(c.Refusal.NOT_NOW, "/antiphon/vary", WHO)]


def test_a_phrase_of_six_beats_repeats_back_to_back() -> None:
    """What is no whole number of bars goes on from its end, not from the next bar line."""
    stage = Stage(mode=c.Mode.OFF, vary__amount=0)
    play(stage, ((0.0, 60, 0.5), (4.5, 62, 0.5)))
    stage.until(14.1 * BEAT)
    capture(stage, 6)
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(30 * BEAT)
    assert onsets(stage.heard, 16.0)[:5] == [(0, 60), (4.5, 62), (6, 60), (10.5, 62), (12, 60)]


@pytest.mark.parametrize(("meter", "beats"), [(Meter(3, 4), 6.0), (Meter(6, 8), 6.0)])
def test_other_meters_loop_on_their_own_bars(meter: Meter, beats: float) -> None:
    """Two bars of three beats come back every six."""
    source = InternalClock(Seconds(100.0), 120.0, meter)
    stage = Stage(mode=c.Mode.OFF, source=source, vary__amount=0)
    play(stage, ((0.0, 60, 0.5), (2.5, 64, 0.5), (3.0, 62, 0.5)), at=9.0)
    stage.until(14.8 * BEAT)
    capture(stage, beats)
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(32.5 * BEAT)
    once = [(0.0, 60), (2.5, 64), (3.0, 62)]
    start = onsets(stage.heard, 0.0)[0][0]
    assert start % 3 == 0
    assert onsets(stage.heard, start)[:6] == once + [(on + 6, pitch) for on, pitch in once]


def test_the_tempo_can_change_while_it_loops() -> None:
    """The loop follows, still on its beats."""
    stage = looping(vary__amount=0)
    stage.until(24 * BEAT)
    stage.tell(c.SetParam(name="bpm", value=60.0))
    stage.until(24 * BEAT + 16.0)
    late = [n.on - 24 * BEAT for n in stage.heard if n.on > 24 * BEAT + 0.2]
    wanted = [4 + start + 8 * number for number in range(2) for start, *_ in RIFF]
    assert late == pytest.approx([2.0, *wanted][: len(late)])
    assert len(late) >= 9


def test_the_feel_is_that_of_all_notes() -> None:
    """Quantize, velocity, latency and channel apply to the loop, and drums go to channel 10."""
    stage = looping(vary__amount=0, quantize=1, velocity=0.5, latency=50, channel__out=3)
    stage.until(27.5 * BEAT)
    for note in stage.heard:
        place = (note.on + 0.05) / BEAT * 4
        assert place == pytest.approx(round(place), abs=1e-4)
        assert (note.channel, note.velocity) == (3, 45)
    stage = Stage(mode=c.Mode.OFF, vary__amount=0)
    stage.key(36, 4.0, 0.1, channel=10)
    stage.until(6.1)
    capture(stage, 4)
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(12.0)
    assert {n.channel for n in stage.heard} == {10}


# -- pick, keep, undo ------------------------------------------------------------------------


def varied(count: int = 3, **settings: Any) -> Stage:
    """Return a looping stage with variations on offer, at beat 21 of a loop from beat 20."""
    stage = looping(**{"vary__amount": 0, **settings})
    stage.until(21 * BEAT)
    stage.tell(c.Vary(count=count, amount=0.5))
    return stage


def offered(index: int) -> int:
    """Return by how much a variation on offer is moved."""
    return step(index - 1, 0.5, (0, 1, 1))


def test_variations_are_told_as_they_are_made() -> None:
    """Each comes with its index from 1, its distance, and how many notes it has."""
    stage = varied()
    assert told(stage, c.Varied) == [c.Varied(i, 0.5, 5) for i in (1, 2, 3)]


def test_a_newer_vary_takes_the_place_of_an_older_one() -> None:
    """What is left of the older request is never told."""
    stage = looping(vary__amount=0)
    stage.slow = True
    stage.tell(c.Vary(count=16, amount=0.5))
    stage.vary(3)
    stage.tell(c.Vary(count=2, amount=0.9))
    stage.vary()
    assert [u.distance for u in told(stage, c.Varied)] == [0.5] * 3 + [0.9] * 2


def test_a_pick_is_heard_from_the_next_bar_at_the_same_place() -> None:
    """Picked in the first bar, the second bar is the variation's second bar, and it repeats."""
    stage = varied()
    stage.tell(c.Pick(index=2))
    stage.until(35.5 * BEAT)
    by = offered(2)
    first = [(on, pitch + (by if on > 3.9 else 0)) for on, pitch in expected(1)]
    second = [(on + 8, pitch + by) for on, pitch in expected(1)]
    assert onsets(stage.heard) == first + second
    assert told(stage, c.Looped)[-1].index == 2


def test_notes_held_over_the_line_end_there_when_another_version_begins() -> None:
    """Nothing of the version that was left sounds on into the one that was picked."""
    stage = Stage(mode=c.Mode.OFF, vary__amount=0)
    stage.tell(Equipped(TransposingVarier()))
    play(stage, ((0.0, 60, 0.5), (3.0, 48, 4.0)))
    stage.until(16.1 * BEAT)
    capture(stage, 8)
    stage.tell(c.Vary(count=1, amount=0.5))
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(21 * BEAT)
    stage.tell(c.Pick(index=1))
    stage.until(27 * BEAT)
    (held,) = (n for n in stage.heard if n.pitch == 48)
    assert held.off == pytest.approx(24 * BEAT)
    assert c.Shortened(held.number, Seconds(100 + 24 * BEAT)) in stage.updates


def test_a_note_that_both_versions_hold_over_the_line_goes_on() -> None:
    """The switch is not heard where nothing changes."""
    stage = Stage(mode=c.Mode.OFF, vary__amount=0)
    stage.tell(Equipped(TransposingVarier()))
    play(stage, ((0.0, 60, 0.5), (3.0, 48, 4.0)))
    stage.until(16.1 * BEAT)
    capture(stage, 8)
    stage.tell(c.Vary(count=1, amount=0.0))
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(21 * BEAT)
    stage.tell(c.Pick(index=1))
    stage.until(27.5 * BEAT)
    assert told(stage, c.Looped)[-1].index == 1
    (held,) = (n for n in stage.heard if n.pitch == 48)
    assert held.off == pytest.approx(27 * BEAT)


def test_pick_0_is_the_phrase_and_lets_the_passes_vary_again() -> None:
    """After a pick was held, index 0 brings the phrase, then new variations."""
    stage = varied(vary__amount=0.3)
    stage.tell(c.Pick(index=1))
    stage.until(45 * BEAT)
    assert [u.index for u in told(stage, c.Looped)] == [0, 1, 1, 1, 1]
    stage.tell(c.Pick(index=0))
    stage.until(61 * BEAT)
    assert [u.index for u in told(stage, c.Looped)][5:] == [0, None, None]


def test_what_is_not_there_cannot_be_picked() -> None:
    """Beyond what was asked for is code 3, what is still being made code 4."""
    stage = varied(2)
    stage.slow = True
    stage.tell(c.Vary(count=4, amount=0.5))
    stage.vary(1)
    stage.tell(c.Pick(index=5))
    stage.tell(c.Pick(index=2))
    assert refusals(stage) == [c.Refusal.OUT_OF_RANGE, c.Refusal.NOT_NOW]
    stage.tell(c.Pick(index=1))
    assert len(refusals(stage)) == 2


def test_in_another_mode_a_pick_plays_once_like_an_answer() -> None:
    """From the next bar line to the phrase's end, with the state of an answer."""
    stage = Stage(mode=c.Mode.RESPOND)
    stage.tell(Equipped(TransposingVarier()))
    play(stage, at=0.05)
    capture(stage, 8)
    stage.until(30 * BEAT)
    stage.tell(c.StopAnswer())
    stage.tell(c.Vary(count=2, amount=0.5))
    stage.until(33 * BEAT)
    before = len(stage.heard)
    stage.tell(c.Pick(index=2))
    assert stage.state is c.State.ANSWERING
    stage.until(60 * BEAT)
    notes = stage.heard[before:]
    assert [n.pitch - offered(2) for n in notes] == [60, 64, 62, 67, 65]
    assert stage.state is c.State.IDLE


def test_coming_back_in_interrupts_a_picked_variation() -> None:
    """The player has the right of way in mode respond, whatever it is that answers."""
    stage = Stage(mode=c.Mode.RESPOND)
    stage.tell(Equipped(TransposingVarier()))
    play(stage, at=0.05)
    capture(stage, 8)
    stage.until(30 * BEAT)
    stage.tell(c.StopAnswer())
    stage.tell(c.Pick(index=0))
    stage.until(34.2 * BEAT)
    stage.message(0x90, 50, 90)
    assert stage.state is c.State.LISTENING
    stage.until(35 * BEAT)
    assert all(n.off <= 35 * BEAT for n in stage.heard)


def test_keep_makes_what_plays_the_phrase_and_undo_brings_the_former_back() -> None:
    """Kept, the picked variation is what repeats; undone, the phrase comes on the next bar."""
    stage = varied()
    stage.tell(c.Pick(index=3))
    stage.until(25 * BEAT)
    stage.tell(c.Keep())
    stage.until(29 * BEAT)
    stage.tell(c.Undo())
    stage.until(43.5 * BEAT)
    by = offered(3)
    wanted = [(on, p + (by if 3.9 < on < 11.9 else 0)) for on, p in expected(3)]
    assert onsets(stage.heard) == wanted
    assert told(stage, c.PhraseTaken) == [c.PhraseTaken(Beats(8.0), 5)] * 3
    stage.tell(c.Undo())
    assert refusals(stage) == [c.Refusal.NOT_NOW]


def test_what_is_asked_for_just_before_a_line_is_heard_from_that_line() -> None:
    """A pick, and a pass kept, count for the line even when its bar is on its way already."""
    stage = varied()
    stage.until(27.85 * BEAT)
    stage.tell(c.Pick(index=2))
    stage.until(35.5 * BEAT)
    late = [p for on, p in onsets(stage.heard) if on > 7.9]
    assert late == [p + offered(2) for _, p, _ in RIFF]
    stage = looping(vary__amount=0.3)
    stage.until(35.85 * BEAT)
    stage.tell(c.Keep())
    phrase = stage.engine._looper._phrases.take.phrase
    assert [n.pitch for n in phrase] == [p + moved(0, 0) for _, p, _ in RIFF]


def test_keep_takes_the_variation_of_the_pass_that_plays() -> None:
    """A pass one likes becomes the phrase, and the next ones vary that."""
    stage = looping(vary__amount=0.3)
    stage.until(30 * BEAT)
    stage.tell(c.Keep())
    stage.until(38 * BEAT)
    phrase = stage.engine._looper._phrases.take.phrase
    assert [n.pitch for n in phrase] == [p + moved(0, 0) for _, p, _ in RIFF]
    assert stage.varying._varier.requests[-1][0] == phrase  # type: ignore[union-attr]


def test_variations_stay_on_offer_after_keep_and_are_gone_after_a_capture() -> None:
    """One may keep, regret, and pick another; a new phrase has none."""
    stage = varied()
    stage.tell(c.Pick(index=1))
    stage.tell(c.Keep())
    stage.tell(c.Undo())
    stage.tell(c.Pick(index=2))
    assert not refusals(stage)
    play(stage, at=24.0)
    capture(stage, 8)
    stage.until(33 * BEAT)
    stage.tell(c.Pick(index=2))
    assert refusals(stage) == [c.Refusal.OUT_OF_RANGE]


def test_the_undo_stack_is_bounded() -> None:
    """Of very many phrases the latest can be brought back."""
    stage = Stage(mode=c.Mode.OFF)
    play(stage)
    stage.until(16.1 * BEAT)
    for _ in range(50):
        capture(stage, 8)
    for _ in range(50):
        stage.tell(c.Undo())
    assert 10 < 50 - len(refusals(stage)) < 49


# -- turns, stops and jumps ------------------------------------------------------------------


def test_without_a_phrase_a_turn_that_ends_by_silence_becomes_it() -> None:
    """Two bars, a beat of silence, and they come back from the next bar line on."""
    stage = Stage(mode=c.Mode.LOOP, vary__amount=0)
    assert stage.state is c.State.IDLE
    play(stage, ((0.0, 60, 1.5), (2.0, 62, 4.0), (6.5, 64, 0.5)), at=4.3)
    assert stage.state is c.State.LISTENING
    stage.until(24 * BEAT)
    assert stage.state is c.State.LOOPING
    assert told(stage, c.PhraseTaken) == [c.PhraseTaken(Beats(8.0), 3)]
    start = stage.heard[0].on
    assert start == pytest.approx(16.3 * BEAT)
    assert [n.on / BEAT - start / BEAT for n in stage.heard[:3]] == pytest.approx([0, 2, 6.5])


def test_a_turn_of_two_bars_comes_back_without_a_gap() -> None:
    """With ``turn/bars`` the loop begins on the very line that ends the turn."""
    stage = Stage(mode=c.Mode.LOOP, vary__amount=0, turn__bars=2)
    play(stage, ((0.0, 60, 0.5), (7.5, 62, 0.4)), at=4.3)
    stage.until(15.0 * BEAT)
    assert stage.heard[0].on == pytest.approx(12.3 * BEAT)


def test_a_foot_switch_ends_the_turn_on_the_nearest_bar() -> None:
    """Hit a little early or late, the rest up to the bar line belongs to the phrase."""
    for hit, bars in ((7.8, 2), (8.3, 2), (3.7, 1), (5.0, 1)):
        stage = Stage(mode=c.Mode.LOOP, vary__amount=0, turn__silence=16)
        play(stage, ((0.0, 60, 0.5), (1.0, 62, 0.5)), at=4.0)
        stage.until((4.0 + hit) * BEAT)
        stage.tell(c.EndTurn())
        stage.until(20 * BEAT)
        assert told(stage, c.PhraseTaken) == [c.PhraseTaken(Beats(4.0 * bars), 2)]


def test_one_plays_freely_over_the_loop() -> None:
    """Keys do not interrupt it."""
    stage = looping(vary__amount=0)
    stage.until(21 * BEAT)
    play(stage, ((0.0, 80, 0.5), (2.0, 81, 0.5)), at=21.0)
    stage.until(35.5 * BEAT)
    assert onsets(stage.heard) == expected(2)


def test_a_cue_while_it_loops_captures_anew() -> None:
    """What was played over the loop is the phrase from the next bar line on."""
    stage = looping(vary__amount=0)
    play(stage, ((0.0, 80, 0.5), (5.0, 81, 0.5)), at=20.0)
    stage.until(27.7 * BEAT)
    stage.tell(c.EndTurn())
    stage.until(35.5 * BEAT)
    assert [n.pitch for n in stage.heard if n.on > 27.9 * BEAT] == [80, 81]
    stage.tell(c.Undo())
    stage.until(43.5 * BEAT)
    assert [n.pitch for n in stage.heard if n.on > 35.9 * BEAT] == [p for _, p, _ in RIFF]


def test_a_cue_without_having_played_asks_for_a_fresh_variation() -> None:
    """The next pass is another than it would have been, and a pick is let go."""
    stage = looping(vary__amount=0.3)
    stage.until(22 * BEAT)
    stage.tell(c.EndTurn())
    assert len(told(stage, c.PhraseTaken)) == 1
    stage.until(35.5 * BEAT)
    assert onsets(stage.heard) == expected(2, (0, step(0, 0.3, (0, 0, 1, 1))))


def test_stop_ends_the_loop_and_a_cue_starts_it_again() -> None:
    """``turn 0`` leaves the phrase; the next cue plays it from the next bar line."""
    stage = looping(vary__amount=0)
    stage.until(26.2 * BEAT)
    stage.tell(c.StopAnswer())
    assert stage.state is c.State.IDLE
    stage.until(37 * BEAT)
    assert all(n.off <= 26.51 * BEAT for n in stage.heard)
    stage.tell(c.EndTurn())
    stage.until(47.5 * BEAT)
    assert onsets(stage.heard, 40.0) == expected(1)


def test_a_cue_with_nothing_to_loop_is_refused() -> None:
    """There is no turn to end and no phrase to start."""
    stage = Stage(mode=c.Mode.LOOP)
    stage.tell(c.EndTurn())
    assert refusals(stage) == [c.Refusal.NOT_NOW]


def test_a_jump_before_its_end_refuses_a_capture() -> None:
    """The stretch asked for has lost its place."""
    stage = Stage(mode=c.Mode.OFF)
    play(stage, ((0.0, 60, 0.5),))
    stage.until(11 * BEAT)
    capture(stage, 4)
    stage.engine._follow(stage.source.relocate(stage.clock.now(), Beats(3.0)))
    assert told(stage, c.Refused) == [c.Refused(c.Refusal.NOT_NOW, "/antiphon/capture", WHO)]


def test_generate_is_refused_in_the_loop() -> None:
    """What plays in mode loop is the loop."""
    stage = looping()
    stage.tell(c.Generate(beats=Beats(4.0)))
    assert refusals(stage) == [c.Refusal.NOT_NOW]


@pytest.mark.parametrize("end", [c.Panic(), c.SetMode(mode=c.Mode.OFF)])
def test_panic_and_mode_changes_end_it_and_leave_the_phrase(end: c.Command) -> None:
    """Nothing begins any more, and what sounds is ended or was silenced."""
    stage = looping(vary__amount=0)
    stage.until(26.2 * BEAT)
    stage.tell(end)
    count = len(stage.heard)
    stage.until(40 * BEAT)
    assert len(stage.heard) == count
    if isinstance(end, c.SetMode):
        assert all(n.off <= 26.51 * BEAT for n in stage.heard)
    assert stage.engine._looper.length == 8.0


def test_coming_back_to_the_mode_loops_again() -> None:
    """The phrase outlives a change of mode."""
    stage = looping(vary__amount=0)
    stage.until(26.2 * BEAT)
    stage.tell(c.SetMode(mode=c.Mode.RESPOND))
    stage.until(30 * BEAT)
    stage.tell(c.SetMode(mode=c.Mode.LOOP))
    stage.until(39.5 * BEAT)
    assert onsets(stage.heard, 32.0) == expected(1)


def test_a_transport_that_stops_ends_the_loop_and_starts_it_again() -> None:
    """After stop nothing sounds; after start the loop is back on the next bar line."""
    clock = ManualClock(100.0)
    stage = Stage(mode=c.Mode.LOOP, source=MidiClock(clock.now(), 120.0), vary__amount=0)
    stage.message(midi.START)

    def run(first: int, last: int) -> None:
        for tick in range(first, last):
            stage.until(0.01 + tick / 48)
            stage.message(midi.CLOCK)
            if tick in (24, 48):
                stage.message(0x90, 60 + tick, 90)
            elif tick in (36, 60):
                stage.message(0x80, 48 + tick, 0)

    run(0, 24 * 13)
    assert stage.state is c.State.LOOPING
    assert stage.heard
    stage.message(midi.STOP)
    assert stage.state is c.State.IDLE
    stopped = 0.01 + 24 * 13 / 48
    stage.until(stopped + 4)
    assert all(n.off <= stopped + 0.3 for n in stage.heard)
    count = len(stage.heard)
    stage.message(midi.START)
    run(24 * 21, 24 * 30)
    assert stage.state is c.State.LOOPING
    assert len(stage.heard) > count


def test_a_meter_that_changes_ends_the_loop_until_the_next_bar() -> None:
    """A phrase of two bars of four goes on back to back in a waltz, from a bar line of it."""
    stage = looping(vary__amount=0)
    stage.until(22.2 * BEAT)
    tempo = replace(stage.source.tempo, meter=Meter(3, 4))
    stage.source._tempo = tempo
    stage.engine._follow((MeterChanged(Meter(3, 4)),))
    stage.until(40 * BEAT)
    assert onsets(stage.heard, 24.0)[:5] == expected(1)
