"""RaMViD's own network: the improved-DDPM U-Net with every convolution made three-dimensional (Hoeppe et al. 2022; MIT).

Residual blocks of 3x3x3 convolutions at four scales, joint space-time attention at 16 and 8 pixels and in the middle, halving in
space only. It sees no mask: known frames are simply clean. 235.1 M parameters at 64 pixels.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import RamvidConfig

WIDTH, BLOCKS, HEADS, ATTENTION_SIDES = 128, 2, 4, (16, 8)
MULTIPLIERS = {32: (1, 2, 2, 2), 64: (1, 2, 3, 4), 128: (1, 2, 3, 4), 256: (1, 1, 2, 2, 4, 4)}
EMBEDDING = 4 * WIDTH


def timestep_embedding(t: Tensor) -> Tensor:
    """Sines and cosines (B, 128) of t in [0, 1000] (Vaswani et al. 2017)."""
    half = WIDTH // 2
    angles = t[:, None].float() * torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
    return torch.cat([angles.cos(), angles.sin()], 1)


class Residual(nn.Module):
    """Two 3x3x3 convolutions beside a skip connection; the embedding scales and shifts the normalised features between them."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(32, inputs), nn.SiLU(), nn.Conv3d(inputs, outputs, 3, padding=1))
        self.adapt = nn.Sequential(nn.SiLU(), nn.Linear(EMBEDDING, 2 * outputs))
        self.norm, self.last = nn.GroupNorm(32, outputs), nn.Conv3d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv3d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        scale, shift = self.adapt(embedding)[:, :, None, None, None].chunk(2, 1)
        return self.skip(x) + self.last(F.silu(self.norm(self.first(x)) * (1 + scale) + shift))


class Attention(nn.Module):
    """Self-attention over all positions and times together."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm, self.qkv = nn.GroupNorm(32, channels), nn.Conv1d(channels, 3 * channels, 1)
        self.out = nn.Conv1d(channels, channels, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        flat = x.flatten(2)
        q, k, v = self.qkv(self.norm(flat)).unflatten(1, (3, HEADS, -1)).transpose(-1, -2).unbind(1)
        seen = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).flatten(1, 2)
        return x + self.out(seen).view_as(x)


class Down(nn.Module):
    """Halves height and width by a strided convolution; time keeps its length."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv3d(channels, channels, 3, (1, 2, 2), 1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        return self.conv(x)


class Up(nn.Module):
    """Doubles height and width by nearest neighbour and a convolution; time keeps its length."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=(1, 2, 2), mode="nearest"))


class Chain(nn.ModuleList):
    """Modules applied in turn, each with the embedding as a second argument."""

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        for block in self:
            x = block(x, embedding)
        return x


def residual_stage(inputs: int, outputs: int, side: int) -> Chain:
    """A residual block at resolution `side`, with attention behind it where ATTENTION_SIDES holds that resolution."""
    return Chain([Residual(inputs, outputs), *([Attention(outputs)] if side in ATTENTION_SIDES else [])])


class PublishedDenoiser(nn.Module):
    """Predicts the noise in x.

    From x (B, T, C, H, W) at `level` = t / 1000, (B, T) and the same for all frames of a clip, to noise shaped like x; it ignores
    `known` and `times`.
    """

    def __init__(self, cfg: RamvidConfig):
        super().__init__()
        self.cfg = cfg
        if cfg.size not in MULTIPLIERS:
            raise ValueError(f"size is {cfg.size}; the published network takes {', '.join(map(str, MULTIPLIERS))}")
        widths, side = [WIDTH * m for m in MULTIPLIERS[cfg.size]], cfg.size
        self.embed = nn.Sequential(nn.Linear(WIDTH, EMBEDDING), nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING))
        self.stem = nn.Conv3d(cfg.channels, WIDTH, 3, padding=1)
        self.down, skips, now = nn.ModuleList(), [WIDTH], WIDTH
        for level, width in enumerate(widths):
            for _ in range(BLOCKS):
                self.down.append(residual_stage(now, width, side))
                skips.append(now := width)
            if level < len(widths) - 1:
                self.down.append(Down(now))
                skips.append(now)
                side //= 2
        self.middle = Chain([Residual(now, now), Attention(now), Residual(now, now)])
        self.up = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for index in range(BLOCKS + 1):
                blocks = residual_stage(now + skips.pop(), width, side)
                now = width
                if level and index == BLOCKS:
                    blocks.append(Up(now))
                    side *= 2
                self.up.append(blocks)
        self.out = nn.Sequential(nn.GroupNorm(32, now), nn.SiLU(), nn.Conv3d(now, cfg.channels, 3, padding=1))
        nn.init.zeros_(self.out[-1].weight)
        nn.init.zeros_(self.out[-1].bias)

    def forward(self, x: Tensor, known: Tensor, level: Tensor, times: Tensor | None = None) -> Tensor:
        embedding = self.embed(timestep_embedding(1000 * level[:, -1]))
        h = self.stem(x.transpose(1, 2))
        skips = [h]
        for block in self.down:
            h = block(h, embedding)
            skips.append(h)
        h = self.middle(h, embedding)
        for block in self.up:
            h = block(torch.cat([h, skips.pop()], 1), embedding)
        return self.out(h).transpose(1, 2)
