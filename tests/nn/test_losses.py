"""Distances between pictures."""

import pytest
import torch

from vp.nn.losses import gradient_difference_loss


@pytest.mark.parametrize("shape", [(1, 1, 8, 8), (1, 1, 1, 8, 8)])
def test_the_difference_of_gradients_sees_edges_and_nothing_else(shape):
    flat, step = torch.full(shape, 0.2), torch.zeros(shape)
    step[..., 4:] = 1.0
    assert gradient_difference_loss(flat, flat + 0.5) == 0 == gradient_difference_loss(step, 1 - step)
    assert gradient_difference_loss(step, flat).item() == pytest.approx(8 / 56)  # a column of 8 among 8x7 differences
