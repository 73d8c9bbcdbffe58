"""Where pictures go through noisy frames: many hypotheses at once (Reid 1979), each judged by all frames together.

One frame that is nine parts noise hardly tells where a thing is; ten frames along a course do. Under white noise a thing's
correlation with a frame is the log-likelihood ratio of its being there (Turin 1960), here of all places at once by the Fourier
transform. A thing goes straight on, or turns with a small probability; those new velocities are tried that the next frames
speak for most (track before detect). Things are looked for twice, the second time without what the others explain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..core.constant import constant, constants
from .paths import middles

NEARLY_CLEAN = 0.6  # tau: from there on a frame counts no more than at it
QUIET = 0.03  # tau: where no frame reaches it, frames tell next to nothing of courses
KEPT, TURNS, AHEAD = 16, 2, 4  # hypotheses kept, new velocities tried for each, and frames ahead by which those are chosen
TURNING = 0.12  # how likely a thing turns from one frame to the next
FASTEST = 6  # px a frame on either axis, of new velocities
SPEEDS = torch.arange(-FASTEST, FASTEST + 1.0)
UNLIKELY = math.log(TURNING / (1 - TURNING) / len(SPEEDS) ** 2)  # of a turn to one of them, in nats
STEADY = 0.35  # std (px) by which a thing that goes straight on may be beside its course
BETTER = 0.5  # share of that by which its velocity changes
ROUNDS = 2
WALL, INK = 2.0, 0.5  # nats for every px that a thing's ink is outside the frame, and how much of it a row or column has
MARGIN = 3 * FASTEST  # px about maps of displacements
NEVER = -30.0  # nats: where maps end
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
        maps = evidence(pictures, noisy, level)
        course, sure = most_likely(maps, gaps, velocity)
        for _ in range(ROUNDS - 1):
            course, sure = most_likely(unexplained(maps, pictures, level, course), gaps, velocity)
        sure = sure * (level.amax(1) >= QUIET)[:, None, None]
        energy = pictures.square().sum((2, 3, 4))[:, :, None]
        told = (energy * weights(level)[1][:, None] - ENOUGH) * ABRUPT
        return middles(grey(pictures))[0][:, :, None] + course, sure, sure * told.sigmoid()


def weights(level: Tensor) -> tuple[Tensor, Tensor]:
    """What a frame's correlation counts at these levels, and what each unit of a picture's energy does against it."""
    tau = level.clamp(max=NEARLY_CLEAN)
    counts = 2 * tau / (1 - tau).square()
    return counts, counts * tau


def evidence(pictures: Tensor, noisy: Tensor, level: Tensor) -> Tensor:
    """Log-likelihood ratios (B, K, T, S, S) of a picture's being there against its being nowhere, up to a constant of each frame
    and picture, of whole displacements from -S/2 on, S being 5/4 H, H and W alike."""
    room = noisy.shape[-1] * 5 // 8 * 2
    seen = (noisy + level[..., None, None, None]) * weights(level)[0][..., None, None, None]
    return correlation(pictures, seen, room) - WALL * outside(pictures, room)[:, :, None]


def correlation(pictures: Tensor, frames: Tensor, room: int) -> Tensor:
    """Of pictures (B, K, C, H, W) with frames (B, T, C, H, W), summed over pixels and colours, for whole displacements from
    -room/2 on, (B, K, T, room, room)."""
    turned = torch.fft.rfft2(pictures, s=(room, room)).conj() * middle(room, pictures.device)
    overlap = torch.fft.rfft2(frames, s=(room, room))[:, None] * turned[:, :, None]
    return torch.fft.irfft2(overlap[:, :, :, 0] if overlap.shape[3] == 1 else overlap.sum(3), s=(room, room))


def outside(pictures: Tensor, room: int) -> Tensor:
    """How far each displacement takes ink out of the frame, (B, K, S, S) px on both axes together."""
    places, moved = coordinates(pictures.shape[-1], pictures.device), coordinates(room, pictures.device) - room // 2
    beyond = []
    for blank in (grey(pictures).sum(side) <= INK for side in (-2, -1)):
        first, last = (places.expand_as(blank).masked_fill(blank, none) for none in (math.inf, -math.inf))
        first, last = first.amin(-1, keepdim=True), last.amax(-1, keepdim=True)
        beyond.append((-first - moved).relu() + (last + moved - places[-1]).relu())
    return beyond[0][..., None, :] + beyond[1][..., None]


def unexplained(maps: Tensor, pictures: Tensor, level: Tensor, course: Tensor) -> Tensor:
    """What speaks for each picture in the maps of `evidence` beside what the others explain on their courses (B, K, T, 2) px:
    where two lie on each other, only one of them is seen."""
    room, wide = maps.shape[-1], 2 * pictures.shape[-1]
    against = weights(level)[1][:, :, None, None]
    apart = coordinates(room, maps.device) - room // 2 + wide // 2 - course.round()[..., None]
    x, y = apart.clamp(0, wide - 1).long().unbind(3)
    index = (y[..., None] * wide + x[..., None, :]).flatten(2)
    both = correlation(pictures, pictures, wide).flatten(3)  # how far one, displaced, covers the other
    left = list(maps.unbind(1))
    for one, other in permutations(range(len(left)), 2):
        covered = both[:, one, other].gather(1, index[:, other]).view_as(left[one])
        left[one] = torch.addcmul(left[one], against, covered, value=-1)
    return torch.stack(left, 1)


def grey(pictures: Tensor) -> Tensor:
    """(B, K, C, H, W) to (B, K, H, W)."""
    return pictures[:, :, 0] if pictures.shape[2] == 1 else pictures.mean(2)


def most_likely(maps: Tensor, gaps: Sequence[float], velocity: Tensor) -> tuple[Tensor, Tensor]:
    """The course of displacements (B, K, T, 2) px that the maps (B, K, T, S, S) speak for most, and the probability (B, K, T) of
    all that agree with it."""
    padded = F.pad(maps.flatten(0, 1), (MARGIN,) * 4, value=NEVER)
    flat, side, device = padded.flatten(1), padded.shape[-1], maps.device
    state = F.pad(velocity.flatten(0, 1)[:, None], (2, 0))  # of hypotheses, (BK, N, 4): displacement and velocity
    score, steps = torch.zeros_like(state[..., 0]), []
    for t, gap in enumerate(gaps):
        place, speed = state.split(2, 2)
        straight = torch.add(place, speed, alpha=gap)
        offsets, corrections, doubt = around(gap, side, device)
        points = torch.add(offsets, straight[:, :, None], alpha=2 / side)
        fits, which = (F.grid_sample(padded[:, t, None], points, "bilinear", "border", False)[:, 0] - doubt).max(2)
        on = torch.cat([straight, speed], 2) + corrections[which]
        told = at(flat, side, place, ahead(side, t, tuple(gaps[t : t + AHEAD]), device))
        chosen = told.sum(2).topk(TURNS, dim=2).indices
        turned = F.pad(place, (0, 2))[:, :, None] + turns(gap, device)[chosen]
        turn = (score + UNLIKELY)[..., None] + told[:, :, 0].gather(2, chosen)
        states, scores = torch.cat([on, turned.flatten(1, 2)], 1), torch.cat([score + fits, turn.flatten(1)], 1)
        kept = distinct(states, scores)
        parents = origins(place.shape[1], device)[kept]
        score, state = scores.gather(1, kept), states.gather(1, kept[..., None].expand(-1, -1, 4))
        steps.append((state[..., :2], parents))
    return tuple(x.unflatten(0, maps.shape[:2]) for x in traced(steps, score.softmax(1)))


def traced(steps: list[tuple[Tensor, Tensor]], share: Tensor) -> tuple[Tensor, Tensor]:
    """Back from the last hypotheses, of probability (R, N) and the best first, through (places, parents) of every step."""
    mine = torch.arange(share.shape[1], device=share.device).expand_as(share)
    courses = []
    for place, parents in reversed(steps):
        courses.append(place.gather(1, mine[..., None].expand(-1, -1, 2)))
        mine = parents.gather(1, mine)
    courses = torch.stack(courses[::-1], 2)
    agree = (courses - courses[:, :1]).square().sum(-1) < NEAR**2
    return courses[:, 0], (agree * share[..., None]).sum(1)


def distinct(states: Tensor, scores: Tensor) -> Tensor:
    """Which hypotheses (R, N) are kept, the best first: of those at the same pixel with the same velocity one alone."""
    cells = states.round() @ constants([1, 2**7, 2**14, 2**19], scores)
    again = (cells[:, :, None] == cells[:, None]) & (scores[:, :, None] < scores[:, None])
    return scores.masked_fill(again.any(-1), -math.inf).topk(min(KEPT, scores.shape[1]), dim=1).indices


def at(flat: Tensor, side: int, places: Tensor, beyond: Tensor) -> Tensor:
    """Of flattened maps (R, T side side) what lies `beyond` (see `ahead`) displacements (R, N, 2) px, (R, N, A, V)."""
    most = side // 2 - MARGIN
    cells = places.round().clamp(-most, most - 1) @ constants([1, side], places)
    index = cells.long()[..., None, None] + beyond
    return flat.gather(1, index.flatten(1)).view(index.shape)


@constant
def middle(room: int, device: torch.device) -> Tensor:
    """What puts the middle of a map where its corner was: (room, room // 2 + 1) of ones and minus ones."""
    count = torch.arange(room)[:, None] + torch.arange(room // 2 + 1)
    return (1.0 - 2.0 * (count % 2)).to(device)


@constant
def coordinates(side: int, device: torch.device) -> Tensor:
    return torch.arange(float(side), device=device)


@constant
def around(gap: float, side: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """How a straight course is corrected: by displacements as `F.grid_sample` counts on maps of this side, (9, 2), by px and px a
    frame, (9, 4), and what each costs, (9,) nats."""
    beside = grid(torch.tensor([-0.5, 0.0, 0.5]))
    doubt = beside.square().sum(-1) / (2 * STEADY**2)
    return tuple(x.to(device) for x in ((2 * beside + 1) / side, torch.cat([beside, BETTER / gap * beside], 1), doubt))


@constant
def turns(gap: float, device: torch.device) -> Tensor:
    """Where new velocities lead in a gap, px, and those, px a frame, (V, 4)."""
    tried = grid(SPEEDS)
    return torch.cat([gap * tried, tried], 1).to(device)


@constant
def ahead(side: int, t: int, gaps: tuple[float, ...], device: torch.device) -> Tensor:
    """Where new velocities lead from the middle of flattened maps, in the t-th and those behind it, so far apart, (A, V)."""
    away = torch.tensor(gaps).cumsum(0)[:, None, None] * grid(SPEEDS)
    x, y = (away.round().long().clamp(-MARGIN, MARGIN - 1) + side // 2).unbind(-1)
    return ((torch.arange(t, t + len(gaps))[:, None] * side + y) * side + x).to(device)


@constant
def origins(count: int, device: torch.device) -> Tensor:
    """Which of so many hypotheses each of the next ones comes from: those that went straight on, then those that turned."""
    before = torch.arange(count)
    return torch.cat([before, before.repeat_interleave(TURNS)]).to(device)


def grid(steps: Tensor) -> Tensor:
    return torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).flatten(0, 1)
