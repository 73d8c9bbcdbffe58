"""Memory of the host that a GPU copies to and from directly: page-locked, several times as fast as other memory."""

from __future__ import annotations

import torch
from torch import Tensor


def host_buffer(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """An uninitialised tensor on the CPU, page-locked where it is to be exchanged with a CUDA `device`."""
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == "cuda")


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device: itself if it is there; between a GPU and the CPU through page-locked memory.

    A copy to a GPU does not make the CPU wait for it.
    """
    if device.type == "cuda" and not x.is_cuda:
        return x.pin_memory().to(device, non_blocking=True)
    if device.type == "cpu" and x.is_cuda:
        return host_buffer(tuple(x.shape), x.device, x.dtype).copy_(x)
    return x.to(device)
