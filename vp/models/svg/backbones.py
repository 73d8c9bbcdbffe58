"""The published frame encoders and decoders of SVG: dcgan and vgg, at 64 and 128 pixels (Denton & Fergus 2018, appendix).

An encoder turns a frame (M, C, H, W) in [0, 1] into a vector h (M, g_dim) and one skip map for each stage; a decoder
mirrors it and concatenates the skips. Weights start as N(0, 0.02), as in the released code.

A convolution over [x, skip] is one over x plus one over the skip. Skips stay frozen for many steps and futures, so the
decoder computes what they add once (`project_skips`) and reuses it at every frame (`forward`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DCGAN_WIDTHS = {64: (64, 128, 256, 512), 128: (64, 128, 256, 512, 512)}
VGG_STAGES = {
    64: ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512)),
    128: ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
}


def strided_block(inputs: int, outputs: int) -> nn.Sequential:
    """4x4 convolution that halves the side, BatchNorm, LeakyReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True))


def transposed_block(inputs: int, outputs: int) -> nn.Sequential:
    """4x4 transposed convolution that doubles the side, BatchNorm, LeakyReLU."""
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True))


def same_size_block(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, BatchNorm, LeakyReLU."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True))


def same_size_chain(inputs: int, widths: tuple[int, ...]) -> nn.Sequential:
    """One `same_size_block` per width, flattened into one nn.Sequential, as a VGG stage."""
    pairs = zip((inputs, *widths), widths)
    return nn.Sequential(*(module for a, b in pairs for module in same_size_block(a, b)))


def vector_head(g_dim: int) -> nn.Sequential:
    """The encoder's last layers: (M, 512, 4, 4) to (M, g_dim) in [-1, 1]."""
    return nn.Sequential(nn.Conv2d(512, g_dim, 4), nn.BatchNorm2d(g_dim), nn.Tanh(), nn.Flatten())


def vector_stem(g_dim: int) -> nn.Sequential:
    """The decoder's first layers: (M, g_dim) to (M, 512, 4, 4)."""
    return nn.Sequential(
        nn.Unflatten(1, (g_dim, 1, 1)),
        nn.ConvTranspose2d(g_dim, 512, 4),
        nn.BatchNorm2d(512),
        nn.LeakyReLU(0.2, inplace=True),
    )


class DCGANEncoder(nn.Module):
    def __init__(self, size: int, channels: int, g_dim: int):
        super().__init__()
        widths = DCGAN_WIDTHS[size]
        self.stages = nn.ModuleList(strided_block(a, b) for a, b in zip((channels, *widths), widths))
        self.head = vector_head(g_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(h, skip of the finest stage, ..., skip of the coarsest)."""
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
        return (self.head(x), *skips)


def convolve_half(conv: nn.Conv2d | nn.ConvTranspose2d, x: Tensor, skip: bool) -> Tensor:
    """One of the two summands of conv(cat([x, skip], 1)); `skip` says which half `x` is. The bias belongs to x."""
    transposed = isinstance(conv, nn.ConvTranspose2d)
    weight = conv.weight.tensor_split(2, 0 if transposed else 1)[skip]
    convolve = F.conv_transpose2d if transposed else F.conv2d
    return convolve(x, weight, None if skip else conv.bias, conv.stride, conv.padding)


class Decoder(nn.Module):
    """Base of both decoders: `stages`, coarse to fine, each with a first convolution over [enlarge(x), skip]."""

    head: nn.Sequential
    enlarge: nn.Module
    stages: nn.ModuleList
    last: nn.Module

    def project_skips(self, *skips: Tensor) -> tuple[Tensor, ...]:
        """Skips, finest first, to the summand of each in the first convolution of its stage, coarsest first."""
        return tuple(convolve_half(stage[0], skip, True) for stage, skip in zip(self.stages, reversed(skips)))

    def forward(self, g: Tensor, *projected: Tensor) -> Tensor:
        """g (M, g_dim) and the results of `project_skips` for M rows to frames (M, C, H, W) in [0, 1]."""
        x = self.head(g)
        for stage, added in zip(self.stages, projected):
            x = stage[1:](convolve_half(stage[0], self.enlarge(x), False) + added)
        return self.last(x)

    def forward_concatenated(self, g: Tensor, *skips: Tensor) -> Tensor:
        """The same frames computed as published: every skip, finest first, is concatenated and convolved at every frame."""
        x = self.head(g)
        for stage, skip in zip(self.stages, reversed(skips)):
            x = stage(torch.cat([self.enlarge(x), skip], 1))
        return self.last(x)


class DCGANDecoder(Decoder):
    def __init__(self, size: int, channels: int, g_dim: int):
        super().__init__()
        widths = DCGAN_WIDTHS[size][::-1]
        self.head, self.enlarge, self.last = vector_stem(g_dim), nn.Identity(), nn.Sigmoid()
        self.stages = nn.ModuleList(transposed_block(2 * a, b) for a, b in zip(widths, widths[1:]))
        self.stages.append(nn.Sequential(nn.ConvTranspose2d(2 * widths[-1], channels, 4, 2, 1)))


class VGGEncoder(nn.Module):
    def __init__(self, size: int, channels: int, g_dim: int):
        super().__init__()
        stages = VGG_STAGES[size]
        inputs = (channels, *(widths[-1] for widths in stages))
        self.stages = nn.ModuleList(same_size_chain(a, widths) for a, widths in zip(inputs, stages))
        self.pool = nn.MaxPool2d(2)
        self.head = vector_head(g_dim)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """(h, skip of the finest stage, ..., skip of the coarsest), skips taken before pooling."""
        skips = []
        for stage in self.stages:
            x = stage(x)
            skips.append(x)
            x = self.pool(x)
        return (self.head(x), *skips)


class VGGDecoder(Decoder):
    def __init__(self, size: int, channels: int, g_dim: int):
        super().__init__()
        plan = VGG_STAGES[size][::-1]
        # each stage mirrors its encoder stage and narrows, at its last layer, to the width of the next finer one
        ends = [widths[-1] for widths in plan[1:]] + [plan[-1][-1]]
        bodies = [(*widths[:-1], end) for widths, end in zip(plan, ends)]
        bodies[-1] = bodies[-1][:1]
        self.head, self.enlarge = vector_stem(g_dim), nn.Upsample(scale_factor=2, mode="nearest")
        self.stages = nn.ModuleList(same_size_chain(2 * widths[-1], body) for widths, body in zip(plan, bodies))
        self.last = nn.Sequential(nn.ConvTranspose2d(bodies[-1][-1], channels, 3, 1, 1), nn.Sigmoid())


ENCODERS = {"dcgan": DCGANEncoder, "vgg": VGGEncoder}
DECODERS = {"dcgan": DCGANDecoder, "vgg": VGGDecoder}


def init_published_weights(module: nn.Module) -> None:
    """For `nn.Module.apply`: W ~ N(0, 0.02), b = 0; BatchNorm W ~ N(1, 0.02), b = 0; recurrent cells keep the default."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)):
        nn.init.normal_(module.weight, 1.0 if isinstance(module, nn.BatchNorm2d) else 0.0, 0.02)
        nn.init.zeros_(module.bias)
