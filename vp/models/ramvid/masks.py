"""Which frames of a training clip are known: RaMViD's random masks (Hoeppe et al. 2022, sec. 3.2) among the uses people have."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def number(low: int, high: int, generator: torch.Generator) -> int:
    """A whole number from low to high, both included."""
    return int(torch.randint(low, max(low, high) + 1, (1,), generator=generator, device=generator.device))


def prefix(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """The first k of a clip, k up to half of it."""
    return torch.arange(length) < number(1, length // 2, generator)


def random(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """k frames anywhere, k from 1 to `max_known`: the published mask."""
    known = torch.zeros(length, dtype=torch.bool)
    order = torch.randperm(length, generator=generator, device=generator.device).cpu()
    known[order[: number(1, min(max_known, length - 1), generator)]] = True
    return known


def ends(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """A few frames at both ends: what fills the middle in."""
    position = torch.arange(length)
    first, last = (number(1, max(1, length // 4), generator) for _ in range(2))
    return (position < first) | (position >= length - last)


def every(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """Every n-th frame: what raises the frame rate."""
    return torch.arange(length) % number(2, 5, generator) == 0


def none(length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """Nothing known: generation, and the half that guidance needs."""
    return torch.zeros(length, dtype=torch.bool)


KINDS: dict[str, Callable[[int, int, torch.Generator], Tensor]] = {
    "prefix": prefix,
    "random": random,
    "ends": ends,
    "every": every,
    "none": none,
}


def draw_masks(mix: Mapping[str, float], clips: int, length: int, max_known: int, generator: torch.Generator) -> Tensor:
    """bool (clips, length), True where a frame is known; each clip draws its own kind of mask.

    Raises:
        ValueError: a kind in `mix` that is not one of KINDS.
    """
    strange = sorted(set(mix) - set(KINDS))
    if strange:
        raise ValueError(f"there is no mask {', '.join(strange)}; there are {', '.join(KINDS)}")
    weights = torch.tensor(list(mix.values()), device=generator.device)
    kinds = torch.multinomial(weights, clips, replacement=True, generator=generator).tolist()
    names = list(mix)
    return torch.stack([KINDS[names[k]](length, max_known, generator) for k in kinds]).to(generator.device)
