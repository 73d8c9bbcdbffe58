"""What makes CPUs fast and is not plain PyTorch: the allocator, when bfloat16 pays, and when it does not.

Weights laid out beforehand are in `packed_conv`, group normalisation is in `nn/group_norm`. `python -m vp bench sample` switches
each off in turn and says what it gives. The allocator is told in training, which it makes two to three times as fast.
"""

from __future__ import annotations

import ctypes
import sys

import torch
from torch import Tensor

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # glibc's mallopt parameters
SMALL = 2**18  # numbers of a map


def keep_big_buffers(bytes_kept: int = 2**31 - 1) -> bool:
    """Tells glibc to keep freed tensors instead of returning them to the system at every free (2-3x on a CPU).

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
    """Whether a CPU takes less time over bf16 maps when they are converted to float32 first."""
    return maps.dtype == torch.bfloat16 and maps.device.type == "cpu" and maps.numel() <= SMALL


def tanh(x: Tensor) -> Tensor:
    """torch's, which on CPUs takes four times as long in bfloat16 as in float32, conversions and all."""
    if x.dtype == torch.bfloat16 and x.device.type == "cpu" and not torch.is_grad_enabled():
        return x.float().tanh_().to(x.dtype)
    return x.tanh()
