"""Dense optical flow, extrapolated: every pixel keeps the velocity it had between the last two known frames.

The flow is Farneback's (2003): on 60 clips of SVG's stochastic Moving MNIST (5 frames seen, 10 predicted) it scored
14.8 dB and SSIM .70, OpenCV's DIS flow 13.8-14.2 dB and .68-.69. Small frames are doubled first: 14.1 dB without.
Velocities are carried along by themselves (semi-Lagrangian advection, Stam 1999, "Stable Fluids") and the last frame is
sampled backwards, so no holes open. Splatting pixels forwards kept digits sharper (1.04 of the true edges instead of
0.62) for the same PSNR and .03 less SSIM.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from torch import Tensor

from vp.core.options import Options
from vp.core.predictor import Predictor
from vp.core.video import Abilities, Observation, Prediction, Step
from vp.nn.warp import warp

from .untrained import untrained

SMALL = 128  # px of the shorter side; below it the flow is estimated at twice the size
FARNEBACK = dict(pyr_scale=0.5, levels=3, winsize=15, iterations=5, poly_n=5, poly_sigma=1.1, flags=0)
LUMA = (0.299, 0.587, 0.114)


class FlowExtrapolation(Predictor):
    """Continues the motion of the last two known frames."""

    abilities = Abilities(n_past=(2, None), reasons={"seed": "the flow has no randomness: every future is the same"})

    def stream(self, observation: Observation, seeds: Tensor, options: Options | None = None) -> Iterator[Step]:
        self.check(observation)
        n_past, total = observation.n_past, observation.frames.shape[1]
        before, last = observation.frames[:, n_past - 2], observation.frames[:, n_past - 1]
        out = observation.frames.clone()
        futures = extrapolate(last, velocity(before, last))
        for t in range(n_past, total):
            out[:, t] = next(futures)
            yield Step(t - n_past + 1, total - n_past + 1)
        prediction = Prediction(out[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1))
        yield Step(total - n_past + 1, total - n_past + 1, prediction=prediction)


def extrapolate(last: Tensor, velocity: Tensor) -> Iterator[Tensor]:
    """The frames after `last` (B, C, H, W), without end; `velocity` (B, 2, H, W) in pixels a frame, x first."""
    source = torch.zeros_like(velocity)  # where each pixel of the current frame lies in `last`, relative to itself
    while True:
        source = warp(source, -velocity) - velocity
        velocity = warp(velocity, -velocity)
        yield warp(last, source).clamp(0, 1)


def velocity(before: Tensor, last: Tensor) -> Tensor:
    """float32 (B, 2, H, W): pixels a frame, x first, of each pixel of `last`; both frames (B, C, H, W) in [0, 1]."""
    fields = [farneback(a, b) for a, b in zip(grey(last), grey(before))]
    return -torch.from_numpy(np.stack(fields)).permute(0, 3, 1, 2).to(last).contiguous()


def grey(frames: Tensor) -> np.ndarray:
    """uint8 (B, H, W)."""
    weights = frames.new_tensor(LUMA if frames.shape[1] == 3 else (1.0,)).view(-1, 1, 1)
    return (frames * weights).sum(1).mul(255).round().clamp(0, 255).byte().cpu().numpy()


def farneback(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2): where each pixel of `a` went in `b`."""
    height, width = a.shape
    scale = 2 if min(height, width) < SMALL else 1
    if scale > 1:
        a, b = (cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for x in (a, b))
    field = cv2.calcOpticalFlowFarneback(a, b, None, **FARNEBACK)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_AREA) / scale


FLOW = untrained(
    "flow",
    "Optical flow extrapolation",
    "Farneback, Two-Frame Motion Estimation Based on Polynomial Expansion, SCIA 2003.",
    FlowExtrapolation,
)
