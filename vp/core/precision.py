"""Functions that compute in float32, whatever is around them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Function = TypeVar("Function", bound=Callable)


def without_autocast(function: Function) -> Function:
    """The same function with autocast off, as a decorator: for sums and solutions that bfloat16 would spoil."""
    return torch.autocast("cpu", enabled=False)(torch.autocast("cuda", enabled=False)(function))
