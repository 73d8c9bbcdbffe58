"""References of an unknown frame: the nearest known frames on both sides, and the even motion into them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ....nn.gap_flow import flows_between
from ....nn.motion_input import READ, AlignedFrames, align_to_last, backward_flows, compose_flows, to_rgb
from ....nn.optical_flow import resize_frames
from ....nn.paths import lead_back, place_at, places_between
from ....nn.warp import warp

SIDES = 2  # before, after
ESTIMATED_AT = 192  # px of the short side at which flow between known frames is estimated, whatever their own size
USUAL_SPEED = 0.4  # px of the grid a frame: the upper quartile of recordings, where one frame alone is known and none is seen

Sides = Sequence[tuple[int | None, int | None]]  # of each unknown frame, the number of its reference before and after, if any


class Gap(NamedTuple):
    """A run of unknown frames, by frame index, and the known frames on either side as indices among known frames, or None."""

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
    """The known frames next to each of U unknown frames of B clips; S = 2 sides, before and after.

    Args:
        known: what a network reads of each reference, R of them one after the other: (R * B, ...).
        reference_of: the index in R of each unknown frame's reference on each side, None where there is none.
        frames: the index of each reference among known frames.
        even: float32 (B, U, S, 2, h/2, w/2), displacements into the reference, see `even_displacements`, in pixels, x first.
        distance: float32 (U, S), frames to the reference, 0 where there is none.
        speed: float32 (B,), root mean square of the known frames' motion, in pixels of this grid a frame.
    """

    known: AlignedFrames
    reference_of: Sides
    frames: tuple[int, ...]
    even: Tensor
    distance: Tensor
    speed: Tensor


def find_references(frames: Tensor, known: Sequence[bool], size: tuple[int, int]) -> References:
    """Finds the references of all unknown frames, with the flow between known frames.

    Args:
        frames: float32 (B, K, C, H, W), the known frames, one or more.
        known: whether each frame of the clip is known.
        size: (h, w), multiples of 8, at which motion is predicted.
    """
    times = [t for t, given in enumerate(known) if given]
    gaps, grid = find_gaps(known), (size[0] // 2, size[1] // 2)
    frames = to_rgb(frames)
    spans = frames.new_tensor([b - a for a, b in zip(times, times[1:])]).view(-1, 1, 1, 1)
    back, forth = flows_between(frames, times, grid, ESTIMATED_AT)
    speeds = torch.cat([back / spans, forth / spans], 1)
    speed = speeds.square().sum(2).mean((1, 2, 3)).sqrt() if len(times) > 1 else frames.new_full((len(frames),), USUAL_SPEED)
    small, none = resize_frames(frames, size), frames.new_zeros(len(frames), 2, *grid)
    read: dict[tuple[int, int], AlignedFrames] = {}
    of, even, distances = [], [], []
    for before, after in ((gap.before, gap.after) for gap in gaps):
        if before is not None and (before, 0) not in read:
            first = max(0, before - READ + 1)
            read[before, 0] = read_reference(small[:, first : before + 1], back[:, first:before], spans[first:before])
        if after is not None and (after, 1) not in read:
            end = min(len(times), after + READ)
            flipped = (x.flip(1) for x in (small[:, after:end], forth[:, after : end - 1]))
            read[after, 1] = read_reference(*flipped, spans[after : end - 1].flip(0))
    order = list(read)
    for gap in gaps:
        sides = ((gap.before, 0), (gap.after, 1))
        of += [tuple(order.index(side) if side[0] is not None else None for side in sides)] * len(gap.frames)
        ends = [None if known is None else times[known] for known in (gap.before, gap.after)]
        distances += [[0 if end is None else abs(t - end) for end in ends] for t in gap.frames]
        even += even_displacements(gap, times, back, forth, none)
    stacked = AlignedFrames(*(torch.cat(parts) for parts in zip(*read.values())))
    return References(
        stacked, of, tuple(number for number, _ in order), torch.stack(even, 1), frames.new_tensor(distances), speed
    )


def read_reference(frames: Tensor, steps: Tensor, spans: Tensor) -> AlignedFrames:
    """What a network reads of known frames, the reference last; flows are divided by `spans`, the frames between them."""
    known = align_to_last(frames, steps)
    if not len(spans):
        return known
    newest = list(spans.flip(0).unbind(0))
    newest += (READ - 1 - len(newest)) * newest[-1:]
    return known._replace(flows=known.flows / torch.stack(newest))


def even_displacements(gap: Gap, times: Sequence[int], back: Tensor, forth: Tensor, none: Tensor) -> list[Tensor]:
    """Displacements (B, S, 2, h, w) of each frame of a gap into its references.

    Between two known frames pixels follow the curve through their places in these and in the next known frame on either side, if
    there are any (`place_at`); beside one known frame, the flow there goes on at constant velocity. `none`, zeros, stands for a
    missing reference.
    """
    if gap.before is not None and gap.after is not None:
        sides = places_between(times, gap.before, *(dict(enumerate(flows.unbind(1))) for flows in (back, forth)))
        return [torch.stack([lead_back(place_at(side, t)) for side in sides], 1) for t in gap.frames]
    if gap.before is not None:
        step = back[:, gap.before - 1] / (times[gap.before] - times[gap.before - 1]) if gap.before else none
        return [torch.stack([x, none], 1) for x in extrapolate_motion(step, len(gap.frames))]
    step = forth[:, 0] / (times[1] - times[0]) if len(times) > 1 else none
    return [torch.stack([none, x], 1) for x in extrapolate_motion(step, len(gap.frames))][::-1]


def extrapolate_motion(step: Tensor, count: int) -> list[Tensor]:
    """Displacements after 1, 2, ... `count` frames of constant velocity (semi-Lagrangian advection, Stam 1999)."""
    steps = []
    for _ in range(count):
        step = warp(step, step)
        steps.append(step)
    return list(compose_flows(torch.stack(steps, 1)).unbind(1))


def true_displacements(frames: Tensor, known: Sequence[bool], size: tuple[int, int], estimated_at: int) -> Tensor:
    """Displacements of the unknown frames' pixels by optical flow, shaped like `References.even`; zero without a reference.

    Args:
        frames: float32 (B, T, C, H, W), the whole clip.
        known: whether each frame is known.
        size: as of `find_references`.
        estimated_at: px of the short side at which flow is estimated.
    """
    grid, gaps, out = (size[0] // 2, size[1] // 2), find_gaps(known), []
    if any(gap.before is not None for gap in gaps):
        back = backward_flows(frames, grid, estimated_at)  # number t leads from frame t + 1 to t
    if any(gap.after is not None for gap in gaps):
        forth = backward_flows(frames.flip(1), grid, estimated_at).flip(1)  # number t leads from frame t to t + 1
    for gap in gaps:
        first, last = gap.frames[0], gap.frames[-1]
        none = frames.new_zeros(len(frames), len(gap.frames), 2, *grid)
        before = none if gap.before is None else compose_flows(back[:, first - 1 : last])
        after = none if gap.after is None else compose_flows(forth[:, first : last + 1].flip(1)).flip(1)
        out.append(torch.stack([before, after], 2))
    return torch.cat(out, 1)
