"""Timings of this machine: medians and spread over repeats, after a warm-up, each configuration in a process of its own."""

from __future__ import annotations

from .growth import growth
from .metrics import metrics
from .sampling import sampling
from .start import app, start
from .training import training

__all__ = ["app", "growth", "metrics", "sampling", "start", "training"]
