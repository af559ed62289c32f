"""The engine on a stage: a hand-moved clock, a scale for a network, an output that remembers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from antiphon import commands as c
from antiphon.music import Beats, Meter, Scale, Seconds, Voice
from antiphon.sync.internal import InternalClock
from antiphon.sync.midi_clock import MidiClock
from antiphon.sync.osc_transport import OscTransport
from antiphon.timebase import ManualClock
from stage import Stage


def test_a_call_is_answered_on_the_bar_with_the_length_asked_for() -> None:
    """Eight notes at 120 bpm, silence, and eight beats from the bar line, none past the end."""
    stage = Stage(length=8)
    stage.scale(0.5)
    stage.until(10)
    assert stage.heard[0].on == pytest.approx(4.5)
    assert max(n.off for n in stage.heard) == pytest.approx(8.5, abs=0.02)
    assert stage.state is c.State.IDLE


def test_the_first_note_after_a_rest_is_beat_one() -> None:
    """The silent internal clock waits for the player: the first note makes a bar line."""
    stage = Stage()
    stage.until(0.77)
    stage.key(60, 0.77)
    tempo = stage.source.tempo
    _, beat = tempo.bar_and_beat(tempo.beat_at(stage.clock.now()))
    assert beat == pytest.approx(0.2 * 2, abs=0.01)


def test_a_note_a_little_late_is_on_the_line_it_is_late_for() -> None:
    """Coming in 50 ms behind a bar line moves the line there, and skips no bar."""
    stage = Stage()
    stage.key(60, 2.05)
    bar, beat = stage.source.tempo.bar_and_beat(stage.source.tempo.beat_at(stage.clock.now()))
    assert (bar, beat) == (1, pytest.approx(0.4, abs=0.01))


def test_notes_are_fed_while_the_player_plays() -> None:
    """The network has heard every note, length unknown, before the turn ends."""
    stage = Stage()
    stage.scale(0.5, count=5)
    assert [e.pitch for e in stage.player.fed] == [60, 62, 64, 65, 67]
    assert all(e.duration is None for e in stage.player.fed)
    assert [e.onset for e in stage.player.fed] == [192, 216, 240, 264, 288]


def test_coming_back_in_ends_what_sounds_and_unsays_the_rest() -> None:
    """After an interruption no note begins, what sounded ends by the eighth, and the network
    has forgotten the notes that never sounded.
    """
    stage = Stage(length=8)
    stage.scale(0.0)
    stage.until(4.6)
    stage.key(60, 4.6)
    stage.until(5.0)
    assert all(n.on <= 4.6 for n in stage.heard)
    assert all(n.off <= 4.75 + 1e-6 for n in stage.heard)
    said = [e for e in stage.player.fed if e.duration is not None]
    assert len(said) == len(stage.heard)
    assert stage.state is c.State.LISTENING


def test_twenty_calls_get_twenty_answers() -> None:
    """Call after call is answered; nothing is left behind."""
    stage = Stage(length=4)
    for turn in range(20):
        stage.scale(turn * 8.0)
        stage.until(turn * 8.0 + 7.9)
    assert sum(isinstance(u, c.TurnEnded) for u in stage.updates) == 20
    assert stage.state is c.State.IDLE


def test_a_turned_key_is_heard_in_the_answer_under_way() -> None:
    """Changing the register replans what was not handed over, and keeps what was."""
    stage = Stage(length=8)
    stage.scale(0.0)
    stage.until(4.3)
    before = [n.pitch for n in stage.heard]
    stage.tell(c.SetParam(name="register/low", value=60.0))
    stage.until(8.2)
    assert [n.pitch for n in stage.heard][: len(before)] == before
    assert max(n.off for n in stage.heard) == pytest.approx(8.0, abs=0.02)


def test_the_same_seed_gives_the_same_seeds_to_the_network() -> None:
    """Setting the seed begins the row of answers again: the same questions are asked."""
    stage = Stage()
    asked: list[tuple[int, ...]] = []
    think = stage.engine._dialogue._think
    stage.engine._dialogue._think = lambda job: (
        asked.append(job.seed) if hasattr(job, "seed") else None,
        think(job),
    )[1]
    for start in (0.0, 10.0, 20.0):
        stage.tell(c.SetParam(name="seed", value=5.0))
        stage.scale(start)
        stage.until(start + 9.5)
    assert len(set(asked)) == 1


def test_polyphony_cuts_the_oldest_note() -> None:
    """No more notes sound at once than asked for; the oldest gives way."""
    stage = Stage(polyphony=2, length=8)
    stage.player.step = 12
    sample = stage.player.sample

    def long(window, controls, random):  # type: ignore[no-untyped-def]
        from dataclasses import replace

        return replace(sample(window, controls, random), duration=96)

    stage.player.sample = long
    stage.scale(0.0)
    stage.until(9.0)
    for note in stage.heard:
        together = [n for n in stage.heard if n.on <= note.on < n.off - 1e-9]
        assert len(together) <= 2


def test_quantize_one_puts_every_onset_on_the_sixteenth() -> None:
    """Exact quantising leaves no onset between the sixteenths."""
    stage = Stage(quantize=1, length=8)
    stage.player.step = 17
    stage.scale(0.0)
    stage.until(9.0)
    assert stage.heard
    for note in stage.heard:
        assert note.on / 0.125 == pytest.approx(round(note.on / 0.125), abs=1e-6)


def test_latency_sends_everything_early() -> None:
    """With 50 ms of compensation the first note is sent 50 ms before its line."""
    stage = Stage(latency=50)
    stage.scale(0.0)
    stage.until(5.0)
    assert stage.heard[0].on == pytest.approx(4.0 - 0.05)


def test_drums_are_answered_on_channel_ten() -> None:
    """A call on the percussion channel is answered there, with drums."""
    stage = Stage(channel__out=3)
    for beat in range(4):
        stage.key(36, beat * 0.5, 0.1, channel=10)
    stage.until(8)
    assert {n.channel for n in stage.heard} == {10}
    assert stage.player.fed[0].voice is Voice.DRUMS


def test_pitched_answers_go_to_the_output_channel() -> None:
    """``channel/out`` names the channel of pitched answers."""
    stage = Stage(channel__out=3)
    stage.scale(0.0)
    stage.until(6)
    assert {n.channel for n in stage.heard} == {3}


def test_only_the_input_channel_is_heard() -> None:
    """With ``channel/in`` 2 a note on channel 1 is no turn."""
    stage = Stage(channel__in=2)
    stage.key(60, 0.1)
    assert stage.player.fed == []
    stage.key(60, 0.5, channel=2)
    assert len(stage.player.fed) == 1


def test_a_learnt_switch_ends_the_turn() -> None:
    """After learning, pressing the pedal ends the turn, letting it go does nothing."""
    stage = Stage()
    stage.tell(c.Learn(name="turn"))
    stage.message(0xB0, 66, 127)
    stage.message(0xB0, 66, 0)
    assert c.Learned("turn", 66) in stage.updates
    stage.key(60, 0.1)
    stage.message(0xB0, 66, 127)
    assert stage.state is c.State.ANSWERING
    stage.message(0xB0, 66, 0)
    assert stage.state is c.State.ANSWERING


def test_a_learnt_knob_turns_its_parameter() -> None:
    """A bound controller runs over the parameter's whole range."""
    stage = Stage()
    stage.tell(c.Learn(name="temperature"))
    stage.message(0xB0, 20, 5)
    stage.message(0xB0, 20, 127)
    assert stage.updates[-1] == c.ParamValue("temperature", 2.0)


def test_solo_plays_without_end_and_hears_the_player() -> None:
    """Solo starts on the bar, goes on, and takes the player's notes in without stopping."""
    stage = Stage(mode=c.Mode.SOLO)
    stage.until(3.0)
    stage.key(90, 3.0)
    stage.until(20.0)
    assert len(stage.heard) > 60
    assert any(e.pitch == 90 for e in stage.player.fed)
    gaps = [b.on - a.on for a, b in zip(stage.heard, stage.heard[1:], strict=False)]
    assert max(gaps) < 0.6


def test_solo_stops_and_goes_on() -> None:
    """``turn 0`` stops a solo, a cue sets it going again."""
    stage = Stage(mode=c.Mode.SOLO)
    stage.until(3.0)
    stage.tell(c.StopAnswer())
    count = len(stage.heard)
    stage.until(6.0)
    assert len(stage.heard) == count
    stage.tell(c.EndTurn())
    stage.until(10.0)
    assert len(stage.heard) > count


def test_changing_mode_stops_the_answer() -> None:
    """A new mode ends what the old one played."""
    stage = Stage(mode=c.Mode.SOLO)
    stage.until(3.1)
    stage.tell(c.SetMode(mode=c.Mode.OFF))
    stage.until(8.0)
    assert max(n.off for n in stage.heard) <= 3.5


def test_panic_silences_and_forgets() -> None:
    """Panic reaches the output, clients are told, and the engine is idle."""
    stage = Stage()
    stage.scale(0.0)
    stage.until(4.4)
    stage.tell(c.Panic())
    count = len(stage.heard)
    stage.until(8.0)
    assert stage.output.panics == 1
    assert len(stage.heard) == count
    assert c.Panicked() in stage.updates
    assert stage.state is c.State.IDLE


def test_what_cannot_be_done_now_is_refused() -> None:
    """A turn cue in mode off is refused to the client that sent it."""
    stage = Stage(mode=c.Mode.OFF)
    who = ("127.0.0.1", 9001)
    stage.tell(c.EndTurn(client=who, address="/antiphon/turn"))
    assert c.Refused(c.Refusal.NOT_NOW, "/antiphon/turn", who) in stage.updates


def test_an_unknown_style_is_refused_and_a_known_one_reaches_the_network() -> None:
    """Styles are those of the checkpoint."""
    stage = Stage()
    stage.tell(c.SetStyle(name="polka", weight=1.0))
    assert isinstance(stage.updates[-1], c.Refused)
    stage.tell(c.SetStyle(name="fancy", weight=0.5))
    assert stage.player.style == (("fancy", 0.5),)


def test_midi_clock_puts_answers_on_its_bars() -> None:
    """Driven by MIDI clock from a start, the answer begins on a bar line of that clock."""
    clock = ManualClock(100.0)
    stage = Stage(source=MidiClock(clock.now(), 120.0))
    stage.message(0xFA)
    period = 60 / 100 / 24
    first, played = 0.01, set()
    for tick in range(24 * 24):
        stage.until(first + tick * period)
        stage.message(0xF8)
        if tick % 12 == 0 and tick < 96:
            stage.message(0x90, 60 + tick // 12, 90)
            played.add(60 + tick // 12)
        if tick % 12 == 9 and tick < 96:
            stage.message(0x80, 60 + tick // 12, 64)
    bar = 4 * 24 * period
    start = stage.heard[0].on - first
    assert start / bar == pytest.approx(round(start / bar), abs=0.005)


def test_a_clock_that_stops_ends_the_answer() -> None:
    """Stop from the DAW leaves nothing sounding."""
    clock = ManualClock(100.0)
    stage = Stage(mode=c.Mode.SOLO, source=MidiClock(clock.now(), 120.0))
    stage.message(0xFA)
    for tick in range(200):
        stage.until(0.01 + tick / 48)
        stage.message(0xF8)
    stopped = stage.clock.now() - 100
    stage.tell(c.SetMode(mode=c.Mode.RESPOND))
    stage.message(0xFC)
    stage.until(stopped + 4)
    assert all(n.off <= stopped + 0.5 for n in stage.heard)


def test_a_waltz_is_answered_on_its_own_bars() -> None:
    """With a meter of 3/4 the answer waits for a line that is a multiple of three beats."""
    stage = Stage(source=InternalClock(Seconds(100.0), 120.0, Meter(3, 4)), length=6)
    stage.scale(0.0, count=5)
    stage.until(8)
    assert stage.heard[0].on == pytest.approx(3.0)
    assert max(n.off for n in stage.heard) == pytest.approx(6.0, abs=0.02)


def test_the_tempo_can_be_turned_while_it_plays() -> None:
    """The parameter bpm changes the internal clock without a jump, and the answer with it."""
    stage = Stage(mode=c.Mode.SOLO)
    stage.until(2.0)
    before = stage.source.tempo.beat_at(stage.clock.now())
    stage.tell(c.SetParam(name="bpm", value=60.0))
    assert stage.source.tempo.beat_at(stage.clock.now()) == pytest.approx(before)
    stage.until(6.0)
    onsets = [n.on for n in stage.heard if n.on > 2.3]
    assert [b - a for a, b in pairwise(onsets)] == pytest.approx([0.5] * (len(onsets) - 1))


def test_the_tempo_of_a_clock_from_outside_is_its_own() -> None:
    """Under MIDI clock the parameter bpm is refused, by OSC and by a controller that was learnt."""
    stage = Stage(source=MidiClock(Seconds(100.0), 120.0))
    stage.tell(c.SetParam(name="bpm", value=60.0))
    stage.tell(c.Learn(name="bpm"))
    stage.message(0xB0, 20, 1)
    stage.message(0xB0, 20, 9)
    refused = [u.code for u in stage.updates if isinstance(u, c.Refused)]
    assert refused
    assert set(refused) == {c.Refusal.NOT_NOW}
    assert not [u for u in stage.updates if isinstance(u, c.ParamValue)]
    assert stage.source.tempo.bpm == 120


def test_the_daws_transport_names_meter_and_place() -> None:
    """DAW transport over OSC sets tempo, meter and bar."""
    clock = ManualClock(100.0)
    stage = Stage(source=OscTransport(clock.now(), 120.0))
    for step in range(40):
        stage.until(step * 0.125)
        stage.tell(
            c.Transport(stage.clock.now(), Beats(8 + step * 0.125 * 1.5), 90.0, Meter(3, 4), True)
        )
    beats = [u for u in stage.updates if isinstance(u, c.Beat)]
    assert beats[-1].bpm == pytest.approx(90, abs=1)
    assert max(b.beat for b in beats[-6:]) < 3


def test_scale_and_key_reach_the_network() -> None:
    """Parameters become controls."""
    stage = Stage(scale=1, key=9)
    controls = stage.engine._moment().controls
    assert controls.scale is Scale.MAJOR
    assert controls.key == 9


def test_a_full_inbox_says_so_and_blocks_nobody() -> None:
    """When nobody empties the inbox the sender is told."""
    stage = Stage()
    taken = [stage.engine.submit(c.Panic()) for _ in range(5000)]
    assert taken[0]
    assert not taken[-1]
