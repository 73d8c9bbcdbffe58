"""Backward warping of pictures by flow fields."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(pictures: Tensor, flow: Tensor) -> Tensor:
    """Samples each picture where its flow points: out(p) = pictures(p + flow(p)), bilinear, edge pixels repeated.

    Args:
        pictures: float32 (M, C, H, W). flow: float32 (M, 2, H, W) in pixels, x first.
    """
    height, width = pictures.shape[-2:]
    xs = torch.arange(width, device=flow.device, dtype=flow.dtype)
    ys = torch.arange(height, device=flow.device, dtype=flow.dtype)
    # with align_corners=False, pixel i lies at (2 i + 1) / size - 1
    x = (flow[:, 0] + xs) * (2 / width) + (1 / width - 1)
    y = (flow[:, 1] + ys[:, None]) * (2 / height) + (1 / height - 1)
    grid = torch.stack([x, y], -1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
