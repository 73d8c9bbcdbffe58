"""A 3D U-Net (Cicek et al. 2016): from a stack of pictures to as many others, all at once.

As published: two 3x3x3 convolutions a level, transposed convolutions back up, what a level had before beside what comes from
below. Ours, because an output stands for another time than the input in its place:

- Time keeps its length; height and width halve from level to level, by strides.
- At the coarsest level all times are stacked as channels and mixed by 2D convolutions (`TimeMixing`, after the translator of
  SimVP, Gao et al. 2022, Simpler yet Better Video Prediction, section 3). Time is so short-sighted in 3x3x3 convolutions that
  the picture 16 steps ahead would hardly learn of the last one given.
- What goes across at the other levels is mixed over time within each channel, so that every output finds the last picture
  given, not the one 16 steps before it, in full detail.
- GroupNorm (Wu and He 2018) and SiLU instead of batch statistics and ReLU.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.group_norm import GroupNorm

GROUPS = 8
RESIDUALS = 2  # residual blocks of 2D convolutions between all times


def conv_pair(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """Two 3x3x3 convolutions, each with GroupNorm and SiLU; `stride` of the first one, over height and width."""
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, (1, stride, stride), padding=1),
        GroupNorm(GROUPS, outputs),
        nn.SiLU(inplace=True),
        nn.Conv3d(outputs, outputs, 3, padding=1),
        GroupNorm(GROUPS, outputs),
        nn.SiLU(inplace=True),
    )


def stack_times(x: Tensor) -> Tensor:
    """(B, C, T, H, W) as (B, C * T, H, W), the times of a channel next to each other."""
    return x.flatten(1, 2)


class Residual(nn.Module):
    """Two 3x3 convolutions beside a skip connection (He et al. 2016)."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1),
            GroupNorm(GROUPS, channels),
            nn.SiLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1),
            GroupNorm(GROUPS, channels),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        return F.silu(x + self.layers(x))


class TimeMixing(nn.Module):
    """All times of a map mixed by 2D convolutions, beside a skip connection.

    Args:
        steps: T of the maps.
        channels: of the maps.
        width: channels in between, a multiple of 8.
    """

    def __init__(self, steps: int, channels: int, width: int):
        super().__init__()
        self.read = nn.Sequential(nn.Conv2d(steps * channels, width, 1), GroupNorm(GROUPS, width), nn.SiLU(inplace=True))
        self.blocks = nn.Sequential(*(Residual(width) for _ in range(RESIDUALS)))
        self.write = nn.Conv2d(width, steps * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T, H, W) to the same shape."""
        return x + self.write(self.blocks(self.read(stack_times(x)))).view_as(x)


class TimeMap(nn.Module):
    """Each output time is a learned sum over the input times of the same channel, pixel by pixel.

    Args:
        steps: T of the maps.
        channels: of the maps.
    """

    def __init__(self, steps: int, channels: int):
        super().__init__()
        self.sums = nn.Conv2d(steps * channels, steps * channels, 1, groups=channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, T, H, W) to the same shape."""
        return self.sums(stack_times(x)).view_as(x)


class UNet3d(nn.Module):
    """From T given pictures to T others.

    Args:
        inputs: channels read.
        outputs: channels written.
        widths: channels of the levels, multiples of 8, from the finest to the coarsest.
        steps: T.
        mixing: channels of `TimeMixing`, a multiple of 8.
    """

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int], steps: int, mixing: int):
        super().__init__()
        finer = list(zip(widths[:0:-1], widths[-2::-1]))  # (a level's width, that of the next finer one), from the coarsest on
        self.down = nn.ModuleList(
            conv_pair(a, b, 2 if level else 1) for level, (a, b) in enumerate(zip((inputs, *widths), widths))
        )
        self.mixing = TimeMixing(steps, widths[-1], mixing)
        self.enlarge = nn.ModuleList(nn.ConvTranspose3d(a, b, (1, 2, 2), (1, 2, 2)) for a, b in finer)
        self.across = nn.ModuleList(TimeMap(steps, b) for _, b in finer)
        self.up = nn.ModuleList(conv_pair(2 * b, b) for _, b in finer)
        self.head = nn.Conv3d(widths[0], outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, T, H, W) to (B, outputs, T, H, W); H and W multiples of 2 ** (levels - 1)."""
        seen = []
        for level in self.down:
            x = level(x)
            seen.append(x)
        x = self.mixing(x)
        for enlarge, across, level, skip in zip(self.enlarge, self.across, self.up, seen[-2::-1]):
            x = level(torch.cat([enlarge(x), across(skip)], 1))
        return self.head(x)
