"""Soft segmentation of a frame into parts that may move independently, by position, colour and motion.

As in SLIC (Achanta et al. 2012), a few rounds of k-means start from a regular grid. Here they are soft and differentiable, and
use position, colour and motion with learned scales, and learned features.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...core.constant import cached_constant
from ...core.precision import without_autocast
from ...nn.motion_input import AlignedFrames, affine_flow, fit_affine_flow
from ...nn.optical_flow import resize_frames
from ...nn.warp import warp

ROUNDS = 3  # of k-means
LEARNED = 8  # learned features beside position, colour and motion
PLACE, COLOUR, MOTION = 1.2, 4.0, 1.0  # initial scales of a distance of one part's width, from black to white, of the mean motion
STILL = 0.1  # px per frame on the flow's grid, added to the mean motion, so that noise of still clips counts little
LEAST = 0.01  # added under logarithms: px per frame, or a share
KNOWN = 5  # motion statistics of a part


class Parts(NamedTuple):
    """K parts of each frame, and statistics of their motion.

    Args:
        masks: float32 (B, K, h/2, w/2), share of each pixel in each part; they sum to 1 over K.
        known: float32 (B, 1 + K, KNOWN), of the whole frame and of each part, logarithms of: its speed, the change of its
            mean motion, the change of motion per pixel, the spread of motion within it, and its share of the frame.
    """

    masks: Tensor
    known: Tensor

    def warped(self, displacement: Tensor) -> Parts:
        """The parts with masks warped by a backward displacement (B, 2, h/2, w/2) into the segmented frame."""
        return Parts(warp(self.masks, displacement), self.known)


def grid_layout(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of a grid of about `count` roughly square cells in a frame of this size (h, w)."""
    rows = max(1, round((count * size[0] / size[1]) ** 0.5))
    return rows, max(1, round(count / rows))


class Grouping(nn.Module):
    """Segments the last known frame into about `count` parts."""

    def __init__(self, count: int, half: int):
        super().__init__()
        self.count = count
        self.embed = nn.Conv2d(half, LEARNED, 1)
        nn.init.normal_(self.embed.weight, std=0.05)
        nn.init.zeros_(self.embed.bias)
        self.log_scales = nn.Parameter(torch.tensor([PLACE, COLOUR, MOTION]).log())

    @without_autocast
    def forward(self, known: AlignedFrames, half: Tensor) -> Parts:
        """`half`: features of the known frames, (B, half, h/2, w/2)."""
        size = half.shape[-2:]
        grid = grid_layout(self.count, size)
        place, colour, motion = self.log_scales.exp()
        apart = known.flows[:, 0] - affine_flow(fit_affine_flow(known.flows[:, 0]), size)
        usual = apart.square().sum(1).mean((1, 2)).sqrt()[:, None, None, None] + STILL
        here = (centred_coordinates(size, half.device) * place).expand(len(half), -1, -1, -1)
        seen = [here, resize_frames(known.last, size) * colour, apart / usual * motion, self.embed(half.float())]
        x = torch.cat(seen, 1)
        centres = F.adaptive_avg_pool2d(x, grid).flatten(2)
        x = x.flatten(2)
        for _ in range(ROUNDS):
            near = 2 * centres.mT @ x - centres.square().sum(1)[..., None]  # |x|^2 is the same for all parts
            masks = near.softmax(1)
            centres = x @ (masks / masks.sum(2, keepdim=True)).mT
        masks = masks.unflatten(2, size)
        return Parts(masks, motion_statistics(masks, known.flows))


def motion_statistics(masks: Tensor, flows: Tensor) -> Tensor:
    """`Parts.known` of masks (B, K, h, w) and the known flows (B, READ - 1, 2, h, w), newest first."""
    turned = (flows[:, 1:] - flows[:, :1]).square().sum(2).mean(1, keepdim=True)
    squared = flows[:, 0].square().sum(1, keepdim=True)
    means = mean_over_parts(torch.cat([flows.flatten(1, 2), turned, squared], 1), masks)
    own = means[..., :-2].unflatten(2, flows.shape[1:3])  # (B, 1 + K, READ - 1, 2)
    share = masks.mean((2, 3))
    squares = [
        own[:, :, 0].square().sum(2),
        (own[:, :, 1:] - own[:, :, :1]).square().sum(3).mean(2),
        means[..., -2],
        (means[..., -1] - own[:, :, 0].square().sum(2)).clamp(min=0),
        torch.cat([torch.ones_like(share[:, :1]), share], 1).square(),
    ]
    return torch.stack(squares, 2).add(LEAST**2).log() / 2


@without_autocast
def mean_over_parts(maps: Tensor, masks: Tensor) -> Tensor:
    """Means of maps (B, C, ...) of any size over the whole frame and, by masks, over each part: float32 (B, 1 + K, C)."""
    masks = F.adaptive_avg_pool2d(masks, maps.shape[-2:]).flatten(2)
    weights = torch.cat([torch.ones_like(masks[:, :1]), masks], 1)
    return (weights / weights.sum(2, keepdim=True).clamp(min=1e-4)) @ maps.float().flatten(2).mT


@cached_constant
def centred_coordinates(size: tuple[int, int], device: torch.device) -> Tensor:
    """Row and column from the centre, float32 (2, h, w); the unit is the side of a square of an eighth of the area."""
    pitch = (size[0] * size[1] / 8) ** 0.5
    rows, columns = ((torch.arange(side, device=device) - (side - 1) / 2) / pitch for side in size)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
