"""Stage three: three convolutions beside the painted frame, which restore edges."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .config import FusionConfig


class Sharpener(nn.Module):
    """Adds a learned residual to a painted frame at full resolution; it starts as the identity."""

    def __init__(self, cfg: FusionConfig):
        super().__init__()
        width = cfg.sharpener
        self.layers = nn.Sequential(
            nn.Conv2d(cfg.drawing.channels + cfg.channels, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, width, 3, padding=1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, cfg.channels, 3, padding=1),
        )
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)

    def forward(self, pictures: Tensor, painted: Tensor) -> Tensor:
        """Pictures (M, pictures' channels, H, W) and painted frames (M, C, H, W) to frames float32 (M, C, H, W), not clipped."""
        return painted + self.layers(torch.cat([pictures, painted], 1)).float()
