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
    # with align_corners=False, pixel i lies at (2 i + 1) / size - 1
    xs, ys = ((2 * torch.arange(side, device=flow.device, dtype=flow.dtype) + 1) / side - 1 for side in (width, height))
    here = torch.stack([xs.expand(height, width), ys[:, None].expand(height, width)])
    scale = torch.cat([flow.new_full((1, 1, 1), 2 / side) for side in (width, height)])
    grid = torch.addcmul(here, flow, scale).permute(0, 2, 3, 1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def widened(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Float32 maps (M, C, h, w) at another size, bilinear: as `F.interpolate` does it, by products, which are quicker."""
    with torch.autocast(maps.device.type, enabled=False):
        rows, columns = (weights(a, b, maps) for a, b in zip(maps.shape[-2:], size))
        return (rows @ (maps.flatten(0, 1) @ columns.T)).unflatten(0, maps.shape[:2])


def weights(before: int, after: int, like: Tensor) -> Tensor:
    """How much each of `before` places gives to each of `after`, (after, before)."""
    places = torch.eye(before, device=like.device, dtype=like.dtype)[None]
    return F.interpolate(places, size=after, mode="linear", align_corners=False)[0].T
