"""Paths of pixels through the known frames around a gap: where they are in the frames between."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from .warp import warp


def places_between(
    times: Sequence[int], last: int, back: Mapping[int, Tensor], forth: Mapping[int, Tensor]
) -> list[dict[int, Tensor]]:
    """Places of the pixels of the known frames on both sides of a gap, in these two and in the next known frame on either side.

    Args:
        times: of all known frames.
        last: index among these of the one before the gap.
        back: index of a known frame -> flow (B, 2, H, W) into it from the next one, in pixels, x first. That of `last` is needed,
            and counts of the one before.
        forth: index of a known frame -> flow from it into the next one. That of `last` is needed, and counts of the one after.

    Returns:
        For the frame before the gap and the frame after it: time -> displacement (B, 2, H, W) of its pixels until then.
    """
    after, there, here = last + 1, forth[last], back[last]
    still = torch.zeros_like(there)
    from_before, from_after = {last: still, after: there}, {after: still, last: here}
    if last - 1 in back:
        earlier = back[last - 1]
        from_before[last - 1], from_after[last - 1] = earlier, here + warp(earlier, here)
    if after in forth:
        later = forth[after]
        from_after[after + 1], from_before[after + 1] = later, there + warp(later, there)
    return [{times[number]: place for number, place in side.items()} for side in (from_before, from_after)]


def place_at(places: Mapping[int, Tensor], time: int) -> Tensor:
    """Where pixels are at a time, on the polynomial through their places (B, 2, H, W) at some times (Lagrange): a cubic through
    four of them (Chi et al. 2020; a quadratic through three: Xu et al. 2019)."""
    weights = [math.prod((time - other) / (own - other) for other in places if other != own) for own in places]
    return sum(weight * place for weight, place in zip(weights, places.values()))


def lead_back(moved: Tensor, warp: Callable[[Tensor, Tensor], Tensor] = warp) -> Tensor:
    """Displacements (B, 2, H, W) into a frame whose pixels have `moved` since, to first order."""
    return -warp(moved, -moved)
