"""Flow with chance in its motion: what a stochastic model has to beat in its best samples and in CRPS.

A sample of constant velocity differs from the next in speed, times U(.5, 1.3), in damping, U(.8, 1) a frame, and by a smooth
Gaussian field that is added to the velocity. The field's root mean square length, in pixels a frame, is the residual of the last
known flow: how far the velocity of each pixel is from what the flow before predicts for it, averaged over the neighbourhood. With
two known frames there is no flow before, and half of the speed stands in for the residual. Where nothing moved nothing will.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import Predictor, draw_noise
from vp.core.video import Capabilities, Observation, Prediction, Step
from vp.nn.warp import warp

from .dense_flow import FlowOptions
from .flow import estimate_velocity, extrapolate
from .untrained import untrained_family

SPEED, DAMPING = (0.5, 1.3), (0.8, 1.0)
CELLS = 8  # independent values of the field along the shorter side
UNKNOWN = 0.5  # of the speed, where two frames say nothing of how it changes


class RandomFlow(Predictor):
    """Continues the motion of the last two known frames, faster or slower, and somewhere else."""

    capabilities = Capabilities(n_past=(2, None), stochastic=True)
    options_type = FlowOptions

    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
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


def draw_motion(seeds: Tensor, height: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Speeds and dampings (B, N, 1, 1, 1), and smooth standard Gaussian fields (B, N, 2, H, W), by seeds int64 (B, N)."""
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
    """float32 (B, 1, H, W) in pixels a frame: how uncertain the velocity of each pixel of the last known frame is.

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
