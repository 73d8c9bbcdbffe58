"""Convolutions that our compact networks are made of."""

from __future__ import annotations

from torch import nn

from .group_norm import GroupNorm


def conv_block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    """3x3 convolution, GroupNorm (no statistics of the batch or of time), LeakyReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1), GroupNorm(8, outputs, leak=0.2))


def pixel_shuffle_block(inputs: int, outputs: int) -> nn.Sequential:
    """A map of twice the side: a 1x1 convolution, its channels shuffled into pixels."""
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 1), nn.PixelShuffle(2))
