"""bfloat16 is chosen where a trial shows that it is faster, and only there."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from antiphon.errors import UsageError
from antiphon_models import precision
from antiphon_models.player import COLUMN, COLUMNS, Player, PlayerConfig
from antiphon_models.precision import autocast, choose_bf16

CPU = torch.device("cpu")


def loss() -> Tensor:
    """Compute something that can be differentiated."""
    weight = torch.ones(4, 4, requires_grad=True)
    return (weight @ torch.ones(4, 4)).float().sum()


def no_bf16() -> Tensor:
    """Fail as a processor without bfloat16 does."""
    if torch.is_autocast_enabled("cpu"):
        raise RuntimeError("could not create a primitive descriptor\nand more")
    return loss()


@pytest.mark.parametrize(("gain", "chosen"), [(4.0, True), (1.0, False), (0.5, False)])
def test_the_faster_one_is_chosen(
    gain: float, chosen: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two timings the shorter decides, bfloat16 only by a clear lead."""
    monkeypatch.setattr(precision, "_seconds", lambda *_, bf16: 1.0 if bf16 else gain)
    assert choose_bf16("auto", loss, CPU)[0] is chosen


def test_a_processor_without_it_trains_in_float32() -> None:
    """Where bfloat16 cannot run, auto is float32, and asking for bfloat16 is told in one line."""
    assert choose_bf16("auto", no_bf16, CPU)[0] is False
    with pytest.raises(UsageError, match="primitive") as caught:
        choose_bf16("bf16", no_bf16, CPU)
    assert "\n" not in str(caught.value)


def test_what_is_wanted_is_done_without_a_trial() -> None:
    """fp32 times nothing, and a network that only knows float32 is never asked for bfloat16."""
    assert choose_bf16("fp32", no_bf16, CPU)[0] is False
    assert choose_bf16("auto", None, CPU)[0] is False
    with pytest.raises(UsageError, match="fp32"):
        choose_bf16("bf16", None, CPU)


def test_a_trial_leaves_chance_alone() -> None:
    """Timing draws nothing from the random numbers that training goes on with."""
    before = torch.get_rng_state()
    choose_bf16("auto", lambda: loss() * torch.rand(1), CPU)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_step_in_bfloat16_is_near_one_in_float32() -> None:
    """A player's loss in bfloat16 is float32's within a hundredth, and what it learns from too."""
    torch.manual_seed(0)
    model = Player(PlayerConfig(width=64, head_width=32)).eval()
    rows = torch.randint(0, 2, (9, 4, len(COLUMNS)))
    rows[..., [COLUMN["style"], COLUMN["begin"]]] = 0
    found, slopes = [], []
    for bf16 in (False, True):
        with autocast(CPU, bf16):
            value, state = model.loss(rows[:-1], rows[1:], model.fresh_state(4))
        model.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        assert value.dtype == state.hidden.dtype == torch.float32
        found.append(float(value.detach()))
        slopes.append(
            torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        )
    assert found[1] == pytest.approx(found[0], rel=0.01)
    assert torch.cosine_similarity(*slopes, dim=0) > 0.99
