"""What the kernels of `vp.nn.fused_kernels` compute, in PyTorch, for machines on which Triton has no device.

Arguments are those of the kernels, whose results are written where the kernels write them.
"""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F
from torch import Tensor


def add_bias(x: Tensor, bias: Tensor | None) -> Tensor:
    """Float32 maps (N, C, ...), with a bias (C,) added to each channel where there is one."""
    return x.float() if bias is None else x.float() + bias.float().view(-1, *(1,) * (x.dim() - 2))


def group_norm_kernel(
    x: Tensor, bias: Tensor | None, weight: Tensor, shift: Tensor, y: Tensor, pixels: int, channels: int, eps: float,
    slope: float, GROUPS: int, **constants: Any,
) -> None:  # fmt: skip
    out = F.group_norm(add_bias(x, bias), GROUPS, weight.float(), shift.float(), eps)
    y.copy_(F.leaky_relu(out, slope))


def lstm_kernel(
    gates: Tensor, bias: Tensor | None, cell: Tensor, next_hidden: Tensor, next_cell: Tensor, *sizes: int, **constants: Any
) -> None:
    i, f, o, new = add_bias(gates, bias).chunk(4, 1)
    now = f.sigmoid() * cell.float() + i.sigmoid() * new.tanh()
    next_hidden.copy_(o.sigmoid() * now.tanh())
    next_cell.copy_(now)


def gru_reset_kernel(gates: Tensor, bias: Tensor | None, state: Tensor, out: Tensor, *sizes: int, **constants: Any) -> None:
    out.copy_(add_bias(gates, bias).chunk(2, 1)[1].sigmoid() * state.float())


def gru_update_kernel(
    gates: Tensor, bias: Tensor | None, candidate: Tensor, candidate_bias: Tensor | None, state: Tensor, out: Tensor,
    *sizes: int, **constants: Any,
) -> None:  # fmt: skip
    update, new = add_bias(gates, bias).chunk(2, 1)[0].sigmoid(), add_bias(candidate, candidate_bias).tanh()
    out.copy_(state.float().lerp(new, update))
