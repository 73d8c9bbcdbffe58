"""Convolutional LSTM cell (Shi et al. 2015, eq. 3, without the peephole terms)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..core.cpu_fast import is_faster_in_float32, tanh
from .fused import can_fuse, lstm_step, split_bias

ConvState = tuple[Tensor, Tensor]


class ConvLSTMCell(nn.Module):
    """One step of a convolutional LSTM: all four gates from one convolution over [input, hidden].

    Args:
        inputs, hidden: channels.
        kernel: odd side of the square kernel.

    The forget gate's bias starts at 1, so that a fresh cell remembers.
    """

    recomputable = True  # activation checkpointing may run forward twice
    fused = True  # False: one launch for every operation on a GPU too

    def __init__(self, inputs: int, hidden: int, kernel: int = 3):
        super().__init__()
        self.hidden = hidden
        self.gates = nn.Conv2d(inputs + hidden, 4 * hidden, kernel, padding=kernel // 2)
        with torch.no_grad():
            self.gates.bias.zero_()
            self.gates.bias[hidden : 2 * hidden] = 1.0

    def zero_state(self, batch: int, height: int, width: int, like: Tensor) -> ConvState:
        """(h, c) of zeros, each (B, hidden, H, W), with dtype and device of `like`."""
        zeros = like.new_zeros(batch, self.hidden, height, width)
        return zeros, zeros

    def forward(self, x: Tensor, state: ConvState) -> ConvState:
        """Input x (B, inputs, H, W) and state (h, c) to the next (h, c)."""
        h, c = state
        joined = torch.cat([x, h], 1)
        if self.fused and can_fuse(joined):
            step = lstm_step(*split_bias(self.gates, joined), c)
            if step is not None:
                return step
        gates = self.gates(joined)
        narrow = gates.dtype
        if torch.is_inference_mode_enabled():  # without gradients c has the precision of the gates
            gates = gates.float() if is_faster_in_float32(gates) else gates
            c = c.to(gates.dtype)
        gates, new = gates.split([3 * self.hidden, self.hidden], 1)
        i, f, o = gates.sigmoid().chunk(3, 1)
        c = torch.addcmul(f * c, i, tanh(new))
        return (o * tanh(c)).to(narrow), c
