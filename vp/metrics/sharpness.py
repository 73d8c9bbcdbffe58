"""Sharpness: mean gradient magnitude of a predicted frame relative to the true one."""

from __future__ import annotations

import torch
from torch import Tensor

from .frames import apply_per_frame

FLAT = 1 / 1024  # mean gradient of a quarter of a grey level per pixel; below it a frame counts as flat


def sharpness(pred: Tensor, truth: Tensor) -> Tensor:
    """Mean gradient magnitude of the prediction over that of the truth: 1 is as sharp, 0 flat, above 1 more edges or noise.

    Gradients are forward differences, averaged over pixels and channels before the division. Where the truth is flat the ratio
    is 1 for a flat prediction; otherwise the denominator is 1/1024, so the result is always finite.

    Args:
        pred, truth: float (..., C, H, W) in [0, 1], broadcastable, at least 2x2.

    Returns:
        float32 (...), never negative.
    """
    return apply_per_frame(edge_ratio, pred, truth, smallest=2)


def edge_ratio(pred: Tensor, truth: Tensor) -> Tensor:
    """`sharpness` of one chunk: (F, C, H, W) twice -> (F,)."""
    ours, theirs = mean_gradient(pred), mean_gradient(truth)
    both_flat = torch.maximum(ours, theirs) < FLAT
    return torch.where(both_flat, 1.0, ours / theirs.clamp(min=FLAT))


def mean_gradient(frames: Tensor) -> Tensor:
    """Mean gradient magnitude of each frame: (F, C, H, W) -> (F,)."""
    down = frames[..., 1:, :-1] - frames[..., :-1, :-1]
    right = frames[..., :-1, 1:] - frames[..., :-1, :-1]
    return torch.hypot(down, right).mean((-3, -2, -1))
