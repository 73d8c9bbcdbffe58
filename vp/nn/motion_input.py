"""From frames of any size to what networks of motion read, small frames and the optical flow between them, and back to frames."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.constant import cached_constant
from ..core.precision import without_autocast
from .optical_flow import dis_flow, resize_flow, resize_frames
from .warp import resize_bilinear, warp

READ = 5  # known frames that are read
FEATURES = 4 * (4 * READ - 1) + 2 * (READ - 1) + 3 * (READ - 2)  # channels of pixels, flows, and how flows turn
CAMERA = 2 + 2 * (READ - 2) + 3 + 4  # of how the whole frame moves, what moves otherwise, and how fast and steadily
STILL = 0.02  # px a frame that are no motion
REWEIGHTED, RIDGE, LEAST_MISS = 4, 1e-4, 0.05  # of an affine fit: rounds, damping, and px that are no miss
ESTIMATED_AT = 128  # px of the short side at which flow between known frames is estimated, whatever their own size


def motion_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Size at which the motion of frames (height, width) is predicted: about `short_side` on the shorter side, multiples of 8."""
    scale = short_side / min(height, width)
    return tuple(max(8, 8 * round(side * scale / 8)) for side in (height, width))


def backward_flows(frames: Tensor, size: tuple[int, int], estimated_at: int = ESTIMATED_AT) -> Tensor:
    """Where the pixels of every frame but the first were in the one before.

    Args:
        frames: float32 (B, T, C, H, W) in [0, 1].
        size: (h, w) of the grid that the flow is given on.
        estimated_at: px of the short side that it is estimated at.

    Returns:
        float32 (B, T - 1, 2, h, w), in pixels of that grid, x first.
    """
    if frames.shape[1] == 1:
        return frames.new_zeros(len(frames), 0, 2, *size)
    height, width = frames.shape[-2:]
    scale = estimated_at / min(height, width)
    frames = resize_frames(frames, (round(height * scale), round(width * scale)))
    later, earlier = frames[:, 1:].flatten(0, 1), frames[:, :-1].flatten(0, 1)
    return resize_flow(dis_flow(later, earlier), size).unflatten(0, (len(frames), -1))


def compose_flows(steps: Tensor) -> Tensor:
    """Displacements into the frame before the first step: steps (B, T, 2, h, w) -> the same shape."""
    out = [steps[:, 0]]
    for step in steps[:, 1:].unbind(1):
        out.append(step + warp(out[-1], step))
    return torch.stack(out, 1)


class AlignedFrames(NamedTuple):
    """What a network reads of known frames, the newest first where there are several; each lies over the last frame.

    Args:
        last: float32 (B, 3, h, w), the last frame, in colour.
        earlier: (B, READ - 1, 3, h, w), those before it.
        flows: (B, READ - 1, 2, h/2, w/2), where pixels were one frame earlier, in pixels of this grid, x first.
    """

    last: Tensor
    earlier: Tensor
    flows: Tensor


def to_rgb(frames: Tensor) -> Tensor:
    """Frames (B, T, C, H, W) with three channels."""
    return frames.expand(-1, -1, 3, -1, -1) if frames.shape[2] == 1 else frames


def align_to_last(frames: Tensor, steps: Tensor) -> AlignedFrames:
    """Known frames (B, T, 3, h, w), T from 1 to READ, and the flow (B, T - 1, 2, h/2, w/2) of each to the one before it.

    Where T is below READ the earliest is repeated, with no flow where there is none.
    """
    last, size = frames[:, -1], frames.shape[-2:]
    displacement = last.new_zeros(len(last), 2, size[0] // 2, size[1] // 2)
    flows, earlier = [], []
    for frame, step in zip(frames[:, :-1].flip(1).unbind(1), steps.flip(1).unbind(1)):
        flows.append(warp(step, displacement))
        displacement = displacement + flows[-1]
        earlier.append(warp(frame, 2 * resize_bilinear(displacement, size)))
    flows, earlier = flows or [displacement], earlier or [last]
    missing = READ - 1 - len(flows)
    return AlignedFrames(last, *(torch.stack(x + missing * x[-1:], 1) for x in (earlier, flows)))


def motion_features(known: AlignedFrames, camera: bool) -> Tensor:
    """What is known as channels for a convolution, (B, FEATURES + CAMERA, h/2, w/2); without `camera` the first ones."""
    last, earlier, flows = known
    difference = earlier - last[:, None]
    pixels = F.pixel_unshuffle(torch.cat([last - 0.5, difference.flatten(1, 2), 4 * difference.abs().mean(2)], 1), 2)
    turns = flows[:, 1:] - flows[:, :1]
    read = [pixels, flows.flatten(1, 2) / 4, turns.flatten(1, 2), turns.norm(dim=2)]
    if camera:
        whole = affine_flow(fit_affine_flow(flows.flatten(0, 1)), flows.shape[-2:]).view_as(flows)
        apart = flows[:, 0] - whole[:, 0]
        read += [whole[:, 0] / 4, (whole[:, 1:] - whole[:, :1]).flatten(1, 2), apart, apart.norm(dim=1, keepdim=True)]
        read += [*speed_and_steadiness(flows), *speed_and_steadiness(whole)]
    return torch.cat(read, 1)


def speed_and_steadiness(flows: Tensor) -> tuple[Tensor, Tensor]:
    """Of flows (B, T, 2, h, w) how fast they are, on a log scale, and how steady, from 0 (to and fro) to 1: (B, 1, h, w) each."""
    speed = flows.norm(dim=2).mean(1, keepdim=True) + STILL
    return speed.log() / 2, flows.mean(1).norm(dim=1, keepdim=True) / speed


@without_autocast
def fit_affine_flow(flows: Tensor) -> Tensor:
    """The affine flow nearest to most of each flow float32 (M, 2, h, w): what a camera's motion looks like.

    Least squares in float32 whatever surrounds it, reweighted so that what moves otherwise counts little (Geman & McClure 1987,
    as in Black & Anandan 1996).

    Returns:
        Coefficients (M, 2, 3), see `affine_flow`.
    """
    basis, wanted = affine_basis(flows.shape[-2:], flows.device).flatten(1), flows.flatten(2)
    weights = torch.ones_like(wanted[:, :1])
    for _ in range(REWEIGHTED):
        weighted = weights * basis
        damped = weighted @ basis.T + RIDGE * torch.eye(3, device=flows.device)
        fit = torch.linalg.solve_ex(damped, weighted @ wanted.mT).result.mT  # the plain one waits for a GPU, to check
        misses = (wanted - fit @ basis).detach().square().sum(1, keepdim=True)
        usual = misses.median(-1, keepdim=True).values + LEAST_MISS**2
        weights = (1 + misses / usual).pow(-2)
    return fit


def affine_flow(coefficients: Tensor, size: tuple[int, int]) -> Tensor:
    """The flow (M, 2, *size) of coefficients float32 (M, 2, 3): its value at the centre, and how it grows from there to the lower
    and to the right border."""
    return (coefficients[..., None, None] * affine_basis(size, coefficients.device)).sum(2)


@cached_constant
def affine_basis(size: tuple[int, int], device: torch.device) -> Tensor:
    """float32 (3, h, w): ones, and rows and columns from -1 to 1."""
    rows, columns = (torch.linspace(-1, 1, side, device=device) for side in size)
    rows, columns = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([torch.ones_like(rows), rows, columns])


def warp_any_size(frames: Tensor, displacement: Tensor) -> Tensor:
    """Frames float32 (B, C, H, W) of any size, each sampled once where a displacement (B, 2, h, w), in pixels of its own grid,
    points."""
    return warp(frames, resize_flow(displacement, frames.shape[-2:]))


def inside_mask(displacement: Tensor) -> Tensor:
    """float32 (B, 1, h, w): 1 where a displacement (B, 2, h, w) points into the frame, 0 where it points beyond its border."""
    height, width = displacement.shape[-2:]
    xs = displacement[:, 0] + torch.arange(width, device=displacement.device)
    ys = displacement[:, 1] + torch.arange(height, device=displacement.device)[:, None]
    return ((xs > -0.5) & (xs < width - 0.5) & (ys > -0.5) & (ys < height - 0.5)).float()[:, None]
