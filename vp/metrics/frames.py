"""Applies a metric to two broadcastable stacks of frames in chunks, so that its memory does not grow with the batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

PIXELS_CPU, PIXELS_GPU = 2**18, 2**24  # per chunk: about what fits a CPU's cache, and what keeps a GPU busy


def apply_per_frame(metric: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor, smallest: int = 1) -> Tensor:
    """Value of `metric` for every pair of frames, float32 (...).

    Args:
        metric: (a, b), float32 (F, C, H, W) both -> float32 (F,); it is called once per chunk.
        a, b: float (..., C, H, W) in [0, 1] on one device, broadcastable.
        smallest: the least height and width the metric is defined for.

    Raises:
        ValueError: frames that are not float, have different C, H or W, or are too small.
    """
    a, b = torch.broadcast_tensors(*check_frames(a, b))
    lead, (channels, height, width) = a.shape[:-3], a.shape[-3:]
    if min(height, width) < smallest:
        raise ValueError(f"frames are {width}x{height}; this metric needs at least {smallest}x{smallest}: enlarge them")
    pixels = PIXELS_GPU if a.is_cuda else PIXELS_CPU
    chunk = max(1, pixels // (channels * height * width))
    if not lead:
        return metric(a[None].float(), b[None].float())[0]
    out = torch.empty(lead, device=a.device)
    for index in torch.arange(lead.numel(), device=a.device).split(chunk):
        where = torch.unravel_index(index, lead)  # indexing copies this chunk of a broadcast view, not all of it
        out[where] = metric(a[where].float(), b[where].float())
    return out


def check_frames(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Returns both unchanged; raises ValueError unless they are float (..., C, H, W) of the same C, H and W."""
    for frames in (a, b):
        if frames.ndim < 3 or not frames.is_floating_point():
            raise ValueError(f"frames are {frames.dtype} {tuple(frames.shape)}; give float (..., C, H, W) in [0, 1]")
    if a.shape[-3:] != b.shape[-3:]:
        raise ValueError(f"frames are {tuple(a.shape[-3:])} and {tuple(b.shape[-3:])}; give two of one (C, H, W)")
    return a, b
