"""The recurrent core: every recurrence reads in chunks as at once, and causally."""

from __future__ import annotations

import pytest
import torch

from antiphon_models.core import CORES, Core, State, linear_scan, scan_by_doubling


@pytest.mark.parametrize("core", CORES)
def test_a_core_reads_in_chunks_as_at_once(core: str) -> None:
    """Reading in chunks with the state carried on gives what reading at once gives."""
    torch.manual_seed(0)
    layers = Core(8, 2, core)
    x = torch.randn(13, 3, 8)
    at_once, end = layers(x, layers.fresh_state(3))
    first, state = layers(x[:5], layers.fresh_state(3))
    second, state = layers(x[5:], state)
    torch.testing.assert_close(torch.cat([first, second]), at_once)
    torch.testing.assert_close(state.hidden, end.hidden)


@pytest.mark.parametrize("core", CORES)
def test_a_core_never_sees_what_comes(core: str) -> None:
    """A change at one step changes nothing before it."""
    torch.manual_seed(0)
    layers = Core(8, 2, core)
    x = torch.randn(9, 2, 8)
    changed = x.clone()
    changed[5, :, 0] += 1
    before, _ = layers(x, layers.fresh_state(2))
    after, _ = layers(changed, layers.fresh_state(2))
    assert torch.equal(before[:5], after[:5])
    assert (before[5:] != after[5:]).any(-1).all()


def test_the_scan_is_the_recurrence() -> None:
    """In order or by doubling, the scan and its gradient are those of the plain loop."""
    torch.manual_seed(0)
    keep, add, first = torch.rand(11, 4).double(), torch.randn(11, 4).double(), torch.randn(4)
    first = first.double()
    expected, h = [], first
    for t in range(11):
        h = keep[t] * h + add[t]
        expected.append(h)
    torch.testing.assert_close(linear_scan(keep, add, first), torch.stack(expected))
    started = torch.cat([add[:1] + keep[:1] * first, add[1:]])
    torch.testing.assert_close(scan_by_doubling(keep, started), torch.stack(expected))
    inputs = [v.clone().requires_grad_() for v in (keep, add, first)]
    assert torch.autograd.gradcheck(linear_scan, inputs)


def test_a_core_of_another_name_is_refused() -> None:
    """A core is one of those that there are."""
    with pytest.raises(ValueError, match="lstm, gru, linear"):
        Core(8, 1, "transformer")


def test_states_are_cut_from_the_graph() -> None:
    """A detached state has no gradient."""
    state = State(torch.ones(1, requires_grad=True), torch.ones(1)).detach()
    assert not state.hidden.requires_grad
