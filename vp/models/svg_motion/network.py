"""A network that predicts the motion of the pixels of the last known frame.

A conditional VAE (Denton & Fergus 2018) over motion. It reads the last five known frames and the optical flow between them at a
small size, and predicts for every future frame the backward displacement to the last known one. That displacement is enlarged and
warps the full-size frame once, so futures have the size and sharpness of the clip at any horizon.

Every step first advects the flow with constant velocity (semi-Lagrangian advection, Stam 1999) and then adds a learned change,
which is zero at initialisation. The latent z affects this change only: it adds affine motion of the whole frame, as of a camera,
and of parts of the frame. Generated frames are not fed back; features of the known scene are warped by the displacement.
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
    to_rgb,
)
from ...nn.optical_flow import resize_flow, resize_frames
from ...nn.warp import resize_bilinear, warp
from .config import MotionConfig
from .context import ContextBlock
from .conv_gru import ConvGRUCell
from .latent import Carried, Latent
from .pace import Pace
from .parts import Grouping, Parts

NEWEST_AT = 256  # px of the short side at which the newest flow is estimated, whatever the frames' own size
TRUE_AT = 96  # the same for flows of true future frames, in training and for the posterior
UP = 32  # channels from an eighth to a quarter
JOINED, REFINED = 64, 24  # channels of the features that the change is computed from, at a quarter and at half


class Scene(NamedTuple):
    """What stays the same during a rollout.

    Args:
        half, quarter: features of the last known frame, (B, half, h/2, w/2) and (B, quarter, h/4, w/4).
        parts: its parts, None without a latent.
        pace: standard deviation of the pace, (B,), None without one.
    """

    half: Tensor
    quarter: Tensor
    parts: Parts | None
    pace: Tensor | None


class State(NamedTuple):
    """State of a rollout at one frame.

    Args:
        fine: float32 (B, quarter, h/4, w/4), recurrent.
        coarse: float32 (B, eighth, h/8, w/8), recurrent.
        step: float32 (B, 2, h/2, w/2), backward flow to the frame before, in pixels of this grid, x first.
        displacement: the same, to the last known frame.
    """

    fine: Tensor
    coarse: Tensor
    step: Tensor
    displacement: Tensor


class MotionNetwork(nn.Module):
    """The network; see the module for its design."""

    def __init__(self, cfg: MotionConfig):
        super().__init__()
        self.cfg = cfg
        half, quarter, eighth, stochastic = cfg.half, cfg.quarter, cfg.eighth, cfg.latent != "none"
        read = FEATURES + CAMERA * cfg.camera
        self.encode_half = nn.Sequential(nn.Conv2d(read, half + 16, 3, padding=1), conv_block(half + 16, half))
        self.steady = nn.Conv2d(half, READ - 2, 3, padding=1)
        self.encode_quarter = nn.Sequential(conv_block(half, quarter, 2), conv_block(quarter, quarter))
        context = [ContextBlock(eighth) for _ in range(cfg.context)]
        self.encode_eighth = nn.Sequential(conv_block(quarter, eighth, 2), conv_block(eighth, eighth), *context)
        self.start_fine = nn.Conv2d(quarter, quarter, 3, padding=1)
        self.start_coarse = nn.Conv2d(eighth, eighth, 3, padding=1)
        self.read = conv_block(2 * quarter + 5, quarter)
        self.fine = ConvGRUCell(quarter, quarter)
        self.down = conv_block(quarter, eighth, 2)
        self.whole = nn.Linear(eighth, eighth)
        self.grouping = Grouping(cfg.parts, half) if stochastic else None
        self.latent = Latent(cfg) if stochastic else None
        self.pace = Pace(eighth) if stochastic and cfg.pace else None
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

    def encode_known(self, known: AlignedFrames) -> tuple[Scene, State]:
        """Encodes known frames of size (h, w), multiples of 8: their features and the state at the last known frame."""
        flows = known.flows
        first = flows[:, 0]
        turns = flows[:, 1:] - first[:, None]
        half = self.encode_half(motion_features(known, self.cfg.camera))
        quarter = self.encode_quarter(half)
        eighth = self.encode_eighth(quarter)
        fine, coarse = self.start_fine(quarter).float().tanh(), self.start_coarse(eighth).float().tanh()
        step = first + (self.steady(half).float()[:, :, None] * turns).sum(1)
        parts = None if self.grouping is None else self.grouping(known, half)
        pace = None if self.pace is None else self.pace(coarse, flows)
        return Scene(half, quarter, parts, pace), State(fine, coarse, step, torch.zeros_like(first))

    def carry_forward(self, scene: Scene, state: State) -> Carried:
        """Continues the rollout by one frame with constant velocity."""
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
        parts = scene.parts and scene.parts.warped(displacement)
        return Carried(fine, coarse, step, displacement, summary, parts)

    def advance(self, scene: Scene, before: State, carried: Carried, z: Tensor | None) -> State:
        """The state of the next frame with latent z (B, Z) or None; `carried` is the result of `carry_forward` for `before`."""
        dtype, size = scene.quarter.dtype, carried.step.shape[-2:]
        coarse = self.coarse(carried.summary.to(dtype), carried.coarse)
        joined = self.join(torch.cat([carried.fine.to(dtype), self.up(coarse.to(dtype))], 1))
        change, gate = self.change(joined).float().split([2, 1], 1)
        seen = warp(scene.half.float(), carried.displacement)
        x = torch.cat([self.up_half(joined).float(), seen, carried.step, carried.displacement / 4], 1)
        change = resize_bilinear(change, size) + self.change_half(self.refine(x.to(dtype))).float()
        if z is not None:
            change = change + self.latent.departure_flow(z, carried.parts.masks)
        step = (1 + torch.tanh(resize_bilinear(gate, size))) * carried.step + change
        return State(carried.fine, coarse, step, step + warp(before.displacement, step))


def prepare_known(frames: Tensor, size: tuple[int, int]) -> AlignedFrames:
    """Resizes known frames (B, T, C, H, W) to `size` (h, w) and aligns the last READ of them; T is 2 or more."""
    frames, grid = to_rgb(frames[:, -READ:]), (size[0] // 2, size[1] // 2)
    steps = (
        backward_flows(frames[:, :-1], grid),
        backward_flows(frames[:, -2:], grid, NEWEST_AT),
    )  # the newest is the initial velocity
    return align_to_last(resize_frames(frames, size), torch.cat(steps, 1))


def true_motion(frames: Tensor, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Backward flow from all frames (B, 1 + F, C, H, W) but the first to the frame before and to the first, on a grid (h, w).

    Returns:
        float32 (B, F, 2, h, w) twice, in pixels of that grid, x first.
    """
    steps = backward_flows(frames, grid, TRUE_AT)
    return steps, compose_flows(steps)
