"""Clips as tensors: what families and data sets do to them alike. Frames are (B, T, C, H, W)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)


def previous_frames(frames: Tensor) -> Tensor:
    """The frame before each; the first frame stands in for its own."""
    return torch.cat([frames[:, :1], frames[:, :-1]], 1)


def repeat_per_sample(frames: Tensor, seeds: Tensor) -> Tensor:
    """Frames as those of every sample of seeds (B, N): (B, N, T, C, H, W)."""
    return frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)


def shrink_and_enlarge(frames: Tensor, scale: int) -> Tensor:
    """Frames float32 (..., C, H, W) in [0, 1] shrunk by averaging and enlarged again by bicubic interpolation."""
    if scale == 1:
        return frames
    flat = F.avg_pool2d(frames.flatten(0, -4), scale)
    large = F.interpolate(flat, size=frames.shape[-2:], mode="bicubic", align_corners=False)
    return large.clamp(0, 1).view_as(frames)


def pad_with_last_frame(frames: Tensor, length: int) -> Tensor:
    """The frames (..., S, C, H, W) made so far, and the last of them again up to `length`: a copy."""
    last = frames[..., -1:, :, :, :]
    return torch.cat([frames, *[last] * (length - frames.shape[-4])], -4)


def to_luma(frames: Tensor) -> Tensor:
    """Grey pictures of frames (..., C, H, W) in [0, 1], C 1 or 3 (RGB): uint8 (..., H, W) on the CPU, as OpenCV takes them."""
    weights = frames.new_tensor(LUMA if frames.shape[-3] == 3 else (1.0,)).view(-1, 1, 1)
    return (frames * weights).sum(-3).mul(255).round().clamp(0, 255).byte().cpu()
