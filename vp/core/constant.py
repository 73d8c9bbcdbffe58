"""Tensors that never change, made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import TypeVar

import torch
from torch import Tensor

Made = TypeVar("Made")


def cached_constant(make: Callable[..., Made]) -> Callable[..., Made]:
    """Decorator: calls `make` once per tuple of arguments, all hashable, and returns the kept result from then on.

    The result is never freed, because a recorded CUDA graph may read it. It is no inference tensor, because autograd may save it.
    """
    made = lru_cache(maxsize=None)(make)

    @wraps(make)
    def kept(*given: object) -> Made:
        with torch.inference_mode(False), torch.no_grad():
            return made(*given)

    return kept


@cached_constant
def cached_vector(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    """The values as a tensor (K,)."""
    return torch.tensor(values, device=device, dtype=dtype)


@cached_constant
def constant_indices(values: tuple[int, ...], device: torch.device) -> Tensor:
    """The values as indices int64 (K,): a Python list as an index would be copied from the host at every use."""
    return torch.tensor(values, device=device, dtype=torch.long)


def constant_vector(values: Sequence[float], like: Tensor) -> Tensor:
    """The values as a tensor (K,) with device and dtype of `like`; copied from the host once, as no CUDA graph records that."""
    return cached_vector(tuple(map(float, values)), like.device, like.dtype)
