"""Nested tuples of tensors, such as recurrent states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def map_tensors(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """The same tuples and named tuples with every tensor changed; None stays None."""
    if tree is None or isinstance(tree, Tensor):
        return tree if tree is None else change(tree)
    parts = [map_tensors(change, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def list_tensors(tree: Any) -> list[Tensor]:
    """Its tensors, in order."""
    if tree is None or isinstance(tree, Tensor):
        return [] if tree is None else [tree]
    return [found for part in tree for found in list_tensors(part)]


def repeat_rows(tree: Any, times: int) -> Any:
    """Each row of every tensor in nested tuples `times` times, as (B, N) flattened."""
    return map_tensors(lambda x: x.repeat_interleave(times, 0), tree)
