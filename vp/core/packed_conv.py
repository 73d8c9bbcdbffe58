"""Convolutions with weights packed into oneDNN's layout once, for inference on a CPU.

Plain PyTorch has oneDNN reorder the weights at every call; for small feature maps that takes as long as the arithmetic.
"""

from __future__ import annotations

from typing import TypeGuard, TypeVar

import torch
from torch import Tensor, nn

MAX_SHAPES = 8  # input shapes whose packed weights are kept: the best layout depends on the shape

Networks = TypeVar("Networks", bound=nn.Module)


class PackedConv2d(nn.Module):
    """Replaces an nn.Conv2d, sharing its weights: bit-identical results in the dtype of the weights; no gradients."""

    def __init__(self, layer: nn.Conv2d):
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias
        self.stride, self.padding = layer.stride, layer.padding
        self.arranged = layer.padding, layer.stride, layer.dilation, layer.groups
        self.kept: dict[torch.Size, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """(M, C, H, W) to (M, D, H', W')."""
        packed = self.kept.get(x.shape)
        if packed is None:
            if len(self.kept) >= MAX_SHAPES:
                self.kept.clear()
            packed = torch.ops.mkldnn._reorder_convolution_weight(self.weight.detach(), *self.arranged, x.shape)
            self.kept[x.shape] = packed
        return torch.ops.mkldnn._convolution_pointwise(x.to(self.weight.dtype), packed, self.bias, *self.arranged, "none", [], "")


def is_packable(layer: nn.Module) -> TypeGuard[nn.Conv2d]:
    """Whether `PackedConv2d` can replace the layer, and this build of torch has the oneDNN operators that it calls."""
    able = type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return able and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def pack_convolutions(networks: Networks) -> Networks:
    """Replaces every 2D convolution inside `networks` that is packable by a `PackedConv2d`, in place; returns the networks."""
    for parent in list(networks.modules()):
        for name, layer in list(parent.named_children()):
            if is_packable(layer):
                setattr(parent, name, PackedConv2d(layer))
    return networks
