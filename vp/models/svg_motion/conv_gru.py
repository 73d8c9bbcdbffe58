"""Convolutional GRU cell (Ballas et al. 2016, arXiv 1511.06432)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...nn.fused import can_fuse, gru_reset, gru_update, split_bias


class ConvGRUCell(nn.Module):
    """One step of a convolutional GRU; the state is float32 under autocast too.

    Args:
        inputs, hidden: channels.
        kernel: odd side of the square kernel.
    """

    recomputable = True  # activation checkpointing may run forward twice
    fused = True  # False: one launch for every operation on a GPU too

    def __init__(self, inputs: int, hidden: int, kernel: int = 3):
        super().__init__()
        self.gates = nn.Conv2d(inputs + hidden, 2 * hidden, kernel, padding=kernel // 2)
        self.candidate = nn.Conv2d(inputs + hidden, hidden, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Input x (B, inputs, H, W) and state float32 (B, hidden, H, W) to the next state."""
        joined = torch.cat([x, state.to(x.dtype)], 1)
        if self.fused and can_fuse(joined):
            step = self.fused_step(x, joined, state)
            if step is not None:
                return step
        update, reset = self.gates(joined).float().sigmoid().chunk(2, 1)
        candidate = self.candidate(torch.cat([x, (reset * state).to(x.dtype)], 1)).float().tanh()
        return torch.lerp(state, candidate, update)

    def fused_step(self, x: Tensor, joined: Tensor, state: Tensor) -> Tensor | None:
        """The next state with one kernel after each convolution, `joined` is [input, state]; None where kernels do not work."""
        gates, bias = split_bias(self.gates, joined)
        kept = gru_reset(gates, bias, state, x.dtype)
        if kept is None:
            return None
        return gru_update(gates, bias, *split_bias(self.candidate, torch.cat([x, kept], 1)), state)
