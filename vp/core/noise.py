"""Standard normal noise of samples: each sample's depends on its own seed alone, whatever is computed beside it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch
from torch import Tensor

from .host_memory import host_buffer

MANY = 2**18  # numbers from which threads draw: below, handing out the rows takes longer


class SampleNoise:
    """Draws noise on the CPU: a sample's depends only on its seed and on its earlier draws, and is the same on every device.

    Args:
        seeds: int64 (B, N).
        device: where the noise is wanted.
    """

    def __init__(self, seeds: Tensor, device: torch.device):
        self.device = device
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds.flatten().tolist()]

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """float32 (B N, *shape), on the device."""
        with torch.inference_mode(False):  # threads may not write into an inference tensor
            rows = host_buffer((len(self.generators), *shape), self.device)

        def draw(row: Tensor, generator: torch.Generator) -> None:
            torch.randn(shape, generator=generator, out=row)

        many = rows.numel() >= MANY and len(rows) > 1
        deque((drawing_threads().map if many else map)(draw, rows, self.generators), maxlen=0)
        return rows.to(self.device, non_blocking=True)


def draw_noise(seeds: Tensor, *shape: int) -> Tensor:
    """Standard normal noise float32 (B, N, *shape) on the CPU; entry (b, n) depends on the seed int64 (B, N) alone."""
    return SampleNoise(seeds, torch.device("cpu"))(shape).unflatten(0, seeds.shape)


@cache
def drawing_threads() -> ThreadPoolExecutor:
    """Threads for draws, as many as torch uses."""
    return ThreadPoolExecutor(torch.get_num_threads(), "noise")
