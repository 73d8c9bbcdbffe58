"""A critic of moving pictures, and the losses of the game against it.

Least squares (Mao et al. 2017), spectral normalisation (Miyato et al. 2018), feature matching (Wang et al. 2018, pix2pixHD,
eq. 4). It judges patches of space and time: is this part of a clip real?
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class VideoDiscriminator(nn.Module):
    """Scores a clip patch by patch: 3D convolutions from half the frame's side down to a sixteenth.

    Args:
        channels: of the frames.
        width: features of the first layer.
    """

    def __init__(self, channels: int, width: int = 32):
        super().__init__()
        sizes = [4 * channels, width, 2 * width, 4 * width]
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv3d(inputs, outputs, (3, 4, 4), (1, 2, 2), 1)) for inputs, outputs in zip(sizes, sizes[1:])
        )
        self.score = spectral_norm(nn.Conv3d(sizes[-1], 1, 3, 1, 1))

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Frames float32 (B, T, C, H, W) in [0, 1] to scores (B, 1, T, H/16, W/16), 1 for real, and every layer's features."""
        x = F.pixel_unshuffle(2 * frames - 1, 2).transpose(1, 2)
        features = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            features.append(x)
        return self.score(x).float(), features


def discriminator_loss(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """What the critic minimises: 1 for real clips, 0 for predicted ones; both (B, T, C, H, W)."""
    critic.train()
    scores, _ = critic(torch.cat([real, fake.detach()]))
    true, false = scores.chunk(2)
    return ((true - 1).square().mean() + false.square().mean()) / 2


def generator_loss(critic: nn.Module, real: Tensor, fake: Tensor, paired: int | None = None) -> tuple[Tensor, Tensor]:
    """What the predictor minimises: how far its clips are from being judged real, and their features from the truth's.

    Only the first `paired` clips are meant to equal the real ones; by default all are.
    """
    critic.eval()  # its spectral norms stay as its own turn left them, or equal clips would have unequal features
    scores, features = critic(fake)
    with torch.no_grad():
        _, wanted = critic(real[:paired])
    pairs = ((ours[:paired].float(), theirs.float()) for ours, theirs in zip(features, wanted))
    matching = torch.stack([(ours - theirs).abs().mean() for ours, theirs in pairs]).mean()
    return (scores - 1).square().mean() / 2, matching
