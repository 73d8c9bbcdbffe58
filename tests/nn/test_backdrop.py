"""The last layer of a backdrop is the last known frame, and stays where it is."""

import torch

from vp.nn.backdrop import Backdrop


@torch.no_grad()
def test_the_backdrop_is_the_last_stored_frame_to_the_bit_whatever_the_network_says():
    torch.manual_seed(0)
    made, plan = Backdrop(width=16, notes=24, layers=3, channels=1, size=32), torch.randn(2, 16, 8, 8)
    made.flow[-1].weight.normal_()
    frames = torch.rand(4, 2, 1, 32, 32)
    layers = made.begin(2, frames[0])
    for frame in frames[:2]:
        layers = made.store(layers, frame, torch.randn(2, 24, 8, 8))
        for _ in range(3):
            layers, recent = made.move(layers, frame, plan)
    torch.testing.assert_close(layers.moved[:, -1], frames[1], atol=1e-5, rtol=0)
    assert (layers.moved[:, 0] - frames[1]).abs().mean() > 0.01
    shown = made.compose(layers.moved, recent, plan)
    assert shown.shape == (2, 1, 32, 32) and shown.min() >= 0 and shown.max() <= 1
