"""The compact network: what its features see and how its layers move."""

import pytest
import torch

from vp.models.svg import tiny
from vp.models.svg.compact import CompactSVG
from vp.models.svg.network import preceding


def test_compact_features_show_the_velocity_and_need_no_frame_before_the_first():
    model = CompactSVG(tiny())
    frames = torch.rand(2, 3, 1, 32, 32)
    assert torch.equal(preceding(frames)[:, 1:], frames[:, :-1]) and torch.equal(preceding(frames)[:, 0], frames[:, 0])
    with torch.no_grad():
        still, moving = (model.encode(frames[:, 2], before)[0] for before in (frames[:, 2], frames[:, 1]))
    assert not torch.allclose(still, moving)


def test_a_layer_goes_on_with_its_velocity_when_nothing_renews_it():
    """With the renewal shut and no field, layers move by the same step every time."""
    model = CompactSVG(tiny())
    composer = model.composer
    with torch.no_grad():
        composer.flow[-1].weight.zero_()
        composer.flow[-1].bias.zero_()
        composer.flow[-1].bias.split(composer.motions)[2].fill_(-100.0)  # renewals
    pictures, frame, plan = torch.zeros(1, 2, 1, 32, 32), torch.zeros(1, 1, 32, 32), torch.zeros(1, 16, 8, 8)
    pictures[..., 8:12, 8:12] = 1.0
    velocity = torch.tensor([[[2.0, 0.0], [0.0, -1.0]]])
    layers = model.begin(1, frame).layers._replace(pictures=pictures, velocity=velocity)
    for gap in (1.0, 2.0):
        layers, _ = composer.move(layers, frame, plan, gap)
    assert torch.allclose(layers.velocity, velocity)
    ys, xs = layers.moved[0, 0, 0].gt(0.5).nonzero().unbind(1)  # out(p) = layer(p + shift): content moves against the shift
    assert (xs.float().mean().item(), ys.float().mean().item()) == pytest.approx((9.5 - 6, 9.5), abs=0.3)
