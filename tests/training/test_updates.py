"""Optimiser and weight average in lists of tensors: what they compute is what one tensor after the other gives."""

import pytest
import torch
from torch import nn

from vp.training.muon import NEWTON_SCHULZ, Muon, is_matrix, orthogonalize

SHAPES = [(32, 16, 3, 3), (32, 16, 3, 3), (64, 16), (16, 64), (64, 16), (24, 24), (5,), (3, 40), (1,)]


def one_by_one(matrix: torch.Tensor) -> torch.Tensor:
    """Newton-Schulz as published, for one matrix."""
    a, b, c = NEWTON_SCHULZ
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def written_out(parameters, gradients, lr, betas, momentum, weight_decay, eps):
    """The weights after each of the steps with these gradients, by the formulas for one parameter."""
    weights, (first, second) = [p.clone() for p in parameters], betas
    moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p in parameters]
    for step, of_step in enumerate(gradients, 1):
        for p, g, (m, v) in zip(weights, of_step, moments):
            if is_matrix(p):
                m += (1 - momentum) * (g - m)
                matrix = (g + momentum * (m - g)).flatten(1)
                p *= 1 - lr * weight_decay
                p -= lr * 0.2 * max(matrix.shape) ** 0.5 * one_by_one(matrix).view_as(p)
            else:
                m += (1 - first) * (g - m)
                v += (1 - second) * (g * g - v)
                p -= lr * m / (1 - first**step) / ((v / (1 - second**step)).sqrt() + eps)
    return weights


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("together", [True, False])
def test_steps_of_many_matrices_are_those_of_each_alone(layout, together):
    torch.manual_seed(0)
    start = [torch.randn(shape) for shape in SHAPES]
    gradients = [[torch.randn(shape) for shape in SHAPES] for _ in range(6)]
    gradients[2][3] *= 1e3  # one of a stack must not scale the others
    parameters = [nn.Parameter(x.clone(memory_format=layout) if x.ndim == 4 else x.clone()) for x in start]
    settings = {"lr": 0.02, "betas": (0.8, 0.95), "momentum": 0.9, "weight_decay": 0.1, "eps": 1e-8}
    optimizer = Muon(parameters, **settings, together=together)
    for of_step in gradients:
        for p, g in zip(parameters, of_step):
            p.grad = g.clone(memory_format=layout if g.ndim == 4 else torch.contiguous_format)
        optimizer.step()
    for p, wanted in zip(parameters, written_out(start, gradients, **settings)):
        torch.testing.assert_close(p.detach(), wanted, atol=2e-5, rtol=1e-4)


def test_parameters_without_a_gradient_keep_their_own_count_of_steps():
    parameters = [nn.Parameter(torch.ones(5)), nn.Parameter(torch.ones(6)), nn.Parameter(torch.ones(20, 20))]
    optimizer = Muon(parameters, lr=0.1)
    for index in (0, 1):
        for p in parameters:
            p.grad = None
        parameters[0].grad = torch.full((5,), 0.5)
        if index:
            parameters[1].grad = torch.full((6,), 0.5)
        optimizer.step()
    assert [float(optimizer.state[p]["step"]) for p in parameters[:2]] == [2, 1] and not optimizer.state[parameters[2]]
    torch.testing.assert_close(parameters[0].detach(), torch.full((5,), 0.8))
    torch.testing.assert_close(parameters[1].detach(), torch.full((6,), 0.9))


def test_a_stack_is_orthogonalised_matrix_by_matrix():
    stack = torch.randn(3, 40, 20, generator=torch.Generator().manual_seed(0)) * torch.tensor([1e-3, 1.0, 1e3])[:, None, None]
    for x, wanted in zip(orthogonalize(stack), stack):
        torch.testing.assert_close(x, one_by_one(wanted), atol=1e-4, rtol=1e-4)
