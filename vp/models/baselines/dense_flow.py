"""Dense optical flow between two frames, Farneback's (2003) or DIS (Kroeger et al. 2016), both by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from vp.core.clips import to_luma
from vp.core.options import Options, choice
from vp.nn.optical_flow import estimate_dis
from vp.nn.warp import warp

AUTO, DIS, FARNEBACK = "auto", "dis", "farneback"
METHODS = {AUTO: "by the frame's size", DIS: "DIS", FARNEBACK: "Farneback"}
SMALL = 64  # px of the shorter side; up to it auto is Farneback, above it DIS
DOUBLED = {FARNEBACK: 128, DIS: 192}  # px of the shorter side; below it the flow is estimated at twice the size
LEAST = 16  # px of the shorter side that DIS needs at least
PARAMETERS = dict(pyr_scale=0.5, levels=3, winsize=15, iterations=5, poly_n=5, poly_sigma=1.1, flags=0)  # of Farneback


@dataclass(frozen=True)
class FlowOptions(Options):
    """Sampling options of the flow baselines."""

    method: str = choice(AUTO, METHODS, "how motion is measured; auto: Farneback up to 64 px a side, DIS above", "Optical flow")


def estimate_flow(a: Tensor, b: Tensor, method: str = AUTO) -> Tensor:
    """Displacement of each pixel of `a` to its position in `b`.

    Args:
        a, b: float32 (B, C, H, W) in [0, 1], one channel or RGB, of any size.
        method: a key of METHODS.

    Returns:
        float32 (B, 2, H, W) in pixels, x first. Of two equal frames DIS gives exactly 0; Farneback does not at the border.
    """
    if method == AUTO:
        method = FARNEBACK if min(a.shape[-2:]) <= SMALL else DIS
    fields = [estimate_flow_numpy(x, y, method) for x, y in zip(to_luma(a).numpy(), to_luma(b).numpy())]
    return torch.from_numpy(np.stack(fields)).permute(0, 3, 1, 2).to(a).contiguous()


def estimate_flow_numpy(a: np.ndarray, b: np.ndarray, method: str) -> np.ndarray:
    """`estimate_flow` of one pair of uint8 (H, W): float32 (H, W, 2), x first; 'auto' is not accepted."""
    height, width = a.shape
    scale = 2 if min(height, width) < DOUBLED[method] else 1
    if method == DIS:
        scale = max(scale, -(-LEAST // min(height, width)))
    if scale > 1:
        a, b = (cv2.resize(x, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for x in (a, b))
    field = cv2.calcOpticalFlowFarneback(a, b, None, **PARAMETERS) if method == FARNEBACK else estimate_dis(a, b)
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_AREA) / scale


def warp_exact(frames: Tensor, source: Tensor) -> Tensor:
    """Frames (B, C, H, W) warped by a displacement (B, 2, H, W) as by `warp`, but bit-identical where that is 0."""
    still = (source == 0).all(1, keepdim=True)
    return torch.where(still, frames, warp(frames, source))
