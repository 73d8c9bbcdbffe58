"""The latent of a step: how the motion departs from what was foreseen. Its prior, its posterior, and where it enters.

z has a part for the whole frame and a coarse map. The first numbers of both are a departure of the flow, in units that are
learned: six of the whole (an affine flow, what a camera does) and two of every cell (what a thing there does). The
posterior starts out from the departure that it sees, so z means something from the first step on; what a departure applies to,
the moving thing in a cell and not the ground behind it, the network decides by a mask. The other numbers of z are free.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...nn.blocks import block
from ...nn.gaussian import Gaussian
from ...nn.motion_input import affine_fit, affine_flow
from ...nn.warp import widened
from .config import MotionConfig

WIDTH = 64
CELL = 16  # px of the small frames that a cell of the map is wide
AFFINE = 6  # numbers of z_global that are a departure of the flow, see `affine_flow`
POSTERIOR_LOGVAR, PRIOR_LOGVAR = -2.0, 0.0  # at first, in learned units
UNIT = 0.3  # px of the flow's grid that a departure of 1 is at first


class Heads(nn.Module):
    """A Gaussian over z (B, Z) from maps (B, inputs, h/8, w/8): z_global numbers, and z_map channels of a map, flattened."""

    def __init__(self, inputs: int, cfg: MotionConfig, logvar: float):
        super().__init__()
        self.body = nn.Sequential(block(inputs, WIDTH), block(WIDTH, WIDTH))
        self.whole = nn.Sequential(nn.Linear(2 * WIDTH, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, 2 * cfg.z_global))
        self.map = nn.Conv2d(WIDTH, 2 * cfg.z_map, 3, padding=1)
        for layer in (self.whole[-1], self.map):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
            nn.init.constant_(layer.bias.chunk(2)[1], logvar)

    def forward(self, x: Tensor, grid: tuple[int, int], departure: Tensor | None = None) -> Gaussian:
        """`grid`: cells of the map. `departure`: (B, Z), what the mean starts out from, or None: zero."""
        x = self.body(x)
        pooled = torch.cat([x.float().mean((2, 3)), x.float().amax((2, 3))], 1)
        places = F.adaptive_avg_pool2d(self.map(x).float(), grid).flatten(2)
        whole, places = self.whole(pooled).float().chunk(2, 1), places.chunk(2, 1)
        mean, logvar = (torch.cat([a, b.flatten(1)], 1) for a, b in zip(whole, places))
        return Gaussian.bounded(mean if departure is None else mean + departure, logvar)


class Latent(nn.Module):
    """Prior, posterior, and where z enters."""

    def __init__(self, cfg: MotionConfig):
        super().__init__()
        self.cfg = cfg
        self.prior_heads = Heads(cfg.eighth, cfg, PRIOR_LOGVAR) if cfg.latent == "learned" else None
        self.read = nn.Sequential(nn.PixelUnshuffle(2), block(4 * 10, WIDTH), block(WIDTH, WIDTH, 2))
        self.posterior_heads = Heads(cfg.eighth + WIDTH, cfg, POSTERIOR_LOGVAR)
        self.enter_whole = nn.Linear(cfg.z_global, cfg.eighth)
        self.log_unit = nn.Parameter(torch.full((AFFINE + 2,), UNIT).log())
        nn.init.normal_(self.enter_whole.weight, std=0.02)

    @staticmethod
    def grid(size: tuple[int, int], share: int = 1) -> tuple[int, int]:
        """Cells of the map: where motion is read from frames of this size (h, w), or maps are so large at 1/`share` of it."""
        return tuple(max(1, round(share * side / CELL)) for side in size)

    def width(self, size: tuple[int, int], share: int = 1) -> int:
        """Numbers of z; arguments as for `grid`."""
        rows, columns = self.grid(size, share)
        return self.cfg.z_global + self.cfg.z_map * rows * columns

    def prior(self, summary: Tensor) -> Gaussian:
        """p(z_t | x_<t)."""
        if self.prior_heads is not None:
            return self.prior_heads(summary, self.grid(summary.shape[-2:], 8))
        return Gaussian.standard(torch.zeros(len(summary), self.width(summary.shape[-2:], 8), device=summary.device))

    def posterior(
        self, summary: Tensor, step: Tensor, displacement: Tensor, true_step: Tensor, true_displacement: Tensor
    ) -> Gaussian:
        """q(z_t | x_<=t), from where pixels would come with constant velocity and where they do come from, float32
        (B, 2, h/2, w/2) each, relative to the frame before and to the last known frame."""
        missed = true_step - step
        seen = torch.cat([missed, (true_displacement - displacement) / 4, step, true_step, displacement / 4], 1)
        x = torch.cat([summary, self.read(seen.to(summary.dtype))], 1)
        grid = self.grid(summary.shape[-2:], 8)
        return self.posterior_heads(x, grid, self.departure(missed, grid))

    def departure(self, missed: Tensor, grid: tuple[int, int]) -> Tensor:
        """z (B, Z) that says as much of what the flow missed (B, 2, h/2, w/2) as an affine flow and a shift of each cell can."""
        unit, whole = self.log_unit.exp(), affine_fit(missed)
        rest = missed - affine_flow(whole, missed.shape[-2:])
        rest = F.adaptive_avg_pool2d(rest, grid) / unit[AFFINE:, None, None]
        whole = F.pad(whole.flatten(1) / unit[:AFFINE], (0, self.cfg.z_global - AFFINE))
        return torch.cat([whole, F.pad(rest, (0, 0, 0, 0, 0, self.cfg.z_map - 2)).flatten(1)], 1)

    def parts(self, z: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """z (B, Z) as its part for the whole frame (B, z_global) and its map (B, z_map, *grid)."""
        whole, places = z.split([self.cfg.z_global, z.shape[1] - self.cfg.z_global], 1)
        return whole, places.unflatten(1, (self.cfg.z_map, *grid))

    def enter(self, summary: Tensor, z: Tensor) -> Tensor:
        """The summary with z (B, Z) in it, (B, eighth + z_map, h/8, w/8)."""
        whole, places = self.parts(z, self.grid(summary.shape[-2:], 8))
        summary = summary + self.enter_whole(whole)[..., None, None]
        return torch.cat([summary, widened(places, summary.shape[-2:]).to(summary.dtype)], 1)

    def flow(self, z: Tensor, applies: Tensor) -> Tensor:
        """The departure of the flow that z (B, Z) says, float32 (B, 2, h, w) on the flow's grid, in its pixels.

        `applies`: (B, 1, h, w), above 0: how much of a cell's departure a place takes. It is taken relative to the most that any
        place around takes, so how far things may go is said by z, and thus by the prior, and nowhere else.
        """
        unit, size = self.log_unit.exp(), applies.shape[-2:]
        whole, places = self.parts(z, self.grid(size, 2))
        most = F.max_pool2d(applies, CELL - 1, 1, CELL // 2 - 1)
        local = widened(places[:, :2] * unit[AFFINE:, None, None], size) * applies / most
        return affine_flow((whole[:, :AFFINE] * unit[:AFFINE]).view(-1, 2, 3), size) + local
