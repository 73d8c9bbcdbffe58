"""From protocol clips to what a model is shown of them."""

from __future__ import annotations

import torch
from torch import Tensor

from vp.core.clips import shrink_and_enlarge
from vp.core.video import Batch, Observation


def observe(data: Batch, clips: slice, known: Tensor, scale: int = 1, device: torch.device | str = "cpu") -> Observation:
    """Some clips with the frames marked in `known` and all actions given, and whole as target for options that see the future."""
    part = Batch(data.frames[clips], None if data.actions is None else data.actions[clips]).to(device)
    hidden = shrink_and_enlarge(part.frames, scale).masked_fill(~known.view(1, -1, 1, 1, 1).to(device), float("nan"))
    return Observation(hidden, known, part.actions, target=part.frames)
