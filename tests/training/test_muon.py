"""The optimiser: what its two halves compute."""

import pytest
import torch
from torch import nn

from vp.training.muon import Muon, orthogonalize


@pytest.mark.parametrize("shape", [(16, 200), (200, 16), (64, 64)])
def test_the_update_keeps_the_directions_and_levels_the_singular_values(shape):
    torch.manual_seed(0)
    matrix = torch.randn(shape) @ torch.diag(torch.logspace(-1, 1, shape[1]))
    u, values, vt = torch.linalg.svd(matrix, full_matrices=False)
    inner = u.T @ orthogonalize(matrix) @ vt.T
    strong = torch.diagonal(inner)[values > values[0] / 100]
    assert strong.min() > 0.6 and strong.max() < 1.25
    assert (inner - torch.diag(torch.diagonal(inner))).abs().max() < 0.02


def test_vectors_and_narrow_matrices_are_stepped_by_adamw():
    torch.manual_seed(0)
    ours, theirs = (nn.ParameterList([nn.Parameter(torch.ones(7)), nn.Parameter(torch.ones(3, 40))]) for _ in range(2))
    optimizers = Muon(ours, lr=0.01, betas=(0.9, 0.99)), torch.optim.AdamW(theirs, lr=0.01, betas=(0.9, 0.99), weight_decay=0)
    for _ in range(5):
        gradients = [torch.randn_like(p) for p in ours]
        for parameters, optimizer in zip((ours, theirs), optimizers):
            for p, gradient in zip(parameters, gradients):
                p.grad = gradient.clone()
            optimizer.step()
    for a, b in zip(ours, theirs):
        torch.testing.assert_close(a, b)


def test_kernels_move_by_the_learning_rate_times_a_fifth_whatever_the_gradient():
    torch.manual_seed(0)
    for scale in (1e-4, 1e4):
        kernel = nn.Parameter(torch.zeros(32, 16, 3, 3))
        optimizer = Muon([kernel], lr=0.1)
        kernel.grad = scale * torch.randn_like(kernel)
        optimizer.step()
        assert kernel.detach().square().mean().sqrt() == pytest.approx(0.1 * 0.2, rel=0.25)
