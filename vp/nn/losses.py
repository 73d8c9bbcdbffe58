"""Distances between pictures that two or more families train with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 3  # of the Laplacian pyramid
ERROR_FLOOR, SQUARED_FLOOR = 0.01, 1e-4  # errors below which a picture is good enough


def gradient_difference_loss(a: Tensor, b: Tensor) -> Tensor:
    """How far the sizes of the gradients differ, along both axes (Mathieu et al. 2016, eq. 6, alpha 1, as a mean)."""
    return sum((a.diff(dim=axis).abs() - b.diff(dim=axis).abs()).abs().mean() for axis in (-2, -1))


def pyramid_error(difference: Tensor) -> Tensor:
    """Mean absolute error on a Laplacian pyramid (Niklaus & Liu 2018, section 3.3), of differences (M, C, H, W): (M,).

    A pyramid is linear, so the one of the difference is the difference of the two. Each level weighs twice the finer one.
    """
    total, weight = 0.0, 0.5
    for _ in range(LEVELS):
        low = F.avg_pool2d(difference, 2)
        total = total + weight * (difference - F.interpolate(low, scale_factor=2, mode="nearest")).abs().mean((1, 2, 3))
        difference, weight = low, 2 * weight
    return total + weight * difference.abs().mean((1, 2, 3))


def log_error(absolute: Tensor, squared: Tensor, weight: float) -> Tensor:
    """Mean logarithm of pictures' absolute errors, see `pyramid_error`, and `weight` times that of their squared ones: a clip
    that hardly moves then counts as much as one where much happens, and the squared part is what PSNR measures."""
    return torch.log(absolute + ERROR_FLOOR).mean() + weight * torch.log(squared + SQUARED_FLOOR).mean()
