"""Upper limits of the machine's speed: matrix products and copies, measured in the same run as what is compared with them."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch

from ..core.cpu_fast import keep_big_buffers
from ..core.runtime import Runtime
from .timing import time_calls

SIDES, BYTES = {"cuda": 4096, "cpu": 2048}, 2**28  # of the matrices, and of the buffer that is copied


def measure_ceilings(device: str = "auto", repeats: int = 5) -> dict[str, Any]:
    """GFLOP/s of a large matrix product in float32 and bfloat16, and GB/s read and written by a large copy."""
    keep_big_buffers()
    runtime = Runtime.pick(device)
    rates = {"device": runtime.describe(), "threads": torch.get_num_threads()}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        rates[f"matmul_{name}_gflops"] = round(measure_matmul_gflops(runtime.device, dtype, repeats))
    source = torch.ones(BYTES, dtype=torch.uint8, device=runtime.device)
    target = torch.empty_like(source)
    seconds = time_calls(lambda: target.copy_(source), repeats, runtime.device)["min_s"]
    rates["copy_gb_s"] = round(2 * BYTES / seconds / 1e9, 1)
    return rates


@cache
def peak_gflops(device: torch.device, dtype: torch.dtype, threads: int) -> float:
    """`measure_matmul_gflops`, once in a process for each number of CPU threads, which must be those set."""
    return measure_matmul_gflops(device, dtype)


def measure_matmul_gflops(device: torch.device, dtype: torch.dtype, repeats: int = 3) -> float:
    """GFLOP/s of a large square matrix product, from the quickest of the repeats."""
    side = SIDES[device.type]
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / time_calls(lambda: a @ b, repeats, device)["min_s"] / 1e9
