"""Stage two: frames painted from fusion pictures by a 2D U-Net (after Isola et al. 2017 and the authors' later notebook)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...nn.group_norm import GroupNorm
from .config import FusionConfig

KEEP = 2.0  # logit of the share of the reference that is kept at first


def down_block(inputs: int, outputs: int) -> nn.Sequential:
    """Half the side, by a strided convolution."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, 4, 2, 1), GroupNorm(8, outputs), nn.LeakyReLU(0.2, inplace=True))


def up_block(inputs: int, outputs: int) -> nn.Sequential:
    """Twice the side, by nearest neighbour and a convolution: transposed convolutions left checkerboards on people."""
    enlarge = nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(enlarge, nn.Conv2d(inputs, outputs, 3, padding=1), GroupNorm(8, outputs), nn.ReLU(inplace=True))


class Translator(nn.Module):
    """Paints each frame by itself from its fusion picture.

    With `cfg.reference` it also reads the last known frame and its picture, and blends its output with that frame by a predicted
    mask, which at first keeps most of it.
    """

    def __init__(self, cfg: FusionConfig):
        super().__init__()
        widths, self.reference = cfg.translator, cfg.reference
        inputs = cfg.drawing.channels + (cfg.channels + cfg.drawing.channels) * cfg.reference
        self.down = nn.ModuleList(down_block(a, b) for a, b in zip((inputs, *widths), widths))
        self.up = nn.ModuleList(
            up_block(a * (1 if index == 0 else 2), b) for index, (a, b) in enumerate(zip(widths[:0:-1], widths[-2::-1]))
        )
        self.enlarge = nn.Upsample(scale_factor=2, mode="nearest")
        self.paint = nn.Conv2d(2 * widths[0] + inputs, cfg.channels + cfg.reference, 3, padding=1)
        if cfg.reference:
            nn.init.constant_(self.paint.bias[-1:], KEEP)

    def forward(self, pictures: Tensor, last: Tensor, last_pictures: Tensor) -> Tensor:
        """Pictures (M, P, H, W), the last known frames (M, C, H, W) and their pictures (M, P, H, W) to frames float32
        (M, C, H, W) in [0, 1]."""
        given = torch.cat([pictures, last, last_pictures], 1) if self.reference else pictures
        x, seen = given, []
        for level in self.down:
            x = level(x)
            seen.append(x)
        for level, skip in zip(self.up, seen[-2::-1]):
            x = torch.cat([level(x), skip], 1)
        painted = self.paint(torch.cat([self.enlarge(x), given], 1)).float().sigmoid()
        if not self.reference:
            return painted
        painted, kept = painted[:, :-1], painted[:, -1:]
        return torch.lerp(painted, last.float(), kept)
