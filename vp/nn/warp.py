"""Backward warping of pictures by flow fields."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.constant import cached_constant


def warp(pictures: Tensor, flow: Tensor) -> Tensor:
    """Samples each picture where its flow points: out(p) = pictures(p + flow(p)), bilinear, edge pixels repeated.

    Args:
        pictures: float32 (M, C, H, W).
        flow: float32 (M, 2, H, W) in pixels, x first.
    """
    here, scale = sampling_grid(*pictures.shape[-2:], flow.device, flow.dtype)
    grid = torch.addcmul(here, flow, scale).permute(0, 2, 3, 1)
    return F.grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)


def resize_bilinear(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Float32 maps (M, C, h, w) at another size, bilinear: as `F.interpolate` does it, by products, which are quicker."""
    with torch.autocast(maps.device.type, enabled=False):
        rows, columns = (interpolation_weights(a, b, maps.device, maps.dtype) for a, b in zip(maps.shape[-2:], size))
        return (rows @ (maps.flatten(0, 1) @ columns.T)).unflatten(0, maps.shape[:2])


@cached_constant
def sampling_grid(height: int, width: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Where pixels lie as `F.grid_sample` counts, (2, H, W), and what a pixel's width is there, (2, 1, 1), x first."""
    # with align_corners=False, pixel i lies at (2 i + 1) / size - 1
    xs, ys = ((2 * torch.arange(side, device=device, dtype=dtype) + 1) / side - 1 for side in (width, height))
    here = torch.stack([xs.expand(height, width), ys[:, None].expand(height, width)])
    return here, torch.tensor([2 / width, 2 / height], device=device, dtype=dtype)[:, None, None]


@cached_constant
def interpolation_weights(before: int, after: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """How much each of `before` places gives to each of `after`, (after, before)."""
    even = torch.eye(before, device=device, dtype=dtype)[None]
    return F.interpolate(even, size=after, mode="linear", align_corners=False)[0].T
