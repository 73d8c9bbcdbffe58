"""Where an unknown frame can take its pixels from: the nearest known frames on both sides, and the motion that goes on evenly."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ....nn.motion_input import READ, AlignedFrames, align_to_last, backward_flows, compose_flows, to_rgb
from ....nn.optical_flow import resize_frames
from ....nn.warp import warp

SIDES = 2  # before, after
ESTIMATED_AT = 96  # px of the short side at which flow between known frames is estimated, whatever their own size
USUAL_SPEED = 0.4  # px of the grid a frame: the upper quartile of recordings, where one frame alone is known and none is seen

Sides = Sequence[tuple[int | None, int | None]]  # of each unknown frame, the number of its reference before and after, if any


class Gap(NamedTuple):
    """Unknown frames in a row, as places in time, and the known frames beside them by their number; None where there is none."""

    frames: tuple[int, ...]
    before: int | None
    after: int | None


def find_gaps(known: Sequence[bool]) -> list[Gap]:
    """All runs of unknown frames, in order."""
    gaps: list[Gap] = []
    run: list[int] = []
    number, count = 0, sum(known)
    for t, given in enumerate([*known, True]):
        if not given:
            run.append(t)
            continue
        if run:
            gaps.append(Gap(tuple(run), number - 1 if number else None, number if number < count else None))
            run = []
        number += 1
    return gaps


class References(NamedTuple):
    """What is known beside each of U unknown frames of B clips; S = 2 sides, before and after.

    Args:
        known: what is read of each reference, R of them one after the other: (R * B, ...).
        of: R reference per frame and side, None where there is none.
        frames: the number of each reference among known frames.
        even: float32 (B, U, S, 2, h/2, w/2), where pixels come from in it if the motion goes on evenly, in pixels, x first.
        distance: float32 (U, S), frames to it, 0 where there is none.
        speed: float32 (B,), of the known frames, in pixels of this grid a frame.
    """

    known: AlignedFrames
    of: Sides
    frames: tuple[int, ...]
    even: Tensor
    distance: Tensor
    speed: Tensor


def find_references(frames: Tensor, known: Sequence[bool], size: tuple[int, int]) -> References:
    """Reads known frames.

    Args:
        frames: float32 (B, K, C, H, W), the known ones, one or more.
        known: of every frame of the clip, whether it is.
        size: (h, w), multiples of 8, at which motion is predicted.
    """
    times = [t for t, given in enumerate(known) if given]
    gaps, grid = find_gaps(known), (size[0] // 2, size[1] // 2)
    frames = to_rgb(frames)
    spans = frames.new_tensor([b - a for a, b in zip(times, times[1:])]).view(-1, 1, 1, 1)
    back = backward_flows(frames, grid, ESTIMATED_AT)  # number k: from known frame k + 1 to k
    forth = backward_flows(frames.flip(1), grid, ESTIMATED_AT).flip(1)  # from k to k + 1
    speeds = torch.cat([back / spans, forth / spans], 1)
    speed = speeds.square().sum(2).mean((1, 2, 3)).sqrt() if len(times) > 1 else frames.new_full((len(frames),), USUAL_SPEED)
    small, none = resize_frames(frames, size), frames.new_zeros(len(frames), 2, *grid)
    read: dict[tuple[int, int], AlignedFrames] = {}
    of, even, distances = [], [], []
    for before, after in ((gap.before, gap.after) for gap in gaps):
        if before is not None and (before, 0) not in read:
            first = max(0, before - READ + 1)
            read[before, 0] = reading(small[:, first : before + 1], back[:, first:before], spans[first:before])
        if after is not None and (after, 1) not in read:
            end = min(len(times), after + READ)
            flipped = (x.flip(1) for x in (small[:, after:end], forth[:, after : end - 1]))
            read[after, 1] = reading(*flipped, spans[after : end - 1].flip(0))
    order = list(read)
    for gap in gaps:
        sides = ((gap.before, 0), (gap.after, 1))
        of += [tuple(order.index(side) if side[0] is not None else None for side in sides)] * len(gap.frames)
        ends = [None if known is None else times[known] for known in (gap.before, gap.after)]
        distances += [[0 if end is None else abs(t - end) for end in ends] for t in gap.frames]
        even += evenly(gap, times, back, forth, none)
    stacked = AlignedFrames(*(torch.cat(parts) for parts in zip(*read.values())))
    return References(
        stacked, of, tuple(number for number, _ in order), torch.stack(even, 1), frames.new_tensor(distances), speed
    )


def reading(frames: Tensor, steps: Tensor, spans: Tensor) -> AlignedFrames:
    """Known frames, the nearest last, over that one; flows as if they were one frame apart."""
    known = align_to_last(frames, steps)
    if not len(spans):
        return known
    newest = list(spans.flip(0).unbind(0))
    newest += (READ - 1 - len(newest)) * newest[-1:]
    return known._replace(flows=known.flows / torch.stack(newest))


def evenly(gap: Gap, times: Sequence[int], back: Tensor, forth: Tensor, none: Tensor) -> list[Tensor]:
    """Where pixels of each frame of a gap come from, (B, S, 2, h, w) each: the flow between its ends in shares, each pixel's
    looked up where it came from to first order; or, where it has one end, the flow there going on with constant velocity."""
    if gap.before is not None and gap.after is not None:
        span = times[gap.after] - times[gap.before]
        shares = [(t - times[gap.before]) / span for t in gap.frames]
        there, here = forth[:, gap.before], back[:, gap.before]
        return [torch.stack([on_the_way(there, share), on_the_way(here, 1 - share)], 1) for share in shares]
    if gap.before is not None:
        step = back[:, gap.before - 1] / (times[gap.before] - times[gap.before - 1]) if gap.before else none
        return [torch.stack([x, none], 1) for x in going_on(step, len(gap.frames))]
    step = forth[:, 0] / (times[1] - times[0]) if len(times) > 1 else none
    return [torch.stack([none, x], 1) for x in going_on(step, len(gap.frames))][::-1]


def on_the_way(flow: Tensor, share: float) -> Tensor:
    """Where pixels come from in a frame whose pixels have gone a share of their flow."""
    return -share * warp(flow, -share * flow)


def going_on(step: Tensor, count: int) -> list[Tensor]:
    """Displacements after 1, 2, ... frames of constant velocity (semi-Lagrangian advection, Stam 1999)."""
    steps = []
    for _ in range(count):
        step = warp(step, step)
        steps.append(step)
    return list(compose_flows(torch.stack(steps, 1)).unbind(1))


def true_displacements(frames: Tensor, known: Sequence[bool], size: tuple[int, int], estimated_at: int) -> Tensor:
    """Where pixels of the unknown frames do come from, as `References.even`; zero where there is no reference.

    Args:
        frames: float32 (B, T, C, H, W), the whole clip.
    """
    grid = (size[0] // 2, size[1] // 2)
    back, forth = (backward_flows(x, grid, estimated_at) for x in (frames, frames.flip(1)))
    forth, out = forth.flip(1), []  # back[:, t] leads from frame t + 1 to t, forth[:, t] from t to t + 1
    for gap in find_gaps(known):
        first, last = gap.frames[0], gap.frames[-1]
        none = back.new_zeros(len(frames), len(gap.frames), 2, *grid)
        before = none if gap.before is None else compose_flows(back[:, first - 1 : last])
        after = none if gap.after is None else compose_flows(forth[:, first : last + 1].flip(1)).flip(1)
        out.append(torch.stack([before, after], 2))
    return torch.cat(out, 1)
