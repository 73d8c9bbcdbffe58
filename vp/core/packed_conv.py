"""Convolutions whose weights are laid out for oneDNN once, for inference on a CPU.

Torch lets oneDNN rearrange the weights at every call, which takes as long as the arithmetic where maps are small and few.
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn

KINDS = 8  # sizes of input that are remembered: the best order depends on them

Networks = TypeVar("Networks", bound=nn.Module)


class PackedConv2d(nn.Conv2d):
    """As torch's to the bit, with the input converted to the weights' precision; takes no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        """(M, C, H, W) to (M, D, H', W')."""
        kept = self.__dict__.setdefault("kept", {})
        packed = kept.get(x.shape)
        if packed is None:
            if len(kept) >= KINDS:
                kept.clear()
            packed = kept[x.shape] = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight.detach(), self.padding, self.stride, self.dilation, self.groups, x.shape
            )
        return torch.ops.mkldnn._convolution_pointwise(
            x.to(self.weight.dtype), packed, self.bias, self.padding, self.stride, self.dilation, self.groups, "none", [], ""
        )


def packable(layer: nn.Module) -> bool:
    """Whether `PackedConv2d` can take its place, and torch was built with what it calls (its own compiler does too)."""
    able = type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    return able and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def pack(networks: Networks) -> Networks:
    """The networks with every 2D convolution packed, where it can be."""
    for layer in networks.modules():
        if packable(layer):
            layer.__class__ = PackedConv2d
    return networks
