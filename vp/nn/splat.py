"""Forward warping: every pixel is carried to where it moves, and what is in front hides what is behind.

Niklaus & Liu 2020, Softmax Splatting for Video Frame Interpolation, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..core.precision import without_autocast
from .motion_input import affine_flow, fit_affine_flow

IN_FRONT = 6.0  # importance of what is far from where the camera's motion would have it
COVERED = 0.5  # share of a pixel that has to be covered for it to count as filled


def splat(maps: Tensor, flow: Tensor, importance: Tensor) -> tuple[Tensor, Tensor]:
    """Carries each pixel of the maps along the flow, bilinearly; where several meet, the mean by exp(importance).

    Args:
        maps: float32 (M, C, H, W).
        flow: float32 (M, 2, H, W) in pixels, x first: how far each pixel moves. Where it is not finite the result means nothing.
        importance: float32 (M, 1, H, W).

    Returns:
        float32 (M, C, H, W), 0 where nothing comes to lie, and (M, 1, H, W) in [0, 1], how far a pixel is filled.
    """
    height, width = maps.shape[-2:]
    here = torch.arange(width, device=maps.device), torch.arange(height, device=maps.device)[:, None]
    x, y = here[0] + flow[:, 0], here[1] + flow[:, 1]
    weight = importance.exp()
    carried = torch.cat([weight * maps, weight, torch.ones_like(weight)], 1).flatten(2)
    total = torch.zeros_like(carried)
    for right in (0, 1):
        for down in (0, 1):
            column, row = x.floor() + right, y.floor() + down
            near = (1 - (x - column).abs()) * (1 - (y - row).abs())
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
            share, place = (near * inside).flatten(1)[:, None], place.nan_to_num().long().flatten(1)[:, None]
            total = total.scatter_add(2, place.expand_as(carried), share * carried)
    summed, weights, covered = total.unflatten(2, (height, width)).split([maps.shape[1], 1, 1], 1)
    return summed / weights.clamp(min=1e-6), (covered / COVERED).clamp(max=1)


@without_autocast
def carry_whole(maps: Tensor, flow: Tensor, motion: Tensor, far: float) -> tuple[Tensor, Tensor]:
    """`splat` with what moves apart from the camera in front of what does not.

    Args:
        maps, flow: as there.
        motion: float32 (M, 2, H, W), from which the camera's is fitted.
        far: px apart from the camera's motion that count in full.
    """
    apart = (motion - affine_flow(fit_affine_flow(motion), motion.shape[-2:])).norm(dim=1, keepdim=True)
    return splat(maps, flow, IN_FRONT * (apart / far).clamp(max=1))
