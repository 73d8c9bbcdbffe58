"""Standard normal noise of samples: each sample's depends on its own seed alone, whatever is computed beside it."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from .host_memory import host_buffer

MANY = 2**18  # numbers from which threads draw: below, handing out the rows takes longer
GOLDEN = 0x9E3779B97F4A7C15  # the fractional part of the golden ratio, in units of 2^-64


@dataclass(frozen=True)
class SeedMix:
    """Samples whose noise lies between that of several seeds: a weighted sum, which is standard normal again.

    It stands in for seeds int64 (B, N) wherever a predictor takes them.

    Args:
        seeds: int64 (B, N, K).
        weights: float32 (B, N, K), of any size other than all 0; only their ratios count. With a single weight other than 0 the
            noise is that seed's own, bit for bit.

    Raises:
        ValueError: shapes that differ, or weights that are all 0 or not finite.
    """

    seeds: Tensor
    weights: Tensor

    def __post_init__(self) -> None:
        if self.seeds.ndim != 3 or self.seeds.shape != self.weights.shape:
            raise ValueError(f"seeds are {tuple(self.seeds.shape)} and weights {tuple(self.weights.shape)}; give (B, N, K) twice")
        if not self.weights.isfinite().all() or (self.weights == 0).all(-1).any():
            raise ValueError("the weights of a mix are all 0 or not finite; give one or more numbers other than 0")

    @property
    def shape(self) -> torch.Size:
        """(B, N), as of seeds."""
        return self.seeds.shape[:2]

    def mix(self, noise: Tensor) -> Tensor:
        """float32 (B N K, ...), each seed's own noise, to (B N, ...)."""
        weights = (self.weights / self.weights.norm(dim=-1, keepdim=True)).flatten(0, 1).to(noise)
        return torch.einsum("mk,mk...->m...", weights, noise.unflatten(0, weights.shape))


Seeds = Tensor | SeedMix  # (B, N): what samples draw their noise from


class SampleNoise:
    """Draws noise on the CPU: a sample's depends only on its seed and on its earlier draws, and is the same on every device.

    Args:
        seeds: int64 (B, N), or a `SeedMix`.
        device: where the noise is wanted.
    """

    def __init__(self, seeds: Seeds, device: torch.device):
        self.device, self.mix = device, seeds if isinstance(seeds, SeedMix) else None
        own = seeds.seeds if isinstance(seeds, SeedMix) else seeds
        self.generators = [torch.Generator().manual_seed(seed) for seed in own.flatten().tolist()]

    def __call__(self, shape: tuple[int, ...]) -> Tensor:
        """float32 (B N, *shape), on the device."""
        with torch.inference_mode(False):  # threads may not write into an inference tensor
            rows = host_buffer((len(self.generators), *shape), self.device)

        def draw(row: Tensor, generator: torch.Generator) -> None:
            torch.randn(shape, generator=generator, out=row)

        many = rows.numel() >= MANY and len(rows) > 1
        deque((drawing_threads().map if many else map)(draw, rows, self.generators), maxlen=0)
        rows = rows.to(self.device, non_blocking=True)
        return rows if self.mix is None else self.mix.mix(rows)


def draw_noise(seeds: Seeds, *shape: int) -> Tensor:
    """Standard normal noise float32 (B, N, *shape) on the CPU; entry (b, n) depends on that entry of the seeds alone."""
    return SampleNoise(seeds, torch.device("cpu"))(shape).unflatten(0, seeds.shape)


def spread_noise(seeds: Seeds) -> Tensor:
    """Standard normal noise float32 (B, N), of one number a sample, whose values at consecutive seeds are evenly spread.

    The quantile of a seed is the fractional part of its product with the golden ratio, plus a half (a Kronecker sequence, see
    Niederreiter 1992, Random Number Generation and Quasi-Monte Carlo Methods, chapter 3): it depends on that seed alone, and of
    any few samples with consecutive seeds no two are alike and no large part of the distribution is missed.
    """
    own = seeds.seeds if isinstance(seeds, SeedMix) else seeds
    quantiles = [((seed * GOLDEN + 2**63) % 2**64 + 0.5) / 2**64 for seed in own.flatten().tolist()]
    noise = torch.special.ndtri(torch.tensor(quantiles, dtype=torch.float64)).float()
    return (seeds.mix(noise) if isinstance(seeds, SeedMix) else noise).unflatten(0, seeds.shape)


@cache
def drawing_threads() -> ThreadPoolExecutor:
    """Threads for draws, as many as torch uses."""
    return ThreadPoolExecutor(torch.get_num_threads(), "noise")
