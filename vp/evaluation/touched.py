"""Objects that an arm touched: where they are seen, and how well they are predicted there."""

from __future__ import annotations

import torch
from torch import Tensor

from vp.core.video import Batch
from vp.metrics import psnr_within


def touched_pixels(clips: Batch, known: Tensor) -> Tensor | None:
    """bool (B, T, H, W): where the truth shows an object that was touched on the way to this frame or an earlier one to predict.

    Args:
        clips: with extras as `vp.data.push` gives them, objects (B, T, H, W) and contacts (B, T, K); without, None comes back.
        known: bool (T,), the frames given.
    """
    if not {"objects", "contacts"} <= set(clips.extras):
        return None
    objects, contacts = clips.extras["objects"], clips.extras["contacts"]
    since = (contacts & ~known[:, None]).cumsum(1) > 0
    seen = torch.stack([objects == k + 1 for k in range(contacts.shape[-1])], -1)
    return (seen & since[:, :, None, None, :]).any(-1)


def psnr_of_touched(futures: Tensor, truth: Tensor, pixels: Tensor) -> Tensor:
    """float32 (B, N, T) in dB from futures (B, N, T, C, H, W), truth (B, 1, T, C, H, W) and pixels (B, T, H, W); NaN where no
    object has been touched yet."""
    return psnr_within(futures, truth, pixels[:, None].to(futures.device))
