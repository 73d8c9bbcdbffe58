"""Dense optical flow between two frames, estimated by OpenCV on the CPU: DIS (Kroeger et al. 2016)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.clips import to_luma
from ..core.constant import constant_vector


def dis_flow(later: Tensor, earlier: Tensor) -> Tensor:
    """Backward flow: the position of each pixel of the later frame in the earlier one.

    Args:
        later, earlier: (B, C, H, W) in [0, 1], C 1 or 3 (RGB), on any device; 12 pixels a side or more.

    Returns:
        float32 (B, 2, H, W) on that device, displacement in pixels, x first.
    """
    fields = [estimate_dis(a, b) for a, b in zip(to_luma(later).numpy(), to_luma(earlier).numpy())]
    return torch.from_numpy(np.stack(fields)).permute(0, 3, 1, 2).contiguous().to(later.device)


def estimate_dis(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2), x first: where each pixel of `a` is in `b`, both uint8 (H, W)."""
    # a reused estimator gives other flows for the same frames, so each call makes a new one
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(a, b, None)


def resize_frames(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes frames (..., C, H, W) to `size` (h, w): area average where that is smaller, bilinear where larger."""
    if frames.shape[-2:] == size:
        return frames
    mode = {"mode": "area"} if size[0] <= frames.shape[-2] else {"mode": "bilinear", "align_corners": False}
    return F.interpolate(frames.flatten(0, -4), size=size, **mode).unflatten(0, frames.shape[:-3])


def resize_short_side(frames: Tensor, side: int) -> Tensor:
    """Resizes frames (..., C, H, W) to `side` px on their shorter side; see `resize_frames`."""
    height, width = frames.shape[-2:]
    scale = side / min(height, width)
    return resize_frames(frames, (round(height * scale), round(width * scale)))


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes a flow (B, 2, H, W) to a grid of `size` (h, w) and scales it to pixels of that grid; see `resize_frames`."""
    height, width = flow.shape[-2:]
    if size == (height, width):
        return flow
    scale = constant_vector([size[1] / width, size[0] / height], flow).view(2, 1, 1)
    return resize_frames(flow, size) * scale
