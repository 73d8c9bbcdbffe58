"""A decoder from features to a frame, with a skip connection from the last known frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...nn.blocks import conv_block, pixel_shuffle_block

WIDTH = 32  # channels at half the frame's side


class Painter(nn.Module):
    """Features (M, width, H/4, W/4) to raw maps (M, C, H, W).

    Args:
        channels: of the frames.
        width: of the features.
    """

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.skip = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4 * channels, WIDTH))
        self.up = pixel_shuffle_block(width, WIDTH)
        self.paint = nn.Sequential(conv_block(2 * WIDTH, WIDTH), nn.Conv2d(WIDTH, 4 * channels, 3, padding=1), nn.PixelShuffle(2))

    def forward(self, features: Tensor, skip: Tensor) -> Tensor:
        """Raw maps, float32, from features and from the output of `skip` for a frame, (M, 32, H/2, W/2)."""
        return self.paint(torch.cat([self.up(features), skip], 1)).float()
