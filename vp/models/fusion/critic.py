"""The translator's critic: whether a patch of a frame belongs to this fusion picture (PatchGAN, Isola et al. 2017)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from .config import FusionConfig

WIDTHS = (32, 64, 128)


class PatchCritic(nn.Module):
    """Scores a picture and a frame stacked; spectral norms (Miyato et al. 2018) instead of batch normalisation."""

    def __init__(self, cfg: FusionConfig):
        super().__init__()
        sizes, strides = (cfg.drawing.channels + cfg.channels, *WIDTHS), (2, 2, 1)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4, stride, 1)) for a, b, stride in zip(sizes, sizes[1:], strides)
        )
        self.score = spectral_norm(nn.Conv2d(sizes[-1], 1, 3, 1, 1))

    def forward(self, stacked: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(M, pictures' channels + C, H, W) in [0, 1] to scores (M, 1, h, w), 1 for real, and every layer's features."""
        x, features = 2 * stacked - 1, []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x).float(), features
