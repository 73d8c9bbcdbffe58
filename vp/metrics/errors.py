"""Errors of unclipped predictions, as sums or means over the pixels of a frame.

Moving MNIST tables report sums (since Srivastava et al. 2015): a black prediction has an MSE of 174 per frame on the official
test set. Between frames of different sizes only means are comparable.
"""

from __future__ import annotations

from torch import Tensor

from .frames import apply_per_frame


def mse(a: Tensor, b: Tensor) -> Tensor:
    """Squared differences summed over channels and pixels.

    Args:
        a, b: float (..., C, H, W), the truth in [0, 1], broadcastable.

    Returns:
        float32 (...), never negative; 0 for equal frames.
    """
    return apply_per_frame(lambda x, y: (x - y).square().sum((-3, -2, -1)), a, b)


def mae(a: Tensor, b: Tensor) -> Tensor:
    """Absolute differences summed over channels and pixels; arguments and result as for `mse`."""
    return apply_per_frame(lambda x, y: (x - y).abs().sum((-3, -2, -1)), a, b)


def pixel_mse(a: Tensor, b: Tensor) -> Tensor:
    """Squared differences, mean over channels and pixels; arguments and result as for `mse`."""
    return apply_per_frame(lambda x, y: (x - y).square().mean((-3, -2, -1)), a, b)


def pixel_mae(a: Tensor, b: Tensor) -> Tensor:
    """Absolute differences, mean over channels and pixels; arguments and result as for `mse`."""
    return apply_per_frame(lambda x, y: (x - y).abs().mean((-3, -2, -1)), a, b)
