"""Stage one: future fusion pictures from known ones.

A 3D U-Net reads the known pictures together, at a quarter of their side, and gives one map of features for every known
picture and one for every picture to come: 16 from 16 in one shot. From these maps and from where things have got to, plans
are made by which remembered layers move (`nn.moving_layers`). The last known pictures are written into the layers; what a
further call is given are predicted pictures, so it keeps the layers that the first one left and reads only motion from them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.blocks import block
from ...nn.moving_layers import MAX_FLOW, Composer, Layers
from .config import FusionConfig
from .unet3d import UNet3d

FEATURES, PLAN = 48, 64  # channels of the U-Net's maps and of a plan


class Canvas(NamedTuple):
    """What a further call goes on from: the layers, and the last picture (B, C, H, W)."""

    layers: Layers
    picture: Tensor

    def detach(self) -> Canvas:
        return Canvas(Layers(*(x.detach() for x in self.layers)), self.picture.detach())


class Call(NamedTuple):
    """What one call gives: pictures to come (B, F, C, H, W), the canvas after them, and known pictures explained by moving
    layers (B, M, C, H, W), which belong to the times `explained_at`."""

    pictures: Tensor
    canvas: Canvas
    explained: Tensor | None
    explained_at: list[int]


class PicturePredictor(nn.Module):
    """Predicts up to `cfg.n_past` pictures a call."""

    def __init__(self, cfg: FusionConfig):
        super().__init__()
        self.cfg, channels = cfg, cfg.drawing.channels
        self.trunk = UNet3d(16 * channels, cfg.widths, 2 * FEATURES)
        self.join = nn.Sequential(block(FEATURES + 16 * channels * (cfg.layers + 1) + 2 * cfg.layers, PLAN), block(PLAN, PLAN))
        self.composer = Composer(PLAN, PLAN, cfg.layers, channels)

    def forward(self, pictures: Tensor, count: int, canvas: Canvas | None = None, explain: int = 0) -> Call:
        """The `count` pictures after the `n_past` given ones, (B, n_past, C, H, W) in [0, 1].

        Args:
            canvas: of the call that predicted `pictures`; None: they are known, and the last of them fill a new one.
            explain: every so many of the known pictures is explained, 0 for none.
        """
        known, coming = self.read(pictures)
        explained, times = [], []
        if canvas is None:
            canvas, explained, times = self.remember(pictures, known, explain)
        future = []
        for features in coming[:, :count].unbind(1):
            plan = self.plan(features, canvas)
            layers, recent = self.composer.move(canvas.layers, canvas.picture, plan)
            future.append(self.composer.compose(layers.moved, recent, plan))
            canvas = Canvas(layers, future[-1])
        return Call(torch.stack(future, 1), canvas, torch.stack(explained, 1) if explained else None, times)

    def read(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B, n_past, FEATURES, H/4, W/4) of the given pictures and of those to come."""
        x = F.pixel_unshuffle(pictures, 4).transpose(1, 2)
        return self.trunk(x).transpose(1, 2).split(FEATURES, 2)

    def remember(self, pictures: Tensor, features: Tensor, explain: int) -> tuple[Canvas, list[Tensor], list[int]]:
        """Writes the last `cfg.memory` pictures into layers, which move from one to the next."""
        cfg, batch = self.cfg, len(pictures)
        layers = Layers.empty(batch, cfg.layers, cfg.drawing.channels, cfg.size, cfg.size // 4, pictures)
        first = cfg.n_past - cfg.memory
        canvas = Canvas(layers, pictures[:, max(first - 1, 0)])
        explained, times = [], []
        for t in range(first, cfg.n_past):
            plan = self.plan(features[:, t], canvas)
            layers, recent = self.composer.move(canvas.layers, canvas.picture, plan)
            if explain and t > first and (t - first) % explain == 0:
                explained.append(self.composer.compose(layers.moved, recent, plan, drawing=False))
                times.append(t)
            canvas = Canvas(self.composer.store(layers, pictures[:, t], plan), pictures[:, t])
        return canvas, explained, times

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
