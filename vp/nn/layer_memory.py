"""Known frames stored in layers, which are moved by learned flow instead of being synthesised anew.

Gates write frames into K layers. Each layer has a velocity, kept until the network renews it, plus a small flow field. Every step
extends each layer's displacement and warps the stored layer once by the whole displacement, which avoids blur from repeated
resampling. Softmax masks blend the layers, the moved previous frame and a synthesised image (after Finn et al. 2016, CDNA,
section 3.2; Lee et al. 2018, SAVP, section 3.4). An occluded object stays complete in its layer. The assignment of content to
layers is learned from frames without supervision.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import conv_block, pixel_shuffle_block
from .warp import resize_bilinear, warp

MAX_FLOW = 16.0  # largest speed, pixels per frame
BEND = 0.3  # scale of the flow field that is added to a layer's velocity
WRITE, BLEND, MIX = 16, 24, 48  # channels at half the frame's side: for writing, for blending


class LayerState(NamedTuple):
    """Stored layers and their motion so far.

    Args:
        pictures: float32 (B, K, C, H, W) in [0, 1], the layers as written.
        velocity: float32 (B, K, 2), pixels per frame, x first.
        displacement: float32 (B, 2K, h, w), pixels from the current frame back to the layers as written, on a coarse grid.
        moved: float32 (B, K, C, H, W), the layers warped by it.
    """

    pictures: Tensor
    velocity: Tensor
    displacement: Tensor
    moved: Tensor


class LayerMemory(nn.Module):
    """Writes frames into layers, moves and blends them; the only part of a network that works at full resolution.

    Args:
        features: channels of the maps that control motion and blending, at a quarter of the frame's side.
        write_features: channels of the maps that control writing, at a quarter of the frame's side.
        layers: number of layers, K.
        channels: channels of the frames, C.
        previous: whether the moved previous frame is a source too. It is resampled at every step, so it blurs.
        drawn: whether a synthesised image is a source too. Squared error makes it blurred where the model is uncertain.
        hard: take every pixel from the source with the largest mask, which prevents blurred mixtures; gradients are those of
            the soft blend (straight-through, Bengio et al. 2013, arXiv 1308.3432).
    """

    def __init__(
        self, features: int, write_features: int, layers: int, channels: int, previous: bool = True, drawn: bool = True,
        hard: bool = False,
    ):  # fmt: skip
        super().__init__()
        self.layers, self.channels, self.previous, self.drawn, self.hard = layers, channels, previous, drawn, hard
        written = 4 * channels * (layers + 1)
        self.sources = layers + previous
        self.motions = (2 * layers, layers, layers, 2 * layers, 2 * previous)  # see `advance`
        self.flow = nn.Sequential(conv_block(features, features), nn.Conv2d(features, sum(self.motions), 3, padding=1))
        self.write_up = pixel_shuffle_block(write_features, WRITE)
        self.gates = nn.Sequential(conv_block(WRITE + written, 32), nn.Conv2d(32, 4 * layers, 3, padding=1), nn.PixelShuffle(2))
        self.blend_up = nn.Sequential(nn.Conv2d(features, 4 * BLEND, 1), nn.PixelShuffle(2), nn.LeakyReLU(0.2, inplace=True))
        self.blend = nn.Sequential(
            conv_block(BLEND + 4 * channels * self.sources, MIX),
            conv_block(MIX, MIX),
            nn.Conv2d(MIX, 4 * (self.sources + drawn * (1 + channels)), 3, padding=1),
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.normal_(self.flow[-1].weight.split(self.motions)[1], std=0.1)
        nn.init.zeros_(self.flow[-1].bias)
        nn.init.constant_(self.gates[-2].bias, 2.0)  # at first every layer takes the frame as it is

    def empty_state(self, frame: Tensor) -> LayerState:
        """State without content, for frames of the shape of `frame`, (B, C, H, W)."""
        batch, _, height, width = frame.shape
        blank = frame.new_zeros(batch, self.layers, *frame.shape[1:])
        displacement = frame.new_zeros(batch, 2 * self.layers, height // 4, width // 4)
        return LayerState(blank, frame.new_zeros(batch, self.layers, 2), displacement, blank)

    def write(self, state: LayerState, frame: Tensor, features: Tensor) -> LayerState:
        """Blends a known frame (B, C, H, W) into the layers by gates computed from `features` (B, write_features, H/4, W/4)."""
        frame = frame[:, None]
        pictures = F.pixel_unshuffle(torch.cat([state.moved, frame], 1).flatten(1, 2), 2)
        gates = self.gates(torch.cat([self.write_up(features), pictures], 1)).float().sigmoid()
        written = torch.lerp(state.moved, frame.expand_as(state.moved), gates[:, :, None])
        return state._replace(pictures=written, displacement=torch.zeros_like(state.displacement))

    def advance(self, state: LayerState, previous: Tensor, features: Tensor, dt: float = 1.0) -> tuple[LayerState, Tensor]:
        """Moves each layer by one velocity of its own and a slight bend; displacements add up, stored frames stay as they are.

        Args:
            state: the layers.
            previous: float32 (B, C, H, W), the frame before.
            features: (B, features, H/4, W/4).
            dt: time step in frames.

        Returns:
            The layers `dt` frames later, and the sources of the next frame, (B, S, C, H, W): the moved layers and, where it is a
            source, the previous frame moved by a flow field of its own.
        """
        votes, weights, renewals, bend, recent = self.flow(features).float().split(self.motions, 1)
        weights = weights.flatten(2).softmax(-1)  # (B, K, positions): weight of each position's vote for a layer
        votes = (votes.unflatten(1, (-1, 2)).flatten(3) * weights[:, :, None]).sum(-1)
        renewal = (renewals.flatten(2) * weights).sum(-1, keepdim=True).sigmoid()
        velocity = torch.lerp(state.velocity, MAX_FLOW * votes, renewal)
        most = MAX_FLOW * max(dt, 1.0)
        step = most * torch.tanh((dt * velocity.flatten(1)[..., None, None] + BEND * bend) / most)

        size, side = previous.shape[-2:], step.shape[-2:]
        coarse = side[0] / size[0]  # the displacement is itself sampled where the step points
        before = warp(state.displacement.reshape(-1, 2, *side), step.reshape(-1, 2, *side) * coarse)
        displacement = step + before.view_as(step)
        flows = resize_bilinear(torch.cat([displacement, recent], 1), size).reshape(-1, 2, *size)
        sources = torch.cat([state.pictures, previous[:, None]], 1) if self.previous else state.pictures
        moved = warp(sources.flatten(0, 1), flows).view_as(sources)
        return LayerState(state.pictures, velocity, displacement, moved[:, : self.layers]), moved

    def compose(self, moved: Tensor, features: Tensor, extra: Tensor | None = None) -> Tensor:
        """Blends the sources to the next frame.

        Args:
            moved: float32 (B, S, C, H, W), the sources from `advance`.
            features: (B, features, H/4, W/4).
            extra: (B, 24, H/2, W/2) or None, added to the features that the masks are computed from.

        Returns:
            float32 (B, C, H, W) in [0, 1].
        """
        x = self.blend_up(features)
        if extra is not None:
            x = x + extra
        order = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.preserve_format
        fine = F.pixel_unshuffle(moved.flatten(1, 2), 2)  # mixed there, each pixel of four for itself, and put back at the end
        x = torch.cat([x, fine.to(x.dtype, memory_format=order)], 1)
        blend = self.blend(x).to(torch.float32, memory_format=torch.contiguous_format).unflatten(1, (-1, 4))
        candidates = fine.unflatten(1, (*moved.shape[1:3], 4))
        masks = blend
        if self.drawn:
            masks, drawn = blend.split([self.sources + 1, self.channels], 1)
            candidates = torch.cat([candidates, drawn.sigmoid()[:, None]], 1)
        masks = masks.softmax(1)
        if self.hard:
            chosen = torch.zeros_like(masks).scatter_(1, masks.argmax(1, keepdim=True), 1.0)
            masks = chosen + (masks - masks.detach()) if masks.requires_grad else chosen
        return F.pixel_shuffle((masks[:, :, None] * candidates).sum(1).flatten(1, 2), 2)
