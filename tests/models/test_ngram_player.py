"""The n-gram as a player: note by note it is the baseline that is measured on many notes."""

from __future__ import annotations

import numpy as np
import pytest

from antiphon.model import Controls, Window
from antiphon.music import Meter, Scale, Ticks, Voice
from antiphon_models.baselines import Baselines
from antiphon_models.baselines.counts import hash_columns, hash_row
from antiphon_models.baselines.sampler import NgramNetwork, ngram_player
from antiphon_models.events import Piece, phases, ticks_to_bin, velocity_to_bin


def make_piece(seed: int, notes: int, style: str = "one") -> Piece:
    """Make a piece of chords and rhythms from few pitches, so that contexts come again."""
    random = np.random.default_rng(seed)
    onset = np.cumsum(random.choice([0, 0, 12, 24, 48], notes))
    beat_phase, bar_phase = phases(onset, 192)
    return Piece(
        onset=onset,
        voice=random.integers(0, 4, notes),
        pitch=random.choice([36, 60, 62, 64, 67, 100], notes),
        velocity=random.choice([40, 80, 100], notes),
        duration=random.choice([12, 24, 48], notes),
        beat_phase=beat_phase,
        bar_phase=bar_phase,
        style=style,
    ).sorted()


@pytest.fixture(scope="module")
def baselines() -> Baselines:
    """Counted in small pieces of two styles."""
    styles = ("one", "two")
    return Baselines({s: [make_piece(100 * i + n, 60, s) for n in range(25)] for i, s in
                      enumerate(styles)})  # fmt: skip


@pytest.mark.parametrize(("style", "vector"), [("one", 1), ("two", 2), ("never heard", 0)])
def test_the_player_is_the_baseline(baselines: Baselines, style: str, vector: int) -> None:
    """Every field of every note gets the probability that the baseline gives it."""
    piece = make_piece(999, 80, style)
    notes = baselines.corpus([piece], style)
    alone = np.concatenate([a for _, _, a in baselines.ngram.pitch(notes) if a is not None])
    wanted = {"pitch": alone[np.arange(len(piece)), piece.pitch]}
    names = ("shift", "voice", "velocity", "duration")
    wanted |= {name: baselines.ngram.field(notes, name, own=False) for name in names}
    columns = {
        "shift": ticks_to_bin(piece.shift),
        "voice": piece.voice,
        "pitch": piece.pitch,
        "velocity": velocity_to_bin(piece.velocity),
        "duration": ticks_to_bin(piece.duration),
        "beat_phase": piece.beat_phase,
        "bar_phase": piece.bar_phase,
    }
    network = NgramNetwork(baselines)
    network.set_style(np.eye(3, dtype=np.float32)[vector])
    network.read(None)
    for index in range(len(piece)):
        known = {name: int(column[index]) for name, column in columns.items()}
        for field, p in wanted.items():
            found = np.exp(network.score(field, known)[known[field]])
            assert found == pytest.approx(p[index], rel=1e-4, abs=1e-7), (index, field)
        memory = network.memory()
        network.read(list(known.values()))
    after = network.score("shift", {}).copy()
    network.recall(memory)
    network.read(list(known.values()))
    np.testing.assert_array_equal(network.score("shift", {}), after)


def test_a_row_has_the_hash_of_its_columns() -> None:
    """One row is hashed as many rows are, negative values included."""
    assert hash_row(3, -1, 70) == int(
        hash_columns(np.array([3]), np.array([-1]), np.array([70]))[0]
    )


def test_the_player_keeps_what_it_is_asked(baselines: Baselines) -> None:
    """Scale and voices hold as for any player, the same seed plays the same, nothing is known of
    an unknown style.
    """
    player = ngram_player(baselines)
    assert player.info.styles == ("one", "two")
    controls = Controls(key=2, scale=Scale.MAJOR, voices=(Voice.KEYS,))
    runs = []
    for _ in range(2):
        player.set_style([("two", 1.0)])
        player.begin(Meter())
        random = np.random.default_rng(5)
        onset, run = 0, []
        for _ in range(60):
            event = player.sample(Window(Ticks(onset), Ticks(onset + 960)), controls, random)
            player.feed(event)
            onset = int(event.onset)
            run.append(event)
        runs.append(run)
    assert runs[0] == runs[1]
    allowed = Scale.MAJOR.pitch_classes(2)
    assert all(e.voice is Voice.KEYS and e.pitch % 12 in allowed for e in runs[0])


def test_without_training_everything_is_equally_likely() -> None:
    """A baseline that was not trained gives every value the same chance."""
    network = NgramNetwork(Baselines({}))
    for field in ("shift", "pitch"):
        logits = network.score(field, {"shift": 0, "voice": 2})
        assert np.ptp(logits) == 0
