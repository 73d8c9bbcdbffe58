"""The latent of a step: how the motion departs from what was foreseen. Its prior, its posterior, and where it enters.

z is a departure of the flow: an affine one of the whole frame, what a camera does, and one of each part of the picture, what a
thing there does, in units that are learned. A part moves as one, and z enters nowhere else. The posterior starts out from the
departure that it sees, so z means something from the first step on; the prior's spread starts out from how much the part's
motion has changed over the known frames.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...core.precision import without_autocast
from ...nn.blocks import conv_block
from ...nn.gaussian import Gaussian
from ...nn.motion_input import affine_flow, fit_affine_flow
from .config import MotionConfig
from .parts import KNOWN, Parts, centred_coordinates, grid_layout, mean_over_parts

WIDTH = 64
AFFINE = 6  # numbers of a departure, an affine flow: along x its value, its growth by row and by column, and the same along y
UNIT = 0.1  # px of the flow's grid that a departure of 1 is at first
PRIOR_BIAS, PRIOR_TURNS = 2.1, 1.4  # at first: the prior's log-variance, and how it grows with the logarithm of turned motion
POSTERIOR_LOGVAR = -2.0  # at first, beside the prior's
RIDGE = 0.02  # of the affine fit to a part
FARTHEST = 20.0  # units that a departure is cut at where a network reads it


class Carried(NamedTuple):
    """A rollout continued by a frame with constant velocity, and what the latent is drawn from.

    Args:
        fine, step, displacement: as in `State` of the network, for this frame.
        coarse: as there, but not yet updated.
        summary: (B, eighth, h/8, w/8), what it will be updated with.
        parts: where they are in this frame, None without a latent.
    """

    fine: Tensor
    coarse: Tensor
    step: Tensor
    displacement: Tensor
    summary: Tensor
    parts: Parts | None


class Heads(nn.Module):
    """Mean and log-variance of departures, (B, 1 + K, 2 * AFFINE), from what is read of each, (B, 1 + K, inputs)."""

    def __init__(self, inputs: int):
        super().__init__()
        self.whole, self.part = self.layers(inputs), self.layers(inputs)

    @staticmethod
    def layers(inputs: int) -> nn.Sequential:
        last = nn.Linear(WIDTH, 2 * AFFINE)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)
        hidden = nn.Linear(inputs, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2)
        return nn.Sequential(*hidden, last)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.whole(x[:, :1]), self.part(x[:, 1:])], 1)


class PriorHeads(nn.Module):
    """The prior, (B, 1 + K, 2 * AFFINE)."""

    def __init__(self, inputs: int):
        super().__init__()
        self.heads = Heads(inputs)
        self.spread = nn.Linear(KNOWN, 2 * AFFINE)
        with torch.no_grad():
            self.spread.weight.zero_()
            self.spread.bias.zero_()
            self.spread.bias[AFFINE:] = PRIOR_BIAS
            self.spread.weight[AFFINE:, 2] = PRIOR_TURNS

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        return self.heads(x) + self.spread(known)


class Latent(nn.Module):
    """Prior, posterior, and where z enters."""

    def __init__(self, cfg: MotionConfig):
        super().__init__()
        self.cfg = cfg
        inputs = cfg.eighth + KNOWN + 2
        self.prior_heads = PriorHeads(inputs) if cfg.latent == "learned" else None
        self.read = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4 * 10, WIDTH), conv_block(WIDTH, WIDTH, 2))
        self.posterior_heads = Heads(inputs + WIDTH + AFFINE)
        self.log_unit = nn.Parameter(torch.full((2, AFFINE), UNIT).log())  # of the whole frame, of a part

    def width(self, size: tuple[int, int]) -> int:
        """Numbers of z where motion is read from frames of this size (h, w)."""
        rows, columns = grid_layout(self.cfg.parts, (size[0] // 2, size[1] // 2))
        return AFFINE * (1 + rows * columns)

    def prior(self, carried: Carried) -> Gaussian:
        """p(z_t | x_<t), (B, Z)."""
        if self.prior_heads is None:
            masks = carried.parts.masks
            return Gaussian.standard(masks.new_zeros(len(masks), AFFINE * (1 + masks.shape[1])))
        mean, logvar = self.prior_heads(self.of_parts(carried), carried.parts.known).chunk(2, 2)
        return Gaussian.from_outputs(mean.flatten(1), logvar.flatten(1))

    def posterior(self, carried: Carried, prior: Gaussian, true_step: Tensor, true_displacement: Tensor) -> Gaussian:
        """q(z_t | x_<=t), from where pixels do come from, float32 (B, 2, h/2, w/2), relative to the frame before and to the last
        known frame."""
        missed = true_step - carried.step
        apart = (true_displacement - carried.displacement) / 4
        seen = torch.cat([missed, apart, carried.step, true_step, carried.displacement / 4], 1)
        seen = mean_over_parts(self.read(seen.to(carried.summary.dtype)), carried.parts.masks)
        departure = self.departure(missed, carried.parts.masks)
        cut = FARTHEST * torch.tanh(departure / FARTHEST)
        mean, logvar = self.posterior_heads(torch.cat([self.of_parts(carried), seen, cut], 2)).chunk(2, 2)
        return Gaussian.from_outputs((mean + departure).flatten(1), prior.logvar + POSTERIOR_LOGVAR + logvar.flatten(1))

    def of_parts(self, carried: Carried) -> Tensor:
        """What is read of the whole frame and of each part, float32 (B, 1 + K, inputs)."""
        masks = carried.parts.masks
        return torch.cat([mean_over_parts(carried.summary, masks), carried.parts.known, mean_over_parts(carried.step, masks)], 2)

    @without_autocast
    def departure(self, missed: Tensor, masks: Tensor) -> Tensor:
        """The z (B, 1 + K, AFFINE) that best explains what the flow missed (B, 2, h/2, w/2).

        Least squares, in the learned units: an affine flow of the whole frame first, then one of each part for what is left.
        """
        whole = fit_affine_flow(missed)
        rest = (missed - affine_flow(whole, missed.shape[-2:])).flatten(2)
        weights, basis, to_centre = affine_bases(masks)
        weighted = weights[:, :, None] * basis
        moments = to_centre @ (weighted @ basis.T) @ to_centre.mT
        sides = to_centre @ (weighted @ rest[:, None].mT)
        fit = torch.linalg.solve_ex(moments + RIDGE * torch.eye(3, device=moments.device), sides).result.mT
        unit = self.log_unit.exp()
        return torch.cat([whole.flatten(1)[:, None] / unit[0], fit.flatten(2) / unit[1]], 1)

    @without_autocast
    def flow(self, z: Tensor, masks: Tensor) -> Tensor:
        """The departure of the flow that z (B, Z) says, float32 (B, 2, h/2, w/2), in pixels of that grid."""
        size, unit = masks.shape[-2:], self.log_unit.exp()
        whole, places = z.unflatten(1, (-1, AFFINE)).tensor_split([1], 1)
        _, basis, to_centre = affine_bases(masks)
        about_origin = (places * unit[1]).unflatten(2, (2, 3)) @ to_centre
        local = (about_origin.flatten(2).mT @ masks.flatten(2)).unflatten(1, (2, 3))  # (B, 2, 3, h * w)
        return affine_flow((whole[:, 0] * unit[0]).unflatten(1, (2, 3)), size) + (local * basis).sum(2).unflatten(2, size)


def affine_bases(masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Of masks (B, K, h, w): weights (B, K, h * w) that sum to 1, the basis (3, h * w) of affine flows about the centre of the
    picture, and (B, K, 3, 3), what takes that basis to one about the centre of each part."""
    weights = masks.flatten(2) / masks.sum((2, 3))[..., None].clamp(min=1e-4)
    here = centred_coordinates(masks.shape[-2:], masks.device).flatten(1)
    centres = weights @ here.T
    to_centre = torch.eye(3, device=masks.device).expand(*centres.shape[:2], 3, 3).clone()
    to_centre[..., 1:, 0] = -centres
    return weights, torch.cat([torch.ones_like(here[:1]), here]), to_centre
