"""Convolutions whose weights are laid out for oneDNN once, for inference on a CPU.

Torch lets oneDNN rearrange the weights at every call, which takes as long as the arithmetic where maps are small and few.
"""

from __future__ import annotations

from typing import TypeGuard, TypeVar

import torch
from torch import Tensor, nn

MAX_SHAPES = 8  # sizes of input that are remembered: the best order depends on them

Networks = TypeVar("Networks", bound=nn.Module)


class PackedConv2d(nn.Module):
    """In the place of a convolution, with its weights: the same to the bit, the input in their precision; takes no gradient."""

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
    """Whether `PackedConv2d` can take its place, and torch was built with what it calls (its own compiler does too)."""
    able = type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return able and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def pack_convolutions(networks: Networks) -> Networks:
    """The networks with a `PackedConv2d` in the place of every 2D convolution inside them, where one can take it."""
    for parent in list(networks.modules()):
        for name, layer in list(parent.named_children()):
            if is_packable(layer):
                setattr(parent, name, PackedConv2d(layer))
    return networks
