"""CPU speed beyond plain PyTorch: the allocator, and where bfloat16 is faster than float32.

Convolutions with packed weights are in `packed_conv`, group normalisation in `nn/group_norm`. `python -m vp bench sample`
switches each off in turn and reports its gain. The allocator setting is used in training, which it makes 2-3x as fast.
"""

from __future__ import annotations

import ctypes
import sys

import torch
from torch import Tensor

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt parameters
SMALL = 2**18  # elements of a feature map


def keep_big_buffers(bytes_kept: int = 2**31 - 1) -> bool:
    """Makes glibc keep up to `bytes_kept` of freed memory instead of returning it to the system (2-3x faster on a CPU).

    Helps the main thread only. Returns whether it took effect: False where the C library is not glibc.
    """
    if sys.platform != "linux":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, min(bytes_kept, 2**30)) and mallopt(M_TRIM_THRESHOLD, bytes_kept))


def bf16_is_fast(device: torch.device) -> bool:
    """True on CUDA GPUs with bf16 units, and on CPUs with AMX or AVX512-BF16: elsewhere it is emulated and far slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)


def is_faster_in_float32(maps: Tensor) -> bool:
    """Whether element-wise operations on these maps are faster after a conversion to float32: small bf16 maps on a CPU."""
    return maps.dtype == torch.bfloat16 and maps.device.type == "cpu" and maps.numel() <= SMALL


def tanh(x: Tensor) -> Tensor:
    """`x.tanh()`; bf16 on a CPU without gradients is computed in float32, four times as fast with both conversions."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not torch.is_grad_enabled():
        return x.float().tanh_().to(x.dtype)
    return x.tanh()
