"""How digits bounce: the three published laws, walked for all tracks at once.

`smmnist-svg` and `smmnist-srvp` share a name in the literature and are different data: in SVG's law the impact is
drawn at the wall and the frame AFTER it is the random one; in SRVP's the new velocity acts within the step, so the
frame of the hit itself is random. All walks are pure: the draws come in, positions and hits go out.

Positions are (y, x) of the digit's top-left corner. Tracks are independent: one per digit and clip.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

MAX_SPEED = 4  # px a frame and axis, of both stochastic laws
EPS = 1e-6  # of a step: far above rounding, far below what moves a pixel
SRVP_CONTACTS = 8  # new velocities within one step; only a digit sitting in a corner needs more than two


@dataclass(frozen=True)
class Tracks:
    """`position` int64 (T, N, 2) as (y, x); `hits` bool (T, N): a wall is touched at this frame, or (SRVP) on the way
    to it; `state` float64 (T, N, 4), only where all that follows can be foreseen: the position before it was cut to whole
    pixels, and the velocity that leads on from it, both as (y, x)."""

    position: Tensor
    hits: Tensor
    state: Tensor | None = None


@dataclass(frozen=True)
class Law:
    """A bounce law and how it is drawn.

    Args:
        draw: (tracks, length, generator) -> Tracks.
        digit: side of a digit in px. overlap: "sum" clipped at white, or "max".
        uncertain_after_hit: frames from a hit to the frame that cannot be foreseen, or None for a deterministic law.
    """

    draw: Callable[[int, int, torch.Generator], Tracks]
    digit: int
    overlap: str
    uncertain_after_hit: int | None


def svg_walk(start: Tensor, velocity: Tensor, kicks: Tensor) -> Tracks:
    """SVG's law (Denton and Fergus 2018, their stochastic Moving MNIST): clamp, draw a new velocity, show, move.

    Args:
        start, velocity: int64 (N, 2), px and px a frame.
        kicks: int64 (T, N, 2, 2); kicks[t, :, axis] = (speed 1..4 away from the wall, other component -4..4) for a hit
            on a wall of `axis` at frame t. A hit in x after one in y at the same frame redraws dy too, as published.
    """
    position, velocity = start.clone(), velocity.clone()
    positions, hits = [], []
    for kick in kicks:
        hit_any = torch.zeros(len(start), dtype=torch.bool, device=start.device)
        for axis in (0, 1):
            low, high = position[:, axis] < 0, position[:, axis] >= 32
            hit = low | high
            position[:, axis].clamp_(0, 31)  # the published range is one short of the canvas on the far side
            away, other = kick[:, axis].unbind(-1)
            velocity[:, axis] = torch.where(hit, torch.where(low, away, -away), velocity[:, axis])
            velocity[:, 1 - axis] = torch.where(hit, other, velocity[:, 1 - axis])
            hit_any |= hit
        positions.append(position.clone())
        hits.append(hit_any)
        position += velocity
    return Tracks(torch.stack(positions), torch.stack(hits))


def srvp_walk(start: Tensor, velocity: Tensor, kicks: Tensor, travel: float = 36.0) -> Tracks:
    """SRVP's law (Franceschi et al. 2020): reflection at the exact point and moment of contact.

    Args:
        start, velocity: float64 (N, 2).
        kicks: float64 (T, contacts, N, 2), whole numbers -4..4: the velocity drawn at each contact of each step; its
            component along the wall's normal is turned inwards and may be 0.
        travel: largest position, px.
    """
    position, velocity = start.clone(), velocity.clone()
    positions, hits = [position.round().long()], [torch.zeros(len(start), dtype=torch.bool, device=start.device)]
    for kick in kicks[1:]:
        left = position.new_ones(len(start))
        hit_any = torch.zeros_like(hits[0])
        for drawn in kick:
            position, velocity, left, hit = srvp_substep(position, velocity, left, drawn, travel)
            hit_any |= hit
            if not hit.any():
                break
        position = (position + velocity * left[:, None]).clamp(0, travel)  # only where the draws ran out
        positions.append(position.round().long())
        hits.append(hit_any)
    return Tracks(torch.stack(positions), torch.stack(hits))


def srvp_substep(position: Tensor, velocity: Tensor, left: Tensor, drawn: Tensor, travel: float) -> tuple[Tensor, ...]:
    """Moves until the first contact or the end of the step; `left` (N,) is the share of the step still to go.

    Returns:
        position, velocity, left, and which tracks met a wall (bool (N,)).
    """
    wall = travel * (velocity > 0).to(position.dtype)
    # (N, 2), until each axis' wall
    time = torch.where(velocity == 0, torch.inf, (wall - position) / velocity).clamp(min=0)
    first = time.amin(-1)
    hit = first < left - EPS  # ending a step exactly at the wall is no contact yet
    moved = (position + velocity * torch.minimum(first, left)[:, None]).clamp(0, travel)
    contact = hit[:, None] & (time <= first[:, None] + EPS)  # both walls in a corner
    moved = torch.where(contact, wall, moved)
    inward = torch.where(velocity > 0, -drawn.abs(), drawn.abs())
    turned = torch.where(contact, inward, drawn)
    velocity = torch.where(hit[:, None], turned, velocity)
    return moved, velocity, torch.where(hit, left - first, torch.zeros_like(left)), hit


def mirror_walk(start: Tensor, velocity: Tensor, length: int, travel: float = 36.0) -> Tracks:
    """The deterministic law of standard Moving MNIST (Srivastava et al. 2015): move, stop at the wall, turn back.

    Args:
        start, velocity: float64 (N, 2), px and px a frame; the first frame shown is one step after `start`.
    """
    position, velocity = start.clone(), velocity.clone()
    positions, hits, states = [], [], []
    for _ in range(length):
        position = position + velocity
        outside = (position <= 0) | (position >= travel)
        position = position.clamp(0, travel)
        velocity = torch.where(outside, -velocity, velocity)
        positions.append(position.long())  # published positions are truncated, not rounded
        hits.append(outside.any(-1))
        states.append(torch.cat([position, velocity], -1))
    return Tracks(torch.stack(positions), torch.stack(hits), torch.stack(states))


def whole(low: int, high: int, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """int64, uniform over low..high, both ends included."""
    return torch.randint(low, high + 1, shape, generator=generator, device=generator.device)


def svg_tracks(tracks: int, length: int, generator: torch.Generator) -> Tracks:
    start = whole(0, 31, (tracks, 2), generator)
    velocity = whole(-MAX_SPEED, MAX_SPEED, (tracks, 2), generator)
    away = whole(1, MAX_SPEED, (length, tracks, 2), generator)
    other = whole(-MAX_SPEED, MAX_SPEED, (length, tracks, 2), generator)
    return svg_walk(start, velocity, torch.stack([away, other], -1))


def srvp_tracks(tracks: int, length: int, generator: torch.Generator) -> Tracks:
    start = whole(0, 36, (tracks, 2), generator).double()
    velocity = whole(-MAX_SPEED, MAX_SPEED, (tracks, 2), generator).double()
    kicks = whole(-MAX_SPEED, MAX_SPEED, (length, SRVP_CONTACTS, tracks, 2), generator).double()
    return srvp_walk(start, velocity, kicks)


def mirror_tracks(tracks: int, length: int, generator: torch.Generator) -> Tracks:
    start = 36 * torch.rand(tracks, 2, generator=generator, device=generator.device, dtype=torch.float64)
    angle = 2 * torch.pi * torch.rand(tracks, generator=generator, device=generator.device, dtype=torch.float64)
    return mirror_walk(start, 3.6 * torch.stack([angle.sin(), angle.cos()], -1), length)


LAWS = {
    "smmnist-svg": Law(svg_tracks, digit=32, overlap="sum", uncertain_after_hit=1),
    "smmnist-srvp": Law(srvp_tracks, digit=28, overlap="sum", uncertain_after_hit=0),
    "mmnist": Law(mirror_tracks, digit=28, overlap="max", uncertain_after_hit=None),
}
