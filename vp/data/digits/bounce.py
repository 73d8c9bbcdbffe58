"""How digits bounce: the three published laws, computed for all tracks at once.

`smmnist-svg` and `smmnist-srvp` share a name in the literature and are different data: in SVG's law the impact is
drawn at the wall and the frame AFTER it is the random one; in SRVP's the new velocity acts within the step, so the
frame of the hit itself is random. The walks are pure functions: random draws are arguments, positions and hits are returned.

Positions are (y, x) of the digit's top-left corner. Tracks are independent: one per digit and clip. Every law takes
`travel`, the side of the canvas minus that of the digit, and `speed`, a factor on all velocities, each a number or one per
track; by default both are as published, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from .draws import Generators, draw_integers, draw_uniform, list_generators

Numbers = float | Tensor  # one for all tracks, or float64 (N,)

MAX_SPEED = 4  # px a frame and axis, of both stochastic laws
EPS = 1e-6  # of a step: far above rounding, far below what moves a pixel
SRVP_CONTACTS = 8  # new velocities within one step; only a digit sitting in a corner needs more than two


@dataclass(frozen=True)
class Tracks:
    """`position` int64 (T, N, 2) as (y, x), px; `hits` bool (T, N): a digit touches a wall at this frame, or (SRVP) in the step
    that leads to it.
    """

    position: Tensor
    hits: Tensor


@dataclass(frozen=True)
class Law:
    """A bounce law and how its digits are drawn.

    Args:
        draw: (tracks, length, generators, travel, speed) -> Tracks, as many of each generator; the last two are as published by
            default.
        digit: side of a digit in px.
        overlap: "sum" clipped at white, or "max".
        uncertain_after_hit: frames from a hit to the first frame that is random, None for a deterministic law.
    """

    draw: Callable[..., Tracks]
    digit: int
    overlap: str
    uncertain_after_hit: int | None


def svg_walk(start: Tensor, velocity: Tensor, kicks: Tensor, travel: Numbers = 32) -> Tracks:
    """SVG's law (Denton and Fergus 2018, their stochastic Moving MNIST): clamp, draw a new velocity, show, move.

    Args:
        start, velocity: int64 or float64 (N, 2), px and px a frame.
        kicks: like them (T, N, 2, 2); kicks[t, :, axis] = (speed away from the wall, other component; published 1..4 and
            -4..4) for a hit on a wall of `axis` at frame t. A hit in x after one in y at the same frame redraws dy too, as
            published.
        travel: side of the canvas minus that of the digit, px; the largest position is 1 px less, as published.
    """
    position, velocity = start.clone(), velocity.clone()
    travel = torch.as_tensor(travel, dtype=position.dtype, device=position.device)
    positions, hits = [], []
    for kick in kicks:
        hit_any = torch.zeros(len(start), dtype=torch.bool, device=start.device)
        for axis in (0, 1):
            low, high = position[:, axis] < 0, position[:, axis] >= travel
            hit = low | high
            position[:, axis] = torch.where(high, travel - 1, position[:, axis].clamp(min=0))
            away, other = kick[:, axis].unbind(-1)
            velocity[:, axis] = torch.where(hit, torch.where(low, away, -away), velocity[:, axis])
            velocity[:, 1 - axis] = torch.where(hit, other, velocity[:, 1 - axis])
            hit_any |= hit
        positions.append(position.clone().long())
        hits.append(hit_any)
        position += velocity
    return Tracks(torch.stack(positions), torch.stack(hits))


def srvp_walk(start: Tensor, velocity: Tensor, kicks: Tensor, travel: Numbers = 36) -> Tracks:
    """SRVP's law (Franceschi et al. 2020): reflection at the exact point and moment of contact.

    Args:
        start, velocity: float64 (N, 2), px and px a frame.
        kicks: float64 (T, contacts, N, 2), published integers -4..4: the velocity drawn at each contact of each step; its
            component along the wall's normal is turned inwards and may be 0.
        travel: largest position, px.
    """
    position, velocity, travel = start.clone(), velocity.clone(), to_column(travel, start)
    positions, hits = [position.round().long()], [torch.zeros(len(start), dtype=torch.bool, device=start.device)]
    for kick in kicks[1:]:
        left = position.new_ones(len(start))
        hit_any = torch.zeros_like(hits[0])
        for drawn in kick:
            position, velocity, left, hit = srvp_substep(position, velocity, left, drawn, travel)
            hit_any |= hit
            if not hit.any():
                break
        position = clamp_inside(position + velocity * left[:, None], travel)  # only where the draws ran out
        positions.append(position.round().long())
        hits.append(hit_any)
    return Tracks(torch.stack(positions), torch.stack(hits))


def srvp_substep(position: Tensor, velocity: Tensor, left: Tensor, drawn: Tensor, travel: Tensor) -> tuple[Tensor, ...]:
    """Moves until the first contact or the end of the step.

    Args:
        left: (N,), the share of the step that remains.
        drawn: (N, 2), the velocity after a contact, see `kicks` of `srvp_walk`.

    Returns:
        position, velocity, left, and which tracks hit a wall, bool (N,).
    """
    wall = travel * (velocity > 0).to(position.dtype)
    # (N, 2), until each axis' wall
    time = torch.where(velocity == 0, torch.inf, (wall - position) / velocity).clamp(min=0)
    first = time.amin(-1)
    hit = first < left - EPS  # ending a step exactly at the wall is no contact yet
    moved = clamp_inside(position + velocity * torch.minimum(first, left)[:, None], travel)
    contact = hit[:, None] & (time <= first[:, None] + EPS)  # both walls in a corner
    moved = torch.where(contact, wall, moved)
    inward = torch.where(velocity > 0, -drawn.abs(), drawn.abs())
    turned = torch.where(contact, inward, drawn)
    velocity = torch.where(hit[:, None], turned, velocity)
    return moved, velocity, torch.where(hit, left - first, torch.zeros_like(left)), hit


def mirror_walk(start: Tensor, velocity: Tensor, length: int, travel: Numbers = 36) -> Tracks:
    """The deterministic law of standard Moving MNIST (Srivastava et al. 2015): move, stop at the wall, reflect.

    Args:
        start, velocity: float64 (N, 2), px and px a frame; the first frame shown is one step after `start`.
        travel: largest position, px.
    """
    position, velocity, travel = start.clone(), velocity.clone(), to_column(travel, start)
    positions, hits = [], []
    for _ in range(length):
        position = position + velocity
        outside = (position <= 0) | (position >= travel)
        position = clamp_inside(position, travel)
        velocity = torch.where(outside, -velocity, velocity)
        positions.append(position.long())  # published positions are truncated, not rounded
        hits.append(outside.any(-1))
    return Tracks(torch.stack(positions), torch.stack(hits))


def to_column(numbers: Numbers, like: Tensor) -> Tensor:
    """A number, or one per track (N,), as a tensor that broadcasts over (N, 2)."""
    return torch.as_tensor(numbers, dtype=like.dtype, device=like.device)[..., None]


def clamp_inside(position: Tensor, travel: Tensor) -> Tensor:
    """Positions (N, 2) clamped to 0..travel."""
    return torch.minimum(position.clamp(min=0), travel)


def draw_svg_tracks(tracks: int, length: int, generators: Generators, travel: Numbers = 32, speed: Numbers = 1) -> Tracks:
    """Random tracks by SVG's law, see `Law.draw`."""
    start = draw_integers(0, 31, (tracks, 2), generators).double()
    velocity = draw_integers(-MAX_SPEED, MAX_SPEED, (tracks, 2), generators)
    away = draw_integers(1, MAX_SPEED, (length, tracks, 2), generators)
    other = draw_integers(-MAX_SPEED, MAX_SPEED, (length, tracks, 2), generators)
    room, factor = (to_column(travel, start) - 1) / 31, to_column(speed, start)
    return svg_walk(start * room, velocity * factor, torch.stack([away, other], -1) * factor[..., None], travel)


def draw_srvp_tracks(tracks: int, length: int, generators: Generators, travel: Numbers = 36, speed: Numbers = 1) -> Tracks:
    """Random tracks by SRVP's law, see `Law.draw`."""
    start = draw_integers(0, 36, (tracks, 2), generators).double()
    velocity = draw_integers(-MAX_SPEED, MAX_SPEED, (tracks, 2), generators)
    kicks = draw_integers(-MAX_SPEED, MAX_SPEED, (length, SRVP_CONTACTS, tracks, 2), generators)
    # a walk asks whether any track hits a wall, and a GPU would wait each time
    start, velocity, kicks = (x.cpu() for x in (start, velocity, kicks))
    room, factor = to_column(travel, start) / 36, to_column(speed, start)
    walked = srvp_walk(start * room, velocity * factor, kicks * factor, travel)
    where = list_generators(generators)[0].device
    return Tracks(walked.position.to(where), walked.hits.to(where))


def draw_mirror_tracks(tracks: int, length: int, generators: Generators, travel: Numbers = 36, speed: Numbers = 1) -> Tracks:
    """Random tracks by the mirror law, see `Law.draw`."""
    start = draw_uniform((tracks, 2), generators)
    angle = 2 * torch.pi * draw_uniform((tracks,), generators)
    velocity = 3.6 * torch.stack([angle.sin(), angle.cos()], -1)
    return mirror_walk(to_column(travel, start) * start, to_column(speed, start) * velocity, length, travel)


LAWS = {
    "smmnist-svg": Law(draw_svg_tracks, digit=32, overlap="sum", uncertain_after_hit=1),
    "smmnist-srvp": Law(draw_srvp_tracks, digit=28, overlap="sum", uncertain_after_hit=0),
    "mmnist": Law(draw_mirror_tracks, digit=28, overlap="max", uncertain_after_hit=None),
}
