"""The latent of a step: a vector for the whole frame and a coarse map, their prior and posterior."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...nn.blocks import block
from ...nn.gaussian import Gaussian
from .config import MotionConfig

WIDTH = 64


class Heads(nn.Module):
    """A Gaussian over z (B, Z) from maps (B, inputs, h/8, w/8): z_global numbers, and z_map channels of a map, flattened."""

    def __init__(self, inputs: int, cfg: MotionConfig):
        super().__init__()
        self.body = nn.Sequential(block(inputs, WIDTH), block(WIDTH, WIDTH))
        self.whole = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 2 * cfg.z_global))
        self.map = nn.Conv2d(WIDTH, 2 * cfg.z_map, 3, padding=1)
        for layer in (self.whole[-1], self.map):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Gaussian:
        x = self.body(x)
        pooled = torch.cat([x.float().mean((2, 3)), x.float().amax((2, 3))], 1)
        whole, places = self.whole(pooled).float().chunk(2, 1), self.map(x).float().flatten(2).chunk(2, 1)
        mean, logvar = (torch.cat([a, b.flatten(1)], 1) for a, b in zip(whole, places))
        return Gaussian.bounded(mean, logvar)


class Latent(nn.Module):
    """Prior, posterior, and where z enters."""

    def __init__(self, cfg: MotionConfig):
        super().__init__()
        self.cfg = cfg
        self.prior_heads = Heads(cfg.eighth, cfg) if cfg.latent == "learned" else None
        self.read = nn.Sequential(nn.PixelUnshuffle(2), block(4 * 10, WIDTH), block(WIDTH, WIDTH, 2))
        self.posterior_heads = Heads(cfg.eighth + WIDTH, cfg)
        self.enter_whole = nn.Linear(cfg.z_global, cfg.eighth)
        nn.init.normal_(self.enter_whole.weight, std=0.02)

    def width(self, size: tuple[int, int]) -> int:
        """Numbers of z, where motion is read from frames of this size (h, w)."""
        return self.cfg.z_global + self.cfg.z_map * (size[0] // 8) * (size[1] // 8)

    def prior(self, summary: Tensor) -> Gaussian:
        """p(z_t | x_<t)."""
        if self.prior_heads is not None:
            return self.prior_heads(summary)
        width = self.cfg.z_global + self.cfg.z_map * summary.shape[-2:].numel()
        return Gaussian.standard(torch.zeros(len(summary), width, device=summary.device))

    def posterior(
        self, summary: Tensor, step: Tensor, displacement: Tensor, true_step: Tensor, true_displacement: Tensor
    ) -> Gaussian:
        """q(z_t | x_<=t), from where pixels would come with constant velocity and where they do come from, float32
        (B, 2, h/2, w/2) each, relative to the frame before and to the last known frame."""
        misses = [true_step - step, (true_displacement - displacement) / 4]
        seen = self.read(torch.cat([*misses, step, true_step, displacement / 4], 1).to(summary.dtype))
        return self.posterior_heads(torch.cat([summary, seen], 1))

    def enter(self, summary: Tensor, z: Tensor) -> Tensor:
        """The summary with z (B, Z) in it, (B, eighth + z_map, h/8, w/8)."""
        whole, places = z.split([self.cfg.z_global, z.shape[1] - self.cfg.z_global], 1)
        places = places.unflatten(1, (self.cfg.z_map, *summary.shape[-2:]))
        summary = summary + self.enter_whole(whole)[..., None, None]
        return torch.cat([summary, places.to(summary.dtype)], 1)
