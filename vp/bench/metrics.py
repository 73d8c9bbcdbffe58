"""Speed of scoring: our batched metrics against scikit-image frame by frame, where that is installed."""

from __future__ import annotations

from typing import Any

import torch

from vp.core.cpu_fast import keep_big_buffers
from vp.core.runtime import Runtime
from vp.metrics import psnr, ssim

from ..training.machine import measure_ceilings
from ..training.timing import print_row, run_in_fresh_process, time_calls, with_speedups

SIDE = 64


def metrics(samples: int, frames: int, repeats: int, device: str = "auto") -> dict[str, Any]:
    """Timings of PSNR and SSIM for `samples` futures of `frames` frames of 64x64, ours and scikit-image's."""
    arguments = {"samples": samples, "frames": frames, "repeats": repeats}
    rows = {"ours": run_in_fresh_process(time_ours, device=device, **arguments)}
    try:
        rows = with_speedups({"scikit-image": run_in_fresh_process(time_scikit_image, **arguments), **rows}, "scikit-image")
    except ValueError as missing:
        print(missing, flush=True)
    for label, row in rows.items():
        row["frames_per_s"] = round(samples * frames / row["median_s"])
        print_row(f"metrics, {label}", row)
    return {
        "bench": "metrics",
        "machine": run_in_fresh_process(measure_ceilings, device=device),
        "samples": samples,
        "frames": frames,
        "rows": rows,
    }


def random_videos(samples: int, frames: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Two random videos, float32 (1, samples, frames, 1, 64, 64) in [0, 1]."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(1, samples, frames, 1, SIDE, SIDE, generator=generator) for _ in range(2))


def time_ours(samples: int, frames: int, repeats: int, device: str) -> dict[str, Any]:
    """Timings of our batched metrics."""
    keep_big_buffers()
    where = Runtime.pick(device).device
    a, b = (x.to(where) for x in random_videos(samples, frames))
    return time_calls(lambda: (psnr(a, b), ssim(a, b)), repeats, where)


def time_scikit_image(samples: int, frames: int, repeats: int) -> dict[str, Any]:
    """Timings of scikit-image, frame by frame; raises ValueError where it is not installed."""
    try:
        from skimage.metrics import peak_signal_noise_ratio, structural_similarity
    except ImportError:
        raise ValueError("scikit-image is not installed, so only our own metrics are timed") from None
    a, b = (x.flatten(0, 3).numpy() for x in random_videos(samples, frames))
    gaussian = {"data_range": 1.0, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}

    def run() -> None:
        for x, y in zip(a, b):
            peak_signal_noise_ratio(y, x, data_range=1.0)
            structural_similarity(x, y, **gaussian)

    return time_calls(run, min(repeats, 3), torch.device("cpu"), warmup=1)
