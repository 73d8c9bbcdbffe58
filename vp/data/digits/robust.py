"""Varied moving digits: other numbers, speeds, sizes and grounds than the published data sets have.

A model that has only seen two white 28-pixel digits move at one speed over black fails outside of that. `DigitsRobust`
draws every clip with its own settings, for training; or, to measure the effect of each change, clips that differ from the
published ones in exactly one property, the `VARIANTS` in turn.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from vp.core.video import Batch

from ..drawn import Drawn
from .banks import DigitBank
from .bounce import LAWS
from .draws import Generators, draw_uniform, list_generators
from .moving_digits import SIZE, choose_digits, merge_layers, place_digits

VARIANTS = (
    "published-svg", "published-srvp", "still", "slow", "fast", "one-digit", "three-digits", "small", "large", "grey",
    "inverted", "textured",
)  # fmt: skip
LAW_NAMES = ("smmnist-svg", "smmnist-srvp")
SMALLEST, LARGEST, MOST = 20, 40, 3  # px of a digit's side; digits a clip
MARGIN = 0.2  # of white: what ink is at least brighter or darker than the ground
STILL = 0.08  # share of training clips in which nothing moves
KINDS = (0.4, 0.6, 0.75)  # share of training clips up to which the ground is black, grey, inverted; the rest is textured
GRAINS = (4, 10)  # cells a side of the two kinds of noise in a texture
DRAWS = 9 + MOST  # random numbers that decide a clip's settings


@dataclass
class Settings:
    """Settings of B clips.

    Args:
        law: int64 (B,), index into LAW_NAMES.
        count: int64 (B,), digits.
        speed: float64 (B,), factor on the law's velocities.
        side: int64 (B, 3), px, of each digit.
        low, range: float64 (B,), the ground's darkest level and its contrast, as shares of white; range 0 is flat.
        ink: float64 (B,), level of the digits, as a share of white.
    """

    law: Tensor
    count: Tensor
    speed: Tensor
    side: Tensor
    low: Tensor
    range: Tensor
    ink: Tensor


class DigitsRobust:
    """One to three digits of 20 to 40 px on a black, grey, white or textured ground of 64x64 px, standing still or moving at
    up to twice the published speeds by SVG's or SRVP's law; see `bounce`.

    Args:
        banks: digits; each clip takes its digits from one bank, all banks with equal probability.
        device: where clips are made; a CPU generator works with every device and gives the same clips on each.
    """

    name, channels, size, fps, reads = "digits-robust", 1, SIZE, 10.0, False

    def __init__(self, banks: Sequence[DigitBank], device: torch.device | str = "cpu"):
        self.device = torch.device(device)
        self.digits = "+".join(bank.source for bank in banks)
        self.contents = {f"{bank.source} digits": len(bank) for bank in banks}
        self.counts = torch.tensor([len(bank) for bank in banks])
        self.images = torch.cat([bank.images for bank in banks]).to(self.device)

    def batch(self, clips: int, length: int, generator: torch.Generator, in_turn: bool = False) -> Batch:
        """`clips` clips of `length` frames.

        Args:
            generator: decides everything; on the CPU or on the source's device.
            in_turn: clip i is of variant i modulo 12, as published but for one thing, instead of everything mixed.

        Returns:
            frames uint8 (B, T, 1, 64, 64); extras["hits"] bool (B, T, 3), as `MovingDigits` gives them, never of digits that are
            not there; with `in_turn` also extras["variant"] int64 (B,), index into VARIANTS.
        """
        return self.build(self.draw(clips, length, generator, in_turn).to(self.device))

    def draw(self, clips: int, length: int, generators: Generators, in_turn: bool = False) -> Drawn:
        """The settings, digits and tracks of `clips` clips of each generator; see `Feed`."""
        draws = draw_uniform((DRAWS, clips), generators, along=1)
        settings = one_change_settings(draws) if in_turn else mixed_settings(draws)
        position, hits = walk_digits(settings, length, generators)
        noise = {f"noise{grain}": draw_uniform((clips, 1, grain, grain), generators, dtype=torch.float32) for grain in GRAINS}
        waves = draw_uniform((8, clips, 1, 1), generators, along=1, dtype=torch.float32)
        there = torch.arange(MOST, device=draws.device) < settings.count[:, None]
        chosen = choose_digits(self.counts, clips, MOST, generators)
        hits = (hits & there).transpose(0, 1).contiguous()
        levels = torch.stack([255 * x.float() for x in (settings.low, settings.range, settings.ink)])
        tensors = {"position": position, "hits": hits, "there": there, "chosen": chosen, "side": settings.side, "levels": levels}
        variant = {"variant": torch.arange(clips) % len(VARIANTS)} if in_turn else {}
        return Drawn({**tensors, **noise, "waves": waves, **variant})

    def build(self, drawn: Drawn) -> Batch:
        """The clips drawn, as of `batch`."""
        tensors = drawn.tensors
        low, spread, ink = tensors["levels"]
        texture = make_textures([tensors[f"noise{grain}"] for grain in GRAINS], tensors["waves"])
        digits = resize_each(self.images[tensors["chosen"]], tensors["side"]) * tensors["there"][..., None, None]
        frames = paint_frames(digits, tensors["position"], low[:, None, None] + spread[:, None, None] * texture, ink)
        return Batch(frames, extras={name: tensors[name] for name in ("hits", "variant") if name in tensors})

    def placed(self, device: torch.device) -> DigitsRobust:
        """The same source on another device."""
        other = copy.copy(self)
        other.device, other.images = device, self.images.to(device)
        return other


def mixed_settings(draws: Tensor) -> Settings:
    """Settings that are all random, from draws uniform in [0, 1), float64 (DRAWS, B)."""
    law, count, still, speed, kind = draws[:5]
    return Settings(
        law=(len(LAW_NAMES) * law).long(),
        count=1 + (MOST * count).long(),
        speed=torch.where(still < STILL, 0, 2 * speed),
        side=SMALLEST + ((LARGEST - SMALLEST + 1) * draws[-MOST:].T).long(),
        **ground_settings(
            torch.bucketize(kind, torch.tensor(KINDS, device=kind.device, dtype=kind.dtype), right=True), draws[5:9]
        ),
    )


def one_change_settings(draws: Tensor) -> Settings:
    """Settings of variant i modulo 12 for clip i: two white digits of published size and speed on black, but for one property.

    Args:
        draws: uniform in [0, 1), float64 (DRAWS, B).
    """
    number = torch.arange(draws.shape[1], device=draws.device)
    variant, at = number % len(VARIANTS), VARIANTS.index
    law = torch.where(variant <= at("published-srvp"), variant, number // len(VARIANTS) % len(LAW_NAMES))
    side = torch.tensor([LAWS[name].digit for name in LAW_NAMES], device=draws.device)[law]
    count, speed = torch.full_like(law, 2), torch.ones_like(draws[0])
    for name, value in {"one-digit": 1, "three-digits": 3}.items():
        count[variant == at(name)] = value
    for name, (low, high) in {"still": (0, 0), "slow": (0.25, 0.75), "fast": (1.5, 2)}.items():
        speed = torch.where(variant == at(name), low + (high - low) * draws[3], speed)
    for name, low in {"small": SMALLEST, "large": LARGEST - 4}.items():
        side = torch.where(variant == at(name), low + (5 * draws[-1]).long(), side)
    kind = torch.zeros_like(law)
    for number, name in enumerate(("grey", "inverted", "textured"), 1):
        kind[variant == at(name)] = number
    return Settings(law, count, speed, side[:, None].expand(-1, MOST), **ground_settings(kind, draws[5:9]))


def ground_settings(kind: Tensor, draws: Tensor) -> dict[str, Tensor]:
    """The ground's levels and an ink level that contrasts with it.

    Args:
        kind: int64 (B,): 0 black under white ink, 1 flat grey, 2 white under black ink, 3 textured.
        draws: uniform in [0, 1), float64 (4, B).

    Returns:
        low, range, ink: see `Settings`.
    """
    level, width, dark, strength = draws
    spread = torch.where(kind == 3, 0.15 + 0.3 * width, 0)
    low = torch.where(kind == 3, (1 - spread) * level, 0.1 + 0.6 * level)
    darkest, brightest = low - MARGIN, low + spread + MARGIN  # of ink below and above the ground
    below = (darkest > 0) & ((dark < 0.5) | (brightest >= 1))
    ink = torch.where(below, darkest * strength, brightest + (1 - brightest) * strength)
    for number, (ground, figure) in {0: (0, 1), 2: (1, 0)}.items():
        low, ink = torch.where(kind == number, ground, low), torch.where(kind == number, figure, ink)
    return {"low": low, "range": spread, "ink": ink}


def walk_digits(settings: Settings, length: int, generators: Generators) -> tuple[Tensor, Tensor]:
    """Positions int64 (T, B, 3, 2) and hits bool (T, B, 3), each clip by its own law."""
    travel, speed = (SIZE - settings.side).flatten(), settings.speed.repeat_interleave(MOST)
    tracks = len(travel) // len(list_generators(generators))
    walks = [LAWS[name].draw(tracks, length, generators, travel=travel, speed=speed) for name in LAW_NAMES]
    second = (settings.law == 1).repeat_interleave(MOST)
    position = torch.where(second[:, None], walks[1].position, walks[0].position)
    hits = torch.where(second, walks[1].hits, walks[0].hits)
    return position.unflatten(1, (-1, MOST)), hits.unflatten(1, (-1, MOST))


def make_textures(noises: Sequence[Tensor], waves: Tensor) -> Tensor:
    """float32 (B, 64, 64) from 0 to 1: smooth noise of two grain sizes, a gradient and stripes, randomly weighted per clip.

    Args:
        noises: uniform in [0, 1), float32 (B, 1, G, G) of each of GRAINS.
        waves: the same, (8, B, 1, 1).
    """
    across = torch.linspace(-1, 1, SIZE, device=waves.device)
    parts = [2 * F.interpolate(noise, (SIZE, SIZE), mode="bicubic", align_corners=True)[:, 0] - 1 for noise in noises]
    *shares, turn, other_turn, waves, phase = waves
    for angle in (2 * torch.pi * turn, 2 * torch.pi * other_turn):
        parts.append(angle.sin() * across[:, None] + angle.cos() * across)
    parts[3] = (torch.pi * (1 + 5 * waves) * parts[3] + 2 * torch.pi * phase).sin()
    total = sum(share**2 * part for share, part in zip(shares, parts, strict=True))
    low, high = total.amin((1, 2), keepdim=True), total.amax((1, 2), keepdim=True)
    return (total - low) / (high - low)


def resize_each(digits: Tensor, side: Tensor) -> Tensor:
    """Digits resized to different sizes in one tensor, bilinear, each in the upper left corner of black.

    Args:
        digits: uint8 (B, D, 28, 28).
        side: int64 (B, D), px, at most 40.

    Returns:
        uint8 (B, D, 40, 40).
    """
    place = (2 * torch.arange(LARGEST, device=digits.device) + 1) / side.flatten()[:, None] - 1  # -1 to 1 across the digit
    grid = torch.stack(torch.broadcast_tensors(place[:, None], place[:, :, None]), -1)
    inside = (place < 1).float()
    big = F.grid_sample(digits.flatten(0, 1)[:, None].float(), grid, padding_mode="border", align_corners=False)[:, 0]
    big *= inside[:, :, None] * inside[:, None]
    return big.round().to(torch.uint8).unflatten(0, side.shape)


def paint_frames(digits: Tensor, position: Tensor, ground: Tensor, ink: Tensor) -> Tensor:
    """uint8 (B, T, 1, 64, 64): frames blended between ground and ink by the digits' coverage.

    Args:
        digits: uint8 (B, D, 40, 40), 255 covers.
        position: int64 (T, B, D, 2), (y, x) of the upper left corner, px.
        ground: float32 (B, 64, 64), and ink: float32 (B,), grey levels.
    """
    frames = digits.new_zeros(len(digits), len(position), 1, SIZE, SIZE)
    for t, layers in enumerate(place_digits(digits, position, SIZE - SMALLEST)):
        covered = merge_layers(layers, "sum").float() / 255
        frames[:, t, 0] = torch.lerp(ground, ink[:, None, None], covered).round().to(torch.uint8)
    return frames
