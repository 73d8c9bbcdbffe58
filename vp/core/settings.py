"""What configs of different families have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence


def check_one_of(name: str, value: str, values: tuple[str, ...]) -> None:
    """Raises ValueError unless the value of the setting `name` is one of `values`."""
    if value not in values:
        raise ValueError(f"{name} is {value!r}; give one of {', '.join(values)}")


def scheduled_length(lengths: Sequence[tuple[float, int]], share: float, most: int) -> int:
    """Frames trained on, at most `most`: the longest of (share, frames) pairs whose share of the budget is reached."""
    return min(max(frames for start, frames in lengths if share >= start), most)


def check_multiple_of(unit: int, name: str, value: int, least: int) -> None:
    """Raises ValueError unless a number of pixels is a multiple of `unit`, `least` or more."""
    if value < least or value % unit:
        raise ValueError(f"{name} is {value}; give a multiple of {unit} pixels, {least} or more")


def log_ramp(share: float, between: tuple[float, float], start: float, end: float) -> float:
    """From `start` to `end`, both above 0, in a line on a log scale while the share of the budget goes between two shares."""
    low, high = between
    along = min(max((share - low) / max(high - low, 1e-9), 0.0), 1.0)
    return math.exp((1 - along) * math.log(start) + along * math.log(end))
