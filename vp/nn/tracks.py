"""Where pictures go through noisy frames: many hypotheses at once (Reid 1979), each judged by all frames together.

One frame that is nine parts noise hardly tells where a thing is; ten frames along a course do. Under white noise a thing's
correlation with a frame is the log-likelihood ratio of its being there (Turin 1960), here of all places at once by the Fourier
transform. A thing goes straight on, or turns with a small probability; those new velocities are tried that the next frames
speak for most (track before detect). Things are looked for twice, the second time where the others leave pixels free.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.constant import constant, constants
from .paths import middles
from .warp import warp

NEARLY_CLEAN = 0.6  # tau: from there on a frame counts no more than at it
KEPT, TURNS, AHEAD = 12, 3, 3  # hypotheses kept, new velocities tried for each, and frames ahead by which those are chosen
TURNING = 0.12  # how likely a thing turns from one frame to the next
FASTEST = 6  # px a frame on either axis, of new velocities
STEADY = 0.35  # std (px) by which a thing that goes straight on may be beside its course
BETTER = 0.5  # share of that by which its velocity changes
ROUNDS = 2
MARGIN = 3 * FASTEST  # px about maps of displacements
NEVER = -10.0  # nats: where frames end
NEAR = 1.5  # px within which hypotheses agree
ENOUGH, ABRUPT = 1.0, 4.0  # nats a frame from which tracks are followed, and how abruptly


def tracks(
    pictures: Tensor, noisy: Tensor, level: Tensor, gaps: Sequence[float], velocity: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Where the middles of pictures most likely are in noisy frames, float32 (B, K, T, 2) px, x first; how sure that is, and to
    what share it is to be followed, both (B, K, T) from 0 to 1.

    Args:
        pictures: (B, K, C, H, W) in [0, 1], 0 the background, where they were last seen. noisy: (B, T, C, H, W), tau x +
            (1 - tau) noise of frames x in [-1, 1]. level: (B, T), tau. gaps: T, of each frame, in frames after the one before.
        velocity: (B, K, 2) px a frame, at first.
    """
    with torch.no_grad(), torch.autocast(noisy.device.type, enabled=False):
        pictures, noisy, level, velocity = (x.float() for x in (pictures, noisy, level, velocity))
        course, sure = most_likely(evidence(pictures, noisy, level), gaps, velocity)
        for _ in range(ROUNDS - 1):
            shown = along(pictures, course)
            free = 1 - torch.stack([rest(shown, k) for k in range(shown.shape[1])], 1)
            course, sure = most_likely(evidence(pictures, noisy, level, free), gaps, velocity)
        energy = pictures.square().sum((2, 3, 4))[:, :, None]
        told = (energy * weights(level)[1][:, None] - ENOUGH) * ABRUPT
        return middles(pictures.mean(2))[0][:, :, None] + course, sure, sure * told.sigmoid()


def weights(level: Tensor) -> tuple[Tensor, Tensor]:
    """What a frame's correlation counts at these levels, and what each unit of a picture's energy does against it."""
    tau = level.clamp(max=NEARLY_CLEAN)
    counts = 2 * tau / (1 - tau).square()
    return counts, counts * tau


def evidence(pictures: Tensor, noisy: Tensor, level: Tensor, free: Tensor | None = None) -> Tensor:
    """Log-likelihood ratios (B, K, T, S, S) of a picture's being there against its being nowhere, of whole displacements from
    -S/2 on, S being 5/4 H, H and W alike; `free` (B, K, T, H, W): the share of each pixel that others leave."""
    counts, against = (x[:, None, :, None, None] for x in weights(level))
    room = noisy.shape[-1] * 5 // 8 * 2
    seen = (noisy + level[..., None, None, None])[:, None] * counts[..., None]
    seen = seen if free is None else seen * free[:, :, :, None]
    overlap = spectrum(seen, room) * turned(pictures, room)[:, :, None]
    overlap, power = overlap[:, :, :, 0] if overlap.shape[3] == 1 else overlap.sum(3), pictures.square().sum(2)
    if free is None:
        return torch.fft.irfft2(overlap, s=(room, room)) - power.sum((-2, -1))[:, :, None, None, None] * against
    return torch.fft.irfft2(overlap - spectrum(free * against, room) * turned(power, room)[:, :, None], s=(room, room))


def spectrum(x: Tensor, room: int) -> Tensor:
    return torch.fft.rfft2(x, s=(room, room))


def turned(x: Tensor, room: int) -> Tensor:
    """What a spectrum is multiplied by for the correlation with x, no displacement in the middle."""
    return spectrum(x, room).conj() * middle(room, x.device)


def rest(shown: Tensor, k: int) -> Tensor:
    """What things (B, K, ...) other than the k-th cover together."""
    others = [x for j, x in enumerate(shown.unbind(1)) if j != k]
    return torch.stack(others).amax(0).clamp(0, 1) if others else torch.zeros_like(shown[:, 0])


def along(pictures: Tensor, course: Tensor) -> Tensor:
    """Pictures (B, K, C, H, W) displaced by (B, K, T, 2) px, (B, K, T, H, W); colours by their mean."""
    size, grey = pictures.shape[-2:], pictures.mean(2)
    flow = -course.reshape(-1, 2, 1, 1).expand(-1, -1, *size)
    sources = grey[:, :, None, None].expand(-1, -1, course.shape[2], -1, -1, -1).reshape(-1, 1, *size)
    return warp(sources, flow).view(*course.shape[:3], *size)


def most_likely(maps: Tensor, gaps: Sequence[float], velocity: Tensor) -> tuple[Tensor, Tensor]:
    """The course of displacements (B, K, T, 2) px that the maps (B, K, T, S, S) speak for most, and the probability (B, K, T) of
    all that agree with it."""
    flat = F.pad(maps.flatten(1, 2), (MARGIN,) * 4, value=NEVER).unflatten(1, maps.shape[1:3]).flatten(2)
    side = maps.shape[-1] + 2 * MARGIN
    (beside, doubt), speeds = around(maps.device), tried(maps.device)
    place, speed = torch.zeros_like(velocity)[:, :, None], velocity[:, :, None]
    score, steps = torch.zeros_like(place[..., 0]), []
    for t, gap in enumerate(gaps):
        straight = place + gap * speed
        fits, which = (between(flat, side, t, straight[:, :, :, None] + beside) - doubt).max(3)
        correction = beside[which]
        told = at(flat, side, place, ahead(side, t, tuple(gaps[t : t + AHEAD]), maps.device))
        chosen = told.sum(3).topk(TURNS, dim=3).indices
        newly, count = speeds[chosen], place.shape[2]
        places = torch.cat([straight + correction, (place[:, :, :, None] + gap * newly).flatten(2, 3)], 2)
        velocities = torch.cat([speed + BETTER / gap * correction, newly.flatten(2, 3)], 2)
        turn = score[..., None] + told[:, :, :, 0].gather(3, chosen)
        scores = torch.cat([score + fits, turn.flatten(2) + math.log(TURNING / (1 - TURNING) / len(speeds))], 2)
        kept = distinct(places, velocities, scores)
        score = scores.gather(2, kept)
        both = torch.cat([places, velocities], 3).gather(2, kept[..., None].expand(-1, -1, -1, 4))
        place, speed = both.split(2, 3)
        steps.append((place, torch.where(kept < count, kept, (kept - count) // TURNS)))
    return traced(steps, score.softmax(2))


def traced(steps: list[tuple[Tensor, Tensor]], share: Tensor) -> tuple[Tensor, Tensor]:
    """Back from the last hypotheses, of probability (B, K, M) and the best first, through (places, parents) of every step."""
    mine = torch.arange(share.shape[2], device=share.device).expand_as(share)
    courses = []
    for place, parents in reversed(steps):
        courses.append(place.gather(2, mine[..., None].expand(-1, -1, -1, 2)))
        mine = parents.gather(2, mine)
    courses = torch.stack(courses[::-1], 3)
    agree = (courses - courses[:, :, :1]).square().sum(-1) < NEAR**2
    return courses[:, :, 0], (agree * share[..., None]).sum(2)


def distinct(places: Tensor, velocities: Tensor, scores: Tensor) -> Tensor:
    """Which hypotheses (B, K, N) are kept, the best first: of those at the same pixel with the same velocity one alone."""
    scores, order = scores.sort(2, descending=True)
    cells = torch.cat([places, velocities], 3).round() @ constants([1, 2**7, 2**14, 2**19], scores)
    cells = cells.gather(2, order)
    again = (cells[..., :, None] == cells[..., None, :]).tril(-1).any(-1)
    return order.gather(2, scores.masked_fill(again, -math.inf).topk(min(KEPT, order.shape[2]), dim=2).indices)


def at(flat: Tensor, side: int, places: Tensor, beyond: Tensor) -> Tensor:
    """Of flattened maps (B, K, T side side) what lies `beyond` (see `ahead`) displacements (B, K, N, 2) px, (B, K, N, A, V)."""
    x, y = (places.round().long() + side // 2).clamp(MARGIN, side - MARGIN - 1).unbind(-1)
    index = (y * side + x)[..., None, None] + beyond
    return flat.gather(2, index.flatten(2)).view(index.shape)


def between(flat: Tensor, side: int, t: int, places: Tensor) -> Tensor:
    """Of the t-th frame alone, at any displacements (B, K, N, O, 2): bilinear."""
    places = (places + side // 2).clamp(0, side - 1.01)
    whole = places.floor()
    (x, y), (column, row) = (places - whole).unbind(-1), whole.long().unbind(-1)
    index = (row * side + column)[..., None] + corners(side, t, places.device)
    upper_left, upper, lower_left, lower = flat.gather(2, index.flatten(2)).view(index.shape).unbind(-1)
    return torch.lerp(torch.lerp(upper_left, upper, x), torch.lerp(lower_left, lower, x), y)


@constant
def middle(room: int, device: torch.device) -> Tensor:
    """What puts the middle of a map where its corner was: (room, room // 2 + 1) of ones and minus ones."""
    count = torch.arange(room)[:, None] + torch.arange(room // 2 + 1)
    return (1.0 - 2.0 * (count % 2)).to(device)


@constant
def around(device: torch.device) -> tuple[Tensor, Tensor]:
    """Displacements (9, 2) px by which a straight course is corrected, and what each costs, (9,) nats."""
    beside = grid(torch.tensor([-0.5, 0.0, 0.5]))
    return beside.to(device), (beside.square().sum(-1) / (2 * STEADY**2)).to(device)


@constant
def tried(device: torch.device) -> Tensor:
    """New velocities (V, 2), px a frame."""
    return grid(torch.arange(-FASTEST, FASTEST + 1.0)).to(device)


@constant
def ahead(side: int, t: int, gaps: tuple[float, ...], device: torch.device) -> Tensor:
    """How much farther on new velocities lead in the t-th of flattened maps and those behind it, so many frames apart, (A, V)."""
    away = torch.tensor(gaps).cumsum(0)[:, None, None] * grid(torch.arange(-FASTEST, FASTEST + 1.0))
    x, y = away.round().long().clamp(-MARGIN, MARGIN - 1).unbind(-1)
    return ((torch.arange(t, t + len(gaps))[:, None] * side + y) * side + x).to(device)


@constant
def corners(side: int, t: int, device: torch.device) -> Tensor:
    """A pixel and those right of it, below and both, in the t-th of flattened maps, (4,)."""
    return (torch.tensor([0, 1, side, side + 1]) + t * side**2).to(device)


def grid(steps: Tensor) -> Tensor:
    return torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).flatten(0, 1)
