"""Bars, windows and pairs: what the DIC and the GAN are shown is the music that was there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import mido
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import DataError
from antiphon.music import Beats, Meter, Note, Voice
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.pairs import BINS, find_pairs
from antiphon_models.data.prepare import load_dataset, prepare
from antiphon_models.data.storage import read_pieces, write_pieces
from antiphon_models.data.windows import WINDOW, Bars, make_batch, read_bars
from antiphon_models.events import MICROS, Piece, phases
from antiphon_models.rolls import Kind, distance, position, write_sheet

Row = tuple[float, int, int, float]
"""Start in beats, pitch, velocity, length in beats."""


def piece_of(
    rows: Sequence[Row],
    meter: Meter | None = None,
    voice: Voice = Voice.DRUMS,
    name: str = "a.mid",
    bpm: float = 120.0,
) -> Piece:
    """Make a piece whose first bar line is at beat 0, with microtiming."""
    meter = meter or Meter()
    start, pitch, velocity, length = (np.array(column) for column in zip(*rows, strict=True))
    onset = np.floor(start * 48 + 0.5).astype(np.int64)
    beat, bar = phases(onset, round(meter.bar * 48))
    return Piece(
        onset=onset,
        voice=np.full(len(rows), int(voice)),
        pitch=pitch.astype(np.int64),
        velocity=velocity.astype(np.int64),
        duration=np.maximum(np.rint(length * 48), 1).astype(np.int64),
        beat_phase=beat,
        bar_phase=bar,
        name=name,
        micro=np.rint((start * 48 - onset) * MICROS).astype(np.int64),
        bpm=bpm,
    ).sorted()


def bars_of(*pieces: Piece, kind: Kind = "drums") -> Bars:
    """Cut pieces into bars."""
    return read_bars({"set": pieces}, kind)


def rock(bars: int, at: float = 0.0) -> list[Row]:
    """Write some bars of 4/4 for drums, each with one stroke more than the last."""
    rows: list[Row] = []
    for bar in range(bars):
        start = at + 4 * bar
        rows += [(start, 36, 100, 0.25), (start + 1, 38, 90, 0.25), (start + 2, 36, 80, 0.25)]
        rows += [(start + 2.5 + extra / 4, 42, 60, 0.25) for extra in range(bar % 6)]
    return rows


def test_bars_of_a_piece() -> None:
    """Slots, rows, offsets, velocities and durations of a piece written by hand."""
    rows = [(0, 36, 127, 0.25), (1.26, 38, 64, 0.5), (3.95, 42, 90, 0.25), (6.0, 36, 50, 1.0)]
    bars = bars_of(piece_of(rows, bpm=96.0))
    assert bars.begin.tolist() == [0, 2, 4]
    assert bars.slot.tolist() == [0, 5, 0, 8]  # the third is an early downbeat of bar 2
    assert bars.row.tolist() == [0, 1, 2, 0]
    assert bars.offset.tolist() == pytest.approx([0, 0.04, -0.2, 0], abs=0.01)
    assert bars.velocity.tolist() == pytest.approx([1, 64 / 127, 90 / 127, 50 / 127])
    assert bars.duration.tolist() == pytest.approx([1, 2, 1, 4])
    assert bars.number.tolist() == [0, 1]
    assert bars.length.tolist() == [4, 4]
    assert bars.bpm.tolist() == [96, 96]
    assert bars.names == ["set/a.mid"]


def test_what_has_no_row_is_left_out() -> None:
    """A cowbell is no drum of the kit, and drums are not pitched; without any, one line says so."""
    rows: list[Row] = [(0, 36, 100, 0.25), (1, 56, 100, 0.25), (4, 38, 100, 0.25)]
    assert bars_of(piece_of(rows)).row.tolist() == [0, 1]
    with pytest.raises(DataError, match="pitched"):
        bars_of(piece_of(rows), kind="pitched")
    with pytest.raises(DataError, match="drums"):
        bars_of(piece_of([(0, 56, 100, 1), (4, 56, 100, 1)]))


def test_a_pickup_counts_bars_from_its_own_line() -> None:
    """A bar line lies before the first note of a piece that begins within a bar."""
    piece = piece_of([(2.5, 36, 100, 0.25), (4, 38, 100, 0.25), (8.25, 36, 100, 0.25)])
    shifted = piece.select(slice(None))
    object.__setattr__(shifted, "onset", piece.onset - piece.onset[0])
    bars = bars_of(shifted)
    assert bars.slot.tolist() == [10, 0, 1]
    assert bars.number.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("meter", "beats"), [((4, 4), 8), ((3, 4), 6), ((6, 8), 6), ((7, 8), 8), ((2, 4), 4)]
)
def test_windows_have_the_beats_of_two_bars(meter: tuple[int, int], beats: int) -> None:
    """Two bars are a window if they fit; beats that it has not are empty everywhere."""
    size = Meter(*meter).bar
    rows = [(size * bar + beat, 36, 100, 0.25) for bar in range(4) for beat in (0, 0.5, 1)]
    bars = bars_of(piece_of(rows, Meter(*meter)))
    windows = bars.windows()
    assert windows.tolist() == [0, 1, 2]
    batch = make_batch(bars, windows)
    assert batch.beats.tolist() == [beats] * 3
    assert batch.roll.shape == (3, WINDOW, 4, 9, 3)
    for empty in (batch.roll, batch.position, batch.valid):
        assert not empty[:, beats:].any()
    assert (batch.position[:, :beats, -4] == 1).all()
    assert float(batch.valid[0].sum()) == 2 * size * 4
    assert batch.roll[..., 0].sum((1, 2, 3)).tolist() == [6] * 3


def test_bars_that_do_not_fit_have_no_windows() -> None:
    """Two bars of 5/4 are longer than a window."""
    rows: list[Row] = [(5 * bar + beat, 36, 100, 0.25) for bar in range(4) for beat in range(5)]
    bars = bars_of(piece_of(rows, Meter(5, 4)))
    assert len(bars.piece) == 4
    assert not len(bars.windows())


def test_windows_straddle_neither_pieces_nor_missing_bars() -> None:
    """Both bars of a window follow each other in one piece."""
    one = piece_of([*rock(2), *rock(2, at=16)], name="1")  # bars 0 1 . . 4 5
    other = piece_of(rock(3), name="2")
    bars = bars_of(one, other)
    assert bars.number.tolist() == [0, 1, 4, 5, 0, 1, 2]
    assert bars.windows().tolist() == [0, 2, 4, 5]
    assert bars.windows(hop=2).tolist() == [0, 2, 4]
    assert bars.windows(bars=1).tolist() == list(range(7))
    first = bars.windows()
    assert (bars.piece[first] == bars.piece[first + 1]).all()


def test_windows_have_one_meter_and_some_notes() -> None:
    """A change of meter ends a window, and a single stroke is none."""
    a = piece_of([(beat, 36, 100, 0.25) for beat in range(8)])
    b = piece_of([(beat, 36, 100, 0.25) for beat in range(9)], Meter(3, 4))
    columns = ("onset", "voice", "pitch", "velocity", "duration", "beat_phase", "bar_phase")
    both = {name: np.concatenate([getattr(a, name), getattr(b, name)]) for name in columns}
    both["onset"] = np.concatenate([a.onset, b.onset + 8 * 48])
    bars = bars_of(Piece(**both, name="ab"))
    assert bars.length.tolist() == [4, 4, 3, 3, 3]
    assert bars.windows().tolist() == [0, 2, 3]
    alone = bars_of(piece_of([(0, 36, 100, 0.25), (4, 56, 1, 1), (8, 36, 100, 0.25)]))
    assert not len(alone.windows())


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([(4, 4), (3, 4), (7, 8)]),
    st.sampled_from(["drums", "pitched"]),
    st.lists(
        st.tuples(
            st.sampled_from([0, 0.25, 0.5, 0.75, 1 / 3, 2 / 3]),
            st.integers(0, 7),
            st.sampled_from([36, 38, 42, 46, 49]),
            st.integers(1, 127),
            st.sampled_from([0.25, 0.5, 1.0]),
            st.sampled_from([0, 0.02, -0.05]),
        ),
        min_size=2,
        max_size=20,
        unique_by=lambda row: (round(row[1] + row[0], 2), row[2]),
    ),
)
def test_what_is_trained_on_is_what_is_played_on(
    numbers: tuple[int, int], kind: Kind, drawn: list[tuple[float, int, int, int, float, float]]
) -> None:
    """A window of a data set and the sheet of the same two bars are the same to the networks."""
    meter = Meter(*numbers)
    length = 2 * meter.bar
    voice = Voice.DRUMS if kind == "drums" else Voice.KEYS
    rows: list[Row] = [(0, 36, 128 - 1, 0.25), (meter.bar, 38, 127, 0.25)]  # both bars have notes
    rows += [
        (max(beat + part + late, 0), pitch, loud, size)
        for part, beat, pitch, loud, size, late in drawn
        if beat + part + 0.05 < length - 0.125
    ]
    piece = piece_of(rows, meter, voice, bpm=90.0)
    bars = bars_of(piece, kind=kind)
    assert len(bars.windows()) == 1
    batch = make_batch(bars, bars.windows())
    notes = [
        Note(
            Beats((onset + micro / MICROS) / 48),
            pitch,
            velocity,
            Beats(duration / 48),
            10 if kind == "drums" else 1,
            voice,
        )
        for onset, micro, pitch, velocity, duration in np.stack(
            [piece.onset, piece.micro, piece.pitch, piece.velocity, piece.duration], 1
        ).tolist()
    ]
    sheet = write_sheet(kind, notes, meter, Beats(length), 90.0)
    grid = sheet.grid
    where = position(grid.phase, grid.bar, grid.triplet, grid.valid, np.full(grid.beats, 90.0))
    np.testing.assert_allclose(batch.position[0, : grid.beats], where, atol=1e-5)
    np.testing.assert_allclose(batch.roll[0, : grid.beats], sheet.roll, atol=1e-5)


def test_a_voice_alone_and_another_key() -> None:
    """A batch takes one voice where it has notes, moves rows, and drops those that leave."""
    low, high = ([(beat, pitch, 80, 0.5) for beat in range(8)] for pitch in (22, 60))
    piece = piece_of([*low, *high], voice=Voice.KEYS)
    voice = np.where(piece.pitch == 60, int(Voice.MELODY), int(Voice.KEYS))
    object.__setattr__(piece, "voice", voice)
    bars = bars_of(piece, kind="pitched")
    first = np.zeros(3, np.int64)
    voices = np.array([int(Voice.MELODY), int(Voice.SECOND), -1])
    batch = make_batch(bars, first, transpose=np.array([3, 0, -4]), voices=voices)
    rows = [np.flatnonzero(hits.any((0, 1))).tolist() for hits in batch.roll[..., 0]]
    assert rows == [[42], [1, 39], [35]]
    assert batch.duration[0].max() == 2


def test_durations_are_of_the_notes_that_count() -> None:
    """Where two notes share a cell, velocity and duration are those of the louder."""
    rows: list[Row] = [(0, 60, 100, 1.0), (0.02, 60, 40, 0.25), (4, 60, 90, 0.5)]
    bars = bars_of(piece_of(rows, voice=Voice.KEYS), kind="pitched")
    batch = make_batch(bars, np.array([0]))
    assert float(batch.roll[0, 0, 0, 39, 1]) == pytest.approx(100 / 127)
    assert float(batch.duration[0, 0, 0, 39]) == 4


def test_partners_are_of_the_same_piece_and_at_the_distance_of_their_bin() -> None:
    """Every partner is another window of the same piece, as far away as its bin says."""
    bars = bars_of(piece_of(rock(9), name="1"), piece_of(rock(7), name="2"))
    pairs = find_pairs(bars, seed=1)
    assert len(pairs.first)
    for first, partners in zip(pairs.first, pairs.partner, strict=True):
        own = make_batch(bars, np.array([first])).roll[..., 0]
        for which in range(BINS):
            for partner in partners[which][partners[which] >= 0]:
                assert bars.piece[partner] == bars.piece[first]
                apart = float(distance(own, make_batch(bars, np.array([partner])).roll[..., 0])[0])
                assert apart > 0
                assert which / BINS - 1e-6 <= apart <= (which + 1) / BINS + 1e-6


def test_drawn_pairs_are_pairs() -> None:
    """Only windows with partners are drawn, and only with partners of theirs; seeds repeat."""
    bars = bars_of(piece_of(rock(9), name="1"), piece_of(rock(7), name="2"))
    pairs = find_pairs(bars, seed=1)
    first, partner = pairs.draw(np.random.default_rng(0), 200)
    both = zip(pairs.first, pairs.partner, strict=True)
    known = {int(one): set(several[several >= 0].tolist()) for one, several in both}
    assert all(p in known[f] for f, p in zip(first.tolist(), partner.tolist(), strict=True))
    again = find_pairs(bars, seed=1)
    np.testing.assert_array_equal(pairs.partner, again.partner)


def test_music_that_never_varies_has_no_pairs() -> None:
    """A piece of one window, or of bars that are all the same, has none; that is no error."""
    same: list[Row] = [(beat, 36, 100, 0.25) for beat in range(16)]
    for rows in (rock(2), same):
        assert not len(find_pairs(bars_of(piece_of(rows)), seed=0).first)
    no_windows = bars_of(piece_of([(0, 36, 100, 0.25), (8, 36, 100, 0.25)]))
    assert not len(find_pairs(no_windows, seed=0).first)


def write_played(path: Path) -> Path:
    """Write a MIDI file of drums that were played a little late, at 90 beats a minute."""
    midi = mido.MidiFile(ticks_per_beat=960)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=round(60e6 / 90))])
    now = 0
    for index in range(64):
        tick = 480 * index + (7 * index) % 31
        for message in (
            mido.Message("note_on", channel=9, note=36 + 2 * (index % 2), velocity=40 + index),
            mido.Message("note_off", channel=9, note=36 + 2 * (index % 2)),
        ):
            track.append(message.copy(time=tick - now))
            now, tick = tick, tick + 100
    midi.tracks.append(track)
    path.parent.mkdir(parents=True, exist_ok=True)
    midi.save(path)
    return path


def test_microtiming_and_tempo_survive_a_data_set(tmp_path: Path) -> None:
    """What is prepared and loaded has the microtiming, to 1/960 beat, and tempo of the file."""
    path = write_played(tmp_path / "src" / "set" / "train" / "a.mid")
    read = read_midi(path)
    prepare(tmp_path / "src", tmp_path / "out", workers=1)
    (piece,) = load_dataset(tmp_path / "out", "train")["set"]
    assert piece.bpm == pytest.approx(90, abs=1e-3)
    assert read.micro is not None
    assert piece.micro is not None
    np.testing.assert_array_equal(piece.micro, read.micro)
    ticks = np.array([480 * index + (7 * index) % 31 for index in range(64)])
    fine = (piece.onset + piece.micro / MICROS) * 20
    np.testing.assert_allclose(fine, ticks, atol=0.5)
    bars = read_bars({"set": [piece]}, "drums")
    assert bars.bpm.tolist() == pytest.approx([90] * len(bars.bpm))
    late = 240 * (bars.slot.astype(np.int64) + bars.offset) + np.repeat(
        bars.number * 3840, np.diff(bars.begin)
    )
    np.testing.assert_allclose(late, ticks, atol=0.5)


def test_data_sets_of_earlier_versions_load(tmp_path: Path) -> None:
    """Without microtiming and tempo a set loads, on the grid and at 120 beats a minute."""
    path = tmp_path / "train.npz"
    first = piece_of(rock(3), bpm=77.0)
    write_pieces(path, [first])
    assert read_pieces(path, "set")[0].bpm == 77
    names = ("onset", "voice", "pitch", "velocity", "duration", "beat_phase", "bar_phase")
    columns = {name: getattr(first, name) for name in names}
    starts, labels, metered = np.array([0, len(first)]), np.array(["a"]), np.array([True])
    np.savez_compressed(path, starts=starts, names=labels, metered=metered, **columns)
    (piece,) = read_pieces(path, "set")
    assert (piece.micro, piece.bpm) == (None, 120.0)
    assert not read_bars({"set": [piece]}, "drums").offset.any()
