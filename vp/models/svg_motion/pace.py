"""The pace of a future: a number drawn once for it, by which all its displacements are multiplied.

A latent that does not change with time (Babaeizadeh et al. 2018, Stochastic Variational Video Prediction, section 3.1) beside z,
which is drawn anew for every frame. Speed is what is least known about motion that goes on, and it stays what it is for a while:
eight futures with paces of their own come nearer to the truth than eight with independent changes of motion in every frame.

Paces of samples with consecutive seeds are evenly spread over their distribution (`core.noise.spread_noise`): of eight futures
no two go on alike, and both slow and fast ones are among them. The mean is 1, so the most likely future has no pace of its own.
The standard deviation is predicted from the known scene. It is trained by the energy score of samples alone; a posterior needs
no pace, since its z follow the true motion.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...core.precision import without_autocast
from ...nn.motion_input import READ, STILL
from ...nn.splat import carry_whole

WIDTH = 64
START = 0.4  # standard deviation at initialisation
SPEEDS = 2 * READ - 3  # numbers that `log_speeds` gives
FASTEST = 3.0  # where nearly nothing moves the deviation is large, and what moves there is z alone
FAR = 6.0  # px apart from the camera from which a thing is in front of all others


class Pace(nn.Module):
    """Predicts the standard deviation of the pace.

    Args:
        channels: of the features of the known scene.
    """

    def __init__(self, channels: int):
        super().__init__()
        last = nn.Linear(WIDTH, 1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.head = nn.Sequential(nn.Linear(channels + SPEEDS, WIDTH), nn.LeakyReLU(0.2), last)

    @without_autocast
    def forward(self, features: Tensor, flows: Tensor) -> Tensor:
        """Features float32 (B, channels, h, w) and flows (B, READ - 1, 2, h', w'), newest first: (B,), above 0."""
        x = torch.cat([features.mean((2, 3)), log_speeds(flows)], 1)
        return START * self.head(x)[:, 0].exp()


def log_speeds(flows: Tensor) -> Tensor:
    """Logarithms of the mean speeds of flows (B, READ - 1, 2, h, w), and of the changes from each to the next, (B, SPEEDS)."""
    mean_lengths = [x.norm(dim=2).mean((2, 3)) for x in (flows, flows.diff(dim=1))]
    return (torch.cat(mean_lengths, 1) + STILL).log()


def draw_pace(deviation: Tensor, noise: Tensor) -> Tensor:
    """Paces (M,), from 0 to FASTEST, from their standard deviations and standard normal noise, (M,) each."""
    return (1 + deviation * noise).clamp(0, FASTEST)


def displace_at_pace(displacement: Tensor, pace: Tensor) -> Tensor:
    """Backward displacements float32 (M, 2, h, w) of futures that have come `pace` (M,) times as far.

    Multiplied in place, they would reach behind a thing where it has come to lie, and cut it off. So every pixel takes its
    displacement along to where it is at that pace: it is there by (1 - pace) times its displacement.
    """
    pace = pace[:, None, None, None]
    at_pace = pace * displacement
    moved, filled = carry_whole(at_pace, displacement - at_pace, displacement, FAR)
    return torch.where(pace == 1, displacement, torch.lerp(at_pace, moved, filled))
