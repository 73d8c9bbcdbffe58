"""Layers that remember frames: how they are written and how they move."""

import pytest
import torch

from vp.nn.moving_layers import Composer, Layers

FRAME, PLAN = torch.zeros(1, 1, 32, 32), torch.zeros(1, 16, 8, 8)


def composer():
    torch.manual_seed(0)
    return Composer(width=16, notes=24, layers=2, channels=1, size=32)


@torch.no_grad()
def test_a_layer_goes_on_with_its_velocity_when_nothing_renews_it():
    """With the renewal shut and no field, layers move by the same step every time, sampled from where they were stored."""
    made = composer()
    made.flow[-1].weight.zero_()
    made.flow[-1].bias.zero_()
    made.flow[-1].bias.split(made.motions)[2].fill_(-100.0)  # renewals
    pictures, velocity = torch.zeros(1, 2, 1, 32, 32), torch.tensor([[[2.0, 0.0], [0.0, -1.0]]])
    pictures[..., 8:12, 8:12] = 1.0
    layers = Layers.empty(1, 2, 1, 32, 8, FRAME)._replace(pictures=pictures, velocity=velocity)
    for gap in (1.0, 2.0):
        layers, _ = made.move(layers, FRAME, PLAN, gap)
    assert torch.allclose(layers.velocity, velocity) and torch.equal(layers.pictures, pictures)
    ys, xs = layers.moved[0, 0, 0].gt(0.5).nonzero().unbind(1)  # out(p) = layer(p + shift): content moves against the shift
    assert (xs.float().mean().item(), ys.float().mean().item()) == pytest.approx((9.5 - 6, 9.5), abs=0.3)


@torch.no_grad()
def test_what_is_stored_lies_between_what_was_there_and_the_frame_and_starts_from_rest():
    layers, frame = Layers.empty(1, 2, 1, 32, 8, FRAME), torch.rand(1, 1, 32, 32)
    moved = layers._replace(shift=torch.ones_like(layers.shift))
    stored = composer().store(moved, frame, torch.randn(1, 24, 8, 8))
    assert (stored.pictures > 0).any() and (stored.pictures <= frame[:, None] + 1e-6).all() and (stored.shift == 0).all()


@torch.no_grad()
def test_a_composed_frame_is_a_blend_and_a_glimpse_changes_it():
    made, moved, recent = composer(), torch.rand(1, 2, 1, 32, 32), torch.rand(1, 1, 32, 32)
    plain = made.compose(moved, recent, PLAN)
    assert plain.shape == recent.shape and plain.min() >= 0 and plain.max() <= 1
    assert torch.equal(made.compose(moved, recent, PLAN, torch.zeros(1, 24, 16, 16)), plain)
    assert not torch.equal(made.compose(moved, recent, PLAN, torch.randn(1, 24, 16, 16)), plain)
