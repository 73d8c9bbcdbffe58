"""Convolutional GRU cell (Ballas et al. 2016, arXiv 1511.06432)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ConvGRUCell(nn.Module):
    """One step of a convolutional GRU; the state is float32 under autocast too.

    Args:
        inputs, hidden: channels.
        kernel: odd side of the square kernel.
    """

    recomputable = True  # activation checkpointing may run forward twice

    def __init__(self, inputs: int, hidden: int, kernel: int = 3):
        super().__init__()
        self.gates = nn.Conv2d(inputs + hidden, 2 * hidden, kernel, padding=kernel // 2)
        self.candidate = nn.Conv2d(inputs + hidden, hidden, kernel, padding=kernel // 2)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Input x (B, inputs, H, W) and state float32 (B, hidden, H, W) to the next state."""
        update, reset = self.gates(torch.cat([x, state.to(x.dtype)], 1)).float().sigmoid().chunk(2, 1)
        candidate = self.candidate(torch.cat([x, (reset * state).to(x.dtype)], 1)).float().tanh()
        return torch.lerp(state, candidate, update)
