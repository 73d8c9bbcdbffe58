"""Operations on clips that families and data sets share. Frames are (B, T, C, H, W) unless said otherwise."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .constant import constant_vector
from .host_memory import host_buffer
from .noise import Seeds

LUMA = (0.299, 0.587, 0.114)  # weights of red, green and blue (ITU-R BT.601)


def previous_frames(frames: Tensor) -> Tensor:
    """The frame before each frame, same shape; the first frame stands in for its own predecessor."""
    return torch.cat([frames[:, :1], frames[:, :-1]], 1)


def repeat_per_sample(frames: Tensor, seeds: Seeds) -> Tensor:
    """Copies the frames for each of the N samples of seeds (B, N): (B, N, T, C, H, W)."""
    return frames[:, None].repeat(1, seeds.shape[1], 1, 1, 1, 1)


def with_room_for_futures(known: Tensor, samples: int, length: int, device: torch.device) -> Tensor:
    """Known frames float32 (B, P, C, H, W), once for each of N samples, with room for what follows.

    Returns:
        float32 (B, N, length, C, H, W) where the known frames are, those from P on uninitialised; on the CPU page-locked if they
        are computed on a CUDA `device`.
    """
    shape = len(known), samples, length, *known.shape[2:]
    out = host_buffer(shape, device) if known.device.type == "cpu" else known.new_empty(shape)
    out[:, :, : known.shape[1]] = known[:, None]
    return out


def shrink_and_enlarge(frames: Tensor, scale: int) -> Tensor:
    """Frames float32 (..., C, H, W) in [0, 1] averaged over scale x scale blocks, then enlarged again (bicubic, clamped)."""
    if scale == 1:
        return frames
    flat = F.avg_pool2d(frames.flatten(0, -4), scale)
    large = F.interpolate(flat, size=frames.shape[-2:], mode="bicubic", align_corners=False)
    return large.clamp(0, 1).view_as(frames)


def pad_with_last_frame(frames: Tensor, length: int) -> Tensor:
    """Extends frames (..., S, C, H, W) to (..., length, C, H, W) by repeating the last one; returns a copy."""
    last = frames[..., -1:, :, :, :]
    return torch.cat([frames, *[last] * (length - frames.shape[-4])], -4)


def to_luma(frames: Tensor) -> Tensor:
    """Luma of frames (..., C, H, W) in [0, 1], C 1 or 3 (RGB): uint8 (..., H, W) on the CPU, as OpenCV reads it."""
    weights = constant_vector(LUMA if frames.shape[-3] == 3 else (1.0,), frames).view(-1, 1, 1)
    return (frames * weights).sum(-3).mul(255).round().clamp(0, 255).byte().cpu()
