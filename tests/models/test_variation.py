"""The promises of a varier, kept by networks that know nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.errors import CheckpointError, PhraseError
from antiphon.model import Keep, Variation, Varier
from antiphon.music import DRUM_CHANNEL, Beats, Meter, Note, Phrase, Voice
from antiphon_models import runtime
from antiphon_models.notation import fit
from antiphon_models.rolls import DRUM_ROW, write_sheet
from antiphon_models.variation import NetworkVarier, load_varier
from networks import make_gan, make_varier, save_network, to_editor

VARIER = make_varier(seed=3)

FOUR = Beats(4.0)

KEEPS = [Keep.NOTHING, Keep.NOTES, Keep.RHYTHM]


def drum(start: float, pitch: int, velocity: int = 90, duration: float = 0.1) -> Note:
    """Make a stroke."""
    return Note(Beats(start), pitch, velocity, Beats(duration), DRUM_CHANNEL, Voice.DRUMS)


def key(start: float, pitch: int, velocity: int = 80, duration: float = 0.25) -> Note:
    """Make a note of the right hand, on a channel of its own."""
    return Note(Beats(start), pitch, velocity, Beats(duration), 3, Voice.MELODY)


MELODY = Phrase(
    tuple(
        key(0.5 * i + late, 60 + step, 70 + 3 * i, 0.4)
        for i, (step, late) in enumerate(
            zip((0, 2, 4, 5, 7, 5, 4, 2), (0, 0.02, -0.03, 0.05, 0, 0.01, 0.04, -0.02), strict=True)
        )
    ),
    100.0,
)

CHORDS = Phrase(
    tuple(
        key(start + 0.01 * i, pitch, 60 + 5 * i, 0.9)
        for start, chord in ((0, (48, 55, 64)), (1.5, (53, 57)), (3, (55, 59, 62, 65)))
        for i, pitch in enumerate(chord)
    )
)

BEAT = Phrase(
    (
        *(drum(0.5 * i + 0.01 * (i % 3), 42, 60 + 4 * i) for i in range(8)),
        *(drum(start, 36, 110) for start in (0.0, 1.75, 2.5)),
        *(drum(start, 38, 100) for start in (1.02, 3.01)),
    )
)

BOTH = Phrase((*MELODY.notes, *BEAT.notes))

PHRASES = {"melody": MELODY, "chords": CHORDS, "drums": BEAT, "both": BOTH}

every_phrase = pytest.mark.parametrize("name", list(PHRASES))


def vary(
    phrase: Phrase,
    amount: float,
    count: int = 4,
    seed: Sequence[int] = (1,),
    keep: Keep = Keep.NOTHING,
    length: Beats = FOUR,
) -> list[Variation]:
    """Vary a phrase."""
    return made_by(VARIER.variations(phrase, length, amount, count, seed, keep))


def made_by(work: Iterable[Variation | None]) -> list[Variation]:
    """Return the variations among the steps of the work."""
    return [step for step in work if step is not None]


def sounds(notes: Sequence[Note]) -> tuple[tuple[float | Voice, ...], ...]:
    """Return all that there is to notes, their voices too."""
    return tuple((n.start, n.pitch, n.velocity, n.duration, n.channel, n.voice) for n in notes)


def check_notes(notes: Sequence[Note], phrase: Phrase, length: float) -> None:
    """Check that notes can be played: valid, in order, within the phrase, no key struck twice."""
    assert list(notes) == sorted(notes)
    outside = max([length, *(n.end for n in phrase)])
    last: dict[tuple[int, int], float] = {}
    for note in notes:
        assert 1 <= note.velocity <= 127
        assert 0 <= note.pitch <= 127
        assert math.isfinite(note.start)
        assert note.duration > 0
        assert note.start >= min([-0.2, *(n.start for n in phrase)])
        assert note.end <= outside + 1e-6
        held = note.channel, note.pitch
        assert note.start >= last.get(held, -9.0) - 1e-6
        last[held] = note.end
    if all(n.end <= length for n in phrase):
        assert all(n.end <= length + 1e-6 for n in notes)


def test_it_is_a_varier() -> None:
    """It can be used wherever the bridge asks for one, and tells its networks' names."""
    varier: Varier = VARIER
    assert varier.names == ("tiny-drums", "tiny-pitched")


@every_phrase
@pytest.mark.parametrize("keep", KEEPS)
def test_no_amount_is_the_phrase(name: str, keep: Keep) -> None:
    """Amount 0 gives the phrase back note for note, at distance 0."""
    for made in vary(PHRASES[name], 0.0, keep=keep):
        assert sounds(made.notes) == sounds(PHRASES[name].notes)
        assert made.distance == 0


@every_phrase
def test_the_same_seed_repeats(name: str) -> None:
    """The same seed gives the same variations, another seed and the next variation others."""
    one, again, other = (vary(PHRASES[name], 0.4, seed=s) for s in ((1, 2), (1, 2), (2, 1)))
    assert [sounds(v.notes) for v in one] == [sounds(v.notes) for v in again]
    assert not {sounds(v.notes) for v in one} & {sounds(v.notes) for v in other}


def test_a_variation_does_not_depend_on_those_before_it() -> None:
    """Fewer variations are the first of many."""
    assert vary(BOTH, 0.4, count=2) == vary(BOTH, 0.4, count=5)[:2]


def test_variations_are_made_when_they_are_asked_for() -> None:
    """Errors come at the call, work at each step."""
    steps = VARIER.variations(BOTH, FOUR, 0.3, 1000000, (1,))
    made = (step for step in steps if step is not None)
    assert next(made).notes != next(made).notes
    with pytest.raises(PhraseError):
        VARIER.variations(Phrase(), FOUR, 0.3, 1, (1,))


FEW = {
    "one key": Phrase((key(1.0, 60),)),
    "two keys": Phrase((key(0.0, 60), key(1.5, 64))),
    "four keys": Phrase(tuple(key(float(i), 60 + i) for i in range(4))),
    "one stroke": Phrase((drum(0.0, 36),)),
    "two strokes": Phrase((drum(0.0, 36), drum(2.0, 38))),
    "four strokes": Phrase(tuple(drum(float(i), 36 + 2 * (i % 2)) for i in range(4))),
}


@pytest.mark.parametrize("name", [*FEW, *PHRASES])
@pytest.mark.parametrize("amount", [0.01, 0.2, 0.5, 1.0])
def test_no_two_variations_are_the_same(name: str, amount: float) -> None:
    """16 variations are 16, none is the phrase, and none is silence, however few the notes."""
    phrase = {**FEW, **PHRASES}[name]
    made = vary(phrase, amount, 16)
    assert len({sounds(v.notes) for v in made} | {sounds(phrase.notes)}) == 17
    for one in made:
        assert one.notes
        assert 0 < one.distance <= 1
        check_notes(one.notes, phrase, 4.0)


@every_phrase
def test_the_distance_told_is_that_of_the_notes(name: str) -> None:
    """What is told is the share of onsets on the grid that only one of the two has."""
    straight = {(round(4 * n.start) / 4, n.pitch, n.channel): n for n in PHRASES[name].notes}
    notes = (replace(n, start=Beats(at)) for (at, _, _), n in straight.items())
    phrase = Phrase(tuple(notes), PHRASES[name].bpm, PHRASES[name].meter)  # and so is all of it
    for made in vary(phrase, 0.5):
        own, new = set(), set()
        for kind in ("drums", "pitched"):
            for cells, every in ((own, phrase.notes), (new, made.notes)):
                some = [n for n in every if (n.voice is Voice.DRUMS) == (kind == "drums")]
                sheet = write_sheet(kind, some, phrase.meter, FOUR, phrase.bpm)
                cells.update((kind, cell) for cell in sheet.cell.tolist())
        assert made.distance == pytest.approx(len(own ^ new) / (len(own) + len(new)), abs=0.02)


@every_phrase
def test_a_greater_amount_goes_farther(name: str) -> None:
    """The distance follows the amount."""
    far = [np.mean([v.distance for v in vary(PHRASES[name], a, 8)]) for a in (0.1, 0.4, 0.7, 1.0)]
    assert all(a < b for a, b in pairwise(far))
    editors = [make_gan(kind).config for kind in ("drums", "pitched")]
    assert far[-1] == pytest.approx(editors[0].reach, abs=0.15)


@every_phrase
def test_kept_notes_are_the_players_own(name: str) -> None:
    """What stays in its cell keeps its length, its channel and its voice."""
    phrase = PHRASES[name]
    for made in vary(phrase, 0.2):
        kept = 0
        for note in made.notes:
            near = [n for n in phrase if n.pitch == note.pitch and abs(n.start - note.start) < 0.1]
            if near:
                kept += 1
                assert near[0].duration >= note.duration
                assert (near[0].channel, near[0].voice) == (note.channel, note.voice)
        assert kept >= len(phrase) / 2


@pytest.mark.parametrize("keep", KEEPS)
@every_phrase
def test_flat_velocities_stay_flat(name: str, keep: Keep) -> None:
    """A phrase of one velocity is varied in that velocity, drums and keys each in their own."""
    phrase = PHRASES[name]
    flat = Phrase(
        tuple(
            Note(
                n.start,
                n.pitch,
                99 if n.voice is Voice.DRUMS else 77,
                n.duration,
                n.channel,
                n.voice,
            )
            for n in phrase
        )
    )
    for made in vary(flat, 0.6, keep=keep):
        for note in made.notes:
            assert note.velocity == (99 if note.voice is Voice.DRUMS else 77)


def test_what_is_on_the_grid_stays_on_it() -> None:
    """A phrase without microtiming is varied without it, on its triplets too."""
    straight = Phrase(tuple(key(0.25 * i, 60 + i) for i in (0, 2, 3, 5, 8, 12, 13)))
    drums = Phrase(tuple(drum(i / 3, 36 + 2 * (i % 2)) for i in range(12)))
    for phrase, step in ((straight, 0.25), (drums, 1 / 3)):
        for keep in KEEPS:
            for made in vary(phrase, 0.7, keep=keep):
                for note in made.notes:
                    assert note.start / step == pytest.approx(round(note.start / step), abs=1e-6)


@pytest.mark.parametrize("amount", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("name", ["melody", "chords"])
def test_keeping_the_notes_changes_the_rhythm_alone(name: str, amount: float) -> None:
    """Pitches stay in their order, with their lengths at most; onsets move."""
    phrase = PHRASES[name]
    for made in vary(phrase, amount, 8, keep=Keep.NOTES):
        assert [n.pitch for n in made.notes] == [n.pitch for n in phrase]
        assert [n.start for n in made.notes] != [n.start for n in phrase]
        assert made.distance > 0
        pairs = zip(made.notes, phrase, strict=True)
        assert all(a.duration <= b.duration + 1e-9 for a, b in pairs)
        check_notes(made.notes, phrase, 4.0)


@pytest.mark.parametrize("amount", [0.1, 0.5, 1.0])
def test_keeping_the_notes_of_drums(amount: float) -> None:
    """Each drum is struck as often as before, at other times."""
    for made in vary(BEAT, amount, 8, keep=Keep.NOTES):
        assert Counter(n.pitch for n in made.notes) == Counter(n.pitch for n in BEAT)
        assert [n.start for n in made.notes] != [n.start for n in BEAT]
        check_notes(made.notes, BEAT, 4.0)


@pytest.mark.parametrize("amount", [0.1, 0.5, 1.0])
@every_phrase
def test_keeping_the_rhythm_changes_the_notes_alone(name: str, amount: float) -> None:
    """Every onset stays exactly where it was, chords and all; pitches or drums change."""
    phrase = PHRASES[name]
    for made in vary(phrase, amount, 8, keep=Keep.RHYTHM):
        starts = sorted((n.start, n.voice is Voice.DRUMS) for n in made.notes)
        assert starts == sorted((n.start, n.voice is Voice.DRUMS) for n in phrase)
        assert sorted(n.pitch for n in made.notes) != sorted(n.pitch for n in phrase)
        check_notes(made.notes, phrase, 4.0)


@pytest.mark.parametrize("keep", [Keep.NOTES, Keep.RHYTHM])
@pytest.mark.parametrize("name", [*FEW, *PHRASES])
def test_variations_that_keep_differ(name: str, keep: Keep) -> None:
    """Where there are enough places, 8 variations that keep something differ from each other."""
    made = vary({**FEW, **PHRASES}[name], 0.4, 8, keep=keep)
    assert len({sounds(v.notes) for v in made}) == 8


@pytest.mark.parametrize("keep", KEEPS)
def test_what_the_networks_do_not_know_stays(keep: Keep) -> None:
    """A cowbell, and a note below the piano, stay as they are in every variation."""
    odd = (drum(1.0, 56, 33), key(2.0, 5, 44))
    phrase = Phrase((*BOTH.notes, *odd))
    for made in vary(phrase, 1.0, keep=keep):
        assert set(sounds(odd)) <= set(sounds(made.notes))
    for made in VARIER.humanise(phrase, FOUR, 1.0, 2, (1,)):
        assert set(sounds(odd)) <= set(sounds(made.notes))


SHAPES = [
    *((Meter(4, 4), bars) for bars in (1, 2, 3, 8)),
    (Meter(3, 4), 4),
    (Meter(6, 8), 4),
    (Meter(7, 8), 2),
    (Meter(5, 16), 3),
    (Meter(17, 4), 2),
    (Meter(1, 16), 1),
]


@pytest.mark.parametrize(("meter", "bars"), SHAPES)
def test_every_length_and_meter(meter: Meter, bars: int) -> None:
    """1 to 8 bars of any meter of whole sixteenths, triplets in them, can be varied and blended."""
    length = Beats(meter.bar * bars)
    times = np.arange(0, length, 0.5).tolist()
    times += [t + third for t in np.arange(1, length - 1, 3) for third in (1 / 3, 2 / 3)]
    phrase = Phrase(
        tuple(
            n
            for t in times
            for n in (key(t, 60 + round(4 * t) % 12, 80), drum(t, 36 + 2 * (t > 2)))
        ),
        meter=meter,
    )
    for keep in KEEPS:
        for made in vary(phrase, 0.5, 2, keep=keep, length=length):
            assert made.notes
            check_notes(made.notes, phrase, length)
    for made in VARIER.humanise(phrase, length, 1.0, 1, (1,)):
        check_notes(made.notes, phrase, length)
    for made in VARIER.groove(phrase, length, 1, (1,)):
        check_notes(made.notes, Phrase(), length)
    other = Phrase(phrase.notes[::2], phrase.bpm, meter)
    assert len(VARIER.blend(phrase, other, length, 3)) == 3


@pytest.mark.parametrize(
    ("phrase", "length", "what"),
    [
        (Phrase(), 4.0, "with notes"),
        (MELODY, 36.0, "at most 8 bars"),
        (MELODY, 0.0, "at most 8 bars"),
        (Phrase(MELODY.notes, meter=Meter(3, 32)), 3 / 8, "whole sixteenths"),
        (Phrase((drum(0.0, 56), drum(1.0, 70))), 4.0, "found the pitches 56, 70"),
        (Phrase((key(0.0, 5), key(1.0, 120))), 4.0, "piano"),
        (Phrase((*MELODY.notes, drum(0.0, 56))), 4.0, "General MIDI kit"),
    ],
)
def test_what_cannot_be_varied_is_refused(phrase: Phrase, length: float, what: str) -> None:
    """One line says what was expected, what was found and what to do."""
    for call in (
        lambda: VARIER.check(phrase, Beats(length)),
        lambda: VARIER.variations(phrase, Beats(length), 0.5, 1, (1,)),
        lambda: VARIER.humanise(phrase, Beats(length), 0.5, 1, (1,)),
        lambda: VARIER.blend(phrase, phrase, Beats(length), 2),
    ):
        with pytest.raises(PhraseError, match=what) as caught:
            call()
        assert caught.value.expected.startswith("expected ")
        assert caught.value.found.startswith("found ")
        assert caught.value.remedy
        assert "\n" not in str(caught.value)


def test_drums_are_made_to_any_notes() -> None:
    """Drums to a phrase take its rhythm alone, so its pitches may be any; no notes are refused."""
    for odd in (Phrase((drum(0.0, 56), drum(1.0, 70))), Phrase((key(0.0, 5), key(1.5, 120)))):
        (made,) = make_varier("drums").groove(odd, FOUR, 1, (1,))
        assert {note.channel for note in made.notes} == {10}
    with pytest.raises(PhraseError, match="with notes"):
        VARIER.groove(Phrase(), FOUR, 1, (1,))


def test_a_missing_network_is_named() -> None:
    """Drums cannot be varied without networks for them, nor can pitched notes."""
    pitched = make_varier("pitched")
    with pytest.raises(PhraseError, match=r"networks for drums notes; found tiny-pitched"):
        pitched.variations(BEAT, FOUR, 0.5, 1, (1,))
    with pytest.raises(PhraseError, match="network for drums"):
        pitched.groove(MELODY, FOUR, 1, (1,))
    with pytest.raises(PhraseError, match="found none"):
        NetworkVarier([]).check(MELODY, FOUR)


@every_phrase
def test_humanising_keeps_the_notes(name: str) -> None:
    """Pitches, channels and voices stay; velocities and times change, and only at an amount."""
    phrase = PHRASES[name]
    for amount in (0.0, 0.5, 1.0):
        for made in VARIER.humanise(phrase, FOUR, amount, 3, (4,)):
            assert Counter((n.pitch, n.channel, n.voice) for n in made.notes) == Counter(
                (n.pitch, n.channel, n.voice) for n in phrase
            )
            assert made.distance == 0
            check_notes(made.notes, phrase, 4.0)
            if amount == 0:
                assert sounds(made.notes) == sounds(phrase.notes)
            else:
                assert sounds(made.notes) != sounds(phrase.notes)
    made = [list(VARIER.humanise(phrase, FOUR, 1.0, 2, seed)) for seed in ((4,), (4,), (5,))]
    assert made[0] == made[1]
    assert made[0] != made[2]
    assert made[0][0] != made[0][1]


def test_humanising_keeps_flams_apart() -> None:
    """Two strokes of one drum in one cell stay two, as far from each other as they were."""
    flam = Phrase((drum(0.95, 38, 40, 0.02), drum(1.0, 38, 100), drum(2.0, 36, 100)))
    for made in VARIER.humanise(flam, FOUR, 1.0, 3, (1,)):
        first, second = (n for n in made.notes if n.pitch == 38)
        assert second.start - first.start == pytest.approx(0.05, abs=1e-6)


@every_phrase
def test_a_groove_is_of_drums(name: str) -> None:
    """Only drums of the kit on channel 10 come out; the seed makes the difference."""
    phrase = PHRASES[name]
    made = list(VARIER.groove(phrase, FOUR, 4, (1,)))
    assert len(made) == 4
    for one in made:
        assert one.notes
        assert all(n.channel == DRUM_CHANNEL and n.voice is Voice.DRUMS for n in one.notes)
        assert all(n.pitch in DRUM_ROW for n in one.notes)
        check_notes(one.notes, Phrase(), 4.0)
    assert made == list(VARIER.groove(phrase, FOUR, 4, (1,)))
    assert len({sounds(one.notes) for one in made}) > 1


OTHERS = {
    "melody": Phrase(tuple(key(0.75 * i, 67 - i, 90, 0.5) for i in range(5)), 100.0),
    "chords": Phrase(tuple(key(float(i % 4), 50 + 3 * i) for i in range(12))),
    "drums": Phrase(tuple(drum(0.25 * i, 36 + 2 * (i % 4)) for i in range(16))),
    "both": Phrase((drum(0.0, 36), key(1.0, 60))),
}


@every_phrase
@pytest.mark.parametrize("steps", [2, 5, 9])
def test_a_blend_goes_from_one_phrase_to_the_other(name: str, steps: int) -> None:
    """The ends are the phrases themselves, the way between goes on and changes size evenly."""
    first, last = PHRASES[name], OTHERS[name]
    made = VARIER.blend(first, last, FOUR, steps)
    assert len(made) == steps
    assert sounds(made[0].notes) == sounds(first.notes)
    assert sounds(made[-1].notes) == sounds(last.notes)
    assert made[0].distance == 0
    assert all(a.distance <= b.distance + 1e-6 for a, b in pairwise(made))
    low, high = sorted((len(first), len(last)))
    for one in made:
        assert low - 2 <= len(one.notes) <= high + 2
    for one in made[1:-1]:
        check_notes(one.notes, Phrase((*first.notes, *last.notes)), 4.0)
    assert made == VARIER.blend(first, last, FOUR, steps)


def test_a_blend_of_drums_and_a_melody() -> None:
    """Where only one phrase has drums, they come in or go."""
    made = VARIER.blend(MELODY, BOTH, FOUR, 4)
    drums = [sum(n.voice is Voice.DRUMS for n in one.notes) for one in made]
    assert drums[0] == 0
    assert drums[-1] == len(BEAT)
    assert all(a <= b for a, b in pairwise(drums))


def test_only_phrases_of_one_meter_are_blended() -> None:
    """Two meters cannot be blended."""
    with pytest.raises(PhraseError, match=r"found 4/4 and 3/4"):
        VARIER.blend(MELODY, Phrase(MELODY.notes, meter=Meter(3, 4)), FOUR, 3)


def test_fitting_leaves_room() -> None:
    """A key is let go before it is struck again, and nothing outlasts the phrase."""
    notes = [key(0, 60, duration=2), key(1, 60, duration=9), key(1, 60), key(3.999, 62, duration=1)]
    fitted = fit(notes, 4.0)
    assert [(n.start, n.pitch) for n in fitted] == [(0, 60), (1, 60), (3.999, 62)]
    assert [n.duration for n in fitted] == pytest.approx([1, 0.25, 0.001])
    assert len(fit(notes, 4.0, drop=False)) == 4


def test_loading_names_and_shipped_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named GANs take the place of the shipped ones of their kind; two of one kind are refused."""
    shipped = tmp_path / "shipped"
    for kind in ("drums", "pitched"):
        save_network(shipped / f"gan-{kind}.safetensors", make_gan(kind))
    mine = save_network(tmp_path / "mine.safetensors", make_gan("drums", 1))
    monkeypatch.setattr(runtime, "SHIPPED", shipped)
    monkeypatch.setattr(runtime, "user_checkpoints", lambda: tmp_path / "none")
    assert load_varier().names == ("gan-drums", "gan-pitched")
    assert load_varier([str(mine)]).names == ("mine", "gan-pitched")
    with pytest.raises(CheckpointError, match="at most one GAN"):
        load_varier([str(mine), "gan-drums"])
    with pytest.raises(CheckpointError, match="no such file"):
        load_varier(["nothing"])
    assert vary(BEAT, 0.5) == made_by(
        NetworkVarier([to_editor(make_gan("drums", 3))]).variations(BEAT, FOUR, 0.5, 4, (1,))
    )


@st.composite
def any_phrase(draw: st.DrawFn) -> tuple[Phrase, float]:
    """Draw any phrase that can be varied, however odd, and its length."""
    meter = Meter(*draw(st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (2, 4), (5, 8), (9, 8)])))
    bars = draw(st.integers(1, 3))
    length = meter.bar * bars
    notes = []
    for index in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(["drums", "pitched"])) if index else "known"
        start = draw(
            st.floats(-0.12, length - 0.01)
            | st.integers(0, int(4 * length) - 1).map(lambda i: i / 4)
        )
        notes.append(
            Note(
                Beats(start),
                60 if kind == "known" else draw(st.integers(0, 127)),
                draw(st.integers(1, 127)),
                Beats(draw(st.floats(0.005, 6))),
                DRUM_CHANNEL if kind == "drums" else draw(st.integers(1, 9)),
                Voice.DRUMS if kind == "drums" else draw(st.sampled_from(list(Voice)[:3])),
            )
        )
    if any(n.voice is Voice.DRUMS for n in notes):
        notes.append(drum(0.0, 36))
    return Phrase(tuple(notes), draw(st.floats(20, 400)), meter), length


@settings(max_examples=25, deadline=None)
@given(any_phrase(), st.floats(0, 1), st.sampled_from(KEEPS), st.integers(0, 2**40))
def test_whatever_the_phrase_it_can_be_played(
    drawn: tuple[Phrase, float], amount: float, keep: Keep, seed: int
) -> None:
    """No phrase raises, and every note of every variation is valid and has its place."""
    phrase, length = drawn
    made = vary(phrase, amount, 2, (seed,), keep, Beats(length))
    made += VARIER.humanise(phrase, Beats(length), amount, 1, (seed,))
    for one in made:
        assert 0 <= one.distance <= 1
        assert one.notes
        if amount > 0:
            check_shape(one.notes, phrase, length)
    for one in VARIER.groove(phrase, Beats(length), 1, (seed,)):
        check_shape(one.notes, phrase, length)
    other = Phrase((key(0.5, 72),), phrase.bpm, phrase.meter)
    assert VARIER.blend(phrase, other, Beats(length), 3)[0].notes == phrase.notes


def test_drums_in_triplets_blend_into_a_phrase_without_drums() -> None:
    """A beat that is straight in one and in triplets in the other has the places of both only."""
    one = Phrase((*(drum(i / 3, (36, 38, 42)[i % 3]) for i in range(12)), drum(0.625, 36)))
    for step in VARIER.blend(one, Phrase((key(0.5, 72),)), Beats(4.0), 9):
        assert all(math.isfinite(note.start) for note in step.notes)


def check_shape(notes: Sequence[Note], phrase: Phrase, length: float) -> None:
    """Check what must be true even of variations of the oddest phrases."""
    earliest = min([-0.2, *(n.start for n in phrase)])
    latest = max([length, *(n.end for n in phrase)])
    for note in notes:
        assert 1 <= note.velocity <= 127
        assert math.isfinite(note.start)
        assert note.duration > 0
        assert note.start >= earliest - 0.05
        assert note.end <= latest + 1e-6
