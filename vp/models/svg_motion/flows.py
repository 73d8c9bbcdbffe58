"""From frames of any size to what the network reads: small frames, and the optical flow between them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ...nn.optical_flow import at_size, dis_flow
from ...nn.warp import warp

ESTIMATED_AT = 128  # px of the short side at which flow between known frames is estimated, whatever their own size


def motion_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Size at which the motion of frames (height, width) is predicted: about `short_side` on the shorter side, multiples of 8."""
    scale = short_side / min(height, width)
    return tuple(max(8, 8 * round(side * scale / 8)) for side in (height, width))


def resized(frames: Tensor, size: tuple[int, int]) -> Tensor:
    """Frames (B, T, C, H, W) at another size, averaged where that is smaller and bilinear where it is larger."""
    if frames.shape[-2:] == size:
        return frames
    smaller = size[0] <= frames.shape[-2]
    mode = {"mode": "area"} if smaller else {"mode": "bilinear", "align_corners": False}
    return F.interpolate(frames.flatten(0, 1), size=size, **mode).unflatten(0, frames.shape[:2])


def flows_back(frames: Tensor, size: tuple[int, int], estimated_at: int = ESTIMATED_AT) -> Tensor:
    """Where the pixels of every frame but the first were in the one before.

    Args:
        frames: float32 (B, T, C, H, W) in [0, 1].
        size: (h, w) of the grid that the flow is given on. estimated_at: px of the short side that it is estimated at.

    Returns:
        float32 (B, T - 1, 2, h, w), in pixels of that grid, x first.
    """
    height, width = frames.shape[-2:]
    scale = estimated_at / min(height, width)
    frames = resized(frames, (round(height * scale), round(width * scale)))
    later, earlier = frames[:, 1:].flatten(0, 1), frames[:, :-1].flatten(0, 1)
    return at_size(dis_flow(later, earlier), size).unflatten(0, (len(frames), -1))


def composed(steps: Tensor) -> Tensor:
    """Displacements into the frame before the first step: steps (B, T, 2, h, w) -> the same shape."""
    out = [steps[:, 0]]
    for step in steps[:, 1:].unbind(1):
        out.append(step + warp(out[-1], step))
    return torch.stack(out, 1)


def last_known(known: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """What the network reads of known frames (B, T, C, H, W), T two or more: the last three at `size` (h, w), and their flows.

    Where there are two only, the first of them stands in for the one before it and its pixels for keeping their velocity.

    Returns:
        float32 (B, 3, 3, h, w), in colour, and (B, 2, 2, h/2, w/2), see `MotionNetwork.begin`.
    """
    seen = known[:, -3:]
    seen = seen.expand(-1, -1, 3, -1, -1) if seen.shape[2] == 1 else seen
    flows = flows_back(seen, (size[0] // 2, size[1] // 2)).flip(1)
    if seen.shape[1] == 2:
        seen, flows = torch.cat([seen[:, :1], seen], 1), flows.repeat(1, 2, 1, 1, 1)
    return resized(seen, size), flows
