"""What a player must not quote: how passages are known, and that it does not play them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.parrot import make_parrot, play
from tests.support.small_music import make_piece, write_music

from antiphon.errors import CheckpointError
from antiphon.model import Controls, Event, Window
from antiphon.music import Meter, Ticks, Voice
from antiphon_models.checkpoint import load_checkpoint, save_checkpoint
from antiphon_models.commands import main
from antiphon_models.constraints import in_general_midi
from antiphon_models.data.storage import open_dataset
from antiphon_models.events import PITCHES, Piece
from antiphon_models.generation.continuations import to_piece
from antiphon_models.generation.copying import longest_copies
from antiphon_models.generation.stability import LOOP, find_loops, symbols
from antiphon_models.measure import random_weights
from antiphon_models.pack import main as pack
from antiphon_models.passages import (
    BITS,
    LONGEST,
    SPREAD,
    WINDOW,
    Line,
    Passages,
    fingerprint,
    fingerprints,
    learn_passages,
    tokens,
    winnow,
)
from antiphon_models.player import PlayerConfig
from antiphon_models.runtime import checkpoint_path
from antiphon_models.train_player import BEFORE

NOTES = st.lists(
    st.tuples(
        st.integers(0, 1000), st.integers(0, PITCHES - 1), st.sampled_from(Voice), st.integers(1, 9)
    ),
    min_size=2,
    max_size=60,
)
TOKENS = st.lists(st.integers(0, 2**16 - 1), max_size=60)


def make_tune(seed: int, notes: int = 120, voice: Voice = Voice.MELODY) -> Piece:
    """Make a tune on the grid that no other tune is like."""
    random = np.random.default_rng(seed)
    onset = 12 * np.cumsum(random.integers(1, 5, notes))
    pitch = random.integers(40, 80, notes)
    rows = zip(onset.tolist(), pitch.tolist(), strict=True)
    return to_piece([Event(Ticks(at), p, 80, voice, Ticks(12)) for at, p in rows])


def events_of(piece: Piece) -> list[Event]:
    """Return the notes of a piece, drums by General MIDI not yet."""
    columns = (piece.onset, piece.pitch, piece.velocity, piece.voice, piece.duration)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return [Event(Ticks(at), p, v, Voice(who), Ticks(d)) for at, p, v, who, d in rows]


def knows(known: Passages, piece: Piece) -> list[bool]:
    """Tell of each fingerprint of a piece whether it is known."""
    return [found in known for found in fingerprints(tokens(piece)).tolist()]


FREE = Controls(voices=tuple(Voice), density=1.0, temperature=0.01)

# -- how passages are known --------------------------------------------------------------------


@given(TOKENS)
def test_one_fingerprint_is_as_many_are(told: list[int]) -> None:
    """Computed note by note while playing, a fingerprint is what it is in the whole piece."""
    many = fingerprints(np.array(told, np.int64)).tolist()
    assert many == [fingerprint(told[i : i + WINDOW]) for i in range(len(told) - WINDOW + 1)]


@settings(deadline=None)
@given(NOTES)
def test_a_line_is_made_of_the_tokens_of_its_piece(rows: list[tuple[int, int, Voice, int]]) -> None:
    """Note by note a line has the tokens that the whole piece has, whatever its voices."""
    at, events = 0, []
    for gap, pitch, voice, duration in rows:
        at += gap
        events.append(Event(Ticks(at), pitch, 80, voice, Ticks(duration)))
    piece = to_piece(events)
    expected = tokens(piece).tolist()
    line = Line()
    for index, event in enumerate(events_of(in_general_midi(piece))):
        line = line.after(event)
        assert line.tokens == tuple(expected[max(index - WINDOW + 1, 0) : index])


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60, unique=True))
def test_any_so_many_fingerprints_have_one_that_is_kept(found: list[int]) -> None:
    """Of SPREAD fingerprints in a row at least one is kept, and none that was not there."""
    kept = set(winnow(np.array(found, np.uint64)).tolist())
    assert kept <= set(found)
    for start in range(len(found) - SPREAD + 1):
        assert kept & set(found[start : start + SPREAD])


def test_music_is_known_in_any_key_and_strange_music_is_not() -> None:
    """Every stretch of LONGEST + 1 notes has a passage that is known, transposed or later, too."""
    library = [make_tune(seed) for seed in range(8)]
    known = Passages(learn_passages(library))
    moved = replace(library[3], pitch=library[3].pitch + 7, onset=library[3].onset + 480)
    found = knows(known, moved)
    stretch = LONGEST + 1 - WINDOW
    assert all(any(found[at : at + stretch]) for at in range(len(found) - stretch + 1))
    strange = [hit for seed in range(100, 150) for hit in knows(known, make_tune(seed))]
    assert sum(strange) / len(strange) < 0.01


def test_drums_have_no_key() -> None:
    """The same rhythm on other drums is not the same."""
    groove = make_tune(0, voice=Voice.DRUMS)
    known = Passages(learn_passages([groove]))
    assert any(knows(known, groove))
    assert sum(knows(known, replace(groove, pitch=groove.pitch + 1))) <= 2


def test_melodies_are_known_alone() -> None:
    """A melody is known without the drums that came with it."""
    piece = make_piece(0)
    melody = piece.select(piece.voice == Voice.MELODY)
    assert sum(knows(Passages(learn_passages([piece])), melody)) >= len(melody) // SPREAD // 2


def test_no_music_no_passages() -> None:
    """Of no music, or of pieces too short to be quoted, nothing is known."""
    for library in ([], [make_tune(0, 1)], [make_tune(0, LONGEST)]):
        known = Passages(learn_passages(library))
        assert not any(knows(known, make_tune(0)))


# -- that they are not played -------------------------------------------------------------------


@pytest.mark.parametrize("voice", [Voice.MELODY, Voice.DRUMS])
def test_no_long_passage_is_played(voice: Voice) -> None:
    """A network that knows a tune by heart plays no more than LONGEST notes of it in a row."""
    tune = make_tune(1, voice=voice)
    heart = to_piece(play(make_parrot(tune), 100, FREE))
    assert longest_copies([heart], [tune])[0] == 100
    free = to_piece(play(make_parrot(tune, [tune]), 100, FREE))
    assert WINDOW < longest_copies([free], [tune])[0] <= LONGEST


def test_what_changes_is_one_pitch() -> None:
    """Where a passage is broken off, the next likely pitch is played, and all else is as it was."""
    tune = make_tune(1)
    heart, free = play(make_parrot(tune), 100, FREE), play(make_parrot(tune, [tune]), 100, FREE)
    changed = [(a, b) for a, b in zip(heart, free, strict=True) if a.pitch != b.pitch]
    assert 100 // LONGEST <= len(changed) <= 100 // WINDOW
    assert all(abs(a.pitch - b.pitch) == 1 for a, b in changed)
    assert [e.onset for e in heart] == [e.onset for e in free]


def test_controls_come_first() -> None:
    """Where the register leaves one pitch only, it is played, quoted or not."""
    tune = make_tune(2)
    tune = replace(tune, pitch=np.full_like(tune.pitch, 60))
    one = Controls(voices=tuple(Voice), density=1.0, low=60, high=60)
    played = play(make_parrot(tune, [tune]), 60, one)
    assert {event.pitch for event in played} == {60}


def test_the_musician_may_quote() -> None:
    """What is heard does not count: a tune that the musician plays is answered by going on."""
    tune = make_tune(3)
    player = make_parrot(tune, [tune])
    for event in events_of(tune.select(slice(50))):
        player.feed(event)
    event = player.sample(Window(Ticks(0), Ticks(10**6)), FREE, np.random.default_rng(0))
    assert event.pitch == tune.pitch[50]


def test_a_snapshot_holds_the_line() -> None:
    """Gone back to, a player breaks a passage off where it did before."""
    tune = make_tune(4)
    player = make_parrot(tune, [tune])
    play(player, 11, FREE)
    before = player.snapshot()
    first = play(player, 40, FREE)
    player.restore(before)
    assert play(player, 40, FREE) == first


def test_a_new_conversation_begins_a_new_line() -> None:
    """After `begin` nothing counts that was played before."""
    tune = make_tune(5)
    player = make_parrot(tune, [tune])
    first = play(player, 60, FREE)
    player.begin(Meter())
    assert play(player, 60, FREE) == first


def test_no_loop_is_played() -> None:
    """A network that goes round and round comes out of it, three rounds and 64 notes at most."""
    cell = make_tune(6, 9)
    round_and_round = replace(
        make_tune(6, 900), pitch=np.tile(cell.pitch, 100), onset=12 * np.arange(900)
    )
    for memory, fewest, most in ((False, 200, 600), (True, 0, LOOP - 1)):
        player = make_parrot(round_and_round, config={"memory": memory})
        played = to_piece(play(player, 600, FREE))
        assert fewest <= find_loops(symbols(played)).longest <= most


# -- how they get into a checkpoint ---------------------------------------------------------------


def test_a_checkpoint_holds_them(tmp_path: Path) -> None:
    """Passages come back byte by byte, are no weights, and packing keeps them."""
    config = PlayerConfig(width=32, layers=1, head_width=16).to_dict()
    known = learn_passages([make_tune(0)])
    path, small = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    weights = random_weights(config)
    save_checkpoint(path, "player", config, weights, {}, known)
    assert pack([str(path), str(small)]) == 0
    for each in map(load_checkpoint, (path, small)):
        np.testing.assert_array_equal(each.passages, known)
        assert each.weights.keys() == weights.keys()
    save_checkpoint(path, "player", config, weights, {})
    assert load_checkpoint(path).passages is None


def test_other_passages_are_refused(tmp_path: Path) -> None:
    """Passages that are no row of bytes make a broken file."""
    path = tmp_path / "x.safetensors"
    for wrong in (np.zeros((2, 2), np.uint8), np.zeros(4, np.float32)):
        save_checkpoint(path, "player", {}, {}, {}, wrong)  # type: ignore[arg-type]
        with pytest.raises(CheckpointError, match="no row of bytes"):
            load_checkpoint(path)


def test_training_learns_them_and_tuning_keeps_them(tmp_path: Path) -> None:
    """A trained player knows its music; tuned to other music it still does, and not that one."""
    data, other = write_music(tmp_path / "a"), write_music(tmp_path / "b", "others", beats=3)
    first, second = tmp_path / "first", tmp_path / "second"
    command = ["train", "player", "--preset", "tiny", "--steps", "1", "--device", "cpu"]
    assert main([*command, "--data", str(data), "--out", str(first)]) == 0
    made = first / "player.safetensors"
    tune = ["--init", str(made), "--data", str(other), "--out", str(second)]
    assert main([*command[:2], *command[4:], *tune]) == 0
    mine, theirs = (open_dataset(folder, "train") for folder in (data, other))
    for path in (made, second / BEFORE, second / "player.safetensors"):
        passages = load_checkpoint(path).passages
        assert passages is not None
        known = Passages(passages)
        assert any(hit for piece in mine["songs"] for hit in knows(known, piece))
        assert not any(all(knows(known, piece)) for piece in theirs["others"])
    # One that was made before, or without, learns them when it is packed.
    found = load_checkpoint(made)
    save_checkpoint(tmp_path / "old.safetensors", "player", found.config, found.weights, found.info)
    arguments = [str(tmp_path / "old.safetensors"), str(tmp_path / "new.safetensors")]
    assert pack([*arguments, "--music", str(data)]) == 0
    np.testing.assert_array_equal(
        load_checkpoint(tmp_path / "new.safetensors").passages, found.passages
    )


def test_the_shipped_player_knows_its_music() -> None:
    """The player that ships has learnt the passages of some hundred thousand places of music."""
    passages = load_checkpoint(checkpoint_path("player")).passages
    assert passages is not None
    assert len(passages) * 8 / BITS > 500_000
    random = np.random.default_rng(0).integers(0, 2**63, 20_000).tolist()
    assert sum(each in Passages(passages) for each in random) / len(random) < 0.004
