"""Every constraint holds exactly, whatever the network says."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import CheckpointError
from antiphon.model import Controls, Event, Window
from antiphon.music import Scale, Ticks, Voice
from antiphon_models.constraints import GENERAL_MIDI, Own, is_open, most_onsets, pitch_mask
from antiphon_models.events import BIN_TICKS, FIELD_SIZES
from antiphon_models.sampling import DRAWS, draw, draw_event, nearest_bin, tilt_shift

ALL = Controls(voices=tuple(Voice))


class Noise:
    """Stands for a network: random logits, so strong at times that one class takes it all."""

    def __init__(self, seed: int, strength: float) -> None:
        self.random = np.random.default_rng(seed)
        self.strength = strength

    def __call__(self, field: str, known: dict[str, int]) -> np.ndarray:
        """Return logits of the field."""
        logits = self.random.normal(0, self.strength, FIELD_SIZES[field])
        if field == "shift":
            logits[:13] += self.strength  # crowds
        return logits.astype(np.float32)


def no_phases(onset: int) -> tuple[int, int]:
    """Stand for a meter."""
    return 0, 0


controls = st.builds(
    Controls,
    temperature=st.floats(0.0, 3.0),
    density=st.floats(0, 1),
    low=st.integers(0, 127) | st.just(60),
    high=st.integers(0, 127) | st.just(62),
    key=st.integers(0, 11),
    scale=st.sampled_from(Scale),
    polyphony=st.integers(1, 8),
    voices=st.lists(st.sampled_from(Voice), min_size=1, unique=True).map(tuple),
)

# (what happens, ticks from the last onset to the window, width of the window, ticks to its end)
steps = st.lists(
    st.tuples(
        st.sampled_from(("own", "own", "own", "heard")),
        st.integers(-20, 120) | st.just(0),
        st.integers(0, 400) | st.just(0) | st.just(3072),
        st.none() | st.integers(-10, 200),
    ),
    min_size=1,
    max_size=40,
)


def dense(own: list[Event], onset: int, cap: int) -> bool:
    """Tell whether some beat that `onset` lies in would have more onsets than `cap`."""
    onsets = {e.onset for e in own} | {onset}
    return any(len([o for o in onsets if s <= o < s + 48]) > cap for s in onsets)


def free_pitch(own: list[Event], onset: int, voice: Voice, pitch: int) -> bool:
    """Tell whether a pitch neither sounds nor is struck at an onset."""
    for e in own:
        same_kind = (e.voice is Voice.DRUMS) == (voice is Voice.DRUMS)
        assert e.duration is not None
        if same_kind and e.pitch == pitch:
            if e.onset == onset:
                return False
            if voice is not Voice.DRUMS and e.onset < onset < e.onset + e.duration:
                return False
    return True


def allowed_pitches(asked: Controls, voice: Voice) -> list[int]:
    """Return the pitches of register and scale."""
    if voice is Voice.DRUMS:
        return list(range(128))
    low, high = sorted((asked.low, asked.high))
    in_scale = [p for p in range(128) if p % 12 in asked.scale.pitch_classes(asked.key)]
    inside = [p for p in in_scale if low <= p <= high]
    if inside:
        return inside
    distance = {p: max(low - p, p - high) for p in in_scale}
    return [p for p in in_scale if distance[p] == min(distance.values())]


def feasible(own: list[Event], onset: int, asked: Controls) -> bool:
    """Tell whether a note at `onset` can keep density, polyphony and sounding pitches."""
    struck = sum(e.onset == onset for e in own)
    return (
        struck < asked.polyphony
        and not dense(own, onset, max(1, round(16 * asked.density)))
        and any(
            free_pitch(own, onset, v, p) for v in asked.voices for p in allowed_pitches(asked, v)
        )
    )


def check(event: Event, own: list[Event], window: Window, asked: Controls) -> None:
    """Compare a note with every constraint, by brute force."""
    assert window.earliest <= event.onset <= window.latest
    assert event.voice in asked.voices
    assert event.pitch in allowed_pitches(asked, event.voice)
    assert 1 <= event.velocity <= 127
    assert event.duration is not None
    assert event.duration >= 1
    if window.end is not None:
        assert event.duration == 1 or event.onset + event.duration <= window.end
    newest = max((e.onset for e in own), default=0)
    first = max(window.earliest, newest)
    # A tick at which something may come can only turn up where a note ends or a beat is over.
    turns = {first, newest, newest + 1}
    turns |= {e.onset + 48 for e in own} | {e.onset + (e.duration or 0) for e in own}
    if any(first <= t <= window.latest and feasible(own, t, asked) for t in turns):
        assert sum(e.onset == event.onset for e in own) < asked.polyphony
        assert not dense(own, event.onset, max(1, round(16 * asked.density)))
        assert free_pitch(own, event.onset, event.voice, event.pitch)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from((0.0, 1.0, 10.0, 300.0)), controls, steps)
def test_constraints_hold(seed: int, strength: float, asked: Controls, plan: list) -> None:
    """Random logits, controls, windows and notes heard in between never break a constraint."""
    noise, random = Noise(seed, strength), np.random.default_rng(seed)
    own, mine, last = Own(), [], None
    for kind, ahead, width, end in plan:
        newest = max((e.onset for e in mine), default=0)
        earliest = max((last or 0) + ahead, 0)
        latest = max(earliest + width, newest)  # time goes forward
        if kind == "heard":
            last = max(earliest, last or 0)
            continue
        until = None if end is None else Ticks(earliest + end)
        window = Window(Ticks(earliest), Ticks(latest), until)
        uniforms = random.random(DRAWS).tolist()
        event = draw_event(noise, no_phases, own, last, window, asked, uniforms)
        check(event, mine, window, asked)
        own, last = own.heard(event), max(event.onset, last or 0)
        mine.append(event)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), controls)
def test_free_running_keeps_everything(seed: int, asked: Controls) -> None:
    """With room ahead nothing ever yields: a long run keeps density, polyphony and doubles."""
    noise, random = Noise(seed, 3.0), np.random.default_rng(seed)
    own, mine, last = Own(), [], 0
    for _ in range(40):
        window = Window(Ticks(last), Ticks(last + 3072))
        event = draw_event(
            noise, no_phases, own, last, window, asked, random.random(DRAWS).tolist()
        )
        assert sum(e.onset == event.onset for e in mine) < asked.polyphony
        assert not dense(mine, event.onset, max(1, round(16 * asked.density)))
        assert free_pitch(mine, event.onset, event.voice, event.pitch)
        own, last = own.heard(event), event.onset
        mine.append(event)


def test_equal_ends_fix_the_onset() -> None:
    """A window of one tick places the note there, be it a bin's tick or not."""
    for onset in (5, 48, 49, 331, 5000):
        event = draw_event(
            Noise(0, 1), no_phases, Own(), 0, Window(Ticks(onset), Ticks(onset)), ALL, [0.5] * 5
        )
        assert event.onset == onset


def test_first_note_falls_on_the_start_of_the_window() -> None:
    """Before anything was heard there is no onset to count from."""
    event = draw_event(Noise(0, 1), no_phases, Own(), None, Window(7, 900), ALL, [0.9] * 5)
    assert event.onset == 7


def test_coarse_bins_land_on_their_own_ticks() -> None:
    """Beyond a beat the onset is the last one plus a bin's ticks, inside the window."""
    seen = set()
    for seed in range(60):
        u = np.random.default_rng(seed).random(DRAWS).tolist()
        event = draw_event(Noise(seed, 1), no_phases, Own(), 10, Window(100, 400), ALL, u)
        assert event.onset - 10 in BIN_TICKS
        seen.add(event.onset)
    assert len(seen) > 10


def test_yields_to_a_window_without_room() -> None:
    """Where all that is allowed sounds already, the forced onset is met all the same."""
    narrow = Controls(low=60, high=60, voices=(Voice.MELODY,), polyphony=1)
    own = Own().heard(Event(Ticks(0), 60, 80, Voice.MELODY, Ticks(400)))
    event = draw_event(Noise(0, 1), no_phases, own, 0, Window(96, 96), narrow, [0.5] * 5)
    assert (event.onset, event.pitch) == (96, 60)
    wide = draw_event(Noise(0, 1), no_phases, own, 0, Window(96, 900), narrow, [0.5] * 5)
    assert wide.onset >= 400


def test_joins_its_own_chord_where_only_that_is_left() -> None:
    """A window behind what was heard, too dense for a new onset, still takes a chord note."""
    sparse = replace(ALL, density=0.0)
    own = Own().heard(Event(Ticks(10), 60, 80, Voice.KEYS, Ticks(4)))
    event = draw_event(Noise(0, 1), no_phases, own, 30, Window(5, 12), sparse, [0.5] * 5)
    assert event.onset == 10


def test_register_without_a_pitch_of_the_scale_is_widened() -> None:
    """C#4 alone is not in C major: its neighbours are taken; C#4 to A#3 is read upwards."""
    assert np.flatnonzero(pitch_mask(61, 61, 0, Scale.MAJOR) == 0).tolist() == [60, 62]
    assert np.flatnonzero(pitch_mask(61, 58, 0, Scale.MAJOR) == 0).tolist() == [59, 60]
    for scale, key in product(Scale, range(12)):
        assert is_open(pitch_mask(127, 127, key, scale))


def test_drums_are_those_of_general_midi() -> None:
    """The edges and rims of electronic kits are played as what every kit has, never doubled."""
    asked = Controls(voices=(Voice.DRUMS,), polyphony=8)
    random = np.random.default_rng(8)
    own, last, drawn = Own(), None, []
    for _ in range(300):
        window = Window(Ticks(last or 0), Ticks((last or 0) + 12))
        score = Noise(int(random.integers(1 << 30)), 1.0)
        event = draw_event(
            score, no_phases, own, last, window, asked, random.random(DRAWS).tolist()
        )
        own, last = own.heard(event), event.onset
        drawn.append((event.onset, event.pitch))
    assert not {pitch for _, pitch in drawn} & GENERAL_MIDI.keys()
    assert {pitch for _, pitch in drawn} >= set(GENERAL_MIDI.values())
    assert len(set(drawn)) == len(drawn)


def test_most_onsets() -> None:
    """Density 0 leaves one onset a beat, 1 leaves sixteen."""
    assert [most_onsets(d) for d in (0, 0.03, 0.25, 0.5, 1)] == [1, 1, 4, 8, 16]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_scores_that_are_not_finite_are_refused(bad: float) -> None:
    """A broken network raises instead of playing anything."""
    logits = np.zeros(FIELD_SIZES["pitch"], np.float32)
    logits[3] = bad
    with pytest.raises(CheckpointError, match="finite"):
        draw(logits, 0.5, 1.0)


def test_draw_follows_the_softmax() -> None:
    """Classes come as often as their share of the uniform interval says, at any temperature."""
    logits = np.log(np.array([0.1, 0.2, 0.3, 0.4], np.float32))
    found = [draw(logits, u, 1.0) for u in np.linspace(0, 1, 10001)[:-1]]
    assert np.bincount(found) / 10000 == pytest.approx([0.1, 0.2, 0.3, 0.4], abs=2e-3)
    sharp = [draw(logits, u, 0.5) for u in np.linspace(0, 1, 10001)[:-1]]
    assert np.bincount(sharp) / 10000 == pytest.approx(np.array([1, 4, 9, 16]) / 30, abs=2e-3)


def test_rare_classes_are_not_drawn() -> None:
    """A class with less than a fiftieth of the likeliest's chance never comes; heat brings it."""
    logits = np.log(np.array([0.985, 0.015], np.float32))
    uniforms = np.linspace(0, 1, 1001)[:-1]
    assert {draw(logits, u, 1.0) for u in uniforms} == {0}
    assert {draw(logits, u, 2.0) for u in uniforms} == {0, 1}


def test_draw_at_the_edges_of_the_interval() -> None:
    """The least and the greatest uniform number give the first and the last open class."""
    mask = np.array([-np.inf, 0, 0, -np.inf], np.float32)
    logits = np.array([50, 0, 0, 50], np.float32)
    assert draw(logits, 0.0, 1.0, mask) == 1
    assert draw(logits, np.nextafter(1, 0), 1.0, mask) == 2


def test_tilt_moves_gaps_and_leaves_chords() -> None:
    """High density shortens the gaps; the chance of shift 0 stays as it was."""
    logits = np.random.default_rng(0).normal(size=FIELD_SIZES["shift"]).astype(np.float32)

    def shares(density: float, temperature: float) -> np.ndarray:
        z = np.exp(tilt_shift(logits, density, temperature) / temperature)
        return np.asarray(z / z.sum())

    for temperature in (0.5, 1.0, 2.0):
        middle, busy, calm = (shares(d, temperature) for d in (0.5, 1.0, 0.0))
        assert busy[0] == pytest.approx(middle[0], rel=1e-4)
        assert busy @ BIN_TICKS < middle @ BIN_TICKS < calm @ BIN_TICKS
        assert busy[6] / busy[12] == pytest.approx(2 * middle[6] / middle[12], rel=1e-3)


def test_malformed_requests_are_refused() -> None:
    """A window that ends before it begins, or no voice at all, is a caller's mistake."""
    with pytest.raises(ValueError, match="window"):
        draw_event(Noise(0, 1), no_phases, Own(), 0, Window(10, 9), ALL, [0.5] * 5)
    nobody = replace(ALL, voices=())
    with pytest.raises(ValueError, match="voice"):
        draw_event(Noise(0, 1), no_phases, Own(), 0, Window(10, 19), nobody, [0.5] * 5)


def test_nearest_bin_is_the_scalar_lookup() -> None:
    """Out of range is clipped, and every bin's ticks lead back to it."""
    assert [nearest_bin(int(t)) for t in BIN_TICKS] == list(range(len(BIN_TICKS)))
    assert nearest_bin(-5) == 0
    assert nearest_bin(10**9) == len(BIN_TICKS) - 1
