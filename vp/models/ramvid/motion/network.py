"""A denoiser of motion: the displacements of the pixels of all unknown frames of a clip, denoised together.

Random-mask video diffusion (Hoeppe et al. 2022) with motion in place of pixels (as in Ni et al. 2023, section 3.2). What is
diffused is, on a coarse grid, where the pixels of an unknown frame come from in the nearest known frames before and after it,
relative to even motion. A second part of the network refines the denoised motion and predicts from which side
each pixel is taken; both are then enlarged and applied to the known frames themselves, so clips of any size keep their
sharpness.

At every step the features of known frames are looked up where the noisy motion points, so that the denoiser sees whether both
sides agree there. The features themselves do not depend on the noise and are computed once for all steps and samples.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ....core.constant import constant_indices
from ....core.tree import repeat_rows
from ....nn.blocks import conv_block, pixel_shuffle_block
from ....nn.group_norm import GroupNorm
from ....nn.motion_input import CAMERA, FEATURES, inside_mask, motion_features, warp_any_size
from ....nn.optical_flow import resize_flow
from ....nn.warp import resize_bilinear, warp
from .config import MotionDiffusionConfig
from .references import SIDES, References, Sides

COARSE = 2 * SIDES  # numbers of a cell that are noisy: a displacement (x, y) on each side
CELL = 4  # px of the flow's grid that a cell is wide
SPREAD, LEAST_SPEED = 0.4, 0.1  # a departure's scale: a share of (speed + px a frame) for every frame of distance
BETWEEN = 1.7  # by how much it is larger between two known frames
STD = 0.65  # of a departure
LARGEST = 6.0  # of a departure, after asinh
HEADS = 4
FREQUENCIES = 16  # of the sinusoids that tell the level
JOINED, REFINED = 64, 24  # channels of what the refinement is read from, at a quarter and at half


class Scene(NamedTuple):
    """The inputs of the denoiser that do not depend on the noise, for U unknown frames of B clips; S = 2 sides, before and after.

    Args:
        half, quarter: (B, U, S, half, h/2, w/2) and (B, U, S, quarter, h/4, w/4), of each reference; zero where there is none.
        even: float32 (B, U, S, 2, h/2, w/2), see `References`.
        scale: float32 (B, U, S, 1, 1, 1), the unit of departures, in px of that grid.
        stopped: float32 (B, U, COARSE, h/8, w/8), the departure of a scene that stands still.
        times: float32 (U,), indices of the unknown frames.
        distance: float32 (U, S), frames to the reference, 0 where there is none.
    """

    half: Tensor
    quarter: Tensor
    even: Tensor
    scale: Tensor
    stopped: Tensor
    times: Tensor
    distance: Tensor

    def repeat_clips(self, copies: int) -> Scene:
        """Each clip `copies` times, one after the other."""
        of_clips = repeat_rows(self[:5], copies)
        return Scene(*of_clips, self.times, self.distance)

    @property
    def has_reference(self) -> Tensor:
        """float32 (U, S, 1, 1, 1): 1 where an unknown frame has a reference on that side, else 0."""
        return (self.distance > 0).float()[..., None, None, None]

    @property
    def departure_mask(self) -> Tensor:
        """float32 (U, COARSE, 1, 1): `has_reference` for each channel of a departure."""
        return self.has_reference.expand(-1, -1, 2, -1, -1).flatten(1, 2)

    @property
    def departure_shape(self) -> tuple[int, int, int, int]:
        """(U, COARSE, h/8, w/8), the shape of one clip's departure."""
        height, width = self.even.shape[-2:]
        return len(self.times), COARSE, height // CELL, width // CELL


class Motion(NamedTuple):
    """Where the pixels of U unknown frames come from.

    Args:
        displacement: float32 (B, U, S, 2, h/2, w/2), into the reference of each side, in pixels of this grid, x first.
        before: float32 (B, U, 1, h/2, w/2) in [0, 1], the weight of the side before.
    """

    displacement: Tensor
    before: Tensor

    def warp_side(self, references: Tensor, reference_of: Sides, side: int) -> tuple[list[int], Tensor]:
        """Warps the references of one side.

        Args:
            references: float32 (B, R, C, H, W), of any size.
            reference_of: index of the reference of each frame on each side, or None.
            side: 0 before, 1 after.

        Returns:
            Indices of the unknown frames that have a reference on this side, and the frames made from it (B, len, C, H, W).
        """
        indices = [u for u, sides in enumerate(reference_of) if sides[side] is not None]
        numbers, wanted = (
            constant_indices(tuple(x), references.device) for x in ((reference_of[u][side] for u in indices), indices)
        )
        sources = references.index_select(1, numbers)
        moved = warp_any_size(sources.flatten(0, 1), self.displacement[:, :, side].index_select(1, wanted).flatten(0, 1))
        return indices, moved.unflatten(0, sources.shape[:2])

    def render_frames(self, references: Tensor, reference_of: Sides) -> tuple[Tensor, list[tuple[list[int], Tensor]]]:
        """The blended frames (B, U, C, H, W), and for each side what `warp_side` returns; arguments as there."""
        parts = [self.warp_side(references, reference_of, side) for side in range(SIDES)]
        share = resize_bilinear(self.before.flatten(0, 1), references.shape[-2:]).unflatten(0, self.before.shape[:2])
        out = []
        for u, sides in enumerate(reference_of):
            known = [part[:, those.index(u)] for (those, part), r in zip(parts, sides) if r is not None]
            out.append(torch.lerp(known[1], known[0], share[:, u]) if len(known) == SIDES else known[0])
        return torch.stack(out, 1), parts


def to_departure(displacement: Tensor, scene: Scene) -> Tensor:
    """Displacements like `Scene.even` as the diffused variable, float32 (B, U, COARSE, h/8, w/8).

    It is the deviation from `Scene.even`, averaged over cells, in units of `Scene.scale`, under asinh: motion has heavy tails.
    """
    coarse = mean_over_cells(displacement - scene.even)
    return (torch.asinh(coarse / scene.scale).clamp(-LARGEST, LARGEST) * scene.has_reference).flatten(2, 3)


def to_displacement(departure: Tensor, scene: Scene) -> Tensor:
    """A departure (B, U, COARSE, h/8, w/8) as displacements like `Scene.even`; the inverse of `to_departure` up to resolution."""
    coarse = departure.unflatten(2, (SIDES, 2)).clamp(-LARGEST, LARGEST).sinh() * scene.scale * scene.has_reference
    return scene.even + enlarge_cells(coarse, scene.even.shape[-2:])


def mean_over_cells(displacement: Tensor) -> Tensor:
    """Displacements like `Scene.even` averaged over cells, (B, U, S, 2, h/8, w/8)."""
    return F.avg_pool2d(displacement.flatten(0, 2), CELL).unflatten(0, displacement.shape[:3])


def enlarge_cells(coarse: Tensor, size: tuple[int, int]) -> Tensor:
    """Displacements of cells (B, U, S, 2, h/8, w/8), interpolated to a grid of `size`."""
    return resize_bilinear(coarse.flatten(0, 2), size).unflatten(0, coarse.shape[:3])


def warp_features(scene: Scene, displacement: Tensor) -> Tensor:
    """Features of both references at the ends of displacements like `Scene.even`: (B * U, ..., h/4, w/4)."""
    size, (count, frames) = scene.quarter.shape[-2:], displacement.shape[:2]

    def everywhere(x: Tensor) -> Tensor:
        """Numbers (B or 1, U, 1, 1, 1) as maps."""
        return x.expand(count, frames, 1, *size).flatten(0, 1)

    parts, moved = [], []
    for side in range(SIDES):
        flow = resize_flow(displacement[:, :, side].flatten(0, 1), size)
        moved.append(warp(scene.quarter[:, :, side].flatten(0, 1).float(), flow))
        there, far = (
            everywhere(scene.has_reference[None, :, side]),
            everywhere(scene.distance[None, :, side, None, None, None] / 8),
        )
        scale = everywhere((scene.scale[:, :, side] + 0.1).log())
        parts += [moved[-1], flow / 4, inside_mask(flow) * there, there, far, scale]
    parts.append((moved[0] - moved[1]).abs().mean(1, keepdim=True) * everywhere(scene.has_reference.prod(1)[None]))
    return torch.cat(parts, 1).to(scene.quarter.dtype)


class Level(nn.Module):
    """Embeds levels tau in [0, 1], (B,), as (B, width)."""

    def __init__(self, width: int):
        super().__init__()
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.linspace(-1, 6, FREQUENCIES), persistent=False)
        self.mix = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.LeakyReLU(0.2), nn.Linear(width, width))

    def forward(self, level: Tensor) -> Tensor:
        angles = level[:, None] * self.frequencies
        return self.mix(torch.cat([angles.sin(), angles.cos()], 1))


class AcrossTime(nn.Module):
    """Attention between the frames of a clip at each position, biased towards near times (ALiBi: Press et al. 2022)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = GroupNorm(8, width)
        self.project = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        self.slope = nn.Parameter(torch.linspace(-3, 0.5, HEADS))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, times: Tensor) -> Tensor:
        """x (B * U, width, h, w) of frames at the frame indices `times` (U,), to the same shape."""
        frames, size = len(times), x.shape[-2:]
        qkv = self.project(self.norm(x)).unflatten(0, (-1, frames)).unflatten(2, (3, HEADS, -1)).flatten(-2)
        query, key, value = qkv.permute(2, 0, 5, 3, 1, 4).flatten(1, 2).unbind(0)  # (B * h * w, heads, U, width / heads)
        bias = -F.softplus(self.slope)[:, None, None] * (times[:, None] - times).abs()
        mixed = F.scaled_dot_product_attention(query, key, value, bias.to(query.dtype))
        mixed = mixed.unflatten(0, (-1, size.numel())).permute(0, 3, 2, 4, 1).flatten(2, 3)  # (B, U, width, h * w)
        return x + self.out(mixed.unflatten(3, size).flatten(0, 1))


class Block(nn.Module):
    """A residual block over space and then time; the level scales and shifts its channels (FiLM: Perez et al. 2018)."""

    def __init__(self, width: int):
        super().__init__()
        self.first = conv_block(width, width)
        self.film = nn.Linear(width, 2 * width)
        self.whole = nn.Linear(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.time = AcrossTime(width)
        for layer in (self.film, self.second):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, level: Tensor, times: Tensor) -> Tensor:
        inner = self.first(x)
        scale, shift = self.film(level).repeat_interleave(len(times), 0)[..., None, None].chunk(2, 1)
        inner = inner * (1 + scale) + shift + self.whole(inner.float().mean((2, 3)))[..., None, None]
        return self.time(x + self.second(F.leaky_relu(inner, 0.2).to(x.dtype)), times)


class Denoiser(nn.Module):
    """Estimates clean departures from noisy ones.

    It corrects the best linear estimate, whose error is its unit (preconditioning as in Karras et al. 2022, section 5, for the
    noise of a flow). From noise alone that estimate is zero, so the likeliest motion does not depend on the noise.
    """

    def __init__(self, quarter: int, width: int, blocks: int):
        super().__init__()
        self.join = nn.Sequential(conv_block(SIDES * (quarter + 6) + 1, 96), conv_block(96, width, 2))
        self.enter = nn.Conv2d(width + COARSE, width, 3, padding=1)
        self.level = Level(width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.leave = nn.Sequential(conv_block(width, width), nn.Conv2d(width, 2 * COARSE, 3, padding=1))
        nn.init.zeros_(self.leave[1].weight)
        nn.init.zeros_(self.leave[1].bias)

    def forward(self, scene: Scene, noisy: Tensor, level: Tensor) -> Tensor:
        """The clean departure x0, float32, of a noisy tau x0 + (1 - tau) eps (B, U, COARSE, h/8, w/8) at levels tau (B,)."""
        share, unit = (x.view(-1, 1, 1, 1, 1) for x in linear_estimate(level))
        linear = share * noisy * scene.departure_mask
        joined = self.join(warp_features(scene, to_displacement(linear, scene)))
        x = self.enter(torch.cat([joined, linear.flatten(0, 1).to(joined.dtype)], 1))
        level = self.level(level)
        for layer in self.blocks:
            x = layer(x, level, scene.times)
        change, stop = self.leave(x).float().unflatten(0, (-1, len(scene.times))).chunk(2, 2)
        change = change + stop.tanh() * scene.stopped  # most motion slows down: so much a share of it, or more
        return linear + unit * change * scene.departure_mask


def linear_estimate(level: Tensor) -> tuple[Tensor, Tensor]:
    """Of the best linear estimate of x0 ~ N(0, STD^2) from tau x0 + (1 - tau) eps: the factor of the noisy value, and the error's
    standard deviation, at levels tau of any shape."""
    signal, noise = (level * STD).square(), (1 - level).square()
    return level * STD**2 / (signal + noise), STD * (1 - level) / (signal + noise).sqrt()


class MotionDenoiser(nn.Module):
    """All networks of the model: encoders of references, the denoiser of coarse motion, and its refinement."""

    def __init__(self, cfg: MotionDiffusionConfig):
        super().__init__()
        self.cfg = cfg
        half, quarter, width = cfg.half, cfg.quarter, cfg.width
        self.encode_half = nn.Sequential(nn.Conv2d(FEATURES + CAMERA, half + 16, 3, padding=1), conv_block(half + 16, half))
        self.encode_quarter = nn.Sequential(conv_block(half, quarter, 2), conv_block(quarter, quarter))
        self.clean = Denoiser(quarter, width, cfg.blocks)
        self.refine_quarter = nn.Sequential(conv_block(SIDES * (quarter + 6) + 1, JOINED), conv_block(JOINED, JOINED))
        self.change_quarter = nn.Conv2d(JOINED, COARSE + 1, 3, padding=1)
        self.up_half = pixel_shuffle_block(JOINED, 16)
        self.refine_half = conv_block(16 + SIDES * (half + 2), REFINED)
        self.change_half = nn.Conv2d(REFINED, COARSE + 1, 3, padding=1)
        for layer in (self.change_quarter, self.change_half):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def encode_references(self, references: References, times: Tensor) -> Scene:
        """The features of the references; `times` float32 (U,), the indices of the unknown frames."""
        half = self.encode_half(motion_features(references.known, camera=True))
        quarter = self.encode_quarter(half)
        count = len(references.even)
        halves, quarters = (gather_side_features(x.unflatten(0, (-1, count)), references.reference_of) for x in (half, quarter))
        even, scale = references.even, departure_scale(references)
        scene = Scene(halves, quarters, even, scale, even.new_empty(0), times, references.distance)
        return scene._replace(stopped=to_departure(torch.zeros_like(even), scene))

    def refine(self, scene: Scene, departure: Tensor) -> Motion:
        """The motion in detail from a clean departure (B, U, COARSE, h/8, w/8), whose mean over a cell it keeps."""
        coarse = to_displacement(departure, scene)
        size, frames = coarse.shape[-2:], coarse.shape[:2]
        joined = self.refine_quarter(warp_features(scene, coarse))
        change, towards = self.change_quarter(joined).float().split([COARSE, 1], 1)
        moved = [warp(scene.half[:, :, s].flatten(0, 1).float(), coarse[:, :, s].flatten(0, 1)) for s in range(SIDES)]
        x = torch.cat([self.up_half(joined).float(), *moved, coarse.flatten(2, 3).flatten(0, 1) / 4], 1)
        finer, finer_towards = self.change_half(self.refine_half(x.to(joined.dtype))).float().split([COARSE, 1], 1)
        change = (resize_bilinear(change, size) + finer).unflatten(0, frames).unflatten(2, (SIDES, 2)) * scene.has_reference
        change = change - enlarge_cells(mean_over_cells(change), size)
        towards = (resize_bilinear(towards, size) + finer_towards).unflatten(0, frames)
        nearer = (scene.distance[:, 1].clamp_min(0.5) / scene.distance[:, 0].clamp_min(0.5)).log()  # the nearer side counts more
        return Motion(coarse + change, torch.sigmoid(towards + nearer[:, None, None, None]))


def departure_scale(references: References) -> Tensor:
    """float32 (B, U, S, 1, 1, 1): the expected deviation of motion from even motion, in px.

    It grows with the speed and with the distance to the known frame; between two known frames, with the product of both distances
    over their sum.
    """
    far, other = references.distance, references.distance.flip(1)
    reach = torch.where(other > 0, far * other / (far + other).clamp_min(1), far)
    spread = SPREAD * torch.where(other > 0, BETWEEN, 1.0)
    scale = spread * (references.speed[:, None, None] + LEAST_SPEED) * reach.clamp_min(0.5)
    return scale[..., None, None, None]


def gather_side_features(features: Tensor, reference_of: Sides) -> Tensor:
    """Features (R, B, ...) of the references, gathered for each unknown frame: (B, U, S, ...); zero where there is none."""
    none = torch.zeros_like(features[0])
    return torch.stack([torch.stack([none if r is None else features[r] for r in sides], 1) for sides in reference_of], 1)
