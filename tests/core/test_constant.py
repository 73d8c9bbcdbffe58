"""Tensors made once: the same ones again, and fit for gradients even if first made where none are wanted."""

import torch

from vp.core.constant import cached_constant, constant_vector
from vp.nn.warp import warp


def test_what_is_made_once_is_the_same_tensor_again():
    calls = []

    @cached_constant
    def made(side: int) -> torch.Tensor:
        calls.append(side)
        return torch.arange(side)

    assert made(3) is made(3) and made(4).tolist() == [0, 1, 2, 3] and calls == [3, 4]


def test_constants_are_of_the_kind_of_what_they_go_with():
    row = constant_vector([True, 0.5], torch.zeros(1, dtype=torch.float64))
    assert row.tolist() == [1.0, 0.5] and row.dtype == torch.float64


def test_what_was_made_while_sampling_serves_training_too():
    pictures, flow = torch.rand(1, 1, 9, 11), torch.zeros(1, 2, 9, 11)
    with torch.inference_mode():
        warp(pictures, flow)
    flow.requires_grad_()
    warp(pictures, flow).square().sum().backward()
    assert flow.grad.abs().sum() > 0
