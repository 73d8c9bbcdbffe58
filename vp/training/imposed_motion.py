"""Augmentation with motion of our own: views that pan and zoom evenly over a clip, and cutouts of other clips that drift over it.

Real recordings say little of what goes on evenly: few of them hold a steady pan or a thing that passes. Here the true motion is
known to be even, or evenly accelerated, and what it hides and uncovers comes with it (layered training clips, after Dosovitskiy
et al. 2015, FlowNet, section 4).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.video import Batch

DRAWS = 20  # numbers drawn for a clip
SMALLEST_VIEW, LARGEST_VIEW = 0.55, 0.9  # of the clip's side
SMALLEST_CUTOUT, LARGEST_CUTOUT = 0.12, 0.4  # radius, as a share of the clip's side
SLOWEST, FASTEST = 0.002, 0.04  # of a cutout, in sides a frame
TURN, GROWTH = 0.04, 0.02  # standard deviations of a cutout's rotation, in radians a frame, and growth a frame
ACCELERATED = 0.25  # share of cutouts and views whose motion is not even
LOBES = (2, 3, 5)  # frequencies of a cutout's outline
EDGE = 0.02  # softness of that outline, as a share of the clip's side


def draw_motion(clips: int, generators: Sequence[torch.Generator]) -> Tensor:
    """What decides the motion imposed on `clips` clips of each generator: uniform in [0, 1), float32 (B, DRAWS)."""
    return torch.cat([torch.rand(clips, DRAWS, generator=g, device=g.device) for g in generators])


def impose_motion(batch: Batch, draws: Tensor, share: float) -> Batch:
    """The clips, some of them as seen by a moving view, and some with a cutout of another clip that moves over them.

    Only for clips without actions or per-pixel `extras`, since those refer to positions in the frames (`drawn.is_plain`).

    Args:
        batch: frames float32 (B, T, C, H, W) in [0, 1].
        draws: of `draw_motion`, on the same device.
        share: of the clips that get either; the two are drawn independently.
    """
    frames, count = batch.frames, round(share * len(batch.frames))
    if not count:
        return batch
    frames = frames.clone()
    rows = draws[:, 0].argsort()[:count]
    frames[rows] = move_view(frames[rows], draws[rows, 1:7])
    rows, donors = draws[:, 7].argsort()[:count], draws[:, 8].argsort()[:count]
    frames[rows] = paste_cutouts(frames[rows], batch.frames[donors, 0], draws[rows, 9:])
    return Batch(frames, extras=batch.extras)


def passed_share(length: int, draw: Tensor) -> Tensor:
    """Share of the way that is gone at each of `length` frames, float32 (B, T) from 0 to 1: even, or evenly accelerated.

    Args:
        draw: float32 (B,), uniform in [0, 1); below ACCELERATED the motion slows down (or, half as often, speeds up).
    """
    time = torch.linspace(0, 1, length, device=draw.device)
    bent = draw / ACCELERATED  # uniform in [0, 1) where accelerated
    bend = torch.where(draw < ACCELERATED, torch.where(bent < 2 / 3, 1.5 * bent, 2 - 3 * bent), 0.0)[:, None]
    return (1 + bend) * time - bend * time.square()


def move_view(frames: Tensor, draws: Tensor) -> Tensor:
    """A smaller square view that moves over the frames from one place to another, enlarged to their size.

    Args:
        frames: float32 (B, T, C, H, W).
        draws: float32 (B, 6), uniform in [0, 1).
    """
    start, end, x0, y0, x1, y1 = draws.unbind(1)
    length = frames.shape[1]
    first = SMALLEST_VIEW + (LARGEST_VIEW - SMALLEST_VIEW) * start
    last = (first * (1 + 0.3 * (end - 0.5))).clamp(SMALLEST_VIEW, LARGEST_VIEW)
    passed = passed_share(length, (7 * end) % 1)  # another number of the same draw
    side = torch.lerp(first[:, None], last[:, None], passed)
    x, y = (torch.lerp(a[:, None], b[:, None], passed) for a, b in ((x0, x1), (y0, y1)))
    zero = torch.zeros_like(side)
    across, down = (1 - side) * (2 * x - 1), (1 - side) * (2 * y - 1)
    views = torch.stack([side, zero, across, zero, side, down], -1).unflatten(-1, (2, 3))
    flat = frames.flatten(0, 1)
    grid = F.affine_grid(views.flatten(0, 1), list(flat.shape), align_corners=False)
    return F.grid_sample(flat, grid, padding_mode="border", align_corners=False).view_as(frames)


def paste_cutouts(frames: Tensor, donors: Tensor, draws: Tensor) -> Tensor:
    """Frames with a cutout of another picture, of irregular outline, that drifts, turns and grows.

    Args:
        frames: float32 (B, T, C, H, W).
        donors: float32 (B, C, H, W), what the cutouts are taken from.
        draws: float32 (B, 11), uniform in [0, 1).
    """
    count, length, _, height, width = frames.shape
    radius = SMALLEST_CUTOUT + (LARGEST_CUTOUT - SMALLEST_CUTOUT) * draws[:, 0]
    way = (length - 1) * SLOWEST * (FASTEST / SLOWEST) ** draws[:, 1]
    course = 2 * math.pi * draws[:, 2]
    passed = passed_share(length, draws[:, 3])[..., None]
    centre = (
        0.2 + 0.6 * draws[:, None, 4:6] + (passed - 0.5) * (way[:, None] * torch.stack([course.cos(), course.sin()], 1))[:, None]
    )
    spins = (torch.erfinv((2 * draws[:, 6:8] - 1).clamp(-0.99, 0.99)) * 2**0.5)[:, None] * torch.arange(
        length, device=frames.device
    )[:, None]
    angle, scale = TURN * spins[..., 0], torch.exp(GROWTH * spins[..., 1])
    rows, columns = ((torch.arange(n, device=frames.device) + 0.5) / n for n in (height, width))
    places = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)  # (H, W, 2), in sides, x first
    apart = places - centre[:, :, None, None]  # (B, T, H, W, 2)
    cos, sin = ((f(angle) / scale)[..., None, None] for f in (torch.cos, torch.sin))
    own = torch.stack([cos * apart[..., 0] + sin * apart[..., 1], cos * apart[..., 1] - sin * apart[..., 0]], -1)
    direction, distance = torch.atan2(own[..., 1], own[..., 0]), own.norm(dim=-1)
    phases = (2 * math.pi * draws[:, 8:11])[:, :, None, None, None]
    outline = 1 + sum(0.25 * torch.cos(k * direction + phases[:, i]) / (1 + i) for i, k in enumerate(LOBES))
    mask = ((radius[:, None, None, None] * outline - distance) / EDGE + 0.5).clamp(0, 1)[:, :, None]
    taken = own + 0.5  # the middle of the donor
    painted = F.grid_sample(donors, (2 * taken - 1).flatten(1, 2), padding_mode="reflection", align_corners=False)
    painted = painted.unflatten(2, (length, height)).transpose(1, 2)
    return torch.lerp(frames, painted, mask)
