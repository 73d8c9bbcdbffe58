"""Optical flow extrapolation with random motion: a stochastic baseline for best-of-N metrics and CRPS.

Each sample extrapolates the last velocity times a speed from U(.5, 1.3), with a damping from U(.8, 1) per frame, plus a smooth
Gaussian field. The root mean square length of the field, in pixels per frame, is the residual of the last known flow: the
distance of each pixel's velocity from what the flow before predicts, averaged over a neighbourhood. With two known frames there
is no flow before, and half of the speed replaces the residual. Pixels at rest stay at rest.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vp.core.noise import Seeds, draw_noise
from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Capabilities, Observation, Prediction, Step
from vp.nn.warp import warp

from .dense_flow import FlowOptions
from .flow import estimate_velocity, extrapolate
from .untrained import untrained_family

SPEED, DAMPING = (0.5, 1.3), (0.8, 1.0)
CELLS = 8  # independent values of the field along the shorter side
UNKNOWN = 0.5  # residual as a share of the speed, where only two frames are known


class RandomFlow(Predictor):
    """Extrapolates the motion of the last two known frames with random speed, damping and direction."""

    capabilities = Capabilities(n_past=(2, None), stochastic=True)
    options_type = FlowOptions

    def stream(self, observation: Observation, seeds: Seeds, options: Options | None = None) -> Iterator[Step]:
        options = options or FlowOptions()
        self.check(observation, options)
        n_past, total, samples = observation.n_past, observation.frames.shape[1], seeds.shape[1]
        known = observation.frames[:, max(0, n_past - 3) : n_past]
        speeds, dampings, fields = draw_motion(seeds, *known.shape[-2:])
        last = estimate_velocity(known[:, -2], known[:, -1], options.method)
        deviation = velocity_residual(known, last, options.method)[:, None] / 2**0.5  # of each of the two components
        moving = speeds.to(last) * last[:, None] + deviation * fields.to(last)
        futures = extrapolate(known[:, -1].repeat_interleave(samples, 0), moving.flatten(0, 1), dampings.to(last).flatten(0, 1))
        out = observation.frames[:, None].repeat(1, samples, 1, 1, 1, 1)
        for t in range(n_past, total):
            out[:, :, t] = next(futures).unflatten(0, seeds.shape)
            yield Step(t - n_past + 1, total - n_past + 1)
        yield Step(total - n_past + 1, total - n_past + 1, prediction=Prediction(out))


def draw_motion(seeds: Seeds, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Draws speeds and dampings (B, N, 1, 1, 1), and smooth standard Gaussian fields (B, N, 2, H, W), for seeds int64 (B, N)."""
    rows, columns = (max(1, round(CELLS * side / min(height, width))) for side in (height, width))
    numbers = draw_noise(seeds, 2 + 2 * rows * columns)
    speeds, dampings = (
        (low + (high - low) * torch.special.ndtr(numbers[..., i]))[..., None, None, None]
        for i, (low, high) in enumerate((SPEED, DAMPING))
    )
    coarse = numbers[..., 2:].reshape(-1, 2, rows, columns)
    fields = F.interpolate(coarse, size=(height, width), mode="bicubic", align_corners=False)
    return speeds, dampings, fields.unflatten(0, seeds.shape)


def velocity_residual(known: Tensor, last: Tensor, method: str) -> Tensor:
    """Uncertainty of the velocity of each pixel of the last known frame, float32 (B, 1, H, W) in pixels per frame.

    Args:
        known: the last two or three known frames (B, 2 or 3, C, H, W).
        last: velocity between the last two, (B, 2, H, W).
    """
    before = None if known.shape[1] < 3 else estimate_velocity(known[:, 0], known[:, 1], method)
    apart = UNKNOWN * last if before is None else last - warp(before, -last)
    sigma = max(0.5, min(last.shape[-2:]) / (2 * CELLS))
    blurred = [cv2.GaussianBlur(x, (0, 0), sigma) for x in apart.norm(dim=1).cpu().numpy()]
    return torch.from_numpy(np.stack(blurred))[:, None].to(last)


FLOW_RANDOM = untrained_family(
    "flow-random",
    "Optical flow with random motion",
    "What stochastic prediction has to beat: constant velocity, its speed and direction left to chance.",
    RandomFlow,
)
