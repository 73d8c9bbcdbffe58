"""Group normalisation (Wu & He 2018) that is fast in bfloat16 on a CPU too."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .fused import can_fuse, group_norm

WIDE = 1024  # pixels of a map from which torch's own is faster in bf16 than in float32


class GroupNorm(nn.GroupNorm):
    """nn.GroupNorm with statistics in float32, and a leaky ReLU of slope `leak` after it where that is given.

    On CPUs torch's own takes ten times as long on small bf16 maps in channels_last order as on float32, and a quarter of the time
    on large ones. So without gradients small maps are normalised and activated in float32, and large ones in bf16. With gradients
    the leaky ReLU runs in the input's dtype, since float32 would double the saved activations. On a GPU without gradients all of
    it is one kernel, see `fused`.
    """

    quick = True  # False: as torch does it, for comparison
    fused = True  # False: one launch for every operation on a GPU too

    def __init__(self, groups: int, channels: int, leak: float | None = None):
        super().__init__(groups, channels)
        self.leak = leak

    def forward(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        """Normalises x (M, C, ...) after adding `bias` (C,), of the convolution before, where that left it out."""
        if self.fused and can_fuse(x):
            out = group_norm(x, self.num_groups, self.weight, self.bias, self.eps, self.leak, bias)
            if out is not None:
                return out
        if bias is not None:
            x = x + bias.to(x.dtype).view(-1, *(1,) * (x.dim() - 2))
        if not self.quick:
            return self.apply_leak(super().forward(x))
        seen = x.dtype == torch.bfloat16 and x.device.type == "cpu" and not torch.is_grad_enabled()
        if seen and x.shape[2:].numel() >= WIDE:
            return self.apply_leak(torch.group_norm(x, self.num_groups, self.weight, self.bias, self.eps))
        out = torch.group_norm(x.float(), self.num_groups, self.weight, self.bias, self.eps)
        return self.apply_leak(out).to(x.dtype) if seen else self.apply_leak(out.to(x.dtype))

    def apply_leak(self, x: Tensor) -> Tensor:
        return x if self.leak is None else F.leaky_relu_(x, self.leak)
