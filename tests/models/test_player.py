"""The network: what it may see, what it remembers, and the streams it learns from."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from antiphon.music import Voice
from antiphon_models.conditions import SIZES as CONDITIONS
from antiphon_models.data.stream import EventStreams, StreamConfig, piece_rows
from antiphon_models.events import (
    BAR_PHASE_UNKNOWN,
    BEAT_PHASE_UNKNOWN,
    COLUMN,
    COLUMNS,
    DURATION_MASKED,
    FIELDS,
    Piece,
    bin_to_ticks,
    phases,
    ticks_to_bin,
    velocity_to_bin,
)
from antiphon_models.motif import TRUSTS
from antiphon_models.network import CONTEXT, CONTEXT_SIZES, INPUT_SIZES, context_of, lifts
from antiphon_models.player import Player, PlayerConfig

CONFIG = PlayerConfig(width=24, layers=2, head_width=16, styles=("drums", "keys"))
FULL = replace(CONFIG, memory=True, conditions=tuple(CONDITIONS))
SIZES = {
    **CONTEXT_SIZES,
    "trust": TRUSTS,
    "duration_in": INPUT_SIZES["duration"],
    "style": 3,
    "begin": 1,
}


@pytest.fixture(scope="module")
def model() -> Player:
    """Make a small network."""
    torch.manual_seed(0)
    return Player(CONFIG).eval()


def random_rows(time: int, batch: int, seed: int = 0) -> Tensor:
    """Make events of every value."""
    random = torch.Generator().manual_seed(seed)
    top = {**SIZES, "duration": INPUT_SIZES["duration"] - 1}
    columns = [torch.randint(0, top[c], (time, batch), generator=random) for c in COLUMNS]
    return torch.stack(columns, -1)


def make_piece(style: str, notes: int, seed: int, *, metered: bool = True) -> Piece:
    """Make a piece of random notes."""
    random = np.random.default_rng(seed)
    onset = np.cumsum(random.choice([0, 12, 24, 48], notes))
    beat, bar = phases(onset, 192)
    if not metered:
        beat, bar = np.full(notes, BEAT_PHASE_UNKNOWN), np.full(notes, BAR_PHASE_UNKNOWN)
    return Piece(
        onset=onset,
        voice=np.full(notes, Voice.DRUMS if style == "drums" else Voice.KEYS),
        pitch=random.integers(36, 90, notes),
        velocity=random.integers(20, 110, notes),
        duration=random.integers(1, 100, notes),
        beat_phase=beat,
        bar_phase=bar,
        name=str(seed),
        style=style,
        metered=metered,
    ).sorted()


PIECES = {
    "drums": [make_piece("drums", 30, seed) for seed in range(4)],
    "keys": [make_piece("keys", 400, seed, metered=seed > 5) for seed in range(4, 8)],
}


@pytest.fixture(scope="module")
def full() -> Player:
    """Make a small network with a memory of motifs and conditions."""
    torch.manual_seed(1)
    model = Player(FULL).eval()
    with torch.no_grad():
        for lift in model.lift.parameters():
            lift.normal_()
    return model


@pytest.mark.parametrize("column", COLUMNS)
def test_what_is_expected_and_asked_is_seen_by_its_heads(full: Player, column: str) -> None:
    """What was expected of a note, and what is asked, changes the scores of that note alone."""
    rows = random_rows(12, 3)
    changed = rows.clone()
    changed[6, :, COLUMN[column]] = (changed[6, :, COLUMN[column]] + 1) % max(SIZES[column], 2)
    state = full.fresh_state(3)
    before, _ = full(rows[:-1], rows[1:], state)
    after, _ = full(changed[:-1], changed[1:], state)
    for name in FIELDS:
        differs = (before[name] != after[name]).flatten(1).any(1)
        earlier = [f"motif_{f}" for f in FIELDS[: FIELDS.index(name)]]  # they tell how far to trust
        assert not differs[:5].any()
        assert bool(differs[5]) == (column in context_of(FULL.to_dict())[name]) or column in earlier
        if column in (*CONDITIONS, "trust") or column.startswith(("motif", "step")):
            assert not differs[6:].any()


def test_what_is_expected_is_favoured_as_far_as_it_is_trusted(full: Player) -> None:
    """Each lift is added to the logit of what is expected, at the trust that holds for the head."""
    rows = random_rows(4, 2)
    plain = Player(FULL).eval()
    plain.load_state_dict(full.state_dict())
    with torch.no_grad():
        for lift in plain.lift.parameters():
            lift.zero_()
    with_lift, _ = full(rows[:-1], rows[1:], full.fresh_state(2))
    without, _ = plain(rows[:-1], rows[1:], full.fresh_state(2))
    for name in FIELDS:
        for at in np.ndindex(3, 2):
            event = rows[1:][at]
            added = torch.zeros(INPUT_SIZES[name])
            came = all(
                event[COLUMN[f]] == event[COLUMN[f"motif_{f}"]]
                for f in FIELDS[: FIELDS.index(name)]
            )
            for expected, by in lifts(name):
                trust = int(event[COLUMN[by]]) + (TRUSTS * came if by == "trust" else 0)
                added[event[COLUMN[expected]]] += full.lift[expected][trust].detach()
            found = with_lift[name][at] - without[name][at]
            torch.testing.assert_close(found, added[: len(found)], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("column", COLUMNS)
def test_nothing_from_the_future_is_seen(model: Player, column: str) -> None:
    """A change in one event changes no score before it, and at it only heads that may see it."""
    rows = random_rows(12, 3)
    changed = rows.clone()
    changed[6, :, COLUMN[column]] = (changed[6, :, COLUMN[column]] + 1) % max(SIZES[column], 2)
    state = model.fresh_state(3)
    before, _ = model(rows[:-1], rows[1:], state)
    after, _ = model(changed[:-1], changed[1:], state)
    for name in FIELDS:
        differs = (before[name] != after[name]).flatten(1).any(1)
        assert not differs[:5].any()
        assert bool(differs[5]) == (column in CONTEXT[name])  # event 6 is what follows event 5
        told = COLUMNS.index(column) > COLUMNS.index("duration")  # of the note alone
        assert bool(differs[6]) == (column != "duration" and not told)  # the truth is no input


def test_chunks_continue_each_other(model: Player) -> None:
    """Reading in chunks with the state carried on gives the scores of reading at once."""
    rows = random_rows(17, 2)
    at_once, end = model(rows[:-1], rows[1:], model.fresh_state(2))
    first, state = model(rows[:8], rows[1:9], model.fresh_state(2))
    second, state = model(rows[8:-1], rows[9:], state)
    for name in FIELDS:
        both = torch.cat([first[name], second[name]])
        torch.testing.assert_close(both, at_once[name], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(state.cell, end.cell, atol=1e-5, rtol=1e-5)


def test_streams_do_not_mix(model: Player) -> None:
    """What one stream hears changes nothing in another."""
    rows = random_rows(6, 2)
    changed = rows.clone()
    changed[:, 1] = random_rows(6, 1, seed=1)[:, 0]
    before, _ = model(rows[:-1], rows[1:], model.fresh_state(2))
    after, _ = model(changed[:-1], changed[1:], model.fresh_state(2))
    torch.testing.assert_close(before["pitch"][:, 0], after["pitch"][:, 0])


def test_the_formulas_of_the_docstring_hold(model: Player) -> None:
    """The module's documentation is the arithmetic: a plain step gives the same scores."""
    weights = dict(model.named_parameters())
    rows = random_rows(2, 1)
    rows[0, 0, COLUMN["begin"]] = 0
    heard, following = rows[0, 0], rows[1, 0]
    expected, _ = model(rows[:1], rows[1:], model.fresh_state(1))
    sources = {
        **{c: c for c in COLUMNS[: COLUMNS.index("begin")]},
        "duration_in": "duration",
    }
    x = sum(weights[f"embed.{field}"][heard[COLUMN[c]]] for c, field in sources.items())
    for layer in range(CONFIG.layers):
        core = f"core.{layer}."
        a = torch.nn.functional.layer_norm(
            x, (CONFIG.width,), weights[core + "norm.weight"], weights[core + "norm.bias"], 1e-5
        )
        entered = weights[core + "linear.enter.weight"] @ a + weights[core + "linear.enter.bias"]
        z, c, g = entered.chunk(3)
        state = torch.sigmoid(z) * c  # the state before is zeros
        x = x + weights[core + "linear.leave.weight"] @ (state * g * torch.sigmoid(g))
    h = torch.nn.functional.layer_norm(
        x, (CONFIG.width,), weights["norm.weight"], weights["norm.bias"], 1e-5
    )
    for k, name in enumerate(FIELDS):
        part = slice(k * CONFIG.head_width, (k + 1) * CONFIG.head_width)
        u = weights["trunk.weight"][part] @ h + weights["trunk.bias"][part]
        for j in CONTEXT[name]:
            u = u + weights[f"context.{name}.{j}"][following[COLUMN[j]]]
        u = u / 2 * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (u + 0.044715 * u**3)))
        logits = weights[f"head.{name}.weight"] @ u + weights[f"head.{name}.bias"]
        torch.testing.assert_close(logits, expected[name][0, 0], atol=1e-5, rtol=1e-4)


def test_only_the_style_of_a_beginning_counts(model: Player) -> None:
    """At a piece's beginning the fields of a note do not matter."""
    rows = random_rows(3, 1)
    rows[0, :, COLUMN["begin"]] = 1
    other = rows.clone()
    other[0, :, : COLUMN["style"]] = 0
    before, _ = model(rows[:-1], rows[1:], model.fresh_state(1))
    after, _ = model(other[:-1], other[1:], model.fresh_state(1))
    torch.testing.assert_close(before["pitch"], after["pitch"])


def test_the_loss_leaves_out_beginnings(model: Player) -> None:
    """What a piece's beginning would have to be is not learned."""
    rows = random_rows(8, 2)
    rows[4, :, COLUMN["begin"]] = 1
    other = rows.clone()
    other[4, :, COLUMN["duration"]] = 3
    state = model.fresh_state(2)
    loss, _ = model.loss(rows[:-1], rows[1:], state)
    same, _ = model.loss(other[:-1], other[1:], state)
    assert loss.item() == same.item()


def test_a_piece_becomes_rows() -> None:
    """A piece is written as its beginning and then one row a note, unvaried."""
    piece = PIECES["keys"][2]
    rows = piece_rows(piece, 2)
    assert rows.shape == (401, len(COLUMNS))
    assert rows[0, COLUMN["begin"]] == 1
    assert set(rows[:, COLUMN["style"]]) == {2}
    np.testing.assert_array_equal(rows[1:, COLUMN["shift"]], ticks_to_bin(piece.shift))
    np.testing.assert_array_equal(rows[1:, COLUMN["pitch"]], piece.pitch)
    np.testing.assert_array_equal(rows[1:, COLUMN["velocity"]], velocity_to_bin(piece.velocity))
    np.testing.assert_array_equal(rows[1:, COLUMN["bar_phase"]], piece.bar_phase)


def test_durations_of_a_piece_can_be_hidden() -> None:
    """Notes that are still held show no duration, and keep it as what is to be learned."""
    piece = PIECES["keys"][2]
    rows = piece_rows(piece, 2, held=True)
    assert (rows[1:, COLUMN["duration_in"]] == DURATION_MASKED).all()
    shown = piece_rows(piece, 2)
    np.testing.assert_array_equal(rows[:, COLUMN["duration"]], shown[:, COLUMN["duration"]])


def test_chunks_of_streams_overlap_by_an_event() -> None:
    """The last event of a chunk is the first of the next, unless the stream begins anew."""
    streams = EventStreams(PIECES, CONFIG.styles, 3, 50, seed=0)
    last, _ = streams.next_chunk()
    anew = 0
    for _ in range(40):
        rows, fresh = streams.next_chunk()
        np.testing.assert_array_equal(rows[0, ~fresh], last[-1, ~fresh])
        assert (rows[0, fresh, COLUMN["begin"]] == 1).all()
        anew += int(fresh.sum())
        last = rows
    assert anew > 0


def test_unvaried_streams_are_the_pieces() -> None:
    """Without variation a stream is whole pieces, one after another."""
    plain = StreamConfig(
        enter=0, restart=0, transpose=0, velocity=0, stretch=(1, 1), no_phase=0, no_bar=0,
        no_style=0, mask_none=1, mask_all=0, unasked=1,
    )  # fmt: skip
    streams = EventStreams(PIECES, CONFIG.styles, 1, 1000, seed=3, config=plain)
    rows, _ = streams.next_chunk()
    begins = np.flatnonzero(rows[:, 0, COLUMN["begin"]])
    known = [
        piece_rows(piece, 1 + CONFIG.styles.index(style))
        for style, pieces in PIECES.items()
        for piece in pieces
    ]
    for start, stop in pairwise(begins):
        found = rows[start:stop, 0]
        assert any(len(k) == len(found) and (k == found).all() for k in known)


def test_variation_keeps_what_it_must() -> None:
    """Drums are never transposed, every value stays in range, and durations are hidden in spans."""
    streams = EventStreams(PIECES, CONFIG.styles, 4, 400, seed=1)
    rows = np.concatenate([streams.next_chunk()[0].reshape(-1, len(COLUMNS)) for _ in range(20)])
    notes = rows[rows[:, COLUMN["begin"]] == 0]
    for name, column in COLUMN.items():
        assert notes[:, column].min() >= 0
        assert notes[:, column].max() < SIZES[name]
    drums = notes[notes[:, COLUMN["voice"]] == Voice.DRUMS]
    assert set(drums[:, COLUMN["pitch"]]) <= set(np.concatenate([p.pitch for p in PIECES["drums"]]))
    hidden = notes[:, COLUMN["duration_in"]] == DURATION_MASKED
    assert 0.2 < hidden.mean() < 0.5
    assert (notes[~hidden, COLUMN["duration_in"]] == notes[~hidden, COLUMN["duration"]]).all()
    assert 0.1 < (notes[:, COLUMN["style"]] == 0).mean() < 0.35


def test_scores_borrow_the_dynamics_of_performances() -> None:
    """Pieces of one velocity are heard with a performance's at times; performed ones never are."""
    score, played = make_piece("drums", 60, 1), make_piece("keys", 60, 2)
    flat = replace(score, voice=played.voice, velocity=np.full(60, 64))
    pieces = {"drums": [flat], "keys": [played]}
    config = StreamConfig(velocity=0, no_style=0)
    rows = EventStreams(pieces, CONFIG.styles, 1, 9000, 7, config).next_chunk()[0][:, 0]
    notes = rows[rows[:, COLUMN["begin"]] == 0]
    of_score = notes[:, COLUMN["style"]] == 1
    lent = notes[:, COLUMN["velocity"]] != velocity_to_bin(64)
    assert lent[of_score].mean() == pytest.approx(config.borrow, abs=0.2)
    assert set(notes[of_score & lent, COLUMN["velocity"]]) <= set(velocity_to_bin(played.velocity))


def test_small_sets_are_not_starved() -> None:
    """A set with a thirteenth of the notes gets its tempered share of the stream."""
    streams = EventStreams(PIECES, CONFIG.styles, 8, 500, seed=2)
    rows = np.concatenate([streams.next_chunk()[0].reshape(-1, len(COLUMNS)) for _ in range(40)])
    notes = rows[rows[:, COLUMN["begin"]] == 0]
    share = (notes[:, COLUMN["voice"]] == Voice.DRUMS).mean()
    temper = streams.config.temper
    expected = 120**temper / (120**temper + 1600**temper)
    assert share == pytest.approx(expected, abs=0.05)


def test_streams_go_on_from_their_state() -> None:
    """Restored streams give the chunks that the original goes on to give."""
    one = EventStreams(PIECES, CONFIG.styles, 3, 64, seed=5)
    one.next_chunk()
    state = one.state()
    other = EventStreams(PIECES, CONFIG.styles, 3, 64, seed=99)
    other.restore(state)
    for _ in range(5):
        (a, fresh_a), (b, fresh_b) = one.next_chunk(), other.next_chunk()
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(fresh_a, fresh_b)


def test_bins_keep_the_shifts_of_rows() -> None:
    """The shifts of a stream are times that the codec can give back."""
    rows, _ = EventStreams(PIECES, CONFIG.styles, 1, 200, seed=6).next_chunk()
    shifts = rows[:, 0, COLUMN["shift"]]
    np.testing.assert_array_equal(ticks_to_bin(bin_to_ticks(shifts)), shifts)
