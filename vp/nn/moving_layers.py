"""Pictures that are moved instead of repainted.

Gates write frames into K remembered layers. A layer keeps a velocity of its own and moves on with it until the network renews
it; a small flow field bends the motion. Every step extends each layer's displacement, samples the layer once through the
whole displacement, so that nothing blurs by being resampled again and again, and blends the layers, the moved previous frame
and a synthesised picture by softmax masks (after Finn et al. 2016; Lee et al. 2018, SAVP). A digit hidden behind another
stays whole in its layer.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import block, enlarge
from .paths import Path
from .warp import warp, widened

MAX_FLOW = 16.0  # pixels a frame, at most
BEND = 0.3  # how easily a layer's motion departs from its velocity


class Layers(NamedTuple):
    """What is remembered, and where it has got to.

    pictures: (B, K, C, H, W), as stored. velocity: (B, K, 2) pixels a frame, x first. shift: (B, 2K, h, w), displacement in
    pixels from the present to where the pictures were stored, on a coarse grid. moved: the pictures through it. path, and at,
    (B, K, 2) px: where sprites that follow paths are believed to be, and where they are drawn.
    """

    pictures: Tensor
    velocity: Tensor
    shift: Tensor
    moved: Tensor
    path: Path | None = None
    at: Tensor | None = None

    @classmethod
    def empty(cls, batch: int, count: int, channels: int, size: int, side: int, like: Tensor) -> Layers:
        blank = like.new_zeros(batch, count, channels, size, size)
        return cls(blank, like.new_zeros(batch, count, 2), like.new_zeros(batch, 2 * count, side, side), blank)


class Mover(nn.Module):
    """What layers and sprites have in common. Where they blend, they set `blend_up` and `blend`.

    Args:
        count: layers or sprites, K. channels: of the frames, C. size: side of the frames, px, a multiple of 4.
    """

    def __init__(self, count: int, channels: int, size: int):
        super().__init__()
        self.count, self.channels, self.size = count, channels, size

    def begin(self, batch: int, like: Tensor) -> Layers:
        """Nothing remembered yet."""
        return Layers.empty(batch, self.count, self.channels, self.size, self.size // 4, like)

    def settle(self, layers: Layers, frames: Tensor) -> Layers:
        """The layers once all known frames (B, T, C, H, W) have been stored."""
        return layers

    @staticmethod
    def shifted(
        layers: Layers, frame: Tensor, velocity: Tensor, step: Tensor, recent: Tensor | None
    ) -> tuple[Layers, Tensor]:
        """The layers a `step` (B, 2K, h, w) px on, and the previous frame through its own flow `recent` (B, 2, h, w), if any."""
        size, side = frame.shape[-2:], step.shape[-2:]
        coarse = side[0] / size[0]  # the displacement is itself sampled where the step points
        before = warp(layers.shift.reshape(-1, 2, *side), step.reshape(-1, 2, *side) * coarse)
        shift = step + before.view_as(step)
        flows, sources = shift, layers.pictures
        if recent is not None:
            flows, sources = torch.cat([shift, recent], 1), torch.cat([sources, frame[:, None]], 1)
        pictures = warp(sources.flatten(0, 1), widened(flows, size).reshape(-1, 2, *size)).view_as(sources)
        layers = layers._replace(velocity=velocity, shift=shift, moved=pictures[:, : layers.pictures.shape[1]])
        return layers, frame if recent is None else pictures[:, -1]

    def blend_of(self, pictures: Tensor, plan: Tensor, glimpse: Tensor | None) -> Tensor:
        """One (B, C, H, W) in [0, 1] of the pictures (B, N, C, H, W) and a drawn one; `glimpse` (B, 24, H/2, W/2) is added to the
        features it is read from."""
        features = self.blend_up(plan)
        if glimpse is not None:
            features = features + glimpse
        order = torch.channels_last if features.is_contiguous(memory_format=torch.channels_last) else torch.preserve_format
        fine = F.pixel_unshuffle(pictures.flatten(1, 2), 2)  # mixed there, each pixel of four for itself, and put back at the end
        features = torch.cat([features, fine.to(features.dtype, memory_format=order)], 1)
        blend = self.blend(features).to(torch.float32, memory_format=torch.contiguous_format).unflatten(1, (-1, 4))
        masks, drawn = blend.split([pictures.shape[1] + 1, self.channels], 1)
        candidates = torch.cat([fine.unflatten(1, (*pictures.shape[1:3], 4)), drawn.sigmoid()[:, None]], 1)
        return F.pixel_shuffle((masks.softmax(1)[:, :, None] * candidates).sum(1).flatten(1, 2), 2)


class Composer(Mover):
    """Writes frames into layers, moves them and blends them: the only full-resolution part, free of features there.

    Args:
        width: channels of the plans it moves and blends by, and notes: of the maps it stores by, both at a quarter of the
            frame's side. layers: K. channels: C. size: the frame's side, px.
    """

    def __init__(self, width: int, notes: int, layers: int, channels: int, size: int):
        super().__init__(layers, channels, size)
        pictures = 4 * channels * (layers + 1)
        self.motions = (2 * layers, layers, layers, 2 * layers, 2)  # see `move`
        self.flow = nn.Sequential(block(width, width), nn.Conv2d(width, sum(self.motions), 3, padding=1))
        self.write_up = enlarge(notes, 16)
        self.write = nn.Sequential(block(16 + pictures, 32), nn.Conv2d(32, 4 * layers, 3, padding=1), nn.PixelShuffle(2))
        self.blend_up = nn.Sequential(nn.Conv2d(width, 4 * 24, 1), nn.PixelShuffle(2), nn.LeakyReLU(0.2, inplace=True))
        self.blend = nn.Sequential(
            block(24 + pictures, 48),
            block(48, 48),
            nn.Conv2d(48, 4 * (layers + 2 + channels), 3, padding=1),
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.normal_(self.flow[-1].weight.split(self.motions)[1], std=0.1)
        nn.init.zeros_(self.flow[-1].bias)
        nn.init.constant_(self.write[-2].bias, 2.0)  # at first every layer takes the frame as it is

    def store(self, layers: Layers, frame: Tensor, notes: Tensor) -> Layers:
        """The layers with `frame` (B, C, H, W) written in where the gates are open."""
        seen = frame[:, None]
        pictures = F.pixel_unshuffle(torch.cat([layers.moved, seen], 1).flatten(1, 2), 2)
        gates = self.write(torch.cat([self.write_up(notes), pictures], 1)).float().sigmoid()
        written = torch.lerp(layers.moved, seen.expand_as(layers.moved), gates[:, :, None])
        return layers._replace(pictures=written, shift=torch.zeros_like(layers.shift))

    def move(self, layers: Layers, frame: Tensor, plan: Tensor, gap: float = 1.0) -> tuple[Layers, Tensor]:
        """The layers `gap` frames on, and the previous frame through a flow field of its own."""
        votes, weights, renewals, field, recent = self.flow(plan).float().split(self.motions, 1)
        weights = weights.flatten(2).softmax(-1)  # (B, K, cells): whose vote counts for a layer
        votes = (votes.unflatten(1, (-1, 2)).flatten(3) * weights[:, :, None]).sum(-1)
        renewal = (renewals.flatten(2) * weights).sum(-1, keepdim=True).sigmoid()
        velocity = torch.lerp(layers.velocity, MAX_FLOW * votes, renewal)
        step = gap * velocity.flatten(1)[..., None, None] + BEND * field
        most = MAX_FLOW * max(gap, 1.0)
        return self.shifted(layers, frame, velocity, most * torch.tanh(step / most), recent)

    def compose(self, moved: Tensor, recent: Tensor, plan: Tensor, glimpse: Tensor | None = None) -> Tensor:
        """The next frame (B, C, H, W) in [0, 1]; `glimpse` (B, 24, H/2, W/2) is added to the features it is read from."""
        return self.blend_of(torch.cat([moved, recent[:, None]], 1), plan, glimpse)
