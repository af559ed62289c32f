"""What music is asked to be like: measured in pieces, asked for by controls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from antiphon.model import Controls, Event
from antiphon.music import Scale, Ticks, Voice
from antiphon_models.conditions import (
    SIZES,
    UNKNOWN,
    Heard,
    asked,
    chord_id,
    density_id,
    find_conditions,
    key_id,
    known,
    level_id,
    polyphony_id,
    register_id,
    tempo_id,
)
from antiphon_models.hearing import Hearing

NAMES = list(SIZES)


def found(
    onset: list[int], pitch: list[int], *, velocity: int = 80, bpm: float | None = 120.0
) -> np.ndarray:
    """Measure a piece of notes of a beat."""
    count = len(onset)
    return find_conditions(
        np.array(onset),
        np.full(count, int(Voice.KEYS)),
        np.array(pitch),
        np.full(count, velocity),
        np.full(count, 48),
        bpm,
    )


@pytest.mark.parametrize("gap", [12, 24, 48, 96])
def test_density_is_that_of_the_notes_ahead(gap: int) -> None:
    """An even row of notes has its own density at every note, the last ones too."""
    ids = found([gap * i for i in range(60)], [60] * 60)[:, NAMES.index("density")]
    assert set(ids.tolist()) == {int(density_id(48 / gap))}


def test_what_the_notes_are_like_is_told_at_each_of_them() -> None:
    """Register, level and polyphony are means; a triad is a chord, and tells a key."""
    onset = [48 * (i // 3) for i in range(90)]
    row = found(onset, [60, 64, 67] * 30, velocity=100)[40]
    told = dict(zip(NAMES, row.tolist(), strict=True))
    assert told["register"] == int(register_id((60 + 64 + 67) / 3))
    assert told["level"] == int(level_id(100))
    assert told["polyphony"] == int(polyphony_id(3))
    assert told["chord"] == 1
    assert told["key"] == 1


def test_what_cannot_be_known_is_unknown() -> None:
    """Drums have no register, key or chord; free time has no tempo; silence nothing at all."""
    drums = np.full(30, int(Voice.DRUMS))
    onset = np.arange(30) * 24
    ids = find_conditions(onset, drums, np.full(30, 36), np.full(30, 90), np.full(30, 6), None)
    told = dict(zip(NAMES, ids[3].tolist(), strict=True))
    assert [told[n] for n in ("register", "key", "chord", "tempo")] == [UNKNOWN] * 4
    assert told["density"] != UNKNOWN
    assert found([], []).shape == (0, len(SIZES))
    assert key_id(np.zeros(12)) == chord_id(np.zeros(12)) == UNKNOWN


def test_every_condition_has_a_class() -> None:
    """Whatever the music, ids lie between unknown and the number of classes."""
    random = np.random.default_rng(0)
    for _ in range(50):
        count = int(random.integers(1, 80))
        ids = find_conditions(
            np.cumsum(random.integers(0, 200, count)),
            random.integers(0, 4, count),
            random.integers(0, 128, count),
            random.integers(1, 128, count),
            random.integers(1, 400, count),
            float(random.uniform(10, 400)),
        )
        assert (ids >= 0).all()
        assert (ids <= np.array(list(SIZES.values()))).all()


def test_controls_that_ask_for_nothing_ask_nothing() -> None:
    """The default controls leave every condition unknown, whatever was heard."""
    assert asked(Controls(), Heard(100.0, 5.0, 5)) == {}
    assert known(Controls()) == {}


def middle(told: Sequence[tuple[int, float]]) -> float:
    """Return the place between classes that is told."""
    assert sum(share for _, share in told) == pytest.approx(1)
    return sum(index * share for index, share in told)


def test_controls_ask_for_what_they_bind() -> None:
    """A turned knob asks for more without a jump; a register is its middle, a scale its key."""
    turned = np.array([0.0, 0.2, 0.49, 0.51, 0.8, 1.0])
    dense = [middle(asked(Controls(density=d), Heard(density=2.0))["density"]) for d in turned]
    np.testing.assert_allclose(dense, 1 + 5 + 8 * (turned - 0.5))  # four classes are two octaves
    assert asked(Controls(low=48, high=64))["register"] == ((int(register_id(56)), 1.0),)
    assert asked(Controls(polyphony=1))["polyphony"] == ((1, 1.0),)
    loud = middle(asked(Controls(velocity=1.5), Heard(72.0))["level"])
    assert loud == pytest.approx(middle(asked(Controls(velocity=0.75), Heard(144.0))["level"]))
    assert loud == pytest.approx(1 + 108 / 16 - 0.5)
    assert asked(Controls(key=9, scale=Scale.HARMONIC_MINOR))["key"] == ((1 + 12 + 9, 1.0),)
    assert "key" not in asked(Controls(key=9, scale=Scale.LOCRIAN))


def test_harmony_is_followed_as_far_as_asked() -> None:
    """The chord that is heard is told in part; the tempo is no wish but so."""
    assert asked(Controls(chord=0.25), Heard(chord=7))["chord"] == ((7, 0.25), (UNKNOWN, 0.75))
    assert "chord" not in asked(Controls(chord=1.0))
    assert known(Controls(bpm=120.0)) == {"tempo": ((tempo_id(120.0), 1.0),)}


def strike(onset: int, pitch: int, velocity: int = 80, voice: Voice = Voice.KEYS) -> Event:
    """Make a note that is held."""
    return Event(Ticks(onset), pitch, velocity, voice)


def test_the_last_chord_that_was_heard_is_remembered() -> None:
    """Three notes make a chord; a melody note, drums and silence do not take it away."""
    hearing = Hearing()
    for event in (strike(0, 60), strike(0, 64), strike(1, 67), strike(2, 36, voice=Voice.DRUMS)):
        hearing = hearing.heard(event)
    assert hearing.told.chord == 1  # C major
    assert hearing.heard(strike(500, 62)).told.chord == 1
    for event in (strike(960, 57), strike(960, 60), strike(960, 64)):
        hearing = hearing.heard(event)
    assert hearing.told.chord == 1 + 12 + 9  # A minor


def test_loudness_is_a_mean_that_follows() -> None:
    """The first notes count alike; long after, only the latest are heard."""
    hearing = Hearing().heard(strike(0, 60, 100)).heard(strike(1, 60, 50))
    assert hearing.told.velocity == pytest.approx(75)
    for onset in range(300):
        hearing = hearing.heard(strike(onset, 60, 30))
    assert hearing.told.velocity == pytest.approx(30, abs=0.01)


def test_density_follows_what_is_heard() -> None:
    """Even eighths are two onsets a beat, a chord is one onset, and a long pause is no music."""
    hearing = Hearing()
    for number in range(8):
        for pitch in (60, 64):
            hearing = hearing.heard(strike(24 * number, pitch))
    assert hearing.told.density == pytest.approx(2)
    later = hearing.heard(strike(100_000, 60))
    assert later.told.density == pytest.approx(8 / (7 * 0.5 + 2))
