"""Convolution blocks of the compact networks."""

from __future__ import annotations

from torch import Tensor, nn

from .fused import can_fuse, split_bias
from .group_norm import GroupNorm


class ConvBlock(nn.Sequential):
    """A convolution and a GroupNorm; one kernel adds the bias and normalises where that is possible, see `fused`."""

    def forward(self, x: Tensor) -> Tensor:
        conv, norm = self
        return norm(*split_bias(conv, x)) if norm.fused and can_fuse(x) else norm(conv(x))


def conv_block(inputs: int, outputs: int, stride: int = 1) -> ConvBlock:
    """3x3 convolution, GroupNorm, LeakyReLU: (M, inputs, H, W) -> (M, outputs, H / stride, W / stride)."""
    return ConvBlock(nn.Conv2d(inputs, outputs, 3, stride, 1), GroupNorm(8, outputs, leak=0.2))


def pixel_shuffle_block(inputs: int, outputs: int) -> nn.Sequential:
    """1x1 convolution and pixel shuffle: (M, inputs, H, W) -> (M, outputs, 2H, 2W)."""
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 1), nn.PixelShuffle(2))
