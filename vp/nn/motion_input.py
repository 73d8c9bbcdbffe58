"""Inputs of the motion networks: small frames aligned over the last one, and optical flow; and warping at full size."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.constant import cached_constant
from ..core.precision import without_autocast
from .optical_flow import dis_flow, resize_flow, resize_short_side
from .warp import resize_bilinear, warp

READ = 5  # number of known frames that a network reads
FEATURES = 4 * (4 * READ - 1) + 2 * (READ - 1) + 3 * (READ - 2)  # channels: pixels, flows, changes of flow
CAMERA = 2 + 2 * (READ - 2) + 3 + 4  # channels: affine camera flow, flow apart from it, speed and steadiness
STILL = 0.02  # px per frame that count as no motion
REWEIGHTED, RIDGE, LEAST_MISS = 4, 1e-4, 0.05  # affine fit: rounds, damping, and px that count as no residual
ESTIMATED_AT = 128  # px of the short side at which flow between known frames is estimated, whatever their own size


def motion_size(height: int, width: int, short_side: int) -> tuple[int, int]:
    """Size at which the motion of frames (height, width) is predicted: about `short_side` on the shorter side, multiples of 8."""
    scale = short_side / min(height, width)
    return tuple(max(8, 8 * round(side * scale / 8)) for side in (height, width))


def backward_flows(frames: Tensor, size: tuple[int, int], estimated_at: int = ESTIMATED_AT) -> Tensor:
    """Backward flow from every frame but the first to the frame before it.

    Args:
        frames: float32 (B, T, C, H, W) in [0, 1].
        size: (h, w) of the grid of the result.
        estimated_at: px of the short side at which the flow is estimated.

    Returns:
        float32 (B, T - 1, 2, h, w), in pixels of that grid, x first.
    """
    if frames.shape[1] == 1:
        return frames.new_zeros(len(frames), 0, 2, *size)
    frames = resize_short_side(frames, estimated_at)
    later, earlier = frames[:, 1:].flatten(0, 1), frames[:, :-1].flatten(0, 1)
    return resize_flow(dis_flow(later, earlier), size).unflatten(0, (len(frames), -1))


def compose_flows(steps: Tensor) -> Tensor:
    """Composes the backward flows of T steps (B, T, 2, h, w) to displacements into the frame before the first; same shape."""
    out = [steps[:, 0]]
    for step in steps[:, 1:].unbind(1):
        out.append(step + warp(out[-1], step))
    return torch.stack(out, 1)


class AlignedFrames(NamedTuple):
    """Known frames and flows, newest first, each warped onto the last known frame.

    Args:
        last: float32 (B, 3, h, w), the last frame, RGB.
        earlier: (B, READ - 1, 3, h, w), the frames before it.
        flows: (B, READ - 1, 2, h/2, w/2), backward flow by one frame, in pixels of this grid, x first.
    """

    last: Tensor
    earlier: Tensor
    flows: Tensor


def to_rgb(frames: Tensor) -> Tensor:
    """Frames (B, T, C, H, W), C 1 or 3, with three channels."""
    return frames.expand(-1, -1, 3, -1, -1) if frames.shape[2] == 1 else frames


def align_to_last(frames: Tensor, steps: Tensor) -> AlignedFrames:
    """Aligns known frames (B, T, 3, h, w), T from 1 to READ, by the backward flow (B, T - 1, 2, h/2, w/2) of each but the first.

    Where T is below READ the earliest frame and flow are repeated; for T = 1 the flow is 0.
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
    """Input channels of a motion network, (B, FEATURES + CAMERA, h/2, w/2); without `camera` the first FEATURES alone."""
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
    """Speed, on a log scale, and steadiness, from 0 (back and forth) to 1, of flows (B, T, 2, h, w): (B, 1, h, w) each."""
    speed = flows.norm(dim=2).mean(1, keepdim=True) + STILL
    return speed.log() / 2, flows.mean(1).norm(dim=1, keepdim=True) / speed


@without_autocast
def fit_affine_flow(flows: Tensor) -> Tensor:
    """Fits an affine flow to the dominant motion, that of the camera, of each flow float32 (M, 2, h, w).

    Iteratively reweighted least squares, so that objects with other motion count little (Geman & McClure 1987, as in Black &
    Anandan 1996).

    Returns:
        Coefficients (M, 2, 3), see `affine_flow`.
    """
    basis, target = affine_basis(flows.shape[-2:], flows.device).flatten(1), flows.flatten(2)
    weights = torch.ones_like(target[:, :1])
    for _ in range(REWEIGHTED):
        weighted = weights * basis
        damped = weighted @ basis.T + RIDGE * torch.eye(3, device=flows.device)
        fit = torch.linalg.solve_ex(damped, weighted @ target.mT).result.mT  # solve() would wait for the GPU to check for errors
        misses = (target - fit @ basis).detach().square().sum(1, keepdim=True)
        usual = misses.median(-1, keepdim=True).values + LEAST_MISS**2
        weights = (1 + misses / usual).pow(-2)
    return fit


def affine_flow(coefficients: Tensor, size: tuple[int, int]) -> Tensor:
    """The flow (M, 2, *size) of coefficients float32 (M, 2, 3): value at the centre, and change from there to the lower and to
    the right border."""
    return (coefficients[..., None, None] * affine_basis(size, coefficients.device)).sum(2)


@cached_constant
def affine_basis(size: tuple[int, int], device: torch.device) -> Tensor:
    """float32 (3, h, w): ones, and row and column coordinates from -1 to 1."""
    rows, columns = (torch.linspace(-1, 1, side, device=device) for side in size)
    rows, columns = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([torch.ones_like(rows), rows, columns])


def warp_any_size(frames: Tensor, displacement: Tensor) -> Tensor:
    """Frames float32 (B, C, H, W) of any size warped by a displacement (B, 2, h, w), in pixels of its own coarser grid."""
    return warp(frames, resize_flow(displacement, frames.shape[-2:]))


def inside_mask(displacement: Tensor) -> Tensor:
    """float32 (B, 1, h, w): 1 where a displacement (B, 2, h, w) points into the frame, 0 where it points outside."""
    height, width = displacement.shape[-2:]
    xs = displacement[:, 0] + torch.arange(width, device=displacement.device)
    ys = displacement[:, 1] + torch.arange(height, device=displacement.device)[:, None]
    return ((xs > -0.5) & (xs < width - 0.5) & (ys > -0.5) & (ys < height - 0.5)).float()[:, None]
