"""Objects that an arm touched: their pixels, and the PSNR on them."""

from __future__ import annotations

import torch
from torch import Tensor

from vp.core.video import Batch
from vp.metrics import psnr_within


def touched_pixels(clips: Batch, known: Tensor) -> Tensor | None:
    """bool (B, T, H, W): pixels of objects that were touched in a predicted frame up to this one; None for clips without the
    extras.

    Args:
        clips: with extras objects (B, T, H, W) and contacts (B, T, K), as `vp.data.push` gives them.
        known: bool (T,), the known frames; contacts in them do not count.
    """
    if not {"objects", "contacts"} <= set(clips.extras):
        return None
    objects, contacts = clips.extras["objects"], clips.extras["contacts"]
    since = (contacts & ~known[:, None]).cumsum(1) > 0
    seen = torch.stack([objects == k + 1 for k in range(contacts.shape[-1])], -1)
    return (seen & since[:, :, None, None, :]).any(-1)


def psnr_of_touched(futures: Tensor, truth: Tensor, pixels: Tensor) -> Tensor:
    """PSNR in dB on the selected pixels, float32 (B, N, T); NaN where none is selected.

    Args:
        futures: (B, N, T, C, H, W).
        truth: (B, 1, T, C, H, W).
        pixels: bool (B, T, H, W).
    """
    return psnr_within(futures, truth, pixels[:, None].to(futures.device))
