"""A network that predicts how the pixels of the last known frame will move.

A conditional VAE (Denton & Fergus 2018) over motion. It reads the last five known frames and the optical flow between them at a
small size, and gives for every future frame where each pixel comes from in the last known one. Enlarged, that displacement is
applied once to the frame itself, so futures are as large and as sharp as the clip, however many frames ahead.

Every step first lets the flow carry itself on with constant velocity (semi-Lagrangian advection, Stam 1999), and then changes
it; the layers that do so start at zero, so an untrained network continues with constant velocity. Chance enters what changes the
flow and nothing else: z moves the whole frame, as a camera does, and parts of the picture, each as one. Generated frames are
never read again: what is known of the scene is carried along by the displacement.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...nn.blocks import conv_block, pixel_shuffle_block
from ...nn.motion_input import (
    CAMERA,
    FEATURES,
    READ,
    AlignedFrames,
    align_to_last,
    backward_flows,
    compose_flows,
    inside_mask,
    motion_features,
    resize_frames,
    to_rgb,
)
from ...nn.optical_flow import resize_flow
from ...nn.warp import resize_bilinear, warp
from .config import MotionConfig
from .conv_gru import ConvGRUCell
from .latent import Carried, Latent
from .parts import Grouping, Parts

NEWEST_AT = 256  # px of the short side at which the newest flow is estimated, whatever the frames' own size
TRUE_AT = 96  # likewise for those of the future, in training and for the posterior
UP = 32  # channels from an eighth to a quarter
JOINED, REFINED = 64, 24  # channels of what the change is read from, at a quarter and at half


class Scene(NamedTuple):
    """What the last known frame shows: maps (B, half, h/2, w/2) and (B, quarter, h/4, w/4); its parts, None without a latent."""

    half: Tensor
    quarter: Tensor
    parts: Parts | None


class State(NamedTuple):
    """Where a rollout stands at some frame.

    Args:
        fine: float32 (B, quarter, h/4, w/4), recurrent.
        coarse: float32 (B, eighth, h/8, w/8), recurrent.
        step: float32 (B, 2, h/2, w/2), where pixels were in the frame before, in pixels of this grid, x first.
        displacement: the same, where they were in the last known frame.
    """

    fine: Tensor
    coarse: Tensor
    step: Tensor
    displacement: Tensor


class MotionNetwork(nn.Module):
    """See the module."""

    def __init__(self, cfg: MotionConfig):
        super().__init__()
        self.cfg = cfg
        half, quarter, eighth, stochastic = cfg.half, cfg.quarter, cfg.eighth, cfg.latent != "none"
        read = FEATURES + CAMERA * cfg.camera
        self.encode_half = nn.Sequential(nn.Conv2d(read, half + 16, 3, padding=1), conv_block(half + 16, half))
        self.steady = nn.Conv2d(half, READ - 2, 3, padding=1)
        self.encode_quarter = nn.Sequential(conv_block(half, quarter, 2), conv_block(quarter, quarter))
        self.encode_eighth = nn.Sequential(conv_block(quarter, eighth, 2), conv_block(eighth, eighth))
        self.start_fine = nn.Conv2d(quarter, quarter, 3, padding=1)
        self.start_coarse = nn.Conv2d(eighth, eighth, 3, padding=1)
        self.read = conv_block(2 * quarter + 5, quarter)
        self.fine = ConvGRUCell(quarter, quarter)
        self.down = conv_block(quarter, eighth, 2)
        self.whole = nn.Linear(eighth, eighth)
        self.grouping = Grouping(cfg.parts, half) if stochastic else None
        self.latent = Latent(cfg) if stochastic else None
        self.coarse = ConvGRUCell(eighth, eighth)
        self.up = pixel_shuffle_block(eighth, UP)
        self.join = conv_block(quarter + UP, JOINED)
        self.change = nn.Conv2d(JOINED, 3, 3, padding=1)
        self.up_half = pixel_shuffle_block(JOINED, 16)
        self.refine = conv_block(16 + half + 4, REFINED)
        self.change_half = nn.Conv2d(REFINED, 2, 3, padding=1)
        for layer in (self.steady, self.change, self.change_half):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def begin(self, known: AlignedFrames) -> tuple[Scene, State]:
        """Reads what is known; h and w multiples of 8."""
        flows = known.flows
        first = flows[:, 0]
        turns = flows[:, 1:] - first[:, None]
        half = self.encode_half(motion_features(known, self.cfg.camera))
        quarter = self.encode_quarter(half)
        eighth = self.encode_eighth(quarter)
        fine, coarse = self.start_fine(quarter).float().tanh(), self.start_coarse(eighth).float().tanh()
        step = first + (self.steady(half).float()[:, :, None] * turns).sum(1)
        parts = None if self.grouping is None else self.grouping(known, half)
        return Scene(half, quarter, parts), State(fine, coarse, step, torch.zeros_like(first))

    def carry(self, scene: Scene, state: State) -> Carried:
        """One frame on with constant velocity."""
        step = warp(state.step, state.step)
        displacement = step + warp(state.displacement, step)
        step_quarter, moved = (resize_flow(x, scene.quarter.shape[-2:]) for x in (step, displacement))
        fine = warp(state.fine, step_quarter)
        seen = warp(scene.quarter.float(), moved)
        x = torch.cat([seen, step_quarter, moved / 4, inside_mask(moved), fine], 1)
        fine = self.fine(self.read(x.to(scene.quarter.dtype)), fine)
        summary = self.down(fine.to(scene.quarter.dtype))
        summary = summary + self.whole(summary.float().mean((2, 3)))[..., None, None]
        coarse = warp(state.coarse, resize_flow(step, summary.shape[-2:]))
        parts = scene.parts and scene.parts.moved(displacement)
        return Carried(fine, coarse, step, displacement, summary, parts)

    def advance(self, scene: Scene, before: State, carried: Carried, z: Tensor | None) -> State:
        """What becomes of the carried state with a chosen z (B, Z); `before` is the state that was carried."""
        dtype, size = scene.quarter.dtype, carried.step.shape[-2:]
        coarse = self.coarse(carried.summary.to(dtype), carried.coarse)
        joined = self.join(torch.cat([carried.fine.to(dtype), self.up(coarse.to(dtype))], 1))
        change, gate = self.change(joined).float().split([2, 1], 1)
        seen = warp(scene.half.float(), carried.displacement)
        x = torch.cat([self.up_half(joined).float(), seen, carried.step, carried.displacement / 4], 1)
        change = resize_bilinear(change, size) + self.change_half(self.refine(x.to(dtype))).float()
        if z is not None:
            change = change + self.latent.flow(z, carried.parts.masks)
        step = (1 + torch.tanh(resize_bilinear(gate, size))) * carried.step + change
        return State(carried.fine, coarse, step, step + warp(before.displacement, step))


def prepare_known(frames: Tensor, size: tuple[int, int]) -> AlignedFrames:
    """Reads known frames (B, T, C, H, W) at `size` (h, w); where T, two or more, is below READ, the earliest is repeated."""
    frames, grid = to_rgb(frames[:, -READ:]), (size[0] // 2, size[1] // 2)
    steps = (
        backward_flows(frames[:, :-1], grid),
        backward_flows(frames[:, -2:], grid, NEWEST_AT),
    )  # a rollout starts with the newest
    return align_to_last(resize_frames(frames, size), torch.cat(steps, 1))


def true_motion(frames: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Where the pixels of all frames (B, 1 + F, C, H, W) but the first were in the one before and in the first, on a grid (h, w).

    Returns:
        float32 (B, F, 2, h, w) twice, in pixels of that grid, x first.
    """
    steps = backward_flows(frames, grid, TRUE_AT)
    return steps, compose_flows(steps)
