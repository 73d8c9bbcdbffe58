"""What the machine can do at most: matrix products and copies, measured in the same run as what is compared with them."""

from __future__ import annotations

from typing import Any

import torch

from ...core.runtime import Runtime, keep_big_buffers
from .timing import timed

SIDE, BYTES = 4096, 2**28  # of the matrices, and of the buffer that is copied


def ceilings(device: str = "auto", repeats: int = 5) -> dict[str, Any]:
    """GFLOP/s of a large matrix product in float32 and bfloat16, and GB/s read and written by a large copy."""
    keep_big_buffers()
    runtime = Runtime.pick(device)
    rates = {"device": runtime.describe(), "threads": torch.get_num_threads()}
    side = SIDE if runtime.device.type == "cuda" else SIDE // 2
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        a, b = (torch.randn(side, side, device=runtime.device, dtype=dtype) for _ in range(2))
        seconds = timed(lambda a=a, b=b: a @ b, repeats, runtime.device)["min_s"]
        rates[f"matmul_{name}_gflops"] = round(2 * side**3 / seconds / 1e9)
    source = torch.ones(BYTES, dtype=torch.uint8, device=runtime.device)
    target = torch.empty_like(source)
    seconds = timed(lambda: target.copy_(source), repeats, runtime.device)["min_s"]
    rates["copy_gb_s"] = round(2 * BYTES / seconds / 1e9, 1)
    return rates
