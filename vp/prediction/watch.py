"""Observations of evaluation clips."""

from __future__ import annotations

import torch
from torch import Tensor

from vp.core.clips import shrink_and_enlarge
from vp.core.video import Batch, Observation


def observe_clips(data: Batch, clips: slice, known: Tensor, scale: int = 1, device: torch.device | str = "cpu") -> Observation:
    """The Observation of a slice of clips.

    Args:
        data: clips, float32 frames (B, T, C, H, W) and actions or None, all of which are given.
        clips: which of them.
        known: bool (T,); other frames are hidden (NaN). The target holds all frames, for options that see the future.
        scale: frames are shown at 1/scale of their size, enlarged again.
    """
    part = Batch(data.frames[clips], None if data.actions is None else data.actions[clips]).to(device)
    hidden = shrink_and_enlarge(part.frames, scale).masked_fill(~known.view(1, -1, 1, 1, 1).to(device), float("nan"))
    return Observation(hidden, known, part.actions, target=part.frames)
