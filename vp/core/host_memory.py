"""Memory of the host that a GPU copies to and from directly: page-locked, several times as fast as other memory."""

from __future__ import annotations

import torch
from torch import Tensor


def host_buffer(shape: tuple[int, ...], device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """An uninitialised tensor on the CPU, page-locked where it is to be exchanged with a CUDA `device`."""
    return torch.empty(shape, dtype=dtype, pin_memory=device.type == "cuda")


def to_device(x: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device: itself if it is there; from a GPU to the CPU through page-locked memory."""
    if device.type != "cpu" or x.device.type == "cpu":
        return x.to(device)
    return host_buffer(tuple(x.shape), x.device, x.dtype).copy_(x)
