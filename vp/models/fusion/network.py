"""Stage one: future fusion pictures from known ones.

A 3D U-Net reads the known pictures together, at a quarter of their side, and gives one map of features for every known
picture and one for every picture to come: 16 from 16 in one shot. From these maps and from where things have got to, plans
are made by which remembered pictures move (`nn.movers`). Known pictures are written into them; what a further call is given
are predicted ones, so it keeps the remembered pictures that the first call left and reads only motion from the others.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.blocks import block
from ...nn.movers import MOVERS
from ...nn.moving_layers import MAX_FLOW, Layers
from .config import FusionConfig
from .unet3d import UNet3d

FEATURES, PLAN = 48, 64  # channels of the U-Net's maps and of a plan


class Canvas(NamedTuple):
    """What a further call goes on from: the layers, and the last picture (B, C, H, W)."""

    layers: Layers
    picture: Tensor


class Call(NamedTuple):
    """What one call gives: pictures to come (B, F, C, H, W), and the canvas after them."""

    pictures: Tensor
    canvas: Canvas


class PicturePredictor(nn.Module):
    """Predicts up to `cfg.n_past` pictures a call."""

    def __init__(self, cfg: FusionConfig):
        super().__init__()
        self.cfg, channels = cfg, cfg.drawing.channels
        self.trunk = UNet3d(16 * channels, cfg.widths, 2 * FEATURES)
        self.join = nn.Sequential(block(FEATURES + 16 * channels * (cfg.layers + 1) + 2 * cfg.layers, PLAN), block(PLAN, PLAN))
        self.composer = MOVERS[cfg.mover](PLAN, PLAN, cfg.layers, channels, cfg.size)

    def forward(self, pictures: Tensor, count: int, canvas: Canvas | None = None) -> Call:
        """The `count` pictures after the `n_past` given ones, (B, n_past, C, H, W) in [0, 1].

        Args:
            canvas: of the call that predicted `pictures`; None: they are known, and the last of them fill a new one.
        """
        known, coming = self.read(pictures)
        canvas = canvas or self.remember(pictures, known)
        future = []
        for features in coming[:, :count].unbind(1):
            plan = self.plan(features, canvas)
            layers, recent = self.composer.move(canvas.layers, canvas.picture, plan)
            future.append(self.composer.compose(layers.moved, recent, plan))
            canvas = Canvas(layers, future[-1])
        return Call(torch.stack(future, 1), canvas)

    def read(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, n_past, FEATURES, H/4, W/4) of the given pictures and of those to come."""
        x = F.pixel_unshuffle(pictures, 4).transpose(1, 2)
        return self.trunk(x).transpose(1, 2).split(FEATURES, 2)

    def remember(self, pictures: Tensor, features: Tensor) -> Canvas:
        """Writes the last `cfg.memory` pictures, one after another, into what is remembered, which moves from one to the next."""
        first = self.cfg.n_past - self.cfg.memory
        canvas = Canvas(self.composer.begin(len(pictures), pictures), pictures[:, first])
        for t in range(first, self.cfg.n_past):
            plan, layers = self.plan(features[:, t], canvas), canvas.layers
            if t > first:
                layers, _ = self.composer.move(layers, canvas.picture, plan)
            canvas = Canvas(self.composer.store(layers, pictures[:, t], plan), pictures[:, t])
        return canvas._replace(layers=self.composer.settle(canvas.layers, pictures[:, first:]))

    def plan(self, features: Tensor, canvas: Canvas) -> Tensor:
        """(B, PLAN, H/4, W/4), from the U-Net's features and from what moves where."""
        layers, side = canvas.layers, features.shape[-2:]
        seen = torch.cat([layers.moved.flatten(1, 2), canvas.picture], 1)
        speed = (layers.velocity / MAX_FLOW).flatten(1)[..., None, None].expand(-1, -1, *side)
        return self.join(torch.cat([features, F.pixel_unshuffle(seen, 4), speed], 1))


def predict_pictures(network: PicturePredictor, pictures: Tensor, count: int) -> Tensor:
    """The `count` pictures (B, count, C, H, W) after the `n_past` known ones, in as many calls as that takes."""
    future, canvas = [], None
    while count > 0:
        call = network(pictures, min(count, network.cfg.n_past), canvas)
        pictures, canvas, count = call.pictures, call.canvas, count - call.pictures.shape[1]
        future.append(pictures)
    return torch.cat(future, 1)
