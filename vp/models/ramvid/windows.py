"""Windows for clips longer than the network's: their order, and which frames are known when each is sampled."""

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
    """One piece to sample: `frames` int64 (L,), ascending frame indices, and `known` bool (L,), given or sampled before."""

    frames: Tensor
    known: Tensor


def plan_windows(known: Tensor, length: int, mode: str, whole_past: bool = False) -> list[Window]:
    """Windows that fill every unknown frame of a clip once, away from known ones.

    Args:
        known: bool (T,).
        length: most frames that the network takes at once.
        mode: a key of LONG; clips that fit need no mode.
        whole_past: whether the network is recurrent, so that a window may hold all frames before it; where nothing is known
            the clip is then one window.
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
        append_window(windows, done, chosen.nonzero()[:, 0])
    while not done.all():
        first = int((~done).nonzero()[0])
        if whole_past:
            start, end = 0, max(first, length // 4) + 3 * length // 4
        else:
            start = max(min(first - length // 2, total - length), 0)
            end = start + length
        append_window(windows, done, torch.arange(start, min(end, total)))
    return windows


def append_window(windows: list[Window], done_mask: Tensor, frames: Tensor) -> None:
    """Appends the window over the indices `frames` unless all of them are done, and marks them in `done_mask` in place."""
    if not done_mask[frames].all():
        windows.append(Window(frames, done_mask[frames].clone()))
        done_mask[frames] = True
