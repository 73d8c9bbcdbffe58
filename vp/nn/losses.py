"""Image losses that several families share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS = 3  # of the Laplacian pyramid
ERROR_FLOOR, SQUARED_FLOOR = 0.003, 1e-5  # added before the logarithm: error scales below which it levels off


def gradient_difference_loss(a: Tensor, b: Tensor) -> Tensor:
    """Gradient difference loss of images (..., H, W) along both axes (Mathieu et al. 2016, eq. 6, alpha 1, as a mean)."""
    return sum((a.diff(dim=axis).abs() - b.diff(dim=axis).abs()).abs().mean() for axis in (-2, -1))


def pyramid_error(difference: Tensor) -> Tensor:
    """Mean absolute error on a Laplacian pyramid (Niklaus & Liu 2018, section 3.3), from differences (M, C, H, W): (M,).

    As the pyramid is linear, it is built from the difference of two images. Each level has twice the weight of the finer one.
    """
    total, weight = 0.0, 0.5
    for _ in range(LEVELS):
        low = F.avg_pool2d(difference, 2)
        total = total + weight * (difference - F.interpolate(low, scale_factor=2, mode="nearest")).abs().mean((1, 2, 3))
        difference, weight = low, 2 * weight
    return total + weight * difference.abs().mean((1, 2, 3))


def log_error(absolute: Tensor, squared: Tensor, weight: float) -> Tensor:
    """Mean logarithm of the images' absolute errors (`pyramid_error`) plus `weight` times that of the squared errors: clips with
    little and with much motion count alike, and the squared part is what PSNR measures."""
    return torch.log(absolute + ERROR_FLOOR).mean() + weight * torch.log(squared + SQUARED_FLOOR).mean()
