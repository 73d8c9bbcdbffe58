"""How a clip longer than the network's is sampled: in which order, and what is known by then."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

LONG = {
    "windows": "one after another, each half known",
    "keyframes": "spread-out frames first, then those between (Harvey et al. 2022, hierarchy-2)",
}


class Window(NamedTuple):
    """One piece to sample: `frames` int64 (L,), ascending places in the clip, and which of them are `known` by then."""

    frames: Tensor
    known: Tensor


def plan(known: Tensor, length: int, mode: str) -> list[Window]:
    """Windows of at most `length` frames that fill every unknown frame of a clip once.

    Args:
        known: bool (T,). length: frames the network takes. mode: a key of LONG; clips that fit need no mode.
    """
    if len(known) <= length:
        return [Window(torch.arange(len(known)), known)]
    done, windows = known.clone(), []
    if mode == "keyframes":
        every = math.ceil(len(known) / length)
        add(windows, done, torch.arange(0, len(known), every))
    start = 0
    while not done.all():
        first = int((~done).nonzero()[0])
        start = max(start, min(first - length // 2, len(known) - length), 0)
        add(windows, done, torch.arange(start, min(start + length, len(known))))
    return windows


def add(windows: list[Window], done: Tensor, frames: Tensor) -> None:
    """Appends the window over `frames` unless all is done there, and marks it done."""
    if not done[frames].all():
        windows.append(Window(frames, done[frames].clone()))
        done[frames] = True
