"""A denoiser of motion: how the pixels of all unknown frames of a clip have moved, cleaned together from noise.

Random-mask video diffusion (Hoeppe et al. 2022) with motion in place of pixels (as in Ni et al. 2023, section 3.2): what is noisy
is where the pixels of an unknown frame come from in the nearest known frames before and after it, on a coarse grid, as it departs
from motion that goes on evenly. A second part of the network refines the clean motion and says which side each pixel is taken
from; enlarged, both are applied to the known frames themselves, so clips of any size stay as sharp as they are.

What the network reads of known frames does not depend on the noise and is read once for all steps and samples.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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
LARGEST = 6.0  # of a departure, after asinh
HEADS = 4
FREQUENCIES = 16  # of the sinusoids that tell the level
JOINED, REFINED = 64, 24  # channels of what the refinement is read from, at a quarter and at half


class Scene(NamedTuple):
    """What does not depend on the noise, for U unknown frames of B clips.

    Args:
        features: (B, U, width, h/8, w/8), what is read of it all.
        half, quarter: (B, U, S, half, h/2, w/2) and (B, U, S, quarter, h/4, w/4), of the references; zero where there is none.
        even: float32 (B, U, S, 2, h/2, w/2), see `References`.
        scale: float32 (B, U, S, 1, 1, 1), px of that grid.
        places: float32 (U,), where the frames lie in time.
        distance: float32 (U, S).
    """

    features: Tensor
    half: Tensor
    quarter: Tensor
    even: Tensor
    scale: Tensor
    places: Tensor
    distance: Tensor

    def repeated(self, times: int) -> Scene:
        """Each clip so many times."""
        of_clips = repeat_rows(self[:5], times)
        return Scene(*of_clips, self.places, self.distance)

    @property
    def there(self) -> Tensor:
        """float32 (U, S, 1, 1, 1): 1 where there is a reference on that side."""
        return (self.distance > 0).float()[..., None, None, None]

    @property
    def asked(self) -> Tensor:
        """float32 (U, COARSE, 1, 1): the same for each number of a departure."""
        return self.there.expand(-1, -1, 2, -1, -1).flatten(1, 2)


class Motion(NamedTuple):
    """Where pixels of U unknown frames come from.

    Args:
        displacement: float32 (B, U, S, 2, h/2, w/2), in the reference of each side, in pixels of this grid, x first.
        before: float32 (B, U, 1, h/2, w/2), the share that is taken from the side before.
    """

    displacement: Tensor
    before: Tensor

    def moved(self, references: Tensor, of: Sides, side: int) -> tuple[list[int], Tensor]:
        """The frames that have a reference on a side, by number, and what its pixels make of them: (B, len, C, H, W).

        Args:
            references: float32 (B, R, C, H, W), of any size.
            of: number of the reference of each frame on each side, or None.
        """
        those = [u for u, sides in enumerate(of) if sides[side] is not None]
        sources = references[:, [of[u][side] for u in those]]
        moved = warp_any_size(sources.flatten(0, 1), self.displacement[:, those, side].flatten(0, 1))
        return those, moved.unflatten(0, sources.shape[:2])

    def frames(self, references: Tensor, of: Sides) -> tuple[Tensor, list[tuple[list[int], Tensor]]]:
        """The frames (B, U, C, H, W), and what each side makes of them; arguments and parts as of `moved`."""
        parts = [self.moved(references, of, side) for side in range(SIDES)]
        share = resize_bilinear(self.before.flatten(0, 1), references.shape[-2:]).unflatten(0, self.before.shape[:2])
        out = []
        for u, sides in enumerate(of):
            known = [part[:, those.index(u)] for (those, part), r in zip(parts, sides) if r is not None]
            out.append(torch.lerp(known[1], known[0], share[:, u]) if len(known) == SIDES else known[0])
        return torch.stack(out, 1), parts


def departure(displacement: Tensor, scene: Scene) -> Tensor:
    """What is diffused of displacements like `Scene.even`, float32 (B, U, COARSE, h/8, w/8): how cells depart from even motion.

    asinh keeps what is small and brings what is large, as of a cut or of a thing that is thrown, near: motion has heavy tails.
    """
    coarse = F.avg_pool2d((displacement - scene.even).flatten(0, 2), CELL).unflatten(0, scene.even.shape[:3])
    return (torch.asinh(coarse / scene.scale).clamp(-LARGEST, LARGEST) * scene.there).flatten(2, 3)


def displacement(departure: Tensor, scene: Scene) -> Tensor:
    """The displacements, like `Scene.even`, that depart so."""
    coarse = departure.unflatten(2, (SIDES, 2)).clamp(-LARGEST, LARGEST).sinh() * scene.scale * scene.there
    return scene.even + resize_bilinear(coarse.flatten(0, 2), scene.even.shape[-2:]).unflatten(0, coarse.shape[:3])


class Level(nn.Module):
    """The level tau in [0, 1] of a sample, (B,), as (B, width)."""

    def __init__(self, width: int):
        super().__init__()
        self.register_buffer("frequencies", math.pi * 2.0 ** torch.linspace(-1, 6, FREQUENCIES), persistent=False)
        self.mix = nn.Sequential(nn.Linear(2 * FREQUENCIES, width), nn.LeakyReLU(0.2), nn.Linear(width, width))

    def forward(self, level: Tensor) -> Tensor:
        angles = level[:, None] * self.frequencies
        return self.mix(torch.cat([angles.sin(), angles.cos()], 1))


class AcrossTime(nn.Module):
    """Attention between the frames of a clip, each place by itself; what is far counts less (ALiBi: Press et al. 2022)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = GroupNorm(8, width)
        self.project = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        self.slope = nn.Parameter(torch.linspace(-3, 0.5, HEADS))
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """x (B * U, width, h, w) of frames at `places` (U,) in time."""
        frames, size = len(places), x.shape[-2:]
        qkv = self.project(self.norm(x)).unflatten(0, (-1, frames)).unflatten(2, (3, HEADS, -1)).flatten(-2)
        query, key, value = qkv.permute(2, 0, 5, 3, 1, 4).flatten(1, 2).unbind(0)  # (B * h * w, heads, U, width / heads)
        bias = -F.softplus(self.slope)[:, None, None] * (places[:, None] - places).abs()
        mixed = F.scaled_dot_product_attention(query, key, value, bias.to(query.dtype))
        mixed = mixed.unflatten(0, (-1, size.numel())).permute(0, 3, 2, 4, 1).flatten(2, 3)  # (B, U, width, h * w)
        return x + self.out(mixed.unflatten(3, size).flatten(0, 1))


class Block(nn.Module):
    """Residual, over places and then over time; the level scales and shifts its channels (FiLM: Perez et al. 2018)."""

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

    def forward(self, x: Tensor, level: Tensor, places: Tensor) -> Tensor:
        inner = self.first(x)
        scale, shift = self.film(level).repeat_interleave(len(places), 0)[..., None, None].chunk(2, 1)
        inner = inner * (1 + scale) + shift + self.whole(inner.float().mean((2, 3)))[..., None, None]
        return self.time(x + self.second(F.leaky_relu(inner, 0.2).to(x.dtype)), places)


class Denoiser(nn.Module):
    """Noisy departures to clean ones."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.enter = nn.Conv2d(width + COARSE, width, 3, padding=1)
        self.level = Level(width)
        self.blocks = nn.ModuleList(Block(width) for _ in range(blocks))
        self.leave = nn.Sequential(conv_block(width, width), nn.Conv2d(width, COARSE, 3, padding=1))
        nn.init.zeros_(self.leave[1].weight)
        nn.init.zeros_(self.leave[1].bias)

    def forward(self, scene: Scene, noisy: Tensor, level: Tensor) -> Tensor:
        """The clean departure x0, float32, of a noisy tau x0 + (1 - tau) eps (B, U, COARSE, h/8, w/8) at levels tau (B,)."""
        noisy = (noisy * scene.asked).flatten(0, 1)
        x = self.enter(torch.cat([scene.features.flatten(0, 1), noisy.to(scene.features.dtype)], 1))
        level = self.level(level)
        for layer in self.blocks:
            x = layer(x, level, scene.places)
        out = self.leave(x).float().unflatten(0, (-1, len(scene.places)))
        return out * scene.asked


class MotionDenoiser(nn.Module):
    """See the module."""

    def __init__(self, cfg: MotionDiffusionConfig):
        super().__init__()
        self.cfg = cfg
        half, quarter, width = cfg.half, cfg.quarter, cfg.width
        self.encode_half = nn.Sequential(nn.Conv2d(FEATURES + CAMERA, half + 16, 3, padding=1), conv_block(half + 16, half))
        self.encode_quarter = nn.Sequential(conv_block(half, quarter, 2), conv_block(quarter, quarter))
        self.join = nn.Sequential(conv_block(SIDES * (quarter + 6) + 1, 96), conv_block(96, width, 2))
        self.clean = Denoiser(width, cfg.blocks)
        self.refine_quarter = nn.Sequential(conv_block(SIDES * (quarter + 6) + 1, JOINED), conv_block(JOINED, JOINED))
        self.change_quarter = nn.Conv2d(JOINED, COARSE + 1, 3, padding=1)
        self.up_half = pixel_shuffle_block(JOINED, 16)
        self.refine_half = conv_block(16 + SIDES * (half + 2), REFINED)
        self.change_half = nn.Conv2d(REFINED, COARSE + 1, 3, padding=1)
        for layer in (self.change_quarter, self.change_half):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def begin(self, references: References, places: Tensor) -> Scene:
        """Reads references; `places` float32 (U,), where the unknown frames lie in time."""
        half = self.encode_half(motion_features(references.known, camera=True))
        quarter = self.encode_quarter(half)
        count = len(references.even)
        halves, quarters = (features_of_sides(x.unflatten(0, (-1, count)), references.of) for x in (half, quarter))
        scale = departure_scale(references)
        scene = Scene(halves, halves, quarters, references.even, scale, places, references.distance)
        joined = self.join(self.seen(scene, references.even))
        return scene._replace(features=joined.unflatten(0, (count, -1)))

    def seen(self, scene: Scene, displacement: Tensor) -> Tensor:
        """What lies at the ends of displacements like `Scene.even`, (B * U, ..., h/4, w/4)."""
        size, (count, frames) = scene.quarter.shape[-2:], displacement.shape[:2]

        def everywhere(x: Tensor) -> Tensor:
            """Numbers (B or 1, U, 1, 1, 1) as maps."""
            return x.expand(count, frames, 1, *size).flatten(0, 1)

        parts, moved = [], []
        for side in range(SIDES):
            flow = resize_flow(displacement[:, :, side].flatten(0, 1), size)
            moved.append(warp(scene.quarter[:, :, side].flatten(0, 1).float(), flow))
            there, far = everywhere(scene.there[None, :, side]), everywhere(scene.distance[None, :, side, None, None, None] / 8)
            scale = everywhere((scene.scale[:, :, side] + 0.1).log())
            parts += [moved[-1], flow / 4, inside_mask(flow) * there, there, far, scale]
        parts.append((moved[0] - moved[1]).abs().mean(1, keepdim=True) * everywhere(scene.there.prod(1)[None]))
        return torch.cat(parts, 1).to(scene.quarter.dtype)

    def refined(self, scene: Scene, departure: Tensor) -> Motion:
        """The motion that departs so (B, U, COARSE, h/8, w/8), in detail."""
        coarse = displacement(departure, scene)
        size, frames = coarse.shape[-2:], coarse.shape[:2]
        joined = self.refine_quarter(self.seen(scene, coarse))
        change, towards = self.change_quarter(joined).float().split([COARSE, 1], 1)
        moved = [warp(scene.half[:, :, s].flatten(0, 1).float(), coarse[:, :, s].flatten(0, 1)) for s in range(SIDES)]
        x = torch.cat([self.up_half(joined).float(), *moved, coarse.flatten(2, 3).flatten(0, 1) / 4], 1)
        finer, finer_towards = self.change_half(self.refine_half(x.to(joined.dtype))).float().split([COARSE, 1], 1)
        change = (resize_bilinear(change, size) + finer).unflatten(0, frames).unflatten(2, (SIDES, 2)) * scene.there
        towards = (resize_bilinear(towards, size) + finer_towards).unflatten(0, frames)
        nearer = (scene.distance[:, 1].clamp_min(0.5) / scene.distance[:, 0].clamp_min(0.5)).log()  # the nearer side counts more
        return Motion(coarse + change, torch.sigmoid(towards + nearer[:, None, None, None]))


def departure_scale(references: References) -> Tensor:
    """float32 (B, U, S, 1, 1, 1): about how far motion departs from going on evenly, in px: the farther the known frame, and
    between two of them, where it has to come back, like the nearer of both."""
    far, other = references.distance, references.distance.flip(1)
    reach = torch.where(other > 0, far * other / (far + other).clamp_min(1), far)
    scale = SPREAD * (references.speed[:, None, None] + LEAST_SPEED) * reach.clamp_min(0.5)
    return scale[..., None, None, None]


def features_of_sides(features: Tensor, of: Sides) -> Tensor:
    """Features (R, B, ...) of the references of each unknown frame, (B, U, S, ...); zero where there is none."""
    none = torch.zeros_like(features[0])
    return torch.stack([torch.stack([none if r is None else features[r] for r in sides], 1) for sides in of], 1)
