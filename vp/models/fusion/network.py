"""Stage one: future fusion pictures from known ones, by a 3D U-Net in one shot (Jing et al. 2021).

That there is a 3D U-Net which reads 16 pictures and predicts 32 recursively is the paper's; that one call gives 16 pictures
at once and a second call reads those is our reading. Ours too: pixels are unshuffled into channels in front and shuffled back
behind (Shi et al. 2016), so that a step is affordable on one core of a CPU. Where the future is uncertain, squared error asks
for the mean of all of them, so pictures blur with time.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .config import FOLD, FusionConfig
from .unet3d import UNet3d

DARK = -2.5  # logit of a pixel at first: pictures are mostly empty


class PicturePredictor(nn.Module):
    """Predicts as many future pictures at once as it reads, `cfg.n_past`."""

    def __init__(self, cfg: FusionConfig):
        super().__init__()
        folded = FOLD**2 * cfg.drawing.channels
        self.trunk = UNet3d(folded, folded, cfg.widths, cfg.n_past, cfg.mixing)
        nn.init.constant_(self.trunk.head.bias, DARK)

    def forward(self, pictures: Tensor) -> Tensor:
        """The pictures after the given ones.

        Args:
            pictures: (B, n_past, C, H, W) in [0, 1], H and W multiples of 16.

        Returns:
            float32 of the same shape in [0, 1].
        """
        x = F.pixel_unshuffle(pictures, FOLD).transpose(1, 2)
        logits = self.trunk(x).transpose(1, 2)
        return F.pixel_shuffle(logits, FOLD).float().sigmoid()


def predict_pictures(network: PicturePredictor, pictures: Tensor, count: int) -> Tensor:
    """The `count` pictures (B, count, C, H, W) after the known ones (B, n_past, C, H, W); each call reads the previous one's."""
    future = [network(pictures)]
    while sum(part.shape[1] for part in future) < count:
        future.append(network(future[-1]))
    return torch.cat(future, 1)[:, :count]
