"""The motion-composing output: remembered layers that keep moving, blended with the previous frame and a drawn picture.

Known frames are written into K layers where gates open; afterwards the layers stay as they are. A layer keeps a velocity
until the network renews it, by votes of all cells pooled with attention, and a small field bends its motion. Its whole
displacement since it was stored is carried along, so that it is sampled once and never blurs by being sampled again and
again. Candidates are blended by softmax masks (after Finn et al. 2016; Lee et al. 2018, SAVP). The same ideas as our
compact SVG network's, for any plans.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.warp import warp
from .blocks import block, enlarge
from .config import VPNConfig
from .output import Code, Output

MAX_FLOW = 16.0  # pixels a frame, at most
BEND = 0.3  # how easily a layer's motion departs from its velocity


class Canvas(NamedTuple):
    """What moves from frame to frame.

    layers: (B, K, C, H, W), anchored at the last stored frame. velocity: (B, K, 2) pixels a frame, x first. shift:
    (B, 2K, H/4, W/4), displacement in pixels from the present to the anchor. moved: the layers through their shift. frame: the
    last one stored or seen.
    """

    layers: Tensor
    velocity: Tensor
    shift: Tensor
    moved: Tensor
    frame: Tensor


class Composer(Output):
    """Moves and blends pictures at full resolution; features stay at half of it or less.

    Args:
        width: channels of the plans. notes: channels of what comes with a stored frame.
    """

    chained = True

    def __init__(self, cfg: VPNConfig, width: int, notes: int):
        super().__init__()
        layers, c = cfg.layers, cfg.channels
        self.layers, self.channels, self.size = layers, c, cfg.size
        self.motions = (2 * layers, layers, layers, 2 * layers, 2)  # see `move`
        self.flow = nn.Sequential(block(width, width), nn.Conv2d(width, sum(self.motions), 3, padding=1))
        self.write_up = enlarge(notes, 16)
        self.write = nn.Sequential(
            block(16 + 4 * c * (layers + 1), 32), nn.Conv2d(32, 4 * layers, 3, padding=1), nn.PixelShuffle(2)
        )
        self.blend_up = nn.Sequential(enlarge(width, 24), nn.LeakyReLU(0.2, inplace=True))
        self.blend = nn.Sequential(
            block(24 + 4 * c * (layers + 1), 48),
            block(48, 48),
            nn.Conv2d(48, 4 * (layers + 2 + c), 3, padding=1),
            nn.PixelShuffle(2),
        )
        nn.init.normal_(self.flow[-1].weight, std=0.01)
        nn.init.normal_(self.flow[-1].weight.split(self.motions)[1], std=0.1)
        nn.init.zeros_(self.flow[-1].bias)
        nn.init.constant_(self.write[-2].bias, 2.0)  # at first every layer takes the frame as it is

    def begin(self, batch: int, like: Tensor) -> Canvas:
        layers = like.new_zeros(batch, self.layers, self.channels, self.size, self.size)
        shift = like.new_zeros(batch, 2 * self.layers, self.size // 4, self.size // 4)
        return Canvas(layers, like.new_zeros(batch, self.layers, 2), shift, layers, layers[:, 0])

    def store(self, canvas: Canvas, frame: Tensor, notes: Tensor) -> Canvas:
        """Writes the frame into the layers where the gates are open."""
        seen = frame[:, None]
        pictures = F.pixel_unshuffle(torch.cat([canvas.moved, seen], 1).flatten(1, 2), 2)
        gates = self.write(torch.cat([self.write_up(notes), pictures], 1)).float().sigmoid()
        layers = torch.lerp(canvas.moved, seen.expand_as(canvas.moved), gates[:, :, None])
        return Canvas(layers, canvas.velocity, torch.zeros_like(canvas.shift), layers, frame)

    def see(self, canvas: Canvas, frame: Tensor) -> Canvas:
        return canvas._replace(frame=frame)

    def move(self, canvas: Canvas, plan: Tensor) -> tuple[Canvas, Code]:
        """The layers one frame on, and the previous frame through a flow field of its own."""
        votes, weights, renewals, field, recent = self.flow(plan).float().split(self.motions, 1)
        weights = weights.flatten(2).softmax(-1)  # (B, K, cells): whose vote counts for a layer
        votes = (votes.unflatten(1, (-1, 2)).flatten(3) * weights[:, :, None]).sum(-1)
        renewal = (renewals.flatten(2) * weights).sum(-1, keepdim=True).sigmoid()
        velocity = torch.lerp(canvas.velocity, MAX_FLOW * votes, renewal)
        step = velocity.flatten(1)[..., None, None] + BEND * field
        step = MAX_FLOW * torch.tanh(step / MAX_FLOW)
        side = step.shape[-2:]
        coarse = side[0] / self.size  # the shift field is itself sampled where the step points
        before = warp(canvas.shift.reshape(-1, 2, *side), step.reshape(-1, 2, *side) * coarse)
        shift = step + before.view_as(step)
        fields = torch.cat([shift, recent], 1)
        full = F.interpolate(fields, size=(self.size, self.size), mode="bilinear", align_corners=False)
        sources = torch.cat([canvas.layers, canvas.frame[:, None]], 1)
        pictures = warp(sources.flatten(0, 1), full.reshape(-1, 2, self.size, self.size)).view_as(sources)
        return Canvas(canvas.layers, velocity, shift, pictures[:, :-1], canvas.frame), (pictures, plan)

    def render(self, pictures: Tensor, plan: Tensor) -> Tensor:
        """The frame, in [0, 1]: a softmax mask for each of the moved pictures and one for a drawn one."""
        features = torch.cat([self.blend_up(plan), F.pixel_unshuffle(pictures.flatten(1, 2), 2)], 1)
        masks, drawn = self.blend(features).float().split([self.layers + 2, self.channels], 1)
        candidates = torch.cat([pictures, drawn.sigmoid()[:, None]], 1)
        return (masks.softmax(1)[:, :, None] * candidates).sum(1)
