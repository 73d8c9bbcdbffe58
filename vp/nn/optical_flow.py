"""Dense optical flow between two frames, estimated by OpenCV on the CPU: DIS (Kroeger et al. 2016)."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.clips import to_luma


def dis_flow(later: Tensor, earlier: Tensor) -> Tensor:
    """Where each pixel of the later frame was in the earlier one.

    Args:
        later, earlier: (B, C, H, W) in [0, 1], C 1 or 3 (RGB), on any device; 12 pixels a side or more.

    Returns:
        float32 (B, 2, H, W) on that device, in pixels relative to the pixel itself, x first.
    """
    fields = [estimate_dis(a, b) for a, b in zip(to_luma(later).numpy(), to_luma(earlier).numpy())]
    return torch.from_numpy(np.stack(fields)).permute(0, 3, 1, 2).contiguous().to(later.device)


def estimate_dis(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (H, W, 2), x first: where each pixel of `a` is in `b`, both uint8 (H, W)."""
    # an estimator that was used before gives other flows for the same frames: a new one every time
    return cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(a, b, None)


def resize_frames(pictures: Tensor, size: tuple[int, int]) -> Tensor:
    """Pictures (..., C, H, W) at another size (h, w), averaged where that is smaller and bilinear where it is larger."""
    if pictures.shape[-2:] == size:
        return pictures
    mode = {"mode": "area"} if size[0] <= pictures.shape[-2] else {"mode": "bilinear", "align_corners": False}
    return F.interpolate(pictures.flatten(0, -4), size=size, **mode).unflatten(0, pictures.shape[:-3])


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """A flow (B, 2, H, W) on a grid of another size (h, w), in pixels of that grid: averaged where it shrinks, bilinear where it
    grows."""
    height, width = flow.shape[-2:]
    if size == (height, width):
        return flow
    scale = flow.new_tensor([size[1] / width, size[0] / height]).view(2, 1, 1)
    return resize_frames(flow, size) * scale
