"""Pictures that are moved instead of repainted: a sprite for each thing that moves.

Known frames are shared out among K sprites, pixel by pixel, and written into them; what is hidden stays as it was. A sprite has
a velocity of its own and a small field that bends its motion. While frames are known its velocity is tracked (`tracking`);
later it is kept until the network renews it. Every step extends a sprite's displacement and samples it once through the whole
of it, so that nothing blurs by being resampled again and again. A frame is blended from all sprites together, the moved
previous frame and a drawn picture (after Finn et al. 2016; Lee et al. 2018, SAVP); or sprites are cut out and laid over each
other and nothing is painted: a network that cannot fade what it is unsure of decides.

The same weights serve all sprites: each is told what it holds, what the others hold, and sees the frame from a side of its own.
Which thing goes into which sprite nobody says; that a sprite holds one thing only is taught (`separation`).
"""

from __future__ import annotations

import math
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .blocks import block, enlarge
from .moving_layers import BEND, MAX_FLOW, Layers, Mover
from .tracking import displaced
from .warp import warp

NOTES, TOLD, FEATURES = 16, 64, 24
MOTIONS = (2, 1, 1, 2)  # of every place: its vote for the velocity, the vote's weight, whether to renew it, the bend
RARELY, MOSTLY, TRUSTING = -2.0, 1.0, 4.0  # how readily velocities are renewed, frames written and errors heeded, at first
FAINT = 0.01  # what counts as ink where there is none
DIM, BRIGHTER = 0.1, 3.0  # where something dimmer than that is shown, and by how much it may be brightened


def others(pictures: Tensor) -> Tensor:
    """Of each sprite (B, K, C, H, W) what the others show together."""
    alone = pictures.unbind(1)
    kept = [alone[:k] + alone[k + 1 :] or (torch.zeros_like(alone[k]),) for k in range(len(alone))]
    return torch.stack([reduce(torch.maximum, shown) for shown in kept], 1)


def outlooks(frame: Tensor, count: int) -> Tensor:
    """Coordinates about the middle of the ink, (B, K, 2, H/2, W/2), turned by 1/K of a circle from sprite to sprite: from
    there each can tell which side is its own."""
    ink = F.avg_pool2d(frame.mean(1, keepdim=True), 2)[:, 0]
    ys, xs = (torch.linspace(-1, 1, side, device=frame.device, dtype=frame.dtype) for side in ink.shape[1:])
    total = ink.sum((1, 2)).clamp_min(1e-3)
    x = xs - ((ink.sum(1) * xs).sum(1) / total)[:, None]
    y = ys - ((ink.sum(2) * ys).sum(1) / total)[:, None]
    x, y = x[:, None].expand_as(ink), y[:, :, None].expand_as(ink)
    turns = [2 * math.pi * k / count for k in range(count)]
    views = [(math.cos(a) * x - math.sin(a) * y, math.sin(a) * x + math.cos(a) * y) for a in turns]
    return torch.stack([torch.stack(view, 1) for view in views], 1)


class Sprites(Mover):
    """Takes the place of `moving_layers.Composer`: the only full-resolution part, free of features there.

    Args:
        width: channels of the plans it moves and blends by, and notes: of the maps it stores by, both at a quarter of the
            frame's side. count: K. channels: C. size: the frame's side, px.
    """

    blended = True

    def __init__(self, width: int, notes: int, count: int, channels: int, size: int):
        super().__init__(count, channels, size)
        c = channels
        self.heard: list[tuple[str, Tensor | None]] | None = None  # see `separation.overheard`
        self.gain = nn.Parameter(torch.tensor(TRUSTING))
        self.write_up = enlarge(notes, NOTES)
        self.write = nn.Sequential(
            block(NOTES + 12 * c + 2, 32), block(32, 32), nn.Conv2d(32, 4 * 2, 3, padding=1), nn.PixelShuffle(2)
        )
        self.motion = nn.Sequential(
            block(width + 32 * c + 2, TOLD), block(TOLD, TOLD), nn.Conv2d(TOLD, sum(MOTIONS), 3, padding=1)
        )
        faint = [self.motion[-1]]
        if self.blended:
            self.drift = nn.Sequential(block(width, width), nn.Conv2d(width, 2, 3, padding=1))
            self.blend_up = nn.Sequential(
                nn.Conv2d(width, 4 * FEATURES, 1), nn.PixelShuffle(2), nn.LeakyReLU(0.2, inplace=True)
            )
            self.blend = nn.Sequential(
                block(FEATURES + 8 * c, 48), block(48, 48), nn.Conv2d(48, 4 * (3 + c), 3, padding=1)
            )
            faint.append(self.drift[-1])
        for last in faint:
            nn.init.normal_(last.weight, std=0.02)
            nn.init.zeros_(last.bias)
        nn.init.constant_(self.motion[-1].bias[3:4], RARELY)

    def tell(self, kind: str, pictures: Tensor | None = None) -> None:
        if self.heard is not None:
            self.heard.append((kind, pictures))

    def begin(self, batch: int, like: Tensor) -> Layers:
        self.tell("begun")
        return super().begin(batch, like)

    def each(self, shared: Tensor) -> Tensor:
        """(B, ...) to (B K, ...)."""
        return shared.repeat_interleave(self.count, 0)

    def store(self, layers: Layers, frame: Tensor, notes: Tensor) -> Layers:
        """The sprites after a known frame (B, C, H, W): where it shows them, and with what it shows of them."""
        batch, size = len(frame), frame.shape[-2:]
        left = (frame[:, None] - others(layers.moved)).clamp_min(0)
        error = displaced(layers.moved.flatten(0, 1), left.flatten(0, 1))
        own = warp(layers.moved.flatten(0, 1), -error[..., None, None].expand(-1, -1, *size)).view_as(layers.moved)
        velocity = layers.velocity - torch.sigmoid(self.gain) * error.view_as(layers.velocity)
        seen = torch.cat([frame[:, None].expand_as(own), own, others(own)], 2).flatten(0, 1)
        views = outlooks(frame, self.count).flatten(0, 1)
        told = torch.cat([self.each(self.write_up(notes)), F.pixel_unshuffle(seen, 2), views], 1)
        share, gate = self.write(told).float().unflatten(0, (batch, -1)).split(1, 2)
        share = torch.cat([share, torch.zeros_like(share[:, :1])], 1).softmax(1)[:, :-1]  # the last one: nobody's
        written = self.kept(torch.lerp(own, share * frame[:, None], (gate + MOSTLY).sigmoid()), frame)
        self.tell("stored", written)
        return layers._replace(pictures=written, velocity=velocity, shift=torch.zeros_like(layers.shift))

    def kept(self, written: Tensor, frame: Tensor) -> Tensor:
        """What stays written (B, K, C, H, W) of a known frame (B, C, H, W)."""
        return written

    def move(self, layers: Layers, frame: Tensor, plan: Tensor, gap: float = 1.0) -> tuple[Layers, Tensor]:
        """The sprites `gap` frames on, and the previous frame through a flow field, or as it is where nothing is blended."""
        velocity, _, field = self.propose(layers, plan)
        return self.carry(layers, frame, plan, velocity, field, gap)

    def propose(self, layers: Layers, plan: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Velocities (B, K, 2), the shares of them that are new (B, K, 1), and what bends the motion (B, K, 2, H/4, W/4)."""
        (batch, count), side = layers.moved.shape[:2], plan.shape[-2:]
        own = F.pixel_unshuffle(layers.moved.flatten(0, 1), layers.moved.shape[-1] // side[1])
        own, ink = own.unflatten(0, (batch, count)).movedim(2, -1), own.mean(1).unflatten(0, (batch, count))[:, :, None]
        own = own.to(plan.dtype, memory_format=torch.contiguous_format)  # channels last, or what follows takes long on a CPU
        speed = (layers.velocity / MAX_FLOW).to(plan.dtype)[:, :, None, None].expand(-1, -1, *side, -1)
        shared = plan.movedim(1, -1)[:, None].expand(-1, count, -1, -1, -1)
        told = torch.cat([shared, own, others(own), speed], -1)
        told = told.flatten(0, 1).movedim(-1, 1)
        vote, weight, renewal, field = self.motion(told).float().unflatten(0, (batch, count)).split(MOTIONS, 2)
        weight = (weight + (ink.clamp_min(0) + FAINT).log()).flatten(3).softmax(-1)  # by what is seen where it is
        vote, renewal = ((x.flatten(3) * weight).sum(-1) for x in (vote, renewal))
        renewal = renewal.sigmoid()
        return torch.lerp(layers.velocity, MAX_FLOW * vote, renewal), renewal, field

    def carry(
        self, layers: Layers, frame: Tensor, plan: Tensor, velocity: Tensor, field: Tensor, gap: float = 1.0
    ) -> tuple[Layers, Tensor]:
        """`gap` frames on with these velocities; see `move`."""
        most = MAX_FLOW * max(gap, 1.0)
        step = (gap * velocity[..., None, None] + BEND * field).clamp(-most, most).flatten(1, 2)
        layers, recent = self.shifted(layers, frame, velocity, step, self.drift(plan).float() if self.blended else None)
        self.tell("moved", layers.moved)
        self.tell("velocity", velocity)
        return layers, recent

    def compose(self, moved: Tensor, recent: Tensor, plan: Tensor, glimpse: Tensor | None = None) -> Tensor:
        """The next frame (B, C, H, W) in [0, 1]; `glimpse` (B, 24, H/2, W/2) is added to the features it is read from."""
        shown = moved.amax(1)
        return self.blend_of(torch.stack([shown, recent], 1), plan, glimpse) if self.blended else shown


class Cutouts(Sprites):
    """Laid over each other, the brightest on top; nothing else is shown."""

    blended = False


class BrightCutouts(Cutouts):
    """Where one of them shows something they are brightened in proportion until they show the known frame: what is written
    faintly, where the network is unsure, would stay so."""

    def kept(self, written: Tensor, frame: Tensor) -> Tensor:
        shown = written.amax(1, keepdim=True).clamp_min(DIM)
        return (written * (frame[:, None] / shown).clamp(1, BRIGHTER)).clamp(max=1)
