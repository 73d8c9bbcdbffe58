"""Layers that remember frames: how they are written and how they move."""

import pytest
import torch

from vp.nn.layer_memory import LayerMemory

FRAME, FEATURES = torch.zeros(1, 1, 32, 48), torch.zeros(1, 16, 8, 12)  # wider than high


def memory() -> LayerMemory:
    torch.manual_seed(0)
    return LayerMemory(features=16, write_features=24, layers=2, channels=1)


@torch.no_grad()
def test_a_layer_goes_on_with_its_velocity_when_nothing_renews_it():
    """With the renewal shut and no bend, layers move by the same step every time, sampled from where they were written."""
    made = memory()
    made.flow[-1].weight.zero_()
    made.flow[-1].bias.zero_()
    made.flow[-1].bias.split(made.motions)[2].fill_(-100.0)  # renewals
    pictures, velocity = torch.zeros(1, 2, 1, 32, 48), torch.tensor([[[2.0, 0.0], [0.0, -1.0]]])
    pictures[..., 8:12, 8:12] = 1.0
    state = made.empty_state(FRAME)._replace(pictures=pictures, velocity=velocity)
    for dt in (1.0, 2.0):
        state, _ = made.advance(state, FRAME, FEATURES, dt)
    assert torch.allclose(state.velocity, velocity) and torch.equal(state.pictures, pictures)
    ys, xs = state.moved[0, 0, 0].gt(0.5).nonzero().unbind(1)  # out(p) = layer(p + displacement): content moves against it
    assert (xs.float().mean().item(), ys.float().mean().item()) == pytest.approx((9.5 - 6, 9.5), abs=0.3)


@torch.no_grad()
def test_what_is_written_lies_between_what_was_there_and_the_frame_and_starts_from_rest():
    made, frame = memory(), torch.rand(1, 1, 32, 48)
    state = made.empty_state(FRAME)
    written = made.write(state._replace(displacement=torch.ones_like(state.displacement)), frame, torch.randn(1, 24, 8, 12))
    assert (written.pictures > 0).any() and (written.pictures <= frame[:, None] + 1e-6).all()
    assert (written.displacement == 0).all()


@torch.no_grad()
def test_a_composed_frame_is_a_blend_and_what_comes_beside_changes_it():
    made, sources = memory(), torch.rand(1, 3, 1, 32, 48)
    plain = made.compose(sources, FEATURES)
    assert plain.shape == (1, 1, 32, 48) and plain.min() >= 0 and plain.max() <= 1
    assert torch.equal(made.compose(sources, FEATURES, torch.zeros(1, 24, 16, 24)), plain)
    assert not torch.equal(made.compose(sources, FEATURES, torch.randn(1, 24, 16, 24)), plain)


@torch.no_grad()
def test_with_nothing_but_layers_a_pixel_lies_between_theirs_and_hard_masks_take_it_from_one_of_them():
    sources, apart = torch.rand(1, 2, 1, 32, 48), []
    for hard in (False, True):
        torch.manual_seed(0)
        made = LayerMemory(16, 24, 2, 1, previous=False, drawn=False, hard=hard)
        _, moved = made.advance(made.empty_state(FRAME), FRAME, FEATURES)
        assert moved.shape[1] == 2
        frame = made.compose(sources, FEATURES)
        assert (frame >= sources.amin(1) - 1e-6).all() and (frame <= sources.amax(1) + 1e-6).all()
        apart.append((frame - sources.transpose(0, 1)).abs().amin(0).max())
    assert apart[1] < 1e-6 < 0.01 < apart[0]


def test_hard_masks_are_learned_as_soft_ones_are():
    grads = []
    for hard in (False, True):
        torch.manual_seed(0)
        made = LayerMemory(16, 24, 2, 1, previous=False, drawn=False, hard=hard)
        made.compose(torch.rand(1, 2, 1, 32, 48), torch.rand(1, 16, 8, 12)).mean().backward()
        grads.append(made.blend[-1].weight.grad)
    assert torch.allclose(*grads, atol=1e-7) and grads[0].abs().sum() > 0
