"""How a clip longer than the network's is sampled: in which order, and what is known by then."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

LONG = {
    "windows": "one window after another, each from what is known by then",
    "keyframes": "spread-out frames first, then those between (Harvey et al. 2022, hierarchy-2)",
}


class Window(NamedTuple):
    """One piece to sample: `frames` int64 (L,), ascending places in the clip, and which are `known` or sampled by then."""

    frames: Tensor
    known: Tensor


def plan_windows(known: Tensor, length: int, mode: str, whole_past: bool = False) -> list[Window]:
    """Windows that fill every unknown frame of a clip once, away from known ones.

    Args:
        known: bool (T,).
        length: frames the network takes.
        mode: a key of LONG; clips that fit need no mode.
        whole_past: the network goes through frames one by one, so that a window may have all of the clip before it;
            where nothing is known the clip is drawn in one piece.
    """
    total = len(known)
    if known.any() and not known[:length].any():
        first = int(known.nonzero()[0])
        later = [Window(first + window.frames, window.known) for window in plan_windows(known[first:], length, mode, whole_past)]
        turned = plan_windows(torch.arange(total).flip(0) >= first, length, mode, whole_past)
        earlier = [Window(total - 1 - window.frames.flip(0), window.known.flip(0)) for window in turned]
        return [window for window in (*later, *earlier) if not window.known.all()]
    if total <= length or (whole_past and not known.any()):
        return [Window(torch.arange(total), known)]
    done, windows = known.clone(), []
    if mode == "keyframes":
        every = 2 if whole_past else math.ceil(total / length)
        chosen = (torch.arange(total) % every == 0) | (known if whole_past else False)
        add(windows, done, chosen.nonzero()[:, 0])
    while not done.all():
        first = int((~done).nonzero()[0])
        if whole_past:
            start, end = 0, max(first, length // 4) + 3 * length // 4
        else:
            start = max(min(first - length // 2, total - length), 0)
            end = start + length
        add(windows, done, torch.arange(start, min(end, total)))
    return windows


def add(windows: list[Window], done: Tensor, frames: Tensor) -> None:
    """Appends the window over `frames` unless all is done there, and marks it done."""
    if not done[frames].all():
        windows.append(Window(frames, done[frames].clone()))
        done[frames] = True
