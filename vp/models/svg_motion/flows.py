"""From frames of any size to what the network reads: small frames, and the optical flow between them."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ...nn.optical_flow import at_size, dis_flow
from ...nn.warp import warp, widened

READ = 5  # known frames that are read
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


class Known(NamedTuple):
    """What the network reads of known frames, the newest first where there are several; each lies over the last frame.

    Args:
        last: float32 (B, 3, h, w), the last frame, in colour. earlier: (B, READ - 1, 3, h, w), those before it.
        flows: (B, READ - 1, 2, h/2, w/2), where pixels were one frame earlier, in pixels of this grid, x first.
    """

    last: Tensor
    earlier: Tensor
    flows: Tensor


def read_known(frames: Tensor, size: tuple[int, int]) -> Known:
    """Reads known frames (B, T, C, H, W) at `size` (h, w); where T, two or more, is below READ, the earliest is repeated."""
    frames = frames[:, -READ:]
    frames = frames.expand(-1, -1, 3, -1, -1) if frames.shape[2] == 1 else frames
    steps = flows_back(frames, (size[0] // 2, size[1] // 2)).flip(1).unbind(1)
    small = resized(frames, size).flip(1)
    displacement, flows, earlier = torch.zeros_like(steps[0]), [], []
    for frame, step in zip(small[:, 1:].unbind(1), steps):
        flows.append(warp(step, displacement))
        displacement = displacement + flows[-1]
        earlier.append(warp(frame, 2 * widened(displacement, size)))
    missing = READ - frames.shape[1]
    return Known(small[:, 0], *(torch.stack(x + missing * x[-1:], 1) for x in (earlier, flows)))
