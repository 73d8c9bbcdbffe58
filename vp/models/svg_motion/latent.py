"""The latent of a step: the departure of the flow from the deterministic prediction. Its prior, posterior and effect.

z holds coefficients of affine flows in learned units: one of the whole frame, for camera motion, and one of each part of the
image, for object motion. They are added to the flow, and z has no other effect. The posterior is initialised at the least-squares
departure, so z has a meaning from the first step on. The prior's spread is initialised by how much the motion of a part has
changed over the known frames.
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
AFFINE = 6  # coefficients of an affine flow: x component at the centre, its change by row and by column, and the same for y
UNIT = 0.1  # initial unit of a coefficient, px of the flow's grid
PRIOR_BIAS, PRIOR_TURNS = 2.1, 1.4  # initial log-variance of the prior, and its slope by the log of the change of motion
POSTERIOR_LOGVAR = -2.0  # initial log-variance of the posterior, relative to the prior's
RIDGE = 0.02  # of the affine fit to a part
FARTHEST = 20.0  # units at which a departure is limited as a network input


class Carried(NamedTuple):
    """A rollout continued by one frame with constant velocity; input of the latent's prior.

    Args:
        fine, step, displacement: as in `network.State`, for this frame.
        coarse: as there, but not yet updated.
        summary: (B, eighth, h/8, w/8), the input of that update.
        parts: the parts warped to this frame, None without a latent.
    """

    fine: Tensor
    coarse: Tensor
    step: Tensor
    displacement: Tensor
    summary: Tensor
    parts: Parts | None


class Heads(nn.Module):
    """MLPs from features of the whole frame and K parts, (B, 1 + K, inputs), to mean and log-variance, (B, 1 + K, 2 * AFFINE)."""

    def __init__(self, inputs: int):
        super().__init__()
        self.whole, self.part = self.make_layers(inputs), self.make_layers(inputs)

    @staticmethod
    def make_layers(inputs: int) -> nn.Sequential:
        """An MLP (..., inputs) -> (..., 2 * AFFINE) with small weights in the last layer."""
        last = nn.Linear(WIDTH, 2 * AFFINE)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.zeros_(last.bias)
        hidden = nn.Linear(inputs, WIDTH), nn.LeakyReLU(0.2), nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(0.2)
        return nn.Sequential(*hidden, last)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.whole(x[:, :1]), self.part(x[:, 1:])], 1)


class PriorHeads(nn.Module):
    """Mean and log-variance of the prior, (B, 1 + K, 2 * AFFINE), from features and `Parts.known`."""

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
    """Prior and posterior of z, and the flow that z adds. Z = AFFINE * (1 + K) for K parts."""

    def __init__(self, cfg: MotionConfig):
        super().__init__()
        self.cfg = cfg
        inputs = cfg.eighth + KNOWN + 2
        self.prior_heads = PriorHeads(inputs) if cfg.latent == "learned" else None
        self.read = nn.Sequential(nn.PixelUnshuffle(2), conv_block(4 * 10, WIDTH), conv_block(WIDTH, WIDTH, 2))
        self.posterior_heads = Heads(inputs + WIDTH + AFFINE)
        self.log_unit = nn.Parameter(torch.full((2, AFFINE), UNIT).log())  # of the whole frame, of a part

    def z_size(self, size: tuple[int, int]) -> int:
        """Size Z of the latent for motion predicted at this frame size (h, w)."""
        rows, columns = grid_layout(self.cfg.parts, (size[0] // 2, size[1] // 2))
        return AFFINE * (1 + rows * columns)

    def prior(self, carried: Carried) -> Gaussian:
        """p(z_t | x_<t), (B, Z)."""
        if self.prior_heads is None:
            masks = carried.parts.masks
            return Gaussian.standard(masks.new_zeros(len(masks), AFFINE * (1 + masks.shape[1])))
        mean, logvar = self.prior_heads(self.part_features(carried), carried.parts.known).chunk(2, 2)
        return Gaussian.from_outputs(mean.flatten(1), logvar.flatten(1))

    def posterior(self, carried: Carried, prior: Gaussian, true_step: Tensor, true_displacement: Tensor) -> Gaussian:
        """q(z_t | x_<=t), (B, Z), from the true backward flow, float32 (B, 2, h/2, w/2), to the frame before and to the last
        known one."""
        missed = true_step - carried.step
        apart = (true_displacement - carried.displacement) / 4
        seen = torch.cat([missed, apart, carried.step, true_step, carried.displacement / 4], 1)
        seen = mean_over_parts(self.read(seen.to(carried.summary.dtype)), carried.parts.masks)
        departure = self.fit_departure(missed, carried.parts.masks)
        cut = FARTHEST * torch.tanh(departure / FARTHEST)
        mean, logvar = self.posterior_heads(torch.cat([self.part_features(carried), seen, cut], 2)).chunk(2, 2)
        return Gaussian.from_outputs((mean + departure).flatten(1), prior.logvar + POSTERIOR_LOGVAR + logvar.flatten(1))

    def part_features(self, carried: Carried) -> Tensor:
        """Input features of the whole frame and of each part, float32 (B, 1 + K, inputs)."""
        masks = carried.parts.masks
        return torch.cat([mean_over_parts(carried.summary, masks), carried.parts.known, mean_over_parts(carried.step, masks)], 2)

    @without_autocast
    def fit_departure(self, missed: Tensor, masks: Tensor) -> Tensor:
        """Least-squares z (B, 1 + K, AFFINE), in the learned units, for `missed`: true minus carried flow, (B, 2, h/2, w/2).

        First an affine flow of the whole frame is fitted, then one of each part to the residual.
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
    def departure_flow(self, z: Tensor, masks: Tensor) -> Tensor:
        """The flow that z (B, Z) adds, float32 (B, 2, h/2, w/2), in pixels of that grid."""
        size, unit = masks.shape[-2:], self.log_unit.exp()
        whole, local_z = z.unflatten(1, (-1, AFFINE)).tensor_split([1], 1)
        _, basis, to_centre = affine_bases(masks)
        about_origin = (local_z * unit[1]).unflatten(2, (2, 3)) @ to_centre
        local = (about_origin.flatten(2).mT @ masks.flatten(2)).unflatten(1, (2, 3))  # (B, 2, 3, h * w)
        return affine_flow((whole[:, 0] * unit[0]).unflatten(1, (2, 3)), size) + (local * basis).sum(2).unflatten(2, size)


def affine_bases(masks: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Bases of affine flows for masks (B, K, h, w).

    Returns:
        pixel weights of each part, (B, K, h * w), which sum to 1; the basis about the image centre, (3, h * w); and the matrices
        (B, K, 3, 3) from it to the basis about the centre of each part.
    """
    weights = masks.flatten(2) / masks.sum((2, 3))[..., None].clamp(min=1e-4)
    here = centred_coordinates(masks.shape[-2:], masks.device).flatten(1)
    centres = weights @ here.T
    to_centre = torch.eye(3, device=masks.device).expand(*centres.shape[:2], 3, 3).clone()
    to_centre[..., 1:, 0] = -centres
    return weights, torch.cat([torch.ones_like(here[:1]), here]), to_centre
