"""A 3D U-Net (after Cicek et al. 2016): from a stack of pictures to features for as many others, all at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def pair(inputs: int, outputs: int) -> nn.Sequential:
    """Two 3x3x3 convolutions, each with GroupNorm and SiLU."""
    layers = []
    for count in (inputs, outputs):
        layers += [nn.Conv3d(count, outputs, 3, padding=1), nn.GroupNorm(8, outputs), nn.SiLU(inplace=True)]
    return nn.Sequential(*layers)


class UNet3d(nn.Module):
    """Halves time, height and width from level to level, and enlarges them again beside what it had there.

    Args:
        inputs, outputs: channels. widths: of the levels, multiples of 8.
    """

    def __init__(self, inputs: int, widths: Sequence[int], outputs: int):
        super().__init__()
        self.down = nn.ModuleList(pair(a, b) for a, b in zip((inputs, *widths), widths))
        finest, *wider = widths
        self.up = nn.ModuleList(pair(a + b, b) for a, b in zip(wider[::-1], [finest, *wider[:-1]][::-1]))
        self.head = nn.Conv3d(finest, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, H, W) to (B, outputs, T, H, W); T, H and W multiples of 2 ** (levels - 1)."""
        seen = []
        for level in self.down:
            x = level(F.avg_pool3d(x, 2) if seen else x)
            seen.append(x)
        for level, skip in zip(self.up, seen[-2::-1]):
            x = level(torch.cat([F.interpolate(x, scale_factor=2, mode="nearest"), skip], 1))
        return self.head(x)
