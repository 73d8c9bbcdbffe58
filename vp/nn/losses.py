"""Distances between pictures that two or more families train with."""

from __future__ import annotations

from torch import Tensor


def gradient_difference(a: Tensor, b: Tensor) -> Tensor:
    """How far the sizes of the gradients differ, along both axes (Mathieu et al. 2016, eq. 6, alpha 1, as a mean)."""
    return sum((a.diff(dim=axis).abs() - b.diff(dim=axis).abs()).abs().mean() for axis in (-2, -1))
