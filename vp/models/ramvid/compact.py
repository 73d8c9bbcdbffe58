"""The compact denoiser: a U-Net over frames whose output is mostly moved pixels of known frames.

Every frame is worked on by 2D convolutions at half, a quarter and an eighth of its side, and frames meet in space-time
attention at an eighth. Beside its own noisy self a frame sees the two nearest known frames on either side; flow fields move
the nearest of each side, and softmax masks blend the moved pictures with a synthesised one (as SVG's compact network does).

Known frames attend to known frames only. So their keys and values depend on neither the noise nor the step, and a sampler
computes them once for all steps (`remember`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.warp import warp
from .config import RamvidConfig

HEADS, EMBEDDING, LEVEL_CHANNELS = 4, 128, 64
SIDES = 2  # known frames seen on either side


class Memory(NamedTuple):
    """What attention keeps of known frames: one (keys, values) pair a layer, each (B, heads, K h w, head channels)."""

    layers: tuple[tuple[Tensor, Tensor], ...]

    def rows(self, index: Tensor) -> Memory:
        """Row index[i] of this memory as row i, index int64 (M,)."""
        return Memory(tuple((keys[index], values[index]) for keys, values in self.layers))


class Anchors(NamedTuple):
    """Known frames near each frame: earlier ones, nearest last, then later ones, nearest first.

    pictures: (B, T, 4, C, H, W) in [-1, 1], 0 where there is none. gaps: (B, T, 4), frames between as a share of 20, -1 for
    none.
    """

    pictures: Tensor
    gaps: Tensor


def nearest_known(known: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Indices (B, T, 4) of the two known frames before and the two after each frame, and whether they exist.

    Order: second nearest before, nearest before, nearest after, second nearest after. The frame itself does not count.
    """
    batch, length = known.shape
    gap = times[None, :] - times[:, None]  # [t, u]: how far u lies after t
    far = 10**6
    sides = []
    for distance in (torch.where(gap < 0, -gap, far), torch.where(gap > 0, gap, far)):
        masked = torch.where(known[:, None], distance[None], far)
        if length < SIDES:
            masked = F.pad(masked, (0, SIDES - length), value=far)
        sides.append(masked.topk(SIDES, dim=-1, largest=False))
    before, after = sides
    index = torch.cat([before.indices.flip(-1), after.indices], -1)
    exists = torch.cat([before.values.flip(-1), after.values], -1) < far
    return index.clamp(max=length - 1), exists


def find_anchors(frames: Tensor, known: Tensor, times: Tensor) -> Anchors:
    """From frames (B, T, C, H, W) in [-1, 1], of which the known ones are read, known (B, T), and places in time (T,)."""
    index, exists = nearest_known(known, times)
    batch, length, count = index.shape
    rows = torch.arange(batch, device=frames.device)[:, None, None]
    pictures = torch.where(exists[..., None, None, None], frames[rows, index], 0.0)
    gaps = (times[index] - times[:, None]).abs() / 20
    return Anchors(pictures, torch.where(exists, gaps, -1.0))


def sinusoid(x: Tensor, channels: int) -> Tensor:
    """(...,) to (..., channels): sines and cosines of x in [0, 1] at frequencies from 1 to 1000."""
    frequencies = torch.exp(torch.linspace(0, math.log(1000.0), channels // 2, device=x.device))
    angles = x[..., None].float() * frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


class Residual(nn.Module):
    """Norm, SiLU, convolution, twice; the second norm is scaled and shifted per frame (Nichol & Dhariwal 2021, sec. 3.2)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.norm, self.adapt = nn.GroupNorm(8, outputs, affine=False), nn.Linear(EMBEDDING, 2 * outputs)
        self.second = nn.Sequential(nn.SiLU(), nn.Conv2d(outputs, outputs, 3, padding=1))
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.adapt.weight)
        nn.init.zeros_(self.adapt.bias)
        nn.init.normal_(self.second[-1].weight, std=0.01)

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        """x (M, inputs, h, w), embedding (M, 128)."""
        scale, shift = self.adapt(embedding)[..., None, None].chunk(2, 1)
        return self.skip(x) + self.second(self.norm(self.first(x)) * (1 + scale) + shift)


class SpaceTimeAttention(nn.Module):
    """All positions of all frames attend to each other; time enters by rotating queries and keys (RoPE: Su et al. 2021)."""

    def __init__(self, channels: int, side: int):
        super().__init__()
        self.norm, self.qkv = nn.LayerNorm(channels), nn.Linear(channels, 3 * channels)
        self.place = nn.Parameter(0.02 * torch.randn(side * side, channels))
        self.out = nn.Linear(channels, channels)
        nn.init.normal_(self.out.weight, std=0.01)

    def forward(
        self, x: Tensor, times: Tensor, allowed: Tensor | None, memory: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """x (B, T, C, h, w), times (T,) in frames, allowed bool (B, T, T) or None: which frames a frame sees; memory of frames
        that every frame sees besides. Returns x with what it attended to, and its own keys and values."""
        batch, length, channels, h, w = x.shape
        tokens = x.permute(0, 1, 3, 4, 2).reshape(batch, length, h * w, channels)
        q, k, v = self.qkv(self.norm(tokens) + self.place).chunk(3, -1)
        q, k = rotate(q, times), rotate(k, times)
        q, k, v = (y.reshape(batch, length * h * w, HEADS, -1).transpose(1, 2) for y in (q, k, v))
        own = (k, v)
        if memory is not None:
            k, v = (torch.cat([old, new], 2) for old, new in zip(memory, own))
        mask = None
        if allowed is not None:
            mask = allowed.repeat_interleave(h * w, 1).repeat_interleave(h * w, 2)[:, None]
        seen = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        seen = self.out(seen.transpose(1, 2).reshape(tokens.shape))
        return x + seen.view(batch, length, h, w, channels).permute(0, 1, 4, 2, 3), own


def rotate(x: Tensor, times: Tensor) -> Tensor:
    """Rotates pairs of channels of x (B, T, P, C) by angles that grow with time (T,), each head alike."""
    batch, length, places, channels = x.shape
    half = channels // HEADS // 2
    angles = times[:, None].float() * torch.exp(torch.linspace(0, -math.log(100.0), half, device=x.device))
    cos, sin = (y[None, :, None, None].to(x.dtype) for y in (angles.cos(), angles.sin()))
    a, b = x.view(batch, length, places, HEADS, 2 * half).chunk(2, -1)
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1).view(x.shape)


class CompactDenoiser(nn.Module):
    """Estimates clean frames from noisy ones and known ones."""

    def __init__(self, cfg: RamvidConfig):
        super().__init__()
        self.cfg = cfg
        fine, middle, coarse = cfg.widths
        c, self.candidates = cfg.channels, 2 * cfg.flows
        numbers = nn.Linear(LEVEL_CHANNELS + 1 + 2 * SIDES, EMBEDDING)
        self.embed = nn.Sequential(numbers, nn.SiLU(), nn.Linear(EMBEDDING, EMBEDDING), nn.SiLU())
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * c * (1 + 2 * SIDES), fine, 3, padding=1))
        self.fine_in, self.to_middle = Residual(fine, fine), nn.Conv2d(fine, middle, 3, 2, 1)
        self.middle_in = nn.ModuleList([Residual(middle, middle), Residual(middle, middle)])
        self.to_coarse = nn.Conv2d(middle, coarse, 3, 2, 1)
        self.coarse = nn.ModuleList([Residual(coarse, coarse), Residual(coarse, coarse)])
        self.attention = nn.ModuleList([SpaceTimeAttention(coarse, cfg.size // 8) for _ in self.coarse])
        self.from_coarse = nn.Sequential(nn.Conv2d(coarse, 4 * middle, 1), nn.PixelShuffle(2))
        self.middle_out = nn.ModuleList([Residual(2 * middle, middle), Residual(middle, middle)])
        self.flow = nn.Sequential(nn.GroupNorm(8, middle), nn.SiLU(), nn.Conv2d(middle, 2 * self.candidates, 3, padding=1))
        self.from_middle = nn.Sequential(nn.Conv2d(middle, 4 * fine, 1), nn.PixelShuffle(2))
        self.merge = nn.Conv2d(2 * fine + 4 * c * (self.candidates + 1), fine, 1)
        self.fine_out = Residual(fine, fine)
        self.blend = nn.Sequential(
            nn.GroupNorm(8, fine), nn.SiLU(), nn.Conv2d(fine, 4 * (self.candidates + 1 + c), 3, padding=1), nn.PixelShuffle(2)
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.zeros_(self.flow[-1].bias)

    def forward(self, x: Tensor, known: Tensor, level: Tensor, times: Tensor | None = None) -> Tensor:
        """Clean frames from a whole clip.

        Args:
            x: (B, T, C, H, W) in [-1, 1]: known frames as they are, the others noisy. known: bool (B, T).
            level: (B, T), how clean each frame is: 1 is clean. times: int64 (T,), where the frames lie in time, or None for
                one after another.
        """
        times = torch.arange(x.shape[1], device=x.device) if times is None else times
        allowed = known[:, None, :] | ~known[:, :, None]  # [query, key]: known frames see known frames only
        clean, _ = self.denoise(x, find_anchors(x, known, times), level, known, times, allowed)
        return clean

    def remember(self, frames: Tensor, known: Tensor, level: Tensor, times: Tensor) -> Memory:
        """Keys and values of the known frames: frames (B, T, C, H, W), known bool (T,) alike for all, level (B, T)."""
        mask = known.expand(len(frames), -1)
        anchors = Anchors(*(y[:, known] for y in find_anchors(frames, mask, times)))
        return self.denoise(frames[:, known], anchors, level[:, known], mask[:, known], times[known], only_memory=True)[1]

    def recall(self, x: Tensor, memory: Memory | None, anchors: Anchors, level: Tensor, times: Tensor) -> Tensor:
        """Clean unknown frames (B, U, C, H, W) from noisy ones, their anchors, levels (B, U) and places in time (U,)."""
        unknown = torch.zeros(x.shape[:2], dtype=torch.bool, device=x.device)
        return self.denoise(x, anchors, level, unknown, times, memory=memory)[0]

    def denoise(
        self, x: Tensor, anchors: Anchors, level: Tensor, known: Tensor, times: Tensor, allowed: Tensor | None = None,
        memory: Memory | None = None, only_memory: bool = False,
    ) -> tuple[Tensor | None, Memory]:
        batch, length = x.shape[:2]
        numbers = torch.cat([sinusoid(level, LEVEL_CHANNELS), known[..., None].float(), anchors.gaps], -1)
        embedding = self.embed(numbers.flatten(0, 1))
        pictures = torch.cat([x[:, :, None], anchors.pictures], 2).flatten(0, 1)  # (B T, 5, C, H, W)
        fine = self.fine_in(self.stem(pictures.flatten(1, 2)), embedding)
        middle = self.to_middle(fine)
        for block in self.middle_in:
            middle = block(middle, embedding)
        coarse, kept = self.to_coarse(middle), []
        for index, (block, attention) in enumerate(zip(self.coarse, self.attention)):
            coarse = block(coarse, embedding).unflatten(0, (batch, length))
            coarse, own = attention(coarse, times, allowed, memory and memory.layers[index])
            coarse = coarse.flatten(0, 1)
            kept.append(own)
        if only_memory:
            return None, Memory(tuple(kept))
        up = torch.cat([self.from_coarse(coarse), middle], 1)
        for block in self.middle_out:
            up = block(up, embedding)
        clean = self.compose(up, fine, pictures, embedding)
        return clean.unflatten(0, (batch, length)), Memory(tuple(kept))

    def compose(self, features: Tensor, fine: Tensor, pictures: Tensor, embedding: Tensor) -> Tensor:
        """Clean frames (M, C, H, W) in [-1, 1] from features, and pictures (M, 5, C, H, W): the noisy frame and its anchors."""
        size, each = pictures.shape[-2:], self.candidates // 2
        flow = 8 * self.flow(features).float()
        flow = F.interpolate(flow, size=size, mode="bilinear", align_corners=False).unflatten(1, (self.candidates, 2))
        sources = pictures[:, SIDES : SIDES + 2].repeat_interleave(each, 1).float()  # nearest before, nearest after
        moved = warp(sources.flatten(0, 1), flow.flatten(0, 1)).view_as(sources)
        shown = torch.cat([moved, pictures[:, :1].float()], 1).flatten(1, 2)
        joined = torch.cat([self.from_middle(features), fine, F.pixel_unshuffle(shown, 2)], 1)
        blend = self.blend(self.fine_out(self.merge(joined), embedding)).float()
        masks, drawn = blend.split([self.candidates + 1, self.cfg.channels], 1)
        options = torch.cat([moved, drawn.tanh()[:, None]], 1)
        return (masks.softmax(1)[:, :, None] * options).sum(1)
