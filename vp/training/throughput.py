"""Training speed: frames a second, and the share of the machine's measured matrix-product speed that steps reach."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import FlopCounterMode

from ..core.runtime import Runtime
from .machine import peak_gflops

COUNT_EVERY = 500  # steps between two counts of a step's arithmetic, which grows with the lengths trained on


class Throughput:
    """Counts frames and arithmetic of steps; `read` gives the rates since it was last called."""

    def __init__(self, runtime: Runtime):
        dtype = torch.bfloat16 if runtime.bf16 else torch.float32
        self.peak = peak_gflops(runtime.device, dtype, torch.get_num_threads())
        self.steps, self.gflop, self.frames, self.work, self.since = 0, 0.0, 0, 0.0, time.perf_counter()

    @contextmanager
    def step(self, frames: int) -> Iterator[None]:
        """A context around a step that trains on so many frames."""
        if self.steps % COUNT_EVERY == 0:
            with FlopCounterMode(display=False) as counter:
                yield
            self.gflop = counter.get_total_flops() / 1e9
        else:
            yield
        self.steps, self.frames, self.work = self.steps + 1, self.frames + frames, self.work + self.gflop

    def read(self) -> dict[str, float]:
        """Rates since the last call: `frames_per_s`, and `peak_share` of the machine's peak."""
        now = time.perf_counter()
        seconds, self.since = now - self.since, now
        rates = {"frames_per_s": round(self.frames / seconds, 1), "peak_share": round(self.work / seconds / self.peak, 4)}
        self.frames, self.work = 0, 0.0
        return rates
