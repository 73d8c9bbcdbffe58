"""Checks and schedules that the configs of several families share."""

from __future__ import annotations

import math
from collections.abc import Sequence


def check_one_of(name: str, value: str, values: tuple[str, ...]) -> None:
    """Raises ValueError, naming the setting `name`, unless its value is one of `values`."""
    if value not in values:
        raise ValueError(f"{name} is {value!r}; give one of {', '.join(values)}")


def scheduled_length(lengths: Sequence[tuple[float, int]], share: float, maximum: int) -> int:
    """Number of frames to train on, at most `maximum`: the largest of the (share, frames) pairs whose share is reached."""
    return min(max(frames for start, frames in lengths if share >= start), maximum)


def check_multiple_of(unit: int, name: str, value: int, minimum: int) -> None:
    """Raises ValueError, naming the setting `name`, unless its value in pixels is a multiple of `unit` and at least `minimum`."""
    if value < minimum or value % unit:
        raise ValueError(f"{name} is {value}; give a multiple of {unit} pixels, {minimum} or more")


def log_ramp(share: float, between: tuple[float, float], start: float, end: float) -> float:
    """Value interpolated on a log scale from `start` to `end`, both above 0, as `share` goes through the interval `between`."""
    low, high = between
    along = min(max((share - low) / max(high - low, 1e-9), 0.0), 1.0)
    return math.exp((1 - along) * math.log(start) + along * math.log(end))
