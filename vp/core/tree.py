"""Nested tuples of tensors, such as recurrent states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def map_tensors(change: Callable[[Tensor], Tensor], tree: Any) -> Any:
    """Applies `change` to every tensor of nested tuples and named tuples; None stays None."""
    if tree is None or isinstance(tree, Tensor):
        return tree if tree is None else change(tree)
    parts = [map_tensors(change, part) for part in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else tuple(parts)


def list_tensors(tree: Any) -> list[Tensor]:
    """All tensors of nested tuples, depth first."""
    if tree is None or isinstance(tree, Tensor):
        return [] if tree is None else [tree]
    return [found for part in tree for found in list_tensors(part)]


def repeat_rows(tree: Any, times: int) -> Any:
    """Repeats each row of every tensor in nested tuples: (B, ...) -> (B * times, ...), copies of a row side by side."""
    return map_tensors(lambda x: x.repeat_interleave(times, 0), tree)
