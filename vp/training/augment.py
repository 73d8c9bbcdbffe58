"""Augmentation for training on few recordings: clips are mirrored, cropped, and changed in contrast and brightness."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.video import Batch

CLOSER = 0.2  # share of the side that is cut off, at most
CONTRAST, LIGHT = 0.3, 0.1  # how far either may be off, contrast as a share


def draw_variation(clips: int, generators: Sequence[torch.Generator]) -> Tensor:
    """What decides how `clips` clips of each generator are varied: uniform in [0, 1), float32 (B, 6)."""
    return torch.cat([torch.rand(clips, 6, generator=g, device=g.device) for g in generators])


def vary_clips(batch: Batch, draws: Tensor) -> Batch:
    """Each clip augmented in its own way, all of its frames alike.

    Only for clips without actions or per-pixel `extras`, since those refer to positions in the frames (`drawn.is_plain`).

    Args:
        batch: frames float32 (B, T, C, H, W) in [0, 1].
        draws: of `draw_variation`, on the same device.
    """
    count, length, _, height, width = batch.frames.shape
    mirrored, closer, aside, light, contrast = (2 * draws - 1).split([1, 1, 2, 1, 1], 1)
    side = 1 - CLOSER * (closer + 1) / 2
    view = torch.diag_embed(torch.cat([side * torch.where(mirrored < 0, -1.0, 1.0), side], 1))
    view = torch.cat([view, ((1 - side) * aside)[..., None]], 2)
    grid = F.affine_grid(view, [count, 1, height, width], align_corners=False)
    frames = F.grid_sample(batch.frames.flatten(1, 2), grid, padding_mode="border", align_corners=False)
    lit = (frames - 0.5) * (1 + CONTRAST * contrast)[..., None, None] + 0.5 + LIGHT * light[..., None, None]
    return Batch(lit.clamp(0, 1).unflatten(1, (length, -1)), extras=batch.extras)
