"""Random numbers for clips of one or several generators: several give what each gives alone, put together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Generators = torch.Generator | Sequence[torch.Generator]


def list_generators(generators: Generators) -> Sequence[torch.Generator]:
    """One generator as a list of one."""
    return [generators] if isinstance(generators, torch.Generator) else generators


def draw_integers(low: int, high: int, shape: tuple[int, ...], generators: Generators, along: int = -2) -> Tensor:
    """int64, uniform over low..high, both included; `shape` of each generator, put together along an axis."""
    each = list_generators(generators)
    return torch.cat([torch.randint(low, high + 1, shape, generator=g, device=g.device) for g in each], along)


def draw_uniform(shape: tuple[int, ...], generators: Generators, along: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    """Uniform in [0, 1); `shape` of each generator, put together along an axis."""
    each = list_generators(generators)
    return torch.cat([torch.rand(shape, generator=g, device=g.device, dtype=dtype) for g in each], along)
