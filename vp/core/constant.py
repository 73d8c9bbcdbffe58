"""Tensors that never change, made once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import TypeVar

import torch
from torch import Tensor

Made = TypeVar("Made")


def cached_constant(make: Callable[..., Made]) -> Callable[..., Made]:
    """Makes what `make` gives for its arguments, all hashable, the first time alone.

    It is kept for good, for a recorded graph may read it, and is no inference tensor, for a gradient may need it.
    """
    made = lru_cache(maxsize=None)(make)

    @wraps(make)
    def kept(*given: object) -> Made:
        with torch.inference_mode(False), torch.no_grad():
            return made(*given)

    return kept


@cached_constant
def cached_vector(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, device=device, dtype=dtype)


def constant_vector(values: Sequence[float], like: Tensor) -> Tensor:
    """(K,), where `like` is and as precise; copied from the host, which no graph could record, the first time alone."""
    return cached_vector(tuple(map(float, values)), like.device, like.dtype)
