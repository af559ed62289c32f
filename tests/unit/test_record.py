"""The session recorder."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from random import Random

import pytest

from antiphon.commands import (
    Beat,
    HeardNote,
    Panicked,
    ParamValue,
    Played,
    State,
    Stats,
    Status,
    Stopped,
    TurnEnded,
    Update,
)
from antiphon.errors import MidiFileError
from antiphon.midifile import MidiSong, read_midi
from antiphon.music import Beats, Meter, Note, Seconds
from antiphon.record import Recorder
from antiphon.session import Session
from antiphon.timebase import ManualClock
from stage import Stage

NOON = datetime(2026, 11, 22, 11, 30, 0)
READY = Status(State.LISTENING, model="duo-1", model_ready=True)


class Played120:
    """A session played at 120 bpm by hand: one call a line, beats told as they come."""

    def __init__(self, meter: Meter | None = None) -> None:
        self.session, self.now, self.first = Session(meter, seed=5), 10.0, 0.0

    def tell(self, update: Update, late: float = 0.002) -> None:
        """Tell an update now, a little late, as a busy engine would."""
        self.session.apply(update, Seconds(self.now + late))

    def beats(self, count: int, start: int = 0, bar: int = 4, bpm: float = 120.0) -> None:
        """Let beats pass."""
        for beat in range(start, start + count):
            self.tell(Beat(beat // bar, Beats(beat % bar), bpm, Meter(bar, 4)))
            self.now += 60 / bpm

    def key(self, beat: float, pitch: int, length: float) -> None:
        """Press and release a key; the time moves on by its length."""
        self.tell(HeardNote(Beats(beat), pitch, 80, 1))
        self.now += length / 2
        self.tell(HeardNote(Beats(beat), pitch, 80, 1, length))

    def answer(self, beat: float, pitch: int, length: float, ahead: float = 0.1) -> None:
        """Send a note of the partner that sounds in `ahead` seconds."""
        note, on = Note(Beats(beat), pitch, 70, Beats(length)), self.now + ahead
        self.tell(Played(note, Seconds(on), Seconds(on + length / 2)))

    def song(self, path: Path) -> MidiSong:
        """Write the session and read it back."""
        assert self.session.write(path / "s.mid", Seconds(self.now))
        return read_midi(path / "s.mid")


def _spans(song: MidiSong, name: str) -> list[tuple[float, int, float]]:
    return [(round(n.start, 2), n.pitch, round(n.duration, 2)) for n in song.phrase(name)]


def test_both_parts_are_on_tracks_of_their_own(tmp_path: Path) -> None:
    """The player and the partner have a named track each, with their notes where they fell."""
    stage = Played120()
    stage.tell(READY)
    stage.tell(Beat(0, Beats(0.0), 120.0))
    stage.key(0.0, 60, 1.0)
    stage.tell(Beat(0, Beats(1.0), 120.0))
    stage.tell(TurnEnded(Beats(1.0), Beats(4.0), Beats(8.0)))
    stage.now += 1.4
    stage.answer(4.0, 67, 1.0)
    stage.now += 5
    song = stage.song(tmp_path)
    assert [track.name for track in song.tracks] == ["Player", "Antiphon"]
    assert _spans(song, "Player") == [(0.0, 60, 1.0)]
    assert _spans(song, "Antiphon") == [(4.0, 67, 1.0)]
    assert [(m.beat, m.text) for m in song.markers] == [
        (0.0, "call 1"),
        (4.0, "answer 1 (8 beats)"),
    ]
    assert song.texts == ("antiphon model=duo-1", "antiphon seed=5")
    assert song.bpm == pytest.approx(120.0)


def test_a_note_taken_back_is_not_in_the_file_and_a_cut_one_ends_where_it_was_cut(
    tmp_path: Path,
) -> None:
    """Stopped removes what had not sounded and shortens what did."""
    stage = Played120()
    stage.tell(Beat(0, Beats(0.0), 120.0))
    stage.answer(0.0, 60, 2.0, ahead=0.0)
    stage.answer(1.0, 64, 1.0, ahead=0.5)
    stage.tell(Stopped(Seconds(stage.now + 0.25)))
    stage.now += 5
    assert _spans(stage.song(tmp_path), "Antiphon") == [(0.0, 60, 0.5)]


def test_panic_cuts_at_once(tmp_path: Path) -> None:
    """What sounded at a panic ends there."""
    stage = Played120()
    stage.answer(0.0, 60, 4.0, ahead=0.0)
    stage.now += 0.5
    stage.tell(Panicked(), late=0.0)
    stage.now += 5
    assert _spans(stage.song(tmp_path), "Antiphon") == [(0.0, 60, 1.0)]


def test_what_has_not_sounded_yet_is_not_written(tmp_path: Path) -> None:
    """A file written in the middle of an answer ends at the moment of writing."""
    stage = Played120()
    stage.answer(0.0, 60, 2.0, ahead=0.0)
    stage.answer(1.0, 64, 1.0, ahead=0.5)
    stage.now += 0.25
    assert _spans(stage.song(tmp_path), "Antiphon") == [(0.0, 60, 0.5)]


def test_a_held_key_is_in_the_file_as_long_as_it_has_been_down(tmp_path: Path) -> None:
    """A note whose key is still down when the file is written is there, up to now."""
    stage = Played120()
    stage.tell(HeardNote(Beats(0.0), 60, 80, 3), late=0.0)
    stage.now += 1.0
    (note,) = stage.song(tmp_path).phrase("Player")
    assert (note.duration, note.channel) == (pytest.approx(2.0, abs=0.01), 3)


def test_a_loop_of_the_daw_does_not_write_over_itself(tmp_path: Path) -> None:
    """When the beat jumps back, the file goes on after what was played, in step with the bar."""
    stage = Played120()
    for _ in range(3):
        for beat in range(8):
            stage.tell(Beat(beat // 4, Beats(beat % 4), 120.0))
            if beat == 2:
                stage.key(2.0, 60, 0.5)
                stage.now += 0.25
            else:
                stage.now += 0.5
    assert _spans(stage.song(tmp_path), "Player") == [
        (2.0, 60, 0.5),
        (10.0, 60, 0.5),
        (18.0, 60, 0.5),
    ]


def test_a_player_who_begins_sets_the_bar(tmp_path: Path) -> None:
    """When the engine goes ahead to a bar line at the first note, so does the file."""
    stage = Played120()
    stage.beats(2)
    stage.now += 0.35  # bar 1, beat 3.7: the engine moves to bar 2, beat 1
    stage.tell(HeardNote(Beats(4.0), 60, 80, 1))
    stage.tell(Beat(1, Beats(0.0), 120.0))
    stage.now += 0.5
    stage.tell(HeardNote(Beats(4.0), 60, 80, 1, 1.0))
    stage.beats(8, start=5)
    stage.now -= 0.5
    stage.answer(12.0, 64, 1.0, ahead=0.0)
    stage.now += 1
    song = stage.song(tmp_path)
    assert _spans(song, "Player") == [(0.0, 60, 1.0)]
    assert _spans(song, "Antiphon") == [(8.0, 64, 1.0)]
    assert song.meter == Meter(4, 4)


def test_a_planned_note_before_the_stop_takes_effect_is_taken_back_too(tmp_path: Path) -> None:
    """What sounds ends on the next eighth; what would begin before that is not played any more."""
    stage = Played120()
    stage.tell(Beat(0, Beats(0.0), 120.0))
    stage.answer(0.0, 60, 2.0, ahead=0.0)
    stage.answer(0.25, 64, 1.0, ahead=0.125)
    stage.tell(Stopped(Seconds(stage.now + 0.25)))
    stage.now += 5
    assert _spans(stage.song(tmp_path), "Antiphon") == [(0.0, 60, 0.5)]


def test_a_clock_that_starts_again_in_the_middle_of_a_bar_begins_a_new_bar(tmp_path: Path) -> None:
    """After a stop the song's start falls on a bar line of the file again."""
    stage = Played120()
    stage.tell(Beat(0, Beats(0.0), 120.0))
    stage.key(0.0, 60, 0.5)
    stage.now += 0.25
    stage.beats(2, start=1)
    stage.now += 3.3
    stage.tell(Beat(0, Beats(0.0), 120.0))
    stage.key(0.0, 62, 0.5)
    first, second = stage.song(tmp_path).phrase("Player")
    assert first.start == 0.0
    assert second.start % 4 == 0.0
    assert second.start > 4


def test_tempo_changes_are_in_the_tempo_map(tmp_path: Path) -> None:
    """A new tempo stands at the beat on which it was told."""
    stage = Played120()
    stage.tell(HeardNote(Beats(0.0), 60, 80, 1))
    stage.beats(4)
    stage.beats(4, start=4, bpm=90.0)
    tempos = [(m.beat, round(m.bpm, 2)) for m in stage.song(tmp_path).tempos]
    assert tempos == [(0.0, 120.0), (4.0, 90.0)]


def test_the_meter_is_the_beats(tmp_path: Path) -> None:
    """Beats told in 3/4 make a file in 3/4."""
    stage = Played120()
    stage.tell(Beat(0, Beats(0.0), 120.0))
    stage.tell(HeardNote(Beats(0.0), 60, 80, 1))
    stage.now += 0.5
    stage.beats(8, start=1, bar=3)
    assert stage.song(tmp_path).meter == Meter(3, 4)


def test_a_session_starts_with_the_bar_of_its_first_note(tmp_path: Path) -> None:
    """Silence before the first bar that has a note is left out."""
    stage = Played120()
    stage.beats(41)
    stage.now -= 0.5
    stage.key(40.0, 60, 1.0)
    assert _spans(stage.song(tmp_path), "Player") == [(0.0, 60, 1.0)]


def test_playing_without_an_end_is_marked_as_solo(tmp_path: Path) -> None:
    """Where nobody called, and the length is open, the marker says solo."""
    stage = Played120()
    stage.tell(TurnEnded(Beats(0.0), Beats(4.0), Beats(0.0)))
    stage.now += 2
    stage.answer(4.0, 60, 1.0, ahead=0.0)
    stage.now += 1
    assert [mark.text for mark in stage.song(tmp_path).markers] == ["solo"]


def test_a_change_of_model_is_marked(tmp_path: Path) -> None:
    """The model of the beginning is in the text, a later one is a marker where it came."""
    stage = Played120()
    stage.tell(READY)
    stage.key(0.0, 60, 1.0)
    stage.tell(Status(State.LISTENING, model="duo-2"))
    song = stage.song(tmp_path)
    assert song.texts[0] == "antiphon model=duo-1"
    assert song.markers[-1].text == "model duo-2"


class Recorded(Stage):
    """The engine on its stage, with a session that is told what it tells, when it does."""

    def _settle(self) -> None:
        super()._settle()
        for update in self.updates[getattr(self, "told", 0) :]:
            self.session.apply(update, self.clock.now())
        self.told = len(self.updates)

    session = Session()


@pytest.mark.parametrize("seed", range(5))
def test_the_file_says_what_sounded(tmp_path: Path, seed: int) -> None:
    """Calls at any time, answers broken off or not: notes, lengths and bars are in the file."""
    random = Random(seed)
    Recorded.session = Session()
    stage, time, keys = Recorded(length=8), 0.3, 0
    for _ in range(6):
        count = random.randint(2, 8)
        stage.scale(time, count=count)
        keys += count
        time += count * 0.25 + random.uniform(2.0, 12.0)
        stage.until(time)
    stage.until(time + 20)
    stage.session.write(tmp_path / "s.mid", stage.clock.now())
    song = read_midi(tmp_path / "s.mid")
    sounded = sorted((n.on, n.pitch, n.off - n.on) for n in stage.heard)
    written = song.phrase("Antiphon").notes
    assert [n.pitch for n in written] == [pitch for _, pitch, _ in sounded]
    assert [n.duration / 2 for n in written] == pytest.approx([x for *_, x in sounded], abs=0.003)
    # two notes of one answer are as far apart in the file as they were in the air
    for (on, *_), (later, *_), note, following in zip(
        sounded, sounded[1:], written, written[1:], strict=False
    ):
        if later - on < 0.6:
            assert (following.start - note.start) / 2 == pytest.approx(later - on, abs=0.003)
    answers = [mark.beat for mark in song.markers if mark.text.startswith("answer")]
    assert all(beat % 4 == pytest.approx(0, abs=0.01) for beat in answers)
    called = song.phrase("Player").notes
    assert len(called) == keys
    assert all(n.duration / 2 == pytest.approx(0.2, abs=0.003) for n in called)
    assert song.meter == Meter(4, 4)
    assert len(song.meters) == 1


def _wait(true: Callable[[], bool]) -> bool:
    for _ in range(300):
        if true():
            return True
        time.sleep(0.01)
    return False


def test_the_file_is_named_by_the_wall_clock_and_never_taken_twice(tmp_path: Path) -> None:
    """Sessions started in the same second have files of their own."""
    clock = ManualClock()
    recorder = Recorder(tmp_path / "new", clock, wall=lambda: NOON)
    names = []
    for _ in range(2):
        recorder.start()
        recorder.update(HeardNote(Beats(0.0), 60, 80, 1))
        clock.advance(1.0)
        path = recorder.stop()
        assert path is not None
        names.append(path.name)
    assert names == ["antiphon-2026-11-22-113000.mid", "antiphon-2026-11-22-113000-2.mid"]


def test_a_session_without_notes_leaves_no_file(tmp_path: Path) -> None:
    """Nothing played, nothing kept."""
    recorder = Recorder(tmp_path, ManualClock())
    recorder.start()
    recorder.update(Beat(0, Beats(0.0), 120.0))
    assert recorder.stop() is None
    assert list(tmp_path.iterdir()) == []


def test_each_turn_is_on_disk_before_the_next(tmp_path: Path) -> None:
    """A crash after a turn loses nothing of it: the file is there without a stop."""
    clock = ManualClock()
    recorder = Recorder(tmp_path, clock, seed=9, wall=lambda: NOON)
    recorder.update(READY)
    path = recorder.start()
    recorder.update(HeardNote(Beats(0.0), 60, 80, 1))
    clock.advance(0.5)
    recorder.update(HeardNote(Beats(0.0), 60, 80, 1, 1.0))
    recorder.update(TurnEnded(Beats(1.0), Beats(4.0), Beats(8.0)))
    assert _wait(path.exists)
    song = read_midi(path)
    assert len(song.phrase("Player")) == 1
    assert song.texts == ("antiphon model=duo-1", "antiphon seed=9")
    recorder.stop()


def test_a_long_turn_is_on_disk_every_few_seconds(tmp_path: Path) -> None:
    """While a turn goes on, what was played is written at the interval."""
    clock = ManualClock()
    recorder = Recorder(tmp_path, clock, every=Seconds(0.05))
    path = recorder.start()
    recorder.update(HeardNote(Beats(0.0), 60, 80, 1))
    clock.advance(0.2)
    assert _wait(path.exists)
    recorder.stop()


def test_the_engine_never_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An update returns while the recorder's thread is stuck in a write."""
    clock, stuck, go = ManualClock(), threading.Event(), threading.Event()

    def slow(*_: object, **__: object) -> None:
        stuck.set()
        go.wait(5)

    monkeypatch.setattr("antiphon.session.write_midi", slow)
    recorder = Recorder(tmp_path, clock)
    recorder.start()
    recorder.update(HeardNote(Beats(0.0), 60, 80, 1))
    clock.advance(10)
    recorder.update(TurnEnded(Beats(1.0), Beats(4.0), Beats(8.0)))
    assert stuck.wait(5)
    began = time.perf_counter()
    for _ in range(1000):
        recorder.update(Stats())
    assert time.perf_counter() - began < 0.1
    go.set()
    recorder.stop()


def test_trouble_with_the_disk_is_said_once_and_the_session_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A write that fails is logged, and the next that succeeds has everything."""
    clock, failed = ManualClock(), threading.Event()
    recorder = Recorder(tmp_path, clock, wall=lambda: NOON)

    def full(*_: object, **__: object) -> None:
        failed.set()
        raise MidiFileError("space is needed", "the disk is full", "make room")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr("antiphon.session.write_midi", full)
        recorder.start()
        recorder.update(HeardNote(Beats(0.0), 60, 80, 1))
        clock.advance(1.0)
        recorder.update(TurnEnded(Beats(1.0), Beats(4.0), Beats(8.0)))
        assert failed.wait(5)
        assert _wait(lambda: "the disk is full" in caplog.text)
    path = recorder.stop()
    assert path is not None
    assert len(read_midi(path).phrase()) == 1


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Starting where no folder can be is an error for the user, with a remedy."""
    (tmp_path / "file").write_text("")
    with pytest.raises(MidiFileError, match="--record"):
        Recorder(tmp_path / "file" / "x", ManualClock()).start()


def test_the_seed_counts_until_the_first_note(tmp_path: Path) -> None:
    """A seed set before the music is that of the session."""
    stage = Played120()
    stage.tell(ParamValue("seed", 77.0))
    stage.key(0.0, 60, 1.0)
    stage.tell(ParamValue("seed", 78.0))
    assert stage.song(tmp_path).texts[1] == "antiphon seed=77"
