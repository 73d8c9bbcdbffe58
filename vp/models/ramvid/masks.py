"""Random masks of known frames for training (Hoeppe et al. 2022, sec. 3.2), beside the masks of the tasks that users have."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from ...core.host_random import host_generator


def draw_integer(low: int, high: int, generator: torch.Generator) -> int:
    """A random integer from low to high, both included."""
    return int(torch.randint(low, max(low, high) + 1, (1,), generator=host_generator(generator)))


def prefix_mask(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """The first k frames, k from 1 to half of the clip: prediction."""
    return torch.arange(length) < draw_integer(1, length // 2, generator)


def random_mask(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """k frames anywhere, k from 1 to `max_known`: the published mask."""
    known = torch.zeros(length, dtype=torch.bool)
    order = torch.randperm(length, generator=host_generator(generator))
    known[order[: draw_integer(1, min(max_known, length - 1), generator)]] = True
    return known


def ends_mask(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """A few frames at both ends: infilling."""
    position = torch.arange(length)
    first, last = (draw_integer(1, max(1, length // 4), generator) for _ in range(2))
    return (position < first) | (position >= length - last)


def every_nth_mask(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """Every n-th frame, n from 2 to 5: frame-rate upsampling."""
    return torch.arange(length) % draw_integer(2, 5, generator) == 0


def empty_mask(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """No known frame: unconditional generation, which guidance needs too."""
    return torch.zeros(length, dtype=torch.bool)


KINDS: dict[str, Callable[[int, int, torch.Generator], Tensor]] = {
    "prefix": prefix_mask,
    "random": random_mask,
    "ends": ends_mask,
    "every": every_nth_mask,
    "none": empty_mask,
}


def draw_masks(mix: Mapping[str, float], clips: int, length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """bool (clips, length) on the CPU, True where a frame is known; each clip draws its own kind of mask.

    Raises:
        ValueError: `mix` has a kind that is not in KINDS.
    """
    unknown = sorted(set(mix) - set(KINDS))
    if unknown:
        raise ValueError(f"there is no mask {', '.join(unknown)}; there are {', '.join(KINDS)}")
    weights = torch.tensor(list(mix.values()), device=generator.device)
    kinds = torch.multinomial(weights, clips, replacement=True, generator=generator).tolist()
    names = list(mix)
    return torch.stack([KINDS[names[k]](length, max_known, generator) for k in kinds])
