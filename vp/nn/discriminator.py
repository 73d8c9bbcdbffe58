"""A patch discriminator (critic) of clips, and the losses of both sides.

Least squares GAN (Mao et al. 2017) with spectral normalisation (Miyato et al. 2018) and feature matching (Wang et al. 2018,
pix2pixHD, eq. 4). Its scores are local in space and time.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class VideoDiscriminator(nn.Module):
    """Scores patches of a clip by 3D convolutions, from half of the frame's side down to a sixteenth.

    Args:
        channels: channels of the frames.
        width: channels of the first layer.
    """

    def __init__(self, channels: int, width: int = 32):
        super().__init__()
        sizes = [4 * channels, width, 2 * width, 4 * width]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv3d(inputs, outputs, (3, 4, 4), (1, 2, 2), 1)) for inputs, outputs in zip(sizes, sizes[1:])
        )
        self.score = spectral_norm(nn.Conv3d(sizes[-1], 1, 3, 1, 1))

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Frames float32 (B, T, C, H, W) in [0, 1] to scores (B, 1, T, H/16, W/16), and the features of each layer."""
        x = F.pixel_unshuffle(2 * frames - 1, 2).transpose(1, 2)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x).float(), features


def discriminator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Least squares loss of the critic, targets 1 for `real` and 0 for `fake` clips, both (B, T, C, H, W)."""
    critic.train()
    scores, _ = critic(torch.cat([real, fake.detach()]))
    true, false = scores.chunk(2)
    return ((true - 1).square().mean() + false.square().mean()) / 2


def generator_loss(critic: nn.Module, real: Tensor, fake: Tensor, paired: int | None = None) -> tuple[Tensor, Tensor]:
    """Adversarial loss of the predicted clips `fake`, and the mean L1 distance of their features to those of `real`.

    Both are (B, T, C, H, W). Only the first `paired` clips (default all) are matched with the real ones.
    """
    critic.eval()  # keeps the spectral norms fixed, so that equal clips have equal features
    scores, features = critic(fake)
    with torch.no_grad():
        _, targets = critic(real[:paired])
    pairs = ((ours[:paired].float(), theirs.float()) for ours, theirs in zip(features, targets))
    matching = torch.stack([(ours - theirs).abs().mean() for ours, theirs in pairs]).mean()
    return (scores - 1).square().mean() / 2, matching
