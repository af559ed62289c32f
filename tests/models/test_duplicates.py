"""Music that is alike: found whatever its key, its tempo and its small changes; kept apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.music import Voice
from antiphon_models.data.duplicates import find_alike
from antiphon_models.data.fingerprint import fingerprint
from antiphon_models.data.midi_reader import read_midi
from antiphon_models.data.prepare import load_dataset, prepare
from antiphon_models.events import Piece, phases
from midi_files import Row, melody, write


def make(rows: list[Row], voice: Voice = Voice.KEYS) -> Piece:
    """Make a piece of (start, length, pitch, velocity) in beats."""
    start, length, pitch, velocity = np.array(rows, np.float64).T
    onset = np.rint(start * 48).astype(np.int64)
    beat, bar = phases(onset, 192)
    return Piece(
        onset - onset.min(),
        np.full(len(onset), int(voice)),
        pitch.astype(np.int64),
        velocity.astype(np.int64),
        np.maximum(np.rint(length * 48).astype(np.int64), 1),
        beat,
        bar,
    ).sorted()


def tune(seed: int, notes: int = 160) -> list[Row]:
    """Invent a melody that walks, with chords beneath it."""
    random = np.random.default_rng(seed)
    start = np.cumsum(random.choice([0.25, 0.5, 0.5, 1.0], notes))
    step = random.choice([-5, -3, -2, -1, 1, 2, 3, 4], notes)
    pitch = 72 + (np.cumsum(step) + 8) % 17 - 8
    line = [(float(s), 0.25, int(p), 80) for s, p in zip(start, pitch, strict=True)]
    return line + [(float(s), 1.0, int(p) - 16 - k, 60) for s, _, p, _ in line[::4] for k in (0, 5)]


def alike(*pieces: Piece) -> list[tuple[int, int, str]]:
    """Return the pairs that are found."""
    return [(a.first, a.second, a.how) for a in find_alike([fingerprint(p) for p in pieces])]


def test_a_copy_in_another_key_and_tempo_is_exact() -> None:
    """Transposed and at half the tempo, a piece is the same piece."""
    rows = tune(1)
    moved = [(2 * s, 2 * d, p + 5, v - 20) for s, d, p, v in rows]
    assert alike(make(rows), make(tune(2)), make(moved)) == [(0, 2, "exact")]


def edit(rows: list[Row], seed: int, share: float, shift: int, tempo: float) -> list[Row]:
    """Copy music to another key, tempo and dynamics; change, add or leave out a share of it."""
    random = np.random.default_rng(seed)
    copy: list[Row] = []
    for start, length, pitch, _ in rows:
        kind = int(3 * random.random() / share)  # 0: left out, 1: changed, 2: another beside it
        at, velocity = start * tempo, int(random.integers(30, 99))
        if kind != 0:
            copy.append((at, length * tempo, pitch + shift + (kind == 1), velocity))
        if kind == 2:
            copy.append((at + 0.1 * tempo, length * tempo, pitch + shift + 1, velocity))
    return copy


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.floats(0.01, 0.06),
    shift=st.integers(-12, 12),
    tempo=st.floats(0.4, 2.5),
)
def test_an_edited_copy_is_found(seed: int, share: float, shift: int, tempo: float) -> None:
    """A copy in another key and tempo, one note in sixteen edited, is found among others."""
    others = [make(tune(seed + 20_000 + k)) for k in range(4)]
    ((first, second, how),) = alike(
        make(tune(seed)), *others, make(edit(tune(seed), seed, share, shift, tempo))
    )
    assert (first, second) == (0, 5)
    assert how != "related" or share > 0.015


def test_another_performance_is_related() -> None:
    """Played freely, with chords broken and other accompaniment, a piece is known by its line."""
    random = np.random.default_rng(5)
    rows = tune(5)
    time = np.cumsum(random.uniform(0.6, 1.6, 400))
    beats = np.arange(400) * 0.25
    played: list[Row] = []
    for start, length, pitch, _ in rows[:160]:
        played.append((float(np.interp(start, beats, time)), length, pitch + 2, 70))
        if random.random() < 0.3:
            played.append((played[-1][0] + 0.02, length, pitch - 20, 50))
    assert alike(make(rows), make(played)) == [(0, 1, "related")]


def test_an_excerpt_is_a_copy() -> None:
    """A piece that is a stretch of another is a copy of it."""
    rows = sorted(tune(3, 400))
    assert alike(make(rows), make(rows[100:300])) == [(0, 1, "near")]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000))
def test_different_pieces_are_not_alike(seed: int) -> None:
    """Of forty tunes in one idiom no two are taken for the same."""
    assert alike(*(make(tune(50 * seed + k)) for k in range(40))) == []


def test_scales_and_repeated_chords_say_nothing() -> None:
    """Pieces that share nothing but scales and repeated notes are not alike."""
    scale = [(i / 4, 0.25, 48 + (i % 24 if i % 48 < 24 else 24 - i % 24), 80) for i in range(240)]
    repeated = [(i / 4, 0.25, 60 + 2 * (i // 60), 80) for i in range(240)]
    both = [[*scale, *[(s + 61, d, p, v) for s, d, p, v in tune(seed, 40)]] for seed in (1, 2)]
    also = [[*repeated, *[(s + 61, d, p, v) for s, d, p, v in tune(seed, 40)]] for seed in (3, 4)]
    assert alike(*map(make, both + also)) == []


def test_drums_are_compared_by_their_strokes() -> None:
    """A groove at another tempo is a copy; the same rhythm on other drums is not."""
    random = np.random.default_rng(1)
    hits = [
        (i / 4, 0.1, drum, int(random.integers(40, 120)))
        for i in range(200)
        for drum in (36, 38, 42)
        if random.random() < 0.4
    ]
    slower = [(1.5 * s, d, p, v) for i, (s, d, p, v) in enumerate(hits) if i % 90]
    other = [(s, d, {36: 41, 38: 47, 42: 51}[p], v) for s, d, p, v in hits]
    pieces = [make(rows, Voice.DRUMS) for rows in (hits, slower, other)]
    assert alike(*pieces) == [(0, 1, "near")]


def test_many_copies_of_one_piece_are_all_found(tmp_path: Path) -> None:
    """Of sixty takes of one song in a folder one is kept, the longest."""
    for index in range(60):
        rows = [row for i, row in enumerate(tune(7)) if (i + 7 * index) % 150]
        write(tmp_path / "src" / "mine" / "train" / f"{index:02}.mid", [("", 0, rows)])
    write(tmp_path / "src" / "mine" / "train" / "other.mid", [("", 0, tune(8))])
    manifest = prepare(tmp_path / "src", tmp_path / "out", workers=1)
    assert manifest["sets"]["mine"]["splits"]["train"]["pieces"] == 2
    assert sum(double["dropped"] for double in manifest["doubles"]) == 59


@pytest.mark.parametrize("how", ["near", "related"])
def test_nothing_alike_straddles_the_splits(tmp_path: Path, how: str) -> None:
    """What is like validation music is left out of train, and the manifest says for what."""
    rows = sorted(tune(3, 300))
    quoted = rows[:150] if how == "near" else [*rows[:60], *((s + 40, *r) for s, *r in tune(4))]
    write(tmp_path / "src" / "a" / "train" / "copy.mid", [("", 0, quoted)])
    write(tmp_path / "src" / "a" / "train" / "other.mid", [("", 0, tune(9))])
    write(tmp_path / "src" / "b" / "validation" / "whole.mid", [("", 0, rows)])
    manifest = prepare(tmp_path / "src", tmp_path / "out")
    assert manifest["sets"]["a"]["splits"]["train"]["names"] == ["other.mid"]
    (double,) = manifest["doubles"]
    assert (double["file"], double["of"]) == ("a/train/copy.mid", "b/validation/whole.mid")
    assert (double["how"], double["dropped"]) == (how, True)


def test_related_pieces_of_one_split_are_kept(tmp_path: Path) -> None:
    """Train keeps pieces that quote each other, and the manifest names them."""
    rows = sorted(tune(3, 300))
    quote = [*rows[:60], *((s + 40, *rest) for s, *rest in tune(4))]
    for name, piece in (("whole", rows), ("quote", quote)):
        write(tmp_path / "src" / "a" / "train" / f"{name}.mid", [("", 0, piece)])
    manifest = prepare(tmp_path / "src", tmp_path / "out")
    (double,) = manifest["doubles"]
    assert (double["how"], double["dropped"]) == ("related", False)
    assert manifest["sets"]["a"]["splits"]["train"]["pieces"] == 2


def test_a_plain_folder_keeps_alike_pieces_together(tmp_path: Path) -> None:
    """Without split folders a song's takes go into one split, and nothing is lost but copies."""
    for song in range(6):
        rows = sorted(tune(song, 300))
        for take in range(4):
            other = [(s + 400, *rest) for s, *rest in tune(100 + 10 * song + take)]
            write(tmp_path / "src" / f"{song}-{take}.mid", [("", 0, [*rows[:80], *other])])
    manifest = prepare(tmp_path / "src", tmp_path / "out")
    splits = manifest["sets"]["src"]["splits"]
    songs = {split: {name[0] for name in found["names"]} for split, found in splits.items()}
    assert songs["train"] | songs["validation"] == set("012345")
    assert not songs["train"] & songs["validation"]
    assert sum(found["pieces"] for found in splits.values()) == 24
    assert len(load_dataset(tmp_path / "out", "validation")["src"]) >= 4


def test_a_folder_of_takes_of_one_song_can_still_be_split(tmp_path: Path) -> None:
    """Where everything is alike some of it validates all the same."""
    for take in range(8):
        rows = [row for i, row in enumerate(tune(7, 300)) if (i + 11 * take) % 30]
        write(tmp_path / "src" / f"{take}.mid", [("", 0, rows)])
    splits = prepare(tmp_path / "src", tmp_path / "out")["sets"]["src"]["splits"]
    assert set(splits) == {"train", "validation"}


def test_invented_melodies_are_read_as_they_are(tmp_path: Path) -> None:
    """A written and read piece has the fingerprint of what was written."""
    rows = melody(1)
    read = read_midi(write(tmp_path / "a.mid", [("", 0, rows)]))
    assert fingerprint(read).exact == fingerprint(make(rows)).exact
