"""Benchmarks of speed: median and range over repeats after a warm-up, each configuration in its own process."""

from __future__ import annotations

from .growth import growth
from .metrics import metrics
from .sampling import sampling
from .start import app, start
from .training import training

__all__ = ["app", "growth", "metrics", "sampling", "start", "training"]
