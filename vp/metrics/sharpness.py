"""Sharpness: how much edge a predicted frame has for each bit of edge in the true one."""

from __future__ import annotations

import torch
from torch import Tensor

from .frames import apply_per_frame

FLAT = 1 / 1024  # mean gradient below a quarter of a grey level a pixel: no edges an 8-bit frame could hold


def sharpness(pred: Tensor, truth: Tensor) -> Tensor:
    """Mean gradient magnitude of the prediction over that of the truth: 1 is as sharp, 0 flat, above 1 noisier.

    Gradients are forward differences; the means run over pixels and channels of a frame before they are divided. Where
    the truth is flat the ratio is 1 for a flat prediction, and otherwise taken over 1/1024, so it is always finite.

    Args:
        pred, truth: float (..., C, H, W) in [0, 1], broadcastable, at least 2x2.

    Returns:
        float32 (...), never negative.
    """
    return apply_per_frame(edge_ratio, pred, truth, smallest=2)


def edge_ratio(pred: Tensor, truth: Tensor) -> Tensor:
    ours, theirs = mean_gradient(pred), mean_gradient(truth)
    both_flat = torch.maximum(ours, theirs) < FLAT
    return torch.where(both_flat, 1.0, ours / theirs.clamp(min=FLAT))


def mean_gradient(frames: Tensor) -> Tensor:
    """Mean gradient magnitude of each frame: (F, C, H, W) -> (F,)."""
    down = frames[..., 1:, :-1] - frames[..., :-1, :-1]
    right = frames[..., :-1, 1:] - frames[..., :-1, :-1]
    return torch.hypot(down, right).mean((-3, -2, -1))
