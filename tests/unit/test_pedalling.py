"""The sustain pedal: heard as it stands for each note, and played so that it never stays down."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon import cli, continue_file, midi
from antiphon import commands as c
from antiphon.midifile import read_midi, write_midi
from antiphon.music import Beats, Note, Pedal, Seconds, Voice
from antiphon.output import Output
from antiphon.pedal_file import pedalled_notes
from antiphon.pedalling import PRESS, PedalFollower, pedal_messages
from antiphon.session import Session
from antiphon.timebase import ManualClock
from pianist import PianoPlayer
from stage import Stage

UP, DOWN, CHANGED = Pedal.UP, Pedal.DOWN, Pedal.CHANGED
LIFTED, PRESSED = midi.control(1, midi.SUSTAIN, 0), midi.control(1, midi.SUSTAIN, 127)


# -- hearing ---------------------------------------------------------------------------------


def test_a_pedal_pressed_just_after_a_note_is_that_notes() -> None:
    """What the pedal does up to 150 ms after an onset belongs to it, later moves to the next."""
    foot = PedalFollower()
    assert foot.strike(Seconds(0.0)) is Pedal.UNKNOWN
    assert foot.move(1, 127, Seconds(0.1)) is DOWN
    assert foot.strike(Seconds(1.0)) is DOWN
    assert foot.move(1, 0, Seconds(1.03)) is UP
    assert foot.move(1, 127, Seconds(1.1)) is CHANGED
    assert foot.move(1, 0, Seconds(1.5)) is None
    assert foot.strike(Seconds(2.0)) is UP
    assert foot.strike(Seconds(2.0)) is UP  # a chord
    assert foot.move(1, 64, Seconds(2.1)) is CHANGED
    assert foot.move(1, 63, Seconds(2.12)) is UP  # half the way counts as up


def test_a_file_tells_each_notes_pedal(tmp_path: Path) -> None:
    """Notes of a file get the pedal of the moment after their onset; drums, and channels without
    a pedal, are unknown.
    """
    notes = [Note(Beats(i), 60 + i, 80, Beats(0.5)) for i in range(6)]
    drum = Note(Beats(1), 36, 80, Beats(0.5), 10, Voice.DRUMS)
    flute = Note(Beats(2), 90, 80, Beats(0.5), 2)
    moves = [(1.1, 127), (2.05, 0), (2.2, 127), (3.5, 0)]  # 120 bpm: half a second a beat
    others = [(Beats(beat), midi.control(1, midi.SUSTAIN, value)) for beat, value in moves]
    path = tmp_path / "piano.mid"
    write_midi(path, [("piano", notes), ("rest", [drum, flute])], others=[others])
    found = pedalled_notes(read_midi(path))
    mine = [note.pedal for note in found if note.channel == 1]
    assert mine == [UP, DOWN, CHANGED, DOWN, UP, UP]
    assert {note.pedal for note in found if note.channel != 1} == {Pedal.UNKNOWN}


def test_the_network_hears_the_players_pedal() -> None:
    """A note is fed with its pedal, and told anew if the pedal moves just after it."""
    stage = Stage()
    stage.message(0xB0, 64, 0)
    stage.key(60, 0.5)
    assert [event.pedal for event in stage.player.fed] == [UP]
    stage.until(1.0)
    stage.tell(c.Heard(stage.clock.now(), midi.note_on(1, 62, 90)))
    stage.until(1.1)
    stage.message(0xB0, 64, 127)
    stage.tell(c.Heard(stage.clock.now(), midi.note_off(1, 62)))
    assert [event.pedal for event in stage.player.fed] == [UP, DOWN]
    heard = [u for u in stage.updates if isinstance(u, c.HeardNote) and u.duration]
    assert [note.pedal for note in heard] == [UP, DOWN]


def test_a_pedal_held_down_does_not_hold_the_turn_open() -> None:
    """Turns end by the keys: with the pedal down and no key held the partner answers."""
    stage = Stage(length=2)
    stage.message(0xB0, 64, 127)
    stage.scale()
    stage.until(6.0)
    assert any(note.on > 2.0 for note in stage.heard)


def test_a_pedal_on_another_channel_is_not_heard() -> None:
    """With an input channel chosen, pedals of others are passed over, but for their lifting."""
    stage = Stage(channel__in=2)
    stage.message(0xB0, 64, 127)
    stage.key(60, 0.5, channel=2)
    assert stage.player.fed[-1].pedal is Pedal.UNKNOWN
    stage.message(0xB1, 64, 127)
    stage.key(62, 1.0, channel=2)
    assert stage.player.fed[-1].pedal is DOWN
    stage.tell(c.SetParam(name="channel/in", value=3.0))
    stage.message(0xB1, 64, 0)
    stage.key(64, 1.5, channel=3)
    assert stage.player.fed[-1].pedal is UP


def test_a_sustain_pedal_that_is_the_foot_switch_is_no_pedal() -> None:
    """A controller that was learnt does what it was learnt for, and nothing else."""
    stage = Stage()
    stage.tell(c.Learn(name="turn"))
    for value in (127, 100, 0):
        stage.message(0xB0, 64, value)
    stage.key(60, 0.5)
    assert stage.player.fed[-1].pedal is Pedal.UNKNOWN


@pytest.mark.parametrize(
    ("pedal", "foot", "pedalled"),
    [(0, True, False), (1, True, True), (1, False, False), (2, False, True), (2, True, True)],
)
def test_the_parameter_decides_whether_the_partner_pedals(
    pedal: int, foot: bool, pedalled: bool
) -> None:
    """Off is never, on is always, and follow is when the phrase just played was pedalled."""
    stage = Stage(player=PianoPlayer(), length=2, pedal=pedal)
    if foot:
        stage.message(0xB0, 64, 127)
    stage.scale()
    stage.until(6.0)
    answer = [note for note in stage.heard if note.on >= 2.0]
    assert answer
    assert {note.pedal for note in answer} == ({DOWN, CHANGED} if pedalled else {Pedal.UNKNOWN})
    end = max(note.off for note in answer)
    assert (stage.output.lifts[-1:] == [pytest.approx(end)]) is pedalled


# -- playing ---------------------------------------------------------------------------------


class Rig:
    """An output whose port keeps what it gets, with times."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.sent: list[tuple[float, bytes]] = []
        self.output = Output(self.clock, [self.take])

    def take(self, message: bytes) -> None:
        """Keep a message."""
        self.sent.append((round(self.clock.now(), 3), message))

    def play(self, *notes: tuple[float, float, int, Pedal]) -> None:
        """Plan notes: on, off, pitch and pedal."""
        for number, (on, off, pitch, pedal) in enumerate(notes):
            self.output.play(number, Seconds(on), Seconds(off), 1, pitch, 80, pedal)

    def to(self, time: float) -> None:
        """Move to a time as the output's thread does."""
        while (due := self.output.poll(self.clock.now())) is not None and due <= time:
            self.clock.move_to(max(due, self.clock.now()))
        self.clock.move_to(time)
        self.output.poll(self.clock.now())

    @property
    def pedal(self) -> list[tuple[float, int]]:
        """What the pedal did, and when."""
        return [(at, m[2]) for at, m in self.sent if midi.kind(m) == midi.CONTROL]


def test_the_partner_pedals_legato() -> None:
    """A changed pedal comes up just before its note and goes down after it; up comes up."""
    rig = Rig()
    rig.play((1, 1.5, 60, DOWN), (2, 2.5, 62, DOWN), (3, 3.5, 64, CHANGED), (4, 4.5, 65, UP))
    rig.to(5)
    after = round(1 + PRESS, 3), round(3 + PRESS, 3)
    assert rig.pedal == [(after[0], 127), (3, 0), (after[1], 127), (4, 0)]
    assert rig.sent.index((3, LIFTED)) < rig.sent.index((3, midi.note_on(1, 64, 80)))


def test_a_chord_moves_the_pedal_once_and_a_fast_note_hurries_it() -> None:
    """Notes at one time share the pedal, and the pedal is down before the next onset."""
    rig = Rig()
    rig.play((1, 2, 60, DOWN), (1, 2, 64, DOWN), (1.02, 2, 67, DOWN))
    rig.to(3)
    assert rig.pedal == [(1.02, 127)]
    messages = [message for _, message in rig.sent]
    assert messages.index(PRESSED) == messages.index(midi.note_on(1, 67, 80)) - 1


def test_lifting_and_stopping_bring_the_pedal_up() -> None:
    """The pedal is up after a lift and after a stop, and what was to press it does not."""
    rig = Rig()
    rig.play((1, 2, 60, DOWN), (4, 4.5, 62, DOWN), (6, 6.5, 64, DOWN))
    rig.output.lift(Seconds(2))
    rig.to(4.2)
    rig.output.stop(Seconds(4.3))
    rig.to(8)
    assert rig.pedal == [(1.06, 127), (2, 0), (4.06, 127), (4.3, 0)]


def test_a_note_that_does_not_sound_does_not_pedal() -> None:
    """A note that comes too late is dropped with its pedal."""
    rig = Rig()
    rig.play((1, 2, 60, DOWN))
    rig.clock.move_to(1.5)
    rig.to(3)
    assert rig.sent == []


def test_the_player_has_the_right_of_way_on_a_shared_channel() -> None:
    """The partner does not lift a pedal that the player holds, and does not hold what he lifts."""
    rig = Rig()
    rig.play((1, 1.5, 60, DOWN), (2, 2.5, 62, CHANGED), (3, 3.5, 64, UP), (5, 5.5, 65, DOWN))
    rig.to(1.5)
    rig.output.thru(PRESSED)
    rig.to(4)
    assert rig.pedal == [(1.06, 127), (1.5, 127)]
    rig.output.thru(LIFTED, passing=False)
    rig.to(5.2)
    rig.output.thru(LIFTED)
    rig.output.lift(Seconds(5.5))
    rig.to(6)
    assert rig.pedal[2:] == [(4, 0), (5.06, 127), (5.2, 0)]


def test_a_pedal_that_was_never_passed_does_not_lift_the_partners() -> None:
    """With thru off the player's pedal leaves the partner's alone."""
    rig = Rig()
    rig.play((1, 3, 60, DOWN))
    rig.to(2)
    rig.output.thru(PRESSED, passing=False)
    rig.output.thru(LIFTED, passing=False)
    assert rig.pedal == [(1.06, 127)]


@pytest.mark.parametrize("ending", ["panic", "close"])
def test_silence_lifts_the_partners_pedal(ending: str) -> None:
    """Panic and the end of the program leave no pedal down."""
    rig = Rig()
    rig.play((1, 3, 60, DOWN))
    rig.to(2)
    getattr(rig.output, ending)()
    rig.to(4)
    assert rig.pedal[-1] == (2, 0)
    assert 127 not in [value for _, value in rig.pedal[1:]]


# -- files -----------------------------------------------------------------------------------


def test_messages_of_a_pedal_say_what_the_notes_do() -> None:
    """Written as messages and read again, notes have the pedals that they had."""
    pedals = (UP, DOWN, DOWN, CHANGED, UP, DOWN)
    notes = [Note(Beats(i), 60, 80, Beats(0.5), pedal=p) for i, p in enumerate(pedals)]
    moves = pedal_messages(notes, 120.0)
    assert [message for _, message in moves] == [PRESSED, LIFTED, PRESSED, LIFTED, PRESSED, LIFTED]
    assert [beat for beat, _ in moves] == pytest.approx([1.12, 3, 3.12, 4, 5.12, 5.5])


@pytest.mark.parametrize("param", ["off", "follow"])
def test_continue_reads_and_writes_the_pedal(
    param: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file's own pedal stays, comes up where the continuation begins, and goes on in it."""
    player = PianoPlayer()
    monkeypatch.setattr(continue_file, "load_player", lambda name, device: player)
    source, out = tmp_path / "in.mid", tmp_path / "out.mid"
    notes = [Note(Beats(i), 60 + i, 80, Beats(0.5)) for i in range(4)]
    write_midi(source, [("piano", notes)], others=[[(Beats(1.1), PRESSED)]])
    value = ("off", "follow").index(param)
    words = ["continue", str(source), str(out), "--bars", "1", "--set", f"pedal={value}"]
    assert cli.main(words) == 0
    assert [event.pedal for event in player.fed[:4]] == [UP, DOWN, DOWN, DOWN]
    song = read_midi(out)
    moves = [(beat, m[2]) for beat, m in song.tracks[0].others]
    assert moves[:2] == [(pytest.approx(1.1, abs=0.01), 127), (4, 0)]
    assert (len(moves) > 2) is (param == "follow")
    assert moves[-1][1] == 0
    added = [note.pedal for note in pedalled_notes(song) if note.start >= 4]
    assert set(added) == ({UP} if param == "off" else {DOWN, CHANGED})


def test_a_session_keeps_both_pedals(tmp_path: Path) -> None:
    """What is recorded can be learnt from: the notes in the file have their pedals again."""
    session, path = Session(), tmp_path / "night.mid"
    pedals = (UP, DOWN, CHANGED)
    for index, pedal in enumerate(pedals):
        now = Seconds(float(index))
        session.apply(c.HeardNote(Beats(2 * index), 60, 80, 1), now)
        session.apply(c.HeardNote(Beats(2 * index), 60, 80, 1, 0.5, pedal), Seconds(now + 0.25))
    for index, pedal in enumerate(pedals):
        now = Seconds(6.0 + index)
        mine = Note(Beats(12 + 2 * index), 72, 80, Beats(0.5), 2, pedal=pedal)
        session.apply(c.Played(mine, now, Seconds(now + 0.25), index), now)
    assert session.write(path, Seconds(10.0))
    assert [note.pedal for note in pedalled_notes(read_midi(path))] == [*pedals, *pedals]
