"""Backward warping of images by flow fields."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.constant import cached_constant


def warp(images: Tensor, flow: Tensor) -> Tensor:
    """Samples each image where its flow points: out(p) = images(p + flow(p)), bilinear, edge pixels repeated.

    Args:
        images: float32 (M, C, H, W).
        flow: float32 (M, 2, H, W) in pixels, x first. Where it is not finite the result is NaN; on a GPU, where asking would
            make the CPU wait, it is some pixel.
    """
    if flow.device.type == "cpu" and not flow.sum().isfinite():  # the gradient at such places may crash (pytorch issue 24823)
        bad = ~flow.isfinite().all(1, keepdim=True)
        return sample_at(images, flow.masked_fill(bad, 0)).masked_fill(bad, float("nan"))
    return sample_at(images, flow)


def sample_at(images: Tensor, flow: Tensor) -> Tensor:
    """`warp` by a finite flow."""
    here, scale = sampling_grid(*images.shape[-2:], flow.device, flow.dtype)
    grid = torch.addcmul(here, flow, scale).permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def resize_bilinear(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Float32 maps (M, C, h, w) to `size`, bilinear; equals `F.interpolate`, but by matrix products, which are faster."""
    with torch.autocast(maps.device.type, enabled=False):
        rows, columns = (interpolation_weights(a, b, maps.device, maps.dtype) for a, b in zip(maps.shape[-2:], size))
        return (rows @ (maps.flatten(0, 1) @ columns.T)).unflatten(0, maps.shape[:2])


@cached_constant
def sampling_grid(height: int, width: int, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Pixel centres in the coordinates of `F.grid_sample`, (2, H, W), and the width of a pixel there, (2, 1, 1); x first."""
    # with align_corners=False, the centre of pixel i is at (2 i + 1) / size - 1
    xs, ys = ((2 * torch.arange(side, device=device, dtype=dtype) + 1) / side - 1 for side in (width, height))
    here = torch.stack([xs.expand(height, width), ys[:, None].expand(height, width)])
    return here, torch.tensor([2 / width, 2 / height], device=device, dtype=dtype)[:, None, None]


@cached_constant
def interpolation_weights(before: int, after: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Linear interpolation from `before` to `after` samples as a matrix (after, before)."""
    even = torch.eye(before, device=device, dtype=dtype)[None]
    return F.interpolate(even, size=after, mode="linear", align_corners=False)[0].T
