"""Functions that ignore the autocast of their caller."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

Function = TypeVar("Function", bound=Callable)


def without_autocast(function: Function) -> Function:
    """Decorator: runs the function with autocast off, for sums and linear solves that need float32."""
    return torch.autocast("cpu", enabled=False)(torch.autocast("cuda", enabled=False)(function))
